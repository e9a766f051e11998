use std::collections::BTreeSet;

use jiff::civil::{date, time};
use proptest::prelude::*;

use super::*;

const NIGHTLY: &str = "0 30 2 * * *";

fn nightly(zone: &str) -> Schedule {
    in_zone(NIGHTLY, zone)
}

fn in_zone(expression: &str, zone: &str) -> Schedule {
    Schedule::parse(expression, TimeZone::get(zone).unwrap()).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The next nights after an instant, as UTC.
fn nights(schedule: &Schedule, after: &str, count: usize) -> Vec<String> {
    let mut instants = Vec::new();
    let mut from = at(after);
    while let Some(slot) = schedule.after(from).filter(|_| instants.len() < count) {
        instants.push(slot.at.to_string());
        from = slot.at;
    }
    instants
}

#[test]
fn a_skipped_time_is_the_end_of_the_gap() {
    // 2026-03-08: clocks in Chicago go from 2:00 to 3:00.
    assert_eq!(
        nights(&nightly("America/Chicago"), "2026-03-07T00:00:00Z", 3),
        ["2026-03-07T08:30:00Z", "2026-03-08T08:00:00Z", "2026-03-09T07:30:00Z"]
    );
    // 2026-03-29: Berlin.
    assert_eq!(
        nights(&nightly("Europe/Berlin"), "2026-03-28T00:00:00Z", 3),
        ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    );
    // 2026-10-04: Lord Howe goes from 2:00 to 2:30, so that half past two is there.
    assert_eq!(
        nights(&in_zone("0 15 2 * * *", "Australia/Lord_Howe"), "2026-10-02T12:00:00Z", 3),
        ["2026-10-02T15:45:00Z", "2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"]
    );
}

#[test]
fn a_repeated_time_counts_once_and_the_first_time() {
    // 2026-11-01: 1:00 to 2:00 comes twice in Chicago, 2026-10-25: 2:00 to 3:00 in Berlin.
    assert_eq!(
        nights(&in_zone("0 30 1 * * *", "America/Chicago"), "2026-10-31T12:00:00Z", 2),
        ["2026-11-01T06:30:00Z", "2026-11-02T07:30:00Z"]
    );
    assert_eq!(
        nights(&nightly("Europe/Berlin"), "2026-10-24T12:00:00Z", 2),
        ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
    );
    // 2026-04-05: Lord Howe repeats 1:30 to 2:00.
    assert_eq!(
        nights(&in_zone("0 45 1 * * *", "Australia/Lord_Howe"), "2026-04-04T12:00:00Z", 2),
        ["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"]
    );
    // Asked in between the two, it is the next day's.
    let between = in_zone("0 30 1 * * *", "America/Chicago").after(at("2026-11-01T07:00:00Z")).unwrap();
    assert_eq!(between.at, at("2026-11-02T07:30:00Z"));
}

#[test]
fn times_in_one_gap_are_one_night() {
    // 2:00, 2:30 would be closer than an hour; with 1:30 and 2:30 there are two each day.
    let twice = in_zone("0 30 1,2 * * *", "America/Chicago");
    assert_eq!(nights(&twice, "2026-03-08T06:00:00Z", 2), ["2026-03-08T07:30:00Z", "2026-03-08T08:00:00Z"]);
    let hourly = in_zone("0 0 2,3 * * *", "America/Chicago");
    assert_eq!(nights(&hourly, "2026-03-08T06:00:00Z", 2), ["2026-03-08T08:00:00Z", "2026-03-09T07:00:00Z"]);
}

#[test]
fn a_zone_that_skips_a_day_has_a_night_at_its_end() {
    // Samoa had no 30 December 2011.
    assert_eq!(
        nights(&nightly("Pacific/Apia"), "2011-12-28T13:00:00Z", 3),
        ["2011-12-29T12:30:00Z", "2011-12-30T10:00:00Z", "2011-12-30T12:30:00Z"]
    );
}

#[test]
fn missed_nights_are_made_up_for_once() {
    let schedule = nightly("Europe/Berlin");
    let (last, woken) = (at("2026-11-10T01:30:10Z"), at("2026-11-14T07:12:00Z"));
    let due = schedule.next(Some(last), woken).unwrap();
    assert_eq!(due.at, at("2026-11-14T01:30:00Z"), "the latest of four");
    let after = schedule.next(Some(woken), at("2026-11-14T07:12:01Z")).unwrap();
    assert_eq!(after.at, at("2026-11-15T01:30:00Z"), "and then the ordinary one");
}

#[test]
fn a_new_course_waits_for_its_first_night() {
    let due = nightly("Europe/Berlin").next(None, at("2026-11-10T10:00:00Z")).unwrap();
    assert_eq!(due.at, at("2026-11-11T01:30:00Z"));
}

#[test]
fn a_clock_set_back_does_not_run_a_night_twice() {
    let schedule = nightly("Europe/Berlin");
    let last = at("2026-11-10T01:30:05Z");
    for back in ["2026-11-10T01:29:00Z", "2026-11-10T00:00:00Z", "2026-11-09T02:00:00Z"] {
        assert_eq!(schedule.next(Some(last), at(back)).unwrap().at, at("2026-11-11T01:30:00Z"), "{back}");
    }
}

#[test]
fn a_night_dated_by_a_wrong_clock_does_not_end_all_nights() {
    let due = nightly("Europe/Berlin").next(Some(at("2061-01-01T00:00:00Z")), at("2026-11-10T10:00:00Z"));
    assert_eq!(due.unwrap().at, at("2026-11-11T01:30:00Z"));
}

fn autumn(expression: &str) -> Schedule {
    let term = Term { first: date(2026, 9, 21), last: date(2026, 12, 11) };
    in_zone(expression, "America/Chicago").within(Some(term))
}

#[test]
fn outside_the_term_there_are_no_nights_but_two_checks_before_it() {
    let schedule = autumn(NIGHTLY);
    let mut slots = Vec::new();
    let mut from = at("2026-01-01T00:00:00Z");
    while let Some(slot) = schedule.after(from) {
        slots.push(slot);
        from = slot.at;
    }
    let ready = |days_before| RunReason::ReadyForTerm { days_before };
    assert_eq!(slots[0], ScheduledNight { at: at("2026-08-31T07:30:00Z"), reason: ready(21) });
    assert_eq!(slots[1], ScheduledNight { at: at("2026-09-14T07:30:00Z"), reason: ready(7) });
    assert_eq!(slots[2], ScheduledNight { at: at("2026-09-21T07:30:00Z"), reason: RunReason::Night });
    assert_eq!(slots.last().unwrap().at, at("2026-12-11T08:30:00Z"));
    assert_eq!(slots.len(), 2 + 82);
}

#[test]
fn a_sparse_schedule_is_ready_at_its_next_time() {
    // The first of each month: the 21st day before is served on 1 September, the 7th not before the term.
    let schedule = autumn("0 30 2 1 * *");
    let first = schedule.after(at("2026-01-01T00:00:00Z")).unwrap();
    assert_eq!(first.at, at("2026-09-01T07:30:00Z"));
    assert_eq!(first.reason, RunReason::ReadyForTerm { days_before: 21 });
    let second = schedule.after(first.at).unwrap();
    assert_eq!((second.at, second.reason), (at("2026-10-01T07:30:00Z"), RunReason::Night));
}

#[test]
fn a_night_missed_at_the_end_of_the_term_is_not_made_up_for() {
    let schedule = autumn(NIGHTLY);
    let last = Some(at("2026-12-01T08:30:00Z"));
    assert_eq!(schedule.next(last, at("2027-01-15T12:00:00Z")), None);
    assert!(schedule.next(last, at("2026-12-11T20:00:00Z")).unwrap().at <= at("2026-12-11T20:00:00Z"));
}

#[test]
fn fifty_courses_are_spread_and_keep_their_times() {
    let spread = SignedDuration::from_mins(30);
    let base = at("2026-11-10T01:30:00Z");
    let offsets: Vec<SignedDuration> = (0..50)
        .map(|n| {
            let id: CourseId = format!("course-{n}").parse().unwrap();
            let schedule = nightly("Europe/Berlin").spread(&id, spread);
            let tonight = schedule.after(at("2026-11-09T12:00:00Z")).unwrap().at;
            let tomorrow = schedule.after(tonight).unwrap().at;
            assert_eq!(tomorrow.duration_since(tonight), SignedDuration::from_hours(24));
            tonight.duration_since(base)
        })
        .collect();
    assert!(offsets.iter().all(|offset| !offset.is_negative() && *offset < spread), "{offsets:?}");
    let minutes: BTreeSet<i64> = offsets.iter().map(|offset| offset.as_secs() / 60).collect();
    assert!(minutes.len() > 20, "{minutes:?}");
}

#[test]
fn no_spread_is_no_shift() {
    let schedule = nightly("UTC").spread(&"a".parse().unwrap(), SignedDuration::ZERO);
    assert_eq!(schedule.after(at("2026-11-10T00:00:00Z")).unwrap().at, at("2026-11-10T02:30:00Z"));
}

#[test]
fn a_recheck_is_at_its_local_time() {
    let look = Schedule::daily(time(13, 0, 0, 0), TimeZone::get("America/Chicago").unwrap()).unwrap();
    assert_eq!(look.after(at("2026-07-01T00:00:00Z")).unwrap().at, at("2026-07-01T18:00:00Z"));
}

#[test]
fn an_error_shows_the_right_form() {
    let mistake = |text: &str| Schedule::parse(text, TimeZone::UTC).unwrap_err().to_string();
    assert!(mistake("30 2 * * *").contains("has 5 fields"));
    assert!(mistake("nightly").contains("0 30 2 * * *"));
    assert!(mistake("0 30 25 * * *").contains("not a cron expression"));
    assert!(mistake("0 0 0 30 2 *").contains("never"));
    assert!(mistake("0 * 2 * * *").contains("more often"));
    assert!(mistake("* * * * * *").contains("more often"));
    assert!(mistake("0 0,30 2 * * Mon").contains("more often"));
    assert!(Schedule::parse("@daily", TimeZone::UTC).is_ok());
    assert!(Schedule::parse("0 0 * * * *", TimeZone::UTC).is_ok());
}

const ZONES: [&str; 7] = [
    "America/Chicago",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Africa/Casablanca",
    "America/Sao_Paulo",
    "UTC",
];

proptest! {
    #[test]
    fn every_day_has_one_night_and_none_is_left_out(
        zone in 0..ZONES.len(), hour in 0..24_u8, minute in 0..60_u8, start in 1_000_000_000_i64..3_000_000_000,
        spread in 0..7200_i64,
    ) {
        let id: CourseId = "law".parse().unwrap();
        let schedule = in_zone(&format!("0 {minute} {hour} * * *"), ZONES[zone])
            .spread(&id, SignedDuration::from_secs(spread));
        let start = Timestamp::from_second(start).unwrap();
        let mut before = schedule.after(start).unwrap().at;
        prop_assert!(before > start);
        prop_assert!(before.duration_since(start) <= SignedDuration::from_hours(25));
        for _ in 0..40 {
            let next = schedule.after(before).unwrap().at;
            let apart = next.duration_since(before);
            prop_assert!((SignedDuration::from_hours(22)..=SignedDuration::from_hours(26)).contains(&apart));
            let middle = before.checked_add(apart / 2).unwrap();
            prop_assert_eq!(schedule.after(middle).unwrap().at, next, "nothing lies between");
            before = next;
        }
    }

    #[test]
    fn a_night_is_due_once(
        zone in 0..ZONES.len(), last in 1_000_000_000_i64..3_000_000_000, away in 0..10_000_000_i64,
    ) {
        let schedule = nightly(ZONES[zone]);
        let (last, now) = (Timestamp::from_second(last).unwrap(), Timestamp::from_second(last + away).unwrap());
        let due = schedule.next(Some(last), now).unwrap().at;
        prop_assert!(due > last);
        prop_assert_eq!(schedule.next(Some(last), now).unwrap().at, due, "asking changes nothing");
        if due <= now {
            let after = schedule.next(Some(now), now).unwrap().at;
            prop_assert!(after > now, "one run serves all that was missed");
            prop_assert!(now.duration_since(due) <= SignedDuration::from_hours(26), "the latest is made up for");
        }
    }
}
