//! Detects soft 404s: a 200 response with a page that says "not found".
//!
//! After Bar-Yossef et al. (2004), with corrections: the response for a nonexistent
//! address beside the link shows how the host reports missing pages. Similarity to it
//! counts only if the page is not confirmed as the work, because pages of one site share
//! their template (Henzinger 2006). Front pages are exempt.

use std::collections::{HashMap, HashSet};

use crate::domain::address::Address;
use crate::domain::document::{Document, Format};
use crate::domain::evidence::classify::{ResponseClass, classify};
use crate::domain::evidence::probe::ProbeResult;

/// The words of the host's error page are removed from a page. If fewer than 20 words, or
/// 5 % of the page, are left, it is an error page …
const RESIDUAL_WORDS: usize = 20;
/// … but at most a third of a page that was never seen before: a short notice of a
/// reading group is not an error page.
const RESIDUAL_SHARE_OF_NEW: usize = 3;

/// The response of a host for an address that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotFoundHandling {
    /// An honest 404 or 410, so its 200 responses can be trusted.
    HonestStatus,
    /// The same page as for the link.
    SamePage,
    /// Another page without an error.
    OtherPage,
    /// Not known.
    Unknown,
}

/// Compares the response for the link with the response for a nonexistent address beside
/// it. `other` is another response for the link: words that differ between the two, such
/// as random suggestions, are not part of the work. `is_new` is set if nothing is known
/// about the work yet.
pub fn compare_with_nonexistent(
    page: &ProbeResult,
    other: Option<&ProbeResult>,
    sibling: &ProbeResult,
    is_new: bool,
) -> NotFoundHandling {
    if matches!(sibling.exchange.status(), Some(404 | 410)) {
        return NotFoundHandling::HonestStatus;
    }
    let (ResponseClass::Content(work), ResponseClass::Content(error_page)) =
        (classify(page), classify(sibling))
    else {
        return NotFoundHandling::Unknown;
    };
    let (ours, theirs) = (page.exchange.final_address(), sibling.exchange.final_address());
    let redirected = *ours != page.exchange.asked;
    if !redirected && theirs.is_canonically(ours) {
        // Nonexistent addresses redirect to the linked page, so it is the host's front page.
        return NotFoundHandling::OtherPage;
    }
    if same_body(page, sibling) || (redirected && ours == theirs) {
        return NotFoundHandling::SamePage;
    }
    let lasting: Vec<String> = match other.and_then(|other| other.document.as_ref()) {
        Some(other) => common(&work.text, &other.text),
        None => words(&work.text).collect(),
    };
    let total = lasting.len();
    let residual = residual(lasting, error_page, &page.exchange.asked);
    let few = if is_new { RESIDUAL_WORDS.min(total.div_ceil(RESIDUAL_SHARE_OF_NEW)) } else { RESIDUAL_WORDS };
    if work.html.is_some() && residual < few.max(total / 20) {
        NotFoundHandling::SamePage
    } else {
        NotFoundHandling::OtherPage
    }
}

fn same_body(one: &ProbeResult, other: &ProbeResult) -> bool {
    match (one.exchange.body(), other.exchange.body()) {
        (Some(one), Some(other)) => one.sha256 == other.sha256,
        _ => false,
    }
}

/// The number of words of the page that are not in the error page, counted by
/// occurrence, and not in the requested address, because error pages often repeat it.
fn residual(work: Vec<String>, error_page: &Document, asked: &Address) -> usize {
    let mut theirs = Counted::of(&error_page.text);
    let slug: HashSet<String> = words(asked.path()).collect();
    work.into_iter().filter(|word| !theirs.take(word) && !slug.contains(word)).count()
}

/// The words of one text that the other has too, counted by occurrence.
fn common(one: &str, other: &str) -> Vec<String> {
    let mut other = Counted::of(other);
    words(one).filter(|word| other.take(word)).collect()
}

/// The words of a text with their counts.
struct Counted(HashMap<String, usize>);

