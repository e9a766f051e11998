//! Fetches the requisites of a captured page. Each address is requested at most once a
//! night, by the same polite fetcher as the links, and within limits.
//!
//! Requisites are never judged. If one cannot be fetched, the copy lacks it, and the
//! state of the link does not change.

use std::collections::{HashMap, VecDeque};
use std::io::Read as _;
use std::sync::Mutex;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::address::Address;
use crate::domain::capture::{Digest, KeptRequisite};
use crate::domain::document::{Document, Format, format_by_head, html};
use crate::domain::evidence::host_rules;
use crate::domain::evidence::link_history::LinkHistory;
use crate::domain::replay::RequisiteRole;
use crate::domain::replay::requisites::{Requisite, of_page, of_sheet};
use crate::domain::replay::{markdown, notebook};
use crate::world::World;
use crate::world::archive;
use crate::world::fetch::{Accept, FetchRequest, Fetched};
use crate::world::spool::SpooledBody;

/// The limits for one page: number of requisites, bytes in all, bytes of one, time.
const MOST: usize = 200;
const MOST_BYTES: u64 = 40 << 20;
const LARGEST: u64 = 10 << 20;
const LONGEST: Duration = Duration::from_mins(3);
/// Style sheets within style sheets, frames within frames.
const DEPTH: u32 = 3;
/// A requisite of an earlier version of the page is not requested again before this age.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The requisites that were requested tonight, by address.
#[derive(Debug, Default)]
pub(super) struct RequisiteCache(Mutex<HashMap<Address, CachedRequisite>>);

/// The result of tonight's request for a requisite.
#[derive(Clone, Debug)]
enum CachedRequisite {
    Kept(KeptRequisite),
    Unavailable,
}

impl RequisiteCache {
    fn get(&self, address: &Address) -> Option<CachedRequisite> {
        self.0.lock().ok()?.get(address).cloned()
    }

    fn remember(&self, address: &Address, kept: Option<KeptRequisite>) {
        let kept = kept.map_or(CachedRequisite::Unavailable, CachedRequisite::Kept);
        if let Ok(mut known) = self.0.lock() {
            known.insert(address.clone(), kept);
        }
    }
}

/// A page that was captured tonight.
#[derive(Clone, Copy)]
pub(super) struct CapturedPage<'a> {
    pub body: &'a SpooledBody,
    pub document: &'a Document,
    pub address: &'a Address,
    pub content_type: Option<&'a str>,
}

/// The requisites that need no request.
pub(super) struct RequisitesBefore<'a> {
    /// The responses that were already received for the page.
    pub loaded: HashMap<Address, Fetched>,
    pub history: &'a LinkHistory,
    pub cache: &'a RequisiteCache,
}

/// Fetches and stores the requisites of a page, the most important first. `left` is the
/// number of bytes that the quotas leave; a requisite that exceeds it is left out.
///
/// # Errors
///
/// A failure on our side, as for a visit.
pub(super) async fn fetch(
    page: CapturedPage<'_>,
    before: RequisitesBefore<'_>,
    left: u64,
    world: &World,
) -> anyhow::Result<Vec<KeptRequisite>> {
    if !is_shown_as_page(&page) {
        return Ok(Vec::new());
    }
    let bytes = tokio::fs::read(page.body.path()).await?;
    let source = html::decode(&bytes, page.content_type);
    let source = match page.document.format {
        Format::Html => source,
        Format::Notebook => notebook::page(&bytes, "").unwrap_or_default(),
        _ => markdown::page("", &markdown::html(&source)),
    };
    let RequisitesBefore { loaded, history, cache } = before;
    let mut fetcher = RequisiteFetcher {
        world,
        cache,
        loaded,
        earlier: earlier(history, world.clock.now()),
        texts: HashMap::new(),
        kept: Vec::new(),
        bytes: 0,
        left,
    };
    let mut waiting: VecDeque<(Requisite, u32)> = fetcher.of_page(&source, &page).await?.into();
    let began = world.clock.instant();
    let mut seen: Vec<Address> = Vec::new();
    while let Some((requisite, depth)) = waiting.pop_front() {
        let is_over = fetcher.kept.len() >= MOST
            || fetcher.bytes >= MOST_BYTES
            || world.clock.instant().duration_since(began) >= LONGEST;
        if is_over {
            break;
        }
        if seen.contains(&requisite.address) {
            continue;
        }
        seen.push(requisite.address.clone());
        if let Some(kept) = fetcher.fetch(&requisite).await? {
            fetcher.bytes += kept.bytes;
            let further = if depth < DEPTH { fetcher.nested(&requisite, &kept).await? } else { Vec::new() };
            fetcher.kept.push(kept);
            let is_text = requisite.role == RequisiteRole::Text;
            waiting.extend(further.into_iter().map(|next| (next, depth + 1)));
            if is_text {
                waiting.extend(fetcher.of_page(&source, &page).await?);
            }
        }
    }
    Ok(fetcher.kept)
}

