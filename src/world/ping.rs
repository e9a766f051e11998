//! The dead man's switch: an outside watcher hears that nights begin and end,
//! and sounds the alarm when it hears nothing.
//!
//! It is the operator's own choice of address, so the guard that keeps course
//! links from internal hosts does not apply, and nothing of a night's manners
//! either. The address is a secret: it stands in no message.

#![expect(clippy::disallowed_methods, reason = "this module asks the operator's watcher, not strangers")]

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use reqwest::{Client, ClientBuilder};
use url::Url;

use crate::world::clock::Clock;

/// How long one try may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Pauses before the second and the third try.
const RETRY_DELAYS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];

/// Where the watcher listens.
#[derive(Clone, PartialEq, Eq)]
pub struct PingUrl(Url);

/// A text that is no address of a watcher; it is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ping address is no web address; it starts with https:// or http://")]
pub struct InvalidPingUrl;

impl FromStr for PingUrl {
    type Err = InvalidPingUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| InvalidPingUrl)?;
        if matches!(url.scheme(), "http" | "https") && url.has_host() {
            Ok(Self(url))
        } else {
            Err(InvalidPingUrl)
        }
    }
}

impl fmt::Debug for PingUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PingUrl(…)")
    }
}

/// What the watcher hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ping {
    Start,
    Success,
    Failure,
}

impl PingUrl {
    fn of(&self, ping: Ping) -> Url {
        let mut url = self.0.clone();
        let path = url.path().trim_end_matches('/').to_owned();
        match ping {
            Ping::Start => url.set_path(&format!("{path}/start")),
            Ping::Success => {}
            Ping::Failure => url.set_path(&format!("{path}/fail")),
        }
        url
    }
}

/// Tells the watcher, in three tries. That it cannot be reached is its own
/// alarm, so it is logged and nothing else.
pub async fn send(to: &PingUrl, ping: Ping, clock: Clock) {
    let client = match client() {
        Ok(client) => client,
        Err(error) => {
            tracing::warn!(error = %error.without_url(), "no ping can be sent");
            return;
        }
    };
    let mut pauses = RETRY_DELAYS.into_iter();
    loop {
        let answer = client.get(to.of(ping)).send().await.and_then(reqwest::Response::error_for_status);
        let Err(error) = answer else { return };
        let Some(pause) = pauses.next() else {
            tracing::warn!(?ping, error = %error.without_url(), "the watcher cannot be told");
            return;
        };
        clock.sleep(pause).await;
    }
}

fn client() -> reqwest::Result<Client> {
    // A provider that is installed already serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = || {
        ClientBuilder::new()
            .user_agent(concat!("Onreserve/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::limited(3))
    };
    // A system without root certificates may still have a watcher over plain http.
    builder().build().or_else(|_| builder().tls_certs_only(Vec::new()).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watcher_is_asked_below_its_address() {
        for address in ["https://watch.example/0123", "https://watch.example/0123/"] {
            let url: PingUrl = address.parse().unwrap();
            assert_eq!(url.of(Ping::Start).as_str(), "https://watch.example/0123/start");
            assert_eq!(url.of(Ping::Failure).as_str(), "https://watch.example/0123/fail");
            assert_eq!(url.of(Ping::Success).as_str(), address);
        }
        let url: PingUrl = "https://watch.example/p?token=1".parse().unwrap();
        assert_eq!(url.of(Ping::Start).as_str(), "https://watch.example/p/start?token=1");
    }

    #[test]
    fn the_address_is_not_told() {
        let url: PingUrl = "https://watch.example/0123".parse().unwrap();
        assert!(!format!("{url:?}").contains("0123"));
        assert!("ftp://watch.example/".parse::<PingUrl>().is_err());
    }
}
