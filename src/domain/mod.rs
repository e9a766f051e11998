//! Values and decisions, pure and synchronous.
//!
//! Nothing here awaits, or reads a clock, a file or a random number: such values are
//! arguments. The modules are in the order of a night, and each uses only earlier
//! ones.

pub mod address;
pub mod link;
pub mod course;
pub mod action_token;
pub mod schedule;
pub mod nbformat;
pub mod page;
pub mod patch;
pub mod capture;
pub mod warc;
pub mod policy;
pub mod visit;
pub mod document;
pub mod bibliography;
pub mod replay;
pub mod filename;
pub mod evidence;
pub mod verdict;
pub mod decision;
pub mod replacement;
pub mod journal;
pub mod report;
pub mod syndication;
