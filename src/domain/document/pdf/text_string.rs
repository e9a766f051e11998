//! Text strings of a PDF: titles, names of fields, replacement text (ISO 32000-1, 7.9.2.2).

/// Decodes a text string: UTF-16 or UTF-8 with a mark, otherwise `PDFDocEncoding`, which differs
/// from Windows-1252 in few characters.
pub(super) fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, rest @ ..] => encoding_rs::UTF_16BE.decode_without_bom_handling(rest).0.into_owned(),
        [0xff, 0xfe, rest @ ..] => encoding_rs::UTF_16LE.decode_without_bom_handling(rest).0.into_owned(),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        // Many programs write UTF-8 without the mark.
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn each_encoding_of_a_text_string_is_decoded() {
        assert_eq!(decode(b"\xfe\xff\x00O\x00w\x00n"), "Own");
        assert_eq!(decode(b"\xff\xfeO\x00w\x00n\x00"), "Own");
        assert_eq!(decode(b"\xef\xbb\xbf\xc3\xa9"), "\u{e9}");
        assert_eq!(decode(b"\xc3\xa9"), "\u{e9}");
        assert_eq!(decode(b"\xe9"), "\u{e9}");
    }
}
