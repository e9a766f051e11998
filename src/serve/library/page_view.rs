//! Shows a copy as a page: a web page with its requisites, a notebook, a text.
//!
//! Formats that a browser shows by itself (PDF, pictures) are not converted;
//! `delivery` sends them.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::Arc;

use crate::domain::address::Address;
use crate::domain::capture::{CaptureId, KeptRequisite};
use crate::domain::document::passage::Passage;
use crate::domain::document::{Format, format_by_head, html};
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::replay::html::{RewriteContext, rewrite};
use crate::domain::replay::{Copies, Destination, RequisiteRole, code, css, markdown, notebook, office};
use crate::domain::report::wording::student;
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::Error;
use crate::serve::library::Library;
use crate::serve::library::course::LinkView;
use crate::serve::middleware::copies_origin;
use crate::world::archive;

/// A larger page can only be downloaded.
const MAX_BYTES: u64 = 16 << 20;

/// The conversion for a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) enum PageKind {
    Html,
    Notebook,
    Markdown,
    /// A file with code.
    Code,
    /// Text with unchanged characters, in UTF-8.
    Text,
    Sheet,
    /// The text of an office file, which the catalogue has.
    OfficeText,
}

/// A page ready to be sent.
#[derive(Clone, Debug)]
pub(in crate::serve) struct RenderedPage {
    pub content_type: &'static str,
    pub text: String,
}

/// The path of the page of a capture.
pub(in crate::serve) fn path(id: &CaptureId) -> String {
    format!("/view/{id}/")
}

/// The path of a requisite of a captured page; `place` is its index in the list.
pub(in crate::serve) fn requisite_path(id: &CaptureId, place: usize) -> String {
    format!("/view/{id}/{place}")
}

/// The conversion for bytes, by their beginning, their claimed type and their address.
pub(in crate::serve) fn kind(head: &[u8], claimed: &str, address: &Address) -> Option<PageKind> {
    let path = address.path().to_ascii_lowercase();
    let claimed = claimed.trim().to_ascii_lowercase();
    let is_markdown = claimed.contains("markdown") || path.ends_with(".md");
    match format_by_head(head) {
        // A README often begins with elements of HTML.
        Format::Html if is_markdown && !is_whole_page(head) => Some(PageKind::Markdown),
        Format::Html => Some(PageKind::Html),
        Format::Text if claimed.starts_with("text/css") => Some(PageKind::Sheet),
        Format::Text | Format::Notebook if is_notebook(head, &path, &claimed) => Some(PageKind::Notebook),
        Format::Text if is_markdown => Some(PageKind::Markdown),
        Format::Text if code::file_ending(&path).is_some() => Some(PageKind::Code),
        Format::Text if !head.starts_with(b"%!PS") => Some(PageKind::Text),
        Format::Archive if is_office(&path, &claimed) => Some(PageKind::OfficeText),
        _ => None,
    }
}

/// Whether a body begins as a page, not as a part of one.
fn is_whole_page(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head.get(..100).unwrap_or(head)).trim_start().to_ascii_lowercase();
    ["<!doctype", "<html", "<?xml"].iter().any(|start| head.starts_with(start))
}

/// Whether a file in a ZIP container is an office file, by its name or its claimed type.
fn is_office(path: &str, claimed: &str) -> bool {
    const ENDINGS: &[&str] = &[".pptx", ".docx", ".xlsx", ".odp", ".odt", ".ods"];
    const TYPES: &[&str] = &["officedocument", "opendocument"];
    ENDINGS.iter().any(|ending| path.ends_with(ending)) || TYPES.iter().any(|known| claimed.contains(known))
}

fn is_notebook(head: &[u8], path: &str, claimed: &str) -> bool {
    let has = |mark: &[u8]| head.windows(mark.len()).any(|window| window == mark);
    let is_object = head.trim_ascii_start().first() == Some(&b'{');
    is_object
        && (path.ends_with(".ipynb")
            || claimed.contains("ipynb")
            || has(b"\"cells\"")
            || has(b"\"worksheets\"")
            || has(b"\"nbformat\""))
}

