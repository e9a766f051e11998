//! The issuer of an identity provider, and the endpoints in its metadata (`OpenID Connect Discovery 1.0`).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::Deserialize;
use url::{Host, Url};

/// The issuer of a provider, exactly as the provider writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    name: String,
    discovery: Url,
    /// Always https, unless the provider is on this machine.
    is_secure: bool,
}

/// A text that is not an issuer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be an issuer; write its https address as the provider does, for example https://login.school.edu/realms/school"
)]
pub struct InvalidIssuer(String);

/// The endpoints of a provider, from its discovery document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderEndpoints {
    pub authorization: Url,
    pub token: Url,
    pub keys: Url,
    /// The logout endpoint (`OpenID Connect RP-Initiated Logout 1.0`), if there is one.
    pub end_session: Option<Url>,
}

/// Why a discovery document is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMetadata {
    #[error("it is not a discovery document: {0}")]
    Form(String),
    #[error("it belongs to the issuer `{0}`; write exactly that as issuer in [pages.oidc]")]
    Other(String),
    #[error("its {0} is not an https address")]
    Address(&'static str),
}

#[derive(Deserialize)]
struct MetadataDocument {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    end_session_endpoint: Option<String>,
}

impl Issuer {
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The address of its discovery document.
    pub fn discovery(&self) -> &Url {
        &self.discovery
    }

    /// Reads its discovery document.
    pub fn parse_metadata(&self, document: &[u8]) -> Result<ProviderEndpoints, InvalidMetadata> {
        let written: MetadataDocument =
            serde_json::from_slice(document).map_err(|error| InvalidMetadata::Form(error.to_string()))?;
        if written.issuer != self.name {
            return Err(InvalidMetadata::Other(written.issuer.chars().take(200).collect()));
        }
        let address = |name, text: &str| {
            let url = Url::parse(text).ok().filter(|url| is_reachable(url, !self.is_secure));
            url.filter(|url| url.fragment().is_none()).ok_or(InvalidMetadata::Address(name))
        };
        Ok(ProviderEndpoints {
            authorization: address("authorization_endpoint", &written.authorization_endpoint)?,
            token: address("token_endpoint", &written.token_endpoint)?,
            keys: address("jwks_uri", &written.jwks_uri)?,
            // A login works without a logout endpoint.
            end_session: written
                .end_session_endpoint
                .and_then(|text| address("end_session_endpoint", &text).ok()),
        })
    }
}

impl FromStr for Issuer {
    type Err = InvalidIssuer;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || InvalidIssuer(text.to_owned());
        let url = Url::parse(text).map_err(|_| wrong())?;
        if !is_reachable(&url, true) || text.contains(['?', '#']) {
            return Err(wrong());
        }
        let discovery = format!("{}/.well-known/openid-configuration", text.trim_end_matches('/'));
        let discovery = Url::parse(&discovery).map_err(|_| wrong())?;
        Ok(Self { name: text.to_owned(), discovery, is_secure: url.scheme() == "https" })
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Whether secrets may be sent there: over https, or to this machine.
fn is_reachable(url: &Url, also_in_the_open: bool) -> bool {
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    };
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    let is_fit = match url.scheme() {
        "https" => url.has_host(),
        "http" => is_here && also_in_the_open,
        _ => false,
    };
    is_fit && is_anonymous
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(issuer: &str, token: &str) -> Vec<u8> {
        serde_json::json!({
            "issuer": issuer,
            "authorization_endpoint": "https://login.edu/auth?tenant=1",
            "token_endpoint": token,
            "jwks_uri": "https://login.edu/keys",
            "scopes_supported": ["openid"],
        })
        .to_string()
        .into_bytes()
    }

    #[test]
    fn the_discovery_document_is_below_the_issuer() {
        for (name, place) in [
            ("https://login.edu", "https://login.edu/.well-known/openid-configuration"),
            ("https://login.edu/realms/a/", "https://login.edu/realms/a/.well-known/openid-configuration"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000/.well-known/openid-configuration"),
        ] {
            let issuer: Issuer = name.parse().unwrap();
            assert_eq!((issuer.as_str(), issuer.discovery().as_str()), (name, place));
        }
    }

    #[test]
    fn only_https_is_accepted() {
        for name in [
            "http://login.edu",
            "http://127.0.0.1.login.edu",
            "login.edu",
            "https://login.edu?x",
            "https://login.edu#x",
            "https://me@login.edu",
            "ftp://localhost",
            "",
        ] {
            assert!(name.parse::<Issuer>().is_err(), "{name}");
        }
        let issuer: Issuer = "https://login.edu".parse().unwrap();
        for token in ["http://login.edu/token", "http://127.0.0.1/token", "/token", "https://a@login.edu/"] {
            let parsed = issuer.parse_metadata(&document("https://login.edu", token));
            assert_eq!(parsed, Err(InvalidMetadata::Address("token_endpoint")), "{token}");
        }
    }

    #[test]
    fn a_logout_endpoint_is_used_only_with_https() {
        let issuer: Issuer = "https://login.edu".parse().unwrap();
        let out = |address: serde_json::Value| {
            let mut document: serde_json::Value =
                serde_json::from_slice(&document("https://login.edu", "https://login.edu/token")).unwrap();
            document["end_session_endpoint"] = address;
            issuer.parse_metadata(document.to_string().as_bytes()).unwrap().end_session
        };
        assert_eq!(out("https://login.edu/out?a=b".into()).unwrap().as_str(), "https://login.edu/out?a=b");
        for none in [serde_json::Value::Null, "".into(), "http://login.edu/out".into(), "javascript:1".into()]
        {
            assert_eq!(out(none.clone()), None, "{none}");
        }
    }

    #[test]
    fn the_issuer_must_match_exactly() {
        let issuer: Issuer = "https://login.edu".parse().unwrap();
        let token = "https://login.edu/token";
        assert_eq!(
            issuer.parse_metadata(&document("https://login.edu", token)).unwrap().token.as_str(),
            token
        );
        for other in ["https://login.edu/", "https://LOGIN.edu", "https://evil.example"] {
            let parsed = issuer.parse_metadata(&document(other, token));
            assert_eq!(parsed, Err(InvalidMetadata::Other(other.to_owned())));
        }
        assert!(matches!(issuer.parse_metadata(b"<html>"), Err(InvalidMetadata::Form(_))));
    }
}
