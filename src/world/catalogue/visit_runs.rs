//! Runs of visits: visits of one link in a row with equal evidence, as one row.
//!
//! Only the last visit of a run has its evidence. Each earlier one has its night and its time as
//! differences from the next visit, in Base64 VLQ, and the rest of the evidence is that of the
//! last visit. The version that a visit read without storing it ([`Evidence::seen`]) is not kept
//! of the earlier ones: it serves the next request only.
//!
//! The rows are read and written in `visits` and `compaction`.

use jiff::Timestamp;
use serde::de::Error as _;

use super::Error;
use super::value::{from_json, json};
use crate::domain::evidence::Evidence;

/// The visits of a run are at most as many. Each compaction writes the last run of a link again.
const LONGEST: usize = 128;

/// Most nights are a day apart.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// A visit of a link.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NightVisit {
    pub night: i64,
    pub evidence: Evidence,
    /// The text of the evidence, if it is at hand. Written again, a number with decimals may
    /// differ in its last digit.
    pub text: Option<String>,
}

/// A row of `visit_run`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct VisitRun {
    pub last_night: i64,
    /// The nights and times of the visits before the last one, newest first.
    pub earlier: String,
    pub evidence: Evidence,
    pub text: Option<String>,
}

impl VisitRun {
    /// Its visits, newest first.
    pub(super) fn visits(self) -> Result<impl Iterator<Item = NightVisit>, Error> {
        let earlier = self.earlier()?;
        let shared = Evidence { seen: None, ..self.evidence.clone() };
        let last = NightVisit { night: self.last_night, evidence: self.evidence, text: self.text };
        let of = move |(night, at)| {
            let evidence = Evidence { at, ..shared.clone() };
            NightVisit { night, evidence, text: None }
        };
        Ok(std::iter::once(last).chain(earlier.into_iter().map(of)))
    }

    /// The nights of its visits, newest first.
    pub(super) fn nights(&self) -> Result<Vec<i64>, Error> {
        let earlier = self.earlier()?;
        Ok(std::iter::once(self.last_night).chain(earlier.into_iter().map(|(night, _)| night)).collect())
    }

    /// The nights and times of the visits before the last one, newest first.
    fn earlier(&self) -> Result<Vec<(i64, Timestamp)>, Error> {
        let damaged = || serde_json::Error::custom("the visits of a run");
        let (mut night, mut at) = (self.last_night, self.evidence.at.as_microsecond());
        let mut digits = self.earlier.bytes();
        let mut visits = Vec::new();
        while digits.len() > 0 {
            let mut next = || vlq::decode(&mut digits).ok_or_else(damaged);
            let (nights, micros) = (next()?, next()?);
            night = nights.checked_add(1).and_then(|nights| night.checked_sub(nights)).ok_or_else(damaged)?;
            at = micros.checked_add(DAY).and_then(|micros| at.checked_sub(micros)).ok_or_else(damaged)?;
            visits.push((night, Timestamp::from_microsecond(at).map_err(|_| damaged())?));
        }
        Ok(visits)
    }
}

/// Some visits of a link that become a row of `visit_run`.
#[derive(Clone, Debug)]
pub(super) struct NewRun {
    /// Nights and times, oldest first.
    visits: Vec<(i64, Timestamp)>,
    last: NightVisit,
    is_alone: bool,
}

impl NewRun {
    pub(super) fn first_night(&self) -> i64 {
        self.visits.first().map_or(self.last.night, |(night, _)| *night)
    }

    pub(super) fn last_night(&self) -> i64 {
        self.last.night
    }

    /// The evidence of its last visit.
    pub(super) fn evidence(&self) -> Result<String, Error> {
        self.last.text.clone().map_or_else(|| json(&self.last.evidence), Ok)
    }

    /// The column `earlier`.
    pub(super) fn earlier(&self) -> String {
        let mut digits = String::new();
        for pair in self.visits.windows(2).rev() {
            let [(earlier, before), (night, at)] = pair else { continue };
            vlq::encode(night - earlier - 1, &mut digits);
            vlq::encode(at.as_microsecond() - before.as_microsecond() - DAY, &mut digits);
        }
        digits
    }

    fn of(visit: NightVisit, is_alone: bool) -> Self {
        Self { visits: vec![(visit.night, visit.evidence.at)], last: visit, is_alone }
    }

