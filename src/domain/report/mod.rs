//! Reports: the verdicts of a night, written for an instructor or for a program.
//!
//! A [`CourseReport`] holds tonight's facts, the contents of earlier reports and
//! the kind of report. [`compose`] makes a [`compose::ComposedReport`] from it,
//! which `text`, `html` and `summary` lay out. `json` prints the facts for
//! programs; `sarif`, `github` and `junit` print them for code review. All
//! sentences are in `wording`, and the stored form of a report is in `stored`.

pub mod facts;
pub mod earlier;
pub mod course_report;
mod stored;
pub mod plain;
pub mod figures;
pub mod wording;
pub mod placement;
mod planned_links;
pub mod page_problem;
pub mod entry;
pub mod section;
pub mod tally;
pub mod compose;
pub mod colour;
pub mod text;
pub mod html;
pub mod json;
pub mod annotation;
pub mod annotation_rule;
pub mod sarif;
pub mod github;
pub mod junit;
pub mod summary;
pub mod unsent;
pub mod due;
pub mod webhook;

#[cfg(test)]
pub(crate) mod tests;

pub use self::course_report::{CourseReport, ReportKind};
pub use self::earlier::{EarlierLink, EarlierReports, Reminder};
pub use self::facts::{
    CourseFacts, Event, LinkFacts, PageDefect, PageOmission, PagePatch, PageProblem, Revisit,
};
pub use self::planned_links::PlannedLinks;
pub use crate::domain::verdict::breaker::Void;
