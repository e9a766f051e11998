//! Finds the signatures of walls, login pages, error pages and parked domains in a response.
//!
//! A signature shows the kind of a page; the callers decide what follows from it. All
//! signatures in one text are found in one pass, and those of a response are searched
//! once.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::domain::address::Address;
use crate::domain::document::{Document, Html, text};
use crate::domain::evidence::probe::ProbeResult;
pub use crate::domain::evidence::signature_list::SignatureKind;
use crate::domain::evidence::signature_list::{Condition, SIGNATURES, SearchField, Signature};

/// A page with fewer words is a notice and not a work. Challenge and parking pages have
/// far fewer words, abstracts of papers have more.
const THIN_PAGE_WORDS: u32 = 150;

/// The longest notice.
const NOTICE_CHARS: usize = 4000;

/// This many different spam words are not there by chance.
pub const SPAM_WORDS: usize = 2;

/// How many different signatures of one kind a response has. A part of another
/// signature does not count.
pub fn count(kind: SignatureKind, answer: &ProbeResult) -> usize {
    let carried: Vec<&Signature> = found(answer).iter().copied().filter(|it| it.kind == kind).collect();
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

/// The first of these kinds with a signature in the response.
pub fn first(kinds: &[SignatureKind], answer: &ProbeResult) -> Option<SignatureKind> {
    let found = found(answer);
    kinds.iter().copied().find(|kind| found.iter().any(|signature| signature.kind == *kind))
}

fn found(answer: &ProbeResult) -> &[&'static Signature] {
    answer.signatures.get_or_search(|| search(answer))
}

/// All signatures in a response, in the order of the list.
fn search(answer: &ProbeResult) -> Vec<&'static Signature> {
    let document = answer.document.as_ref();
    let html = document.and_then(|document| document.html.as_ref());
    let is_error = answer.exchange.status().is_some_and(|status| status >= 400);
    let context = SearchContext {
        answer,
        is_error,
        is_thin: is_error || document.is_some_and(|document| words(html, document) < THIN_PAGE_WORDS),
    };
    let mut places = Vec::new();
    for (place, signature) in SIGNATURES.iter().enumerate() {
        if context.counts(signature) && context.is_in_exchange(signature) {
            places.push(place);
        }
    }
    let texts: [(&Automaton, Option<&str>); 3] = [
        (&TITLE, document.and_then(|document| document.title.as_deref())),
        (&SOURCE, html.map(|html| html.source.as_str())),
        (&TEXT, document.map(beginning)),
    ];
    for (automaton, text) in texts {
        let Some(text) = text else { continue };
        // Most pages are long, and most signatures count on short ones only.
        if automaton.signatures().any(|signature| context.counts(signature)) {
            places.extend(automaton.find(&folded(text)).filter(|place| context.counts(&SIGNATURES[*place])));
        }
    }
    places.sort_unstable();
    places.dedup();
    places.into_iter().map(|place| &SIGNATURES[place]).collect()
}

/// Whether a title has a signature of this kind.
pub fn is_titled(kind: SignatureKind, document: &Document) -> bool {
    let title = folded(document.title.as_deref().unwrap_or_default());
    TITLE.find(&title).any(|place| SIGNATURES[place].kind == kind)
}

/// A text in the form of the signatures: lower case, straight quotes, plain hyphens, single
/// spaces, and no character references, which some sites escape twice.
fn folded(text: &str) -> String {
    const REFERENCES: &[(&str, &str)] = &[
        ("&#39;", "'"),
        ("&#039;", "'"),
        ("&#x27;", "'"),
        ("&apos;", "'"),
        ("&rsquo;", "'"),
        ("&lsquo;", "'"),
        ("&#8217;", "'"),
        ("&#8216;", "'"),
        ("&#x2019;", "'"),
        ("&#x2018;", "'"),
        ("&nbsp;", " "),
        ("&#160;", " "),
        ("&#xa0;", " "),
        ("&shy;", ""),
        ("&#173;", ""),
    ];
    let mut folded = with_single_spaces(&text::folded(text));
    if folded.contains('&') {
        for (reference, sign) in REFERENCES {
            if folded.contains(reference) {
                folded = folded.replace(reference, sign);
            }
        }
    }
    folded
}

/// A folded text in which one space stands for any white space. Folding has made spaces of
/// the gaps that are not ASCII.
fn with_single_spaces(folded: &str) -> String {
    let mut bytes = Vec::with_capacity(folded.len());
    for byte in folded.trim().bytes() {
        if !byte.is_ascii_whitespace() {
            bytes.push(byte);
        } else if bytes.last() != Some(&b' ') {
            bytes.push(b' ');
        }
    }
    #[expect(clippy::expect_used, reason = "only ASCII characters are left out of the text or replaced")]
    String::from_utf8(bytes).expect("a text without some of its ASCII characters is UTF-8")
}

/// Decides whether a signature counts for a response.
struct SearchContext<'a> {
    answer: &'a ProbeResult,
    is_error: bool,
    is_thin: bool,
}

