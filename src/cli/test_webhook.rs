//! `onreserve test-webhook`: sends a test message to webhooks of the configuration.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::{exit, print};
use crate::config;
use crate::domain::course::WebhookName;
use crate::world::webhook::WebhookResult;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  onreserve test-webhook --config onreserve.toml
  onreserve test-webhook chat --config onreserve.toml

The message has a signature as a report has, and \"test\": true in its JSON.
Exit codes: 0 if each webhook accepted it, 1 if one did not, 78 if the
configuration has errors.")]
pub(super) struct TestWebhookArguments {
    /// The name of a webhook [default: all of the configuration].
    #[arg(value_name = "NAME", value_parser = named)]
    name: Option<WebhookName>,
    /// The configuration, with its `webhook` sections.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

fn named(text: &str) -> Result<WebhookName, String> {
    WebhookName::try_from(text.to_owned()).map_err(|error| error.to_string())
}

pub(super) async fn run(arguments: TestWebhookArguments) -> anyhow::Result<ExitCode> {
    let settings = config::read(&arguments.config)?;
    let known: Vec<String> = settings.webhooks.keys().map(ToString::to_string).collect();
    if known.is_empty() {
        bail!("the configuration has no [[webhook]]; add one with name and url");
    }
    if let Some(name) = arguments.name.as_ref().filter(|name| !settings.webhooks.contains_key(*name)) {
        bail!("the configuration has no webhook `{name}`; its webhooks are {}", known.join(", "));
    }
    let mut code = ExitCode::SUCCESS;
    for (name, webhook) in &settings.webhooks {
        if arguments.name.as_ref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        match webhook.send_test().await? {
            WebhookResult::Accepted(answer) => print(&format!("{name}: accepted ({answer})\n"))?,
            WebhookResult::Deferred(answer) => {
                code = ExitCode::from(exit::FAILURE);
                print(&format!("{name}: not accepted now: {answer}; a report is sent again later\n"))?;
            }
            WebhookResult::Refused(answer) => {
                code = ExitCode::from(exit::FAILURE);
                print(&format!("{name}: refused: {answer}; correct its url and its form\n"))?;
            }
        }
    }
    Ok(code)
}
