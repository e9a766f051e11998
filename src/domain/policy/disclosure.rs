//! Which addresses may be sent to a third party.
//!
//! A query to a web archive reveals what a course links to. An address
//! inside the campus network, or one that contains a secret, must stay private.
//! Only the text of the address counts here; `world::fetch` resolves its name.

use crate::domain::address::Address;
use crate::domain::policy::ip_filter;

/// Names that the public DNS does not have (RFC 2606, RFC 6762, RFC 8375
/// and common local names).
const INTERNAL_ENDINGS: &[&str] = &[
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "intra",
    "lan",
    "home",
    "corp",
    "private",
    "home.arpa",
];

/// Query parameters that grant access to their holder.
const KEYS: &[&str] = &[
    "token",
    "access_token",
    "auth",
    "authkey",
    "key",
    "apikey",
    "api_key",
    "sig",
    "signature",
    "session",
    "sessionid",
    "sid",
    "ticket",
    "password",
    "pwd",
    "secret",
    "x-amz-signature",
    "rlkey",
    "resourcekey",
];

/// Whether the address may be sent to a third party.
pub fn may_disclose(address: &Address) -> bool {
    is_public_name(address) && !is_a_key(address)
}

fn is_public_name(address: &Address) -> bool {
    if let Some(ip) = address.literal_ip() {
        return !ip_filter::is_blocked(ip, false);
    }
    let host = address.host().trim_end_matches('.');
    let is_internal = |ending: &&str| host.strip_suffix(*ending).is_some_and(|rest| rest.ends_with('.'));
    host.contains('.') && !INTERNAL_ENDINGS.iter().any(is_internal)
}

fn is_a_key(address: &Address) -> bool {
    address.url().query_pairs().any(|(name, _)| KEYS.contains(&name.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_addresses_and_secrets_are_not_disclosed() {
        for (address, may) in [
            ("https://example.edu/a.pdf?page=3", true),
            ("http://93.184.216.34/a", true),
            ("http://lan.example.edu/", true),
            ("http://10.0.0.7/a", false),
            ("http://[::1]/a", false),
            ("http://wiki/a", false),
            ("http://wiki.corp/a", false),
            ("http://printer.local./a", false),
            ("https://drive.example.com/f?id=7&resourcekey=0-abc", false),
            ("https://s3.example.com/f?X-Amz-Signature=ab", false),
        ] {
            assert_eq!(may_disclose(&Address::parse(address).unwrap()), may, "{address}");
        }
    }
}
