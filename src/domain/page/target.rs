//! Resolves a written address to a target.

use std::borrow::Cow;

use url::Url;

use crate::domain::address::{Address, InvalidAddress};
use crate::domain::link::Target;

/// Known schemes that cannot be visited.
const OTHER_SCHEMES: &[&str] = &[
    "mailto",
    "javascript",
    "tel",
    "sms",
    "data",
    "ftp",
    "file",
    "about",
    "blob",
    "news",
    "irc",
    "webcal",
    "zoommtg",
    "magnet",
    "slack",
    "vscode",
    "x-apple",
    "skype",
    "feed",
    "pathname",
];

/// Characters that browsers leave out of addresses.
const GAPS: [char; 3] = ['\t', '\n', '\r'];

/// Resolves a written address as a browser does (WHATWG URL).
///
/// `base` is the base of relative references. `page` is the page itself; a reference to it
/// with a fragment is a place within the page.
pub(super) fn resolve(written: &str, base: Option<&Address>, page: Option<&Address>) -> Target {
    let trimmed = written.trim();
    let trimmed: Cow<str> =
        if trimmed.contains(GAPS) { trimmed.replace(GAPS, "").into() } else { trimmed.into() };
    if trimmed.is_empty() {
        return Target::Nothing;
    }
    if let Some(fragment) = trimmed.strip_prefix('#')
        && base == page
    {
        return Target::InPage(fragment.to_owned());
    }
    let resolved = match base {
        Some(base) => on_code_host(&trimmed, base).unwrap_or_else(|| base.url().join(&trimmed)),
        None => Url::parse(&trimmed),
    };
    match resolved {
        Ok(url) if url.scheme() == "file" && base.is_some_and(|base| base.file_path().is_some()) => {
            file(url, &trimmed, page)
        }
        Ok(url) if matches!(url.scheme(), "http" | "https") => web(url, page),
        Ok(url) => other(&trimmed, url.scheme()),
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            Target::Malformed("it is relative, and where the page is published is not known".to_owned())
        }
        Err(error) => Target::Malformed(error.to_string()),
    }
}

/// A host and the domains above it: `a.b.c`, `b.c`, `c`. No known domain has more than
/// a few labels.
pub(super) fn domains(host: &str) -> impl Iterator<Item = &str> {
    const LABELS_AT_MOST: usize = 8;
    let start = if host.bytes().filter(|byte| *byte == b'.').count() < LABELS_AT_MOST {
        0
    } else {
        host.rmatch_indices('.').nth(LABELS_AT_MOST - 1).map_or(0, |(at, _)| at + 1)
    };
    std::iter::successors(Some(&host[start..]), |domain| domain.split_once('.').map(|(_, above)| above))
}

/// On a code host, `/x` in a file starts at the root of its repository.
fn on_code_host(written: &str, base: &Address) -> Option<Result<Url, url::ParseError>> {
    const VIEWS: &[(&str, &str)] = &[
        ("github.com", "blob"),
        ("github.com", "tree"),
        ("gitlab.com", "blob"),
        ("codeberg.org", "src"),
        ("bitbucket.org", "src"),
    ];
    let rest = written.strip_prefix('/').filter(|rest| !rest.starts_with('/'))?;
    let segments: Vec<&str> = base.path().trim_matches('/').split('/').collect();
    let view = segments
        .iter()
        .position(|segment| VIEWS.iter().any(|(host, view)| base.host() == *host && segment == view))?;
    // The branch follows the view; on Codeberg also its type.
    let depth = if base.host() == "codeberg.org" { 3 } else { 2 };
    let root = segments.get(..view + depth).filter(|_| view >= 2)?.join("/");
    Some(base.url().join(&format!("/{root}/{rest}")))
}

/// A file beside the page: in its directory or below.
fn file(url: Url, written: &str, page: Option<&Address>) -> Target {
    if url.host_str().is_some_and(|host| !host.is_empty()) {
        // `//host/path`: the scheme of the page is not known.
        return Url::parse(&format!("https:{written}"))
            .map_or_else(|error| Target::Malformed(error.to_string()), |url| web(url, page));
    }
    let fragment = url.fragment().filter(|fragment| !fragment.is_empty()).map(str::to_owned);
    let address = url.to_file_path().ok().and_then(|path| Address::of_file(&path));
    let folder = page.and_then(|page| page.path().rsplit_once('/')).map_or("", |(folder, _)| folder);
    match address {
        Some(address) if page == Some(&address) => Target::InPage(fragment.unwrap_or_default()),
        Some(address) if address.path().strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')) => {
            Target::Web { address, fragment }
        }
        _ if written.starts_with("file:") => Target::OtherScheme("file".to_owned()),
        _ => Target::Malformed(
            "it leaves the directory of the page, and where the page is published is not known".to_owned(),
        ),
    }
}

