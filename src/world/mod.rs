//! What we touch: one outside thing per module, each with its permit.
//!
//! No module here decides anything about a link, and none knows another,
//! except `clock` (time) and `spool` (bytes on their way in).

pub mod clock;
pub mod fetch;
pub mod spool;
