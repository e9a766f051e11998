//! What an address offers by its host: the rows of `hosts.txt`, parsed once.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::words;
use crate::domain::address::Address;
use crate::domain::link::Kind;
use crate::domain::page::target::domains;

/// A line of `hosts.txt`.
struct HostRow {
    kind: Kind,
    path: &'static str,
    /// The first line that fits counts.
    line: usize,
}

static ROWS: LazyLock<FxHashMap<&'static str, Vec<HostRow>>> = LazyLock::new(|| {
    let mut rows: FxHashMap<&'static str, Vec<HostRow>> = FxHashMap::default();
    for (line, text) in
        include_str!("hosts.txt").lines().enumerate().filter(|(_, text)| !text.starts_with('#'))
    {
        let Some((name, pattern)) = text.split_once(' ') else { continue };
        let Some(kind) = words::kind_named(name) else { continue };
        let (host, path) = pattern.split_once('/').unwrap_or((pattern, ""));
        rows.entry(host).or_default().push(HostRow { kind, path, line });
    }
    rows
});

/// The kind that the first fitting row names. `path` is the address's path in lower case.
pub(super) fn kind(address: &Address, path: &str) -> Option<Kind> {
    domains(address.host())
        .filter_map(|domain| ROWS.get(domain))
        .flatten()
        .filter(|row| is_path(path, row.path))
        .min_by_key(|row| row.line)
        .map(|row| row.kind)
}

/// Whether a path begins with the segments of a pattern.
fn is_path(path: &str, pattern: &str) -> bool {
    let mut segments = path.trim_start_matches('/').split('/');
    pattern.split('/').filter(|wanted| !wanted.is_empty()).all(|wanted| match wanted.strip_prefix('*') {
        Some("") => segments.next().is_some_and(|segment| !segment.is_empty()),
        Some(ending) => segments.any(|segment| segment.ends_with(ending)),
        None => segments.next().is_some_and(|segment| {
            segment == wanted || segment.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('='))
        }),
    })
}
