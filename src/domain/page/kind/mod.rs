//! The kind of a link: by its own words and file name first, then by its address, then by
//! its column, and last by its row or heading, but only for the course's own files.

mod hosts;
mod words;

use crate::domain::address::Address;
use crate::domain::course::PageSource;
use crate::domain::link::{Kind, KindRule};
use crate::domain::page::calendar::{folded, words};

/// The facts that decide the kind.
pub(super) struct LinkFeatures<'a> {
    pub(super) address: &'a Address,
    pub(super) words: &'a str,
    pub(super) headings: &'a [String],
    pub(super) row: &'a str,
    /// The header of the table column.
    pub(super) column: &'a str,
    pub(super) page: Option<&'a Address>,
    pub(super) rules: &'a [KindRule],
}

/// File name extensions that give the kind.
const ENDINGS: &[(&str, Kind)] = &[
    (".ipynb", Kind::Notebook),
    (".mp4", Kind::Video),
    (".webm", Kind::Video),
    (".mov", Kind::Video),
    (".m4v", Kind::Video),
    (".mkv", Kind::Video),
    (".ppt", Kind::Slides),
    (".pptx", Kind::Slides),
    (".key", Kind::Slides),
    (".odp", Kind::Slides),
    (".pps", Kind::Slides),
    (".ppsx", Kind::Slides),
    (".epub", Kind::Book),
    (".py", Kind::Code),
    (".cpp", Kind::Code),
    (".java", Kind::Code),
    (".rs", Kind::Code),
];

/// File name extensions that any kind can have.
const FILES: &[&str] = &[
    ".zip", ".gz", ".tar", ".tgz", ".csv", ".tsv", ".json", ".xml", ".mp3", ".wav", ".ogg", ".png", ".jpg",
    ".jpeg", ".gif", ".svg", ".txt", ".vtt", ".srt", ".xls", ".xlsx", ".ods", ".ics", ".tex", ".bib", ".mat",
    ".rda",
];

pub(super) fn of(link: &LinkFeatures) -> Kind {
    let address = link.address;
    if let Some(rule) = link.rules.iter().find(|rule| address.as_str().contains(&rule.pattern)) {
        return rule.kind;
    }
    let path = address.path().to_ascii_lowercase();
    let said = words::said(link.words);
    // A label names the kind of its target; a title may contain any word.
    if let Some(said) = said.filter(|said| said.is_all && said.kind != Kind::Article) {
        return of_label(said.kind, link, &path);
    }
    let extension = extension(&path);
    if let Some((_, kind)) = ENDINGS.iter().find(|(ending, _)| *ending == extension) {
        return *kind;
    }
    let is_document = matches!(extension, ".pdf" | ".ps" | ".djvu" | ".doc" | ".docx" | ".odt");
    let by_host = hosts::kind(address, &path);
    if let Some(kind) = by_host.filter(|kind| !(is_document && matches!(kind, Kind::Code | Kind::Other))) {
        return kind;
    }
    let said = said.map(|said| said.kind);
    if is_document { of_document(link, &path, said) } else { of_page(link, &path, said) }
}

/// The kind of a label, if the address can have it.
fn of_label(kind: Kind, link: &LinkFeatures, path: &str) -> Kind {
    let is_own = is_own(link);
    match kind {
        // "Chapter 3" of the course's own notes is one of its pages.
        Kind::Book if is_own && is_page_path(path) => Kind::CoursePage,
        Kind::Paper if hosts::kind(link.address, path) == Some(Kind::Book) => Kind::Book,
        Kind::Other if !is_own && !is_file(path) && !path.ends_with(".pdf") => {
            of_page(link, path, Some(Kind::Other))
        }
        Kind::Other if is_own && is_page_path(path) && is_below_page(link) => Kind::CoursePage,
        kind => kind,
    }
}

