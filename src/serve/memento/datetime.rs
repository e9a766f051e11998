//! Dates as Memento writes them: RFC 1123, case and all, always GMT.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

const FORM: &str = "%a, %d %b %Y %H:%M:%S GMT";

pub(super) fn write(at: Timestamp) -> String {
    at.strftime(FORM).to_string()
}

/// `None` for anything but the one form, a wrong weekday included.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let date: DateTime = strtime::parse(FORM, text).ok()?.to_datetime().ok()?;
    let at = date.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp();
    (write(at) == text).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_one_form_is_a_date() {
        assert_eq!(
            read("Thu, 31 May 2007 20:35:00 GMT"),
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
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(second in 0_i64..7_258_118_400) {
            let at = Timestamp::from_second(second).unwrap();
            prop_assert_eq!(read(&write(at)), Some(at));
        }

        #[test]
        fn nothing_makes_it_panic(text in ".*") {
            read(&text);
        }
    }
}
