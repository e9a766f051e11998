//! The link to an act page in an email that was written to a directory.

use std::path::Path;

use anyhow::Context as _;

/// The first act link of the newest email, without the line breaks of quoted-printable
/// (RFC 2045 section 6.7); `None` if no email has one.
pub(super) fn in_newest(emails: &Path, pages: &str) -> anyhow::Result<Option<String>> {
    if !emails.exists() {
        return Ok(None);
    }
    let entries = emails.read_dir().with_context(|| format!("cannot read {}", emails.display()))?;
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort_by_key(|file| file.metadata().and_then(|found| found.modified()).ok());
    for file in files.iter().rev() {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        if let Some(link) = first(&text, pages) {
            return Ok(Some(link));
        }
    }
    Ok(None)
}

fn first(email: &str, pages: &str) -> Option<String> {
    let text = email.replace("=\r\n", "").replace("=\n", "");
    let start = text.find(&format!("{pages}/act/"))?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.:/".contains(c);
    Some(text[start..].chars().take_while(|c| is_part(*c)).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_link_over_two_lines_is_whole() {
        let email = "Decide:\r\n  http://localhost:8080/act/AbC=\r\n-d_1\r\nNext";
        assert_eq!(
            super::first(email, "http://localhost:8080").unwrap(),
            "http://localhost:8080/act/AbC-d_1"
        );
        assert_eq!(super::first("no link", "http://localhost:8080"), None);
    }
}
