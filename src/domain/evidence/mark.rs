//! The marks by which walls, gates and lapsed domains are known: read from `marks.psv`.
//!
//! A mark names what kind of page carries it; what follows from that is decided
//! where the marks are asked for.

use std::sync::LazyLock;

use crate::domain::address::Address;
use crate::domain::document::{Document, Html};
use crate::domain::evidence::ask::Answer;

/// Below this a page is a notice rather than a work; challenge and parking
/// pages stay well under it, abstracts of papers over it.
const THIN_PAGE_WORDS: u32 = 150;

/// So many different words of spam are no accident.
pub const SPAM_WORDS: usize = 2;

/// What a mark says the page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    BotWall,
    Consent,
    RateLimited,
    Login,
    Paywall,
    Parked,
    Missing,
    /// Closed for repairs: the host will be back.
    Maintenance,
    /// What hijacked pages advertise.
    Spam,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Header,
    Host,
    Path,
    Title,
    Source,
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Always,
    Error(But),
    Thin(But),
}

/// Statuses at which a mark says nothing, because its vendor puts it on every page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum But {
    None,
    Missing,
    MissingOrDown,
}

impl But {
    fn allows(self, status: Option<u16>) -> bool {
        match (self, status) {
            (Self::Missing | Self::MissingOrDown, Some(404 | 410))
            | (Self::MissingOrDown, Some(500..=599)) => false,
            (Self::None | Self::Missing | Self::MissingOrDown, _) => true,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    what: What,
    place: Place,
    when: When,
    text: &'static str,
}

static MARKS: LazyLock<Vec<Mark>> = LazyLock::new(|| {
    include_str!("marks.psv").lines().filter(|line| !line.starts_with('#')).filter_map(parse).collect()
});

fn parse(line: &'static str) -> Option<Mark> {
    let mut columns = line.splitn(4, '|');
    Some(Mark {
        what: match columns.next()? {
            "bot_wall" => What::BotWall,
            "consent" => What::Consent,
            "rate_limited" => What::RateLimited,
            "login" => What::Login,
            "paywall" => What::Paywall,
            "parked" => What::Parked,
            "missing" => What::Missing,
            "maintenance" => What::Maintenance,
            "spam" => What::Spam,
            _ => return None,
        },
        place: match columns.next()? {
            "header" => Place::Header,
            "host" => Place::Host,
            "path" => Place::Path,
            "title" => Place::Title,
            "source" => Place::Source,
            "text" => Place::Text,
            _ => return None,
        },
        when: match columns.next()? {
            "always" => When::Always,
            "error" => When::Error(But::None),
            "error but missing or down" => When::Error(But::MissingOrDown),
            "thin" => When::Thin(But::None),
            "thin but missing" => When::Thin(But::Missing),
            "thin but missing or down" => When::Thin(But::MissingOrDown),
            _ => return None,
        },
        text: columns.next()?,
    })
}

/// How many different marks of one kind an answer carries. A part of another
/// mark is no second one.
pub fn count(what: What, answer: &Answer) -> usize {
    let seen = Seen::new(answer);
    let carried: Vec<&Mark> = seen.marks(what).collect();
    let is_part = |mark: &Mark| {
        let holds = |other: &&Mark| {
            other.place == mark.place && other.text != mark.text && other.text.contains(mark.text)
        };
        carried.iter().copied().any(|other| holds(&other))
    };
    carried.iter().filter(|mark| !is_part(mark)).count()
}

pub fn any(what: What, answer: &Answer) -> bool {
    first(&[what], answer).is_some()
}

/// The first of these kinds of which an answer carries a mark.
pub fn first(kinds: &[What], answer: &Answer) -> Option<What> {
    let seen = Seen::new(answer);
    kinds.iter().copied().find(|what| seen.marks(*what).next().is_some())
}

/// The parts of an answer in which marks are looked for, in lower case.
struct Seen<'a> {
    answer: &'a Answer,
    title: String,
    text: String,
    source: String,
    is_error: bool,
    is_thin: bool,
}

impl<'a> Seen<'a> {
    fn new(answer: &'a Answer) -> Self {
        let document = answer.document.as_ref();
        let html = document.and_then(|document| document.html.as_ref());
        let is_error = answer.exchange.status().is_some_and(|status| status >= 400);
        Self {
            answer,
            title: document.and_then(|document| document.title.as_deref()).unwrap_or_default().to_lowercase(),
            text: document.map(thin_text).unwrap_or_default(),
            source: html.map(|html| html.source.to_lowercase()).unwrap_or_default(),
            is_error,
            is_thin: is_error || document.is_some_and(|document| words(html, document) < THIN_PAGE_WORDS),
        }
    }

