//! The words for one link, or one host, in a report.

use std::borrow::Cow;
use std::collections::HashSet;

use jiff::Timestamp;

use crate::domain::capture::{Capture, Shortfall, Verified};
use crate::domain::course::PageSource;
use crate::domain::evidence::{CriticalChange, Reason, TextChange};
use crate::domain::link::{Kind, Mention};
use crate::domain::patch::SourceLocation;
use crate::domain::replacement::Replacement;
use crate::domain::report::figures::{self, count, day, extent, list, number, size};
use crate::domain::report::placement::{is_broken, is_hostile, is_lapsed, is_own};
use crate::domain::report::plain::{defused, is_bare_address, quoted, shortened, tame, visible};
use crate::domain::report::wording::revisit;
use crate::domain::report::{CourseFacts, LinkFacts, wording};
use crate::domain::verdict::{State, Verdict};

/// Whether words are so short that their row is needed to understand them ("pdf", "slides", "here").
pub(super) fn is_short(words: &str, row: &str) -> bool {
    const SHORT_NAME: usize = 8;
    let (words, row) = (words.chars().count(), row.chars().count());
    words <= SHORT_NAME && row > words + 3
}

/// The local day of `at`.
pub(super) fn local_day(course: &CourseFacts, at: Timestamp) -> String {
    figures::local_day(at, &course.time_zone, course.today)
}

/// The link by its words, or by its file and host if it has none.
pub fn name(link_facts: &LinkFacts, mention: Option<&Mention>) -> String {
    let words = mention.map_or("", |mention| mention.words.trim());
    let row = mention.map_or("", |mention| mention.row.trim());
    if words.is_empty() || is_bare_address(words) {
        let file = link_facts.link.path().rsplit('/').find(|part| !part.is_empty());
        return match file {
            Some(file) => format!("{} on {}", quoted(file), host(link_facts)),
            None => format!("the site {}", host(link_facts)),
        };
    }
    if is_short(words, row) {
        return format!("{} in \"{}\"", quoted(words), shortened(row, 60).replace('"', "'"));
    }
    quoted(words)
}

/// Whether its address is printed without a link. One hostile response is enough.
pub fn is_shunned(link_facts: &LinkFacts) -> bool {
    link_facts.verdict.state.reason().is_some_and(Reason::is_hostile)
}

pub(super) fn host(link_facts: &LinkFacts) -> Cow<'_, str> {
    if is_shunned(link_facts) {
        Cow::Owned(defused(link_facts.link.host()))
    } else {
        Cow::Borrowed(link_facts.link.host())
    }
}

/// The state in a few words. A file of the course itself needs no confirmation.
pub fn state(course: &CourseFacts, link_facts: &LinkFacts) -> &'static str {
    match &link_facts.verdict.state {
        _ if link_facts.awaits_first_visit() => revisit::NOT_VISITED_YET,
        state @ State::Failing { .. } if is_broken(state, is_own(course, link_facts)) => "missing",
        state => wording::state(state),
    }
}

/// The kind in brackets: "PDF" if it is known to be one, else the kind of its mention.
pub fn kind(link_facts: &LinkFacts, mention: Option<&Mention>) -> Option<&'static str> {
    let is_pdf = link_facts.copy.as_ref().is_some_and(|copy| copy.media_type.starts_with("application/pdf"))
        || link_facts.link.path().to_ascii_lowercase().ends_with(".pdf");
    if is_pdf {
        return Some("PDF");
    }
    match mention?.kind {
        Kind::Paper => Some("paper"),
        Kind::Slides => Some("slides"),
        Kind::Notebook => Some("notebook"),
        Kind::Video => Some("video"),
        Kind::Article => Some("article"),
        Kind::Code => Some("code"),
        Kind::Book => Some("book"),
        Kind::CoursePage => Some("course page"),
        Kind::Other => None,
    }
}

