//! Dates, sizes and counts in English. Sentences are in `wording`.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::address::Address;

/// "Tue 6 Oct"; with the year if it differs from that of `today`.
pub fn day(date: Date, today: Date) -> String {
    let pattern = if date.year() == today.year() { "%a %-d %b" } else { "%a %-d %b %Y" };
    date.strftime(pattern).to_string()
}

/// The day of `at` in the time zone of the course, written as [`day`] does.
pub fn local_day(at: Timestamp, zone: &TimeZone, today: Date) -> String {
    day(at.to_zoned_datetime(zone.clone()).date(), today)
}

/// "14 September 2026", for citations.
pub fn full_date(date: Date) -> String {
    date.strftime("%-d %B %Y").to_string()
}

/// "02:14-02:31 EDT": a beginning and an end in local time; one time if both
/// are in the same minute.
pub fn hours(from: Timestamp, to: Timestamp, zone: &TimeZone) -> String {
    let (from, to) = (from.to_zoned_datetime(zone.clone()), to.to_zoned_datetime(zone.clone()));
    let (begun, ended) = (from.strftime("%H:%M").to_string(), to.strftime("%H:%M %Z"));
    if begun == to.strftime("%H:%M").to_string() { ended.to_string() } else { format!("{begun}-{ended}") }
}

/// A size in decimal units: "219 KB", "1.2 MB".
pub fn size(bytes: u64) -> String {
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    let mut tenths = bytes.div_ceil(100);
    let mut unit = "KB";
    for larger in ["MB", "GB", "TB"] {
        if tenths < 10_000 {
            break;
        }
        tenths /= 1000;
        unit = larger;
    }
    if tenths < 100 && unit != "KB" {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    } else {
        format!("{} {unit}", number(tenths / 10))
    }
}

/// "12,345".
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "1 link", "2 links".
pub fn count(n: usize, one: &str) -> String {
    count_of(n, one, &format!("{one}s"))
}

/// "1 try", "2 tries".
pub fn count_of(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(n as u64), if n == 1 { one } else { many })
}

/// "9 pages"; "9 cells" for a notebook.
pub fn extent(pages: u32, document: &Address) -> String {
    count(pages as usize, if is_notebook(document) { "cell" } else { "page" })
}

pub fn is_notebook(document: &Address) -> bool {
    document.path().to_ascii_lowercase().ends_with(".ipynb")
}

/// A rounded count of words: "3 words", "about 350 words".
pub fn words(n: u32) -> String {
    let step = match n {
        0..20 => return count(n as usize, "word"),
        20..100 => 10,
        100..1000 => 50,
        _ => 100,
    };
    format!("about {} words", number(u64::from((n + step / 2) / step * step)))
}

/// A share in whole percent, rounded down. A difference is never "100 %".
pub fn percent(share: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100")]
    let whole = (share.clamp(0.0, 1.0) * 100.0) as u32;
    if whole >= 100 || (share > 0.99 && whole == 99) { "over 99 %".to_owned() } else { format!("{whole} %") }
}

/// "A", "A and B", "A, B and C"; past `shown`, "A, B and 5 more".
pub fn list(names: &[String], shown: usize) -> String {
    let rest = names.len().saturating_sub(shown);
    match names {
        [] => String::new(),
        [only] => only.clone(),
        _ if rest > 0 => {
            let head = names.iter().take(shown).map(String::as_str).collect::<Vec<_>>().join(", ");
            format!("{head} and {rest} more")
        }
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn dates_have_a_year_only_if_it_is_not_this_year() {
        assert_eq!(day(date(2026, 10, 6), date(2026, 10, 5)), "Tue 6 Oct");
        assert_eq!(day(date(2025, 12, 31), date(2026, 1, 2)), "Wed 31 Dec 2025");
    }

    #[test]
    fn a_night_of_less_than_a_minute_has_one_time() {
        let at = |time: &str| format!("2026-09-14T{time}Z").parse::<Timestamp>().unwrap();
        let shown = |to| hours(at("02:30:01"), at(to), &TimeZone::UTC);
        assert_eq!([shown("02:30:59"), shown("02:31:00")], ["02:30 UTC", "02:30-02:31 UTC"]);
        assert_eq!(full_date(date(2026, 9, 4)), "4 September 2026");
    }

    #[test]
    fn sizes_and_counts_are_rounded_for_reading() {
        let sizes = [999, 1000, 219_400, 999_999, 1_200_000, 12_300_000, 4_100_000_000].map(size);
        assert_eq!(sizes, ["999 bytes", "1 KB", "219 KB", "1.0 MB", "1.2 MB", "12 MB", "4.1 GB"]);
        assert_eq!(
            [3, 47, 338, 1749].map(words),
            ["3 words", "about 50 words", "about 350 words", "about 1,700 words"]
        );
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!([1.0, 0.995, 0.969, 0.0].map(percent), ["over 99 %", "over 99 %", "96 %", "0 %"]);
    }

    #[test]
    fn a_long_list_of_names_ends_with_a_number() {
        let names = ["a", "b", "c", "d"].map(str::to_owned);
        assert_eq!(list(&names, 4), "a, b, c and d");
        assert_eq!(list(&names, 2), "a, b and 2 more");
    }
}
