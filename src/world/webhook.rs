//! Sends webhook requests.

use std::time::Duration;

use reqwest::StatusCode;

use crate::world::operator_http::{SecretUrl, client};

const TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes of an answer that the log and the pages show.
const MAX_ANSWER_BYTES: usize = 200;

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
pub async fn send(to: &SecretUrl, request: &WebhookRequest) -> WebhookResult {
    let client = match client(TIMEOUT, 0) {
        Ok(client) => client,
        Err(error) => return WebhookResult::Deferred(error.without_url().to_string()),
    };
    let mut sent = client.post(to.url()).header("content-type", request.content_type);
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
