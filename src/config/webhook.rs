//! `[[webhook]]`: where reports are sent for programs and chats.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::credential;
use super::diagnostics::{Diagnostics, TableDiagnostics};
use crate::domain::action_token::SigningKey;
use crate::domain::course::WebhookName;
use crate::domain::report::webhook::WebhookForm;
use crate::outbox::Webhook;
use crate::world::operator_http::{InvalidSecretUrl, SecretUrl};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookKeys {
    name: WebhookName,
    url: Option<String>,
    url_file: Option<PathBuf>,
    #[serde(default)]
    form: WebhookFormKey,
    secret_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WebhookFormKey {
    #[default]
    Json,
    Slack,
    Ntfy,
}

/// All webhooks without errors, by name.
pub(super) fn webhooks(
    all: Vec<WebhookKeys>,
    found: &mut Diagnostics,
    environment: impl Fn(&str) -> Option<String>,
) -> BTreeMap<WebhookName, Webhook> {
    let mut webhooks = BTreeMap::new();
    for (at, keys) in all.into_iter().enumerate() {
        let mut table = found.table(0, &["webhook", &at.to_string()]);
        let name = keys.name.clone();
        if webhooks.contains_key(&name) {
            table.error("name", format!("two webhooks have the name `{name}`; give one another name"));
        }
        if let Some(webhook) = webhook(&keys, &mut table, &environment) {
            webhooks.insert(name, webhook);
        }
    }
    webhooks
}

fn webhook(
    keys: &WebhookKeys,
    table: &mut TableDiagnostics,
    environment: impl Fn(&str) -> Option<String>,
) -> Option<Webhook> {
    let name = &keys.name;
    let of_webhook = |what: String| format!("webhook `{name}`: {what}");
    let key = if keys.url_file.is_some() { "url_file" } else { "url" };
    let url = table.value(key, url(keys, &environment).map_err(of_webhook));
    let path = credential::file(keys.secret_file.as_deref(), &format!("webhook-{name}-secret"), &environment);
    let secret = path.map(|path| secret(&path)).transpose().map_err(of_webhook);
    let secret = table.value("secret_file", secret)?;
    let form = match keys.form {
        WebhookFormKey::Json => WebhookForm::Json,
        WebhookFormKey::Slack => WebhookForm::Slack,
        WebhookFormKey::Ntfy => WebhookForm::Ntfy,
    };
    if form == WebhookForm::Json && secret.is_none() {
        let what = "the receiver needs a secret to check who sends the JSON; make one with `openssl rand -hex 32`, and name its file in secret_file";
        table.missing("name", of_webhook(what.to_owned()));
        return None;
    }
    Some(Webhook { url: url?, form, secret })
}

/// The address. It may be a password by itself, so errors do not show it.
fn url(keys: &WebhookKeys, environment: impl Fn(&str) -> Option<String>) -> Result<SecretUrl, String> {
    let text = match (&keys.url, &keys.url_file) {
        (Some(_), Some(_)) => return Err("both url and url_file are given; keep one".to_owned()),
        (Some(url), None) => url.clone(),
        (None, named) => {
            let credential = format!("webhook-{}-url", keys.name);
            let path = credential::file(named.as_deref(), &credential, environment).ok_or_else(|| {
                "it has no address; add url, or url_file if the address is a secret".to_owned()
            })?;
            credential::read(&path)?
        }
    };
    text.parse().map_err(|error: InvalidSecretUrl| error.to_string())
}

fn secret(path: &std::path::Path) -> Result<SigningKey, String> {
    let text = credential::read(path)?;
    SigningKey::parse(text.trim()).map_err(|error| format!("{}: {error}", path.display()))
}