/// Week, date and heading: "Week 5, Tue 6 Oct, under "Diffusion"".
pub fn where_needed(course: &CourseFacts, mention: &Mention) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(week) = mention.week.as_deref().map(tame).filter(|week| !week.is_empty()) {
        parts.push(week);
    }
    if let Some(due) = mention.due {
        let when = day(due, course.today);
        let lead = if parts.is_empty() { "needed " } else { "" };
        let past = if due < course.today { " (past)" } else { "" };
        parts.push(format!("{lead}{when}{past}"));
    }
    let heading = mention.headings.last().filter(|heading| Some(heading.as_str()) != mention.week.as_deref());
    if let Some(heading) = heading.filter(|heading| !heading.trim().is_empty()) {
        let under = if parts.is_empty() { "Under" } else { "under" };
        parts.push(format!("{under} {}", quoted(heading)));
    }
    (!parts.is_empty()).then(|| {
        let mut text = parts.join(", ");
        if let Some(first) = text.get(..1).map(str::to_uppercase) {
            text.replace_range(..1, &first);
        }
        text
    })
}

/// The line in the source, and the other lines with the same link.
pub fn source(course: &CourseFacts, link_facts: &LinkFacts, lead: &Mention) -> String {
    let on_this_page = link_facts.mentions.iter().filter(|mention| mention.page == lead.page);
    let mut others: Vec<u32> =
        on_this_page.map(|mention| mention.line).filter(|line| *line != lead.line).collect();
    others.dedup();
    let also = match others.as_slice() {
        [] => String::new(),
        [one] => format!(", also line {one}"),
        more => {
            let lines: Vec<String> = more.iter().map(u32::to_string).collect();
            format!(", also lines {}", list(&lines, 3))
        }
    };
    let elsewhere: HashSet<&String> =
        link_facts.mentions.iter().filter_map(|mention| mention.page.as_ref()).collect();
    let elsewhere = match elsewhere.len() {
        0 | 1 => String::new(),
        pages => format!(", and on {}", count(pages - 1, "other page")),
    };
    let file = match &lead.page {
        Some(page) => wording::file_of(page).map_or_else(String::new, |file| format!("{file} ")),
        None => source_file(course),
    };
    format!("{file}line {}{also}{elsewhere}", lead.line)
}

/// "not found (404), 3 nights running since Sat 3 Oct; last worked Fri 2 Oct."
pub fn what_happened(course: &CourseFacts, link_facts: &LinkFacts) -> String {
    if link_facts.awaits_first_visit() {
        return format!("{}.", revisit::NOT_VISITED_YET);
    }
    let Some(reason) = link_facts.verdict.state.reason() else {
        return format!("{}.", wording::state(&link_facts.verdict.state));
    };
    let seen = wording::reason(reason, link_facts.status);
    let worked = match link_facts.last_ok {
        Some(at) => format!("; last worked {}", local_day(course, at)),
        None => String::new(),
    };
    let is_certain = course.is_first || is_broken(&link_facts.verdict.state, is_own(course, link_facts));
    let doubt = match &link_facts.verdict.state {
        State::Failing { .. } if !is_certain => "; not yet confirmed",
        State::Ok
        | State::Moved { .. }
        | State::Changed { .. }
        | State::Restricted { .. }
        | State::Unverifiable { .. }
        | State::Failing { .. }
        | State::Dead { .. } => "",
    };
    format!("{seen}{}{worked}{doubt}.", how_long(course, &link_facts.verdict))
}

pub(super) fn how_long(course: &CourseFacts, verdict: &Verdict) -> String {
    let since = local_day(course, verdict.since);
    match verdict.nights {
        0 | 1 if course.is_first => String::new(),
        0 | 1 => format!(", since {since}"),
        nights => format!(", {nights} nights running since {since}"),
    }
}

/// The difference between the present version and the accepted one.
pub fn what_changed(course: &CourseFacts, link_facts: &LinkFacts, change: &TextChange) -> String {
    let since = local_day(course, link_facts.verdict.since);
    let figures = wording::change(change);
    match (link_facts.verdict.state.reason(), change.alarm) {
        // The alarm is the reason.
        (_, Some(CriticalChange::Withdrawn | CriticalChange::Retracted | CriticalChange::Tampered))
        | (None, _) => {
            format!("since {since}: {figures}.")
        }
        (Some(reason), _) => format!("{} since {since}: {figures}.", wording::reason(reason, None)),
    }
}

