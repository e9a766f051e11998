//! A list of checks with their results, for commands that examine an installation.

use super::print;
use crate::domain::report::text;

/// The result of one check.
#[derive(Clone, Debug)]
pub(super) enum ChecklistResult {
    Fine(String),
    /// It works, but should be looked at.
    Warning(String),
    /// The problem, and what to do.
    Problem(String),
}

impl From<Result<String, String>> for ChecklistResult {
    fn from(outcome: Result<String, String>) -> Self {
        match outcome {
            Ok(words) => Self::Fine(words),
            Err(words) => Self::Problem(words),
        }
    }
}

/// Prints each result as it arrives, and counts those that are not fine.
#[derive(Debug, Default)]
pub(super) struct Checklist {
    pub problems: usize,
    pub warnings: usize,
}

impl Checklist {
    pub(super) fn report(&mut self, what: &str, finding: impl Into<ChecklistResult>) -> anyhow::Result<()> {
        let (lead, words) = match finding.into() {
            ChecklistResult::Fine(words) => ("ok     ", words),
            ChecklistResult::Warning(words) => {
                self.warnings += 1;
                ("warn   ", words)
            }
            ChecklistResult::Problem(words) => {
                self.problems += 1;
                ("ERROR  ", words)
            }
        };
        print(&text::hanging(lead, &format!("{what}: {words}")))
    }
}
