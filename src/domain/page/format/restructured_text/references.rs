//! What the names in a text stand for: addresses of links, and substituted text.

use std::collections::{HashMap, VecDeque};

use super::super::Line;

/// The definitions of a page.
#[derive(Debug, Default)]
pub(super) struct References {
    /// By name in lower case.
    targets: HashMap<String, String>,
    /// The addresses of links without a name, in the order of the links.
    anonymous: VecDeque<String>,
    /// Text by name.
    substitutions: HashMap<String, String>,
}

impl References {
    pub(super) fn of(lines: &[Line]) -> Self {
        let mut references = Self::default();
        for line in lines {
            references.define(line.text.trim());
        }
        references
    }

    fn define(&mut self, line: &str) {
        if let Some(address) = anonymous_target(line) {
            self.anonymous.push_back(address.to_owned());
        } else if let Some(rest) = line.strip_prefix(".. _") {
            let quoted = rest.strip_prefix('`').and_then(|rest| rest.split_once("`:"));
            if let Some((name, address)) = quoted.or_else(|| rest.split_once(": ")) {
                self.targets.insert(name.trim().to_lowercase(), address.trim().to_owned());
            }
        } else if let Some((name, text)) =
            line.strip_prefix(".. |").and_then(|rest| rest.split_once("| replace::"))
        {
            self.substitutions.insert(name.trim().to_owned(), text.trim().to_owned());
        }
    }

    /// The address of a name.
    pub(super) fn target(&self, name: &str) -> Option<String> {
        self.targets.get(&name.to_lowercase()).cloned()
    }

    /// The address of the next link without a name.
    pub(super) fn next_anonymous(&mut self) -> Option<String> {
        self.anonymous.pop_front()
    }

    /// The text of a substitution.
    pub(super) fn substitution(&self, name: &str) -> Option<String> {
        self.substitutions.get(name).cloned()
    }
}

/// `__ https://…` and `.. __: https://…`.
pub(super) fn anonymous_target(line: &str) -> Option<&str> {
    line.strip_prefix("__ ").or_else(|| line.strip_prefix(".. __:")).map(str::trim)
}
