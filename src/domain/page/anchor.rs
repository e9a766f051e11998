//! Places in the page, and mistakes that its author can correct, found without a request.

use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};

use percent_encoding::percent_decode_str;

use super::LinkDefect;
use super::script::Scripts;
use crate::domain::link::{Mention, Target};

/// The places that a fragment can point to.
#[derive(Clone, Debug, Default)]
pub(super) struct Anchors {
    names: HashSet<String>,
    /// How often a heading's id was asked for.
    counts: HashMap<String, u32>,
    /// The ids that a script may give to headings without one.
    likely: HashSet<String>,
}

impl Anchors {
    pub(super) fn add(&mut self, name: Option<&str>) {
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            self.names.insert(name.to_owned());
        }
    }

    /// The id that generators give a heading: lower case, hyphens for spaces,
    /// no punctuation, a number where it was given before.
    pub(super) fn add_heading(&mut self, text: &str) {
        let slug = slug(text);
        // From the last number on, so that many equal headings are read in one pass.
        let mut count = self.counts.get(&slug).copied().unwrap_or_default();
        let mut name = if count == 0 { slug.clone() } else { format!("{slug}-{count}") };
        while !self.names.insert(name) {
            count += 1;
            name = format!("{slug}-{count}");
        }
        self.counts.insert(slug, count);
    }

    /// A heading to which a script may give that id.
    pub(super) fn add_likely(&mut self, text: &str) {
        self.likely.insert(slug(text));
    }

    /// `#` and `#top` are the top of the page in every browser.
    fn has(&self, fragment: &str) -> bool {
        let decoded = percent_decode_str(fragment).decode_utf8_lossy();
        fragment.is_empty()
            || fragment.eq_ignore_ascii_case("top")
            || fragment.starts_with(":~:")
            // Routes of slide programs and applications.
            || fragment.starts_with('/')
            || fragment.starts_with('!')
            || self.names.contains(fragment)
            || self.names.contains(decoded.as_ref())
    }
}

fn slug(text: &str) -> String {
    text.trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

pub(super) fn defects(mentions: &[Mention], anchors: &Anchors, scripts: &Scripts) -> Vec<LinkDefect> {
    let quoted = LazyCell::new(|| scripts.quoted());
    let is_there = |anchor: &str| {
        anchors.has(anchor)
            || (scripts.is_any() && (quoted.contains(anchor) || anchors.likely.contains(anchor)))
    };
    mentions
        .iter()
        .filter_map(|mention| {
            let (words, line) = (|| mention.words.clone(), mention.line);
            match &mention.target {
                Target::Nothing => Some(LinkDefect::EmptyLink { words: words(), line }),
                Target::Malformed(why) => Some(LinkDefect::Malformed {
                    words: words(),
                    written: mention.written.clone(),
                    line,
                    why: why.clone(),
                }),
                Target::InPage(anchor) => (!is_there(anchor)).then(|| LinkDefect::BrokenAnchor {
                    words: words(),
                    anchor: anchor.clone(),
                    line,
                }),
                Target::Web { .. } | Target::OtherScheme(_) => None,
            }
        })
        .collect()
}
