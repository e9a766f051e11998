//! `srcset` (WHATWG HTML section 4.8.4.2.1): addresses with their sizes or densities.

/// One candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageCandidate {
    pub address: String,
    /// `2x`, `640w`, or nothing.
    pub descriptor: String,
}

/// The candidates of a `srcset`. A comma inside an address belongs to it, but not one at
/// its end.
pub fn parse(text: &str) -> Vec<ImageCandidate> {
    let mut candidates = Vec::new();
    let mut rest = text.trim_start_matches(|c: char| c == ',' || c.is_ascii_whitespace());
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
        let (address, after) = rest.split_at(end);
        let (descriptor, after) = if address.ends_with(',') {
            ("", after)
        } else {
            let end = after.find(',').unwrap_or(after.len());
            (after[..end].trim(), &after[end..])
        };
        let address = address.trim_end_matches(',');
        if !address.is_empty() {
            candidates
                .push(ImageCandidate { address: address.to_owned(), descriptor: descriptor.to_owned() });
        }
        rest = after.trim_start_matches(|c: char| c == ',' || c.is_ascii_whitespace());
    }
    candidates
}

/// The sharpest candidate, which a large, dense screen uses.
pub fn best(candidates: &[ImageCandidate]) -> Option<&ImageCandidate> {
    let value = |candidate: &ImageCandidate| {
        let number = candidate.descriptor.trim_end_matches(['x', 'w', 'h']);
        number.parse::<f64>().unwrap_or(1.0)
    };
    candidates.iter().reduce(|best, next| if value(next) > value(best) { next } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<(String, String)> {
        parse(text).into_iter().map(|it| (it.address, it.descriptor)).collect()
    }

    #[test]
    fn commas_and_spaces_are_read_as_authors_write_them() {
        let pair = |address: &str, descriptor: &str| (address.to_owned(), descriptor.to_owned());
        assert_eq!(parsed("a.png 1x, b.png 2x"), [pair("a.png", "1x"), pair("b.png", "2x")]);
        assert_eq!(parsed(" a.png,\n b,c.png 640w ,"), [pair("a.png", ""), pair("b,c.png", "640w")]);
        assert_eq!(parsed("data:image/gif;base64,AAAA 1x"), [pair("data:image/gif;base64,AAAA", "1x")]);
        assert_eq!(parsed(" , "), []);
    }

    #[test]
    fn the_sharpest_is_the_best() {
        let best = |text: &str| best(&parse(text)).map(|it| it.address.clone());
        assert_eq!(best("s.png 320w, l.png 1280w, m.png 640w").as_deref(), Some("l.png"));
        assert_eq!(best("one.png, two.png 2x").as_deref(), Some("two.png"));
        assert_eq!(best(""), None);
    }
}
