//! Front matter: the data between two delimiter lines at the beginning of a Markdown
//! file.

use std::ops::Range;

/// The language of front matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadLanguage {
    Yaml,
    Toml,
}

/// The front matter of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrontMatter {
    pub language: HeadLanguage,
    /// The data without the lines around it.
    pub data: Range<usize>,
    /// The position at which the page begins.
    pub end: usize,
}

/// The front matter of a text, if it has any. It must begin on the first line, because a
/// later `---` is a rule.
pub fn of(text: &str) -> Option<FrontMatter> {
    let start = text.len() - text.trim_start_matches('\u{feff}').len();
    let mut lines = text[start..].split_inclusive('\n');
    let first = lines.next()?;
    let (language, fences): (_, &[&str]) = match first.trim_end() {
        "---" => (HeadLanguage::Yaml, &["---", "..."]),
        "+++" => (HeadLanguage::Toml, &["+++"]),
        _ => return None,
    };
    let data_start = start + first.len();
    let mut at = data_start;
    let mut has_field = false;
    for line in lines {
        if fences.contains(&line.trim_end()) {
            let is_empty = text[data_start..at].trim().is_empty();
            let found = FrontMatter { language, data: data_start..at, end: at + line.len() };
            return (has_field || is_empty).then_some(found);
        }
        has_field |= line.contains([':', '=']);
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_begins_on_the_first_line() {
        let text = "---\ntitle: x\n---\n# A\n";
        let head = of(text).unwrap();
        assert_eq!((&text[head.data.clone()], &text[head.end..]), ("title: x\n", "# A\n"));
        assert_eq!(of("# A\n\n---\ntitle: x\n---\n"), None);
        assert_eq!(of("---\nA line between two rules\n---\n"), None);
        assert_eq!(of("---\ntitle: x\n"), None);
        assert!(of("\u{feff}---\r\na: b\r\n---\r\n").is_some());
        assert_eq!(of("+++\na = 1\n+++\n").unwrap().language, HeadLanguage::Toml);
    }
}
