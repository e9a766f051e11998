//! Dates written near a link: when the class needs it.
//!
//! No date is better than a wrong one: a date counts where calendars have
//! them (a titled column, the beginning of a row, after "due", in a heading
//! that names a week or begins with it), never in the middle of a citation.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::Context;

/// A list item may say its date within so many characters.
const BEGINNING: usize = 30;

/// One cell of a table row, and the title of its column in lower case.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) title: String,
    pub(super) text: String,
}

/// When a link is needed, as far as the page says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct When {
    pub(super) week: Option<String>,
    pub(super) due: Option<Date>,
}

/// What the headings above say of the time.
#[derive(Clone, Debug, Default)]
pub(super) struct Calendar {
    when: When,
}

impl Calendar {
    /// A heading that names a week or a day starts a new stretch; others leave it.
    pub(super) fn heading(&mut self, text: &str, context: &Context) {
        let week = week(text);
        let begins = find(text, true).filter(|found| found.at == 0 || week.is_some() || names_weekday(text));
        if week.is_some() || begins.is_some() {
            self.when = When { week, due: begins.and_then(|found| found.day(context)) };
        }
    }
}

/// The rows of one table, from the top: a calendar writes the week and the day
/// once, and leaves their cells blank, or lets them span, in the rows that follow.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    above: When,
}

impl Rows {
    /// When the links of the next row are needed. A `short` row lacks the
    /// cells at its left that span from above.
    pub(super) fn next(
        &mut self,
        cells: &[Cell],
        short: bool,
        calendar: &Calendar,
        context: &Context,
    ) -> When {
        let own = of(cells, "", calendar, context);
        if short || leaves_time_blank(cells) {
            let above = &self.above;
            self.above = When { week: above.week.clone().or(own.week), due: above.due.or(own.due) };
        } else {
            self.above = own;
        }
        self.above.clone()
    }
}

/// The cells that would say the week or the day are there, and blank.
fn leaves_time_blank(cells: &[Cell]) -> bool {
    let says_time =
        |cell: &&Cell| ["week", "due", "date", "day", "when"].iter().any(|title| cell.title.contains(title));
    let mut timed: Vec<&Cell> = cells.iter().filter(says_time).collect();
    if cells.iter().all(|cell| cell.title.is_empty()) {
        timed = cells.iter().take(1).collect();
    }
    !timed.is_empty() && timed.iter().all(|cell| cell.text.trim().is_empty())
}

/// When the link of a row is needed. Cells come from a table; a list has a row only.
pub(super) fn of(cells: &[Cell], row: &str, calendar: &Calendar, context: &Context) -> When {
    let mut when = if cells.is_empty() { of_row(row, context) } else { of_cells(cells, context) };
    if when.week.is_none() {
        when.week.clone_from(&calendar.when.week);
    }
    if when.due.is_none() {
        when.due = calendar.when.due;
    }
    when
}

fn of_cells(cells: &[Cell], context: &Context) -> When {
    let titled = |wanted: &str| cells.iter().find(|cell| cell.title.contains(wanted));
    let dated = ["due", "date", "day", "when"]
        .iter()
        .find_map(|title| titled(title).and_then(|cell| find(&cell.text, true)));
    // Without titles, a calendar has its dates in the first columns.
    let leading = || {
        cells
            .iter()
            .take(2)
            .filter(|cell| cell.text.len() <= BEGINNING)
            .find_map(|cell| find(&cell.text, true))
    };
    let numbered =
        titled("week").and_then(|cell| cell.text.trim().parse::<u32>().ok()).map(|n| format!("Week {n}"));
    When {
        week: numbered.or_else(|| cells.iter().take(3).find_map(|cell| week(&cell.text))),
        due: dated.or_else(leading).and_then(|found| found.day(context)),
    }
}

fn of_row(row: &str, context: &Context) -> When {
    let lower = row.to_lowercase();
    let after_due =
        after_word(&lower, "due").and_then(|rest| find(rest, true).filter(|found| found.at <= BEGINNING));
    let leading =
        || find(&lower, false).filter(|found| found.at == 0 || (found.at <= 12 && names_weekday(&lower)));
    When {
        week: week(row).filter(|_| lower.trim_start().starts_with("week")),
        due: after_due.or_else(leading).and_then(|found| found.day(context)),
    }
}

/// What follows a whole word: "Purdue" announces nothing.
fn after_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    text.match_indices(word)
        .map(|(at, _)| (&text[..at], &text[at + word.len()..]))
        .find(|(before, after)| !is_letter(before.chars().next_back()) && !is_letter(after.chars().next()))
        .map(|(_, after)| after)
}

