//! The sentences that instructors and students read.
//!
//! The rules: say what happened, with the status code in brackets; name a link
//! by its words on the page; use absolute dates; write "dead" only when it is
//! confirmed; blame no person; use no exclamation marks. This file has the words
//! for single facts, `item` those for a link, `opening` and `sections` those for
//! a whole report.

pub mod actions;
pub mod decision;
pub mod group;
pub mod link;
pub mod nights;
pub mod revisit;
pub mod omission;
pub mod sections;
pub mod opening;
pub mod overview;
pub mod patch;
pub mod annotation;
pub mod label;
pub mod replacement;
pub mod student;

use crate::domain::evidence::comparison::ComparedBy;
use crate::domain::evidence::{CriticalChange, Note, Reason, TextChange};
use crate::domain::page::LinkDefect;
use crate::domain::report::figures::{count, number, percent, words};
use crate::domain::report::plain::{quoted, visible};
use crate::domain::report::{PageDefect, PageProblem, Void};
use crate::domain::verdict::State;

pub const THE_COURSE_PAGE: &str = "The course page itself";
pub const LAST_GOOD_READING: &str = "checked the links of its last good reading; no link counts as removed.";

/// What it means for a page that it was never read.
pub const NEVER_READ: &str =
    "the page has never been read. Until it can be read, its links are not checked and not archived.";

/// The state in a few words.
pub fn state(state: &State) -> &'static str {
    match state {
        State::Ok => "works",
        State::Moved { .. } => "works, at a new address",
        State::Changed { .. } => "opens, but reads differently from our copy",
        State::Restricted { .. } => "asks for an account or payment",
        State::Unverifiable { .. } => "could not be checked",
        State::Failing { .. } => "failed, not yet confirmed",
        State::Dead { .. } => "dead",
    }
}

/// What happened, with an HTTP error status in brackets.
pub fn reason(reason: Reason, status: Option<u16>) -> String {
    let words = reason_words(reason);
    match status {
        Some(code) if code >= 400 => format!("{words} ({code})"),
        Some(_) | None => words.to_owned(),
    }
}

fn reason_words(reason: Reason) -> &'static str {
    match reason {
        Reason::NotFound => "not found",
        Reason::Gone => "removed for good",
        Reason::NoSuchHost => "the host name no longer exists",
        Reason::NameServer => "the host name could not be looked up",
        Reason::Certificate => "the security certificate is not valid, so browsers show a warning",
        Reason::OldTls => "the server offers only outdated encryption, so browsers refuse to open it",
        Reason::OldCipher => {
            "the server offers only older encryption, which we do not use; most browsers still open it"
        }
        Reason::IncompleteChain => {
            "the server leaves out a part of its security certificate; most browsers find it and open the page"
        }
        Reason::NotAnswering => "the host does not answer",
        Reason::ServerError => "the server reports an internal error",
        Reason::ClientError => "the server does not accept the request",
        Reason::Soft404 => "shows an error page, although the server reports success",
        Reason::FrontPage => "leads to the front page of the site",
        Reason::OtherPage => "leads to a different page than before",
        Reason::Parked => "the domain has lapsed and now shows advertising or an offer of sale",
        Reason::Hijacked => "the domain has a new owner, who advertises something else",
        Reason::WrongType => "the server sends a different kind of file than before",
        Reason::Empty => "the server sends an empty file",
        Reason::Truncated => "the server sends only a part of the file",
        Reason::Unreadable => "the server sends a damaged file",
        Reason::RemovedVideo => "the video has been removed",
        Reason::RedirectLoop => "the address redirects in a circle",
        Reason::InternalAddress => "leads into a private network, which readers elsewhere cannot reach",
        Reason::Legal => "withheld for legal reasons",
        Reason::Login => "asks readers to sign in",
        Reason::Paywall => "asks readers to pay or subscribe",
        Reason::Private => "is no longer public",
        Reason::Forbidden => "refuses visitors",
        Reason::BotWall => "the site blocks automatic visitors",
        Reason::Consent => "the site first asks for consent, which only a person can give",
        Reason::RateLimited => "the site asks for fewer requests",
        Reason::Robots => "the site's robots.txt forbids automatic visits",
        Reason::ScriptOnly => "the page is built by a script, so its text cannot be compared",
        Reason::TooLarge => "too large to fetch",
        Reason::NotChecked => "not checked, for reasons on our side",
        Reason::Withdrawn => "marked as withdrawn",
        Reason::Retracted => "marked as retracted",
        Reason::Tampered => "contains spam that its author did not write",
        Reason::Replaced => "a different document",
        Reason::Revised => "a revised version",
        Reason::Renamed => "opens at a new address",
    }
}

