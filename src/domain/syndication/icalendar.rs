//! iCalendar (RFC 5545): one event of a whole day for each day with readings.

use std::fmt::Write as _;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

/// The longest line in octets, without its end (RFC 5545 section 3.1).
const LINE: usize = 75;
/// The names of readings in the title of an event.
const NAMED: usize = 3;

/// The readings of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueDay {
    pub day: Date,
    pub readings: Vec<DueReading>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueReading {
    pub name: String,
    pub address: String,
}

/// The calendar of a course.
#[derive(Clone, Debug)]
pub struct Calendar<'a> {
    /// The id of the course, in the ids of the events.
    pub course: &'a str,
    pub title: &'a str,
    /// The address of the list.
    pub page: &'a str,
    /// When the due dates were read.
    pub as_of: Timestamp,
    pub days: &'a [DueDay],
}

impl Calendar<'_> {
    /// The file.
    pub fn to_text(&self) -> String {
        let mut out = Lines::default();
        out.line("BEGIN:VCALENDAR");
        out.line("VERSION:2.0");
        out.line("PRODID:-//Onreserve//Due readings//EN");
        out.line("CALSCALE:GREGORIAN");
        out.line("METHOD:PUBLISH");
        let name = escaped(&format!("Readings of {}", self.title));
        out.line(&format!("NAME:{name}"));
        out.line(&format!("X-WR-CALNAME:{name}"));
        // How often programs ask again (RFC 7986 section 5.7).
        out.line("REFRESH-INTERVAL;VALUE=DURATION:PT12H");
        for due in self.days {
            self.event(due, &mut out);
        }
        out.line("END:VCALENDAR");
        out.0
    }

    fn event(&self, due: &DueDay, out: &mut Lines) {
        let names: Vec<&str> = due.readings.iter().take(NAMED).map(|reading| reading.name.as_str()).collect();
        let more = if due.readings.len() > NAMED { ", ..." } else { "" };
        let description: Vec<String> =
            due.readings.iter().map(|reading| format!("{}\n{}", reading.name, reading.address)).collect();
        out.line("BEGIN:VEVENT");
        out.line(&format!("UID:{}-{}@onreserve", self.course, due.day));
        out.line(&format!("DTSTAMP:{}", self.as_of.strftime("%Y%m%dT%H%M%SZ")));
        out.line(&format!("DTSTART;VALUE=DATE:{}", due.day.strftime("%Y%m%d")));
        out.line(&format!("DTEND;VALUE=DATE:{}", due.day.saturating_add(1.day()).strftime("%Y%m%d")));
        out.line(&format!("SUMMARY:{}", escaped(&format!("Read: {}{more}", names.join(", ")))));
        out.line(&format!("DESCRIPTION:{}", escaped(&description.join("\n\n"))));
        out.line(&format!("URL:{}", self.page));
        // The day stays free for appointments.
        out.line("TRANSP:TRANSPARENT");
        out.line("END:VEVENT");
    }
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    /// Adds a line, folded without cutting a character (RFC 5545 section 3.1).
    fn line(&mut self, text: &str) {
        let mut rest = text;
        let mut room = LINE;
        loop {
            let end = rest.floor_char_boundary(room);
            let (part, behind) = rest.split_at(end);
            // Writing to a string cannot fail.
            let _ = write!(self.0, "{part}\r\n");
            if behind.is_empty() {
                return;
            }
            self.0.push(' ');
            rest = behind;
            room = LINE - 1;
        }
    }
}

/// Text as a value (RFC 5545 section 3.3.11).
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn calendar(names: &[&str]) -> String {
        let reading = |name: &&str| DueReading {
            name: (*name).to_owned(),
            address: "https://links.school.example/go/0123456789abcdef".to_owned(),
        };
        let days = [DueDay { day: date(2026, 12, 31), readings: names.iter().map(reading).collect() }];
        Calendar {
            course: "dgm",
            title: "Deep Models",
            page: "https://links.school.example/c/dgm/",
            as_of: "2026-09-14T02:31:00Z".parse().unwrap(),
            days: &days,
        }
        .to_text()
    }

    #[test]
    fn a_calendar_has_an_event_for_each_day() {
        let text = calendar(&["Scores; noise, and \\ more", "B", "C", "D"]);
        insta::assert_snapshot!(text.replace('\r', ""));
    }

    proptest! {
        /// No name of a reading adds a line or a property.
        #[test]
        fn names_stay_in_their_lines(name in "\\PC{0,200}(\r\n|\n|:|;)?[a-zA-Z:é漢]{0,60}") {
            let text = calendar(&[&name]);
            prop_assert!(text.split("\r\n").all(|line| line.len() <= LINE && !line.contains(['\r', '\n'])));
            let unfolded = text.replace("\r\n ", "");
            let properties = unfolded.matches("\r\n").count();
            prop_assert_eq!(properties, calendar(&["x"]).replace("\r\n ", "").matches("\r\n").count());
        }
    }
}
