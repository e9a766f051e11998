//! How rows of the catalogue refer to a night.

use jiff::Timestamp;

/// A night as the catalogue knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NightRef {
    pub id: i64,
    pub started: Timestamp,
}
