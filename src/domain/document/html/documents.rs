//! Finds the documents that a page is about, from the page's own markup.

use std::sync::LazyLock;

use scraper::{ElementRef, Selector};

use super::elements::{PageElements, attribute, text_of};
use crate::domain::address::Address;
use crate::domain::document::text;

/// A page with more words than this is a work itself, even if it frames a document.
const FRAME_PAGE_WORDS: usize = 120;
/// Media types of documents that a page may name as its other form.
const DOCUMENT_TYPES: &[&str] = &[
    "application/pdf",
    "application/postscript",
    "application/epub+zip",
    "application/x-ipynb+json",
    "application/vnd.openxmlformats-officedocument.",
    "application/vnd.oasis.opendocument.",
    "application/vnd.ms-powerpoint",
    "application/msword",
];
const ENDINGS: &[&str] = &[
    ".pdf", ".pptx", ".ppt", ".docx", ".doc", ".odp", ".odt", ".ipynb", ".epub", ".ps", ".ps.gz", ".djvu",
    ".key",
];

/// The links to the document in the pages of journal systems and code hosts.
static DOWNLOAD_LINKS: LazyLock<Vec<Selector>> = LazyLock::new(|| {
    let selectors =
        ["a.obj_galley_link.pdf", "a#pdfDownloadLink", "a.pdf-btn-link", ".file-actions a[href*='/raw/']"];
    selectors.iter().filter_map(|selector| Selector::parse(selector).ok()).collect()
});