/// A small point about a link that works.
pub fn note(note: &Note) -> String {
    match note {
        Note::MissingFragment(id) => {
            format!(
                "the page opens, but the place in it that the link points to ({}) is gone.",
                quoted(&format!("#{id}"))
            )
        }
        Note::PageBeyondEnd { page, pages } => {
            format!(
                "the link points to page {page}, but the document has {}.",
                count(*pages as usize, "page")
            )
        }
        Note::WrongStatus(code) => {
            format!("the right page opens, although the server reports an error ({code}).")
        }
        Note::RepositoryArchived => {
            "its owner has archived the repository: it opens, but is no longer maintained.".to_owned()
        }
        Note::NeedsPassword => "the file opens only with a password.".to_owned(),
        Note::TooLargeToKeep => {
            "the file is there, but it is too large to keep: students get no copy of it.".to_owned()
        }
        Note::StartsAfterEnd => "the link starts the video after its end.".to_owned(),
    }
}

/// A defect of the page: a title and a sentence.
pub fn defect(found: &PageDefect) -> (String, String) {
    let place = place_of_defect(found);
    let (words, text) = match &found.defect {
        LinkDefect::EmptyLink { words, .. } => (words, format!("the link on {place} has no address.")),
        LinkDefect::Malformed { words, written, why, .. } => (
            words,
            format!(
                "the address on {place} is not a valid web address: {} ({}).",
                quoted(written),
                plain_why(why)
            ),
        ),
        LinkDefect::MissingFile { words, written, .. } => {
            (words, format!("the link on {place} leads to the file {}, which is not there.", quoted(written)))
        }
        LinkDefect::BrokenAnchor { words, anchor, .. } => (
            words,
            format!(
                "the link on {place} points to a place in the page, {}, that is not there.",
                quoted(&format!("#{}", anchor.trim_start_matches('#')))
            ),
        ),
    };
    (named_link(words, "A link without words"), text)
}

/// "line 96", with the file if the course has several pages.
pub fn place_of_defect(found: &PageDefect) -> String {
    let (LinkDefect::EmptyLink { line, .. }
    | LinkDefect::Malformed { line, .. }
    | LinkDefect::MissingFile { line, .. }
    | LinkDefect::BrokenAnchor { line, .. }) = &found.defect;
    match found.page.as_deref().and_then(file_of) {
        Some(file) => format!("line {line} of {file}"),
        None => format!("line {line}"),
    }
}

/// The last part of a page's address or path.
pub fn file_of(page: &str) -> Option<String> {
    page.rsplit('/').find(|part| !part.is_empty()).map(visible)
}

/// Several defects of one kind: "12 links without an address".
pub fn defects_of_one_kind(first: &LinkDefect, n: usize) -> String {
    let what = match first {
        LinkDefect::EmptyLink { .. } => "without an address",
        LinkDefect::Malformed { .. } => "with an invalid address",
        LinkDefect::MissingFile { .. } => "to files that are not there",
        LinkDefect::BrokenAnchor { .. } => "to places that are not in the page",
    };
    format!("{} {what}", count(n, "link"))
}

fn named_link(words: &str, nameless: &str) -> String {
    if words.trim().is_empty() { nameless.to_owned() } else { quoted(words) }
}

fn plain_why(why: &str) -> String {
    crate::domain::report::plain::tame(why)
}

/// How two versions differ, in figures: "16 pages (14 before), 96 % of the text the same".
pub fn change(change: &TextChange) -> String {
    let mut parts = Vec::new();
    if let Some(alarm) = change.alarm {
        parts.push(self::alarm(alarm, change));
    }
    if let (Some(before), Some(after)) = (change.pages_before, change.pages_after)
        && before != after
    {
        parts.push(format!("{after} pages ({before} before)"));
    }
    match (change.words_before, change.words_after) {
        (0, 0) if !change.compared_by.is_text() => parts.push(without_text(change)),
        (0, 0) => parts.push("no text to compare".to_owned()),
        (_, 0) => parts.push("its text can no longer be read".to_owned()),
        _ if change.similarity < 0.01 => parts.push("the text is a completely different one".to_owned()),
        _ if change.similarity < 0.2 => {
            parts.push(format!("only {} of the text the same", percent(change.similarity)));
        }
        _ => {
            parts.push(format!("{} of the text the same", percent(change.similarity)));
            if change.words_changed > 0 {
                parts.push(format!("{} rewritten", words(change.words_changed)));
            }
        }
    }
    if let Some(section) = change.section.as_deref().filter(|section| !section.trim().is_empty()) {
        parts.push(format!("mostly under {}", quoted(section)));
    }
    parts.join(", ")
}

/// What differs in a file that has no text to compare.
fn without_text(change: &TextChange) -> String {
    match change.compared_by {
        ComparedBy::PageImages if change.similarity <= 0.0 => "other images on all its pages".to_owned(),
        ComparedBy::PageImages => {
            format!("other images on some pages ({} of them the same)", percent(change.similarity))
        }
        ComparedBy::Members if change.similarity <= 0.0 => "other files in it".to_owned(),
        ComparedBy::Members => format!("{} of the files in it the same", percent(change.similarity)),
        ComparedBy::Text | ComparedBy::Bytes | ComparedBy::Validators | ComparedBy::Nothing => {
            "the file is another one; it has no text to compare".to_owned()
        }
    }
}

