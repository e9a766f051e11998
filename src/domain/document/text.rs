//! Makes text comparable: it is folded, and volatile parts are masked.
//!
//! Volatile parts change by themselves: counters, generation times, download stamps,
//! tokens. To mask a word of the work would hide a change, so each mask needs its
//! context.

use std::borrow::Cow;
use std::ops::ControlFlow;

use unicode_normalization::UnicodeNormalization as _;

/// A run of hexadecimal or base 64 digits of this length is a token, not a word.
const TOKEN_CHARS: usize = 24;

/// Text from other websites on one line: white space and control characters become single spaces.
pub fn one_line(text: &str) -> String {
    written_words(text).collect::<Vec<_>>().join(" ")
}

/// The words as they are written, between white space and control characters.
pub(super) fn written_words(text: &str) -> impl Iterator<Item = &str> {
    // The ASCII ones first: they decide about most characters.
    let is_gap = |c: char| {
        matches!(c, '\0'..=' ' | '\x7f') || (!c.is_ascii() && (c.is_whitespace() || c.is_control()))
    };
    text.split(is_gap).filter(|word| !word.is_empty())
}

/// The words of a text, folded, in order, without volatile ones.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    each_word(text, |word| words.push(word.to_owned()));
    words
}

/// The most tokens that a volatile part has.
const VOLATILE_TOKENS: usize = 16;
/// The tokens of a line that are in memory at one time.
const TOKENS_AT_ONCE: usize = 4096;

/// Passes on the words of a text one by one, because those of a very long text do not
/// fit into memory.
pub(super) fn each_word(text: &str, mut take: impl FnMut(&str)) {
    let _ = each_word_until(text, |word| {
        take(word);
        ControlFlow::Continue(())
    });
}

/// The same until `take` ends it.
pub(super) fn each_word_until(text: &str, mut take: impl FnMut(&str) -> ControlFlow<()>) -> ControlFlow<()> {
    for line in text.lines() {
        let line = folded(line);
        if is_stamp(&line) {
            continue;
        }
        let mut rest = line.split_whitespace();
        let mut tokens: Vec<&str> = rest.by_ref().take(TOKENS_AT_ONCE).collect();
        let mut place = 0;
        while place < tokens.len() {
            if tokens.len() - place < VOLATILE_TOKENS && place > VOLATILE_TOKENS {
                tokens.drain(..place);
                place = 0;
                tokens.extend(rest.by_ref().take(TOKENS_AT_ONCE));
            }
            let skipped = volatile(&tokens[place..]);
            if skipped > 0 {
                place += skipped;
                continue;
            }
            match word(tokens[place]) {
                Some(word) if !word.is_ascii() && word.contains(is_sign) => {
                    signs(&word).iter().try_for_each(|sign| take(sign))?;
                }
                Some(word) => take(&word)?,
                None => {}
            }
            place += 1;
        }
    }
    ControlFlow::Continue(())
}

/// Normalises compatibility forms, case and quotes, and removes invisible characters.
pub fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let ascii = rest.bytes().position(|byte| !byte.is_ascii()).unwrap_or(rest.len());
        // In ASCII only case is folded. What follows may combine with the last character.
        let plain = if ascii == rest.len() { ascii } else { ascii.saturating_sub(1) };
        let start = folded.len();
        folded.push_str(&rest[..plain]);
        folded[start..].make_ascii_lowercase();
        if plain == rest.len() {
            return folded;
        }
        // No ASCII character combines with one before it.
        let end =
            rest[ascii..].bytes().position(|byte| byte.is_ascii()).map_or(rest.len(), |end| ascii + end);
        fold_any(&rest[plain..end], &mut folded);
        rest = &rest[end..];
    }
}

