//! Answers what the browser asks: each request of the page, dialogs, new targets.
//!
//! Only a GET over http or https is passed on, within the bounds. Workers that would
//! outlive the page do not start, and new windows are closed.

use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use super::connection::{DevTools, DevToolsEvent};
use super::{BrowserLimits, Error, PageRequest, PageResponse, ReceivedPage};

/// Headers about the transfer, those that send reports or ask for other protocols, and
/// those that are set again.
const DROPPED_HEADERS: &[&str] = &[
    "content-encoding",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "set-cookie",
    "strict-transport-security",
    "alt-svc",
    "clear-site-data",
    "nel",
    "report-to",
    "reporting-endpoints",
    "access-control-allow-origin",
    "access-control-allow-credentials",
];

/// The state of a page while it loads.
pub(super) struct Interception<'a> {
    connection: &'a DevTools,
    limits: &'a BrowserLimits,
    address: String,
    /// The response for the page itself, until the browser asks for it.
    page: Mutex<Option<PageResponse>>,
    /// The tab and its main frame, which have one identifier.
    tab: Mutex<Option<String>>,
    pub(super) is_loaded: AtomicBool,
    /// Requests that wait for an answer.
    pub(super) open: AtomicUsize,
    requests: AtomicUsize,
    bytes: AtomicU64,
}

