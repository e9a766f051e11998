//! Decides how soon a host may be requested again, and when its requests end for the night.
//!
//! Pure arithmetic over given instants; `world::fetch` waits.

use std::time::{Duration, Instant};

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};

/// The pace of one host.
#[derive(Clone, Debug)]
pub struct HostPace {
    delay: Duration,
    ended: Option<Instant>,
    not_before: Option<Instant>,
    /// How many responses in a row were 429.
    throttled: u32,
}

/// What a response means for the requests after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostAction {
    Continue,
    /// Ask again only after the time the host named, which is short.
    Wait,
    /// No further request tonight.
    Stop,
}

/// The parts of a response that concern the pace.
#[derive(Clone, Copy, Debug)]
pub struct PaceSignal {
    pub status: u16,
    pub retry_after: Option<Duration>,
    /// The response is a challenge for humans ([`is_challenge`]).
    pub challenge: bool,
}

impl HostPace {
    /// `delay` lies between the end of one request and the start of the next.
    pub fn new(delay: Duration) -> Self {
        Self { delay, ended: None, not_before: None, throttled: 0 }
    }

    /// Takes a crawl delay into account; a longer delay of our own stays.
    pub fn slow_down(&mut self, crawl_delay: Duration) {
        self.delay = self.delay.max(crawl_delay);
    }

    /// The pause between two requests.
    pub fn delay(&self) -> Duration {
        self.delay
    }

    pub fn finished(&mut self, at: Instant) {
        self.ended = Some(at);
    }

    /// When the next request may start; `None` if it may start now.
    pub fn next_allowed(&self) -> Option<Instant> {
        let after_last = self.ended.map(|ended| ended + self.delay);
        after_last.max(self.not_before)
    }

    /// `patience` is the longest wait that a night accepts.
    pub fn record_response(&mut self, signal: PaceSignal, at: Instant, patience: Duration) -> HostAction {
        let busy = matches!(signal.status, 429 | 503);
        self.throttled = if signal.status == 429 { self.throttled + 1 } else { 0 };
        match signal.retry_after.filter(|_| busy) {
            _ if signal.challenge || self.throttled > 1 => HostAction::Stop,
            Some(wait) if wait <= patience => {
                self.not_before = Some(at + wait);
                HostAction::Wait
            }
            Some(_) => HostAction::Stop,
            None if signal.status == 429 => HostAction::Stop,
            None => HostAction::Continue,
        }
    }
}

/// The value of `Retry-After` (RFC 9110 section 10.2.3): seconds or a date.
/// A date in the past is no wait.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that is too long for the type means "for ever".
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::from(u32::MAX))));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Duration::try_from(date.duration_since(now).max(SignedDuration::ZERO)).unwrap_or_default())
}

/// Whether a response head is that of a challenge. `header` gives the value of
/// a header by its lower-case name.
pub fn is_challenge<'a>(header: impl Fn(&str) -> Option<&'a str>) -> bool {
    [
        ("cf-mitigated", &["challenge"][..]),
        ("x-amzn-waf-action", &["challenge", "captcha"]),
        ("x-vercel-mitigated", &["challenge"]),
    ]
    .into_iter()
    .any(|(name, values)| {
        header(name).is_some_and(|found| values.iter().any(|value| found.trim().eq_ignore_ascii_case(value)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_mins(2);

    #[expect(clippy::disallowed_methods, reason = "the test needs some instant")]
    fn some_instant() -> Instant {
        Instant::now()
    }

    fn signal(status: u16, retry_after: Option<u64>) -> PaceSignal {
        PaceSignal { status, retry_after: retry_after.map(Duration::from_secs), challenge: false }
    }

    #[test]
    fn the_first_request_does_not_wait_and_the_next_keeps_the_delay() {
        let start = some_instant();
        let mut pace = HostPace::new(Duration::from_secs(2));
        assert_eq!(pace.next_allowed(), None);
        pace.finished(start);
        assert_eq!(pace.next_allowed(), Some(start + Duration::from_secs(2)));
        pace.slow_down(Duration::from_secs(10));
        pace.slow_down(Duration::from_secs(1));
        assert_eq!(pace.next_allowed(), Some(start + Duration::from_secs(10)));
    }

    #[test]
    fn a_short_retry_after_is_a_wait_and_a_long_one_stops_the_host() {
        let start = some_instant();
        let mut pace = HostPace::new(Duration::from_secs(2));
        assert_eq!(pace.record_response(signal(503, Some(60)), start, PATIENCE), HostAction::Wait);
        assert_eq!(pace.next_allowed(), Some(start + Duration::from_mins(1)));
        assert_eq!(pace.record_response(signal(503, Some(3600)), start, PATIENCE), HostAction::Stop);
        assert_eq!(pace.record_response(signal(503, None), start, PATIENCE), HostAction::Continue);
        assert_eq!(pace.record_response(signal(200, Some(3600)), start, PATIENCE), HostAction::Continue);
    }

    #[test]
    fn being_throttled_twice_or_without_a_time_stops_the_host() {
        let start = some_instant();
        let mut pace = HostPace::new(Duration::ZERO);
        assert_eq!(pace.record_response(signal(429, Some(1)), start, PATIENCE), HostAction::Wait);
        assert_eq!(pace.record_response(signal(429, Some(1)), start, PATIENCE), HostAction::Stop);
        let mut pace = HostPace::new(Duration::ZERO);
        assert_eq!(pace.record_response(signal(429, Some(1)), start, PATIENCE), HostAction::Wait);
        assert_eq!(pace.record_response(signal(200, None), start, PATIENCE), HostAction::Continue);
        assert_eq!(pace.record_response(signal(429, Some(1)), start, PATIENCE), HostAction::Wait);
        assert_eq!(
            HostPace::new(Duration::ZERO).record_response(signal(429, None), start, PATIENCE),
            HostAction::Stop
        );
    }

    #[test]
    fn a_challenge_stops_the_host_whatever_its_status() {
        let start = some_instant();
        let challenge = PaceSignal { challenge: true, ..signal(403, None) };
        assert_eq!(
            HostPace::new(Duration::ZERO).record_response(challenge, start, PATIENCE),
            HostAction::Stop
        );
        assert!(is_challenge(|name| (name == "cf-mitigated").then_some("Challenge")));
        assert!(!is_challenge(|name| (name == "server").then_some("cloudflare")));
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        assert_eq!(retry_after(" 120 ", now), Some(Duration::from_mins(2)));
        assert_eq!(retry_after("Mon, 23 Nov 2026 10:05:00 GMT", now), Some(Duration::from_mins(5)));
        assert_eq!(retry_after("Mon, 23 Nov 2026 09:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("99999999999999999999999", now), Some(Duration::from_secs(u32::MAX.into())));
        for nonsense in ["", "soon", "-5", "1.5", "\u{221e}"] {
            assert_eq!(retry_after(nonsense, now), None, "{nonsense}");
        }
    }
}
