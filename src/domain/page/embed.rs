//! Embedded content: a player becomes its watch address, a document its own address.
//! Trackers and widgets are not readings.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use url::Url;

use super::target::domains;
use super::text::hides;

/// The action for an embedded address, from a line of `embeds.txt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// It is not a reading.
    Widget,
    /// The replacement address, with `{id}` from the pattern.
    Player(&'static str),
    /// The parameter with the address of the document.
    Viewer(&'static str),
}

/// A line of `embeds.txt`.
struct RuleRow {
    rule: Rule,
    /// What follows the host in the pattern.
    path: &'static str,
    /// The first line that fits counts.
    line: usize,
}

/// The rows by their hosts.
static ROWS: LazyLock<FxHashMap<&'static str, Vec<RuleRow>>> = LazyLock::new(|| {
    let mut rows: FxHashMap<&'static str, Vec<RuleRow>> = FxHashMap::default();
    for (line, text) in include_str!("embeds.txt").lines().enumerate() {
        let mut fields = text.split_whitespace();
        let (Some(kind), Some(pattern)) = (fields.next(), fields.next()) else { continue };
        let rule = match (kind, fields.next()) {
            ("widget", _) => Rule::Widget,
            ("player", Some(watch)) => Rule::Player(watch),
            ("viewer", Some(parameter)) => Rule::Viewer(parameter),
            _ => continue,
        };
        let (host, path) = pattern.split_once('/').unwrap_or((pattern, ""));
        rows.entry(host).or_default().push(RuleRow { rule, path, line });
    }
    rows
});

/// The relevant attributes of the element.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frame<'a> {
    pub(super) style: Option<&'a str>,
    pub(super) width: Option<&'a str>,
    pub(super) height: Option<&'a str>,
}

impl Frame<'_> {
    /// A frame without size belongs to a tracker.
    pub(super) fn is_hidden(&self) -> bool {
        let is_small = |size: Option<&str>| {
            size.is_some_and(|size| matches!(size.trim().trim_end_matches("px"), "0" | "1"))
        };
        self.style.is_some_and(hides) || (is_small(self.width) && is_small(self.height))
    }
}

/// The address of the reading behind an embedded address; `None` if there is none.
pub(super) fn reading(address: &Url) -> Option<Url> {
    if !matches!(address.scheme(), "http" | "https" | "file") {
        return None;
    }
    let fitting = domains(address.host_str().unwrap_or_default())
        .filter_map(|domain| ROWS.get(domain))
        .flatten()
        .filter_map(|row| matched(row.path, address).map(|id| (row, id)));
    let Some((row, id)) = fitting.min_by_key(|(row, _)| row.line) else { return Some(address.clone()) };
    match row.rule {
        Rule::Widget => None,
        Rule::Player(watch) => Url::parse(&watch.replace("{id}", &id)).ok().or_else(|| Some(address.clone())),
        Rule::Viewer(parameter) => {
            let document = address.query_pairs().find(|(name, _)| name == parameter);
            let document = document.and_then(|(_, value)| Url::parse(&value).ok());
            Some(document.unwrap_or_else(|| address.clone()))
        }
    }
}

/// Matches an address against a path, where `{id}` is one segment, or one
/// parameter, whose value is returned.
fn matched(path: &str, address: &Url) -> Option<String> {
    let (path, parameter) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let rest = address.path().trim_start_matches('/');
    let (before, has_id) = path.split_once("{id}").map_or((path, false), |(before, _)| (before, true));
    let behind = rest.strip_prefix(before)?;
    if let Some(name) = parameter.and_then(|query| query.strip_suffix("={id}")) {
        return address.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    }
    let id = behind.split_once('/').map_or(behind, |(id, _)| id);
    if has_id { (!id.is_empty()).then(|| id.to_owned()) } else { Some(String::new()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every line has an example address and the result for it.
    #[test]
    fn each_line_matches_its_example() {
        for line in
            include_str!("embeds.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let (_, example) = line.split_once(" # ").unwrap_or_else(|| panic!("no example: {line}"));
            let (from, to) =
                example.split_once(" -> ").map_or((example, None), |(from, to)| (from, Some(to)));
            let read = reading(&Url::parse(from).unwrap()).map(String::from);
            assert_eq!(read.as_deref(), to, "{line}");
        }
    }

    #[test]
    fn other_embedded_addresses_stay_unchanged() {
        for address in [
            "https://school.edu/slides/a.pdf",
            "https://videos.example/embed/1",
            "https://notyoutube.com/embed/1",
        ] {
            assert_eq!(reading(&Url::parse(address).unwrap()).unwrap().as_str(), address);
        }
        for address in ["about:blank", "data:text/html,x", "javascript:void(0)"] {
            assert_eq!(reading(&Url::parse(address).unwrap()), None);
        }
    }
}
