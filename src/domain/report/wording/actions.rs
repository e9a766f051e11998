//! The words of the pages that the links of an email open.

use jiff::civil::Date;

use crate::domain::report::figures::{count, count_of, day, number};

/// Titles and sentences for a signed link that is not valid.
pub const FORGED: (&str, &str) = (
    "This link is not valid",
    "Part of it may be missing or changed. Please open it from the email itself. Nothing was changed.",
);
pub const OVER: (&str, &str) = (
    "This link is too old",
    "The links in an email work until the end of the term. Please use the links in a newer email. Nothing was changed.",
);
pub const FOREIGN: (&str, &str) = (
    "This link does not work here",
    "This service does not check the course of this link, or you do not get its reports. Nothing was changed.",
);
pub const NO_SUCH_LINK: (&str, &str) = (
    "This link is not on the page",
    "The course page does not have this link any more, so there is nothing to decide.",
);

pub const NO_SUCH_ACTION: (&str, &str) = (
    "Nothing was changed",
    "The form was not complete: an address must begin with https://, and a day is needed to snooze. Please go back and try again.",
);

/// The words on a button, and what it does.
#[derive(Clone, Copy, Debug)]
pub struct ButtonText {
    pub label: &'static str,
    pub hint: &'static str,
}

pub const ACCEPT_DEAD: ButtonText = ButtonText {
    label: "Stop reporting as dead",
    hint: "Reports leave the link out until its result changes.",
};
pub const NOT_BROKEN: ButtonText = ButtonText {
    label: "Mark as fine",
    hint: "The link is as it should be. Reports leave it out until its result changes.",
};
pub const OUR_COPY: ButtonText = ButtonText {
    label: "Use our copy for good",
    hint: "Students get our copy in place of the original, even if the original works again.",
};
pub const ACCEPT_VERSION: ButtonText = ButtonText {
    label: "Accept the new version",
    hint: "Later nights compare the link with today's version.",
};
pub const SNOOZE: ButtonText =
    ButtonText { label: "Snooze", hint: "Reports leave the link out until then, unless its result changes." };
pub const NEXT_TERM: ButtonText = ButtonText {
    label: "Snooze until the next term",
    hint: "Reports leave the link out for the rest of this term, unless its result changes.",
};
pub const REPLACE: ButtonText = ButtonText {
    label: "Replace by this address",
    hint: "The patch of the course page gets this address. Reports leave the link out until its result changes.",
};
pub const REPLACE_BY_OWN: ButtonText = ButtonText {
    label: "Replace by an address of your own",
    hint: "You know where the work is now. The patch of the course page gets this address, and reports leave the link out until its result changes.",
};
pub const CHECK_PAGE: ButtonText = ButtonText {
    label: "I fixed it: check again now",
    hint: "You changed the course page. The service reads it again and checks all links within minutes.",
};
pub const NOTE: &str = "Why? This is shown with the decision.";
pub const RECOMMENDED: &str = "Recommended.";
pub const RECHECK: ButtonText = ButtonText {
    label: "Check this link again now",
    hint: "The host or the document was repaired. The link is checked within minutes; if it works, it counts as working.",
};

/// The decision in force, at the head of the page.
pub fn in_force(choice: &str, since: Date, today: Date, has_lapsed: bool) -> String {
    let over = if has_lapsed { " The result has changed since, so reports list it again." } else { "" };
    format!("Decided {}: {choice}.{over}", day(since, today))
}

/// "Reason given: the author asked."
pub fn note(note: &str) -> String {
    format!("Reason given: {note}")
}

/// What the history says of an accepted version.
pub const VERSION_ACCEPTED: &str = "the new version was accepted";

/// One line of the history of decisions: "Tue 6 Oct: marked as fine, by a@b.edu."
pub fn past(on: &str, choice: Option<&str>, by: Option<&str>, note: Option<&str>) -> String {
    let choice = choice.unwrap_or("the decision was withdrawn");
    let by = by.map_or_else(String::new, |by| format!(", by {by}"));
    let note = note.map_or_else(String::new, |note| format!(" {}", self::note(note)));
    format!("{on}: {choice}{by}.{note}")
}

/// The night of the course was requested.
pub fn page_check_requested() -> String {
    "The course is being checked again, as requested. Reload this page in a few minutes.".to_owned()
}

/// A new version was accepted since the last night.
pub fn version_accepted(of: Date, today: Date) -> String {
    format!("The version of {} is accepted; the next night compares with it.", day(of, today))
}

/// A recheck was requested.
pub fn recheck_requested(at: &str) -> String {
    format!("The link is being checked again, as requested at {at}. Reload this page in a minute or two.")
}

/// A recheck has ended.
pub fn rechecked(at: &str, is_cleared: bool) -> String {
    let came = if is_cleared { "it works" } else { "the result is the same" };
    format!("Checked again at {at}: {came}.")
}

/// "This is decided for all 5 links on a.example."
pub fn for_all(links: usize, host: &str) -> String {
    format!("Your decision here applies to all {} on {host}.", count(links, "link"))
}

/// "3 of 12 links."
pub fn filtered(shown: usize, all: usize) -> String {
    format!("{} of {}.", number(shown as u64), count(all, "link"))
}

/// The caption below the chart of the nights.
pub fn nights(count: usize, first: &str, last: &str) -> String {
    match count {
        1 => format!("The night of {first}."),
        _ => format!("One bar for each night, from {first} to {last}."),
    }
}

/// Title and sentence of the page that stops the emails or starts them again.
pub fn subscription(title: &str, is_stopped: bool) -> (&'static str, String) {
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

/// The fixity of a course's copies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FixityFigures {
    pub copies: usize,
    /// Verified copies whose digest is right.
    pub sound: usize,
    /// Copies that were altered or missing when last verified.
    pub unsound: usize,
    /// The earliest day on which a sound copy was last verified.
    pub oldest: Option<String>,
}

/// How many of the copies were verified and when, and what is damaged.
pub fn fixity(found: &FixityFigures) -> Vec<String> {
    let (copies, sound) = (number(found.copies as u64), number(found.sound as u64));
    let verified = match (found.copies, &found.oldest) {
        (0, _) => return Vec::new(),
        (_, None) => "No copy has been verified yet. Each copy is verified within a month.".to_owned(),
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
        format!("{count} {noun} damaged: altered or missing when last verified. The person who runs this archive can restore {it} from a backup.")
    });
    [verified].into_iter().chain(damaged).collect()
}

/// The emails of a course: how many wait since when, the last failure, and how many
/// recipients stopped them.
pub fn outbox(
    waiting: usize,
    oldest: Option<&str>,
    problem: Option<(&str, u32)>,
    stopped: usize,
) -> Vec<String> {
    let waits = match (waiting, oldest) {
        (0, _) | (_, None) => "No email is waiting to be sent.".to_owned(),
        (n, Some(oldest)) => format!("{} waiting to be sent, the oldest since {oldest}.", count(n, "email")),
    };
    let problem = problem.map(|(state, tries)| {
        format!("The last one that failed is {state}, after {}.", count_of(tries as usize, "try", "tries"))
    });
    let stopped = (stopped > 0).then(|| format!("{} stopped the reports.", count(stopped, "recipient")));
    [Some(waits), problem, stopped].into_iter().flatten().collect()
}