fn fold_any(text: &str, folded: &mut String) {
    let chars = text
        .nfkc()
        .filter(|c| !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'))
        .map(|c| match c {
            '‘' | '’' | '‚' | '′' => '\'',
            '“' | '”' | '„' | '″' => '"',
            '‐'..='―' | '−' => '-',
            _ => c,
        })
        .flat_map(char::to_lowercase);
    folded.extend(chars);
}

/// A text in lower case. Runs of ASCII, most of any source, are converted at once.
pub fn lowercase(text: &str) -> String {
    let mut lower = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (ascii, after) =
            rest.split_at(rest.bytes().position(|byte| !byte.is_ascii()).unwrap_or(rest.len()));
        lower.push_str(ascii);
        let place = lower.len() - ascii.len();
        lower[place..].make_ascii_lowercase();
        let (other, after) =
            after.split_at(after.bytes().position(|byte| byte.is_ascii()).unwrap_or(after.len()));
        lower.push_str(&other.to_lowercase());
        rest = after;
    }
    lower
}

/// A token without surrounding punctuation; `None` if nothing is left.
fn word(token: &str) -> Option<Cow<'_, str>> {
    let bare = bare(token);
    (!bare.is_empty() && !is_token(bare)).then(|| without_hyphens(bare))
}

/// A token without the punctuation around it. Most have none.
fn bare(token: &str) -> &str {
    match token.as_bytes() {
        [only] if only.is_ascii_alphanumeric() => token,
        [first, .., last] if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() => token,
        _ => token.trim_matches(|c: char| !c.is_alphanumeric()),
    }
}

/// A hyphen between letters may belong to the word or to the end of a line, depending on
/// the typesetting, so hyphens are not compared.
fn without_hyphens(word: &str) -> Cow<'_, str> {
    if !word.as_bytes().contains(&b'-') {
        return Cow::Borrowed(word);
    }
    let mut joined = String::with_capacity(word.len());
    let mut rest = word.chars().peekable();
    while let Some(c) = rest.next() {
        let is_joint = c == '-'
            && joined.ends_with(char::is_alphabetic)
            && rest.peek().is_some_and(|next| next.is_alphabetic());
        if !is_joint {
            joined.push(c);
        }
    }
    Cow::Owned(joined)
}

/// Scripts without spaces: each character is a word, so that line breaks do not matter.
fn signs(word: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in word.chars() {
        if is_sign(c) {
            words.extend([c.to_string(), String::new()]);
        } else if let Some(last) = words.last_mut() {
            last.push(c);
        }
    }
    words.retain(|word| word.contains(char::is_alphanumeric));
    words
}

/// Kana, Han and Hangul.
fn is_sign(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{3ffff}')
}

/// Digests, nonces, UUIDs, IP addresses.
fn is_token(word: &str) -> bool {
    // The shortest IP address has seven characters.
    if word.len() < 7 {
        return false;
    }
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    // All of them have digits; a UUID need not.
    if digits == 0 && word.len() != 36 {
        return false;
    }
    let hex = word.bytes().filter(u8::is_ascii_hexdigit).count();
    let is_uuid = word.len() == 36 && word.matches('-').count() == 4 && hex == 32;
    let is_hex = word.len() >= 16 && hex == word.len() && digits >= 4;
    let is_base64 = word.len() >= TOKEN_CHARS
        && digits >= 4
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "+/=_-".contains(c));
    let is_ip = word.matches('.').count() == 3 && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    is_uuid || is_hex || is_base64 || is_ip
}

/// The beginnings of lines that a server or publisher adds to a downloaded document.
pub(super) fn is_stamp(line: &str) -> bool {
    const STAMPS: &[&str] = &[
        "downloaded from ",
        "downloaded by ",
        "downloaded on ",
        "authorized licensed use limited to",
        "this content downloaded from",
        "accessed on ",
        "accessed: ",
        "all use subject to",
        "licensed to ",
        "for personal use only",
        "copyrighted material licensed to",
        "email-protection#",
        "served in ",
        "page generated",
        "generated in ",
        "generated at ",
    ];
    let line = line.trim_start();
    line.len() < 300 && STAMPS.iter().any(|stamp| line.starts_with(stamp))
}

