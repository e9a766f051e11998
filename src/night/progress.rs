//! What a running night reports to its caller: how many links there are, and each visit as it ends.

use crate::domain::address::Address;

/// One step of a night.
#[derive(Clone, Debug)]
pub enum Progress<'a> {
    /// The pages are read. They have `count` links; `known` were visited before an interruption.
    /// `waiting` are to be visited now.
    Links { count: usize, known: usize, waiting: &'a [&'a Address] },
    /// A link is visited, and its capture is stored if it has a new one.
    Visited { link: &'a Address, bytes: u64, kept: bool },
}

/// A function that is called with each step of a night.
pub type Watcher<'a> = &'a (dyn Fn(Progress) + Sync);
