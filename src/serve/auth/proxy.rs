//! The headers in which a reverse proxy describes a request.
//!
//! Any client can send these headers, so they are read only on connections from
//! a trusted address and ignored on all others.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use axum::http::header::{HeaderName, HeaderValue};

use crate::domain::policy::course_access::Person;
use crate::domain::policy::network::Network;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The address at the other end of a connection. The server adds it to every request.
#[derive(Clone, Copy, Debug)]
pub(in crate::serve) struct PeerAddress(pub IpAddr);

/// The trusted proxies, and the headers in which they name people.
#[derive(Clone, Debug)]
pub struct TrustedProxies {
    pub trusted: Vec<Network>,
    /// The header with the name of the person who is logged in.
    pub user: HeaderName,
    /// The header with the groups of the person, separated by commas or semicolons.
    pub groups: HeaderName,
}

/// The origin of a request, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::serve) struct RequestOrigin {
    /// The address of the client behind the trusted proxies.
    pub client: IpAddr,
    /// A trusted proxy reports that the client uses HTTPS.
    pub is_secure: bool,
    pub person: Option<Person>,
}

impl Default for TrustedProxies {
    fn default() -> Self {
        Self {
            trusted: Vec::new(),
            user: HeaderName::from_static("remote-user"),
            groups: HeaderName::from_static("remote-groups"),
        }
    }
}

impl TrustedProxies {
    pub(in crate::serve) fn are_trusted(&self, peer: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(peer))
    }

    /// Reads the headers of a request on a connection from `peer`.
    pub(in crate::serve) fn request_origin(&self, peer: IpAddr, headers: &HeaderMap) -> RequestOrigin {
        if !self.are_trusted(peer) {
            return RequestOrigin { client: peer.to_canonical(), is_secure: false, person: None };
        }
        let proto = headers.get_all(FORWARDED_PROTO).iter().next_back().and_then(text);
        let last = |list: &str| list.rsplit_once(',').map_or(list, |(_, last)| last).trim().to_owned();
        RequestOrigin {
            client: self.client(peer, headers).to_canonical(),
            is_secure: proto.is_some_and(|proto| last(proto).eq_ignore_ascii_case("https")),
            person: self.person(headers),
        }
    }

    /// Every proxy appends the address that it got the request from. The list is
    /// read from its end up to the first address that is not a trusted proxy.
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

    /// One name in one header. Two headers mean that the proxy passes on a header
    /// of the client, so neither is trusted.
    fn person(&self, headers: &HeaderMap) -> Option<Person> {
        let mut names = headers.get_all(&self.user).iter();
        let (name, more) = (names.next().and_then(text)?.trim(), names.next());
        if more.is_some() {
            tracing::warn!(header = %self.user, "the proxy passes this header on from clients; ignoring it");
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

/// Parses an address. Some proxies append the port.
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

    fn request_origin(peer: &str, headers: &[(&'static str, &str)]) -> RequestOrigin {
        let proxies = TrustedProxies {
            trusted: vec!["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()],
            ..TrustedProxies::default()
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        proxies.request_origin(peer.parse().unwrap(), &map)
    }

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let headers: Vec<_> = forwarded.iter().map(|list| ("x-forwarded-for", *list)).collect();
        request_origin(peer, &headers).client.to_string()
    }

    #[test]
    fn headers_of_an_untrusted_peer_are_ignored() {
        let origin = request_origin(
            "203.0.113.9",
            &[("x-forwarded-for", "10.0.0.1"), ("x-forwarded-proto", "https"), ("remote-user", "ann")],
        );
        assert_eq!(
            (origin.client.to_string().as_str(), origin.is_secure, origin.person),
            ("203.0.113.9", false, None)
        );
    }

    #[test]
    fn the_list_is_read_from_its_end() {
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
        let ann = request_origin("::1", &[("remote-user", "ann"), ("remote-groups", "dgm; staff ,,x")])
            .person
            .unwrap();
        assert_eq!((ann.name.as_str(), ann.groups), ("ann", vec!["dgm".into(), "staff".into(), "x".into()]));
        for headers in [&[("remote-user", "")][..], &[("remote-user", "ann"), ("remote-user", "root")], &[]] {
            assert_eq!(request_origin("::1", headers).person, None, "{headers:?}");
        }
        let twice = [("remote-user", "ann"), ("remote-groups", "a"), ("remote-groups", "staff")];
        assert_eq!(request_origin("::1", &twice).person.unwrap().groups, Vec::<String>::new());
        assert!(request_origin("::1", &[("x-forwarded-proto", "http, https")]).is_secure);
        assert!(!request_origin("::1", &[("x-forwarded-proto", "https, http")]).is_secure);
    }

    proptest! {
        #[test]
        fn no_list_changes_the_address_of_an_untrusted_peer(list in "[0-9a-f.:, ]{0,60}") {
            prop_assert_eq!(client("203.0.113.9", &[&list]), "203.0.113.9");
        }
    }
}
