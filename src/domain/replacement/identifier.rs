//! Identifiers (arXiv, DOI) of a work in its address and in its copy.

use percent_encoding::percent_decode_str;

use super::LostDocument;
use crate::domain::address::Address;
use crate::domain::document::unversioned;

/// Sites whose addresses contain arXiv identifiers.
const ARXIV_SITES: &[&str] = &[
    "arxiv.org",
    "xxx.lanl.gov",
    "ar5iv.org",
    "arxiv-vanity.com",
    "alphaxiv.org",
    "scirate.com",
    "huggingface.co",
];

/// The part of the first page that is searched: a paper's own DOI is there; later ones are cited.
const FIRST_PAGE_CHARS: usize = 3000;

/// The arXiv identifier without its version, and whether it certainly belongs to this work.
pub(super) fn arxiv(lost: &LostDocument) -> Option<(String, bool)> {
    let host = lost.link.host();
    let is_arxiv = ARXIV_SITES
        .iter()
        .any(|site| host == *site || host.strip_suffix(site).is_some_and(|rest| rest.ends_with('.')));
    let in_address = arxiv_in(lost.link).map(|id| (id, is_arxiv));
    let in_copy = || {
        let id = lost.document?.citation.arxiv.as_deref()?;
        Some((unversioned(id.trim_start_matches("arXiv:")).to_owned(), false))
    };
    in_address.or_else(in_copy)
}

/// The DOI, and whether it certainly belongs to this work.
pub(super) fn doi(lost: &LostDocument) -> Option<(String, bool)> {
    let in_copy = || {
        let document = lost.document?;
        let meta = document.citation.doi.as_deref().and_then(doi_at);
        meta.map(|doi| (doi, true)).or_else(|| Some((only_doi(&document.text)?, false)))
    };
    doi_in(lost.link).map(|doi| (doi, true)).or_else(in_copy)
}

/// In any form of arXiv and its mirrors: `/abs/1706.03762v5`,
/// `/ps/cs/0701001`, `/PS_cache/cs/pdf/0701/0701001v1.pdf`.
fn arxiv_in(address: &Address) -> Option<String> {
    let parts: Vec<&str> = address.path().split('/').filter(|part| !part.is_empty()).collect();
    let (last, before) = parts.split_last()?;
    let stem =
        [".pdf", ".ps.gz", ".ps", ".html"].iter().find_map(|end| last.strip_suffix(end)).unwrap_or(last);
    let stem = unversioned(stem);
    if is_new_arxiv(stem) {
        return Some(stem.to_owned());
    }
    let is_old = stem.len() == 7 && is_digits(stem) && is_month(&stem[2..4]);
    let archive = before.iter().rev().find(|part| is_archive(part))?;
    is_old.then(|| format!("{archive}/{stem}"))
}

/// `2103.04922`, or `0704.0001` before 2015.
fn is_new_arxiv(text: &str) -> bool {
    text.split_once('.').is_some_and(|(month, number)| {
        month.len() == 4
            && is_digits(month)
            && is_month(&month[2..])
            && (4..=5).contains(&number.len())
            && is_digits(number)
    })
}

/// `hep-th`, `math.GT`.
fn is_archive(part: &str) -> bool {
    const ROUTES: &[&str] = &["abs", "pdf", "ps", "papers", "html", "format", "ftp", "arxiv", "src"];
    let (archive, class) = part.split_once('.').unwrap_or((part, "AA"));
    archive.len() >= 2
        && archive.chars().all(|c| c.is_ascii_lowercase() || c == '-')
        && class.len() == 2
        && class.chars().all(|c| c.is_ascii_uppercase())
        && !ROUTES.contains(&part)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_month(text: &str) -> bool {
    matches!(text.parse::<u8>(), Ok(1..=12))
}

/// The DOI in a publisher's address: most have it in the path, some are made of it.
fn doi_in(address: &Address) -> Option<String> {
    let host = address.host().strip_prefix("www.").unwrap_or(address.host());
    let after = |prefix: &str| {
        address.path().strip_prefix(prefix).filter(|rest| !rest.is_empty() && !rest.contains('/'))
    };
    match host {
        "nature.com" => after("/articles/").map(|id| format!("10.1038/{}", id.trim_end_matches(".pdf"))),
        "jstor.org" => after("/stable/").filter(|id| is_digits(id)).map(|id| format!("10.2307/{id}")),
        _ => {
            let path = percent_decode_str(address.path()).decode_utf8().ok()?;
            let at = path.match_indices("/10.").map(|(at, _)| at + 1).next()?;
            let doi = doi_at(&path[at..])?;
            let doi = [".full.pdf", ".pdf", "/full", "/abstract", "/pdf", "/epdf", "/fulltext", ".full"]
                .iter()
                .find_map(|end| doi.strip_suffix(end).map(str::to_owned))
                .unwrap_or(doi);
            (doi.split('/').count() >= 2).then_some(doi)
        }
    }
}

/// The only DOI on the first page.
fn only_doi(text: &str) -> Option<String> {
    let first: String = text.chars().take(FIRST_PAGE_CHARS).collect();
    let mut found: Vec<String> =
        first.match_indices("10.").filter_map(|(at, _)| doi_at(&first[at..])).collect();
    found.sort();
    found.dedup();
    match found.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    }
}

