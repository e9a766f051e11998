//! Dates in Memento headers: the RFC 1123 format, case-sensitive, always GMT.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

const FORMAT: &str = "%a, %d %b %Y %H:%M:%S GMT";

pub(super) fn format(at: Timestamp) -> String {
    at.strftime(FORMAT).to_string()
}

/// `None` for every other format, and for a wrong weekday.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let date: DateTime = strtime::parse(FORMAT, text).ok()?.to_datetime().ok()?;
    let at = date.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp();
    (format(at) == text).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_exact_format_is_accepted() {
        assert_eq!(
            parse("Thu, 31 May 2007 20:35:00 GMT"),
            Some("2007-05-31T20:35:00Z".parse::<Timestamp>().unwrap())
        );
        for text in [
            "Fri, 31 May 2007 20:35:00 GMT",
            "thu, 31 may 2007 20:35:00 gmt",
            "Thu, 31 May 2007 20:35:00 +0000",
            "Thursday, 31-May-07 20:35:00 GMT",
            "2007-05-31T20:35:00Z",
            "Thu, 32 May 2007 20:35:00 GMT",
            "Thu, 31 May 2007",
            "",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_written_date_can_be_parsed(second in 0_i64..7_258_118_400) {
            let at = Timestamp::from_second(second).unwrap();
            prop_assert_eq!(parse(&format(at)), Some(at));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            parse(&text);
        }
    }
}
