//! Words for the kinds of links, in the languages of course pages.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use crate::domain::link::Kind;
use crate::domain::page::calendar::{folded, words};

/// The kind of a word; `None` for a word that changes nothing.
type KindMeaning = Option<Kind>;

struct KindPhrase {
    meaning: KindMeaning,
    rest: Vec<String>,
}

pub(super) fn kind_named(name: &str) -> Option<Kind> {
    Some(match name {
        "slides" => Kind::Slides,
        "video" => Kind::Video,
        "notebook" => Kind::Notebook,
        "code" => Kind::Code,
        "book" => Kind::Book,
        "paper" => Kind::Paper,
        "article" => Kind::Article,
        "other" => Kind::Other,
        _ => return None,
    })
}

fn table() -> &'static FxHashMap<String, Vec<KindPhrase>> {
    static TABLE: OnceLock<FxHashMap<String, Vec<KindPhrase>>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table: FxHashMap<String, Vec<KindPhrase>> = FxHashMap::default();
        for line in include_str!("words.txt").lines().filter(|line| !line.starts_with('#')) {
            let Some((head, phrases)) = line.split_once(':') else { continue };
            let name = head.split(' ').next().unwrap_or(head);
            for phrase in phrases.split(',') {
                let folded = folded(phrase);
                let mut words = words(&folded).into_iter().map(str::to_owned);
                let Some(first) = words.next() else { continue };
                let phrase = KindPhrase { meaning: kind_named(name), rest: words.collect() };
                table.entry(first).or_default().push(phrase);
            }
        }
        table
    })
}

/// The result for the words of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) kind: Kind,
    /// There are no other words, so it is not the title of a work.
    pub(super) is_all: bool,
}

/// The first kind in a text, and whether the text is a label and not a title.
pub(super) fn said(text: &str) -> Option<Said> {
    let folded = folded(text);
    let words = words(&folded);
    let mut kind: Option<Kind> = None;
    let mut is_all = true;
    let mut at = 0;
    while at < words.len() {
        let phrases = table().get(words[at]).into_iter().flatten();
        let fitting = phrases.filter(|phrase| is_followed_by(&words[at + 1..], &phrase.rest));
        // The longest phrase counts. Of two meanings, the one with a kind counts.
        let longest = fitting.max_by_key(|phrase| (phrase.rest.len(), phrase.meaning.is_some()));
        match longest {
            Some(phrase) => {
                kind = kind.or(phrase.meaning);
                at += phrase.rest.len() + 1;
            }
            None => {
                is_all &= words[at].chars().count() == 1 && words[at].is_ascii();
                at += 1;
            }
        }
    }
    kind.map(|kind| Said { kind, is_all })
}

fn is_followed_by(words: &[&str], phrase: &[String]) -> bool {
    words.len() >= phrase.len() && words.iter().zip(phrase).all(|(word, wanted)| word == wanted)
}

/// Whether words name a kind.
pub(super) fn names(words: &[&str], wanted: Kind) -> bool {
    (0..words.len()).any(|at| {
        let phrases = table().get(words[at]).into_iter().flatten();
        phrases
            .into_iter()
            .any(|phrase| phrase.meaning == Some(wanted) && is_followed_by(&words[at + 1..], &phrase.rest))
    })
}
