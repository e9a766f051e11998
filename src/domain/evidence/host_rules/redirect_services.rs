//! Persistent identifiers and short addresses, which always redirect.

use super::{HostRules, is_host};
use crate::domain::address::Address;

pub(super) fn rules(address: &Address) -> Option<HostRules> {
    const SERVICES: &[&str] = &[
        "doi.org",
        "dx.doi.org",
        "hdl.handle.net",
        "handle.net",
        "purl.org",
        "w3id.org",
        "n2t.net",
        "bit.ly",
        "goo.gl",
        "tinyurl.com",
        "t.co",
        "doi.acm.org",
        "ia.cr",
    ];
    is_host(address, SERVICES).then(|| HostRules {
        redirects_by_design: true,
        skip_soft_404_probe: true,
        ..HostRules::default()
    })
}
