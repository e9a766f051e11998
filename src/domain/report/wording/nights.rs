//! The words about the next night and the night in progress.

use jiff::ZonedDateTime;
use jiff::civil::Date;

use crate::domain::report::figures::{count, day, number};

/// The label of the button that starts a night of a course.
pub const CHECK_ALL: &str = "Check all links now";

pub const NOT_CHECKED_YET: &str = "Not checked yet";

pub const REQUESTED: &str =
    "A check of all links was requested and begins in a moment. Reload this page to see how far it is.";

/// "Next check: Tue 15 Sep, 02:30 EDT."
pub fn next(at: Option<&ZonedDateTime>, today: Date) -> String {
    match at {
        Some(at) => format!("Next check: {}.", moment(at, today)),
        None => "No check is scheduled: the term is over.".to_owned(),
    }
}

fn moment(at: &ZonedDateTime, today: Date) -> String {
    format!("{}, {}", day(at.date(), today), at.strftime("%H:%M %Z"))
}

/// How far the night in progress is; `links` is zero until the pages are read.
pub fn progress(visited: usize, links: usize) -> String {
    match links {
        0 => "the course page is being read".to_owned(),
        _ => format!("{} of {} done", number(visited as u64), count(links, "link")),
    }
}

pub fn running(visited: usize, links: usize) -> String {
    let how_far = progress(visited, links);
    format!("A check is running: {how_far}. Reload this page to see how far it is.")
}

/// The page of a course before its first report, when the check is running.
pub fn first_running(visited: usize, links: usize) -> String {
    format!("{} The readings appear here when it ends.", running(visited, links))
}

/// The page of a course before its first report.
pub fn first_next(at: Option<&ZonedDateTime>, today: Date) -> String {
    match at {
        Some(at) => format!(
            "The first check of this course is on {}. Its readings appear here after that.",
            moment(at, today)
        ),
        None => "No check of this course is scheduled, because its term is over.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_night_has_its_time_and_its_progress() {
        let at: ZonedDateTime = "2026-09-15T02:30[America/New_York]".parse().unwrap();
        let today = date(2026, 9, 14);
        assert_eq!(next(Some(&at), today), "Next check: Tue 15 Sep, 02:30 EDT.");
        assert_eq!(
            running(3, 40),
            "A check is running: 3 of 40 links done. Reload this page to see how far it is."
        );
        assert!(running(0, 0).contains("the course page is being read"));
        assert!(first_next(None, today).contains("its term is over"));
    }
}