/// The DOI at the beginning of a text, in lower case, because case does not matter in DOIs.
fn doi_at(text: &str) -> Option<String> {
    let text =
        text.trim().trim_start_matches("https://").trim_start_matches("doi.org/").trim_start_matches("doi:");
    let end = text
        .find(|c: char| c.is_whitespace() || c.is_control() || "<>\"'{}|\\^`".contains(c))
        .unwrap_or(text.len());
    let doi = text[..end].trim_end_matches(['.', ',', ';', ':', ')', ']', '/']);
    let (prefix, suffix) = doi.strip_prefix("10.")?.split_once('/')?;
    let is_prefix = (4..=9).contains(&prefix.len()) && prefix.chars().all(|c| c.is_ascii_digit() || c == '.');
    (is_prefix && !suffix.is_empty() && doi.len() <= 200).then(|| doi.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<T>(read: fn(&Address) -> Option<T>, address: &str) -> Option<T> {
        read(&Address::parse(address).unwrap())
    }

    #[test]
    fn arxiv_is_known_in_all_its_forms() {
        for (address, id) in [
            ("https://arxiv.org/abs/1706.03762v5", Some("1706.03762")),
            ("http://xxx.lanl.gov/abs/hep-th/9901001", Some("hep-th/9901001")),
            ("http://arxiv.org/PS_cache/hep-th/pdf/9901/9901001v3.pdf", Some("hep-th/9901001")),
            ("http://arxiv.org/PS_cache/arxiv/pdf/0704/0704.0001v1.pdf", Some("0704.0001")),
            ("http://arxiv.org/ftp/arxiv/papers/0704/0704.0001.pdf", Some("0704.0001")),
            ("https://arxiv.org/pdf/math.GT/0309136", Some("math.GT/0309136")),
            ("https://people.example.edu/~a/1706.03762.pdf", Some("1706.03762")),
            ("https://example.edu/2024.pdf", None),
            ("https://example.edu/notes/1799.12345.pdf", None),
            ("https://example.edu/abs/9901001", None),
        ] {
            assert_eq!(of(arxiv_in, address).as_deref(), id, "{address}");
        }
    }

    #[test]
    fn a_doi_is_known_in_the_addresses_of_publishers() {
        for (address, doi) in [
            ("https://dl.acm.org/doi/pdf/10.1145/3292500.3330701", Some("10.1145/3292500.3330701")),
            ("https://onlinelibrary.wiley.com/doi/10.1002/ABC.12/full", Some("10.1002/abc.12")),
            (
                "https://link.springer.com/content/pdf/10.1007/978-3-319-24592-8_17.pdf",
                Some("10.1007/978-3-319-24592-8_17"),
            ),
            ("https://x.example/doi/10.1016%2Fj.cell.2020.1", Some("10.1016/j.cell.2020.1")),
            ("https://www.nature.com/articles/nature14539", Some("10.1038/nature14539")),
            ("https://www.jstor.org/stable/2346178", Some("10.2307/2346178")),
            ("https://example.edu/v10.2/x", None),
        ] {
            assert_eq!(of(doi_in, address).as_deref(), doi, "{address}");
        }
    }

    #[test]
    fn a_doi_in_a_text_counts_only_alone() {
        assert_eq!(
            only_doi("Flows. https://doi.org/10.1145/12345.6. Copyright").as_deref(),
            Some("10.1145/12345.6")
        );
        assert_eq!(only_doi("doi:10.1145/1 and 10.1145/2"), None);
        assert_eq!(only_doi("version 10.2 of 10.1145"), None);
    }
}
