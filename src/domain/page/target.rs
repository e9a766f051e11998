//! An address as written becomes a target.

use url::Url;

use crate::domain::address::{Address, NotAnAddress};
use crate::domain::link::Target;

/// Schemes that are meant, but lead to nothing that could be visited.
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
];

/// Resolves what an author wrote, as a browser would (WHATWG URL).
///
/// `base` is where relative references start; `page` is the page itself, to
/// which a reference with a fragment is a place within.
pub(super) fn resolve(written: &str, base: Option<&Address>, page: Option<&Address>) -> Target {
    let trimmed: String = written.trim().chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
    if trimmed.is_empty() {
        return Target::Nothing;
    }
    if let Some(fragment) = trimmed.strip_prefix('#')
        && base == page
    {
        return Target::InPage(fragment.to_owned());
    }
    let resolved = match base {
        Some(base) => base.url().join(&trimmed),
        None => Url::parse(&trimmed),
    };
    match resolved {
        Ok(url) if matches!(url.scheme(), "http" | "https") => web(url, page),
        Ok(url) => other(&trimmed, url.scheme()),
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            Target::Malformed("relative, and where the page is published is not known".to_owned())
        }
        Err(error) => Target::Malformed(format!("no address can be like this: {error}")),
    }
}

fn web(url: Url, page: Option<&Address>) -> Target {
    let fragment = url.fragment().filter(|fragment| !fragment.is_empty()).map(str::to_owned);
    if url
        .host_str()
        .is_some_and(|host| !host.contains('.') && host != "localhost" && host.parse::<u32>().is_err())
    {
        let host = url.host_str().unwrap_or_default();
        if !host.starts_with('[') && page.is_none_or(|page| page.host() != host) {
            return Target::Malformed(format!("`{host}` is no complete host name"));
        }
    }
    match Address::from_url(url) {
        Ok(address) if page == Some(&address) && fragment.is_some() => {
            Target::InPage(fragment.unwrap_or_default())
        }
        Ok(address) => Target::Web { address, fragment },
        Err(NotAnAddress::Malformed(_, error)) => Target::Malformed(error.to_string()),
        Err(NotAnAddress::OtherScheme(text)) => Target::OtherScheme(text),
    }
}

fn other(written: &str, scheme: &str) -> Target {
    if OTHER_SCHEMES.contains(&scheme) {
        Target::OtherScheme(scheme.to_owned())
    } else if written.starts_with("www.") || scheme.contains('.') {
        Target::Malformed("`https://` is missing before the host".to_owned())
    } else {
        Target::Malformed(format!("`{scheme}:` is no scheme that a browser knows"))
    }
}

#[cfg(test)]
mod tests {
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
    fn what_cannot_be_visited_is_told_apart() {
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