/// "Sat 12 Sep, 10 pages, 219 KB, verified Sun 4 Oct."
pub fn our_copy(course: &CourseFacts, link_facts: &LinkFacts, kind: Option<Kind>) -> String {
    let Some(copy) = &link_facts.copy else {
        return match kind {
            Some(Kind::Video) => "none (videos are not kept).".to_owned(),
            Some(Kind::Code) => "none (code repositories are not kept).".to_owned(),
            Some(
                Kind::Paper
                | Kind::Slides
                | Kind::Notebook
                | Kind::Article
                | Kind::Book
                | Kind::CoursePage
                | Kind::Other,
            )
            | None => "none.".to_owned(),
        };
    };
    let pages = link_facts
        .copy_pages
        .map_or_else(String::new, |pages| format!("{}, ", extent(pages, &copy.document)));
    let verified = match link_facts.verified {
        Some(Verified { at, is_sound: true }) => format!(", verified {}", local_day(course, at)),
        Some(Verified { at, is_sound: false }) => {
            let loss = format!("lost, altered or missing when looked for {}", local_day(course, at));
            return match &link_facts.verdict.state {
                State::Dead { .. } => format!(
                    "{loss}. The only copy of a dead link is lost. The person who runs this archive can restore it from a backup."
                ),
                State::Ok
                | State::Moved { .. }
                | State::Changed { .. }
                | State::Restricted { .. }
                | State::Unverifiable { .. }
                | State::Failing { .. } => format!("{loss}."),
            };
        }
        None => String::new(),
    };
    let what = match copy.shortfall {
        Some(Shortfall::LandingPage) => "only the page about the work, ",
        None => "",
    };
    format!("{what}{}, {pages}{}{verified}.", local_day(course, copy.captured_at), size(copy.bytes))
}

/// The copies of both versions.
pub fn both_copies(course: &CourseFacts, before: &Capture, after: &Capture) -> String {
    let one = |copy: &Capture| format!("{} of {}", size(copy.bytes), local_day(course, copy.captured_at));
    format!("both versions kept, {} and {}.", one(before), one(after))
}

/// What the instructor can do about it.
pub fn to_do(course: &CourseFacts, link_facts: &LinkFacts, is_own: bool) -> String {
    let copy = link_facts.sound_copy().is_some();
    let words = match &link_facts.verdict.state {
        State::Dead { .. } | State::Failing { .. } if is_own => "put the file back or correct the address.",
        State::Dead { .. } if link_facts.replacement.as_ref().is_some_and(Replacement::is_verified) => {
            "put the replacement on the page."
        }
        State::Dead { .. } if link_facts.replacement.is_some() => {
            "check whether the replacement is the right reading, or choose another."
        }
        State::Dead { .. } | State::Changed { .. } if is_hostile(link_facts) => shun(link_facts),
        State::Failing { reason: Reason::NoSuchHost, .. } => {
            "check the spelling of the host name. If it is right, look for another address of the reading."
        }
        State::Failing { .. } if is_lapsed(link_facts) => {
            "look for another address of the reading, and do not open this one: its domain has lapsed."
        }
        State::Failing { .. } => "try it in a browser before class.",
        State::Dead { .. } if link_facts.is_covered && course.students_get_copies => {
            return match link_facts.copy_opens_on {
                Some(first) => {
                    format!("replace the link; students get our copy from {}.", day(first, course.today))
                }
                None => "replace the link; until then students get our copy.".to_owned(),
            };
        }
        // With public pages, a closed copy is one that its course may not hand out.
        State::Dead { .. } if copy && !course.students_get_copies => {
            "replace the link, or hand out our copy."
        }
        State::Dead { .. } if copy => "replace the link; our copy is not open to students.",
        State::Dead { .. } => "replace or remove the link.",
        State::Restricted { .. } => return restricted_to_do(course, link_facts),
        State::Moved { .. } => "put the new address on the page.",
        State::Changed { reason: Reason::Replaced, .. }
            if link_facts.is_covered && course.students_get_copies =>
        {
            return match link_facts.copy_opens_on {
                Some(first) => {
                    let first = day(first, course.today);
                    format!(
                        "decide which document is the reading; from {first} students see our copy beside the link."
                    )
                }
                None => {
                    "decide which document is the reading; until then students see our copy beside the link."
                        .to_owned()
                }
            };
        }
        State::Changed { .. } => "check whether it is still the right reading.",
        State::Ok | State::Unverifiable { .. } => "nothing.",
    };
    words.to_owned()
}