impl Counted {
    fn of(text: &str) -> Self {
        let mut counts = HashMap::new();
        for word in words(text) {
            *counts.entry(word).or_default() += 1;
        }
        Self(counts)
    }

    /// Removes one occurrence of a word, if one is left.
    fn take(&mut self, word: &str) -> bool {
        match self.0.get_mut(word) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            Some(_) | None => false,
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// A nonexistent address beside the link: the same directory and extension, no query,
/// and 16 letters derived from `seed`.
pub fn nonexistent_address(address: &Address, seed: [u8; 32]) -> Option<Address> {
    if address.is_root() {
        return None;
    }
    let path = address.path().trim_end_matches('/');
    let (directory, name) = path.rsplit_once('/')?;
    let extension = name.rsplit_once('.').map(|(_, extension)| format!(".{extension}")).unwrap_or_default();
    let letters: String = seed.iter().take(16).map(|byte| char::from(b'a' + byte % 26)).collect();
    let mut url = address.url().clone();
    url.set_path(&format!("{directory}/{letters}{extension}"));
    url.set_query(None);
    Address::from_url(url).ok()
}

/// Whether a web page came in place of a file that was there before or that the address names.
pub fn is_wrong_type(asked: &Address, before: Option<Format>, now: &Document) -> bool {
    const READABLE: &[&str] = &[".pdf", ".ipynb", ".ppt", ".pptx", ".doc", ".docx", ".zip", ".ps"];
    const BINARY: &[&str] = &[".pdf", ".ppt", ".pptx", ".doc", ".docx", ".zip"];
    const OTHERS: &[&str] = &[".gz", ".tgz", ".tar", ".xlsx", ".odp", ".odt", ".key", ".epub", ".djvu"];
    let path = asked.path().to_ascii_lowercase();
    let ends_with = |extensions: &[&str]| extensions.iter().any(|extension| path.ends_with(extension));
    let was_or_is_promised = match before {
        Some(format) if format.is_file() => true,
        Some(Format::Image | Format::Audio | Format::Video) => true,
        // The format may have been a page in a rare encoding.
        Some(Format::Other) => ends_with(READABLE) || ends_with(OTHERS),
        Some(_) => false,
        None => ends_with(READABLE),
    };
    match now.format {
        Format::Html => was_or_is_promised,
        // For example a line of text in place of a PDF.
        Format::Text => before.is_some_and(Format::is_file) || (before.is_none() && ends_with(BINARY)),
        _ => false,
    }
}

/// Whether the two hosts belong to one registrant, judged by name: the last two labels,
/// or three under a short second level (`ac.uk`).
pub fn same_site(one: &Address, other: &Address) -> bool {
    site(one.host()) == site(other.host())
}

fn site(host: &str) -> &str {
    let dots: Vec<usize> = host.rmatch_indices('.').map(|(at, _)| at).collect();
    let short_second = match dots.as_slice() {
        [last, second, ..] => last - second - 1 <= 3 && host.len() - last - 1 == 2,
        _ => false,
    };
    let cut = dots.get(if short_second { 2 } else { 1 });
    cut.map_or(host, |at| &host[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn a_nonexistent_address_keeps_directory_and_extension() {
        let sibling = nonexistent_address(&address("https://ex.edu/a/b.pdf?x=1"), [0; 32]).unwrap();
        assert_eq!(sibling.as_str(), "https://ex.edu/a/aaaaaaaaaaaaaaaa.pdf");
        assert_eq!(nonexistent_address(&address("https://ex.edu/"), [0; 32]), None);
    }

    #[test]
    fn sites_are_recognised_by_the_end_of_their_names() {
        assert!(same_site(&address("https://a.ex.edu/"), &address("https://b.ex.edu/")));
        assert!(!same_site(&address("https://ex.edu/"), &address("https://ey.edu/")));
        assert!(!same_site(&address("https://one.ac.uk/"), &address("https://two.ac.uk/")));
    }
}
