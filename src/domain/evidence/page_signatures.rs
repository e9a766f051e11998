//! The signatures by which walls, gates and lapsed domains are known: read from `page_signatures.psv`.
//!
//! A signature names what kind of page carries it; what follows from that is decided
//! where the signatures are asked for.

use std::sync::LazyLock;

use crate::domain::address::Address;
use crate::domain::document::{Document, Html};
use crate::domain::evidence::probe::ProbeResult;

/// Below this a page is a notice rather than a work; challenge and parking
/// pages stay well under it, abstracts of papers over it.
const THIN_PAGE_WORDS: u32 = 150;

/// So many different words of spam are no accident.
pub const SPAM_WORDS: usize = 2;

/// What kind of page a signature stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureKind {
    BotWall,
    Consent,
    RateLimited,
    Login,
    Paywall,
    Parked,
    Missing,
    /// Closed for repairs: the host will be back.
    Maintenance,
    /// Words that hijacked pages advertise.
    Spam,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SearchField {
    Header,
    Host,
    Path,
    Title,
    Source,
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Always,
    Error(StatusExemption),
    Thin(StatusExemption),
}

/// Statuses at which a signature says nothing, because its vendor puts it on every page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StatusExemption {
    None,
    Missing,
    MissingOrDown,
}

impl StatusExemption {
    fn allows(self, status: Option<u16>) -> bool {
        match (self, status) {
            (Self::Missing | Self::MissingOrDown, Some(404 | 410))
            | (Self::MissingOrDown, Some(500..=599)) => false,
            (Self::None | Self::Missing | Self::MissingOrDown, _) => true,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Signature {
    kind: SignatureKind,
    field: SearchField,
    condition: Condition,
    text: &'static str,
}

static SIGNATURES: LazyLock<Vec<Signature>> = LazyLock::new(|| {
    include_str!("page_signatures.psv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(parse)
        .collect()
});

fn parse(line: &'static str) -> Option<Signature> {
    let mut columns = line.splitn(4, '|');
    Some(Signature {
        kind: match columns.next()? {
            "bot_wall" => SignatureKind::BotWall,
            "consent" => SignatureKind::Consent,
            "rate_limited" => SignatureKind::RateLimited,
            "login" => SignatureKind::Login,
            "paywall" => SignatureKind::Paywall,
            "parked" => SignatureKind::Parked,
            "missing" => SignatureKind::Missing,
            "maintenance" => SignatureKind::Maintenance,
            "spam" => SignatureKind::Spam,
            _ => return None,
        },
        field: match columns.next()? {
            "header" => SearchField::Header,
            "host" => SearchField::Host,
            "path" => SearchField::Path,
            "title" => SearchField::Title,
            "source" => SearchField::Source,
            "text" => SearchField::Text,
            _ => return None,
        },
        condition: match columns.next()? {
            "always" => Condition::Always,
            "error" => Condition::Error(StatusExemption::None),
            "error but missing or down" => Condition::Error(StatusExemption::MissingOrDown),
            "thin" => Condition::Thin(StatusExemption::None),
            "thin but missing" => Condition::Thin(StatusExemption::Missing),
            "thin but missing or down" => Condition::Thin(StatusExemption::MissingOrDown),
            _ => return None,
        },
        text: columns.next()?,
    })
}

/// How many different signatures of one kind an answer carries. A part of another
/// signature is no second one.
pub fn count(kind: SignatureKind, answer: &ProbeResult) -> usize {
    let searched = SearchText::new(answer);
    let carried: Vec<&Signature> = searched.signatures(kind).collect();
    let is_part = |signature: &Signature| {
        let holds = |other: &&Signature| {
            other.field == signature.field
                && other.text != signature.text
                && other.text.contains(signature.text)
        };
        carried.iter().copied().any(|other| holds(&other))
    };
    carried.iter().filter(|signature| !is_part(signature)).count()
}

pub fn has_any(kind: SignatureKind, answer: &ProbeResult) -> bool {
    first(&[kind], answer).is_some()
}

/// The first of these kinds of which an answer carries a signature.
pub fn first(kinds: &[SignatureKind], answer: &ProbeResult) -> Option<SignatureKind> {
    let searched = SearchText::new(answer);
    kinds.iter().copied().find(|kind| searched.signatures(*kind).next().is_some())
}

/// The parts of an answer in which signatures are looked for, in lower case.
struct SearchText<'a> {
    answer: &'a ProbeResult,
    title: String,
    text: String,
    source: String,
    is_error: bool,
    is_thin: bool,
}

impl<'a> SearchText<'a> {
    fn new(answer: &'a ProbeResult) -> Self {
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

    fn signatures(&self, kind: SignatureKind) -> impl Iterator<Item = &'static Signature> {
        SIGNATURES.iter().filter(move |signature| signature.kind == kind && self.carries(signature))
    }

    fn carries(&self, signature: &Signature) -> bool {
        let counts = match signature.condition {
            Condition::Always => true,
            Condition::Error(but) => self.is_error && but.allows(self.answer.exchange.status()),
            Condition::Thin(but) => self.is_thin && but.allows(self.answer.exchange.status()),
        };
        counts
            && match signature.field {
                SearchField::Header => self.has_header(signature.text),
                SearchField::Host => self.led_to(|address| host_matches(address.host(), signature.text)),
                SearchField::Path => self.led_to(|address| path_and_query(address).contains(signature.text)),
                SearchField::Title => says(&self.title, signature.text),
                SearchField::Source => self.source.contains(signature.text),
                SearchField::Text => says(&self.text, signature.text),
            }
    }

    fn has_header(&self, signature: &str) -> bool {
        let (name, value) = signature.split_once(": ").unwrap_or((signature, ""));
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
pub fn spam(document: &Document) -> SpamCount {
    let title = document.title.as_deref().unwrap_or_default().to_lowercase();
    let source = document.html.as_ref().map(|html| html.source.to_lowercase()).unwrap_or_default();
    let words = || {
        SIGNATURES
            .iter()
            .filter(|signature| signature.kind == SignatureKind::Spam)
            .map(|signature| signature.text)
    };
    SpamCount {
        in_title: words().filter(|word| has_word(&title, word)).count(),
        in_source: words().filter(|word| has_word(&source, word)).count(),
        times: words().map(|word| times(&source, word)).sum(),
    }
}

/// How many different words of spam a page has, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpamCount {
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

fn host_matches(host: &str, signature: &str) -> bool {
    if signature.starts_with('.') {
        host.ends_with(signature)
    } else if signature.ends_with('.') {
        host.starts_with(signature)
    } else {
        host == signature
    }
}

fn path_and_query(address: &Address) -> String {
    let query = address.url().query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{query}", address.path()).to_lowercase()
}

#[cfg(test)]
mod tests;