/// The number of tokens from here on that are volatile.
fn volatile(tokens: &[&str]) -> usize {
    let nth = |place: usize| {
        // Past the end of the line there is no word.
        tokens.get(place).map_or("", |token| bare(token))
    };
    let first = nth(0);
    let has_sign = !tokens[0].is_ascii() && tokens[0].contains('©');
    if !has_sign && !may_begin_volatile(first) {
        return 0;
    }
    let (second, third) = (nth(1), nth(2));
    if is_number(first) && COUNTED.contains(&second) {
        2
    } else if (is_number(first) && second == "min" && matches!(third, "read" | "reading"))
        || (is_number(first) || matches!(first, "a" | "an"))
            && UNITS_OF_TIME.contains(&second)
            && third == "ago"
    {
        3
    } else if COUNTED_BEFORE.contains(&first) && is_number(second) {
        2
    } else if matches!(first, "cited") && second == "by" && is_number(third) {
        3
    } else if DATED.contains(&first) {
        1 + date_after(&tokens[1..])
    } else if (matches!(first, "copyright" | "c") || has_sign) && is_year(second) {
        2
    } else {
        usize::from(has_sign && is_year(first.trim_start_matches('©')))
    }
}

/// Whether a volatile part may begin with this word. Most words end the search here, most of
/// them by their last letter.
fn may_begin_volatile(word: &str) -> bool {
    match word.as_bytes() {
        [b'0'..=b'9', ..] => true,
        [_] | [_, _] => matches!(word, "a" | "an" | "c"),
        [.., b's'] => COUNTED_BEFORE.contains(&word),
        [.., b'd' | b't'] => matches!(word, "cited" | "copyright") || DATED.contains(&word),
        _ => false,
    }
}

const COUNTED: &[&str] = &[
    "views",
    "view",
    "reads",
    "likes",
    "like",
    "stars",
    "star",
    "forks",
    "fork",
    "downloads",
    "citations",
    "comments",
    "comment",
    "shares",
    "claps",
    "upvotes",
    "followers",
    "watchers",
    "reactions",
    "responses",
    "replies",
];
const COUNTED_BEFORE: &[&str] = &["views", "downloads", "likes", "visitors", "visits", "hits", "citations"];
const UNITS_OF_TIME: &[&str] = &[
    "second", "seconds", "minute", "minutes", "hour", "hours", "day", "days", "week", "weeks", "month",
    "months", "year", "years",
];
const DATED: &[&str] =
    &["updated", "accessed", "retrieved", "downloaded", "generated", "modified", "rendered", "built"];

/// After "updated" and the like: the tokens of a date, at most eight.
fn date_after(tokens: &[&str]) -> usize {
    let mut end = 0;
    for (place, token) in tokens.iter().take(8).enumerate() {
        let bare = bare(token);
        let is_part = bare.is_empty() || bare.chars().any(|c| c.is_ascii_digit()) || is_month(bare);
        if is_part {
            end = place + 1;
        } else if !matches!(bare, "on" | "at" | "last" | "utc" | "gmt" | "am" | "pm" | "the" | "of")
            && !is_weekday(bare)
        {
            break;
        }
    }
    end
}

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

pub(super) fn is_month(word: &str) -> bool {
    word.len() <= 9 && MONTHS.iter().any(|month| word.starts_with(month))
}

pub(super) fn is_weekday(word: &str) -> bool {
    ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].iter().any(|day| word.starts_with(day))
        && word.len() <= 9
}

fn is_number(word: &str) -> bool {
    let digits = word.trim_end_matches(['k', 'm', '+']);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || ",.".contains(c))
}

