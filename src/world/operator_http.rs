//! Requests to addresses that the operator chose: webhooks, and pings of a monitoring service.
//!
//! The guard against internal addresses and the pacing of `world::fetch` do not apply. An
//! address may be a secret, so no message contains it.

#![expect(clippy::disallowed_methods, reason = "this module requests the operator's own addresses")]

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use url::Url;

/// A web address that may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(Url);

/// A text that is not a web address; the message does not repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a web address; write one that starts with https:// or http://")]
pub struct InvalidSecretUrl;

impl FromStr for SecretUrl {
    type Err = InvalidSecretUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text.trim()).map_err(|_| InvalidSecretUrl)?;
        if matches!(url.scheme(), "http" | "https") && url.has_host() {
            Ok(Self(url))
        } else {
            Err(InvalidSecretUrl)
        }
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretUrl(…)")
    }
}

impl SecretUrl {
    pub(super) fn url(&self) -> Url {
        self.0.clone()
    }
}

/// A client with a time limit for each request, which follows so many redirects.
pub(super) fn client(timeout: Duration, redirects: usize) -> reqwest::Result<Client> {
    // A provider that is installed already serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let redirects = || if redirects == 0 { Policy::none() } else { Policy::limited(redirects) };
    let builder = || {
        ClientBuilder::new()
            .user_agent(concat!("Onreserve/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            .redirect(redirects())
    };
    // Without root certificates a receiver over plain http still works.
    builder().build().or_else(|_| builder().tls_certs_only(Vec::new()).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_not_in_errors() {
        let url: SecretUrl = "https://watch.example/0123\n".parse().unwrap();
        assert!(!format!("{url:?}").contains("0123"));
        for wrong in ["ftp://watch.example/0123", "watch.example/0123", "https://"] {
            let error = wrong.parse::<SecretUrl>().unwrap_err();
            assert!(!error.to_string().contains("watch.example"), "{error}");
        }
    }
}