fn alarm(alarm: CriticalChange, change: &TextChange) -> String {
    match alarm {
        CriticalChange::Withdrawn => "marked as withdrawn".to_owned(),
        CriticalChange::Retracted => "marked as retracted".to_owned(),
        CriticalChange::Tampered => "it now contains spam".to_owned(),
        CriticalChange::Shrunken => {
            let figure = |n: u32| number(u64::from(n));
            format!(
                "much shorter ({} words, {} before)",
                figure(change.words_after),
                figure(change.words_before)
            )
        }
        CriticalChange::NewVersion => "a new version is out".to_owned(),
    }
}

/// What is wrong with the course page itself.
pub fn page_problem(problem: &PageProblem) -> String {
    match problem {
        PageProblem::Unreachable { page, why, status } => {
            format!("the page {} could not be read: {}.", visible(page), reason(*why, *status))
        }
        PageProblem::Shrunken { page, before, after } => format!(
            "the page {} had {} before and {} now.",
            visible(page),
            count(*before as usize, "link"),
            number(u64::from(*after))
        ),
        PageProblem::NotThePage { page, title: Some(title) } => {
            format!("in place of the page {}, another one opens: {}.", visible(page), quoted(title))
        }
        PageProblem::NotThePage { page, title: None } => {
            format!("in place of the page {}, another one opens.", visible(page))
        }
        PageProblem::AsksForAccount { page } => format!("the page {} asks for an account.", visible(page)),
        PageProblem::NoLinks { page } => format!("the page {} has no links.", visible(page)),
        PageProblem::NotAPage { page, format } => {
            format!("the page {} is {format}, which cannot be read as a course page.", visible(page))
        }
    }
}

/// What to do about it.
pub fn page_to_do(problem: &PageProblem) -> &'static str {
    match problem {
        PageProblem::Unreachable { .. } => {
            "open it in a browser. If it opens, there is nothing to do; if it has moved, send its new address to the person who runs Onreserve."
        }
        PageProblem::Shrunken { after: 0, .. } => {
            "put the links back. If the page has moved, send its new address to the person who runs Onreserve."
        }
        PageProblem::Shrunken { .. } => {
            "if you removed the links, there is nothing to do: after three such nights the new page counts. If not, put them back."
        }
        PageProblem::NotThePage { .. } | PageProblem::AsksForAccount { .. } => {
            "let the page open without an account, or send its new address to the person who runs Onreserve."
        }
        PageProblem::NoLinks { .. } => {
            "put the links on the page, or send the address of the page that has them to the person who runs Onreserve."
        }
        PageProblem::NotAPage { .. } => {
            "send the address of the page in HTML to the person who runs Onreserve."
        }
    }
}

/// What to do about a page that was never read.
pub fn never_read_to_do(problem: &PageProblem) -> &'static str {
    match problem {
        PageProblem::Unreachable { .. } => {
            "open the address in a browser. Send the right address, or the news that this one opens for you, to the person who runs Onreserve."
        }
        PageProblem::Shrunken { .. }
        | PageProblem::NotThePage { .. }
        | PageProblem::AsksForAccount { .. }
        | PageProblem::NoLinks { .. }
        | PageProblem::NotAPage { .. } => page_to_do(problem),
    }
}

/// Why the night judged no link.
pub fn void(void: &Void) -> String {
    if let Some(sentinels) = void.sentinels {
        return format!(
            "{} of {} could not be reached, so the problem is probably our own network and not the links.",
            number(u64::from(sentinels.failed)),
            count(sentinels.asked as usize, "well-known site"),
        );
    }
    format!(
        "{} of {} on {} failed together, so the problem is probably our own network and not the links.",
        number(u64::from(void.failed)),
        count(void.links as usize, "link"),
        count(void.hosts as usize, "host"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::capture::Digest;
    use crate::domain::document::Fingerprint;

    fn revised() -> TextChange {
        TextChange {
            similarity: 0.964,
            compared_by: ComparedBy::Text,
            words_changed: 338,
            words_before: 9000,
            words_after: 9300,
            pages_before: Some(14),
            pages_after: Some(16),
            section: Some("Reverse diffusion".into()),
            alarm: None,
            seen_twice: false,
            is_noise: false,
            text: Fingerprint { version: 1, digest: Digest::of(b"") },
        }
    }

    #[test]
    fn a_change_is_described_in_figures() {
        insta::assert_snapshot!(change(&revised()), @r#"16 pages (14 before), 96 % of the text the same, about 350 words rewritten, mostly under "Reverse diffusion""#);
        let shrunken = TextChange {
            similarity: 0.04,
            alarm: Some(CriticalChange::Shrunken),
            pages_before: None,
            words_after: 310,
            section: None,
            ..revised()
        };
        insta::assert_snapshot!(change(&shrunken), @"much shorter (310 words, 9,000 before), only 4 % of the text the same");
    }

    #[test]
    fn an_error_status_is_in_brackets() {
        assert_eq!(reason(Reason::NotFound, Some(404)), "not found (404)");
        assert_eq!(reason(Reason::FrontPage, Some(200)), "leads to the front page of the site");
        assert_eq!(reason(Reason::NoSuchHost, None), "the host name no longer exists");
    }
}
