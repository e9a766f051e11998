//! Maps a position in generated HTML back to its source.

use memchr::memchr_iter;

/// The origins of the parts of a generated text.
#[derive(Clone, Debug)]
pub(super) struct SourceMap {
    line_starts: Vec<usize>,
    /// In text order; empty if the text is the source itself.
    pieces: Vec<SourcePiece>,
}

#[derive(Clone, Copy, Debug)]
struct SourcePiece {
    made: usize,
    source: usize,
    /// Copied byte by byte, not generated.
    is_copy: bool,
}

impl SourceMap {
    /// The text is the source.
    pub(super) fn identity(source: &str) -> Self {
        let newlines = memchr_iter(b'\n', source.as_bytes()).map(|at| at + 1);
        Self { line_starts: std::iter::once(0).chain(newlines).collect(), pieces: Vec::new() }
    }

    /// The byte of the source from which a byte of the text comes.
    pub(super) fn source(&self, made: usize) -> usize {
        let Some(piece) = self.pieces.partition_point(|piece| piece.made <= made).checked_sub(1) else {
            return made;
        };
        let piece = self.pieces[piece];
        if piece.is_copy { piece.source + (made - piece.made) } else { piece.source }
    }

    /// The line of the source, from 1.
    pub(super) fn line(&self, made: usize) -> u32 {
        self.line_of_source(self.source(made))
    }

    pub(super) fn line_of_source(&self, at: usize) -> u32 {
        u32::try_from(self.line_starts.partition_point(|start| *start <= at)).unwrap_or(u32::MAX)
    }
}

/// HTML generated from another format, with the source of each part.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) html: String,
    pub(super) map: SourceMap,
}

impl Made {
    pub(super) fn new(source: &str) -> Self {
        Self { html: String::with_capacity(source.len()), map: SourceMap::identity(source) }
    }

    /// The next text is generated for this position of the source.
    pub(super) fn at(&mut self, source: usize) {
        self.map.pieces.push(SourcePiece { made: self.html.len(), source, is_copy: false });
    }

    /// A part of the text that is already written.
    pub(super) fn piece(&mut self, made: usize, source: usize, is_copy: bool) {
        self.map.pieces.push(SourcePiece { made, source, is_copy });
    }

    /// Appends another generated text, for a part of the source that begins at `start`.
    pub(super) fn append(&mut self, other: &Self, start: usize) {
        let offset = self.html.len();
        for piece in &other.map.pieces {
            self.map.pieces.push(SourcePiece {
                made: offset + piece.made,
                source: start + piece.source,
                ..*piece
            });
        }
        self.html.push_str(&other.html);
    }

    /// Text at a position of the source.
    pub(super) fn text(&mut self, text: &str, source: usize) {
        self.at(source);
        escape(text, &mut self.html);
    }

    /// Markup that is generated for a position of the source.
    pub(super) fn markup(&mut self, markup: &str, source: usize) {
        self.at(source);
        self.html.push_str(markup);
    }

    /// A link to an address.
    pub(super) fn link(&mut self, address: &str, words: &str, source: usize) {
        self.at(source);
        self.html.push_str("<a href=\"");
        escape(address, &mut self.html);
        self.html.push_str("\">");
        escape(words, &mut self.html);
        self.html.push_str("</a>");
    }
}

pub(super) fn escape(text: &str, into: &mut String) {
    for c in text.chars() {
        match c {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            c => into.push(c),
        }
    }
}