impl SearchContext<'_> {
    fn counts(&self, signature: &Signature) -> bool {
        match signature.condition {
            Condition::Always => true,
            Condition::Error(but) => self.is_error && but.allows(self.answer.exchange.status()),
            Condition::Thin(but) => self.is_thin && but.allows(self.answer.exchange.status()),
        }
    }

    /// Whether the headers or the addresses of a response have a signature.
    fn is_in_exchange(&self, signature: &Signature) -> bool {
        match signature.field {
            SearchField::Header => self.has_header(signature.text),
            SearchField::Host => self.led_to(|address| host_matches(address.host(), signature.text)),
            SearchField::Path => self.led_to(|address| path_and_query(address).contains(signature.text)),
            SearchField::Title | SearchField::Source | SearchField::Text => false,
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

    /// Whether a redirect led to such an address. The requested address is the author's
    /// choice and does not count. A sign-in host in the middle of a chain does not count
    /// either: publishers redirect through it to set a cookie.
    fn led_to(&self, matches: impl Fn(&Address) -> bool) -> bool {
        let exchange = &self.answer.exchange;
        let end = exchange.final_address();
        *end != exchange.asked && matches(end)
    }
}

/// Finds all signatures of one field in one pass.
struct Automaton {
    patterns: AhoCorasick,
    /// The index of each pattern in the list.
    places: Vec<usize>,
    /// Whether a signature may be at these bytes of the text.
    is_match: fn(&str, usize, usize) -> bool,
}

static TITLE: LazyLock<Automaton> = LazyLock::new(|| Automaton::new(of_field(SearchField::Title), is_phrase));
static TEXT: LazyLock<Automaton> = LazyLock::new(|| Automaton::new(of_field(SearchField::Text), is_phrase));
static SOURCE: LazyLock<Automaton> =
    LazyLock::new(|| Automaton::new(of_field(SearchField::Source), |_, _, _| true));
static SPAM: LazyLock<Automaton> =
    LazyLock::new(|| Automaton::new(|signature| signature.kind == SignatureKind::Spam, is_word));

fn of_field(field: SearchField) -> impl Fn(&Signature) -> bool {
    move |signature| signature.field == field
}

impl Automaton {
    fn new(is_wanted: impl Fn(&Signature) -> bool, is_match: fn(&str, usize, usize) -> bool) -> Self {
        let places: Vec<usize> =
            (0..SIGNATURES.len()).filter(|place| is_wanted(&SIGNATURES[*place])).collect();
        #[expect(clippy::expect_used, reason = "the list is compiled in and far below every limit")]
        let patterns = AhoCorasick::new(places.iter().map(|place| SIGNATURES[*place].text))
            .expect("some hundred short patterns make an automaton");
        Self { patterns, places, is_match }
    }

    fn signatures(&self) -> impl Iterator<Item = &'static Signature> {
        self.places.iter().map(|place| &SIGNATURES[*place])
    }

    /// The indices of the signatures in a folded text, one for each
    /// occurrence.
    fn find(&self, text: &str) -> impl Iterator<Item = usize> {
        self.patterns
            .find_overlapping_iter(text)
            .filter(|found| (self.is_match)(text, found.start(), found.end()))
            .map(|found| self.places[found.pattern().as_usize()])
    }
}

/// The visible words; a file whose text cannot be read does not count as thin.
fn words(html: Option<&Html>, document: &Document) -> u32 {
    let in_text = document.text.split_whitespace().take(1000).count();
    match html {
        Some(html) => html.words_shown.max(u32::try_from(in_text).unwrap_or(u32::MAX)),
        None if in_text == 0 => u32::MAX,
        None => u32::try_from(in_text).unwrap_or(u32::MAX),
    }
}

/// The different spam words in a page's title and source.
pub fn spam(document: &Document) -> SpamCount {
    let title = document.title.as_deref().unwrap_or_default();
    let source = document.html.as_ref().map_or("", |html| html.source.as_str());
    let words = |text: &str| SPAM.find(&text::lowercase(text)).collect::<Vec<usize>>();
    let different = |mut words: Vec<usize>| {
        words.sort_unstable();
        words.dedup();
        words.len()
    };
    let in_source = words(source);
    SpamCount { times: in_source.len(), in_title: different(words(title)), in_source: different(in_source) }
}

/// The number of different spam words of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpamCount {
    pub in_title: usize,
    pub in_source: usize,
    /// The number of occurrences in the source.
    pub times: usize,
}

/// Whether a phrase is at word boundaries: "design in" does not contain "sign in". A
/// phrase that ends with a number must end where the number ends.
fn is_phrase(text: &str, start: usize, end: usize) -> bool {
    let is_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let begins_inside = is_word(bytes[..start].last()) && is_word(bytes.get(start));
    let ends_inside = is_word(bytes.get(end)) && bytes[..end].last().is_some_and(u8::is_ascii_digit);
    !begins_inside && !ends_inside
}

/// Whether these bytes are a whole word: "specialist" contains no spam word.
fn is_word(text: &str, start: usize, end: usize) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    !is_letter(text[..start].chars().next_back()) && !is_letter(text[end..].chars().next())
}

/// The beginning of a text, which has the notices. A phrase in a long work is not a notice.
fn beginning(document: &Document) -> &str {
    let text = &document.text;
    text.char_indices().nth(NOTICE_CHARS).map_or(text, |(end, _)| &text[..end])
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