    fn takes(&self, visit: &NightVisit, is_alone: bool) -> bool {
        // Journals of earlier versions have nanoseconds.
        let is_whole = |at: Timestamp| at.subsec_nanosecond() % 1000 == 0;
        !self.is_alone
            && !is_alone
            && self.visits.len() < LONGEST
            && is_whole(self.last.evidence.at)
            && is_whole(visit.evidence.at)
            && self.last.evidence.shows_the_same_as(&visit.evidence)
    }

    fn push(&mut self, visit: NightVisit) {
        self.visits.push((visit.night, visit.evidence.at));
        self.last = visit;
    }
}

/// Divides the visits of a link into runs. They are in the order of their nights, one of each
/// night. A visit of a night that does not count is alone: that before it may be the last one
/// that counts, and keeps its whole evidence.
pub(super) fn runs(
    visits: impl IntoIterator<Item = NightVisit>,
    counts: impl Fn(i64) -> bool,
) -> Vec<NewRun> {
    let mut runs: Vec<NewRun> = Vec::new();
    for visit in visits {
        let is_alone = !counts(visit.night);
        match runs.last_mut() {
            Some(run) if run.takes(&visit, is_alone) => run.push(visit),
            _ => runs.push(NewRun::of(visit, is_alone)),
        }
    }
    runs
}

/// The runs of a column of a query: a JSON array of arrays of `last_night`, `earlier` and
/// `evidence`.
pub(super) fn runs_from(column: Option<String>) -> Result<Vec<VisitRun>, Error> {
    let Some(text) = column else { return Ok(Vec::new()) };
    let rows: Vec<(i64, String, Evidence)> = from_json(&text)?;
    let run = |(last_night, earlier, evidence)| VisitRun { last_night, earlier, evidence, text: None };
    Ok(rows.into_iter().map(run).collect())
}

/// Numbers with a sign in digits of Base64, as source maps have them: five bits in each digit,
/// the lowest first, and a sixth for whether more follow.
mod vlq {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    pub(super) fn encode(number: i64, to: &mut String) {
        // The lowest bit is the sign.
        let mut left = (u128::from(number.unsigned_abs()) << 1) | u128::from(number < 0);
        loop {
            let bits = usize::try_from(left & 31).unwrap_or(0);
            left >>= 5;
            let more = if left > 0 { 32 } else { 0 };
            to.push(char::from(DIGITS[bits + more]));
            if left == 0 {
                return;
            }
        }
    }

    /// `None` if the digits end too early, or are not of such a number.
    pub(super) fn decode(digits: &mut impl Iterator<Item = u8>) -> Option<i64> {
        let (mut number, mut shift) = (0_u128, 0);
        loop {
            let digit = value_of(digits.next()?)?;
            number |= u128::from(digit & 31) << shift;
            shift += 5;
            if digit & 32 == 0 {
                let size = i128::try_from(number >> 1).ok()?;
                return i64::try_from(if number & 1 == 1 { -size } else { size }).ok();
            }
            if shift > 65 {
                return None;
            }
        }
    }

    fn value_of(digit: u8) -> Option<u8> {
        match digit {
            b'A'..=b'Z' => Some(digit - b'A'),
            b'a'..=b'z' => Some(digit - b'a' + 26),
            b'0'..=b'9' => Some(digit - b'0' + 52),
            b'+' => Some(62),
            b'/' => Some(63),
            _ => None,
        }
    }

    #[cfg(test)]
    mod tests {
        use proptest::prelude::*;

        use super::*;

        /// The first three are in the documentation of source maps.
        #[test]
        fn numbers_have_the_digits_that_source_maps_give_them() {
            for (number, digits) in [(0, "A"), (16, "gB"), (-1, "D"), (1, "C")] {
                let mut encoded = String::new();
                encode(number, &mut encoded);
                assert_eq!(encoded, digits, "{number}");
            }
        }

        proptest! {
            #[test]
            fn every_number_comes_back(numbers in prop::collection::vec(any::<i64>(), 0..9)) {
                let mut digits = String::new();
                for number in &numbers {
                    encode(*number, &mut digits);
                }
                let mut digits = digits.bytes();
                let decoded: Vec<i64> = numbers.iter().map_while(|_| decode(&mut digits)).collect();
                prop_assert_eq!(decoded, numbers);
                prop_assert_eq!(decode(&mut digits), None);
            }
        }
    }
}
