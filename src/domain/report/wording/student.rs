//! The sentences that students read about a link and our copy of it.
//!
//! Students want to open the reading. The sentences first say what opens, then why.

use crate::domain::address::Address;
use crate::domain::capture::{Capture, Shortfall};
use crate::domain::evidence::{Reason, TextChange};
use crate::domain::link::Mention;
use crate::domain::policy::copy_access::Closed;
use crate::domain::policy::course_access::Role;
use crate::domain::report::figures::{count, extent, is_notebook, size};
use crate::domain::report::plain::{essence, is_bare_address, visible};
use crate::domain::report::wording::link::is_short;
use crate::domain::report::wording::page_problem;
use crate::domain::report::{CourseFacts, LinkFacts};
use crate::domain::verdict::State;

/// The link by its words on the page, or by its address if it has none.
pub fn name_of(link_facts: &LinkFacts) -> String {
    let mentions = link_facts.mentions.iter().map(|mention| visible(&mention.words));
    mentions
        .into_iter()
        .find(|words| !words.is_empty() && !is_bare_address(words))
        .unwrap_or_else(|| visible(link_facts.link.as_str()))
}

/// Why a course has no readings yet; `None` if its page was read at least once.
pub fn never_read(course: &CourseFacts) -> Option<String> {
    let problem = course.page_problem.as_ref().filter(|_| course.is_never_read())?;
    Some(format!("The readings of this course are not listed yet: {}", page_problem(problem)))
}

/// The state beside a reading; `None` also for one that no night has visited.
pub fn state_of(link_facts: &LinkFacts) -> Option<&'static str> {
    if link_facts.awaits_first_visit() { None } else { state(&link_facts.verdict.state) }
}

/// The state beside a reading, in a few words; `None` for one that opens.
pub fn state(state: &State) -> Option<&'static str> {
    match state {
        State::Ok | State::Moved { .. } => None,
        State::Changed { reason: Reason::Replaced, .. } => {
            Some("another document is at this address now; our copy is the one that was assigned")
        }
        State::Changed { .. } => Some("changed since it was assigned"),
        State::Restricted { .. } => Some("asks for a login or payment"),
        State::Unverifiable { .. } => Some("could not be checked, probably works"),
        State::Failing { .. } => Some("may be down at the moment"),
        State::Dead { reason: Reason::Parked | Reason::Hijacked } => {
            Some("the old address now belongs to someone else")
        }
        State::Dead { .. } => Some("the original is gone"),
    }
}

/// Beside a reading that does not open: the subject of the page behind the link.
pub const ELSEWHERE: &str = "where else to look";
pub const WHY_CLOSED: &str = "why it does not open";

/// The sentence at the head of a copy's page.
pub fn standing(state: &State) -> &'static str {
    match state {
        State::Ok | State::Moved { .. } | State::Unverifiable { .. } => {
            "The original still works. This is the course's own copy."
        }
        State::Changed { reason: Reason::Replaced, .. } => {
            "Another document is at the original address now. This is the course's own copy of the one that was assigned."
        }
        State::Changed { .. } => "The original has changed. This is the course's own copy.",
        State::Restricted { .. } => {
            "The original asks for a login or payment. This is the course's own copy."
        }
        State::Failing { .. } => "The original may be down at the moment. This is the course's own copy.",
        State::Dead { reason: Reason::Parked | Reason::Hijacked } => {
            "The old address now belongs to someone else. This is the course's own copy."
        }
        State::Dead { .. } => "The original is gone. This is the course's own copy.",
    }
}

/// What a copy is, where it is not the work.
pub fn shortfall(shortfall: Shortfall) -> &'static str {
    match shortfall {
        Shortfall::LandingPage => {
            "Only the landing page was kept. The document that it describes could not be fetched."
        }
    }
}

/// Of a copy whose text only the scripts of the page made.
pub const RENDERED: &str =
    "It was kept as a browser showed it; buttons and other things that need scripts do not work.";

/// The button that leads to the original.
pub fn to_original(state: &State) -> &'static str {
    match state {
        State::Changed { reason: Reason::Replaced, .. } => "Open the other document",
        State::Ok
        | State::Moved { .. }
        | State::Changed { .. }
        | State::Restricted { .. }
        | State::Unverifiable { .. } => "Open the original",
        State::Failing { .. } | State::Dead { .. } => "Try the original",
    }
}

/// The result of a search: readings found by name, and copies found by their
/// text; `are_all` is false if only the first copies were searched.
pub fn found(readings: usize, all: usize, copies: usize, are_all: bool) -> String {
    let inside = match copies {
        0 => "no copy".to_owned(),
        1 => "1 copy".to_owned(),
        copies if are_all => format!("{copies} copies"),
        copies => format!("{copies} copies or more"),
    };
    format!("{readings} of {} match; found inside {inside}", count(all, "reading"))
}