/// Where a page finds its requisites.
#[derive(Clone, Debug)]
enum RequisiteAddresses {
    /// At this service, below this address.
    Service(String),
    /// Files in a directory, which has this path from the page.
    Files(&'static str),
}

/// The data for showing the page of one capture.
pub(in crate::serve) struct CapturePage {
    id: CaptureId,
    title: String,
    requisites: Arc<Vec<KeptRequisite>>,
    addresses: RequisiteAddresses,
    /// Copies of the course, by the addresses of their links and documents.
    links: HashMap<Address, String>,
    texts: HashMap<Address, String>,
}

impl CapturePage {
    /// Collects the data for a page. The caller has checked that it may be opened.
    pub(in crate::serve) fn of(
        library: &Library,
        visitor: &Visitor,
        link: &LinkView,
        kept: &StoredCapture,
    ) -> Self {
        let prefix = match copies_origin::of_link(&library.settings, link) {
            Some(origin) => origin.absolute(""),
            None => library.settings.base_url.at(""),
        };
        let mut links = HashMap::new();
        for other in link.course.links(visitor).filter(|other| library.may_open(other).is_ok()) {
            let Some(copy) = other.copy().filter(|copy| copy.id() != kept.capture.id()) else { continue };
            let page = library.settings.base_url.absolute(&format!("/a/{}", copy.id()));
            links.insert(other.facts().link.clone(), page.clone());
            links.entry(copy.document.clone()).or_insert(page);
        }
        Self {
            id: kept.capture.id(),
            title: student::name_of(link.facts()),
            texts: texts(library, kept),
            requisites: Arc::new(kept.requisites.clone()),
            addresses: RequisiteAddresses::Service(prefix.trim_end_matches('/').to_owned()),
            links,
        }
    }

    /// Collects the data for a page that is read without the service: its requisites are files
    /// with the names of [`requisite_file`], in a directory with this path. Its links lead to
    /// the originals.
    pub(in crate::serve) fn of_file(
        library: &Library,
        title: String,
        kept: &StoredCapture,
        files: &'static str,
    ) -> Self {
        Self {
            id: kept.capture.id(),
            title,
            texts: texts(library, kept),
            requisites: Arc::new(kept.requisites.clone()),
            addresses: RequisiteAddresses::Files(files),
            links: HashMap::new(),
        }
    }

    /// Makes a page of the text of an office file.
    pub(in crate::serve) fn render_office_text(&self, passages: &[Passage]) -> RenderedPage {
        RenderedPage { content_type: "text/html; charset=utf-8", text: office::page(&self.title, passages) }
    }

    /// Makes a page from bytes that came from `address`.
    pub(in crate::serve) fn render(
        &self,
        kind: PageKind,
        bytes: &[u8],
        address: &Address,
        media_type: &str,
    ) -> Option<RenderedPage> {
        const HTML: &str = "text/html; charset=utf-8";
        let decoded = || html::decode(bytes, Some(media_type));
        let content_type = Some(media_type);
        let page = |source: &str| {
            let context = RewriteContext { address, content_type, copies: self };
            rewrite(source, &context).ok().map(|text| RenderedPage { content_type: HTML, text })
        };
        match kind {
            PageKind::Html => page(&decoded()),
            PageKind::Notebook => page(&notebook::page(bytes, &self.title)?),
            PageKind::Markdown => page(&markdown::page(&self.title, &markdown::html(&decoded()))),
            PageKind::Code => {
                let ending = code::file_ending(address.path()).unwrap_or_default();
                page(&markdown::code_file(&self.title, &decoded(), ending))
            }
            PageKind::Text => {
                Some(RenderedPage { content_type: "text/plain; charset=utf-8", text: decoded() })
            }
            PageKind::Sheet => {
                let text = css::rewrite(&decoded(), |reference, load| {
                    if reference.starts_with('#') || reference.starts_with("data:") {
                        return Some(reference.to_owned());
                    }
                    self.requisite(&address.join(reference).ok()?, load.role())
                });
                Some(RenderedPage { content_type: "text/css; charset=utf-8", text })
            }
            // It is made of passages, not of bytes.
            PageKind::OfficeText => None,
        }
    }
}

impl Copies for CapturePage {
    fn requisite(&self, address: &Address, role: RequisiteRole) -> Option<String> {
        let mut requisites = self.requisites.iter().enumerate();
        let (place, requisite) = requisites.find(|(_, requisite)| requisite.address == *address)?;
        // No browser shows a PDF in a frame of a page without scripts.
        let is_pdf = requisite.media_type.contains("pdf");
        (role != RequisiteRole::Frame || !is_pdf).then(|| match &self.addresses {
            RequisiteAddresses::Service(prefix) => format!("{prefix}{}", requisite_path(&self.id, place)),
            RequisiteAddresses::Files(dir) => format!("{dir}{}", requisite_file(requisite)),
        })
    }

