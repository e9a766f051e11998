//! The words of the pages behind the links of an email.

use jiff::civil::Date;

use crate::domain::report::figures::{count, count_of, day, number};

/// Titles and sentences where a signed link opens nothing.
pub const FORGED: (&str, &str) = (
    "This link is not valid",
    "It may have been cut off or changed on the way. Please open it from the email itself. Nothing was changed.",
);
pub const OVER: (&str, &str) = (
    "This link is too old",
    "The links of an email work until the end of its term. Please use those of a newer email. Nothing was changed.",
);
pub const FOREIGN: (&str, &str) = (
    "This link opens nothing here",
    "This service does not check its course, or you do not get reports about it. Nothing was changed.",
);
pub const NO_SUCH_LINK: (&str, &str) =
    ("This link left the page", "The course page has no such link any more, so there is nothing to decide.");

pub const ACCEPT_DEAD: (&str, &str) =
    ("Stop reporting as dead", "It stays as it is. Reports leave it out until its result changes.");
pub const NOT_BROKEN: (&str, &str) =
    ("Mark as fine", "It is as it should be. Reports leave it out until its result changes.");
pub const OUR_COPY: (&str, &str) =
    ("Use our copy for good", "Students get our copy from now on, even if the original works again.");
pub const ACCEPT_VERSION: (&str, &str) =
    ("Accept the new version", "Later nights compare the link with the version of today.");
pub const SNOOZE: (&str, &str) = ("Snooze", "Reports leave it out until then, unless its result changes.");
pub const NEXT_TERM: &str = "Snooze until the next term";
pub const RECHECK: (&str, &str) =
    ("Check it again now", "It is checked within minutes. If it works, it counts as working.");

/// What is in force, at the head of the page.
pub fn in_force(choice: &str, since: Date, today: Date, has_lapsed: bool) -> String {
    let over = if has_lapsed { " The result has changed since, so reports list it again." } else { "" };
    format!("Decided {}: {choice}.{over}", day(since, today))
}

/// A new version was accepted since the last night.
pub fn version_accepted(of: Date, today: Date) -> String {
    format!("The version of {} is accepted; the next night compares with it.", day(of, today))
}

/// A look was asked for.
pub fn look_asked(at: &str) -> String {
    format!("It is being checked again, asked for at {at}. Reload this page in a minute or two.")
}

/// A look is over.
pub fn looked(at: &str, is_cleared: bool) -> String {
    let came = if is_cleared { "it works" } else { "nothing better was seen" };
    format!("Checked again at {at}: {came}.")
}

/// "This is decided for all 5 links on a.example."
pub fn for_all(links: usize, host: &str) -> String {
    format!("Your decision here applies to all {} on {host}.", count(links, "link"))
}

/// Below the picture of the nights.
pub fn nights(count: usize, first: &str, last: &str) -> String {
    match count {
        1 => format!("The night of {first}."),
        _ => format!("One bar for each night, from {first} to {last}."),
    }
}

/// Title and sentence of the page that stops the letters, or starts them again.
pub fn letters(title: &str, is_stopped: bool) -> (&'static str, String) {
    if is_stopped {
        (
            "You get no reports",
            format!("No reports about {title} are sent to you. They can be started again."),
        )
    } else {
        (
            "Stop these emails",
            format!("You get reports about the links of {title}. Others who get them are not affected."),
        )
    }
}

/// What is known of the bytes of a course's copies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FixityFigures {
    pub copies: usize,
    /// Verified, and the same as when they were copied.
    pub sound: usize,
    /// Altered or gone when they were last verified.
    pub unsound: usize,
    /// The day on which the sound one longest not verified was.
    pub oldest: Option<String>,
}

/// How many of the copies were verified and when, and what is damaged.
pub fn fixity(found: &FixityFigures) -> Vec<String> {
    let (copies, sound) = (number(found.copies as u64), number(found.sound as u64));
    let verified = match (found.copies, &found.oldest) {
        (0, _) => return Vec::new(),
        (_, None) => "None of them was verified yet; each one is within a month of nights.".to_owned(),
        (1, Some(oldest)) if found.sound == 1 => format!("It was re-verified by its SHA-256 {oldest}."),
        (_, Some(oldest)) if found.sound == found.copies => {
            format!("All {copies} re-verified by their SHA-256, the earliest {oldest}.")
        }
        (_, Some(oldest)) => {
            format!("{sound} of {copies} re-verified by their SHA-256, the earliest {oldest}.")
        }
    };
    let damaged = (found.unsound > 0).then(|| {
        let (noun, it) = if found.unsound == 1 { ("copy", "it") } else { ("copies", "them") };
        let count = number(found.unsound as u64);
        format!("{count} {noun} damaged: altered or missing when last verified. Whoever runs this archive restores {it} from a backup.")
    });
    [verified].into_iter().chain(damaged).collect()
}

/// How the letters of a course are: what waits since when, the last trouble, who wants none.
pub fn outbox(
    waiting: usize,
    oldest: Option<&str>,
    trouble: Option<(&str, u32)>,
    stopped: usize,
) -> Vec<String> {
    let waits = match (waiting, oldest) {
        (0, _) | (_, None) => "No email waits to be sent.".to_owned(),
        (n, Some(oldest)) => format!("{} waiting to be sent, the oldest since {oldest}.", count(n, "email")),
    };
    let trouble = trouble.map(|(state, tries)| {
        format!(
            "The last one that gave trouble is {state}, after {}.",
            count_of(tries as usize, "try", "tries")
        )
    });
    let stopped = (stopped > 0).then(|| format!("{} stopped the reports.", count(stopped, "reader")));
    [Some(waits), trouble, stopped].into_iter().flatten().collect()
}
