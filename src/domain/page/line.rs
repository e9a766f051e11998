//! Source lines of links in HTML: the parser forgets them, so start tags are counted.

/// The line, from 1, of every `<a …>` and `<area …>` start tag, in the order of the source.
///
/// Comments, scripts and styles are passed over, as a parser does (WHATWG HTML
/// section 13.2.5); templates are not, and are left out by the caller.
pub(super) fn of_anchors(source: &str) -> Vec<u32> {
    let (mut line, mut counted) = (1_u32, 0);
    let lines = starts_of_anchors(source).into_iter().map(|start| {
        let newlines = source.as_bytes()[counted..start].iter().filter(|byte| **byte == b'\n').count();
        line = line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
        counted = start;
        line
    });
    lines.collect()
}

/// Where those start tags begin.
pub fn starts_of_anchors(source: &str) -> Vec<usize> {
    let bytes = source.as_bytes();
    let mut starts = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let step = if rest.starts_with(b"<!--") {
            past(rest, b"-->")
        } else if let Some(name) = raw_element(rest) {
            past_element(rest, name)
        } else {
            if starts_tag(rest, b"a") || starts_tag(rest, b"area") {
                starts.push(at);
            }
            1
        };
        at += step;
    }
    starts
}

/// Elements whose content is no markup.
fn raw_element(rest: &[u8]) -> Option<&'static [u8]> {
    const RAW: &[&[u8]] = &[b"script", b"style", b"textarea", b"title", b"xmp", b"iframe", b"noembed"];
    RAW.iter().copied().find(|name| starts_tag(rest, name))
}

fn starts_tag(rest: &[u8], name: &[u8]) -> bool {
    rest.first() == Some(&b'<')
        && rest.get(1..=name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        && rest
            .get(1 + name.len())
            .is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'))
}

fn past(rest: &[u8], end: &[u8]) -> usize {
    rest.windows(end.len()).position(|window| window == end).map_or(rest.len(), |at| at + end.len())
}

fn past_element(rest: &[u8], name: &[u8]) -> usize {
    let close = |window: &[u8]| window.starts_with(b"</") && window[2..].eq_ignore_ascii_case(name);
    rest.windows(name.len() + 2).position(close).map_or(rest.len(), |at| at + name.len() + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_real_anchors_are_counted() {
        let source = "<A href=1>\n<!-- <a> \n --><abbr>\n<script>'<a>'\n</script><a\nhref=2><area>";
        assert_eq!(of_anchors(source), [1, 5, 6]);
    }
}
