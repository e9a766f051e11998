//! Byte ranges (RFC 9110 section 14): a single range is served, any other request gets the whole body.

/// The part of a body that a client requests. `end` is the last byte, inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) enum RequestedRange {
    Whole,
    Part {
        start: u64,
        end: u64,
    },
    /// The range contains no byte of the body.
    Unsatisfiable,
}

/// Parses a `Range` field for a body of `length` bytes.
///
/// Several ranges, other units and malformed fields are ignored, as the RFC allows.
pub(in crate::serve) fn parse(field: Option<&str>, length: u64) -> RequestedRange {
    let Some(set) = field.and_then(|field| field.trim().strip_prefix("bytes=")) else {
        return RequestedRange::Whole;
    };
    let Some((first, last)) = set.trim().split_once('-') else { return RequestedRange::Whole };
    match (RangeBound::parse(first), RangeBound::parse(last)) {
        (RangeBound::Open, RangeBound::At(suffix)) if suffix > 0 && length > 0 => {
            RequestedRange::Part { start: length.saturating_sub(suffix), end: length - 1 }
        }
        (RangeBound::Open, RangeBound::At(_)) => RequestedRange::Unsatisfiable,
        (RangeBound::At(start), RangeBound::At(end)) if end < start => RequestedRange::Whole,
        (RangeBound::At(start), RangeBound::At(_) | RangeBound::Open) if start >= length => {
            RequestedRange::Unsatisfiable
        }
        (RangeBound::At(start), RangeBound::At(end)) => {
            RequestedRange::Part { start, end: end.min(length - 1) }
        }
        (RangeBound::At(start), RangeBound::Open) => RequestedRange::Part { start, end: length - 1 },
        (RangeBound::Open, RangeBound::Open) | (RangeBound::Invalid, _) | (_, RangeBound::Invalid) => {
            RequestedRange::Whole
        }
    }
}

/// The first or last position of a range.
enum RangeBound {
    At(u64),
    Open,
    Invalid,
}

impl RangeBound {
    fn parse(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() {
            Self::Open
        } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
            // A number that overflows is past the end of every file.
            Self::At(text.parse().unwrap_or(u64::MAX))
        } else {
            Self::Invalid
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn single_ranges_are_served_and_others_ignored() {
        let of = |field| parse(Some(field), 1000);
        assert_eq!(of("bytes=0-499"), RequestedRange::Part { start: 0, end: 499 });
        assert_eq!(of("bytes=500-"), RequestedRange::Part { start: 500, end: 999 });
        assert_eq!(of("bytes=-1"), RequestedRange::Part { start: 999, end: 999 });
        assert_eq!(of("bytes=-5000"), RequestedRange::Part { start: 0, end: 999 });
        assert_eq!(of("bytes=999-99999999999999999999"), RequestedRange::Part { start: 999, end: 999 });
        assert_eq!(of("bytes=1000-"), RequestedRange::Unsatisfiable);
        assert_eq!(of("bytes=-0"), RequestedRange::Unsatisfiable);
        for whole in ["bytes=0-1,3-4", "bytes=5-2", "bytes=x-", "bytes=-", "items=0-1", "bytes=+1-2", ""] {
            assert_eq!(of(whole), RequestedRange::Whole, "{whole}");
        }
        assert_eq!(parse(Some("bytes=0-"), 0), RequestedRange::Unsatisfiable);
        assert_eq!(parse(None, 10), RequestedRange::Whole);
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_body(field in "bytes=[0-9]{0,20}-[0-9]{0,20}", length in 0_u64..5000) {
            if let RequestedRange::Part { start, end } = parse(Some(&field), length) {
                prop_assert!(start <= end && end < length);
            }
        }

        #[test]
        fn no_field_panics(field in ".*", length: u64) {
            parse(Some(&field), length);
        }
    }
}