fn is_year(word: &str) -> bool {
    let first = word.split_once('-').map_or(word, |(first, _)| first);
    first.len() == 4
        && (first.starts_with("19") || first.starts_with("20"))
        && first.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) {
        assert_eq!(words(one), words(other));
    }

    #[test]
    fn typography_makes_no_difference() {
        same("“Deep” learn\u{ad}ing — it’s ﬁne", "\"deep\" learning - it's fine");
        same("a  b\u{a0}c", "A b C");
    }

    #[test]
    fn lower_case_is_the_same_run_by_run() {
        for text in ["", "Sign In", "ÅÄÖ Page NOT Found", "ΟΔΟΣ is A Street", "онлайн КАЗИНО", "a\u{212a}b"]
        {
            assert_eq!(lowercase(text), text.to_lowercase());
        }
    }

    #[test]
    fn every_beginning_of_a_volatile_part_is_recognised() {
        let single = ["cited", "copyright", "c", "a", "an", "7", "1,204"];
        for word in COUNTED_BEFORE.iter().chain(DATED).chain(&single) {
            assert!(may_begin_volatile(word), "{word}");
        }
        assert!(!may_begin_volatile("the") && !may_begin_volatile("deep") && !may_begin_volatile(""));
    }

    proptest::proptest! {
        #[test]
        fn folding_in_runs_is_folding(
            text in "([ -~\t]|[À-ſ]|[\u{300}-\u{32f}\u{591}\u{ad}\u{200b}]|[ﬁ―“Å\u{ac00}\u{1100}\u{1161}\u{11a8}㌔か\u{3099}\u{3000}]|\\PC){0,40}"
        ) {
            let mut whole = String::new();
            fold_any(&text, &mut whole);
            proptest::prop_assert_eq!(folded(&text), whole);
        }
    }

    #[test]
    fn a_long_line_is_read_like_its_parts() {
        let part = "updated on 14 Nov 2026 at 3 pm UTC the model has 12 views and 3 layers";
        let count = 3 * TOKENS_AT_ONCE / part.split(' ').count();
        assert_eq!(words(&[part].repeat(count).join(" ")), words(&[part].repeat(count).join("\n")));
    }

    #[test]
    fn line_breaks_make_no_difference() {
        same("state-of-the-art", "state-oftheart");
        same("\u{6df1}\u{5ea6}\u{5b66}\u{7fd2} 3", "\u{6df1}\u{5ea6} \u{5b66}\u{7fd2} 3");
        assert_ne!(words("layers 3-4"), words("layers 34"));
    }

    #[test]
    fn volatile_text_is_masked() {
        for (one, other) in [
            ("1,204 views today", "1,377 views today"),
            ("read in 12 min read now", "read in 13 min read now"),
            ("posted 2 hours ago by x", "posted 3 days ago by x"),
            ("Cited by (12) others", "Cited by (13) others"),
            ("© 2025 Someone", "© 2026 Someone"),
            ("Copyright 2025 Someone", "Copyright 2026 Someone"),
            ("Last updated 14 Nov 2026 here", "Last updated 2 Dec 2027 here"),
            ("Accessed: 2026-11-14", "Accessed: 2026-12-01"),
            ("Downloaded from 10.0.0.1 on Monday", "Downloaded from 10.0.0.2 on Friday"),
            ("id 9f86d081884c7d659a2feaa0c55ad015 end", "id a3bf4f1b2b0b822cd15d6c15b0f00a08 end"),
            ("Served in 0.1 s at 17", "Served in 0.7 s at 99"),
        ] {
            same(one, other);
        }
    }

    #[test]
    fn sentences_of_the_work_are_not_masked() {
        for (one, other) in [
            ("we use 12 layers", "we use 13 layers"),
            ("the model of 2015", "the model of 2016"),
            ("the weights are updated with gradient descent", "the weights are updated with evolution"),
            ("section 3 comments on noise", "section 4 comments on noise and more"),
        ] {
            assert_ne!(words(one), words(other));
        }
    }
}