    fn link(&self, address: &Address) -> Destination {
        let copy = self.links.get(address).cloned().or_else(|| {
            self.links.iter().find(|(other, _)| other.is_canonically(address)).map(|(_, copy)| copy.clone())
        });
        copy.or_else(|| self.requisite(address, RequisiteRole::Text))
            .map_or(Destination::Original, Destination::Copy)
    }

    fn text(&self, address: &Address) -> Option<String> {
        self.texts.get(address).cloned()
    }
}

/// The name of a requisite as a file: its digest, with an extension that shows its type to
/// programs without a web server.
pub(in crate::serve) fn requisite_file(requisite: &KeptRequisite) -> String {
    const EXTENSIONS: &[(&str, &str)] = &[
        ("text/css", "css"),
        ("text/html", "html"),
        ("application/xhtml+xml", "html"),
        ("text/vtt", "vtt"),
        ("image/svg+xml", "svg"),
        ("image/png", "png"),
        ("image/jpeg", "jpg"),
        ("image/gif", "gif"),
        ("image/webp", "webp"),
        ("font/woff2", "woff2"),
        ("font/woff", "woff"),
    ];
    let claimed = requisite.media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let extension = EXTENSIONS.iter().find(|(known, _)| *known == claimed).map_or("bin", |(_, it)| it);
    format!("{}.{extension}", requisite.sha256)
}

/// The requisites that become part of the page as text.
fn texts(library: &Library, kept: &StoredCapture) -> HashMap<Address, String> {
    let texts = kept.requisites.iter().filter(|it| is_text(it)).filter_map(|requisite| {
        let (bytes, _) = read(library, requisite).ok()??;
        Some((requisite.address.clone(), html::decode(&bytes, Some(&requisite.media_type))))
    });
    texts.collect()
}

fn is_text(requisite: &KeptRequisite) -> bool {
    let kind = requisite.media_type.to_ascii_lowercase();
    kind.starts_with("text/markdown")
        || kind.starts_with("text/plain")
        || requisite.address.path().ends_with(".md")
}

/// The bytes of a requisite and its length; `None` if it is missing, or too large for a page.
pub(in crate::serve) fn read(
    library: &Library,
    requisite: &KeptRequisite,
) -> Result<Option<(Vec<u8>, u64)>, Error> {
    read_file(library, requisite.sha256, requisite.bytes)
}

/// The bytes of a body in the archive. `None` if they are missing, altered or too many.
pub(in crate::serve) fn read_file(
    library: &Library,
    sha256: crate::domain::capture::Digest,
    expected: u64,
) -> Result<Option<(Vec<u8>, u64)>, Error> {
    let mut file = match library.archive.open_blob(sha256) {
        Ok(file) => file,
        Err(archive::Error::Missing(_) | archive::Error::Altered { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if expected > MAX_BYTES {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(Error::ReadCopy)?;
    let length = bytes.len() as u64;
    Ok((length == expected).then_some((bytes, length)))
}
