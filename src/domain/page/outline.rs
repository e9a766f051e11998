//! The parts of the page around a position: the headings above it, and the times that
//! these and the surrounding blocks give.

use std::sync::Arc;

use ego_tree::NodeId;

use super::timing::Timing;

/// Where a part ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// At the next heading of this level or a higher one.
    Heading(u8),
    /// At the next label in the same element, a heading, or the element's end.
    Label(NodeId),
    /// At the element's end; headings in it end there too.
    Block(NodeId),
}

#[derive(Clone, Debug)]
struct Part {
    ends: Ends,
    /// The headings above the content of the part, outermost first.
    headings: Arc<[String]>,
    timing: Timing,
    /// The timing around the part.
    outer: Timing,
}

/// A position in the page, for content that belongs there but stands elsewhere.
#[derive(Clone, Debug, Default)]
pub(super) struct OutlinePosition {
    headings: Arc<[String]>,
    timing: Timing,
}

/// The parts that contain a position, outermost first.
#[derive(Clone, Debug, Default)]
pub(super) struct Outline {
    parts: Vec<Part>,
}

impl Outline {
    pub(super) fn timing(&self) -> Timing {
        self.parts.last().map(|part| part.timing.clone()).unwrap_or_default()
    }

    /// A new heading ends all headings of its level and below.
    pub(super) fn heading(&mut self, level: u8, text: &str, timing: impl FnOnce(&Timing) -> Timing) {
        let after_block =
            self.parts.iter().rposition(|part| matches!(part.ends, Ends::Block(_))).map_or(0, |at| at + 1);
        let is_ended = |part: &Part| match part.ends {
            Ends::Heading(other) => other >= level,
            Ends::Label(_) => true,
            Ends::Block(_) => false,
        };
        if let Some(first) = self.parts[after_block..].iter().position(is_ended) {
            self.parts.truncate(after_block + first);
        }
        let above = self.headings();
        let headings = if text.is_empty() { above } else { with(&above, text) };
        self.push(Ends::Heading(level), headings, timing);
    }

    /// A label applies to the content after it in the same element.
    pub(super) fn label(&mut self, element: NodeId, timing: impl FnOnce(&Timing) -> Timing) {
        if let Some(at) = self.parts.iter().rposition(|part| part.ends == Ends::Label(element))
            && !self.parts[at..].iter().any(|part| matches!(part.ends, Ends::Block(_) | Ends::Heading(_)))
        {
            self.parts.truncate(at);
        }
        self.push(Ends::Label(element), self.headings(), timing);
    }

    pub(super) fn block(&mut self, element: NodeId, timing: impl FnOnce(&Timing) -> Timing) {
        self.push(Ends::Block(element), self.headings(), timing);
    }

    /// A block whose content belongs to another place of the page.
    pub(super) fn block_of(&mut self, element: NodeId, position: OutlinePosition) {
        self.push(Ends::Block(element), position.headings, |_| position.timing);
    }

    pub(super) fn position(&self) -> OutlinePosition {
        OutlinePosition { headings: self.headings(), timing: self.timing() }
    }

    fn push(&mut self, ends: Ends, headings: Arc<[String]>, timing: impl FnOnce(&Timing) -> Timing) {
        let outer = self.timing();
        let timing = timing(&outer);
        self.parts.push(Part { ends, headings, timing, outer });
    }

    /// A new line of the innermost block has its own time.
    pub(super) fn line(&mut self, timing: impl FnOnce(&Timing) -> Timing) {
        if let Some(part) = self.parts.last_mut().filter(|part| matches!(part.ends, Ends::Block(_))) {
            part.timing = timing(&part.outer);
        }
    }

    /// An element ends, and with it the parts in it.
    pub(super) fn close(&mut self, element: NodeId) {
        while self.parts.last().is_some_and(|part| part.ends == Ends::Label(element)) {
            self.parts.pop();
        }
        let innermost = |parts: &[Part]| parts.iter().rposition(|part| matches!(part.ends, Ends::Block(_)));
        while let Some(at) = innermost(&self.parts)
            && self.parts[at].ends == Ends::Block(element)
        {
            self.parts.truncate(at);
        }
    }

    /// The headings above a position, outermost first.
    pub(super) fn headings(&self) -> Arc<[String]> {
        self.parts.last().map(|part| part.headings.clone()).unwrap_or_default()
    }
}

/// Headings and a further one below them.
fn with(above: &[String], heading: &str) -> Arc<[String]> {
    above.iter().cloned().chain([heading.to_owned()]).collect()
}
