//! Computes when a course's next night starts.
//!
//! A cron expression gives local times of day; this module turns them into instants. A
//! local time that the clocks skip becomes the first instant after the gap. A local time
//! that they repeat counts the first time only. After missed nights, one night is run. This
//! module does not wait.

pub mod start;

use std::str::FromStr as _;

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, TimeZone as _, Timelike as _, Utc};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use sha2::{Digest as _, Sha256};

use crate::domain::course::{CourseId, Term};

/// Two visits closer than this count as one night: a second run on the same day or
/// a daytime recheck must not count twice.
pub const NIGHT_APART: SignedDuration = SignedDuration::from_hours(16);

/// The default schedule: every night at half past two.
pub const DEFAULT: &str = "0 30 2 * * *";

/// Days before the term on which the course is checked and a report shows whether it is
/// ready: one early enough to fix links, one just before the start.
pub const READY_DAYS: [i32; 2] = [21, 7];

/// Nights closer than this are a mistake, such as `*` for the minute.
const APART_AT_LEAST: SignedDuration = SignedDuration::from_hours(1);

/// How many nights of an expression are checked for [`APART_AT_LEAST`]: more than a day of
/// any valid expression.
const LOOKED_AT: usize = 50;

/// A last night further in the future than this was recorded with a wrong clock. A nearer
/// one was run before the clock was set back.
const SET_BACK_AT_MOST: SignedDuration = SignedDuration::from_hours(48);

/// The longest gap of any zone is a day (Samoa, 2011); this is an hour more.
const LONGEST_GAP: SignedDuration = SignedDuration::from_hours(25);

/// When the nights of a course are.
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: cron::Schedule,
    zone: TimeZone,
    term: Option<Term>,
    offset: SignedDuration,
}

/// One scheduled night.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduledNight {
    pub at: Timestamp,
    pub reason: RunReason,
}

/// The reason for a night.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunReason {
    /// The schedule.
    Night,
    /// The course is new.
    First,
    /// A person asked for it.
    Requested,
    /// The term begins in about this many days.
    ReadyForTerm { days_before: i32 },
}

/// A text that is not a schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    #[error(
        "`{text}` has {fields} fields; write six: second, minute, hour, day of month, month, day of week, such as \"{DEFAULT}\" for every night at 2:30"
    )]
    Fields { text: String, fields: usize },
    #[error(
        "`{text}` is not a cron expression ({why}); write for example \"{DEFAULT}\" for every night at 2:30"
    )]
    Cron { text: String, why: String },
    #[error("`{text}` never occurs; write for example \"{DEFAULT}\" for every night at 2:30")]
    Never { text: String },
    #[error(
        "`{text}` comes more often than once an hour; a link is judged by nights, so once a day is enough"
    )]
    TooOften { text: String },
}

impl Schedule {
    /// Reads a cron expression of six or seven fields: second, minute, hour,
    /// day of month, month, day of week (1 is Sunday; names are clearer), year.
    pub fn parse(text: &str, zone: TimeZone) -> Result<Self, InvalidSchedule> {
        let text = text.trim();
        let fields = text.split_whitespace().count();
        if !text.starts_with('@') && !(6..=7).contains(&fields) {
            return Err(InvalidSchedule::Fields { text: text.to_owned(), fields });
        }
        let cron = cron::Schedule::from_str(text)
            .map_err(|why| InvalidSchedule::Cron { text: text.to_owned(), why: why.to_string() })?;
        let schedule = Self { cron, zone, term: None, offset: SignedDuration::ZERO };
        // The starting instant does not matter: an expression without a year is the same every four
        // years, and one with a year is read from the beginning.
        let first: Vec<DateTime> =
            schedule.local_times(DateTime::constant(1971, 1, 1, 0, 0, 0, 0)).take(LOOKED_AT).collect();
        if first.is_empty() {
            return Err(InvalidSchedule::Never { text: text.to_owned() });
        }
        if first.windows(2).any(|pair| pair[1].duration_since(pair[0]) < APART_AT_LEAST) {
            return Err(InvalidSchedule::TooOften { text: text.to_owned() });
        }
        Ok(schedule)
    }

    /// Every day at this local time.
    pub fn daily(at: Time, zone: TimeZone) -> Result<Self, InvalidSchedule> {
        Self::parse(&format!("{} {} {} * * *", at.second(), at.minute(), at.hour()), zone)
    }

    /// Only within the term, and twice before it.
    pub fn within(self, term: Option<Term>) -> Self {
        Self { term, ..self }
    }