/// A title and a sentence for a copy that does not open.
pub fn closed(closed: Closed) -> (&'static str, &'static str) {
    match closed {
        Closed::NotAReader => ("Sign-in needed", "has a copy here for the readers of its course."),
        Closed::TakenDown => {
            ("Removed at the owner's request", "was removed from here at the request of its owner.")
        }
        Closed::Licensed => ("Library login needed", "is licensed; please open it through your library."),
        Closed::OutsideTerm => {
            ("Closed outside the term", "has a copy here, which opens only while the term runs.")
        }
        Closed::OriginalAvailable => (
            "The original comes first",
            "has a copy here, which opens only when the original is confirmed to be gone.",
        ),
    }
}

/// Above the field for the password of a course.
pub fn sign_in(course: &str, role: Role) -> String {
    match role {
        Role::Reader => format!("Sign in to {course}"),
        Role::Staff => format!("Sign in to {course} as staff"),
    }
}

pub const WRONG_PASSWORD: &str = "That is not the password. Please try again.";

pub fn too_many_tries(seconds: i64) -> String {
    let wait = match seconds {
        ..=90 => count(usize::try_from(seconds.max(0)).unwrap_or(usize::MAX), "second"),
        _ => count(usize::try_from(seconds.div_euclid(60) + 1).unwrap_or(usize::MAX), "minute"),
    };
    format!("Too many wrong passwords were entered. Please try again in {wait}.")
}

pub fn signed_in(role: Role) -> &'static str {
    match role {
        Role::Reader => "You are signed in as a student",
        Role::Staff => "You are signed in as staff",
    }
}

/// A title and a sentence after signing out with a school's sign-in.
pub const SIGNED_OUT: (&str, &str) = (
    "You are signed out here",
    "You are still signed in at your school on this device. This page goes on to your school to sign you out there too. If nothing happens, please press the button.",
);

/// A title and a sentence for a person who is not on the course's lists. `person` is
/// the name that the school's sign-in gives.
pub fn not_named(course: &str, needed: Role, person: Option<&str>) -> (String, String) {
    let title = match needed {
        Role::Reader => format!("Only for the readers of {course}"),
        Role::Staff => format!("Only for the staff of {course}"),
    };
    let text = match person {
        Some(name) => {
            format!(
                "You are signed in as {name}, but this name is not on the list of the course. Please ask the instructor."
            )
        }
        None => {
            "Please open this page through your school's sign-in, which did not give us your name.".to_owned()
        }
    };
    (title, text)
}

/// The page of a course that asks the school's identity provider.
/// A link that a course with a sign-in may have.
pub const SIGN_IN_FIRST: (&str, &str) = (
    "Sign in first",
    "If this link belongs to your course, open the page of the course on this service, sign in there, and \
     follow the link again. If you are signed in, your course does not have this link.",
);

pub const THROUGH_SCHOOL: &str = "Your school's sign-in gives us your name.";

/// A person signed in as a student opened a page for staff.
pub const STUDENT_AMONG_STAFF: &str = "You are signed in as a student. If you are staff, please ask the \
    person who runs this service to add you; then sign out and in again.";

/// Why a sign-in with the school's identity provider failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginFailure {
    /// The provider does not answer, or not with a valid response.
    Unreachable,
    /// It was not started in this browser, or it has expired.
    NotBegun,
    /// The provider refused the sign-in.
    Declined,
    /// The provider rejected the code.
    NotTaken,
    /// The ID token could not be verified.
    NotVerified,
    /// The ID token has no name for the person.
    Nameless,
}

/// A title and a sentence for such a sign-in.
pub fn login_failure(why: LoginFailure) -> (&'static str, &'static str) {
    const TITLE: &str = "You are not signed in";
    match why {
        LoginFailure::Unreachable => (
            "The school's sign-in cannot be reached",
            "It does not answer correctly. Please try again later.",
        ),
        LoginFailure::NotBegun => (
            TITLE,
            "This sign-in was not started in this browser, was used before, or took too long. Please open the reading again.",
        ),
        LoginFailure::Declined => (TITLE, "The school's sign-in refused you, or you cancelled it."),
        LoginFailure::NotTaken => (TITLE, "The school's sign-in has expired. Please open the reading again."),
        LoginFailure::NotVerified => (
            TITLE,
            "The answer of the school's sign-in could not be verified. The person who runs this service finds the reason in the log.",
        ),
        LoginFailure::Nameless => (
            TITLE,
            "The school's sign-in did not give us the name that the lists of the courses have for you. The person who runs this service finds the reason in the log.",
        ),
    }
}

