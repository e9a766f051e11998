//! `Content-Disposition` (RFC 6266), read and written.

use encoding_rs::Encoding;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The characters that `ext-value` does not encode (RFC 5987 section 3.2.1).
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'+');

/// The file name of a header, `filename*` before `filename`; `None` if there is
/// none.
pub fn given(header: &str) -> Option<String> {
    let parameters = parameters(header);
    let find = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let extended = find("filename*").and_then(extended);
    let plain = || find("filename").map(plain);
    extended.or_else(plain).filter(|name| !name.trim().is_empty())
}

/// `attachment` or `inline`, with the name in both forms.
pub fn attachment(name: &str, is_shown: bool) -> String {
    let how = if is_shown { "inline" } else { "attachment" };
    let ascii: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !"\"\\%".contains(c) || c == ' ' { c } else { '_' })
        .collect();
    if ascii == name {
        format!("{how}; filename=\"{ascii}\"")
    } else {
        format!("{how}; filename=\"{ascii}\"; filename*=UTF-8''{}", utf8_percent_encode(name, ATTR_CHAR))
    }
}

/// Parameters in lower case with their values, quotes removed.
fn parameters(header: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = header;
    while let Some((_, after)) = rest.split_once(';') {
        let Some((key, value)) = after.split_once('=') else { break };
        let key = key.rsplit(';').next().unwrap_or(key).trim().to_ascii_lowercase();
        let value = value.trim_start();
        let (text, left) = match value.strip_prefix('"') {
            Some(quoted) => quoted_string(quoted),
            None => {
                let end = value.find(';').unwrap_or(value.len());
                (value[..end].trim().to_owned(), &value[end..])
            }
        };
        found.push((key, text));
        rest = left;
    }
    found
}

/// A quoted string (RFC 9110 section 5.6.4) without its opening quote, and the text after it.
fn quoted_string(text: &str) -> (String, &str) {
    let mut out = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (out, &text[at + 1..]),
            '\\' => out.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => out.push(c),
        }
    }
    (out, "")
}

/// `charset'language'percent-encoded` (RFC 5987).
fn extended(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, _, text) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes: Vec<u8> = percent_decode_str(text).collect();
    let encoding = Encoding::for_label(charset.as_bytes())?;
    Some(encoding.decode_without_bom_handling(&bytes).0.into_owned())
}

/// A plain name. Some servers percent-encode it against the rules, send UTF-8 that
/// was read as Latin-1, or use the form of email headers (RFC 2047).
fn plain(value: &str) -> String {
    if let Some(decoded) = encoded_word(value) {
        return decoded;
    }
    let latin1: Option<Vec<u8>> = value.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    if !value.is_ascii()
        && let Some(text) = latin1.and_then(|bytes| String::from_utf8(bytes).ok())
    {
        return text;
    }
    match percent_decode_str(value).decode_utf8() {
        Ok(decoded) if value.contains('%') => decoded.into_owned(),
        Ok(_) | Err(_) => value.to_owned(),
    }
}

/// `=?utf-8?B?…?=` and `=?utf-8?Q?…?=`.
fn encoded_word(value: &str) -> Option<String> {
    use base64::Engine as _;
    let inner = value.trim().strip_prefix("=?")?.strip_suffix("?=")?;
    let mut parts = inner.splitn(3, '?');
    let (charset, kind, text) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = match kind {
        "B" | "b" => base64::engine::general_purpose::STANDARD.decode(text).ok()?,
        "Q" | "q" => {
            percent_decode_str(&text.replace('%', "%25").replace('=', "%").replace('_', " ")).collect()
        }
        _ => return None,
    };
    Some(Encoding::for_label(charset.as_bytes())?.decode_without_bom_handling(&bytes).0.into_owned())
}
