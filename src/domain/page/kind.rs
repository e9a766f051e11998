//! What a link offers, told from its address, its words and where it stands.

use crate::domain::address::Address;
use crate::domain::course::PageSource;
use crate::domain::link::{Kind, KindRule};

/// All that tells a kind.
pub(super) struct Place<'a> {
    pub(super) address: &'a Address,
    pub(super) words: &'a str,
    pub(super) headings: &'a [String],
    pub(super) row: &'a str,
    pub(super) page: Option<&'a Address>,
    pub(super) rules: &'a [KindRule],
}

/// A sign in the address: an ending of the path, or a host (and what is below it).
enum Sign {
    Ending(&'static str),
    Host(&'static str),
    /// A host together with a beginning of the path.
    Path(&'static str, &'static str),
}

use Sign::{Ending, Host, Path};

/// The first sign that fits decides.
const SIGNS: &[(Sign, Kind)] = &[
    (Ending(".ipynb"), Kind::Notebook),
    (Host("colab.research.google.com"), Kind::Notebook),
    (Host("nbviewer.org"), Kind::Notebook),
    (Host("nbviewer.jupyter.org"), Kind::Notebook),
    (Host("mybinder.org"), Kind::Notebook),
    (Host("kaggle.com"), Kind::Notebook),
    (Host("youtube.com"), Kind::Video),
    (Host("youtu.be"), Kind::Video),
    (Host("youtube-nocookie.com"), Kind::Video),
    (Host("vimeo.com"), Kind::Video),
    (Host("videolectures.net"), Kind::Video),
    (Host("panopto.com"), Kind::Video),
    (Ending(".mp4"), Kind::Video),
    (Ending(".webm"), Kind::Video),
    (Ending(".mov"), Kind::Video),
    (Ending(".ppt"), Kind::Slides),
    (Ending(".pptx"), Kind::Slides),
    (Ending(".key"), Kind::Slides),
    (Ending(".odp"), Kind::Slides),
    (Path("docs.google.com", "/presentation"), Kind::Slides),
    (Host("slideshare.net"), Kind::Slides),
    (Host("speakerdeck.com"), Kind::Slides),
    (Host("arxiv.org"), Kind::Paper),
    (Host("openreview.net"), Kind::Paper),
    (Host("proceedings.mlr.press"), Kind::Paper),
    (Host("neurips.cc"), Kind::Paper),
    (Host("nips.cc"), Kind::Paper),
    (Host("aclanthology.org"), Kind::Paper),
    (Host("aclweb.org"), Kind::Paper),
    (Host("openaccess.thecvf.com"), Kind::Paper),
    (Host("jmlr.org"), Kind::Paper),
    (Host("doi.org"), Kind::Paper),
    (Host("dl.acm.org"), Kind::Paper),
    (Host("ieeexplore.ieee.org"), Kind::Paper),
    (Host("sciencedirect.com"), Kind::Paper),
    (Host("jstor.org"), Kind::Paper),
    (Host("researchgate.net"), Kind::Paper),
    (Host("semanticscholar.org"), Kind::Paper),
    (Host("biorxiv.org"), Kind::Paper),
    (Host("medrxiv.org"), Kind::Paper),
    (Host("ceur-ws.org"), Kind::Paper),
    (Path("huggingface.co", "/papers"), Kind::Paper),
    (Path("link.springer.com", "/article"), Kind::Paper),
    (Path("link.springer.com", "/chapter"), Kind::Paper),
    (Path("nature.com", "/articles"), Kind::Paper),
    (Path("usenix.org", "/conference"), Kind::Paper),
    (Path("link.springer.com", "/book"), Kind::Book),
    (Host("deeplearningbook.org"), Kind::Book),
    (Host("d2l.ai"), Kind::Book),
    (Host("oreilly.com"), Kind::Book),
    (Host("gutenberg.org"), Kind::Book),
    (Path("mitpress.mit.edu", "/books"), Kind::Book),
    (Path("books.google.com", "/"), Kind::Book),
    (Host("github.com"), Kind::Code),
    (Host("gist.github.com"), Kind::Code),
    (Host("gitlab.com"), Kind::Code),
    (Host("bitbucket.org"), Kind::Code),
    (Host("pypi.org"), Kind::Code),
    (Path("huggingface.co", "/spaces"), Kind::Code),
    (Path("huggingface.co", "/models"), Kind::Code),
];

/// Words above or beside a PDF that make it a deck.
const SLIDE_WORDS: &[&str] = &["slide", "lecture", "deck", "presentation"];
/// Whole words: "Facebook's paper" is none.
const BOOK_WORDS: &[&str] = &["book", "textbook", "handbook", "ebook"];

pub(super) fn of(place: &Place) -> Kind {
    if let Some(rule) = place.rules.iter().find(|rule| place.address.as_str().contains(&rule.pattern)) {
        return rule.kind;
    }
    let path = place.address.path().to_ascii_lowercase();
    let by_address = SIGNS.iter().find(|(sign, _)| fits(sign, place.address, &path)).map(|(_, kind)| *kind);
    match by_address {
        // A code host has papers and decks as well, and they can be read without it.
        Some(Kind::Code) | None if path.ends_with(".pdf") || path.ends_with(".ps") => of_file(place),
        // A deck may be kept wherever files are; a preprint server has papers.
        Some(kind) => kind,
        None => of_page(place, &path),
    }
}

fn fits(sign: &Sign, address: &Address, path: &str) -> bool {
    let is_host = |wanted: &str| {
        let host = address.host();
        host == wanted || host.strip_suffix(wanted).is_some_and(|rest| rest.ends_with('.'))
    };
    match sign {
        Ending(ending) => path.ends_with(ending),
        Host(host) => is_host(host),
        Path(host, beginning) => is_host(host) && path.starts_with(beginning),
    }
}

fn of_file(place: &Place) -> Kind {
    let innermost = place.headings.last().map(String::as_str).unwrap_or_default();
    let said = format!("{} {} {}", place.words, place.row, innermost).to_lowercase();
    let name = place.address.path().to_lowercase();
    let is_own = place.page.is_some_and(|page| page.host() == place.address.host());
    if SLIDE_WORDS.iter().any(|word| said.contains(word) || name.contains(word)) {
        Kind::Slides
    } else if names_a_book(place.words) {
        Kind::Book
    } else if is_own && !said.contains("paper") && !said.contains("reading") {
        // Files of the course's own site are its decks more often than not.
        Kind::Slides
    } else {
        Kind::Paper
    }
}

fn names_a_book(words: &str) -> bool {
    let words = words.to_lowercase();
    words.split(|c: char| !c.is_alphanumeric()).any(|word| BOOK_WORDS.contains(&word))
}

fn of_page(place: &Place, path: &str) -> Kind {
    let words = place.words.to_lowercase();
    if place.page.is_some_and(|page| is_below(place.address, page)) {
        Kind::CoursePage
    } else if words.contains("textbook") || words.ends_with(" book") {
        Kind::Book
    } else if words == "video" || words.contains("(video)") || words.contains("video lecture") {
        Kind::Video
    } else if is_file(path) {
        Kind::Other
    } else {
        Kind::Article
    }
}

/// Below the directory of the course page, on its own host.
fn is_below(address: &Address, page: &Address) -> bool {
    PageSource::Web(page.clone()).is_above(address) && is_page_path(address.path())
}

fn is_page_path(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    !name.contains('.') || [".html", ".htm", ".php", ".md"].iter().any(|ending| name.ends_with(ending))
}

fn is_file(path: &str) -> bool {
    const FILES: &[&str] = &[
        ".zip", ".gz", ".tar", ".csv", ".json", ".mp3", ".wav", ".png", ".jpg", ".jpeg", ".gif", ".txt",
        ".py",
    ];
    FILES.iter().any(|ending| path.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(address: &str, words: &str, heading: &str) -> Kind {
        let page = Address::parse("https://school.edu/course/index.html").unwrap();
        let headings = [heading.to_owned()];
        of(&Place {
            address: &Address::parse(address).unwrap(),
            words,
            headings: &headings,
            row: words,
            page: Some(&page),
            rules: &[KindRule { pattern: "distill.pub".to_owned(), kind: Kind::Paper }],
        })
    }

    #[test]
    fn kinds_are_told_from_address_words_and_place() {
        let rows = [
            ("https://arxiv.org/abs/1706.03762", "Attention", "Readings", Kind::Paper),
            ("https://lab.edu/x.pdf", "A study of x", "Readings", Kind::Paper),
            ("https://lab.edu/x.pdf", "Slides of the talk", "Readings", Kind::Slides),
            ("https://school.edu/course/3_transformers.pdf", "Transformers", "Slides", Kind::Slides),
            ("https://lab.edu/n.ipynb", "n", "", Kind::Notebook),
            ("https://colab.research.google.com/drive/1", "n", "", Kind::Notebook),
            ("https://youtu.be/abc", "talk", "", Kind::Video),
            ("https://github.com/o/r", "code", "", Kind::Code),
            ("https://github.com/o/r/blob/main/train.py", "code", "", Kind::Code),
            ("https://github.com/o/r/blob/main/notes.pdf", "A study of x", "Readings", Kind::Paper),
            ("https://gitlab.com/o/r/-/raw/main/talk.pdf", "Slides", "", Kind::Slides),
            ("https://lab.edu/llama.pdf", "Facebook's LLaMA paper", "Readings", Kind::Paper),
            ("https://lab.edu/b.pdf", "Book: chapter 3", "Readings", Kind::Book),
            ("https://lab.edu/b.pdf", "The x textbook", "Readings", Kind::Book),
            ("https://school.edu/course2/week2.html", "Week 2", "", Kind::Article),
            ("https://school.edu:8080/course/week2.html", "Week 2", "", Kind::Article),
            ("https://www.deeplearningbook.org/", "Deep Learning", "", Kind::Book),
            ("https://blog.example/p/1", "Understanding x", "", Kind::Article),
            ("https://distill.pub/2019/x", "x", "", Kind::Paper),
            ("https://school.edu/course/week2.html", "Week 2", "", Kind::CoursePage),
            ("https://lab.edu/data.zip", "data", "", Kind::Other),
        ];
        for (address, words, heading, expected) in rows {
            assert_eq!(kind(address, words, heading), expected, "{address}");
        }
    }
}
