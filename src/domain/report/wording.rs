//! The sentences: states, reasons and changes in an instructor's words.
//!
//! Nothing else in the program says anything to an instructor.

use crate::domain::evidence::{Alarm, Change, Note, Reason};
use crate::domain::page::Defect;
use crate::domain::report::plain::{counted, tame};
use crate::domain::report::{PageTrouble, Void};

/// What was seen, as it follows "What happened:"; the code in brackets where one came.
pub fn reason(reason: Reason, status: Option<u16>) -> String {
    let said = match reason {
        Reason::NotFound => "not found",
        Reason::Gone => "removed on purpose",
        Reason::NoSuchHost => "the site's name no longer exists",
        Reason::NameServer => "the site's name could not be looked up",
        Reason::Certificate => "students see a security warning first: the site's certificate is not valid",
        Reason::NotAnswering => "the site does not answer",
        Reason::ServerError => "the site reports an error of its own",
        Reason::ClientError => "the site does not accept the request",
        Reason::Soft404 => "shows an error page although the site says all is well",
        Reason::FrontPage => "now sends readers to the site's front page",
        Reason::OtherPage => "now leads to another page altogether",
        Reason::Parked => "the address was given up and is for sale; do not send students there",
        Reason::WrongType => "the file is gone, a web page comes instead",
        Reason::Empty => "an empty page",
        Reason::Truncated => "the file arrives incomplete",
        Reason::Unreadable => "the file cannot be read",
        Reason::RemovedVideo => "the video was removed",
        Reason::RedirectLoop => "redirects in circles",
        Reason::InternalAddress => "leads to an address inside our own network",
        Reason::Legal => "withheld for legal reasons",
        Reason::Login => "asks readers to sign in",
        Reason::Paywall => "asks readers to pay or subscribe",
        Reason::Private => "was made private",
        Reason::Forbidden => "refuses visitors",
        Reason::BotWall => "the site lets only browsers in, so it could not be checked",
        Reason::Consent => "the site asks for consent first, so it could not be checked",
        Reason::RateLimited => "the site asked us to come back later",
        Reason::Robots => "the site asks programs not to visit this page",
        Reason::ScriptOnly => "the page is made by a script, so it could not be checked",
        Reason::TooLarge => "too large to fetch",
        Reason::NotChecked => "not checked",
        Reason::Withdrawn => "withdrawn by its authors",
        Reason::Retracted => "retracted",
        Reason::Replaced => "another document is there now",
        Reason::Revised => "revised",
        Reason::Renamed => "moved",
    };
    match status.filter(|status| *status >= 400) {
        Some(status) => format!("{said} ({status})"),
        None => said.to_owned(),
    }
}

/// How a document changed, in figures.
pub fn change(change: &Change) -> String {
    let mut parts = Vec::new();
    match change.alarm {
        Some(Alarm::Withdrawn) => parts.push("marked as withdrawn".to_owned()),
        Some(Alarm::Retracted) => parts.push("marked as retracted".to_owned()),
        Some(Alarm::NewVersion) => parts.push("a later version".to_owned()),
        Some(Alarm::Shrunken) => {
            parts.push(format!(
                "most of the text is gone, {} -> {} words",
                change.words_before, change.words_after
            ));
        }
        None => {}
    }
    if let (Some(before), Some(after)) = (change.pages_before, change.pages_after)
        && before != after
    {
        parts.push(format!("{before} -> {after} pages"));
    }
    if change.alarm.is_none() {
        parts.push(rewritten(change));
    }
    parts.join(", ")
}

fn rewritten(change: &Change) -> String {
    let same = (change.similarity * 100.0).floor();
    if change.words_before == 0 && change.words_after == 0 {
        return "no text to compare".to_owned();
    }
    if change.words_after == 0 {
        return "the text can no longer be read, perhaps a scan".to_owned();
    }
    if change.similarity < 0.10 {
        return "hardly a sentence is the same".to_owned();
    }
    let place = change
        .section
        .as_ref()
        .map(|section| format!(", mostly under \"{}\"", tame(section)))
        .unwrap_or_default();
    format!("{same:.0} % of the text the same, {} rewritten{place}", about(change.words_changed))
}

/// "about 350 words": figures that look exact invite questions nobody can answer.
fn about(words: u32) -> String {
    let rounded = match words {
        0..20 => return counted(words as usize, "word"),
        20..100 => words / 5 * 5,
        100..1000 => words / 10 * 10,
        _ => words / 100 * 100,
    };
    format!("about {rounded} words")
}

pub fn note(note: &Note) -> String {
    match note {
        Note::MissingFragment(fragment) => {
            format!("the page has no place called \"#{}\" any more", tame(fragment))
        }
        Note::PageBeyondEnd { page, pages } => {
            format!("the link points to page {page}, the document has {pages}")
        }
        Note::WrongStatus(status) => format!("works, although the site says {status}"),
        Note::StartsAfterEnd => "the link starts after the end of the video".to_owned(),
    }
}

pub fn defect(defect: &Defect) -> String {
    match defect {
        Defect::EmptyLink { words, line } => {
            format!("line {line}: the link \"{}\" has no address", tame(words))
        }
        Defect::Malformed { words, written, line, why } => {
            format!("line {line}: the address of \"{}\" cannot work: {why} ({})", tame(words), tame(written))
        }
        Defect::BrokenAnchor { words, anchor, line } => {
            format!(
                "line {line}: \"{}\" points to \"#{}\", which is not on the page",
                tame(words),
                tame(anchor)
            )
        }
    }
}

pub fn page_trouble(trouble: &PageTrouble) -> String {
    match trouble {
        PageTrouble::Unreachable { page, why, status } => {
            format!(
                "The course page {page} could not be read: {}. The links of its last reading were checked.",
                reason(*why, *status)
            )
        }
        PageTrouble::Shrunken { page, before, after } => format!(
            "The course page {page} had {before} links and now has {after}. The links of its last reading were checked; if the change is meant, run the check again once the page is complete."
        ),
        PageTrouble::NotThePage { page, title } => {
            let title = title.as_ref().map(|title| format!(" (\"{}\")", tame(title))).unwrap_or_default();
            format!(
                "Instead of the course page {page} something else came{title}. The links of its last reading were checked."
            )
        }
    }
}

pub fn void(void: &Void) -> String {
    format!(
        "Last night says nothing: {} of {} links failed at once, on {} hosts, as they do when our own network is down. Nothing was judged; what was known stands.",
        void.failed, void.links, void.hosts
    )
}