const LONGEST_ROW: usize = 140;

/// A reading by the words of its link, with the text of its row if the words are short.
pub fn reading(link_facts: &LinkFacts, mention: &Mention) -> (String, Option<String>) {
    let words = visible(&mention.words);
    let row = visible(&mention.row);
    let row = without_date(&row, mention);
    let beside = is_short(&words, row).then(|| {
        let mut beside: String = row.chars().take(LONGEST_ROW).collect();
        if beside.len() < row.len() {
            let whole_words = beside.rsplit_once(' ').map_or(beside.len(), |(words, _)| words.len());
            beside.truncate(whole_words);
            beside.push_str("...");
        }
        beside
    });
    if words.is_empty() || is_bare_address(&words) { (name_of(link_facts), beside) } else { (words, beside) }
}

/// A row without the week and the date at its beginning, because the reading is
/// listed under these.
fn without_date<'a>(row: &'a str, mention: &Mention) -> &'a str {
    let Some(due) = mention.due else { return row };
    let is_of_date = |word: &str| {
        let word = word.trim_matches(|c: char| c.is_ascii_punctuation()).to_ascii_lowercase();
        let is_name = |name: String| word.len() >= 3 && name.to_ascii_lowercase().starts_with(&word);
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let is_part = |part: i16| digits.parse() == Ok(part);
        let week = mention.week.as_deref().unwrap_or("").to_ascii_lowercase();
        week.split_whitespace().any(|part| part == word)
            || is_name(due.strftime("%A").to_string())
            || is_name(due.strftime("%B").to_string())
            || [due.day().into(), due.month().into(), due.year()].into_iter().any(is_part)
    };
    let mut rest = row;
    while let Some((_, after)) = rest.split_once(' ').filter(|(word, _)| is_of_date(word)) {
        rest = after;
    }
    rest
}

/// The name of a media type for a reader.
pub fn media(media_type: &str, document: &Address) -> &'static str {
    if is_notebook(document) {
        // Servers send notebooks with any type, such as JSON or plain text.
        return "notebook";
    }
    let essence = essence(media_type).to_ascii_lowercase();
    match essence.as_str() {
        "application/pdf" => "PDF",
        "text/html" | "application/xhtml+xml" => "web page",
        "text/plain" | "text/markdown" | "text/csv" => "text",
        essence if essence.starts_with("image/") => "image",
        _ => "file",
    }
}

/// "PDF, 10 pages, 219 KB".
pub fn measure(media: &str, copy: &Capture, pages: Option<u32>) -> String {
    let pages = pages.map_or_else(String::new, |pages| format!("{}, ", extent(pages, &copy.document)));
    let media = match copy.shortfall {
        Some(Shortfall::LandingPage) => "landing page only",
        None => media,
    };
    // Keeps the number on the line of its unit.
    format!("{media}, {pages}{}", size(copy.bytes).replace(' ', "\u{a0}"))
}

/// How two versions differ, in a sentence.
pub fn difference(change: &TextChange) -> String {
    let is_same = change.words_changed == 0 && change.words_after > 0;
    if is_same && change.pages_before == change.pages_after {
        "The words are the same; only the file differs.".to_owned()
    } else {
        format!("In figures: {}.", super::change(change))
    }
}

/// A citation of a copy: the quoted title, and the sentence after it.
/// They are separate because a title may be written from right to left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyCitation {
    pub title: String,
    pub rest: String,
}

impl CopyCitation {
    pub fn new(title: &str, link: &str, retrieved: &str) -> Self {
        Self { title: title.replace('"', "'"), rest: format!("Retrieved from {link} on {retrieved}.") }
    }
}

/// A title and a sentence if the original cannot be read and no copy opens.
pub fn without_copy(state: &State) -> (&'static str, &'static str) {
    match state {
        State::Dead { reason: Reason::Parked | Reason::Hijacked } => {
            ("We have no copy", "The old address now belongs to someone else, and no copy was made in time.")
        }
        State::Dead { .. } => ("We have no copy", "The original is gone, and no copy was made in time."),
        State::Failing { .. } => {
            ("It may be down at the moment", "The original has not worked for the last few nights.")
        }
        State::Changed { reason: Reason::Replaced, .. } => (
            "Another document is there now",
            "The address now leads to another document than the one that was assigned. Our copy is the one that was assigned.",
        ),
        State::Ok
        | State::Moved { .. }
        | State::Changed { .. }
        | State::Restricted { .. }
        | State::Unverifiable { .. } => ("The original", "The original should open."),
    }
}