/// Whether a document is shown as a page with pictures.
fn is_shown_as_page(page: &CapturedPage<'_>) -> bool {
    let is_markdown = page.address.path().to_ascii_lowercase().ends_with(".md")
        || page.content_type.is_some_and(|claimed| claimed.to_ascii_lowercase().contains("markdown"));
    match page.document.format {
        Format::Html | Format::Notebook => true,
        Format::Text => is_markdown,
        _ => false,
    }
}

/// The requisites of an earlier capture of the page, unless it is old.
fn earlier(history: &LinkHistory, now: Timestamp) -> HashMap<Address, KeptRequisite> {
    let is_fresh = |at: Timestamp| now.duration_since(at) < KEPT_FOR;
    let last = history.last.iter().filter(|kept| is_fresh(kept.capture.captured_at));
    last.flat_map(|kept| &kept.requisites).map(|it| (it.address.clone(), it.clone())).collect()
}

/// The requisites of one page, as they arrive.
struct RequisiteFetcher<'a> {
    world: &'a World,
    cache: &'a RequisiteCache,
    loaded: HashMap<Address, Fetched>,
    earlier: HashMap<Address, KeptRequisite>,
    texts: HashMap<Address, String>,
    kept: Vec<KeptRequisite>,
    bytes: u64,
    /// The most bytes in all, by the quotas.
    left: u64,
}

