//! Shows text for a terminal as HTML: its colours, and lines that were written again.

use std::fmt::Write as _;

/// The eight colours, with enough contrast on light and on dark backgrounds.
pub(super) const STYLE: &str = ".tb{font-weight:bold}.tc0{color:#555}.tc1{color:#b3261e}.tc2{color:#0a6b2d}\
.tc3{color:#7a5200}.tc4{color:#0a4fa3}.tc5{color:#8a1c7c}.tc6{color:#00616b}.tc7{color:#666}\
@media(prefers-color-scheme:dark){.tc0{color:#aaa}.tc1{color:#ff8a80}.tc2{color:#8ddb8c}.tc3{color:#e6c15a}\
.tc4{color:#8cc2ff}.tc5{color:#e3a2f0}.tc6{color:#7fd6e0}.tc7{color:#bbb}}";

/// The most changes of colour in a text.
const MOST_SPANS: usize = 20_000;

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Look {
    is_bold: bool,
    colour: Option<u8>,
}

/// The text as HTML, without its control sequences.
pub(super) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut look = Look::default();
    let mut spans = 0;
    let text = overwritten(text);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (plain, after) = rest.split_once('\u{1b}').unwrap_or((rest, ""));
        if look == Look::default() || plain.is_empty() || spans >= MOST_SPANS {
            html_escape::encode_text_to_string(plain, &mut out);
        } else {
            spans += 1;
            let bold = if look.is_bold { "tb" } else { "" };
            let colour = look.colour.map(|colour| format!("tc{colour}")).unwrap_or_default();
            let class = format!("{bold} {colour}");
            let _ =
                write!(out, "<span class=\"{}\">{}</span>", class.trim(), html_escape::encode_text(plain));
        }
        rest = match after.strip_prefix('[') {
            Some(sequence) => {
                let end = sequence.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(sequence.len());
                if sequence[end..].starts_with('m') {
                    look = changed(look, &sequence[..end]);
                }
                sequence.get(end + 1..).unwrap_or_default()
            }
            None => after,
        };
    }
    out
}

/// The look after a sequence of codes (ECMA-48, SGR).
fn changed(look: Look, codes: &str) -> Look {
    let mut codes = codes.split(';').map(|code| code.parse::<u8>().unwrap_or(0));
    let mut look = look;
    while let Some(code) = codes.next() {
        look = match code {
            0 => Look::default(),
            1 => Look { is_bold: true, ..look },
            22 => Look { is_bold: false, ..look },
            30..=37 => Look { colour: Some(code - 30), ..look },
            90..=97 => Look { colour: Some(code - 90), ..look },
            39 => Look { colour: None, ..look },
            // A colour of a larger palette, of the text or of its background.
            38 | 48 => {
                let number = match codes.next() {
                    Some(5) => codes.next(),
                    Some(2) => codes.nth(2).and(None),
                    _ => None,
                };
                let colour = number.filter(|_| code == 38).map(|number| number % 8);
                if code == 38 { Look { colour, ..look } } else { look }
            }
            _ => look,
        };
    }
    look
}

/// The text as a terminal ends up with: a carriage return begins a line again.
fn overwritten(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let lines = text.split('\n').map(|line| {
        let line = line.trim_end_matches('\r');
        line.rsplit('\r').next().unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_classes() {
        for (text, shown) in [
            ("\u{1b}[1;31mred\u{1b}[0m <b>", "<span class=\"tb tc1\">red</span> &lt;b&gt;"),
            ("\u{1b}[38;5;28mgreen\u{1b}[39m plain", "<span class=\"tc4\">green</span> plain"),
            ("\u{1b}[38;2;1;2;3mx\u{1b}[48;5;1my", "xy"),
            ("\u{1b}[2Kx\u{1b}y\u{1b}[", "xy"),
            (" 1%\r50%\r99%\nend\r\n", "99%\nend\n"),
        ] {
            assert_eq!(html(text), shown, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_becomes_markup(text in "(\u{1b}\\[[0-9;]{0,6}m?|[<>&\"a\u{e9}\r\n])" ) {
            let made = html(&text);
            proptest::prop_assert!(!made.replace("<span class=\"", "").replace("</span>", "").contains('<'), "{made}");
        }
    }
}
