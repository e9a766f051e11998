//! Pages whose text only scripts make: a browser opens them, if one is configured, and the
//! page as it then stands is captured.
//!
//! Each request of the page is sent by the fetcher of the night, with its pauses, its
//! robots.txt and its address filter. A failure leaves the link without a new copy, and
//! changes nothing else.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use crate::domain::address::Address;
use crate::domain::capture::{CaptureReason, KeptRequisite, Rendering};
use crate::domain::document::{Document, DocumentContext};
use crate::domain::evidence::link_history::LinkHistory;
use crate::domain::evidence::probe::CheckedLink;
use crate::domain::evidence::rendering;
use crate::domain::visit::Exchange;
use crate::night::capture_select::{self, NewCapture, NewRendering, ReceivedBody, VisitResult};
use crate::night::execute::{Shared, UnopenedPage};
use crate::world::World;
use crate::world::browser::{Browser, PageRequest, PageResponse, PageSnapshot, ReceivedPage};
use crate::world::fetch::{Accept, FetchRequest, Fetched};
use crate::world::spool::SpooledBody;

/// The type of a rendered page, whatever that of the received page is.
const HTML: &str = "text/html; charset=utf-8";
/// A larger response is not passed to the browser.
const LARGEST: u64 = 10 << 20;

/// Captures the page of a visit as a browser shows it, if that is due.
///
/// # Errors
///
/// A failure on our side, as for a visit. A browser that fails is only counted.
pub(super) async fn add(
    visited: &mut VisitResult,
    link: &CheckedLink,
    history: &LinkHistory,
    shared: &Shared,
    world: &World,
) -> anyhow::Result<()> {
    let (Some(browser), Some(received)) = (&world.browser, visited.received.take()) else { return Ok(()) };
    let history = capture_select::without_lost_captures(history, world)?;
    let source = received.body.body.sha256;
    if !rendering::is_due(link, &history, source, world.clock.now())
        || received.body.is_beside()
        || shared.rendered.fetch_add(1, Ordering::Relaxed) >= browser.limits().pages
    {
        return Ok(());
    }
    let (page, loaded) = match open(browser, &received, world).await? {
        Ok(page) => page,
        Err(error) => {
            let address = received.exchange.final_address().clone();
            if let Ok(mut unopened) = shared.unopened.lock() {
                unopened.push(UnopenedPage { address, why: error.to_string() });
            }
            return Ok(());
        }
    };
    let (archive, html) = (world.archive.clone(), page.html);
    let body = tokio::task::spawn_blocking(move || archive.spool_bytes(html.as_bytes())).await??;
    let document = read(&body, &received.exchange, world).await?;
    if !rendering::shows_the_work(link, &received.exchange, &document, world.clock.now()) {
        return Ok(());
    }
    let why = if history.last.is_some() { CaptureReason::Changed } else { CaptureReason::First };
    visited.new_capture = Some(NewCapture {
        body,
        why,
        document,
        validators: None,
        // Later nights receive the page without its text, and have nothing to compare.
        is_baseline: false,
        requisites: Vec::new(),
        shortfall: None,
        rendering: Some(NewRendering { loaded, ..files(&received, page.pdf, world).await? }),
        exchange: received.exchange,
    });
    Ok(())
}

/// The responses that the page of the browser received, for the requisites of the copy.
type Loaded = HashMap<Address, Fetched>;

async fn open(
    browser: &Browser,
    received: &ReceivedBody,
    world: &World,
) -> anyhow::Result<Result<(PageSnapshot, Loaded), crate::world::browser::Error>> {
    let page = ReceivedPage {
        address: received.exchange.final_address().to_string(),
        response: response(&received.exchange, &received.body).await?,
    };
    let requests = PageRequests { world, loaded: Mutex::default(), targets: Mutex::default() };
    let rendered = browser.render(page, |request| requests.answer(request)).await;
    let loaded = requests.loaded.into_inner().unwrap_or_default();
    Ok(rendered.map(|page| (page, loaded)))
}

/// The requests of one page.
struct PageRequests<'a> {
    world: &'a World,
    loaded: Mutex<Loaded>,
    /// The responses at the end of redirects. The browser is redirected itself, so that it
    /// knows the base of relative addresses.
    targets: Mutex<HashMap<Address, PageResponse>>,
}

impl PageRequests<'_> {
    /// `None` if the request is refused or fails.
    async fn answer(&self, request: PageRequest) -> Option<PageResponse> {
        let address = Address::parse(&request.address).ok()?;
        if let Some(known) = self.targets.lock().ok()?.remove(&address) {
            return Some(known);
        }
        let fetch = FetchRequest {
            address: address.clone(),
            conditional: None,
            fresh_connection: false,
            accept: Accept::Anything,
            accept_datetime: None,
        };
        // A failure on our side ends the night at its next visit.
        let fetched = self.world.fetch.exchange(&fetch).await.ok()?;
        let body = fetched.body.as_ref().filter(|body| body.body.bytes <= LARGEST)?;
        let response = response(&fetched.exchange, body).await.ok()?;
        let target = fetched.exchange.final_address().clone();
        if request.is_shown {
            self.loaded.lock().ok()?.insert(address.clone(), fetched);
        }
        if target == address {
            return Some(response);
        }
        let location = ("location".to_owned(), target.to_string());
        self.targets.lock().ok()?.insert(target, response);
        Some(PageResponse { status: 302, headers: vec![location], body: Vec::new() })
    }
}

async fn response(exchange: &Exchange, body: &SpooledBody) -> std::io::Result<PageResponse> {
    let headers = exchange.last_hop().map(|hop| hop.headers.0.clone()).unwrap_or_default();
    Ok(PageResponse {
        status: exchange.status().unwrap_or(200),
        headers,
        body: tokio::fs::read(body.path()).await?,
    })
}

async fn read(body: &SpooledBody, exchange: &Exchange, world: &World) -> anyhow::Result<Document> {
    let context = DocumentContext::new(exchange.final_address().clone(), Some(HTML));
    Ok(world.reader.read(body.path(), &context).await?)
}

/// The page as it was received and the PDF, ready to be stored.
async fn files(received: &ReceivedBody, pdf: Option<Vec<u8>>, world: &World) -> anyhow::Result<NewRendering> {
    let exchange = &received.exchange;
    let address = exchange.final_address();
    let media_type = exchange.last_hop().and_then(|hop| hop.headers.get("content-type")).unwrap_or_default();
    let file = |body: &SpooledBody, media_type: &str| KeptRequisite {
        address: address.clone(),
        sha256: body.body.sha256,
        bytes: body.body.bytes,
        media_type: media_type.to_owned(),
    };
    let source = file(&received.body, media_type);
    let (archive, page) = (world.archive.clone(), tokio::fs::read(received.body.path()).await?);
    let spooling = tokio::task::spawn_blocking(move || {
        let files = [Some(page), pdf].into_iter().flatten();
        files.map(|bytes| archive.spool_bytes(&bytes)).collect::<Result<Vec<_>, _>>()
    });
    let bodies = spooling.await??;
    let printed = bodies.get(1).map(|body| file(body, "application/pdf"));
    let kept = Rendering { source, pdf: printed };
    Ok(NewRendering { kept, bodies, media_type: HTML, loaded: Loaded::new() })
}
