//! All copies of a course that open, as one ZIP archive: files under their own names, web
//! pages with what they need, and a list of them.
//!
//! It is written as it is sent. In memory are one web page at a time and the list.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use html_escape::{encode_double_quoted_attribute, encode_text};
use jiff::Timestamp;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};

use super::Library;
use super::blob::{self, OpenBlob};
use super::course::LinkView;
use super::page_view::{self, CapturePage, PageKind, requisite_file};
use super::printed_page;
use crate::domain::capture::{Digest, KeptRequisite};
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::filename;
use crate::domain::report::plain::visible;
use crate::domain::report::wording::student;
use crate::serve::error::Error;

/// The directory of what the pages need.
const FILES: &str = "files/";
/// The bytes from which the kind of a requisite is detected.
const HEAD: usize = 1024;
/// Pages have no scripts. This also keeps a browser from running any that it finds.
const POLICY: &str = "<meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" \
     content=\"script-src 'none'; object-src 'none'; form-action 'none'; base-uri 'none'\">";

/// The next copy for the archive.
pub(in crate::serve) struct ArchivedCopy {
    /// The words of the reading.
    words: String,
    address: String,
    kept: StoredCapture,
    /// `None` if the file is missing or altered.
    blob: Option<OpenBlob>,
    /// The PDF of a page that a browser showed.
    pdf: Option<PrintedPage>,
}

struct PrintedPage {
    name: String,
    file: File,
}

impl ArchivedCopy {
    /// Opens the current copy of a link; `None` if it has none that opens.
    pub(in crate::serve) async fn open(library: &Library, link: &LinkView) -> Result<Option<Self>, Error> {
        if library.may_open(link).is_err() {
            return Ok(None);
        }
        let Some(kept) = library.current_capture(link).await? else { return Ok(None) };
        let blob = blob::open(library, link, &kept.capture, kept.title.as_deref()).await?.ok();
        let words = student::name_of(link.facts());
        let pdf = match printed_page::of(&kept) {
            Some(pdf) => printed_page::open(library, pdf)
                .await?
                .map(|file| PrintedPage { name: printed_page::name(link, &kept), file }),
            None => None,
        };
        Ok(Some(Self { words, address: library.original_address(link), kept, blob, pdf }))
    }
}

/// An archive that is being written.
pub(in crate::serve) struct ReadingsArchive<W: Write> {
    library: Arc<Library>,
    zip: ZipWriter<StreamWriter<W>>,
    /// The names of the files so far, in lower case.
    names: HashSet<String>,
    /// The requisites that were written.
    requisites: HashSet<Digest>,
    /// The items of the list.
    items: String,
}

impl<W: Write> ReadingsArchive<W> {
    pub(in crate::serve) fn new(library: Arc<Library>, out: W) -> Self {
        Self {
            library,
            zip: ZipWriter::new_stream(out),
            names: HashSet::from(["index.html".to_owned()]),
            requisites: HashSet::new(),
            items: String::new(),
        }
    }

    /// Adds a copy, and its line in the list.
    pub(in crate::serve) fn add(&mut self, copy: ArchivedCopy) -> Result<(), Error> {
        let ArchivedCopy { words, address, kept, blob, pdf } = copy;
        let original = encode_double_quoted_attribute(&address);
        let Some(OpenBlob { file, delivery }) = blob else {
            let reason = blob::Unreadable::Missing.reason();
            self.items.push_str(&format!("<li>{} ({reason})</li>\n", encode_text(&words)));
            return Ok(());
        };
        let page = (delivery.page == Some(PageKind::Html)).then(|| self.page(&kept, &words)).transpose()?;
        let name = self.unused(&delivery.name);
        match page.flatten() {
            Some(page) => self.text(&name, &page, kept.capture.captured_at)?,
            None => self.file(&name, file, kept.capture.captured_at)?,
        }
        let printed = pdf.map(|pdf| self.printed(pdf, kept.capture.captured_at)).transpose()?;
        self.items.push_str(&format!(
            "<li><a href=\"{}\">{}</a> ({}<a href=\"{original}\">original</a>){}</li>\n",
            encode_double_quoted_attribute(&blob::encoded(&name)),
            encode_text(&words),
            printed.unwrap_or_default(),
            kept.capture.shortfall.map_or_else(String::new, |it| format!(" {}", student::shortfall(it)))
        ));
        Ok(())
    }

    /// Adds the PDF of a page; returns its link.
    fn printed(&mut self, pdf: PrintedPage, at: Timestamp) -> Result<String, Error> {
        let name = self.unused(&pdf.name);
        self.file(&name, pdf.file, at)?;
        Ok(format!("<a href=\"{}\">PDF</a>, ", encode_double_quoted_attribute(&blob::encoded(&name))))
    }