/// What the action page of an entry offers.
pub fn offer(course: &CourseFacts, link_facts: &LinkFacts) -> &'static str {
    match &link_facts.verdict.state {
        State::Changed { .. } => "Compare the two versions, accept the new one or snooze",
        State::Dead { .. } if link_facts.opens_if_chosen && course.students_get_copies => {
            "Stop reporting as dead, use our copy, snooze, or check again after a fix"
        }
        State::Dead { .. } => "Stop reporting as dead, snooze, or check again after a fix",
        State::Failing { .. } | State::Restricted { .. } | State::Unverifiable { .. }
            if link_facts.opens_if_chosen && course.students_get_copies =>
        {
            "Mark as fine, use our copy, snooze, or check again after a fix"
        }
        State::Failing { .. }
        | State::Restricted { .. }
        | State::Unverifiable { .. }
        | State::Moved { .. } => "Mark as fine, snooze, or check again after a fix",
        State::Ok => "What we know about it",
    }
}

/// What to do about a link that asks for an account.
fn restricted_to_do(course: &CourseFacts, link_facts: &LinkFacts) -> String {
    let words = match (link_facts.sound_copy().is_some(), course.students_get_copies) {
        (true, true) if link_facts.is_covered => {
            let from = link_facts.copy_opens_on.map(|first| format!(" from {}", day(first, course.today)));
            let from = from.unwrap_or_default();
            return format!("check whether your students have access; our copy is open to them{from}.");
        }
        (true, true) if link_facts.opens_if_chosen => {
            "check whether your students have access; \"Use our copy for good\" gives them ours."
        }
        (true, false) => "check whether your students have access, or hand out our copy.",
        (true, true) | (false, _) => "check whether your students have access, or replace the link.",
    };
    words.to_owned()
}

/// What to do about a hostile link.
fn shun(link_facts: &LinkFacts) -> &'static str {
    if link_facts.verdict.state.reason() == Some(Reason::InternalAddress) {
        "correct the address, or take the link off the page."
    } else if matches!(link_facts.verdict.state, State::Changed { .. }) {
        "take the link off the page until its owner has removed the spam."
    } else {
        "take the link off the page: it leads readers to a site that its author does not own."
    }
}

/// The file name of the page and a space, if the course has one page.
pub(super) fn source_file(course: &CourseFacts) -> String {
    let file = match course.pages.as_slice() {
        [PageSource::File { path, .. }] => path.file_name().map(|name| visible(&name.to_string_lossy())),
        [PageSource::Web(address)] => address.path().rsplit('/').find(|part| !part.is_empty()).map(visible),
        _ => None,
    };
    file.map_or_else(String::new, |file| format!("{file} "))
}

/// The words in place of an address that is too long to print.
pub fn long_address(characters: usize) -> String {
    format!("an address of {} characters, see the source", number(characters as u64))
}

/// The places of a link in the sources: "one match, _data/schedule.yml line 112."
pub fn in_the_source(spots: &[SourceLocation]) -> String {
    let places: Vec<String> =
        spots.iter().map(|spot| format!("{} line {}", visible(&spot.name), spot.line)).collect();
    match places.as_slice() {
        [] => "not found there; a template probably writes it.".to_owned(),
        [one] => format!("one match, {one}."),
        many => format!("{} matches, {}.", number(many.len() as u64), list(many, 4)),
    }
}
