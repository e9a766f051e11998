//! What outlives the service, or works without asking it: redirects for a web
//! server, a data file for a site generator, and a whole site of files.
//!
//! The same desk decides what opens as for readers. Strangers' text leaves
//! here escaped for the syntax it stands in, or not at all.

mod data;
pub(super) mod harmless;
mod redirects;
mod site;

pub use data::data;
pub use redirects::{Dialect, Redirects, redirects};
pub use site::{Written, site};
