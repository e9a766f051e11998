//! Byte ranges (RFC 9110 section 14): one range is answered, anything else gets the whole.

/// What of a body is wanted. `end` is the last byte, included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) enum Wanted {
    Whole,
    Part {
        start: u64,
        end: u64,
    },
    /// No byte of the body is in the range.
    Nothing,
}

/// Reads a `Range` field for a body of `length` bytes.
///
/// Several ranges, other units and what cannot be read count as no range at
/// all, as the RFC allows.
pub(in crate::serve) fn wanted(field: Option<&str>, length: u64) -> Wanted {
    let Some(set) = field.and_then(|field| field.trim().strip_prefix("bytes=")) else { return Wanted::Whole };
    let Some((first, last)) = set.trim().split_once('-') else { return Wanted::Whole };
    match (Position::read(first), Position::read(last)) {
        (Position::Open, Position::At(suffix)) if suffix > 0 && length > 0 => {
            Wanted::Part { start: length.saturating_sub(suffix), end: length - 1 }
        }
        (Position::Open, Position::At(_)) => Wanted::Nothing,
        (Position::At(start), Position::At(end)) if end < start => Wanted::Whole,
        (Position::At(start), Position::At(_) | Position::Open) if start >= length => Wanted::Nothing,
        (Position::At(start), Position::At(end)) => Wanted::Part { start, end: end.min(length - 1) },
        (Position::At(start), Position::Open) => Wanted::Part { start, end: length - 1 },
        (Position::Open, Position::Open) | (Position::Garbled, _) | (_, Position::Garbled) => Wanted::Whole,
    }
}

/// One side of a range.
enum Position {
    At(u64),
    Open,
    Garbled,
}

impl Position {
    fn read(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() {
            Self::Open
        } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
            // A number too large for us is past the end of any file.
            Self::At(text.parse().unwrap_or(u64::MAX))
        } else {
            Self::Garbled
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_forms_of_one_range() {
        let of = |field| wanted(Some(field), 1000);
        assert_eq!(of("bytes=0-499"), Wanted::Part { start: 0, end: 499 });
        assert_eq!(of("bytes=500-"), Wanted::Part { start: 500, end: 999 });
        assert_eq!(of("bytes=-1"), Wanted::Part { start: 999, end: 999 });
        assert_eq!(of("bytes=-5000"), Wanted::Part { start: 0, end: 999 });
        assert_eq!(of("bytes=999-99999999999999999999"), Wanted::Part { start: 999, end: 999 });
        assert_eq!(of("bytes=1000-"), Wanted::Nothing);
        assert_eq!(of("bytes=-0"), Wanted::Nothing);
        for whole in ["bytes=0-1,3-4", "bytes=5-2", "bytes=x-", "bytes=-", "items=0-1", "bytes=+1-2", ""] {
            assert_eq!(of(whole), Wanted::Whole, "{whole}");
        }
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Nothing);
        assert_eq!(wanted(None, 10), Wanted::Whole);
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_body(field in "bytes=[0-9]{0,20}-[0-9]{0,20}", length in 0_u64..5000) {
            if let Wanted::Part { start, end } = wanted(Some(&field), length) {
                prop_assert!(start <= end && end < length);
            }
        }

        #[test]
        fn no_field_makes_it_panic(field in ".*", length: u64) {
            wanted(Some(&field), length);
        }
    }
}
