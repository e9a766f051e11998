//! Exports that work without the service: redirects for a web server, a data
//! file for site generators, and a static site.
//!
//! The same rules as for the service decide which copies open. Text from other websites is
//! escaped for the syntax of the file, or left out.

mod data;
mod redirects;
mod site;
mod static_html;

pub use data::data;
pub use redirects::{RedirectFormat, Redirects, redirects};
pub use site::{SiteSummary, site};
