//! The words of the administrator's overview of all courses.

use std::time::Duration;

use crate::domain::report::figures::{count, list, number, size};

pub const TITLE: &str = "All courses";

/// The title and the sentence if the configuration opens the overview for no person.
pub const CLOSED: (&str, &str) = (
    "The overview is closed",
    "The person who runs this service opens it with the key admin in [pages] of the configuration.",
);

pub const NEVER_CHECKED: &str = "not checked yet";

/// The pace of a host that many links share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLoad {
    pub host: String,
    pub links: usize,
    /// The least time that a night needs for it.
    pub time: Duration,
}

/// What the pauses between requests to one host mean for a night; `too_slow` are the hosts
/// that take longer than a night.
pub fn capacity(slowest: Option<&HostLoad>, too_slow: &[HostLoad]) -> Vec<String> {
    let one = |load: &HostLoad| {
        format!("{}: {}, at least {}", load.host, count(load.links, "link"), span(load.time))
    };
    if too_slow.is_empty() {
        return slowest.map(|load| format!("The slowest host is {}.", one(load))).into_iter().collect();
    }
    too_slow
        .iter()
        .map(|load| {
            format!(
                "{}. That is longer than a night. Ask its administrator whether a shorter pause is fine, and set it in [fetch.delays].",
                one(load)
            )
        })
        .collect()
}

/// "3 min", "about 7 h".
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// The archive: its captures, free space and damage.
pub fn storage(captures: u64, bytes: u64, free: u64) -> String {
    format!("{} captures, {}. {} of disk space is free.", number(captures), size(bytes), size(free))
}

pub fn lost(missing: u64, altered: u64) -> Option<String> {
    let total = missing + altered;
    let which: Vec<String> = [(missing, "missing"), (altered, "damaged")]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{} {what}", number(n)))
        .collect();
    (total > 0).then(|| {
        format!("Copies: {}. Run onreserve verify, which lists them and says what to do.", list(&which, 2))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_slow_only_if_it_takes_longer_than_a_night() {
        let load =
            |links, time| HostLoad { host: "a.example".to_owned(), links, time: Duration::from_secs(time) };
        let fine = load(84, 252);
        assert_eq!(capacity(Some(&fine), &[]), ["The slowest host is a.example: 84 links, at least 4 min."]);
        let slow = load(900, 27_000);
        assert!(
            capacity(Some(&slow), std::slice::from_ref(&slow))[0]
                .contains("at least 7 h. That is longer than a night")
        );
        assert_eq!(lost(0, 0), None);
        assert!(lost(2, 1).unwrap().starts_with("Copies: 2 missing and 1 damaged."));
    }
}
