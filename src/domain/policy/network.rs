//! A network such as `192.0.2.0/24`, or a single address, as the configuration names it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// All addresses with the same prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

/// A text that is not a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a network; write an address, or a network such as 10.1.0.0/16 or fd00::/8")]
pub struct InvalidNetwork(String);

impl Network {
    /// Whether every address of its family is in it.
    pub fn is_everything(&self) -> bool {
        self.0.prefix_len() == 0
    }

    /// An IPv4 address in IPv6 form counts as IPv4, because a socket on `[::]` reports it so.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    /// A network with bits after its prefix is rejected, because it is probably a typing error.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        match network {
            Ok(network) if network == network.trunc() => Ok(Self(network)),
            Ok(_) | Err(_) => Err(InvalidNetwork(text.chars().take(100).collect())),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn has(network: &str, address: &str) -> bool {
        network.parse::<Network>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_contains_addresses_with_its_prefix() {
        assert!(has("10.1.0.0/16", "10.1.255.255") && !has("10.1.0.0/16", "10.2.0.0"));
        assert!(has("127.0.0.1", "127.0.0.1") && !has("127.0.0.1", "127.0.0.2"));
        assert!(has("0.0.0.0/0", "203.0.113.9") && !has("0.0.0.0/0", "2001:db8::1"));
        assert!(has("fd00::/8", "fdab::1") && !has("fd00::/8", "fe80::1"));
        assert!(has("127.0.0.1", "::ffff:127.0.0.1"), "a listener on [::] reports IPv4 addresses so");
    }

    #[test]
    fn invalid_networks_are_rejected() {
        for text in ["", "school.edu", "10.0.0.0/33", "10.0.0.1/8", "::1/129", "10.0.0.0/", "10.0.0.0/8/8"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_network_contains_its_base_and_keeps_its_text(base: u32, bits in 0_u32..=32) {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            let base = IpAddr::V4((base & mask).into());
            let network: Network = format!("{base}/{bits}").parse().unwrap();
            prop_assert!(network.contains(base));
            prop_assert_eq!(network.to_string().parse::<Network>(), Ok(network));
        }
    }
}