/// The documents that a page is about, the best first.
pub(super) fn of(page: &PageElements, base: &Address, words_shown: usize) -> Vec<Address> {
    const NAMES: &[&str] =
        &["citation_pdf_url", "bepress_citation_pdf_url", "eprints.document_url", "wkhealth_pdf_url"];
    let mut found: Vec<String> = NAMES.iter().filter_map(|name| page.meta(&[name])).collect();
    found.extend(alternates(page));
    found.extend(embedded(page, base, words_shown));
    for selector in DOWNLOAD_LINKS.iter() {
        found.extend(page.fitting("a", selector).filter_map(|link| owned(link, "href")));
    }
    found.extend(download_form(page, base));
    found.extend(only_download(page, base));
    let mut addresses: Vec<Address> = Vec::new();
    for address in found.iter().filter_map(|text| base.join(text).ok()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

fn owned(element: ElementRef, name: &str) -> Option<String> {
    attribute(element.value(), name).map(str::to_owned)
}

fn alternates(page: &PageElements) -> impl Iterator<Item = String> {
    let alternates = page
        .with("link", "rel")
        .filter(|(_, rel)| rel.split_ascii_whitespace().any(|word| word == "alternate"));
    alternates.filter_map(|(link, _)| {
        let kind = attribute(link.value(), "type")?.to_ascii_lowercase();
        let is_document = DOCUMENT_TYPES.iter().any(|known| kind.starts_with(known));
        is_document.then(|| owned(link, "href")).flatten()
    })
}

/// The document in a frame, if the page has hardly any other content.
fn embedded(page: &PageElements, base: &Address, words_shown: usize) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (name, address) in [("embed", "src"), ("object", "data")] {
        let pdfs = page.with(name, "type").filter(|(_, kind)| kind.eq_ignore_ascii_case("application/pdf"));
        found.extend(pdfs.filter_map(|(element, _)| owned(element, address)));
    }
    if words_shown > FRAME_PAGE_WORDS {
        return found;
    }
    let framed: Vec<String> = ["iframe", "embed", "object", "frame"]
        .into_iter()
        .flat_map(|name| page.named(name))
        .filter_map(|it| attribute(it.value(), "src").or_else(|| attribute(it.value(), "data")))
        .filter_map(|address| {
            let lower = address.to_ascii_lowercase();
            let looks_like_one = lower.contains("pdf") || has_ending(&lower);
            viewed(base, address).or_else(|| looks_like_one.then(|| address.to_owned()))
        })
        .collect();
    if let [only] = framed.as_slice() {
        found.push(only.clone());
    }
    found
}

/// The file in the viewer of a page (`viewer.html?file=…`).
fn viewed(base: &Address, address: &str) -> Option<String> {
    const NAMES: &[&str] = &["file", "url", "src", "pdf"];
    let viewer = base.join(address).ok()?;
    let pairs: Vec<(String, String)> = viewer.url().query_pairs().into_owned().collect();
    let (_, file) = pairs.into_iter().find(|(name, value)| {
        NAMES.contains(&name.as_str()) && (value.contains('/') || has_ending(&value.to_ascii_lowercase()))
    })?;
    viewer.join(&file).ok().map(String::from)
}

/// The address of a form that only asks for a confirmation of the download.
fn download_form(page: &PageElements, base: &Address) -> Option<String> {
    let (form, action) = page.with("form", "action").find(|(form, _)| {
        let is_get = form.value().attr("method").is_none_or(|method| method.eq_ignore_ascii_case("get"));
        let id = form.value().attr("id").unwrap_or_default().to_ascii_lowercase();
        let says_so = form
            .descendent_elements()
            .filter_map(|it| it.value().attr("value"))
            .any(|value| value.to_ascii_lowercase().starts_with("download"));
        let asks_nothing = form
            .descendent_elements()
            .filter(|it| it.value().name() == "input")
            .all(|it| matches!(it.value().attr("type"), Some("hidden" | "submit" | "button")));
        is_get && asks_nothing && (id.contains("download") || says_so)
    })?;
    let mut url = base.join(action).ok()?.url().clone();
    let hidden = form.descendent_elements().filter(|it| it.value().attr("type") == Some("hidden"));
    for field in hidden {
        if let (Some(name), Some(value)) = (field.value().attr("name"), field.value().attr("value")) {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
    Some(url.into())
}

/// The only link that is labelled as the document. Of several, the one that names the
/// subject of the page.
fn only_download(page: &PageElements, base: &Address) -> Option<String> {
    // Few links are labelled so, and most are in no list of references.
    let labelled = page.named("a").iter().filter_map(|link| Some((*link, download_link(*link)?)));
    let mut links: Vec<String> =
        labelled.filter(|(link, _)| !is_among_references(*link)).map(|(_, address)| address).collect();
    links.dedup();
    if let [only] = links.as_slice() {
        return Some(only.clone());
    }
    let marks = marks_of_the_work(page, base);
    let names_it = |link: &&String| {
        let lower = link.to_lowercase();
        marks.iter().any(|mark| lower.contains(mark))
    };
    let mut named: Vec<&String> = links.iter().filter(names_it).collect();
    named.dedup();
    // If a work is offered in several forms, the first is used.
    named.first().map(|first| (*first).clone())
}

/// Identifiers of this work that its addresses contain and those of other works do not.
fn marks_of_the_work(page: &PageElements, base: &Address) -> Vec<String> {
    let doi = page.meta(&["citation_doi", "dc.identifier", "prism.doi"]);
    let path = base.path().trim_end_matches('/');
    let last = path.rsplit_once('/').map_or(path, |(_, last)| last);
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    let title: Vec<String> = page.title().map(|title| text::words(&title)).unwrap_or_default();
    let by_title = title.into_iter().filter(|word| word.chars().count() >= 5 && word != "paper");
    doi.into_iter()
        .map(|doi| doi.trim_start_matches("doi:").to_lowercase())
        .chain([last.to_lowercase(), stem.to_lowercase()])
        .filter(|mark| mark.len() >= 4)
        .chain(by_title)
        .collect()
}

fn is_among_references(link: ElementRef) -> bool {
    const WORDS: &[&str] =
        &["reference", "bibliograph", "citations", "related", "recommend", "see-also", "footer"];
    let says_so = |text: &str| {
        let lower = text.to_ascii_lowercase();
        WORDS.iter().any(|word| lower.contains(word))
    };
    link.ancestors().filter_map(ElementRef::wrap).any(|ancestor| {
        let value = ancestor.value();
        let by_name = value.id().is_some_and(says_so) || value.attr("class").is_some_and(says_so);
        let by_heading = matches!(value.name(), "section" | "div" | "aside")
            && ancestor.child_elements().next().is_some_and(|first| {
                matches!(first.value().name(), "h2" | "h3" | "h4") && says_so(&text_of(first))
            });
        by_name || by_heading
    })
}

/// A link that is labelled as the document and looks like one.
fn download_link(link: ElementRef) -> Option<String> {
    let href = link.value().attr("href")?;
    let lower = href.to_lowercase();
    let title = || ["title", "aria-label"].iter().find_map(|name| link.value().attr(name));
    let words = [Some(text_of(link)), title().map(str::to_owned)];
    let says_so = words.into_iter().flatten().any(|words| is_download(&words));
    let is_one = lower.contains("pdf") || has_ending(&lower) || link.value().attr("download").is_some();
    (says_so && is_one && !lower.starts_with('#')).then(|| href.to_owned())
}

/// "PDF", "Download paper (PDF, 2 MB)", "View full text": a label without other words.
fn is_download(words: &str) -> bool {
    const GOALS: &[&str] = &["pdf", "download", "fulltext"];
    const AROUND: &[&str] = &[
        "article",
        "as",
        "chapter",
        "deck",
        "document",
        "document",
        "file",
        "for",
        "free",
        "full",
        "get",
        "here",
        "in",
        "kb",
        "manuscript",
        "mb",
        "notebook",
        "of",
        "open",
        "original",
        "paper",
        "preprint",
        "presentation",
        "print",
        "read",
        "report",
        "slides",
        "text",
        "the",
        "this",
        "version",
        "view",
        "web",
        "kib",
        "mib",
    ];
    let words: Vec<String> = words
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !word.bytes().all(|byte| byte.is_ascii_digit()))
        .map(str::to_lowercase)
        .collect();
    let is_known = |word: &String| GOALS.contains(&word.as_str()) || AROUND.contains(&word.as_str());
    !words.is_empty()
        && words.len() <= 8
        && words.iter().any(|word| GOALS.contains(&word.as_str()))
        && words.iter().all(is_known)
}

fn has_ending(lower: &str) -> bool {
    let path = lower.split(['?', '#']).next().unwrap_or(lower);
    ENDINGS.iter().any(|ending| path.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use scraper::Html as Tree;

    use super::*;

    fn documents(page: &str, source: &str) -> Vec<String> {
        let base = Address::parse(page).unwrap();
        let tree = Tree::parse_document(source);
        let words = source.split_whitespace().count();
        of(&PageElements::of(&tree), &base, words).into_iter().map(String::from).collect()
    }

    #[test]
    fn a_page_names_its_document_in_many_ways() {
        let rows = [
            (
                "<link rel=alternate type='application/vnd.openxmlformats-officedocument.presentationml.presentation' href=t.pptx>",
                "https://a.edu/w/t.pptx",
            ),
            ("<iframe src='ais.pdf' width='100%'></iframe>", "https://a.edu/w/ais.pdf"),
            ("<iframe src='/getPDF.jsp?n=1'></iframe>", "https://a.edu/getPDF.jsp?n=1"),
            ("<iframe src='/viewer.html?file=%2Fj%2Fdownload%2F5'></iframe>", "https://a.edu/j/download/5"),
            ("<a href=/stamp.jsp?n=1 class=pdf-btn-link><span>PDF</span></a>", "https://a.edu/stamp.jsp?n=1"),
            ("<a title='Download PDF' href=/f/talk.pdf><svg></svg> Download</a>", "https://a.edu/f/talk.pdf"),
            ("<a href=/f/p.pdf>Download paper (PDF, 2 MB)</a>", "https://a.edu/f/p.pdf"),
            ("<a href=/f/5/9 download>Download PDF</a>", "https://a.edu/f/5/9"),
            (
                "<form id=download-form action=/d method=get><input type=submit value='Download anyway'><input type=hidden name=id value=1></form>",
                "https://a.edu/d?id=1",
            ),
        ];
        for (source, expected) in rows {
            assert_eq!(documents("https://a.edu/w/page", source), [expected], "{source}");
        }
    }

    #[test]
    fn of_two_links_the_one_that_names_the_work_is_chosen() {
        let source = "<meta name='dc.Identifier' content='10.1145/111.222'><title>Invertible pipelines</title>\
             <a href='/doi/pdf/10.1145/9.9'>PDF</a><a href='/doi/pdf/10.1145/111.222'>PDF</a>";
        assert_eq!(
            documents("https://a.edu/doi/10.1145/111.222", source),
            ["https://a.edu/doi/pdf/10.1145/111.222"]
        );
        let unknown = "<title>x</title><a href=/one.pdf>PDF</a><a href=/two.pdf>PDF</a>";
        assert_eq!(documents("https://a.edu/w/page", unknown), [""; 0]);
        let references = "<section><h2>References</h2><p>x <a href=/other.pdf>PDF</a></p></section>";
        assert_eq!(documents("https://a.edu/w/page", references), [""; 0]);
    }

    #[test]
    fn a_page_with_its_own_text_has_no_document() {
        let long = format!("<p>{}</p><iframe src=figure.pdf></iframe>", "word ".repeat(200));
        assert_eq!(documents("https://a.edu/w/page", &long), [""; 0]);
        let project = "<a href=flows.pdf>Draft</a> <a href=slides.pdf>Figures</a>";
        assert_eq!(documents("https://a.edu/w/page", project), [""; 0]);
    }
}
