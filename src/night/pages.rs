//! The course pages: fetched or read from disk, kept when they changed, and
//! never taken at their word when half of their links are gone at once.

use std::collections::{BTreeMap, HashSet, VecDeque};

use jiff::tz::TimeZone;

use crate::domain::address::Address;
use crate::domain::course::{Course, CourseId, PageSource};
use crate::domain::document::{self, Format};
use crate::domain::evidence::Reason;
use crate::domain::evidence::ask::{Answer, Ask, Subject};
use crate::domain::evidence::glance::{Glance, glance};
use crate::domain::link::{Kind, Mention, Target};
use crate::domain::page::{self, Context, Defect, Markup, Page};
use crate::domain::report::{PageTrouble, wording};
use crate::night::record::{self, Night};
use crate::world::{World, fetch, page_file};

/// Sub-pages followed from one course, at most.
const PAGES_AT_MOST: usize = 200;

/// What a course's pages say tonight.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub course: Course,
    pub pages: Vec<(PageSource, Page)>,
    pub trouble: Option<PageTrouble>,
    /// The course has never been read before.
    pub is_first: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Readings {
    pub read: Vec<Reading>,
    pub unread: Vec<NoPage>,
}

/// A course of which no page was ever read, so that there is nothing to do.
#[derive(Clone, Debug, thiserror::Error)]
#[error("course `{course}`: {trouble}")]
pub struct NoPage {
    pub course: CourseId,
    pub trouble: NotRead,
}

/// Why a course page could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotRead {
    #[error("the page {page} could not be read: {}; open it in a browser, and correct the address", wording::reason(*why, *status))]
    Unreachable { page: String, why: Reason, status: Option<u16> },
    #[error("{page} asks for an account; give an address that opens without one, or a saved file")]
    AsksForAccount { page: String },
    #[error("{page} is neither HTML nor Markdown; give the page that holds the links")]
    NotAPage { page: String },
    #[error("{page} has no links; give the page that holds the readings")]
    NoLinks { page: String },
    #[error("{0}")]
    File(String),
}

/// The body of a page, before it is read.
struct Source {
    bytes: Vec<u8>,
    base: Option<Address>,
    content_type: Option<String>,
    name: String,
}

pub(super) async fn read_all(courses: &[Course], world: &World, night: &Night) -> anyhow::Result<Readings> {
    let mut readings = Readings::default();
    for course in courses {
        match read_course(course, world, night).await? {
            Ok(reading) => readings.read.push(reading),
            Err(trouble) => readings.unread.push(NoPage { course: course.id.clone(), trouble }),
        }
    }
    Ok(readings)
}

async fn read_course(
    course: &Course,
    world: &World,
    night: &Night,
) -> anyhow::Result<Result<Reading, NotRead>> {
    let mut reading = Reading { course: course.clone(), pages: Vec::new(), trouble: None, is_first: true };
    let mut queue: VecDeque<(PageSource, u32)> = course.pages.iter().map(|page| (page.clone(), 0)).collect();
    let mut queued: HashSet<PageSource> = course.pages.iter().cloned().collect();
    while let Some((source, depth)) = queue.pop_front() {
        let is_configured = depth == 0;
        let before = world.catalogue.last_reading(&course.id, &source).await?;
        reading.is_first &= before.is_none();
        let fresh = read_page(course, &source, before.is_some(), world, night).await?;
        let page = match (fresh, before) {
            (Ok((page, _)), Some((_, before)))
                if page::shrunken(before.mentions.len(), page.mentions.len()) =>
            {
                reading.trouble.get_or_insert(PageTrouble::Shrunken {
                    page: source.to_string(),
                    before: count(before.mentions.len()),
                    after: count(page.mentions.len()),
                });
                before
            }
            (Ok((page, bytes)), before) => {
                night
                    .keep_page(
                        record::PageRead { course, source: &source, page: &page, bytes: &bytes },
                        before.as_ref(),
                        world,
                    )
                    .await?;
                page
            }
            (Err(not_read), Some((_, before))) => {
                reading.trouble.get_or_insert(trouble(&source, &not_read));
                before
            }
            (Err(not_read), None) if is_configured => return Ok(Err(not_read)),
            (Err(_), None) => continue,
        };
        for next in followed(course, &page, depth) {
            if queued.len() < PAGES_AT_MOST && queued.insert(next.clone()) {
                queue.push_back((next, depth + 1));
            }
        }
        reading.pages.push((source, page));
    }
    Ok(Ok(reading))
}

