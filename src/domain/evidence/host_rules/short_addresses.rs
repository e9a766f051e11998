//! Short addresses of services that are not in a list.

use super::HostRules;
use crate::domain::address::Address;

/// The longest name of a host that only shortens addresses.
const HOST_CHARS: usize = 11;
const CODE_CHARS: usize = 12;
/// Names that universities and companies give to their own services.
const LABELS: &[&str] =
    &["go", "link", "links", "l", "s", "u", "url", "short", "tiny", "qr", "to", "redirect"];

/// A code in place of a path: one segment of few characters without an extension. Such an
/// address does not name its target, so a front page or another site behind it does not
/// count against the link.
pub(super) fn shortener(address: &Address) -> Option<HostRules> {
    let host = address.host();
    let host = host.strip_prefix("www.").unwrap_or(host);
    let label = host.split('.').next().unwrap_or(host);
    let code = address.path().trim_matches('/');
    let is_code = !code.is_empty()
        && code.len() <= CODE_CHARS
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let is_service = host.len() <= HOST_CHARS || LABELS.contains(&label);
    (is_code && is_service && address.url().query().is_none())
        .then(|| HostRules { looks_shortened: true, ..HostRules::default() })
}
