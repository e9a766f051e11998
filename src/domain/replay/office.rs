//! Shows the text of an office file as a page: a deck slide by slide, other files paragraph by
//! paragraph.

use std::fmt::Write as _;

use super::markdown;
use crate::domain::document::passage::Passage;

/// The page of a file with these passages.
pub fn page(title: &str, passages: &[Passage]) -> String {
    let mut body = format!(
        "<h1>{}</h1><p><em>This is only the text of the file. The file itself, with its pictures and its \
         layout, can be downloaded from the page of the copy.</em></p>",
        html_escape::encode_text(title)
    );
    for Passage { page, text } in passages {
        let text = html_escape::encode_text(text);
        // Writing to a string cannot fail. Search results lead to `#page=` and the number.
        let _ = match page {
            Some(number) => write!(
                body,
                "<section class=\"slide\" id=\"page={number}\"><h2>Slide {number}</h2><p>{text}</p></section>"
            ),
            None => write!(body, "<p>{text}</p>"),
        };
    }
    markdown::page(title, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deck_is_shown_slide_by_slide_without_its_markup() {
        let passage = |page, text: &str| Passage { page, text: text.to_owned() };
        let page = page(
            "<b>",
            &[passage(Some(1), "Flows"), passage(Some(2), "<script>x</script>"), passage(None, "End")],
        );
        assert!(
            page.contains("<section class=\"slide\" id=\"page=1\"><h2>Slide 1</h2><p>Flows</p></section>")
        );
        assert!(!page.contains("<script") && !page.contains("<b>") && page.contains("<p>End</p>"), "{page}");
    }
}
