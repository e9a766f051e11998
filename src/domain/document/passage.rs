//! Passages: the parts of a text in which the search finds words, each with its page.

use super::text::{one_line, written_words};
use super::{Document, Format};

/// About as much as fits on a screen. The pages of a PDF are not split.
const PASSAGE_BYTES: usize = 1500;
/// The lines in the text of a notebook with the kinds of its cells.
const CELL_KINDS: [&str; 4] = ["code", "markdown", "raw", "heading"];

/// A part of a text on one line, without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The page of a PDF, starting at 1.
    pub page: Option<u32>,
    pub text: String,
}

impl Document {
    /// The title and the text, in reading order.
    pub fn passages(&self) -> Vec<Passage> {
        let text = &self.text;
        let title = self.title.as_deref().map(one_line).map(|text| Passage { page: None, text });
        let passages = match self.format {
            // One page per line.
            Format::Pdf | Format::Presentation => {
                (1..).zip(text.lines()).map(|(page, line)| passage(Some(page), one_line(line))).collect()
            }
            Format::Notebook => pieces(text.lines().filter(|line| !CELL_KINDS.contains(line))),
            Format::Html
            | Format::WordProcessing
            | Format::Spreadsheet
            | Format::Ebook
            | Format::Archive
            | Format::Text
            | Format::Image
            | Format::Audio
            | Format::Video
            | Format::Empty
            | Format::Other => pieces(text.lines()),
        };
        title.into_iter().chain(passages).filter(|passage| !passage.text.is_empty()).collect()
    }
}

fn passage(page: Option<u32>, text: String) -> Passage {
    Passage { page, text }
}

/// Joins short lines, and splits long ones between words.
fn pieces<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Passage> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    for word in lines.flat_map(written_words) {
        if text.len() + word.len() > PASSAGE_BYTES {
            pieces.push(passage(None, std::mem::take(&mut text)));
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    pieces.push(passage(None, text));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn document(format: Format, title: Option<&str>, text: &str) -> Document {
        Document { title: title.map(str::to_owned), text: text.to_owned(), ..Document::bare(format) }
    }

    fn texts(passages: &[Passage]) -> Vec<(Option<u32>, &str)> {
        passages.iter().map(|passage| (passage.page, passage.text.as_str())).collect()
    }

    #[test]
    fn a_page_keeps_its_number_after_a_blank_page() {
        let pdf = document(Format::Pdf, Some("Flows"), "one\n\nthree \u{1}\n");
        assert_eq!(texts(&pdf.passages()), [(None, "Flows"), (Some(1), "one"), (Some(3), "three")]);
    }

    #[test]
    fn passages_of_cells_have_no_kinds() {
        let notebook = document(Format::Notebook, None, "code\nimport jax\nmarkdown\n# The code");
        assert_eq!(texts(&notebook.passages()), [(None, "import jax # The code")]);
    }

    proptest! {
        #[test]
        fn no_word_is_lost(words in prop::collection::vec("[a-z]{1,40}", 0..150)) {
            let passages = document(Format::Html, None, &words.join("\n")).passages();
            let kept: Vec<&str> = passages.iter().flat_map(|passage| passage.text.split(' ')).collect();
            prop_assert_eq!(kept, words.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert!(passages.iter().all(|passage| passage.text.len() <= PASSAGE_BYTES + 41));
        }
    }
}