    /// Shifts all nights by a time below `spread` that depends on the course, so that many
    /// courses do not all start at the same time. A course always has the same shift, so its
    /// nights stay a day apart.
    pub fn spread(self, course: &CourseId, spread: SignedDuration) -> Self {
        let digest = Sha256::digest(course.as_str().as_bytes());
        let draw = digest.iter().take(8).fold(0_u64, |draw, byte| draw << 8 | u64::from(*byte));
        let seconds = u64::try_from(spread.as_secs()).unwrap_or(0).max(1);
        let offset = SignedDuration::from_secs((draw % seconds).cast_signed());
        Self { offset, ..self }
    }

    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The first night strictly later than an instant; `None` after the end of the term or of
    /// the expression's years.
    pub fn after(&self, instant: Timestamp) -> Option<ScheduledNight> {
        self.slots_around(instant).find(|slot| slot.at > instant)
    }

    /// The next night to run, given when the last one began or ended. It is due if it is not
    /// later than `now`.
    ///
    /// If several nights were missed, only the latest is due, and none after the term. For a
    /// course without any night, it is the first night after
    /// `now`.
    pub fn next(&self, last: Option<Timestamp>, now: Timestamp) -> Option<ScheduledNight> {
        let trusted = now.saturating_add(SET_BACK_AT_MOST).unwrap_or(Timestamp::MAX);
        let last = last.filter(|last| *last <= trusted).unwrap_or(now);
        let missed = self
            .slots_around(last)
            .skip_while(|slot| slot.at <= last)
            .take_while(|slot| slot.at <= now)
            .last()
            .filter(|_| !self.is_over(now));
        missed.or_else(|| self.after(last.max(now)))
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.term.is_some_and(|term| now.to_zoned_datetime(self.zone.clone()).date() > term.last)
    }

    /// All nights in order, from some time before an instant on.
    fn slots_around(&self, instant: Timestamp) -> impl Iterator<Item = ScheduledNight> + '_ {
        let before = instant.saturating_sub(self.offset + LONGEST_GAP).unwrap_or(Timestamp::MIN);
        let from = before.to_zoned_datetime(self.zone.clone()).datetime();
        let last = self.term.map(|term| term.last);
        let first = self.term.map_or(from, |term| from.max(term.first.to_datetime(Time::midnight())));
        let nights = self
            .local_times(first)
            .take_while(move |local| last.is_none_or(|last| local.date() <= last))
            .map(|local| (local, RunReason::Night));
        let ready = self.term.map(|term| self.ready(term)).unwrap_or_default();
        ready.into_iter().chain(nights).filter_map(|(local, reason)| {
            Some(ScheduledNight { at: self.instant(local)?.checked_add(self.offset).ok()?, reason })
        })
    }

    /// The checks before a term: the first scheduled time from each day on. On
    /// a sparse schedule both may be the same, which is then the later one.
    fn ready(&self, term: Term) -> Vec<(DateTime, RunReason)> {
        let mut ready: Vec<(DateTime, RunReason)> = Vec::new();
        for days_before in READY_DAYS {
            let Ok(day) = term.first.checked_sub(days_before.days()) else { continue };
            let Some(local) = self.local_times(day.to_datetime(Time::midnight())).next() else { continue };
            if local.date() < term.first {
                ready.retain(|(other, _)| *other != local);
                ready.push((local, RunReason::ReadyForTerm { days_before }));
            }
        }
        ready
    }

    /// The local times of the expression from a local time on, without a zone.
    fn local_times(&self, from: DateTime) -> impl Iterator<Item = DateTime> + '_ {
        let just_before =
            to_chrono(from).and_then(|from| from.checked_sub_signed(chrono::TimeDelta::seconds(1)));
        just_before
            .into_iter()
            .flat_map(|just_before| self.cron.after_owned(Utc.from_utc_datetime(&just_before)))
            .filter_map(|time| from_chrono(time.naive_utc()))
    }

    /// The instant of a local time: the first of two, or the end of the gap around it.
    fn instant(&self, local: DateTime) -> Option<Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
            AmbiguousOffset::Gap { before, .. } => {
                // The offset before the change gives an instant after the gap.
                let after =
                    before.to_timestamp(local).ok()?.checked_add(SignedDuration::from_nanos(1)).ok()?;
                self.zone.preceding(after).next().map(|transition| transition.timestamp())
            }
        }
    }
}

fn to_chrono(local: DateTime) -> Option<NaiveDateTime> {
    let part = |n: i8| u32::try_from(n).ok();
    NaiveDate::from_ymd_opt(i32::from(local.year()), part(local.month())?, part(local.day())?)?.and_hms_opt(
        part(local.hour())?,
        part(local.minute())?,
        part(local.second())?,
    )
}

fn from_chrono(local: NaiveDateTime) -> Option<DateTime> {
    let part = |n: u32| i8::try_from(n).ok();
    let date = Date::new(i16::try_from(local.year()).ok()?, part(local.month())?, part(local.day())?).ok()?;
    let time = Time::new(part(local.hour())?, part(local.minute())?, part(local.second())?, 0).ok()?;
    Some(date.to_datetime(time))
}

#[cfg(test)]
mod tests;