/// "Week 5", as the calendar writes it.
fn week(text: &str) -> Option<String> {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.windows(2).find_map(|pair| {
        let number = pair[1].parse::<u32>().ok().filter(|n| (1..=60).contains(n))?;
        pair[0].eq_ignore_ascii_case("week").then(|| format!("Week {number}"))
    })
}

fn names_weekday(text: &str) -> bool {
    const DAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    text.to_lowercase()
        .split(|c: char| !c.is_alphabetic())
        .any(|word| DAYS.iter().any(|day| word == *day || (word.starts_with(day) && word.ends_with("day"))))
}

/// A date found in a text; the year may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    /// Byte offset of its first token, 0 also where only a weekday stands before.
    at: usize,
    year: Option<i16>,
    month: i8,
    day: i8,
}

impl Found {
    /// The day, with the year that brings it into the term, or nearest to today.
    fn day(self, context: &Context) -> Option<Date> {
        if let Some(year) = self.year {
            return Date::new(year, self.month, self.day).ok();
        }
        let middle = context.term.map_or(context.today, |term| {
            let half = term.last.since(term.first).map_or(0, |span| span.get_days()) / 2;
            term.first.checked_add(half.days()).unwrap_or(term.first)
        });
        (-1..=1)
            .filter_map(|years| Date::new(middle.year() + years, self.month, self.day).ok())
            .min_by_key(|day| day.since(middle).map_or(i32::MAX, |span| span.get_days().abs()))
    }
}

/// The first date in a text. `numeric` also takes `3/27`, which elsewhere is a fraction.
fn find(text: &str, numeric: bool) -> Option<Found> {
    let tokens = tokens(text);
    (0..tokens.len()).find_map(|place| {
        let (at, token) = tokens[place];
        let next = |ahead: usize| tokens.get(place + ahead).map(|(_, token)| *token);
        let only_weekdays_before = tokens[..place].iter().all(|(_, token)| names_weekday(token));
        let at = if only_weekdays_before { 0 } else { at };
        let found = |month, day, year| Some(Found { at, year, month, day });
        if let Some(month) = month(token) {
            let day = next(1).and_then(day_of_month)?;
            return found(month, day, next(2).and_then(year));
        }
        let numbers_a_week = place > 0 && tokens[place - 1].1.eq_ignore_ascii_case("week");
        if let (false, Some(day), Some(month)) =
            (numbers_a_week, day_of_month(token), next(1).and_then(month))
        {
            return found(month, day, next(2).and_then(year));
        }
        if let Some(day) = iso(token) {
            return found(day.month(), day.day(), Some(day.year()));
        }
        let (month, day, year) = slashed(token).filter(|_| numeric)?;
        found(month, day, year)
    })
}

fn tokens(text: &str) -> Vec<(usize, &str)> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '/' | '-');
    let mut tokens = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (is_part(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                // A range counts by its first day: "Apr 3-5", "10/3-10/5".
                let token = &text[from..at];
                let first = if iso(token).is_some() {
                    token
                } else {
                    token.split(['-', '–']).next().unwrap_or(token)
                };
                tokens.push((from, first));
                start = None;
            }
            _ => {}
        }
    }
    tokens
}

