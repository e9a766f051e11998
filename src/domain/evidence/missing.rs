//! Is this 200 the host's way of saying "not found"?
//!
//! After Bar-Yossef et al. (2004), with repairs: a nonsense address beside the
//! link shows how the host answers for what is not there; likeness to that
//! answer counts only where the work's identity is lost as well, because pages
//! of one site share their template (Henzinger 2006). Front pages are exempt.

use std::collections::HashSet;

use crate::domain::address::Address;
use crate::domain::document::{Document, Format};
use crate::domain::evidence::ask::Answer;
use crate::domain::evidence::glance::{Glance, glance};

/// What is left of a page, once the words of the host's error page are taken
/// away, that still is no work: 20 words or 5 % of it.
const RESIDUAL_WORDS: usize = 20;

/// How the host answers for an address that cannot exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// With an honest 404 or 410: its 200s are to be believed.
    Honest,
    /// With the very same as for the link.
    SaysTheSame,
    /// With something else that is no error.
    SaysSomethingElse,
    /// It did not say.
    Unknown,
}

/// Compares the answer for the link with that for the nonsense beside it.
pub fn compare_with_sibling(page: &Answer, sibling: &Answer) -> Host {
    if matches!(sibling.exchange.status(), Some(404 | 410)) {
        return Host::Honest;
    }
    let (Glance::Work(work), Glance::Work(nonsense)) = (glance(page), glance(sibling)) else {
        return Host::Unknown;
    };
    let (ours, theirs) = (page.exchange.final_address(), sibling.exchange.final_address());
    let redirected = *ours != page.exchange.asked;
    if same_body(page, sibling) || (redirected && ours == theirs) {
        return Host::SaysTheSame;
    }
    let residual = residual(work, nonsense, &page.exchange.asked);
    let total = work.text.split_whitespace().count();
    if work.html.is_some() && residual < RESIDUAL_WORDS.max(total / 20) {
        Host::SaysTheSame
    } else {
        Host::SaysSomethingElse
    }
}

fn same_body(one: &Answer, other: &Answer) -> bool {
    match (one.exchange.body(), other.exchange.body()) {
        (Some(one), Some(other)) => one.sha256 == other.sha256,
        _ => false,
    }
}

/// Words of the page that neither the error page nor the address itself has:
/// error pages like to repeat what was asked for.
fn residual(work: &Document, nonsense: &Document, asked: &Address) -> usize {
    let theirs: HashSet<String> = words(&nonsense.text).collect();
    let slug: HashSet<String> = words(asked.path()).collect();
    words(&work.text).filter(|word| !theirs.contains(word) && !slug.contains(word)).count()
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// The address beside the link that cannot exist: same directory, same
/// extension, no query, 16 letters derived from `seed`.
pub fn sibling_of(address: &Address, seed: [u8; 32]) -> Option<Address> {
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

/// Whether the address promises a file and a web page came instead.
pub fn is_wrong_type(asked: &Address, before: Option<Format>, now: &Document) -> bool {
    const FILES: &[&str] = &[".pdf", ".ipynb", ".ppt", ".pptx", ".doc", ".docx", ".zip", ".ps"];
    let path = asked.path().to_ascii_lowercase();
    let promised = FILES.iter().any(|extension| path.ends_with(extension));
    let was_file = matches!(before, Some(Format::Pdf | Format::Notebook));
    now.format == Format::Html && (was_file || (promised && before.is_none()))
}

/// Whether the two hosts belong to one registrant, as far as names tell: the
/// last two labels, or three under a short second level (`ac.uk`).
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
    fn a_sibling_keeps_directory_and_extension() {
        let sibling = sibling_of(&address("https://ex.edu/a/b.pdf?x=1"), [0; 32]).unwrap();
        assert_eq!(sibling.as_str(), "https://ex.edu/a/aaaaaaaaaaaaaaaa.pdf");
        assert_eq!(sibling_of(&address("https://ex.edu/"), [0; 32]), None);
    }

    #[test]
    fn sites_are_told_by_the_end_of_their_names() {
        assert!(same_site(&address("https://a.ex.edu/"), &address("https://b.ex.edu/")));
        assert!(!same_site(&address("https://ex.edu/"), &address("https://ey.edu/")));
        assert!(!same_site(&address("https://one.ac.uk/"), &address("https://two.ac.uk/")));
    }
}
