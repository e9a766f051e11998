//! The one tab of a browser: opens the page, waits until it is quiet, and takes it as
//! markup and as a PDF.

use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::connection::DevTools;
use super::interception::Interception;
use super::{BrowserLimits, Error, PageSnapshot};
use crate::world::clock::Clock;

/// Returns the page as markup.
const SNAPSHOT: &str = include_str!("snapshot.js");
/// Removes interfaces of which no request is intercepted. They have no network either.
const WITHOUT_UNUSED: &str = "for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', \
    'WebTransport']) delete globalThis[name]; delete Navigator.prototype.serviceWorker;";
/// Scrolls to the end, so that pictures are loaded which wait until they are seen.
const SCROLL: &str = "(async () => { for (let step = 0; step < 40 && scrollY + innerHeight < \
    document.documentElement.scrollHeight; step++) { scrollBy(0, innerHeight); await new \
    Promise(done => setTimeout(done, 60)); } scrollTo(0, 0); })()";
/// The length of the text, which grows while scripts make it.
const LENGTH: &str = "document.body ? document.body.innerText.length : 0";
const POLL: Duration = Duration::from_millis(200);
/// A page is quiet after this many equal polls without an open request.
const QUIET_POLLS: u32 = 4;
const RESTLESS_POLLS: u32 = 50;

pub(super) struct Tab<'a> {
    pub(super) connection: &'a DevTools,
    pub(super) interception: &'a Interception<'a>,
    pub(super) clock: Clock,
    pub(super) limits: &'a BrowserLimits,
}

impl Tab<'_> {
    pub(super) async fn render(&self, address: &str) -> Result<PageSnapshot, Error> {
        let (tab, session) = self.open().await?;
        let world = self.load(&tab, &session, address).await?;
        self.wait_until_quiet(&session, &world, self.limits.time * 3 / 5).await?;
        self.evaluate(&session, &world, SCROLL).await?;
        self.wait_until_quiet(&session, &world, self.limits.time / 5).await?;
        let snapshot = SNAPSHOT.replace("PAGE_ADDRESS", &json!(address).to_string());
        let html = match self.evaluate(&session, &world, &snapshot).await? {
            Value::String(html) if html.len() <= self.limits.page_bytes => html,
            _ => return Err(Error::TooLong(self.limits.page_bytes)),
        };
        // A page that cannot be printed in time is kept without a PDF.
        let printing = tokio::time::timeout(self.limits.time / 6, self.print(&session)).await;
        Ok(PageSnapshot { html, pdf: printing.ok().and_then(Result::ok).flatten() })
    }

    /// A tab in which every request is intercepted: its identifier and its session.
    async fn open(&self) -> Result<(String, String), Error> {
        let call = |method, params| self.connection.call(None, method, params);
        let text = |value: &Value| {
            value.as_str().map(str::to_owned).ok_or_else(|| Error::Protocol("no identifier".to_owned()))
        };
        call("Browser.setDownloadBehavior", json!({ "behavior": "deny" })).await?;
        let tab = text(&call("Target.createTarget", json!({ "url": "about:blank" })).await?["targetId"])?;
        let attach = json!({ "targetId": tab, "flatten": true });
        let session = text(&call("Target.attachToTarget", attach).await?["sessionId"])?;
        self.interception.only(&tab);
        call("Target.setDiscoverTargets", json!({ "discover": true })).await?;
        self.interception.intercept(&session).await?;
        Ok((tab, session))
    }

    /// Opens the address; returns the world in which our scripts run, apart from the page's.
    async fn load(&self, tab: &str, session: &str, address: &str) -> Result<Value, Error> {
        let call = |method, params| self.connection.call(Some(session), method, params);
        call("Page.enable", json!({})).await?;
        call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WITHOUT_UNUSED })).await?;
        let opened = call("Page.navigate", json!({ "url": address })).await?;
        if let Some(what) = opened["errorText"].as_str() {
            return Err(Error::Refused { method: "Page.navigate", what: what.to_owned() });
        }
        let world = call("Page.createIsolatedWorld", json!({ "frameId": tab })).await?;
        Ok(world["executionContextId"].clone())
    }

    /// Waits for the load event and until nothing changes, but at most `longest`. A page that
    /// waits for no response and is still not quiet after `RESTLESS_POLLS` never will be.
    async fn wait_until_quiet(&self, session: &str, world: &Value, longest: Duration) -> Result<(), Error> {
        let began = self.clock.instant();
        let (mut before, mut quiet, mut restless) = (Value::Null, 0, 0);
        while quiet < QUIET_POLLS
            && restless < RESTLESS_POLLS
            && self.clock.instant().duration_since(began) < longest
        {
            self.clock.sleep(POLL).await;
            let now = self.evaluate(session, world, LENGTH).await?;
            if self.interception.open.load(Ordering::Relaxed) > 0 {
                quiet = 0;
            } else if now == before && self.interception.is_loaded.load(Ordering::Relaxed) {
                quiet += 1;
            } else {
                (quiet, restless) = (0, restless + 1);
            }
            before = now;
        }
        Ok(())
    }

    async fn evaluate(&self, session: &str, world: &Value, expression: &str) -> Result<Value, Error> {
        let expression = json!({
            "expression": expression,
            "contextId": world,
            "returnByValue": true,
            "awaitPromise": true,
        });
        let mut answer = self.connection.call(Some(session), "Runtime.evaluate", expression).await?;
        match answer.get("exceptionDetails") {
            Some(what) => Err(Error::Refused { method: "Runtime.evaluate", what: what["text"].to_string() }),
            None => Ok(answer["result"]["value"].take()),
        }
    }

    async fn print(&self, session: &str) -> Result<Option<Vec<u8>>, Error> {
        let paper = json!({
            "printBackground": true,
            "preferCSSPageSize": true,
            "paperWidth": 8.27,
            "paperHeight": 11.69,
        });
        let printed = self.connection.call(Some(session), "Page.printToPDF", paper).await?;
        let pdf = printed["data"].as_str().and_then(|data| STANDARD.decode(data).ok());
        Ok(pdf.filter(|pdf| pdf.starts_with(b"%PDF") && pdf.len() <= self.limits.page_bytes))
    }
}
