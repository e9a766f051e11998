//! The head of a response as a WARC record has it.
//!
//! Bodies are stored without their transfer and content encodings, so headers that describe
//! the bytes on the wire are kept under other names, and the length is that of the body.

use std::fmt::Write as _;

/// Headers that describe the encoded body.
const OF_ENCODED_BODY: &[&str] = &["content-encoding", "content-length", "transfer-encoding", "trailer"];
/// Precedes the name of such a header, as other web archives write it.
const ORIGINAL: &str = "X-Archive-Orig-";

/// The status of a stored response head; `None` if it has none.
pub fn status(stored: &str) -> Option<u16> {
    stored.lines().next()?.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The first value of a header of a stored response head; `name` in lower case.
pub fn value<'a>(stored: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = stored.lines().skip(1).filter_map(|line| line.split_once(':'));
    headers.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The head of a decoded body with this length, made from the stored head.
pub fn of_decoded_body(stored: &str, bytes: u64) -> String {
    let status = status(stored).unwrap_or(200);
    let reason = if status == 200 { "OK" } else { "" };
    let mut head = format!("HTTP/1.1 {status} {reason}\r\n");
    for (name, value) in stored.lines().skip(1).filter_map(|line| line.split_once(':')) {
        if !is_name(name) {
            continue;
        }
        let is_changed = OF_ENCODED_BODY.iter().any(|changed| name.eq_ignore_ascii_case(changed));
        let original = if is_changed { ORIGINAL } else { "" };
        let value: String = value.chars().filter(|c| !c.is_control() || *c == '\t').collect();
        // Writing to a string cannot fail.
        let _ = write!(head, "{original}{name}: {}\r\n", value.trim());
    }
    let _ = write!(head, "Content-Length: {bytes}\r\n\r\n");
    head
}

/// A token (RFC 9110 section 5.6.2).
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_the_encoded_body_get_other_names() {
        let stored =
            "HTTP 200\r\ncontent-type: text/html\r\ncontent-encoding: gzip\r\nContent-Length: 9\r\n\r\n";
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\
                    X-Archive-Orig-content-encoding: gzip\r\nX-Archive-Orig-Content-Length: 9\r\n\
                    Content-Length: 30\r\n\r\n";
        assert_eq!(of_decoded_body(stored, 30), head);
        assert_eq!(status(stored), Some(200));
    }

    #[test]
    fn a_damaged_head_is_still_a_head() {
        let head = of_decoded_body("HTTP x\r\n: no name\r\nno colon\r\na b: c\r\nok: v\u{1}w\r\n", 0);
        assert_eq!(head, "HTTP/1.1 200 OK\r\nok: vw\r\nContent-Length: 0\r\n\r\n");
    }
}
