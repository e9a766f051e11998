//! Where on the page a link stands: the headings above it.

/// The headings in force at a place, outermost first.
#[derive(Clone, Debug, Default)]
pub(super) struct Outline {
    headings: Vec<(u8, String)>,
}

impl Outline {
    /// A new heading ends all of its own level and below.
    pub(super) fn enter(&mut self, level: u8, text: &str) {
        self.headings.retain(|(above, _)| *above < level);
        let text = squeezed(text);
        if !text.is_empty() {
            self.headings.push((level, text));
        }
    }

    pub(super) fn path(&self) -> Vec<String> {
        self.headings.iter().map(|(_, text)| text.clone()).collect()
    }
}

/// The text with every run of white space made one space.
pub(super) fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The beginning of a text, at most `chars` characters.
pub(super) fn beginning(text: &str, chars: usize) -> String {
    squeezed(text).chars().take(chars).collect()
}