fn month(token: &str) -> Option<i8> {
    const MONTHS: &[&str] = &[
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let token = token.to_lowercase();
    let place = MONTHS.iter().position(|month| {
        token == *month || token == month[..3] || (token == "sept" && *month == "september")
    })?;
    i8::try_from(place + 1).ok()
}

fn day_of_month(token: &str) -> Option<i8> {
    let digits = token.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = &token[digits.len()..];
    let fits = matches!(suffix.to_lowercase().as_str(), "" | "st" | "nd" | "rd" | "th") && digits.len() <= 2;
    digits.parse().ok().filter(|day| fits && (1..=31).contains(day))
}

fn year(token: &str) -> Option<i16> {
    token.parse().ok().filter(|year| token.len() == 4 && (1990..2100).contains(year))
}

fn iso(token: &str) -> Option<Date> {
    let mut parts = token.split('-');
    let (year, month, day) = (year(parts.next()?)?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then(|| Date::new(year, month, day).ok()).flatten()
}

fn slashed(token: &str) -> Option<(i8, i8, Option<i16>)> {
    let mut parts = token.split('/');
    let (month, day) = (parts.next()?.parse::<i8>().ok()?, parts.next()?.parse::<i8>().ok()?);
    let year = parts.next().and_then(|part| match part.len() {
        2 => part.parse::<i16>().ok().map(|short| 2000 + short),
        _ => year(part),
    });
    ((1..=12).contains(&month) && (1..=31).contains(&day) && parts.next().is_none())
        .then_some((month, day, year))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::course::Term;

    fn context() -> Context<'static> {
        let term = Term { first: date(2026, 3, 30), last: date(2026, 6, 5) };
        Context { base: None, term: Some(term), today: date(2026, 11, 23), kinds: &[] }
    }

    fn row(text: &str) -> Option<Date> {
        of(&[], text, &Calendar::default(), &context()).due
    }

    fn cells(cells: &[(&str, &str)]) -> When {
        let cells: Vec<Cell> = cells
            .iter()
            .map(|(title, text)| Cell { title: (*title).to_owned(), text: (*text).to_owned() })
            .collect();
        of(&cells, "", &Calendar::default(), &context())
    }

    #[test]
    fn a_calendar_row_gives_week_and_day() {
        let when = cells(&[("week", "3"), ("date", "Wed Apr 15"), ("topic", "Flows (2015)")]);
        assert_eq!(when, When { week: Some("Week 3".to_owned()), due: Some(date(2026, 4, 15)) });
        assert_eq!(cells(&[("date", "4/15"), ("topic", "x")]).due, Some(date(2026, 4, 15)));
        assert_eq!(cells(&[("", "Week 2"), ("", "15 April"), ("", "x")]).due, Some(date(2026, 4, 15)));
        assert_eq!(cells(&[("date", "Apr 13-17")]).due, Some(date(2026, 4, 13)));
        assert_eq!(cells(&[("date", "2026-04-15")]).due, Some(date(2026, 4, 15)));
    }

    #[test]
    fn only_a_whole_word_announces_a_day() {
        assert_eq!(row("A. Smith (Purdue, 12 May 2020)"), None);
        assert_eq!(row("Purdue notes, due 12 May 2020"), Some(date(2020, 5, 12)));
    }

    #[test]
    fn what_a_row_leaves_blank_stands_in_the_row_above() {
        let row = |date: &str| {
            [("week", ""), ("date", date), ("topic", "a paper")]
                .map(|(title, text)| Cell { title: title.to_owned(), text: text.to_owned() })
        };
        let mut rows = Rows::default();
        let mut due = |date| rows.next(&row(date), false, &Calendar::default(), &context()).due;
        assert_eq!(due(""), None);
        assert_eq!(due("Apr 8"), Some(date(2026, 4, 8)));
        assert_eq!(due(""), Some(date(2026, 4, 8)));
        assert_eq!(due("to be announced"), None);
        assert_eq!(due(""), None, "not the day of a row further up");
        let mut untitled = Rows::default();
        let cells = |text: &str| {
            [
                Cell { title: String::new(), text: text.to_owned() },
                Cell { title: String::new(), text: "a paper".to_owned() },
            ]
        };
        assert_eq!(
            untitled.next(&cells("Apr 8"), false, &Calendar::default(), &context()).due,
            Some(date(2026, 4, 8))
        );
        assert_eq!(
            untitled.next(&cells(""), false, &Calendar::default(), &context()).due,
            Some(date(2026, 4, 8))
        );
    }

    #[test]
    fn a_list_item_says_its_day_at_the_beginning_or_after_due() {
        assert_eq!(row("Wed, April 15: read this"), Some(date(2026, 4, 15)));
        assert_eq!(row("Read this paper, due 4/15"), Some(date(2026, 4, 15)));
        assert_eq!(row("Apr 15th - read"), Some(date(2026, 4, 15)));
    }

    #[test]
    fn citations_are_no_calendar() {
        for text in [
            "Attention Is All You Need (Vaswani et al., NeurIPS 2017)",
            "Pixel RNNs (June 12, 2016), a paper",
            "3/4 of the readings",
            "May we read this",
            "Section 2-3 of the book",
        ] {
            assert_eq!(row(text), None, "{text}");
        }
    }

    #[test]
    fn the_year_is_that_of_the_term() {
        let autumn = Term { first: date(2026, 9, 21), last: date(2027, 1, 20) };
        let context = Context { term: Some(autumn), ..context() };
        let due = |text| of(&[], text, &Calendar::default(), &context).due;
        assert_eq!(due("Oct 1: read"), Some(date(2026, 10, 1)));
        assert_eq!(due("Jan 11: read"), Some(date(2027, 1, 11)));
    }

    #[test]
    fn headings_date_what_stands_under_them() {
        let mut calendar = Calendar::default();
        calendar.heading("Week 5 (Apr 22)", &context());
        assert_eq!(of(&[], "a paper", &calendar, &context()).due, Some(date(2026, 4, 22)));
        calendar.heading("Papers", &context());
        assert_eq!(of(&[], "a paper", &calendar, &context()).week.as_deref(), Some("Week 5"));
        calendar.heading("Week 6", &context());
        assert_eq!(of(&[], "a paper", &calendar, &context()).due, None);
    }
}
