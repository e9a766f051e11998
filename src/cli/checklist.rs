//! A list of checks with their results, for commands that examine an installation.

use super::print;
use crate::domain::report::colour::Tone;
use crate::domain::report::text;
use crate::world::terminal;

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
        let (mark, tone, words) = match finding.into() {
            ChecklistResult::Fine(words) => ("ok", Tone::Good, words),
            ChecklistResult::Warning(words) => {
                self.warnings += 1;
                ("warn", Tone::Attention, words)
            }
            ChecklistResult::Problem(words) => {
                self.problems += 1;
                ("ERROR", Tone::Bad, words)
            }
        };
        let line = text::hanging(&format!("{mark:<7}"), &format!("{what}: {words}"));
        let after = line.strip_prefix(mark).unwrap_or(&line);
        print(&format!("{}{after}", terminal::colours().paint(tone, mark)))
    }
}