/// Whether a document is a deck, by its name, its words and, for the course's own
/// documents, its surroundings. `said` is the kind that its words name.
fn of_document(link: &LinkFeatures, path: &str, said: Option<Kind>) -> Kind {
    let name = readable(path);
    let by_name = words::said(&name).map(|said| said.kind);
    // A document with "stream" or "recording" in its title is not a video.
    let may_be = |kind: &Kind| is_strong(*kind) && *kind != Kind::Video;
    if let Some(kind) = said.filter(may_be) {
        return kind;
    }
    match by_name {
        Some(kind @ (Kind::Slides | Kind::Book | Kind::Paper)) => return kind,
        Some(Kind::Other) if is_own(link) => return Kind::Other,
        _ => {}
    }
    if let Some(said) = words::said(link.column).filter(|said| said.kind != Kind::Article) {
        return said.kind;
    }
    if !is_own(link) {
        return Kind::Paper;
    }
    let lecture = ["lec", "lecture", "vorlesung", "cours", "clase", "lezione", "aula"];
    let innermost = link.headings.last().map(String::as_str).unwrap_or_default();
    let around = folded(&format!("{} {} {innermost}", link.words, link.row));
    let words_around = words(&around);
    let says = |kind| words::names(&words_around, kind);
    if lecture.iter().any(|word| name.split(' ').any(|part| part == *word)) || says(Kind::Slides) {
        Kind::Slides
    } else if says(Kind::Other) && said == Some(Kind::Other) {
        Kind::Other
    } else if says(Kind::Paper) || around.contains("reading") {
        Kind::Paper
    } else {
        // Most of the course's own documents are its decks.
        Kind::Slides
    }
}

fn of_page(link: &LinkFeatures, path: &str, said: Option<Kind>) -> Kind {
    if let Some(kind) = said.filter(|kind| is_strong(*kind)) {
        return kind;
    }
    if let Some(said) =
        words::said(link.column).filter(|said| !matches!(said.kind, Kind::Article | Kind::Other))
    {
        return said.kind;
    }
    if is_file(path) {
        return Kind::Other;
    }
    if is_own(link) && words::said(&readable(path)).is_some_and(|said| said.kind == Kind::Slides) {
        return Kind::Slides;
    }
    if is_below_page(link) {
        return Kind::CoursePage;
    }
    match said {
        Some(Kind::Paper) => Kind::Paper,
        _ if words::said(&readable(path)).is_some_and(|said| said.kind == Kind::Paper)
            && path.contains("paper") =>
        {
            Kind::Paper
        }
        _ => Kind::Article,
    }
}

/// These phrases refer to the link even within a title.
fn is_strong(kind: Kind) -> bool {
    match kind {
        Kind::Slides | Kind::Video | Kind::Notebook | Kind::Book => true,
        Kind::Paper | Kind::Article | Kind::Code | Kind::CoursePage | Kind::Other => false,
    }
}

/// The last three segments of a path in words: "slides/02_merging-runs.pdf".
fn readable(path: &str) -> String {
    let segments: Vec<&str> = path.rsplit('/').filter(|segment| !segment.is_empty()).take(3).collect();
    let mut name = String::with_capacity(path.len());
    let words = segments.iter().rev().flat_map(|segment| segment.split(|c: char| !c.is_alphabetic()));
    for word in words.filter(|word| !matches!(*word, "" | "pdf" | "html")) {
        if !name.is_empty() {
            name.push(' ');
        }
        name.push_str(word);
    }
    name
}

fn is_own(link: &LinkFeatures) -> bool {
    link.page.is_some_and(|page| page.host() == link.address.host())
}

/// Below the directory of the course page, on its own host.
fn is_below_page(link: &LinkFeatures) -> bool {
    link.page.is_some_and(|page| {
        PageSource::Web(page.clone()).is_above(link.address) && is_page_path(link.address.path())
    })
}

fn is_page_path(path: &str) -> bool {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    !name.contains('.')
        || [".html", ".htm", ".php", ".md", ".qmd", ".rmd"].iter().any(|ending| name.ends_with(ending))
}

fn is_file(path: &str) -> bool {
    FILES.contains(&extension(path))
}

/// What follows the last dot of a path, with the dot; empty if it has none.
fn extension(path: &str) -> &str {
    path.rfind('.').map_or("", |dot| &path[dot..])
}

#[cfg(test)]
mod tests;
