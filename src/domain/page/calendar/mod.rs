//! When the class needs a link: dates and weeks in texts, as pure functions.
//!
//! `extract` decides which text belongs to which link. A missing date is better than a
//! wrong one: if the signs disagree, there is no date.

mod date;
mod day_parts;
mod label;
mod languages;
mod meaning;
mod names;
mod resolve;
mod term;
mod token;
mod vocabulary;
mod week;

pub(super) use date::{DateExpr, dates};
pub(super) use label::{CellText, Label, heading, is_only_time, item, names_assignment, names_news};
pub(super) use languages::Languages;
pub(super) use meaning::Meaning;
pub(super) use resolve::{Dating, Order};
pub(super) use term::{named_in, season_language};
pub(super) use token::{LINK, LINK_END, MARK_END, folded, words};
pub(super) use vocabulary::title_means;
