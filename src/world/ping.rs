//! Pings to a monitoring service (a dead man's switch): it raises an alarm when no
//! ping of a night arrives.
//!
//! The operator chooses the address, so neither the guard against internal addresses
//! nor the pacing of `world::fetch` applies. The address is a secret: no message
//! contains it.

#![expect(clippy::disallowed_methods, reason = "this module requests the operator's own address")]

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use reqwest::{Client, ClientBuilder};
use url::Url;

use crate::world::clock::Clock;

/// For one attempt.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Before the second and the third attempt.
const RETRY_DELAYS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];

/// The address of the monitoring service.
#[derive(Clone, PartialEq, Eq)]
pub struct PingUrl(Url);

/// A text that is not an address to ping; the message does not repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ping address is not a web address; write one that starts with https:// or http://")]
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

/// What a ping reports.
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

/// Sends a ping, in up to three attempts. A failure is only logged: the missing ping
/// itself raises the alarm.
pub async fn send(to: &PingUrl, ping: Ping, clock: Clock) {
    let client = match client() {
        Ok(client) => client,
        Err(error) => {
            tracing::warn!(error = %error.without_url(), "the HTTP client for pings cannot be set up, so no ping is sent");
            return;
        }
    };
    let mut pauses = RETRY_DELAYS.into_iter();
    loop {
        let answer = client.get(to.of(ping)).send().await.and_then(reqwest::Response::error_for_status);
        let Err(error) = answer else { return };
        let Some(pause) = pauses.next() else {
            tracing::warn!(?ping, error = %error.without_url(), "the monitoring service cannot be reached; check ping_url");
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
    // Without root certificates a monitoring service over plain http still works.
    builder().build().or_else(|_| builder().tls_certs_only(Vec::new()).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pings_go_to_paths_below_the_address() {
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
    fn the_address_is_not_in_errors() {
        let url: PingUrl = "https://watch.example/0123".parse().unwrap();
        assert!(!format!("{url:?}").contains("0123"));
        assert!("ftp://watch.example/".parse::<PingUrl>().is_err());
    }
}
