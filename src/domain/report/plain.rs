//! Text from strangers' pages, made harmless, and plain forms for dates, sizes and counts.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Link words and titles are cut here: a report is not the page.
const LONGEST: usize = 120;

/// Page text without control, direction and invisible characters, on one line, not too long.
pub fn tame(text: &str) -> String {
    let visible: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .collect();
    let squeezed = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    if squeezed.chars().count() <= LONGEST {
        return squeezed;
    }
    let cut: String = squeezed.chars().take(LONGEST - 1).collect();
    format!("{}…", cut.trim_end())
}

/// Direction marks and other characters that change how the rest is read.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// "Tue 6 Oct", with the year where it is not that of `today`.
pub fn day(date: Date, today: Date) -> String {
    let form = if date.year() == today.year() { "%a %-d %b" } else { "%a %-d %b %Y" };
    date.strftime(form).to_string()
}

/// The local day of an instant.
pub fn local_day(at: Timestamp, zone: &TimeZone, today: Date) -> String {
    day(at.to_zoned_datetime(zone.clone()).date(), today)
}

pub fn size(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..1000 => format!("{bytes} bytes"),
        1000..1_000_000 => format!("{} KB", bytes / 1000),
        1_000_000..1_000_000_000 => format!("{} MB", tenths(1_000_000)),
        _ => format!("{} GB", tenths(1_000_000_000)),
    }
}

/// "1 link", "2 links".
pub fn counted(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_becomes_one_harmless_line() {
        assert_eq!(tame("a\r\nBcc: x\u{202e}y\u{200b}z\u{7}"), "a Bcc: xyz");
        assert_eq!(tame(&"x".repeat(500)).chars().count(), 120);
    }

    #[test]
    fn sizes_are_those_people_use() {
        assert_eq!(
            (size(12), size(219_400), size(2_340_000)),
            ("12 bytes".into(), "219 KB".into(), "2.3 MB".into())
        );
    }
}