impl<'a> Interception<'a> {
    pub(super) fn new(connection: &'a DevTools, limits: &'a BrowserLimits, page: ReceivedPage) -> Self {
        Self {
            connection,
            limits,
            address: page.address,
            page: Mutex::new(Some(page.response)),
            tab: Mutex::default(),
            is_loaded: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// From now on every other tab is closed.
    pub(super) fn only(&self, tab: &str) {
        if let Ok(mut only) = self.tab.lock() {
            *only = Some(tab.to_owned());
        }
    }

    fn is_tab(&self, id: &Value) -> bool {
        self.tab.lock().is_ok_and(|tab| tab.as_deref() == id.as_str())
    }

    /// Handles events until the browser ends.
    pub(super) async fn answer_all<F: Future<Output = Option<PageResponse>>>(
        &self,
        mut events: UnboundedReceiver<DevToolsEvent>,
        answer: impl Fn(PageRequest) -> F,
    ) -> Error {
        let mut handling = FuturesUnordered::new();
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => handling.push(self.handle(event, &answer)),
                    None => return Error::Ended,
                },
                Some(handled) = handling.next() => {
                    // A request, frame or dialog may be gone before its answer.
                    if let Err(error) = handled
                        && !matches!(error, Error::Refused { .. })
                    {
                        return error;
                    }
                }
            }
        }
    }

    async fn handle<F: Future<Output = Option<PageResponse>>>(
        &self,
        event: DevToolsEvent,
        answer: &impl Fn(PageRequest) -> F,
    ) -> Result<(), Error> {
        let DevToolsEvent { session, method, params } = event;
        let session = session.as_deref();
        match method.as_str() {
            "Fetch.requestPaused" => {
                self.open.fetch_add(1, Ordering::Relaxed);
                let answered = self.request(session, &params, answer).await;
                self.open.fetch_sub(1, Ordering::Relaxed);
                answered
            }
            "Target.attachedToTarget" => self.attached(&params).await,
            "Target.targetCreated" => self.created(&params["targetInfo"]).await,
            "Page.javascriptDialogOpening" => {
                let refuse = json!({ "accept": false });
                self.connection.call(session, "Page.handleJavaScriptDialog", refuse).await.map(drop)
            }
            "Page.loadEventFired" => {
                self.is_loaded.store(true, Ordering::Relaxed);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn request<F: Future<Output = Option<PageResponse>>>(
        &self,
        session: Option<&str>,
        params: &Value,
        answer: &impl Fn(PageRequest) -> F,
    ) -> Result<(), Error> {
        let request = &params["request"];
        let address = request["url"].as_str().unwrap_or_default();
        let kind = params["resourceType"].as_str().unwrap_or_default();
        if address.starts_with("data:") || address.starts_with("blob:") {
            // The browser has these itself.
            let same = json!({ "requestId": params["requestId"] });
            return self.connection.call(session, "Fetch.continueRequest", same).await.map(drop);
        }
        let response = if kind == "Document" && self.is_tab(&params["frameId"]) {
            Some(self.document(address))
        } else if self.is_allowed(request) {
            let request = PageRequest {
                address: address.to_owned(),
                is_shown: matches!(kind, "Document" | "Image" | "Stylesheet" | "Font"),
            };
            answer(request).await
        } else {
            None
        };
        match response {
            Some(response) => self.fulfil(session, params, response).await,
            None => {
                let failure = json!({ "requestId": params["requestId"], "errorReason": "BlockedByClient" });
                self.connection.call(session, "Fetch.failRequest", failure).await.map(drop)
            }
        }
    }

    /// The page itself, once. If it leads to another page, it stays: 204 is no new page.
    fn document(&self, address: &str) -> PageResponse {
        let page = self.page.lock().ok().and_then(
            |mut page| {
                if address == self.address { page.take() } else { None }
            },
        );
        page.unwrap_or(PageResponse { status: 204, headers: Vec::new(), body: Vec::new() })
    }

    fn is_allowed(&self, request: &Value) -> bool {
        let address = request["url"].as_str().unwrap_or_default();
        request["method"] == "GET"
            && (address.starts_with("http://") || address.starts_with("https://"))
            && self.requests.fetch_add(1, Ordering::Relaxed) < self.limits.requests
            && self.bytes.load(Ordering::Relaxed) < self.limits.response_bytes
    }

    async fn fulfil(
        &self,
        session: Option<&str>,
        params: &Value,
        response: PageResponse,
    ) -> Result<(), Error> {
        self.bytes.fetch_add(response.body.len() as u64, Ordering::Relaxed);
        let origin = params["request"]["headers"]["Origin"].as_str().unwrap_or("*");
        let is_kept = |name: &str| !DROPPED_HEADERS.iter().any(|other| name.eq_ignore_ascii_case(other));
        let headers: Vec<Value> = response
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| is_kept(name))
            // The browser has no secret of any site, so every page may read every response.
            .chain([("access-control-allow-origin", origin), ("access-control-allow-credentials", "true")])
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        let answer = json!({
            "requestId": params["requestId"],
            "responseCode": response.status,
            "responseHeaders": headers,
            "body": STANDARD.encode(&response.body),
        });
        self.connection.call(session, "Fetch.fulfillRequest", answer).await.map(drop)
    }

    /// A frame of another site is intercepted like the tab. A worker of the page starts;
    /// its requests go through the page. Other workers do not start.
    async fn attached(&self, params: &Value) -> Result<(), Error> {
        let Some(session) = params["sessionId"].as_str() else { return Ok(()) };
        match params["targetInfo"]["type"].as_str() {
            Some("iframe") => self.intercept(session).await?,
            Some("worker") => {
                self.attach_to_all(session).await?;
                // Not every version intercepts in a worker. Without it the request fails.
                let _ = self.connection.call(Some(session), "Fetch.enable", everything()).await;
            }
            _ => return Ok(()),
        }
        self.connection.call(Some(session), "Runtime.runIfWaitingForDebugger", json!({})).await.map(drop)
    }

    /// Intercepts the requests of a tab or a frame, and of what it starts.
    pub(super) async fn intercept(&self, session: &str) -> Result<(), Error> {
        self.connection.call(Some(session), "Fetch.enable", everything()).await?;
        self.attach_to_all(session).await
    }

    async fn attach_to_all(&self, session: &str) -> Result<(), Error> {
        let all = json!({ "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true });
        self.connection.call(Some(session), "Target.setAutoAttach", all).await.map(drop)
    }

    async fn created(&self, target: &Value) -> Result<(), Error> {
        let is_known = self.tab.lock().is_ok_and(|tab| tab.is_none()) || self.is_tab(&target["targetId"]);
        let is_closed =
            matches!(target["type"].as_str(), Some("page" | "service_worker" | "shared_worker" | "webview"));
        if is_known || !is_closed {
            return Ok(());
        }
        let target = json!({ "targetId": target["targetId"] });
        self.connection.call(None, "Target.closeTarget", target).await.map(drop)
    }
}

fn everything() -> Value {
    json!({ "patterns": [{ "urlPattern": "*", "requestStage": "Request" }] })
}