    fn marks(&self, what: What) -> impl Iterator<Item = &'static Mark> {
        MARKS.iter().filter(move |mark| mark.what == what && self.carries(mark))
    }

    fn carries(&self, mark: &Mark) -> bool {
        let counts = match mark.when {
            When::Always => true,
            When::Error(but) => self.is_error && but.allows(self.answer.exchange.status()),
            When::Thin(but) => self.is_thin && but.allows(self.answer.exchange.status()),
        };
        counts
            && match mark.place {
                Place::Header => self.has_header(mark.text),
                Place::Host => self.led_to(|address| host_matches(address.host(), mark.text)),
                Place::Path => self.led_to(|address| path_and_query(address).contains(mark.text)),
                Place::Title => says(&self.title, mark.text),
                Place::Source => self.source.contains(mark.text),
                Place::Text => says(&self.text, mark.text),
            }
    }

    fn has_header(&self, mark: &str) -> bool {
        let (name, value) = mark.split_once(": ").unwrap_or((mark, ""));
        self.answer
            .exchange
            .last_hop()
            .and_then(|hop| hop.headers.get(name))
            .is_some_and(|found| found.to_lowercase().contains(value))
    }

    /// Whether a redirect led to such an address. The one asked for is the
    /// author's choice and says nothing; nor does a sign-in host that was only
    /// passed by on the way to the work, as publishers do to set a cookie.
    fn led_to(&self, matches: impl Fn(&Address) -> bool) -> bool {
        let exchange = &self.answer.exchange;
        let end = exchange.final_address();
        *end != exchange.asked && matches(end)
    }
}

/// Words shown; a file of which no text could be read is not thin.
fn words(html: Option<&Html>, document: &Document) -> u32 {
    let in_text = document.text.split_whitespace().take(1000).count();
    match html {
        Some(html) => html.words_shown.max(u32::try_from(in_text).unwrap_or(u32::MAX)),
        None if in_text == 0 => u32::MAX,
        None => u32::try_from(in_text).unwrap_or(u32::MAX),
    }
}

/// The different words of spam in a page's title and source.
pub fn spam(document: &Document) -> Spam {
    let title = document.title.as_deref().unwrap_or_default().to_lowercase();
    let source = document.html.as_ref().map(|html| html.source.to_lowercase()).unwrap_or_default();
    let words = || MARKS.iter().filter(|mark| mark.what == What::Spam).map(|mark| mark.text);
    Spam {
        in_title: words().filter(|word| has_word(&title, word)).count(),
        in_source: words().filter(|word| has_word(&source, word)).count(),
        times: words().map(|word| times(&source, word)).sum(),
    }
}

/// How many different words of spam a page has, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spam {
    pub in_title: usize,
    pub in_source: usize,
    /// How often they come in the source, all together.
    pub times: usize,
}

/// Whether a phrase begins at the beginning of a word, so that "design in" is
/// no "sign in", and ends where its number ends.
fn says(text: &str, phrase: &str) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let ends_in_digit = phrase.ends_with(|c: char| c.is_ascii_digit());
    text.match_indices(phrase).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + phrase.len()..].chars().next());
        let begins_inside = is_word(before) && phrase.starts_with(|c: char| c.is_ascii_alphanumeric());
        let ends_inside = is_word(after) && ends_in_digit;
        !begins_inside && !ends_inside
    })
}

fn has_word(text: &str, word: &str) -> bool {
    times(text, word) > 0
}

/// How often a whole word stands in a text: "specialist" advertises nothing.
fn times(text: &str, word: &str) -> usize {
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let stands_alone = |at: usize| {
        !is_letter(text[..at].chars().next_back()) && !is_letter(text[at + word.len()..].chars().next())
    };
    text.match_indices(word).filter(|(at, _)| stands_alone(*at)).count()
}

/// Notices stand at the beginning; a phrase in the middle of a long work is no notice.
fn thin_text(document: &Document) -> String {
    document.text.chars().take(4000).collect::<String>().to_lowercase()
}

fn host_matches(host: &str, mark: &str) -> bool {
    if mark.starts_with('.') {
        host.ends_with(mark)
    } else if mark.ends_with('.') {
        host.starts_with(mark)
    } else {
        host == mark
    }
}

fn path_and_query(address: &Address) -> String {
    let query = address.url().query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{query}", address.path()).to_lowercase()
}

#[cfg(test)]
mod tests;