fn web(url: Url, page: Option<&Address>) -> Target {
    let fragment = url.fragment().filter(|fragment| !fragment.is_empty()).map(str::to_owned);
    if let Some(host) = url.host_str() {
        let is_incomplete = !host.contains('.') && host != "localhost" && host.parse::<u32>().is_err();
        if is_incomplete && !host.starts_with('[') && page.is_none_or(|page| page.host() != host) {
            return Target::Malformed(format!("`{host}` is not a complete host name"));
        }
    }
    match Address::from_url(url) {
        Ok(address) => match fragment {
            Some(fragment) if page == Some(&address) => Target::InPage(fragment),
            fragment => Target::Web { address, fragment },
        },
        Err(InvalidAddress::Malformed(_, error)) => Target::Malformed(error.to_string()),
        Err(InvalidAddress::OtherScheme(text)) => Target::OtherScheme(text),
    }
}

fn other(written: &str, scheme: &str) -> Target {
    if OTHER_SCHEMES.contains(&scheme) {
        Target::OtherScheme(scheme.to_owned())
    } else if written.starts_with("www.") || scheme.contains('.') {
        Target::Malformed("`https://` is missing before the host".to_owned())
    } else {
        Target::Malformed(format!("`{scheme}:` is not a scheme that browsers know"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn at(written: &str) -> Target {
        let page = Address::parse("https://school.edu/course/index.html").unwrap();
        resolve(written, Some(&page), Some(&page))
    }

    fn web_of(written: &str) -> String {
        match at(written) {
            Target::Web { address, .. } => address.into(),
            other => panic!("{written} became {other:?}"),
        }
    }

    #[test]
    fn references_are_resolved_as_a_browser_does() {
        assert_eq!(web_of("a.pdf"), "https://school.edu/course/a.pdf");
        assert_eq!(web_of("/a b.pdf"), "https://school.edu/a%20b.pdf");
        assert_eq!(web_of("//cdn.edu/x"), "https://cdn.edu/x");
        assert_eq!(web_of(" https://ex.edu/\n a "), "https://ex.edu/%20a");
        assert_eq!(web_of("https://bücher.example/é"), "https://xn--bcher-kva.example/%C3%A9");
        assert_eq!(web_of("?q=1#x"), "https://school.edu/course/index.html?q=1");
    }

    #[test]
    fn a_file_on_a_code_host_starts_at_its_repository() {
        for (page, written, expected) in [
            (
                "https://github.com/o/r/blob/main/docs/README.md",
                "/Slides/a.pptx",
                "https://github.com/o/r/blob/main/Slides/a.pptx",
            ),
            (
                "https://github.com/o/r/blob/main/docs/README.md",
                "a.md",
                "https://github.com/o/r/blob/main/docs/a.md",
            ),
            (
                "https://gitlab.com/g/s/r/-/blob/main/README.md",
                "/a.md",
                "https://gitlab.com/g/s/r/-/blob/main/a.md",
            ),
            (
                "https://codeberg.org/o/r/src/branch/main/README.md",
                "/a.md",
                "https://codeberg.org/o/r/src/branch/main/a.md",
            ),
            ("https://o.github.io/r/index.html", "/a.md", "https://o.github.io/a.md"),
        ] {
            let page = Address::parse(page).unwrap();
            match resolve(written, Some(&page), Some(&page)) {
                Target::Web { address, .. } => assert_eq!(address.as_str(), expected),
                other => panic!("{written} became {other:?}"),
            }
        }
    }

    #[test]
    fn files_beside_a_page_on_disk_are_found_in_its_directory_only() {
        let page = Address::of_file(Path::new("/home/course/page.md")).unwrap();
        let read = |written: &str| resolve(written, Some(&page), Some(&page));
        let path = |written: &str| match read(written) {
            Target::Web { address, .. } => address.file_path(),
            _ => None,
        };
        assert_eq!(path("slides/a b.pdf?x=1#page=2"), Some("/home/course/slides/a b.pdf".into()));
        assert_eq!(read("page.md#top"), Target::InPage("top".to_owned()));
        for outside in ["../other/a.pdf", "/etc/passwd", "slides/../../a.pdf", "%2e%2e/a.pdf"] {
            assert!(matches!(read(outside), Target::Malformed(_)), "{outside}: {:?}", read(outside));
        }
        assert!(matches!(read("file:///home/course/a.pdf"), Target::Web { .. }));
        assert!(matches!(read("file:///etc/passwd"), Target::OtherScheme(_)));
        assert_eq!(path("//host.example/a.pdf"), None);
        assert!(matches!(at("file:///home/course/a.pdf"), Target::OtherScheme(_)));
    }

    #[test]
    fn targets_that_cannot_be_visited_are_distinguished() {
        assert_eq!(at(""), Target::Nothing);
        assert_eq!(at("  "), Target::Nothing);
        assert_eq!(at("#week-2"), Target::InPage("week-2".to_owned()));
        assert_eq!(at("index.html#week-2"), Target::InPage("week-2".to_owned()));
        assert_eq!(at("mailto:a@b.edu"), Target::OtherScheme("mailto".to_owned()));
        assert!(matches!(at("htps://ex.edu/"), Target::Malformed(_)));
        assert!(matches!(at("https://ex .edu/"), Target::Malformed(_)));
        assert!(matches!(resolve("a.pdf", None, None), Target::Malformed(_)));
    }
}