    /// Writes the list, and ends the archive.
    pub(in crate::serve) fn finish(mut self, title: &str, now: Timestamp) -> Result<(), Error> {
        let title = encode_text(&visible(title)).into_owned();
        let page = format!(
            "<!doctype html><html lang=\"en\"><head>{POLICY}<title>Readings of {title}</title></head>\
             <body><h1>Readings of {title}</h1>\n<ol>\n{}</ol></body></html>\n",
            self.items
        );
        self.text("index.html", &page, now)?;
        self.zip.finish().map(drop).map_err(failed)
    }

    /// A web page with its requisites as files; `None` if it cannot be shown as a page.
    fn page(&mut self, kept: &StoredCapture, title: &str) -> Result<Option<String>, Error> {
        let capture = &kept.capture;
        let Some((bytes, _)) = page_view::read_file(&self.library, capture.sha256, capture.bytes)? else {
            return Ok(None);
        };
        let context = CapturePage::of_file(&self.library, title.to_owned(), kept, FILES);
        let page = context.render(PageKind::Html, &bytes, &capture.document, &capture.media_type);
        let Some(page) = page else { return Ok(None) };
        let inside = CapturePage::of_file(&self.library, title.to_owned(), kept, "");
        for requisite in &kept.requisites {
            if self.requisites.insert(requisite.sha256) {
                self.requisite(requisite, &inside, capture.captured_at)?;
            }
        }
        Ok(Some(with_policy(&page.text)))
    }

    fn requisite(
        &mut self,
        requisite: &KeptRequisite,
        context: &CapturePage,
        at: Timestamp,
    ) -> Result<(), Error> {
        let Some((bytes, _)) = page_view::read(&self.library, requisite)? else { return Ok(()) };
        let name = format!("{FILES}{}", requisite_file(requisite));
        let head = bytes.get(..HEAD).unwrap_or(&bytes);
        let kind = page_view::kind(head, &requisite.media_type, &requisite.address);
        let shown = kind.filter(|kind| matches!(kind, PageKind::Html | PageKind::Sheet));
        let rendered =
            shown.and_then(|kind| context.render(kind, &bytes, &requisite.address, &requisite.media_type));
        match rendered {
            Some(page) if kind == Some(PageKind::Html) => self.text(&name, &with_policy(&page.text), at),
            Some(sheet) => self.text(&name, &sheet.text, at),
            // A page that cannot be rewritten may have scripts.
            None if kind == Some(PageKind::Html) => Ok(()),
            None => self.bytes(&name, &bytes, at),
        }
    }

    /// The name, with a number if another file has it.
    fn unused(&mut self, name: &str) -> String {
        let mut unused = name.to_owned();
        let mut number = 1;
        while !self.names.insert(unused.to_lowercase()) {
            number += 1;
            unused = filename::numbered(name, number);
        }
        unused
    }

    fn text(&mut self, name: &str, text: &str, at: Timestamp) -> Result<(), Error> {
        self.zip.start_file(name, options(CompressionMethod::Deflated, at)).map_err(failed)?;
        self.zip.write_all(text.as_bytes()).map_err(Error::ReadCopy)
    }

    fn bytes(&mut self, name: &str, bytes: &[u8], at: Timestamp) -> Result<(), Error> {
        self.zip.start_file(name, options(CompressionMethod::Stored, at)).map_err(failed)?;
        self.zip.write_all(bytes).map_err(Error::ReadCopy)
    }

    /// Most formats are compressed already.
    fn file(&mut self, name: &str, mut file: File, at: Timestamp) -> Result<(), Error> {
        self.zip.start_file(name, options(CompressionMethod::Stored, at)).map_err(failed)?;
        io::copy(&mut file, &mut self.zip).map(drop).map_err(Error::ReadCopy)
    }
}

/// A file with the time of the capture, which may have more than 4 GiB.
fn options(method: CompressionMethod, at: Timestamp) -> SimpleFileOptions {
    let options = SimpleFileOptions::default().compression_method(method).large_file(true);
    time(at).map_or(options, |time| options.last_modified_time(time))
}

/// `None` before 1980, which is the first year of ZIP.
fn time(at: Timestamp) -> Option<zip::DateTime> {
    let at = at.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    let part = |number: i8| u8::try_from(number).ok();
    zip::DateTime::from_date_and_time(
        u16::try_from(at.year()).ok()?,
        part(at.month())?,
        part(at.day())?,
        part(at.hour())?,
        part(at.minute())?,
        part(at.second())?,
    )
    .ok()
}

fn failed(error: zip::result::ZipError) -> Error {
    Error::ReadCopy(error.into())
}

/// The policy comes after the doctype, before everything else.
fn with_policy(page: &str) -> String {
    let has_doctype = page.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype"));
    let end = page.find('>').filter(|_| has_doctype).map_or(0, |end| end + 1);
    let (doctype, rest) = page.split_at(end);
    format!("{doctype}{POLICY}{rest}")
}
