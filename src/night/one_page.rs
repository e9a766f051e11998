//! Reading of one course page, from the web or from a file. It stores nothing.

use jiff::Timestamp;

use crate::domain::address::Address;
use crate::domain::course::{Course, PageSource};
use crate::domain::document::{self, Format};
use crate::domain::evidence::Reason;
use crate::domain::evidence::classify::{ResponseClass, classify};
use crate::domain::evidence::probe::{Probe, ProbeResult};
use crate::domain::evidence::signature_list::FoundSignatures;
use crate::domain::page::{self, Markup, Page, PageContext, UnreadFormat};
use crate::domain::report::wording;
use crate::night::capture_select;
use crate::world::document_reader::Reader;
use crate::world::fetch::{self, Fetch};
use crate::world::page_file;

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
    #[error("{page} has no links; give the page that holds the readings")]
    NoLinks { page: String },
    #[error("{0}")]
    File(String),
}

/// The bytes of a page, before they are parsed.
struct Source {
    bytes: Vec<u8>,
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
                base: published_at.clone().or_else(|| page_file::address(path)),
                content_type: None,
                name: path.display().to_string(),
            },
            Err(fault) => return Ok(Err(NotRead::File(fault.to_string()))),
        },
    };
    let media_type = source.content_type.as_deref().and_then(|value| value.split(';').next()).map(str::trim);
    let text = document::html::decode(&source.bytes, source.content_type.as_deref());
    let text = page::without_stray_nuls(text);
    let head: String = text.chars().take(4096).collect();
    let head = (!head.contains('\0')).then_some(head.as_str());
    let markup = match page::markup_of(media_type, &source.name, head) {
        Ok(markup) => markup,
        Err(format) => return Ok(Err(NotRead::NotAPage { page: page.to_string(), format })),
    };
    let today = now.to_zoned_datetime(course.time_zone.clone()).date();
    let read = parse(text, markup, course.clone(), source.base.clone(), today).await;
    let read = read.without_missing_files(page_file::is_beside);
    Ok(Ok(Read { name: page.to_string(), page: read, bytes: source.bytes }))
}

/// The page, if it has links. A page that never had any is probably the wrong one.
pub fn linked(read: Read) -> Result<Read, NotRead> {
    if read.page.mentions.is_empty() { Err(NotRead::NoLinks { page: read.name }) } else { Ok(read) }
}

/// Parses the markup. A page that makes a parser panic reads as empty, so that the
/// last good reading is used.
async fn parse(
    text: String,
    markup: Markup,
    course: Course,
    base: Option<Address>,
    today: jiff::civil::Date,
) -> Page {
    let reading = tokio::task::spawn_blocking(move || {
        let context = PageContext { base: base.as_ref(), term: course.term, today, kinds: &course.kinds };
        page::read(&text, markup, &context)
    });
    reading.await.unwrap_or_else(|_panic| Page::default())
}

fn unread(format: Format) -> UnreadFormat {
    match format {
        Format::Pdf => UnreadFormat::Pdf,
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
    let is_page = |document: &document::Document| match document.format {
        Format::Html | Format::Text | Format::Notebook | Format::Empty | Format::Other => true,
        Format::Pdf
        | Format::Presentation
        | Format::WordProcessing
        | Format::Spreadsheet
        | Format::Ebook
        | Format::Archive
        | Format::Image
        | Format::Audio
        | Format::Video => false,
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
    let why = match (classify(&answer), &body) {
        (ResponseClass::Content(_), Some(body)) => {
            let bytes = page_file::read(body.path())?;
            return Ok(Ok(Source { bytes, name: base.path().to_owned(), base: Some(base), content_type }));
        }
        (ResponseClass::Unclear(Reason::InternalAddress), _) => return Ok(Err(NotRead::Internal { page })),
        (ResponseClass::Restricted(_), _) => return Ok(Err(NotRead::AsksForAccount { page })),
        (ResponseClass::Gone(why, _) | ResponseClass::Refused(why) | ResponseClass::Unclear(why), _) => why,
        (ResponseClass::Content(_) | ResponseClass::Unmodified, _) => Reason::Unreadable,
    };
    Ok(Err(NotRead::Unreachable { page, why, status }))
}