/// The courses as their pages were last read, without asking for any page.
pub(super) async fn remembered(courses: &[Course], world: &World) -> anyhow::Result<Vec<Reading>> {
    let mut readings = Vec::new();
    for course in courses {
        let mut reading =
            Reading { course: course.clone(), pages: Vec::new(), trouble: None, is_first: false };
        let mut queue: VecDeque<(PageSource, u32)> =
            course.pages.iter().map(|page| (page.clone(), 0)).collect();
        let mut queued: HashSet<PageSource> = course.pages.iter().cloned().collect();
        while let Some((source, depth)) = queue.pop_front() {
            let Some((_, page)) = world.catalogue.last_reading(&course.id, &source).await? else { continue };
            for next in followed(course, &page, depth) {
                if queued.len() < PAGES_AT_MOST && queued.insert(next.clone()) {
                    queue.push_back((next, depth + 1));
                }
            }
            reading.pages.push((source, page));
        }
        readings.push(reading);
    }
    Ok(readings)
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The sub-pages to which a page leads, as far as the course wants them followed.
fn followed(course: &Course, page: &Page, depth: u32) -> Vec<PageSource> {
    let Some(follow) = course.follow.as_ref().filter(|follow| depth < follow.depth) else {
        return Vec::new();
    };
    page.mentions
        .iter()
        .filter(|mention| mention.kind == Kind::CoursePage)
        .filter_map(Mention::address)
        .filter(|address| address.as_str().starts_with(follow.prefix.as_str()))
        .map(|address| PageSource::Web(address.clone()))
        .collect()
}

fn trouble(source: &PageSource, not_read: &NotRead) -> PageTrouble {
    let page = source.to_string();
    match not_read {
        NotRead::Unreachable { why, status, .. } => {
            PageTrouble::Unreachable { page, why: *why, status: *status }
        }
        NotRead::AsksForAccount { .. } | NotRead::NotAPage { .. } => {
            PageTrouble::NotThePage { page, title: None }
        }
        NotRead::NoLinks { .. } => PageTrouble::Unreachable { page, why: Reason::Empty, status: None },
        NotRead::File(_) => PageTrouble::Unreachable { page, why: Reason::NotFound, status: None },
    }
}

async fn read_page(
    course: &Course,
    page: &PageSource,
    is_known: bool,
    world: &World,
    night: &Night,
) -> anyhow::Result<Result<(Page, Vec<u8>), NotRead>> {
    let source = match page {
        PageSource::Web(address) => match fetch_page(address, world).await? {
            Ok(source) => source,
            Err(not_read) => return Ok(Err(not_read)),
        },
        PageSource::File { path, published_at } => match page_file::read(path) {
            Ok(bytes) => Source {
                bytes,
                base: published_at.clone(),
                content_type: None,
                name: path.display().to_string(),
            },
            Err(fault) => return Ok(Err(NotRead::File(fault.to_string()))),
        },
    };
    let media_type = source.content_type.as_deref().and_then(|value| value.split(';').next()).map(str::trim);
    let head = &source.bytes[..source.bytes.len().min(4096)];
    let Some(markup) = page::markup_of(media_type, &source.name, head) else {
        return Ok(Err(NotRead::NotAPage { page: page.to_string() }));
    };
    let today = night.row.started.to_zoned_datetime(course.time_zone.clone()).date();
    let text = document::html::decode(&source.bytes, source.content_type.as_deref());
    let read = parse(text, markup, course.clone(), source.base.clone(), today).await;
    if read.mentions.is_empty() && !is_known {
        return Ok(Err(NotRead::NoLinks { page: page.to_string() }));
    }
    Ok(Ok((read, source.bytes)))
}

/// Parsing strangers' markup may fail in ways a library did not foresee; a
/// page that brings it down reads as empty, and the last good reading stands.
async fn parse(
    text: String,
    markup: Markup,
    course: Course,
    base: Option<Address>,
    today: jiff::civil::Date,
) -> Page {
    let reading = tokio::task::spawn_blocking(move || {
        let context = Context { base: base.as_ref(), term: course.term, today, kinds: &course.kinds };
        page::read(&text, markup, &context)
    });
    reading.await.unwrap_or_default()
}

async fn fetch_page(address: &Address, world: &World) -> anyhow::Result<Result<Source, NotRead>> {
    let request = |fresh_connection| fetch::Request {
        address: address.clone(),
        validators: None,
        fresh_connection,
        accept: fetch::Accept::Page,
        near: None,
    };
    let mut fetched = world.fetch.exchange(&request(false)).await?;
    if fetched.body.is_none() {
        fetched = world.fetch.exchange(&request(true)).await?;
    }
    let fetch::Fetched { exchange, body } = fetched;
    let status = exchange.status();
    let content_type = exchange.last_hop().and_then(|hop| hop.headers.get("content-type")).map(str::to_owned);
    let base = exchange.final_address().clone();
    let page = address.to_string();
    let document = match &body {
        Some(body) => {
            let context = document::Context::new(base.clone(), content_type.as_deref());
            Some(world.reader.read(body.path(), &context).await?)
        }
        None => None,
    };
    let is_page = |document: &document::Document| match document.format {
        Format::Html | Format::Text | Format::Notebook | Format::Empty | Format::Other => true,
        Format::Pdf | Format::Image | Format::Audio | Format::Video => false,
    };
    if document.as_ref().is_some_and(|document| !is_page(document)) {
        return Ok(Err(NotRead::NotAPage { page }));
    }
    let answer = Answer { ask: Ask::Link, exchange, document, is_known: false };
    let why = match (glance(&answer), &body) {
        (Glance::Work(_), Some(body)) => {
            let bytes = page_file::read(body.path())?;
            return Ok(Ok(Source { bytes, name: base.path().to_owned(), base: Some(base), content_type }));
        }
        (Glance::Restricted(_), _) => return Ok(Err(NotRead::AsksForAccount { page })),
        (Glance::Gone(why, _) | Glance::Refused(why) | Glance::Unclear(why), _) => why,
        (Glance::Work(_) | Glance::Unmodified, _) => Reason::Unreadable,
    };
    Ok(Err(NotRead::Unreachable { page, why, status }))
}

/// The distinct links of all pages, in the order in which they first stand there.
pub(super) fn links(readings: &[Reading]) -> Vec<Subject> {
    let mut order: Vec<Address> = Vec::new();
    let mut subjects: BTreeMap<Address, Subject> = BTreeMap::new();
    let mentions = readings.iter().flat_map(|reading| &reading.pages).flat_map(|(_, page)| &page.mentions);
    for mention in mentions {
        let Target::Web { address, fragment } = &mention.target else { continue };
        let subject = subjects.entry(address.clone()).or_insert_with(|| {
            order.push(address.clone());
            Subject { address: address.clone(), words: Vec::new(), kind: mention.kind, fragments: Vec::new() }
        });
        if !mention.words.is_empty() && !subject.words.contains(&mention.words) {
            subject.words.push(mention.words.clone());
        }
        if let Some(fragment) = fragment.as_ref().filter(|fragment| !subject.fragments.contains(fragment)) {
            subject.fragments.push(fragment.clone());
        }
    }
    order.iter().filter_map(|address| subjects.remove(address)).collect()
}

/// All defects of a course's pages, in order.
pub(super) fn defects(reading: &Reading) -> Vec<Defect> {
    reading.pages.iter().flat_map(|(_, page)| page.defects.clone()).collect()
}

/// The local day of the night for a course.
pub(super) fn local_day(started: jiff::Timestamp, zone: &TimeZone) -> jiff::civil::Date {
    started.to_zoned_datetime(zone.clone()).date()
}
