//! Exports that work without the service: redirects for a web server, a data
//! file for site generators, a static site, and links with readable names.
//!
//! The same rules as for the service decide which copies open. Text from other websites is
//! escaped for the syntax of the file, or left out.

mod data;
mod links;
mod redirects;
mod site;
mod static_html;

pub use data::data;
pub use links::{LinksSummary, link_to, links};
pub use redirects::{RedirectFormat, Redirects, redirects};
pub use site::{SiteSummary, site};
