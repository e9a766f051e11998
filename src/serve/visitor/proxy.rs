//! What a proxy in front of us says of a request, and when it is believed.
//!
//! Anybody can send these headers, so they count only from an address that
//! the operator trusts; from anywhere else they are as if they were not there.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use axum::http::header::{HeaderName, HeaderValue};

use crate::domain::policy::admission::Person;
use crate::domain::policy::network::Network;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Who stands in front of us, and how they name people.
#[derive(Clone, Debug)]
pub struct Proxies {
    pub trusted: Vec<Network>,
    /// Whom the school's sign-in found.
    pub user: HeaderName,
    /// Their groups, separated by commas or semicolons.
    pub groups: HeaderName,
}

/// Where a request came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::serve) struct Arrival {
    /// The client, as far as the proxies can be believed.
    pub client: IpAddr,
    /// A trusted proxy says that the reader uses https.
    pub is_secure: bool,
    pub person: Option<Person>,
}

impl Default for Proxies {
    fn default() -> Self {
        Self {
            trusted: Vec::new(),
            user: HeaderName::from_static("remote-user"),
            groups: HeaderName::from_static("remote-groups"),
        }
    }
}

impl Proxies {
    pub(in crate::serve) fn are_trusted(&self, peer: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(peer))
    }

    /// Reads what `peer`, who holds the connection, passed on.
    pub(in crate::serve) fn arrival(&self, peer: IpAddr, headers: &HeaderMap) -> Arrival {
        if !self.are_trusted(peer) {
            return Arrival { client: peer.to_canonical(), is_secure: false, person: None };
        }
        let proto = headers.get_all(FORWARDED_PROTO).iter().next_back().and_then(text);
        let last = |list: &str| list.rsplit(',').next().unwrap_or_default().trim().to_owned();
        Arrival {
            client: self.client(peer, headers).to_canonical(),
            is_secure: proto.is_some_and(|proto| last(proto).eq_ignore_ascii_case("https")),
            person: self.person(headers),
        }
    }

    /// Every proxy adds whom it heard from at the end, so the list is believed
    /// from its end up to the first address that is no proxy of ours.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let fields: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().filter_map(text).collect();
        let mut client = peer;
        for written in fields.iter().rev().flat_map(|field| field.rsplit(',')) {
            let Some(address) = address(written.trim()) else { break };
            client = address;
            if !self.are_trusted(address) {
                break;
            }
        }
        client
    }

    /// One name in one field. Two fields mean that somebody sent one along
    /// and the proxy let it pass: nobody is believed then.
    fn person(&self, headers: &HeaderMap) -> Option<Person> {
        let mut names = headers.get_all(&self.user).iter();
        let (name, more) = (names.next().and_then(text)?.trim(), names.next());
        if more.is_some() {
            tracing::warn!(header = %self.user, "the proxy lets readers send this header; it is not believed");
            return None;
        }
        let mut fields = headers.get_all(&self.groups).iter();
        let groups = match (fields.next().and_then(text), fields.next()) {
            (Some(groups), None) => groups.split([',', ';']).map(str::trim),
            (Some(_) | None, _) => "".split([',', ';']).map(str::trim),
        };
        Person::named(name, groups)
    }
}

/// An address, beside which some proxies write the port.
fn address(written: &str) -> Option<IpAddr> {
    let with_port = || written.parse::<SocketAddr>().map(|it| it.ip());
    written.parse().or_else(|_| with_port()).ok()
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn arrival(peer: &str, headers: &[(&'static str, &str)]) -> Arrival {
        let proxies = Proxies {
            trusted: vec!["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()],
            ..Proxies::default()
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        proxies.arrival(peer.parse().unwrap(), &map)
    }

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let headers: Vec<_> = forwarded.iter().map(|list| ("x-forwarded-for", *list)).collect();
        arrival(peer, &headers).client.to_string()
    }

    #[test]
    fn a_stranger_is_who_holds_the_connection_whatever_they_say() {
        let told = arrival(
            "203.0.113.9",
            &[("x-forwarded-for", "10.0.0.1"), ("x-forwarded-proto", "https"), ("remote-user", "ann")],
        );
        assert_eq!(
            (told.client.to_string().as_str(), told.is_secure, told.person),
            ("203.0.113.9", false, None)
        );
    }

    #[test]
    fn the_list_is_believed_from_its_end() {
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("::1", &["6.6.6.6, 203.0.113.9, 10.0.0.7"]), "203.0.113.9");
        assert_eq!(client("::1", &["6.6.6.6", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("::1", &["6.6.6.6, unknown, 10.0.0.7"]), "10.0.0.7");
        assert_eq!(client("::1", &["10.0.0.2, 10.0.0.7"]), "10.0.0.2");
        assert_eq!(client("::1", &["6.6.6.6:1, 203.0.113.9:40312"]), "203.0.113.9", "with its port");
        assert_eq!(client("::1", &["6.6.6.6, [2001:db8::9]:40312, 10.0.0.7:80"]), "2001:db8::9");
    }

    #[test]
    fn a_trusted_proxy_names_one_person() {
        let ann =
            arrival("::1", &[("remote-user", "ann"), ("remote-groups", "dgm; staff ,,x")]).person.unwrap();
        assert_eq!((ann.name.as_str(), ann.groups), ("ann", vec!["dgm".into(), "staff".into(), "x".into()]));
        for headers in [&[("remote-user", "")][..], &[("remote-user", "ann"), ("remote-user", "root")], &[]] {
            assert_eq!(arrival("::1", headers).person, None, "{headers:?}");
        }
        let twice = [("remote-user", "ann"), ("remote-groups", "a"), ("remote-groups", "staff")];
        assert_eq!(arrival("::1", &twice).person.unwrap().groups, Vec::<String>::new());
        assert!(arrival("::1", &[("x-forwarded-proto", "http, https")]).is_secure);
        assert!(!arrival("::1", &[("x-forwarded-proto", "https, http")]).is_secure);
    }

    proptest! {
        #[test]
        fn no_list_makes_an_untrusted_peer_somebody_else(list in "[0-9a-f.:, ]{0,60}") {
            prop_assert_eq!(client("203.0.113.9", &[&list]), "203.0.113.9");
        }
    }
}
