//! Finds the time in a heading, an item or a cell, by the position of a date in its text:
//! at the beginning, in parentheses, after a dash, after "due".

use jiff::civil::Date;

use super::date::{self, DateExpr};
use super::day_parts::DateForm;
use super::meaning::Meaning;
use super::resolve::{Dating, Order};
use super::token::{LINK, MARK_END, Token, folded, has_digit};
use super::vocabulary::{first_tokens, has, is_only, length_at, tokens};
use super::week;

/// The week and the day in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::domain::page) struct Label {
    pub(in crate::domain::page) week: Option<u32>,
    /// The day of the class.
    pub(in crate::domain::page) day: Option<Date>,
    /// The day of a deadline.
    pub(in crate::domain::page) deadline: Option<Date>,
}

impl Label {
    pub(in crate::domain::page) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A week at the beginning of a text ends within so many tokens.
const START_TOKENS: usize = 24;
/// Characters that can be before a date.
const BEFORE: &str = "([（【「—–-:：,，|·•;~、/";
/// Characters that can be after it.
const BEHIND: &str = ")]）】」—–-:：,，|·•;.。、";

/// A heading, a bold line, a summary or a term, which gives the time for the content after it.
pub(in crate::domain::page) fn heading(text: &str, dating: &Dating) -> Label {
    let folded = folded(text);
    let read = LabelText::new(&folded, dating);
    let mut label = Label { week: read.week_anywhere(), ..Label::default() };
    for expr in &read.dates {
        let Some(place) = read.place(expr) else { continue };
        let is_closed = read.ends(expr) || (place == Place::Start && expr.form != DateForm::Dotted);
        let Some(day) = dating.day(expr).filter(|day| is_closed && !dating.is_of_another_time(*day)) else {
            continue;
        };
        match place {
            Place::Deadline if label.deadline.is_none() => label.deadline = Some(day),
            Place::Start | Place::Parted | Place::Before if label.day.is_none() => label.day = Some(day),
            _ => {}
        }
    }
    label
}

/// A list item or paragraph, with marks at the beginnings and ends of its links.
pub(in crate::domain::page) fn item(text: &str, dating: &Dating, order: Order) -> Label {
    let folded = folded(text);
    if !has_digit(&folded) {
        return Label { week: LabelText::start(&folded).week_at_start(), ..Label::default() };
    }
    let read = LabelText::new(&folded, dating);
    let days = LeadDates::of(&read).days(dating, order);
    Label { week: read.week_at_start(), ..days }
}

/// The dates of an item that give its day and its deadline, before the order of their
/// numbers is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::domain::page) struct LeadDates {
    days: Box<[DateExpr]>,
    deadlines: Box<[DateExpr]>,
}

impl LeadDates {
    fn of(read: &LabelText) -> Self {
        let (mut days, mut deadlines) = (Vec::new(), Vec::new());
        for expr in &read.dates {
            let Some(place) = read.place(expr) else { continue };
            let is_day = match place {
                Place::Start => expr.form == DateForm::Sure || read.ends(expr),
                Place::Parted => read.ends(expr) && read.is_label_before(expr.start),
                Place::Before => read.ends(expr) && (expr.form != DateForm::Dotted),
                Place::Deadline => false,
            };
            if place == Place::Deadline {
                deadlines.push(expr.clone());
            } else if is_day {
                days.push(expr.clone());
            }
        }
        Self { days: days.into(), deadlines: deadlines.into() }
    }

    /// The day and the deadline.
    pub(in crate::domain::page) fn days(&self, dating: &Dating, order: Order) -> Label {
        let first = |dates: &[DateExpr]| {
            let mut days = dates.iter().filter_map(|expr| dating.day_in(expr, order));
            days.find(|day| !dating.is_of_another_time(*day))
        };
        Label { week: None, day: first(&self.days), deadline: first(&self.deadlines) }
    }
}

/// The times in a table cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::domain::page) struct CellText {
    /// The dates that count in a column of dates.
    pub(in crate::domain::page) dates: Box<[DateExpr]>,
    pub(in crate::domain::page) leads: LeadDates,
    /// It has a time and nothing else.
    pub(in crate::domain::page) is_only_time: bool,
    /// The week in a separate cell: "Week 3", "Wk1: Sep 8".
    pub(in crate::domain::page) week: Option<u32>,
}

impl CellText {
    pub(in crate::domain::page) fn read(text: &str, dating: &Dating) -> Self {
        let folded = folded(text);
        let read = LabelText::new(&folded, dating);
        let is_only_time = read.is_only_time();
        let week = if is_only_time { read.week_at_start() } else { None };
        let leads = LeadDates::of(&read);
        let LabelText { tokens, dates } = read;
        let first_other = (0..tokens.len()).find(|at| length_at(&tokens, *at, Meaning::Other).is_some());
        let is_own = |expr: &DateExpr| expr.start == 0 || first_other.is_none_or(|other| expr.start <= other);
        Self { dates: dates.into_iter().filter(is_own).collect(), leads, is_only_time, week }
    }
}

/// Whether the text has a time and nothing else.
pub(in crate::domain::page) fn is_only_time(text: &str, dating: &Dating) -> bool {
    LabelText::new(&folded(text), dating).is_only_time()
}

/// Whether a text is about work with a deadline.
pub(in crate::domain::page) fn names_assignment(text: &str) -> bool {
    has(&tokens(&folded(text)), Meaning::Assignment)
}

/// Whether a heading is about past events and not about readings.
pub(in crate::domain::page) fn names_news(text: &str) -> bool {
    is_only(&tokens(&folded(text)), Meaning::News)
}

