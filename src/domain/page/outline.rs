//! The parts of the page in which a place stands: the headings above it, and
//! what they and the blocks around it say of the time.

use ego_tree::NodeId;

use super::timing::Timing;

/// What ends a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// The next heading of this level or a higher one.
    Heading(u8),
    /// The next label in the same element, a heading, or the element's end.
    Label(NodeId),
    /// The element's end; headings within reach no further.
    Block(NodeId),
}

#[derive(Clone, Debug)]
struct Part {
    ends: Ends,
    heading: Option<String>,
    timing: Timing,
    /// The timing around the part.
    outer: Timing,
}

/// The parts in force at a place, outermost first.
#[derive(Clone, Debug, Default)]
pub(super) struct Outline {
    parts: Vec<Part>,
}

impl Outline {
    pub(super) fn timing(&self) -> Timing {
        self.parts.last().map(|part| part.timing.clone()).unwrap_or_default()
    }

    /// A new heading ends all of its own level and below.
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
        let heading = Some(text.to_owned()).filter(|text| !text.is_empty());
        self.push(Ends::Heading(level), heading, timing);
    }

    /// A label holds for what follows it in the same element.
    pub(super) fn label(&mut self, element: NodeId, timing: impl FnOnce(&Timing) -> Timing) {
        if let Some(at) = self.parts.iter().rposition(|part| part.ends == Ends::Label(element))
            && !self.parts[at..].iter().any(|part| matches!(part.ends, Ends::Block(_) | Ends::Heading(_)))
        {
            self.parts.truncate(at);
        }
        self.push(Ends::Label(element), None, timing);
    }

    pub(super) fn block(&mut self, element: NodeId, timing: impl FnOnce(&Timing) -> Timing) {
        self.push(Ends::Block(element), None, timing);
    }

    fn push(&mut self, ends: Ends, heading: Option<String>, timing: impl FnOnce(&Timing) -> Timing) {
        let outer = self.timing();
        let timing = timing(&outer);
        self.parts.push(Part { ends, heading, timing, outer });
    }

    /// A new line of the innermost block says something else.
    pub(super) fn line(&mut self, timing: impl FnOnce(&Timing) -> Timing) {
        if let Some(part) = self.parts.last_mut().filter(|part| matches!(part.ends, Ends::Block(_))) {
            part.timing = timing(&part.outer);
        }
    }

    /// An element ends, and with it the parts that it holds.
    pub(super) fn close(&mut self, element: NodeId) {
        while self.parts.last().is_some_and(|part| part.ends == Ends::Label(element)) {
            self.parts.pop();
        }
        if let Some(at) = self.parts.iter().rposition(|part| matches!(part.ends, Ends::Block(_)))
            && self.parts[at].ends == Ends::Block(element)
        {
            self.parts.truncate(at);
        }
    }

    /// The headings above a place, outermost first.
    pub(super) fn headings(&self) -> Vec<String> {
        self.parts.iter().filter_map(|part| part.heading.clone()).collect()
    }
}
