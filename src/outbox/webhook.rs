//! The webhook requests of reports: their bodies and signatures.

use std::collections::BTreeMap;

use crate::domain::action_token::SigningKey;
use crate::domain::course::WebhookName;
use crate::domain::report::compose::ComposedReport;
use crate::domain::report::due::PendingReport;
use crate::domain::report::webhook::{self, WebhookForm};
use crate::world::email::relay::SendResult;
use crate::world::operator_http::SecretUrl;
use crate::world::webhook::{WebhookRequest, WebhookResult, send};

/// A webhook of the configuration.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub url: SecretUrl,
    pub form: WebhookForm,
    /// Signs the body.
    pub secret: Option<SigningKey>,
}

/// All webhooks, by name.
#[derive(Clone, Debug, Default)]
pub struct WebhookSender {
    pub webhooks: BTreeMap<WebhookName, Webhook>,
    /// The public address of the pages, without a slash at its end.
    pub base: Option<String>,
}

impl WebhookSender {
    /// Sends a report. `id` is the same for each try, so that a receiver can tell repetitions.
    pub(super) async fn send(&self, pending: &PendingReport, to: &WebhookName, id: i64) -> SendResult {
        let Some(webhook) = self.webhooks.get(to) else {
            return SendResult::Refused("the configuration has no such webhook".to_owned());
        };
        match request(pending, webhook, self.base.as_deref(), id) {
            Ok(request) => match send(&webhook.url, &request).await {
                WebhookResult::Accepted(answer) => SendResult::Accepted(answer),
                WebhookResult::Deferred(answer) => SendResult::Deferred(answer),
                WebhookResult::Refused(answer) => SendResult::Refused(answer),
            },
            Err(error) => SendResult::Refused(error.to_string()),
        }
    }
}

impl Webhook {
    /// Sends a test message, without a report.
    ///
    /// # Errors
    ///
    /// The message cannot be written as JSON.
    pub async fn send_test(&self) -> Result<WebhookResult, serde_json::Error> {
        let body = webhook::test_body(self.form)?;
        Ok(send(&self.url, &self.request(body, "test".to_owned())).await)
    }

    fn request(&self, body: String, delivery: String) -> WebhookRequest {
        let content_type = match self.form {
            WebhookForm::Json | WebhookForm::Slack => "application/json",
            WebhookForm::Ntfy => "text/plain; charset=utf-8",
        };
        let mut headers = vec![("x-onreserve-delivery", delivery)];
        headers.extend(
            self.secret.as_ref().map(|secret| ("x-onreserve-signature-256", signature(secret, &body))),
        );
        WebhookRequest { content_type, headers, body }
    }
}

fn request(
    pending: &PendingReport,
    webhook: &Webhook,
    base: Option<&str>,
    id: i64,
) -> Result<WebhookRequest, serde_json::Error> {
    let mut composed = pending.compose();
    if let Some(base) = base {
        add_pages(&mut composed, pending, base);
    }
    let body = webhook::body(webhook.form, pending, &composed)?;
    let mut request = webhook.request(body, id.to_string());
    if let (WebhookForm::Ntfy, Some(all)) = (webhook.form, &composed.all_links) {
        request.headers.push(("click", all.clone()));
    }
    Ok(request)
}

/// The pages for staff who sign in. The signed links of emails are for one person each.
fn add_pages(composed: &mut ComposedReport, pending: &PendingReport, base: &str) {
    let course = &pending.report.facts.course;
    for section in &mut composed.sections {
        for entry in &mut section.entries {
            entry.action = entry.links.first().map(|link| format!("{base}/c/{course}/links/{link}"));
        }
        for waiting in &mut section.waiting {
            waiting.action = Some(format!("{base}/c/{course}/links/{}", waiting.link));
        }
    }
    composed.all_links = Some(format!("{base}/c/{course}/health"));
}

/// `sha256=` and the HMAC-SHA-256 (RFC 2104) of the body in hexadecimal.
fn signature(secret: &SigningKey, body: &str) -> String {
    format!("sha256={}", secret.hmac_hex(body.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_an_hmac_of_the_body() {
        // `printf '{}' | openssl dgst -sha256 -hmac kkkk…` gives the same.
        let secret = SigningKey::parse(&"k".repeat(40)).unwrap();
        assert_eq!(
            signature(&secret, "{}"),
            "sha256=aceb78441ef0c418b2b6e65be722565af951f6a43b15aa6f5f9aec03e926f0fd"
        );
        assert_ne!(signature(&secret, "{}"), signature(&secret, "{ }"));
    }
}
