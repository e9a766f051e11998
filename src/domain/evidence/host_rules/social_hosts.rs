//! Social networks, which show their pages to browsers only.

use super::HostRules;
use crate::domain::address::Address;

/// Networks that answer 400 or 404 to programs for profiles and posts that exist.
const HIDING: &[&str] =
    &["linkedin.com", "twitter.com", "x.com", "facebook.com", "instagram.com", "threads.net", "tiktok.com"];

pub(super) fn hidden(address: &Address) -> Option<HostRules> {
    let host = address.host();
    let is_of =
        |network: &str| host.strip_suffix(network).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    HIDING.iter().any(|network| is_of(network)).then(|| HostRules {
        hides_from_programs: true,
        skip_soft_404_probe: true,
        ..HostRules::default()
    })
}
