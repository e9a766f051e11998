//! Bare addresses in Markdown, by the rules of GitHub Flavored Markdown
//! (section 6.9, extended autolinks).

use std::ops::Range;

use memchr::memchr_iter;

/// An address in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BareAddress {
    pub range: Range<usize>,
    /// With the implied scheme if none is written.
    pub address: String,
}

/// Characters at the end of an address that belong to the sentence.
const TRAILING: &[char] = &['?', '!', '.', ',', ':', '*', '_', '~', '\'', '"', ';', '”', '’', '»'];
/// Characters that end an address.
const ENDING: &[char] = &[
    '<', '>', '"', '`', '“', '”', '（', '）', '「', '」', '『', '』', '【', '】', '。', '，', '、', '；',
    '《', '》', '\u{e000}',
];

/// Whether a text has what every bare address has. Most texts of a page do not.
pub(super) fn may_be_in(text: &str) -> bool {
    let is_www = |dot: usize| {
        let before = dot.checked_sub(3).map(|start| &text.as_bytes()[start..dot]);
        before.is_some_and(|word| word.eq_ignore_ascii_case(b"www"))
    };
    text.contains("://") || memchr_iter(b'.', text.as_bytes()).any(is_www)
}

pub fn find(text: &str) -> Vec<BareAddress> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = next_start(text, from) {
        match address_at(text, at) {
            Some(bare) => {
                from = bare.range.end;
                found.push(bare);
            }
            None => from = at + 1,
        }
    }
    found
}

/// The next place at which an address may begin.
fn next_start(text: &str, from: usize) -> Option<usize> {
    let rest = &text.as_bytes()[from..];
    (0..rest.len()).map(|at| from + at).find(|at| {
        let rest = &text.as_bytes()[*at..];
        let starts =
            |word: &[u8]| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        matches!(rest[0], b'h' | b'H' | b'w' | b'W')
            && (starts(b"http://") || starts(b"https://") || starts(b"www."))
    })
}

fn address_at(text: &str, start: usize) -> Option<BareAddress> {
    let has_scheme =
        !text.as_bytes()[start..].get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"www."));
    let before = text[..start].chars().next_back();
    let is_apart = match before {
        None => true,
        Some(c) if has_scheme => !c.is_alphanumeric() || !c.is_ascii(),
        Some(c) => c.is_whitespace() || "*_~(（：:".contains(c) || !c.is_ascii(),
    };
    let rest = &text[start..];
    if !is_apart || !may_have_host(rest) {
        return None;
    }
    let length = rest.find(|c: char| c.is_whitespace() || ENDING.contains(&c)).unwrap_or(rest.len());
    let raw = trimmed(&rest[..length]);
    let host = if has_scheme { raw.split_once("://")?.1 } else { raw };
    let host = host.split_once(['/', '?', '#', ':']).map_or(host, |(host, _)| host);
    if !is_domain(host) {
        return None;
    }
    let address = if has_scheme { raw.to_owned() } else { format!("http://{raw}") };
    Some(BareAddress { range: start..start + raw.len(), address })
}

/// Whether a text can begin with a host, by its first bytes: so that a long text in
/// which many addresses seem to begin is not read from each of them.
fn may_have_host(rest: &str) -> bool {
    /// "https://" and the longest name in the DNS.
    const BYTES_AT_MOST: usize = 8 + 253;
    let scheme = rest.find("//").filter(|at| *at < 7).map_or(0, |at| at + 2);
    let host = rest[scheme..].bytes().take(BYTES_AT_MOST + 1);
    let length = host.take_while(|byte| !byte.is_ascii_whitespace() && !b"/?#:<>\"`".contains(byte)).count();
    length <= BYTES_AT_MOST && rest.as_bytes()[scheme..scheme + length].contains(&b'.')
}

/// An address without the punctuation of the sentence around it.
fn trimmed(raw: &str) -> &str {
    let mut raw = raw;
    let mut unopened = raw.matches(')').count().saturating_sub(raw.matches('(').count());
    let has_bracket = raw.contains('[');
    loop {
        let shorter = raw.trim_end_matches(TRAILING);
        let shorter = if raw.ends_with(';') && !shorter.ends_with(')') && entity(raw).is_some() {
            entity(raw).unwrap_or(shorter)
        } else {
            shorter
        };
        let shorter = if shorter.ends_with(')') && unopened > 0 {
            unopened -= 1;
            &shorter[..shorter.len() - 1]
        } else {
            shorter
        };
        let shorter =
            if shorter.ends_with(']') && !has_bracket { &shorter[..shorter.len() - 1] } else { shorter };
        if shorter.len() == raw.len() {
            return raw;
        }
        raw = shorter;
    }
}

/// The text before a character reference at its end.
fn entity(raw: &str) -> Option<&str> {
    let start = raw.rfind('&')?;
    raw[start + 1..raw.len() - 1].chars().all(char::is_alphanumeric).then(|| &raw[..start])
}

fn is_domain(host: &str) -> bool {
    let labels: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
    };
    labels.len() > 1
        && labels.iter().all(is_label)
        && labels.iter().rev().take(2).all(|label| !label.contains('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_end_before_the_punctuation_of_the_sentence() {
        for (text, expected) in [
            (
                "Merging runs, https://two.example/merge.html (read this)",
                vec!["https://two.example/merge.html"],
            ),
            ("www.three.example/radix.html", vec!["http://www.three.example/radix.html"]),
            ("See https://five.example/tries_(data). And", vec!["https://five.example/tries_(data)"]),
            ("(https://a.example/b)", vec!["https://a.example/b"]),
            (
                "https://a.example/b?c=d&e=f, https://g.example!",
                vec!["https://a.example/b?c=d&e=f", "https://g.example"],
            ),
            ("**https://a.example/b**", vec!["https://a.example/b"]),
            ("HTTPS://A.example/b", vec!["HTTPS://A.example/b"]),
            ("参见https://a.example/b。", vec!["https://a.example/b"]),
            ("https://a.example/b&copy;", vec!["https://a.example/b"]),
            ("xhttps://a.example awww.b.example http:// https://x www. https://_.a_b", vec![]),
        ] {
            let found: Vec<String> = find(text).into_iter().map(|bare| bare.address).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
