//! The blocks of a course page in DOCX, ODT or PDF, written as HTML.

use crate::domain::page::{NOTE_REFERENCE, bare_addresses};

/// A part of a block.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Link {
        address: String,
        words: String,
    },
    /// A reference to the footnote with this id.
    Note(String),
    Break,
}

/// A paragraph, heading, item or cell being put together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Block {
    pieces: Vec<Piece>,
    /// The address of the link in which the text stands.
    link: Option<String>,
    pub(super) kind: BlockKind,
    /// Whether all of its text is bold; `None` before the first text.
    is_bold: Option<bool>,
}

/// What a block is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum BlockKind {
    #[default]
    Paragraph,
    /// A level from 1 to 6.
    Heading(u8),
    Item,
}

impl Block {
    pub(super) fn text(&mut self, text: &str) {
        let piece = match (&self.link, self.pieces.last_mut()) {
            (None, Some(Piece::Text(before))) => return before.push_str(text),
            (Some(_), Some(Piece::Link { words, .. })) => return words.push_str(text),
            (None, _) => Piece::Text(text.to_owned()),
            (Some(address), _) => Piece::Link { address: address.clone(), words: text.to_owned() },
        };
        self.pieces.push(piece);
    }

    /// Adds text of a run, which may be bold.
    pub(super) fn run(&mut self, text: &str, is_bold: bool) {
        if !text.trim().is_empty() {
            self.is_bold = Some(self.is_bold.unwrap_or(true) && is_bold);
        }
        self.text(text);
    }

    pub(super) fn note(&mut self, id: String) {
        self.pieces.push(Piece::Note(id));
    }

    pub(super) fn line_break(&mut self) {
        self.pieces.push(Piece::Break);
    }

    pub(super) fn open_link(&mut self, address: &str) {
        self.link = Some(address.to_owned());
        self.pieces.push(Piece::Link { address: address.to_owned(), words: String::new() });
    }

    pub(super) fn close_link(&mut self) {
        if self.link.take().is_some() {
            self.pieces.push(Piece::Text(String::new()));
        }
    }

    /// Adds what follows on the next line of the page. A link that goes on is one link.
    pub(super) fn go_on(&mut self, next: Self) {
        while self.pieces.last().is_some_and(Piece::is_blank) {
            self.pieces.pop();
        }
        for piece in next.pieces.into_iter().skip_while(Piece::is_blank) {
            match (self.pieces.last_mut(), piece) {
                (Some(Piece::Link { address, words }), Piece::Link { address: other, words: more })
                    if *address == other =>
                {
                    words.push(' ');
                    words.push_str(&more);
                }
                (_, piece) => self.pieces.push(piece),
            }
        }
    }

    /// Whether the block ends with a link with which another one begins.
    pub(super) fn is_continued_by(&self, next: &Self) -> bool {
        let last = self.pieces.iter().rev().find(|piece| !piece.is_blank());
        let first = next.pieces.iter().find(|piece| !piece.is_blank());
        match (last, first) {
            (Some(Piece::Link { address, .. }), Some(Piece::Link { address: other, .. })) => address == other,
            _ => false,
        }
    }

    /// Writes the block and ends the line.
    pub(super) fn write(self, html: &mut String) {
        if self.pieces.iter().all(Piece::is_blank) {
            return;
        }
        let (open, close) = match self.kind {
            BlockKind::Paragraph if self.is_bold == Some(true) => {
                ("<p><b>".to_owned(), "</b></p>".to_owned())
            }
            BlockKind::Paragraph => ("<p>".to_owned(), "</p>".to_owned()),
            BlockKind::Heading(level) => (format!("<h{level}>"), format!("</h{level}>")),
            BlockKind::Item => ("<ul><li>".to_owned(), "</li></ul>".to_owned()),
        };
        html.push_str(&open);
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => with_addresses(text, html),
                Piece::Link { words, .. } if words.trim().is_empty() => {}
                Piece::Link { address, words } => anchor(address, words, html),
                Piece::Note(id) => html.push_str(&format!("<sup {NOTE_REFERENCE}=\"{id}\"></sup>")),
                Piece::Break => html.push_str("<br>"),
            }
        }
        html.push_str(&close);
        html.push('\n');
    }
}

impl Piece {
    fn is_blank(&self) -> bool {
        match self {
            Self::Text(text) => text.trim().is_empty(),
            Self::Link { words, .. } => words.trim().is_empty(),
            Self::Note(_) | Self::Break => true,
        }
    }
}

fn anchor(address: &str, words: &str, html: &mut String) {
    html.push_str("<a href=\"");
    html.push_str(&html_escape::encode_double_quoted_attribute(address));
    html.push_str("\">");
    html.push_str(&html_escape::encode_text(words));
    html.push_str("</a>");
}

fn with_addresses(text: &str, html: &mut String) {
    let mut from = 0;
    for bare in bare_addresses(text) {
        html.push_str(&html_escape::encode_text(&text[from..bare.range.start]));
        anchor(&bare.address, &text[bare.range.clone()], html);
        from = bare.range.end;
    }
    html.push_str(&html_escape::encode_text(&text[from..]));
}
