//! A headless Chromium that opens one page and has no network of its own.
//!
//! The command line takes the network away from it (`process`): a proxy that cannot be
//! reached, no name resolution, no QUIC, no WebRTC outside the proxy. Each request of the
//! page is intercepted (`interception`) and answered by a function of the caller, which
//! decides what may be fetched. The browser is a process group with an empty profile, and
//! ends with the page.
//!
//! The `DevTools` protocol is spoken over two pipes (`connection`). A port on loopback would
//! be open to every program of this machine, and to the page itself.

#![expect(clippy::disallowed_methods, reason = "this module starts the browser")]

mod connection;
mod interception;
mod process;
mod tab;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::Semaphore;

use self::connection::DevTools;
use self::interception::Interception;
use self::process::BrowserProcess;
use self::tab::Tab;
use crate::world::clock::Clock;

/// The program and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserSettings {
    pub program: PathBuf,
    pub limits: BrowserLimits,
}

/// The bounds of one page, and of the processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserLimits {
    /// The browser is ended after this time.
    pub time: Duration,
    /// The requests that are answered. Later ones fail.
    pub requests: usize,
    /// The bytes of all responses. Later requests fail.
    pub response_bytes: u64,
    /// The longest page and the largest PDF that are returned.
    pub page_bytes: usize,
    /// The processes that show content. Pages of several sites share them.
    pub renderers: u32,
    /// How many browsers run at the same time.
    pub at_once: usize,
    /// The pages that are opened in one night.
    pub pages: usize,
}

impl Default for BrowserLimits {
    fn default() -> Self {
        Self {
            time: Duration::from_mins(2),
            requests: 300,
            response_bytes: 50 << 20,
            page_bytes: 10 << 20,
            renderers: 2,
            at_once: 1,
            pages: 100,
        }
    }
}

/// A page that was received, for the browser to open.
#[derive(Clone, Debug)]
pub struct ReceivedPage {
    pub address: String,
    pub response: PageResponse,
}

/// A request of the page: a GET of an http or https address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    pub address: String,
    /// It is for something that a page without scripts shows: a picture, a style sheet, a
    /// font or a frame.
    pub is_shown: bool,
}

/// What the browser receives for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A page as the browser showed it.
#[derive(Clone, Debug)]
pub struct PageSnapshot {
    /// Its markup without scripts, as UTF-8.
    pub html: String,
    pub pdf: Option<Vec<u8>>,
}

/// Why a page was not rendered. This says nothing about the page's link.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot start the browser {}: {source}; correct the key `browser` of [render]", program.display())]
    NotStarted { program: PathBuf, source: io::Error },
    #[error("cannot make a profile directory for the browser: {0}; check the directory for temporary files")]
    Profile(#[source] io::Error),
    #[error("the browser ended before the page was read")]
    Ended,
    #[error("the browser needed more than {0:?} for the page")]
    TimedOut(Duration),
    #[error("the page became longer than {0} bytes")]
    TooLong(usize),
    #[error("the browser refused `{method}`: {what}")]
    Refused { method: &'static str, what: String },
    #[error("the browser sent something that is not the DevTools protocol: {0}")]
    Protocol(String),
}

/// Starts browsers, within the bounds.
#[derive(Debug)]
pub struct Browser {
    settings: BrowserSettings,
    clock: Clock,
    turns: Semaphore,
}

impl Browser {
    pub fn new(settings: BrowserSettings, clock: Clock) -> Self {
        let turns = Semaphore::new(settings.limits.at_once.max(1));
        Self { settings, clock, turns }
    }

    pub fn limits(&self) -> &BrowserLimits {
        &self.settings.limits
    }

    /// Opens a page, waits until it is quiet, and returns it as it then stands. `answer`
    /// gives the response for each request; without one the request fails.
    ///
    /// # Errors
    ///
    /// The page or the browser did not end within the bounds.
    pub async fn render<F: Future<Output = Option<PageResponse>>>(
        &self,
        page: ReceivedPage,
        answer: impl Fn(PageRequest) -> F,
    ) -> Result<PageSnapshot, Error> {
        // The semaphore is never closed, so waiting for a turn cannot fail.
        let _turn = self.turns.acquire().await;
        let limits = &self.settings.limits;
        let mut process = BrowserProcess::start(&self.settings)?;
        let (connection, reading, events) = DevTools::over(process.requests()?, process.answers()?, limits);
        let address = page.address.clone();
        let interception = Interception::new(&connection, limits, page);
        let tab = Tab { connection: &connection, interception: &interception, clock: self.clock, limits };
        let rendering = async {
            tokio::select! {
                rendered = tab.render(&address) => rendered,
                ended = reading => Err(ended),
                ended = interception.answer_all(events, answer) => Err(ended),
            }
        };
        let rendered = tokio::time::timeout(limits.time, rendering).await;
        process.end(self.clock).await;
        rendered.unwrap_or(Err(Error::TimedOut(limits.time)))
    }
}
