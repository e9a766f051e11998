//! Sends webhook requests to addresses that the operator chose.
//!
//! The guard against internal addresses and the pacing of `world::fetch` do not apply. An
//! address may be a secret, so no message contains it.

#![expect(clippy::disallowed_methods, reason = "this module requests the operator's own address")]

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, StatusCode};
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes of an answer that the log and the pages show.
const MAX_ANSWER_BYTES: usize = 200;

/// The address of a webhook.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(Url);

/// A text that is not an address; the message does not repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address of the webhook is not a web address; write one that starts with https:// or http://")]
pub struct InvalidWebhookUrl;

impl FromStr for WebhookUrl {
    type Err = InvalidWebhookUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| InvalidWebhookUrl)?;
        if matches!(url.scheme(), "http" | "https") && url.has_host() {
            Ok(Self(url))
        } else {
            Err(InvalidWebhookUrl)
        }
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookUrl(…)")
    }
}

/// A request, without its address.
#[derive(Clone, Debug)]
pub struct WebhookRequest {
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// The result of a request, with the answer or the error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookResult {
    Accepted(String),
    /// It may succeed later.
    Deferred(String),
    /// The receiver will never accept it.
    Refused(String),
}

/// Sends a request once. It follows no redirects.
pub async fn send(to: &WebhookUrl, request: &WebhookRequest) -> WebhookResult {
    let client = match client() {
        Ok(client) => client,
        Err(error) => return WebhookResult::Deferred(error.without_url().to_string()),
    };
    let mut sent = client.post(to.0.clone()).header("content-type", request.content_type);
    for (name, value) in &request.headers {
        sent = sent.header(*name, value);
    }
    match sent.body(request.body.clone()).send().await {
        Ok(response) => {
            let status = response.status();
            let answer = answer(response).await;
            if status.is_success() {
                WebhookResult::Accepted(answer)
            } else if status.is_server_error()
                || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
            {
                WebhookResult::Deferred(answer)
            } else {
                WebhookResult::Refused(answer)
            }
        }
        Err(error) => WebhookResult::Deferred(error.without_url().to_string()),
    }
}

/// The status, and the beginning of the body.
async fn answer(mut response: reqwest::Response) -> String {
    let status = response.status().as_u16();
    let chunk = response.chunk().await.ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&chunk[..chunk.len().min(MAX_ANSWER_BYTES)]).into_owned();
    let line = text.lines().next().unwrap_or("").trim().to_owned();
    format!("{status} {line}").trim().to_owned()
}

fn client() -> reqwest::Result<Client> {
    // A provider that is installed already serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = || {
        ClientBuilder::new()
            .user_agent(concat!("Onreserve/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
    };
    // Without root certificates a receiver over plain http still works.
    builder().build().or_else(|_| builder().tls_certs_only(Vec::new()).build())
}