/// The position of a date in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Start,
    /// After a character that separates it from the text before.
    Parted,
    /// After "for", "by", "week of".
    Before,
    Deadline,
}

struct LabelText<'a> {
    tokens: Vec<Token<'a>>,
    dates: Vec<DateExpr>,
}

impl<'a> LabelText<'a> {
    /// The beginning of a text that has no date.
    fn start(folded: &'a str) -> Self {
        Self { tokens: first_tokens(folded, START_TOKENS), dates: Vec::new() }
    }

    fn new(folded: &'a str, dating: &Dating) -> Self {
        let tokens = tokens(folded);
        let dates = date::find(&tokens, &dating.languages);
        let dots = dating.languages.write_dots();
        let is_meant =
            |expr: &DateExpr| dots || expr.form != DateForm::Dotted || is_followed_by_colon(&tokens, expr);
        let dates = dates.into_iter().filter(is_meant).collect();
        Self { tokens, dates }
    }

    fn place(&self, expr: &DateExpr) -> Option<Place> {
        let mut at = expr.start;
        let mut has_parted = false;
        // Back over punctuation and filler words, to the word that gives the meaning of the day.
        while at > 0 {
            let token = &self.tokens[at - 1];
            if token.is_marker() && token.sign() != Some(LINK) {
                at -= 1;
            } else if let Some(sign) = token.sign() {
                has_parted |= BEFORE.contains(sign)
                    && !(sign == '/' || (token.is_glued && self.tokens[at].is_glued && sign == '-'));
                if !BEFORE.contains(sign) && !".\"'*#".contains(sign) {
                    break;
                }
                at -= 1;
            } else if let Some(word) = self.word_ending_at(at, Meaning::Filler) {
                at -= word;
            } else {
                break;
            }
        }
        for (meaning, place) in [(Meaning::Deadline, Place::Deadline), (Meaning::Before, Place::Before)] {
            if self.phrase_near(at, expr.start, meaning) {
                return Some(place);
            }
        }
        if self.word_ending_at(at, Meaning::Other).is_some() {
            return None;
        }
        if self.tokens[..expr.start].iter().all(|token| token.sign().is_some()) {
            return Some(Place::Start);
        }
        (has_parted || self.is_label_before(expr.start)).then_some(Place::Parted)
    }

    /// Whether a phrase ends between two places, or right before the first.
    fn phrase_near(&self, from: usize, to: usize, meaning: Meaning) -> bool {
        let ends = |end: usize| self.word_ending_at(end, meaning).is_some();
        (from..=to).any(ends)
    }

    /// The length of a phrase whose last token is before a place.
    fn word_ending_at(&self, end: usize, meaning: Meaning) -> Option<usize> {
        (1..=4.min(end)).rev().find(|length| length_at(&self.tokens, end - length, meaning) == Some(*length))
    }

    /// Whether only the number of a class or week is before a place.
    fn is_label_before(&self, end: usize) -> bool {
        let mut at = 0;
        let mut has_label = false;
        while at < end {
            if let Some((_, next)) = week::at(&self.tokens, at) {
                has_label = true;
                at = next;
            } else if let Some(length) = length_at(&self.tokens, at, Meaning::Session) {
                has_label = true;
                at += length;
            } else if self.tokens[at].word().is_none()
                || length_at(&self.tokens, at, Meaning::Filler).is_some()
                || length_at(&self.tokens, at, Meaning::Before).is_some()
            {
                at += 1;
            } else {
                return false;
            }
        }
        has_label
    }

    /// Whether the text after a date continues as after a label.
    fn ends(&self, expr: &DateExpr) -> bool {
        let Some(next) = self.tokens.get(expr.end) else { return true };
        next.sign().is_some_and(|sign| BEHIND.contains(sign) || matches!(sign, LINK | MARK_END))
            || length_at(&self.tokens, expr.end, Meaning::Deadline).is_some()
    }

    /// A week at the beginning, or after a character that separates it from a topic.
    fn week_anywhere(&self) -> Option<u32> {
        self.week_at_start().or_else(|| {
            (1..self.tokens.len()).filter(|at| self.tokens[at - 1].is_sign("([（【—–-:：,|·")).find_map(
                |at| {
                    let (week, end) = week::at(&self.tokens, at)?;
                    let closes = self.tokens.get(end).is_none_or(|token| token.is_sign(BEHIND));
                    closes.then_some(week)
                },
            )
        })
    }

    fn week_at_start(&self) -> Option<u32> {
        let at = self.tokens.iter().position(|token| token.sign().is_none_or(|sign| sign == '#'))?;
        week::at(&self.tokens, at).map(|(week, _)| week)
    }

    fn is_only_time(&self) -> bool {
        let mut at = 0;
        let mut says_time = false;
        while at < self.tokens.len() {
            if let Some(expr) = self.dates.iter().find(|expr| expr.start == at) {
                says_time = true;
                at = expr.end;
            } else if let Some((_, end)) = week::at(&self.tokens, at) {
                says_time = true;
                at = end;
            } else if let Some(length) =
                [Meaning::Session, Meaning::Before, Meaning::Deadline, Meaning::Filler]
                    .iter()
                    .find_map(|meaning| length_at(&self.tokens, at, *meaning))
            {
                at += length;
            } else if self.tokens[at].word().is_none() && self.tokens[at].sign() != Some(LINK) {
                at += 1;
            } else {
                return false;
            }
        }
        says_time
    }
}

/// "2.1.: heaps" begins with a day; "2.1. Heaps" with the number of a section.
fn is_followed_by_colon(tokens: &[Token], expr: &DateExpr) -> bool {
    tokens.get(expr.end).is_none_or(|token| token.is_sign(":：–—)"))
}
