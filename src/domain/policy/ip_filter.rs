//! Which IP addresses are not on the public internet.
//!
//! Foreign authors write the links, and a link must not cause requests to machines that
//! only our network reaches. Only numeric addresses are judged here; `world::fetch`
//! resolves names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The reach of an address, by the IANA special-purpose registries (RFC 6890).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// The internet.
    Public,
    /// This machine or its private network; allowed for intranets and tests.
    Site,
    /// Metadata services, link-local addresses and addresses that no web server has.
    Never,
}

/// Whether requests to `ip` are blocked.
///
/// `allow_private` opens loopback and the ranges of a site, but never
/// link-local addresses, where clouds answer with credentials.
pub fn is_blocked(ip: IpAddr, allow_private: bool) -> bool {
    let reach = match ip {
        IpAddr::V4(ip) => reach_v4(ip),
        IpAddr::V6(ip) => reach_v6(ip),
    };
    match reach {
        Reach::Public => false,
        Reach::Site => !allow_private,
        Reach::Never => true,
    }
}

fn reach_v4(ip: Ipv4Addr) -> Reach {
    match ip.octets() {
        [0 | 224..=255, ..]
        | [169, 254, ..]
        | [192, 0, 0 | 2, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        // Metadata services of two clouds that do not use link-local addresses.
        | [100, 100, 100, 200]
        | [168, 63, 129, 16] => Reach::Never,
        [10 | 127, ..]
        | [100, 64..=127, ..]
        | [172, 16..=31, ..]
        | [192, 168, ..]
        | [198, 18 | 19, ..] => Reach::Site,
        _ => Reach::Public,
    }
}

fn reach_v6(ip: Ipv6Addr) -> Reach {
    let segments = ip.segments();
    let own = match segments {
        [0, 0, 0, 0, 0, 0, 0, 1] | [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] | [0x64, 0xff9b, 1, ..] => {
            // fd00:ec2::/32 is where a cloud keeps its metadata service.
            if segments[0] == 0xfd00 && segments[1] == 0xec2 { Reach::Never } else { Reach::Site }
        }
        [0, 0, 0, 0, 0, 0, 0, 0]
        | [0xfe80..=0xfebf | 0xff00..=0xffff, ..]
        | [0x100, 0, 0, 0, ..]
        | [0x2001, 0xdb8, ..]
        | [0x2001, 2, 0, ..]
        | [0x3fff, 0..=0xfff, ..] => Reach::Never,
        _ => Reach::Public,
    };
    carried(segments).map(reach_v4).fold(own, Reach::max)
}

/// The IPv4 addresses inside an IPv6 address: mapped and compatible
/// (RFC 4291), NAT64 (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380), ISATAP (RFC 5214).
fn carried(segments: [u16; 8]) -> impl Iterator<Item = Ipv4Addr> {
    local_nat64(segments).into_iter().chain(embedded(segments)).flatten()
}

/// A network may take a prefix of any length in `64:ff9b:1::/48` for its NAT64 (RFC 8215),
/// so every layout is tried: 48, 56, 64 and 96 bits (RFC 6052 section 2.2).
fn local_nat64(segments: [u16; 8]) -> [Option<Ipv4Addr>; 4] {
    let [0x64, 0xff9b, 1, ..] = segments else { return [None; 4] };
    let octets = Ipv6Addr::from(segments).octets();
    let layouts = [[6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12], [12, 13, 14, 15]];
    layouts.map(|places| {
        let ip = Ipv4Addr::from(places.map(|place: usize| octets[place]));
        // In a layout that the network does not use, these bits are zero.
        (ip.octets()[0] != 0).then_some(ip)
    })
}

fn embedded(segments: [u16; 8]) -> [Option<Ipv4Addr>; 2] {
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => [None, None],
        [0, 0, 0, 0, 0 | 0xffff, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            [v4(high, low), None]
        }
        [0x2001, 0, server_high, server_low, _, _, high, low] => {
            [v4(server_high, server_low), v4(!high, !low)]
        }
        [0x2002, high, low, ..] | [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => [v4(high, low), None],
        _ => [None, None],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_is_blocked_as_expected() {
        let table = [
            // address, refused by default, refused on an intranet
            ("93.184.216.34", false, false),
            ("8.8.8.8", false, false),
            ("172.32.0.1", false, false),
            ("100.128.0.1", false, false),
            ("2606:2800:220:1::1", false, false),
            ("2001:4860:4860::8888", false, false),
            ("127.0.0.1", true, false),
            ("127.255.0.3", true, false),
            ("10.1.2.3", true, false),
            ("172.16.0.1", true, false),
            ("172.31.255.255", true, false),
            ("192.168.1.1", true, false),
            ("100.64.0.1", true, false),
            ("198.18.0.1", true, false),
            ("::1", true, false),
            ("fc00::1", true, false),
            ("fd12:3456::1", true, false),
            ("fec0::1", true, false),
            ("0.0.0.0", true, true),
            ("0.1.2.3", true, true),
            ("169.254.169.254", true, true),
            ("100.100.100.200", true, true),
            ("168.63.129.16", true, true),
            ("192.0.2.1", true, true),
            ("192.0.0.8", true, true),
            ("198.51.100.7", true, true),
            ("203.0.113.9", true, true),
            ("224.0.0.1", true, true),
            ("240.0.0.1", true, true),
            ("255.255.255.255", true, true),
            ("::", true, true),
            ("fe80::1", true, true),
            ("febf::1", true, true),
            ("ff02::1", true, true),
            ("fd00:ec2::254", true, true),
            ("2001:db8::1", true, true),
            ("3fff::1", true, true),
            ("100::1", true, true),
        ];
        for (ip, by_default, on_an_intranet) in table {
            let parsed = ip.parse().unwrap();
            assert_eq!(is_blocked(parsed, false), by_default, "{ip}");
            assert_eq!(is_blocked(parsed, true), on_an_intranet, "{ip} on an intranet");
        }
    }

    #[test]
    fn an_ipv4_address_within_an_ipv6_one_is_blocked() {
        for disguise in [
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "::ffff:0:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:0a00:0001::1",
            "2001:0:0a00:0001:0:0:a247:27dd",
            "2001:0:5db8:d822:0:0:f5ff:fffe",
            "2606:2800::5efe:10.0.0.1",
        ] {
            let ip = disguise.parse().unwrap();
            assert!(is_blocked(ip, false), "{disguise}");
            assert!(!is_blocked(ip, true), "{disguise} on an intranet");
        }
        for disguise in [
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "64:ff9b:1::169.254.169.254",
            "64:ff9b:1:a9fe:a9:fe00::",
            "64:ff9b:1:a9:fe:a9fe::",
            "64:ff9b:1::a9:fea9:fe00:0",
        ] {
            assert!(is_blocked(disguise.parse().unwrap(), true), "{disguise}");
        }
        for open in ["::ffff:93.184.216.34", "64:ff9b::93.184.216.34", "2002:5db8:d822::1"] {
            assert!(!is_blocked(open.parse().unwrap(), false), "{open}");
        }
    }
}
