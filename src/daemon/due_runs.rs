//! Decides which runs are due now, and when the next one is. It does not wait.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp, ZonedDateTime};

use crate::config::DaemonSettings;
use crate::domain::course::CourseId;
use crate::domain::schedule::{NIGHT_APART, RunReason, Schedule};
use crate::world::catalogue::LastNight;

/// A recheck that would be later than this is skipped; the next night is soon enough.
const LATEST_RECHECK: SignedDuration = SignedDuration::from_hours(1);

/// A last night that seems to be this far in the future ran under a wrong clock.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// The courses whose last night seems to be in the future. Without a correction they would
/// wait until then.
pub(super) fn ahead_of_clock(nights: &HashMap<CourseId, LastNight>, now: Timestamp) -> Vec<CourseId> {
    let ahead = nights.iter().filter(|(_, last)| last.at.duration_since(now) > AHEAD);
    ahead.map(|(course, _)| course.clone()).collect()
}

/// A new course waits for its scheduled night if that is so near.
const NEAR: SignedDuration = SignedDuration::from_mins(15);

/// The new courses whose first night is now: all except those whose term is over, and those
/// whose scheduled night is near.
pub(super) fn first_nights(settings: &DaemonSettings, new: &[CourseId], now: Timestamp) -> HashSet<CourseId> {
    let is_now = |course: &&CourseId| {
        let next = settings.nights.get(*course).and_then(|schedule| schedule.after(now));
        next.is_some_and(|next| next.at.duration_since(now) > NEAR)
    };
    new.iter().filter(is_now).cloned().collect()
}

/// When each course has its next night, in its time zone.
pub(super) fn next_nights(settings: &DaemonSettings, now: Timestamp) -> HashMap<CourseId, ZonedDateTime> {
    let next = settings.nights.iter().filter_map(|(course, schedule)| {
        Some((course.clone(), schedule.after(now)?.at.to_zoned_datetime(schedule.zone().clone())))
    });
    next.collect()
}

/// The other courses that have a night so near to this one that both count as one night.
pub(super) fn courses_beside(settings: &DaemonSettings, due: &[CourseId], now: Timestamp) -> Vec<CourseId> {
    let from = now.saturating_sub(NIGHT_APART).unwrap_or(Timestamp::MIN);
    let until = now.saturating_add(NIGHT_APART).unwrap_or(Timestamp::MAX);
    let is_beside = |course: &CourseId, schedule: &Schedule| {
        !due.contains(course) && schedule.after(from).is_some_and(|slot| slot.at < until)
    };
    let beside = settings.nights.iter().filter(|(course, schedule)| is_beside(course, schedule));
    beside.map(|(course, _)| course.clone()).collect()
}

/// The runs so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunHistory<'a> {
    /// The last night of each course; a course without an entry waits.
    pub nights: &'a HashMap<CourseId, LastNight>,
    pub rechecks: &'a HashMap<CourseId, Timestamp>,
    /// Courses that have their night now without regard to the schedule, with the reason.
    pub unscheduled: &'a HashMap<CourseId, RunReason>,
    /// Interrupted nights wait for the retry delay.
    pub is_backing_off: bool,
}

/// A course whose night is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DueNight {
    pub course: CourseId,
    /// `None` for an interrupted night.
    pub reason: Option<RunReason>,
    pub is_resumed: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DueRuns {
    /// Courses that run now, in one night.
    pub nights: Vec<DueNight>,
    pub rechecks: Vec<CourseId>,
    /// When the next run is due, if none is now; `None` if no run is to come.
    pub wake: Option<Timestamp>,
}

impl DueNight {
    fn is_requested(&self) -> bool {
        self.reason == Some(RunReason::Requested)
    }
}

/// The nights that run now, and whether people requested them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NightsNow {
    pub due: Vec<DueNight>,
    /// A night that a person requested visits all links, whatever the crawl budgets are.
    pub are_requested: bool,
}

impl DueRuns {
    /// The nights that run now. With crawl budgets, those that people requested run first, and
    /// without the others.
    pub(super) fn nights_now(self, has_budgets: bool) -> NightsNow {
        let are_requested = has_budgets && self.nights.iter().any(DueNight::is_requested);
        let runs_now = |night: &DueNight| !are_requested || night.is_requested();
        NightsNow { due: self.nights.into_iter().filter(runs_now).collect(), are_requested }
    }

