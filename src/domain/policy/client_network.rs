//! The networks of a client, from its own address to the block of its provider.
//!
//! One person may own many addresses, and many people may share one. So requests
//! and login attempts are counted by networks of several sizes.

use std::fmt;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// A network that a client belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientNetwork(IpNet);

/// How much of the address space a network covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NetworkSize {
    /// An IPv4 address, or an IPv6 network of 64 bits (RFC 4291 section 2.5.4).
    Household,
    /// An IPv4 network of 24 bits, or an IPv6 network of 56 bits, as providers assign
    /// them to a site (RFC 6177).
    Site,
    /// An IPv6 network of 48 bits, the most that a provider assigns to a site.
    LargeSite,
    /// An IPv6 network of 32 bits, the smallest that a registry assigns to a provider.
    Provider,
}

impl ClientNetwork {
    /// The smallest network that one client is sure to have for itself.
    pub fn household(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(Ipv4Net::from(address).into()),
            IpAddr::V6(address) => Self::ipv6(Ipv6Net::from(address), 64),
        }
    }

    /// All networks of a client, the smallest first.
    pub fn all(address: IpAddr) -> Vec<(NetworkSize, Self)> {
        use NetworkSize::{Household, LargeSite, Provider, Site};
        let household = (Household, Self::household(address));
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let site = Ipv4Net::new(address, 24).map_or(Ipv4Net::from(address), |net| net.trunc());
                vec![household, (Site, Self(site.into()))]
            }
            IpAddr::V6(address) => {
                let net = Ipv6Net::from(address);
                let larger = [(Site, 56), (LargeSite, 48), (Provider, 32)];
                let larger = larger.map(|(size, bits)| (size, Self::ipv6(net, bits)));
                [household].into_iter().chain(larger).collect()
            }
        }
    }

    #[expect(clippy::expect_used, reason = "an IPv6 prefix has at most 128 bits")]
    fn ipv6(address: Ipv6Net, bits: u8) -> Self {
        Self(Ipv6Net::new(address.addr(), bits).expect("at most 128 bits").trunc().into())
    }
}

impl fmt::Display for ClientNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn household(text: &str) -> ClientNetwork {
        ClientNetwork::household(text.parse().unwrap())
    }

    #[test]
    fn the_addresses_of_one_household_are_one_client() {
        assert_eq!(household("2001:db8:1:2::1"), household("2001:db8:1:2:ffff::9"));
        assert_ne!(household("2001:db8:1:2::1"), household("2001:db8:1:3::1"));
        assert_eq!(household("::ffff:192.0.2.1"), household("192.0.2.1"));
        assert_ne!(household("192.0.2.1"), household("192.0.2.2"));
    }

    #[test]
    fn larger_networks_join_what_smaller_ones_part() {
        let shared = |one: &str, other: &str| {
            let all = |text: &str| ClientNetwork::all(text.parse().unwrap());
            all(one).into_iter().zip(all(other)).filter(|(one, other)| one == other).count()
        };
        assert_eq!(shared("192.0.2.1", "192.0.2.99"), 1);
        assert_eq!(shared("192.0.2.1", "192.0.3.1"), 0);
        assert_eq!(shared("2001:db8:1:2::1", "2001:db8:1:2::9"), 4);
        assert_eq!(shared("2001:db8:1:2::1", "2001:db8:1:3::1"), 3);
        assert_eq!(shared("2001:db8:1:2::1", "2001:db8:1:200::1"), 2);
        assert_eq!(shared("2001:db8:1:2::1", "2001:db8:2::1"), 1);
        assert_eq!(shared("2001:db8::1", "2001:db9::1"), 0);
    }
}
