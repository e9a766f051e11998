//! Shards of hosts, which several workers divide among themselves. A shard belongs to one
//! worker at a time, so the pace of a host is that of one process.

use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use url::Host;

use crate::domain::address::Address;

/// The number of shards of a night. It is part of no stored format: a night that is resumed is
/// divided anew.
pub const SHARDS: u16 = 1024;

/// A part of the hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Shard(u16);

impl Shard {
    /// The shard of the host. All hosts of one registrable domain have the same, because most
    /// redirects stay within a domain.
    pub fn of(address: &Address) -> Self {
        let host = address.host();
        let domain = match address.url().host() {
            Some(Host::Domain(_)) => psl::domain_str(host).unwrap_or(host),
            Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => host,
        };
        let digest = sha2::Sha256::digest(domain.as_bytes());
        let [first, second, ..] = <[u8; 32]>::from(digest);
        Self(u16::from_be_bytes([first, second]) % SHARDS)
    }

    /// `None` if there is no such shard.
    pub fn from_number(number: i64) -> Option<Self> {
        u16::try_from(number).ok().filter(|number| *number < SHARDS).map(Self)
    }

    pub fn number(self) -> i64 {
        self.0.into()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn shard(address: &str) -> Shard {
        Shard::of(&Address::parse(address).unwrap())
    }

    #[test]
    fn the_hosts_of_a_domain_have_one_shard() {
        let library = shard("https://library.school.edu/a");
        assert_eq!(library, shard("http://www.school.edu:8080/b"));
        assert_eq!(library, shard("https://school.edu/"));
        // Every user of this suffix is another domain.
        assert_ne!(shard("https://ann.github.io/"), shard("https://bob.github.io/"));
        assert_ne!(shard("http://192.0.2.1/"), shard("http://198.51.2.1/"));
    }

    #[test]
    fn a_shard_is_the_same_in_every_process() {
        assert_eq!(shard("https://school.edu/").number(), 0x16a);
        let shards: HashSet<Shard> =
            (0..20_000).map(|n| shard(&format!("https://host{n}.example/"))).collect();
        assert_eq!(shards.len(), usize::from(SHARDS), "every shard has hosts");
        let known = |number: i64| Shard::from_number(number).map(Shard::number);
        assert_eq!([known(-1), known(0), known(1023), known(1024)], [None, Some(0), Some(1023), None]);
    }
}
