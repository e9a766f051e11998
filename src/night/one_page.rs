//! Reading of one course page, from the web or from a file. It stores nothing.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::domain::address::Address;
use crate::domain::course::{Course, PageSource};
use crate::domain::document::{Document, Format};
use crate::domain::evidence::Reason;
use crate::domain::evidence::classify::{ResponseClass, classify};
use crate::domain::evidence::probe::{Probe, ProbeResult};
use crate::domain::evidence::signature_list::FoundSignatures;
use crate::domain::page::{Page, PageInput, SiteFiles, UnreadFormat};
use crate::domain::report::wording;
use crate::night::capture_select;
use crate::world::document_reader::{PageResult, Reader, TIME_PER_DOCUMENT};
use crate::world::fetch::{self, Fetch};
use crate::world::spool::SpooledBody;
use crate::world::{page_file, site_files};

/// A page that could be read.
#[derive(Clone, Debug)]
pub struct Read {
    /// Its address, or its file.
    pub name: String,
    pub page: Page,
    pub bytes: Vec<u8>,
}

/// Why a course page could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotRead {
    #[error("the page {page} could not be read: {}; open it in a browser, and correct the address", wording::reason(*why, *status))]
    Unreachable { page: String, why: Reason, status: Option<u16> },
    #[error(
        "{page} is on this machine or in a private network, which is not visited; to allow it, give --allow-private-networks, or set allow_private_networks in the configuration"
    )]
    Internal { page: String },
    #[error("{page} asks for an account; give an address that opens without one, or a saved file")]
    AsksForAccount { page: String },
    #[error(
        "{page} is {format}, which cannot be read as a course page; save it as HTML or Markdown, or give the published page"
    )]
    NotAPage { page: String, format: UnreadFormat },
    #[error(
        "{page} could not be read: it needs more than {} s or too much memory; give a page with fewer or less deeply nested elements",
        TIME_PER_DOCUMENT.as_secs()
    )]
    TooCostly { page: String },
    #[error("{page} has no links; give the page that holds the readings")]
    NoLinks { page: String },
    #[error("{0}")]
    File(String),
}

/// The bytes of a page, before they are parsed.
struct Source {
    bytes: Vec<u8>,
    /// The file that has the bytes; the body of a fetched page is there as long as `body`.
    file: PathBuf,
    _body: Option<SpooledBody>,
    base: Option<Address>,
    content_type: Option<String>,
    name: String,
}

/// Reads the present version of a page.
///
/// # Errors
///
/// A failure on our side, such as a full disk.
pub async fn read(
    course: &Course,
    page: &PageSource,
    now: Timestamp,
    fetch: &Fetch,
    reader: &Reader,
) -> anyhow::Result<Result<Read, NotRead>> {
    let source = match page {
        PageSource::Web(address) => match fetch_page(address, fetch, reader).await? {
            Ok(source) => source,
            Err(not_read) => return Ok(Err(not_read)),
        },
        PageSource::File { path, published_at } => match page_file::read(path) {
            Ok(bytes) => Source {
                bytes,
                file: path.clone(),
                _body: None,
                base: published_at.clone().or_else(|| page_file::address(path)),
                content_type: None,
                name: path.display().to_string(),
            },
            Err(fault) => return Ok(Err(NotRead::File(fault.to_string()))),
        },
    };
    let input = PageInput {
        content_type: source.content_type,
        name: source.name,
        base: source.base,
        term: course.term,
        today: now.to_zoned_datetime(course.time_zone.clone()).date(),
        kinds: course.kinds.clone(),
        site: site_around(page, &source.bytes),
    };
    let name = page.to_string();
    let read = match reader.read_page(&source.file, input).await? {
        PageResult::Read(read) => read,
        PageResult::NotAPage(format) => return Ok(Err(NotRead::NotAPage { page: name, format })),
        PageResult::Broken | PageResult::TooCostly => return Ok(Err(NotRead::TooCostly { page: name })),
    };
    let read = read.without_missing_files(page_file::is_beside);
    Ok(Ok(Read { name, page: read, bytes: source.bytes }))
}

/// The site of a page file that has placeholders, or whose links may lead to other sources
/// of the published site.
fn site_around(page: &PageSource, bytes: &[u8]) -> Option<SiteFiles> {
    let PageSource::File { path, published_at } = page else { return None };
    let has_placeholders = bytes.windows(2).any(|pair| matches!(pair, b"{{" | b"{%"));
    if has_placeholders || published_at.is_some() { site_files::around(path) } else { None }
}

/// The page, if it has links. A page that never had any is probably the wrong one.
pub fn linked(read: Read) -> Result<Read, NotRead> {
    if read.page.mentions.is_empty() { Err(NotRead::NoLinks { page: read.name }) } else { Ok(read) }
}

/// Whether a document may be a course page.
fn is_page(document: &Document) -> bool {
    match document.format {
        Format::Html
        | Format::Text
        | Format::Notebook
        | Format::Pdf
        | Format::WordProcessing
        | Format::Empty
        | Format::Other => true,
        Format::Presentation
        | Format::Spreadsheet
        | Format::Ebook
        | Format::Archive
        | Format::Image
        | Format::Audio
        | Format::Video => false,
    }
}

fn unread(format: Format) -> UnreadFormat {
    match format {
        Format::Presentation => UnreadFormat::Presentation,
        Format::Spreadsheet => UnreadFormat::Spreadsheet,
        _ => UnreadFormat::Other,
    }
}

async fn fetch_page(
    address: &Address,
    fetch: &Fetch,
    reader: &Reader,
) -> anyhow::Result<Result<Source, NotRead>> {
    let request = |fresh_connection| fetch::FetchRequest {
        address: address.clone(),
        conditional: None,
        fresh_connection,
        accept: fetch::Accept::Page,
        accept_datetime: None,
    };
    let mut fetched = fetch.exchange(&request(false)).await?;
    if fetched.body.is_none() {
        fetched = fetch.exchange(&request(true)).await?;
    }
    let fetch::Fetched { exchange, body } = fetched;
    let status = exchange.status();
    let content_type = exchange.last_hop().and_then(|hop| hop.headers.get("content-type")).map(str::to_owned);
    let base = exchange.final_address().clone();
    let page = address.to_string();
    let document = match &body {
        Some(body) => Some(capture_select::read_body(body, &exchange, reader).await?),
        None => None,
    };
    if document.as_ref().is_some_and(|document| !is_page(document)) {
        let format = document.as_ref().map_or(UnreadFormat::Other, |document| unread(document.format));
        return Ok(Err(NotRead::NotAPage { page, format }));
    }
    let answer = ProbeResult {
        probe: Probe::Link,
        exchange,
        document,
        is_known: false,
        signatures: FoundSignatures::default(),
    };
    let why = match (classify(&answer), body) {
        (ResponseClass::Content(_), Some(body)) => {
            let bytes = page_file::read(body.path())?;
            let name = base.path().to_owned();
            let file = body.path().to_owned();
            return Ok(Ok(Source { bytes, file, _body: Some(body), name, base: Some(base), content_type }));
        }
        (ResponseClass::Unclear(Reason::InternalAddress), _) => return Ok(Err(NotRead::Internal { page })),
        (ResponseClass::Restricted(_), _) => return Ok(Err(NotRead::AsksForAccount { page })),
        (ResponseClass::Gone(why, _) | ResponseClass::Refused(why) | ResponseClass::Unclear(why), _) => why,
        (ResponseClass::Content(_) | ResponseClass::Unmodified, _) => Reason::Unreadable,
    };
    Ok(Err(NotRead::Unreachable { page, why, status }))
}