    pub(super) fn of(settings: &DaemonSettings, past: RunHistory<'_>, now: Timestamp) -> Self {
        let mut due_runs = Self::default();
        let mut later = Vec::new();
        for (course, schedule) in &settings.nights {
            if let Some(reason) = past.unscheduled.get(course) {
                let reason = Some(*reason);
                due_runs.nights.push(DueNight { course: course.clone(), reason, is_resumed: false });
                continue;
            }
            let Some(last) = past.nights.get(course) else { continue };
            if !last.is_over && !past.is_backing_off {
                due_runs.nights.push(DueNight { course: course.clone(), reason: None, is_resumed: true });
                continue;
            }
            match schedule.next(Some(last.at), now) {
                Some(slot) if slot.at <= now => {
                    let reason = Some(slot.reason);
                    due_runs.nights.push(DueNight { course: course.clone(), reason, is_resumed: false });
                }
                Some(slot) => later.push(slot.at),
                None => {}
            }
        }
        for (course, schedule) in &settings.rechecks {
            let last = past.rechecks.get(course).copied();
            match schedule.next(last, now) {
                Some(slot) if slot.at > now => later.push(slot.at),
                Some(slot) if now.duration_since(slot.at) <= LATEST_RECHECK => {
                    due_runs.rechecks.push(course.clone())
                }
                Some(_) => later.extend(schedule.after(now).map(|slot| slot.at)),
                None => {}
            }
        }
        due_runs.wake = later.into_iter().min();
        due_runs
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::schedule::DEFAULT;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn fifty(spread: SignedDuration) -> DaemonSettings {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let mut settings = DaemonSettings::default();
        for n in 0..50 {
            let id: CourseId = format!("course-{n}").parse().unwrap();
            let schedule = Schedule::parse(DEFAULT, zone.clone()).unwrap();
            let recheck = Schedule::daily(jiff::civil::time(13, 0, 0, 0), zone.clone()).unwrap();
            settings.nights.insert(id.clone(), schedule.spread(&id, spread));
            settings.rechecks.insert(id, recheck);
        }
        settings
    }

    fn all_at(settings: &DaemonSettings, at: Timestamp, is_over: bool) -> HashMap<CourseId, LastNight> {
        settings.nights.keys().map(|course| (course.clone(), LastNight { at, is_over })).collect()
    }

    fn rechecks(settings: &DaemonSettings, at: Timestamp) -> HashMap<CourseId, Timestamp> {
        settings.rechecks.keys().map(|course| (course.clone(), at)).collect()
    }

    #[test]
    fn fifty_courses_at_once_run_together() {
        let settings = fifty(SignedDuration::ZERO);
        let yesterday = at("2026-11-09T12:30:00Z");
        let (nights, rechecks) = (all_at(&settings, yesterday, true), rechecks(&settings, yesterday));
        let past = RunHistory {
            nights: &nights,
            rechecks: &rechecks,
            unscheduled: &HashMap::new(),
            is_backing_off: false,
        };
        let before = DueRuns::of(&settings, past, at("2026-11-10T01:29:59Z"));
        assert_eq!((before.nights.len(), before.wake), (0, Some(at("2026-11-10T01:30:00Z"))));
        let then = DueRuns::of(&settings, past, at("2026-11-10T01:30:00Z"));
        assert_eq!(then.nights.len(), 50);
    }

    #[test]
    fn courses_of_one_night_share_crawl_budgets() {
        let mut settings = fifty(SignedDuration::from_mins(30));
        let now = at("2026-11-10T01:40:00Z");
        let (first, second) = ("course-0".parse().unwrap(), "course-1".parse().unwrap());
        assert_eq!(courses_beside(&settings, std::slice::from_ref(&first), now).len(), 49);
        let sundays = Schedule::parse("0 30 2 * * Sun", TimeZone::UTC).unwrap();
        settings.nights.insert(second, sundays);
        assert_eq!(courses_beside(&settings, &[first], now).len(), 48, "a night of another day");
    }

    #[test]
    fn with_crawl_budgets_a_requested_night_runs_alone() {
        let due = |course: &str, reason| DueNight {
            course: course.parse().unwrap(),
            reason: Some(reason),
            is_resumed: false,
        };
        let nights = vec![due("a", RunReason::Night), due("b", RunReason::Requested)];
        let now = |nights: &[DueNight], has_budgets| {
            let now = DueRuns { nights: nights.to_vec(), ..DueRuns::default() }.nights_now(has_budgets);
            (now.due, now.are_requested)
        };
        assert_eq!(now(&nights, true), (nights[1..].to_vec(), true));
        assert_eq!(now(&nights[..1], true), (nights[..1].to_vec(), false));
        assert_eq!(now(&nights, false), (nights, false));
    }

    #[test]
    fn fifty_courses_that_spread_run_each_once_a_night() {
        let settings = fifty(SignedDuration::from_mins(30));
        let mut nights = all_at(&settings, at("2026-11-09T12:30:00Z"), true);
        let rechecks = rechecks(&settings, at("2026-11-10T12:00:00Z"));
        let mut now = at("2026-11-10T00:00:00Z");
        let mut runs = 0;
        let mut served = 0;
        while now < at("2026-11-10T10:00:00Z") {
            let due_runs = DueRuns::of(
                &settings,
                RunHistory {
                    nights: &nights,
                    rechecks: &rechecks,
                    unscheduled: &HashMap::new(),
                    is_backing_off: false,
                },
                now,
            );
            if due_runs.nights.is_empty() {
                now = due_runs.wake.unwrap();
                continue;
            }
            runs += 1;
            served += due_runs.nights.len();
            // Each night takes two minutes.
            now = now.checked_add(SignedDuration::from_mins(2)).unwrap();
            for due in due_runs.nights {
                nights.insert(due.course, LastNight { at: now, is_over: true });
            }
        }
        assert_eq!(served, 50);
        assert!((10..=16).contains(&runs), "{runs}");
    }

    #[test]
    fn an_interrupted_night_resumes_unless_it_backs_off() {
        let settings = fifty(SignedDuration::ZERO);
        let nights = all_at(&settings, at("2026-11-10T01:30:00Z"), false);
        let rechecks = rechecks(&settings, at("2026-11-10T01:30:00Z"));
        let now = at("2026-11-10T02:00:00Z");
        let due_runs = DueRuns::of(
            &settings,
            RunHistory {
                nights: &nights,
                rechecks: &rechecks,
                unscheduled: &HashMap::new(),
                is_backing_off: false,
            },
            now,
        );
        assert!(due_runs.nights.len() == 50 && due_runs.nights.iter().all(|due| due.is_resumed));
        let resting = DueRuns::of(
            &settings,
            RunHistory {
                nights: &nights,
                rechecks: &rechecks,
                unscheduled: &HashMap::new(),
                is_backing_off: true,
            },
            now,
        );
        assert_eq!(resting.nights, []);
    }

    #[test]
    fn a_night_under_a_clock_that_was_ahead_does_not_delay_the_next() {
        let settings = fifty(SignedDuration::ZERO);
        let mut nights = all_at(&settings, at("2027-11-10T01:31:00Z"), true);
        let now = at("2026-11-10T12:00:00Z");
        let ahead = ahead_of_clock(&nights, now);
        assert_eq!(ahead.len(), 50);
        nights.extend(ahead.into_iter().map(|course| (course, LastNight { at: now, is_over: true })));
        assert!(ahead_of_clock(&nights, now).is_empty());
        let rechecks = rechecks(&settings, now);
        let past = RunHistory {
            nights: &nights,
            rechecks: &rechecks,
            unscheduled: &HashMap::new(),
            is_backing_off: false,
        };
        assert_eq!(DueRuns::of(&settings, past, at("2026-11-11T01:30:00Z")).nights.len(), 50);
    }

    #[test]
    fn a_new_course_is_checked_now_unless_its_night_is_near() {
        let settings = fifty(SignedDuration::ZERO);
        let new: Vec<CourseId> = settings.nights.keys().take(2).cloned().collect();
        assert_eq!(first_nights(&settings, &new, at("2026-11-10T12:00:00Z")).len(), 2);
        assert_eq!(first_nights(&settings, &new, at("2026-11-10T01:20:00Z")).len(), 0);
        let nights = all_at(&settings, at("2026-11-10T01:31:00Z"), true);
        let rechecks = rechecks(&settings, at("2026-11-10T12:00:00Z"));
        let unscheduled = new.iter().map(|course| (course.clone(), RunReason::First)).collect();
        let past = RunHistory {
            nights: &nights,
            rechecks: &rechecks,
            unscheduled: &unscheduled,
            is_backing_off: true,
        };
        let due_runs = DueRuns::of(&settings, past, at("2026-11-10T12:30:00Z"));
        assert_eq!(
            due_runs.nights.iter().map(|due| &due.course).collect::<Vec<_>>(),
            new.iter().collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_recheck_is_at_its_time_or_not_at_all() {
        let settings = fifty(SignedDuration::ZERO);
        let nights = all_at(&settings, at("2026-11-10T01:31:00Z"), true);
        let rechecks = rechecks(&settings, at("2026-11-10T01:00:00Z"));
        let past = RunHistory {
            nights: &nights,
            rechecks: &rechecks,
            unscheduled: &HashMap::new(),
            is_backing_off: false,
        };
        assert_eq!(DueRuns::of(&settings, past, at("2026-11-10T12:00:30Z")).rechecks.len(), 50);
        let late = DueRuns::of(&settings, past, at("2026-11-10T15:00:00Z"));
        assert_eq!((late.rechecks.len(), late.wake), (0, Some(at("2026-11-11T01:30:00Z"))));
    }
}