impl RequisiteFetcher<'_> {
    async fn of_page(&self, source: &str, page: &CapturedPage<'_>) -> anyhow::Result<Vec<(Requisite, u32)>> {
        let (source, address, texts) = (source.to_owned(), page.address.clone(), self.texts.clone());
        let content_type = page.content_type.map(str::to_owned);
        // A page with a million elements must not delay the other links.
        let finding = tokio::task::spawn_blocking(move || {
            of_page(&source, &address, content_type.as_deref(), |at| texts.get(at).cloned())
        });
        Ok(finding.await?.into_iter().map(|requisite| (requisite, 0)).collect())
    }

    async fn fetch(&mut self, requisite: &Requisite) -> anyhow::Result<Option<KeptRequisite>> {
        let address = &requisite.address;
        match self.cache.get(address) {
            Some(CachedRequisite::Kept(kept)) => return Ok(Some(kept)),
            Some(CachedRequisite::Unavailable) => return Ok(None),
            None => {}
        }
        if let Some(kept) = self.earlier.get(address) {
            let (archive, digest) = (self.world.archive.clone(), kept.sha256);
            // An altered file is fetched again.
            if tokio::task::spawn_blocking(move || archive.has_blob(digest)).await?? {
                return Ok(Some(kept.clone()));
            }
        }
        // A frame with a video player needs the video host and is not stored.
        let is_player =
            requisite.role == RequisiteRole::Frame && host_rules::rules_for(address).host_api.is_some();
        let kept = if is_player { None } else { self.request(requisite).await? };
        self.cache.remember(address, kept.clone());
        Ok(kept)
    }

    async fn request(&mut self, requisite: &Requisite) -> anyhow::Result<Option<KeptRequisite>> {
        let request = FetchRequest {
            address: requisite.address.clone(),
            conditional: None,
            fresh_connection: false,
            accept: Accept::Anything,
            accept_datetime: None,
        };
        let Fetched { exchange, body } = match self.loaded.remove(&requisite.address) {
            Some(loaded) => loaded,
            None => self.world.fetch.exchange(&request).await?,
        };
        // A full disk has no room for requisites either.
        let is_wanted = |body: &SpooledBody| {
            exchange.status() == Some(200)
                && body.body.bytes <= LARGEST.min(self.left.saturating_sub(self.bytes))
                && !body.is_beside()
        };
        let Some(body) = body.filter(is_wanted) else {
            return Ok(None);
        };
        let bytes = tokio::fs::read(body.path()).await?;
        let taken_down = self.world.catalogue.taken_down_among(&[body.body.sha256]).await?;
        if !fits(requisite.role, &bytes) || !taken_down.is_empty() {
            return Ok(None);
        }
        let media_type = exchange
            .last_hop()
            .and_then(|hop| hop.headers.get("content-type"))
            .unwrap_or_default()
            .to_owned();
        let (sha256, length) = (body.body.sha256, body.body.bytes);
        // The disk may need long, and the other hosts must not wait for it.
        let archive = self.world.archive.clone();
        tokio::task::spawn_blocking(move || archive.store(&[body])).await??;
        Ok(Some(KeptRequisite { address: requisite.address.clone(), sha256, bytes: length, media_type }))
    }

    /// The bytes of a stored requisite, unless they are missing or altered.
    async fn stored(&self, digest: Digest) -> anyhow::Result<Option<Vec<u8>>> {
        let archive = self.world.archive.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let mut file = match archive.open_blob(digest) {
                Ok(file) => file,
                Err(archive::Error::Missing(_) | archive::Error::Altered { .. }) => return Ok(None),
                Err(error) => return Err(anyhow::Error::from(error)),
            };
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        });
        reading.await?
    }

    /// The requisites of a requisite.
    async fn nested(
        &mut self,
        requisite: &Requisite,
        kept: &KeptRequisite,
    ) -> anyhow::Result<Vec<Requisite>> {
        if !matches!(requisite.role, RequisiteRole::Sheet | RequisiteRole::Frame | RequisiteRole::Text) {
            return Ok(Vec::new());
        }
        let Some(bytes) = self.stored(kept.sha256).await? else { return Ok(Vec::new()) };
        let text = html::decode(&bytes, Some(&kept.media_type));
        let address = requisite.address.clone();
        let finding = match requisite.role {
            RequisiteRole::Sheet => tokio::task::spawn_blocking(move || of_sheet(&text, &address)),
            RequisiteRole::Frame if format_by_head(&bytes) == Format::Html => {
                let content_type = kept.media_type.clone();
                tokio::task::spawn_blocking(move || of_page(&text, &address, Some(&content_type), |_| None))
            }
            RequisiteRole::Text => {
                self.texts.insert(address, text);
                return Ok(Vec::new());
            }
            _ => return Ok(Vec::new()),
        };
        Ok(finding.await?)
    }
}

/// Whether a body can be this requisite: an error page is not a picture.
fn fits(role: RequisiteRole, bytes: &[u8]) -> bool {
    let format = format_by_head(bytes);
    match role {
        RequisiteRole::Frame => matches!(format, Format::Html | Format::Pdf | Format::Image | Format::Text),
        RequisiteRole::Sheet | RequisiteRole::Text | RequisiteRole::Captions => {
            matches!(format, Format::Text)
        }
        RequisiteRole::Image | RequisiteRole::Icon => {
            !matches!(format, Format::Html | Format::Empty | Format::Pdf)
        }
        RequisiteRole::Font => !matches!(format, Format::Html | Format::Empty | Format::Text),
    }
}
