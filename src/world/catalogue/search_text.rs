//! The form of text in the full-text index. In scripts without spaces each character is
//! a word, so that a query finds any part of a sentence.

use std::borrow::Cow;

/// Surrounds such characters. The tokenizer splits words at it, and readers do not see it.
const BREAK: char = '\u{200b}';

/// A text with breaks around the characters that are words.
pub(super) fn separated(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.chars().any(is_word_by_itself) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if is_word_by_itself(c) {
            out.push(BREAK);
            out.push(c);
            out.push(BREAK);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// The original text.
pub(super) fn joined(text: &str) -> Cow<'_, str> {
    if text.contains(BREAK) { Cow::Owned(text.replace(BREAK, "")) } else { Cow::Borrowed(text) }
}

/// Chinese, Japanese, Korean, Thai, Lao, Burmese and Khmer.
pub(super) fn is_word_by_itself(c: char) -> bool {
    matches!(u32::from(c),
        0x0e00..=0x0eff
        | 0x1000..=0x109f
        | 0x1780..=0x17ff
        | 0x3041..=0x30ff
        | 0x3400..=0x4dbf
        | 0x4e00..=0x9fff
        | 0xac00..=0xd7af
        | 0xf900..=0xfaff
        | 0x20000..=0x3ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scripts_without_spaces_get_breaks() {
        assert_eq!(separated("plain words"), "plain words");
        let text = "用 GAN 生成。";
        assert_ne!(separated(text), text);
        assert_eq!(joined(&separated(text)), text);
    }
}
