//! `[render]`: the browser that opens pages whose text only scripts make.

use std::path::PathBuf;

use serde::Deserialize;

use super::diagnostics::TableDiagnostics;
use super::duration::DurationKey;
use crate::world::browser::{BrowserLimits, BrowserSettings};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RenderKeys {
    browser: PathBuf,
    timeout: Option<DurationKey>,
    max_requests: Option<usize>,
    max_response_mib: Option<u64>,
    max_page_mib: Option<usize>,
    renderers: Option<u32>,
    at_once: Option<usize>,
    pages_per_night: Option<usize>,
}

pub(super) fn settings(keys: RenderKeys, table: &mut TableDiagnostics) -> BrowserSettings {
    let defaults = BrowserLimits::default();
    if !keys.browser.is_absolute() {
        let shown = keys.browser.display();
        let what = format!("browser is `{shown}`; give the whole path, such as \"/usr/bin/chromium\"");
        table.error("browser", what);
    } else if !keys.browser.is_file() {
        let shown = keys.browser.display();
        table.warn("browser", format!("`{shown}` does not exist, so pages that need a browser get no copy"));
    }
    let time = keys.timeout.map_or(defaults.time, |DurationKey(time)| time);
    if time.is_zero() {
        table.error("timeout", "timeout is 0s, which opens no page; the default is 2m".to_owned());
    }
    for (key, value) in [("at_once", keys.at_once), ("pages_per_night", keys.pages_per_night)] {
        if value == Some(0) {
            table.error(key, format!("{key} is 0, which opens no page; remove [render] to use no browser"));
        }
    }
    BrowserSettings {
        program: keys.browser,
        limits: BrowserLimits {
            time,
            requests: keys.max_requests.unwrap_or(defaults.requests),
            response_bytes: keys
                .max_response_mib
                .map_or(defaults.response_bytes, |mib| mib.saturating_mul(1 << 20)),
            page_bytes: keys.max_page_mib.map_or(defaults.page_bytes, |mib| mib.saturating_mul(1 << 20)),
            renderers: keys.renderers.unwrap_or(defaults.renderers),
            at_once: keys.at_once.unwrap_or(defaults.at_once),
            pages: keys.pages_per_night.unwrap_or(defaults.pages),
        },
    }
}
