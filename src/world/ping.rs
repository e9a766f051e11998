//! Pings to a monitoring service (a dead man's switch): it raises an alarm when no
//! ping of a night arrives.

use std::time::Duration;

use url::Url;

use crate::world::clock::Clock;
use crate::world::operator_http::{SecretUrl, client};

/// For one attempt.
const TIMEOUT: Duration = Duration::from_secs(10);
const REDIRECTS: usize = 3;
/// Before the second and the third attempt.
const RETRY_DELAYS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];

/// What a ping reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ping {
    Start,
    Success,
    Failure,
}

/// The address of a ping, from that of its night.
fn address(of: &SecretUrl, ping: Ping) -> Url {
    let mut url = of.url();
    let path = url.path().trim_end_matches('/').to_owned();
    match ping {
        Ping::Start => url.set_path(&format!("{path}/start")),
        Ping::Success => {}
        Ping::Failure => url.set_path(&format!("{path}/fail")),
    }
    url
}

/// Sends a ping, in up to three attempts. A failure is only logged: the missing ping
/// itself raises the alarm.
pub async fn send(to: &SecretUrl, ping: Ping, clock: Clock) {
    let client = match client(TIMEOUT, REDIRECTS) {
        Ok(client) => client,
        Err(error) => {
            tracing::warn!(error = %error.without_url(), "the HTTP client for pings cannot be set up, so no ping is sent");
            return;
        }
    };
    let mut pauses = RETRY_DELAYS.into_iter();
    loop {
        let answer = client.get(address(to, ping)).send().await.and_then(reqwest::Response::error_for_status);
        let Err(error) = answer else { return };
        let Some(pause) = pauses.next() else {
            tracing::warn!(?ping, error = %error.without_url(), "the monitoring service cannot be reached; check ping_url");
            return;
        };
        clock.sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pings_go_to_paths_below_the_address() {
        for address in ["https://watch.example/0123", "https://watch.example/0123/"] {
            let url: SecretUrl = address.parse().unwrap();
            assert_eq!(super::address(&url, Ping::Start).as_str(), "https://watch.example/0123/start");
            assert_eq!(super::address(&url, Ping::Failure).as_str(), "https://watch.example/0123/fail");
            assert_eq!(super::address(&url, Ping::Success).as_str(), address);
        }
        let url: SecretUrl = "https://watch.example/p?token=1".parse().unwrap();
        assert_eq!(super::address(&url, Ping::Start).as_str(), "https://watch.example/p/start?token=1");
    }
}
