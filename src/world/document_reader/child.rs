//! The child process: reads documents and pages until its input ends.

use std::io::{self, BufRead as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::protocol::{Request, ResponseForm};
use super::{LARGE_BODY, file_size};
use crate::domain::document::{self, Document, DocumentContext, DocumentDefect, Format};
use crate::domain::page::{Page, PageInput, UnreadFormat};

/// The address space of a child, in bytes, its stack included. The children and the
/// program fit into the memory that the service may use together.
const MEMORY: u64 = 704 << 20;
/// That of a child that reads a large body, while no other child runs.
const MEMORY_FOR_LARGE: u64 = 1088 << 20;
const STACK: usize = 256 << 20;
const LARGEST_BODY: u64 = 128 << 20;

/// Reads what standard input requests, on a thread with a large stack: deeply nested
/// markup needs one.
///
/// # Errors
///
/// A broken pipe, because the parent process has ended.
pub fn serve_requests(form: ResponseForm) -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    let serving = std::thread::Builder::new().stack_size(STACK).spawn(move || serve(form))?;
    serving.join().map_err(|_| io::Error::other("a document stopped the reader"))?
}

fn serve(form: ResponseForm) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let is_large = file_size(request.path()) > LARGE_BODY;
        let memory = if is_large { MEMORY_FOR_LARGE } else { MEMORY };
        setrlimit(Resource::As, Rlimit { current: Some(memory), maximum: Some(MEMORY_FOR_LARGE) })?;
        let response = match request {
            Request::Document { path, context } => form.encode(&read_document(&path, &context))?,
            Request::Page { path, input } => form.encode(&read_page(&path, &input))?,
        };
        out.write_all(&response)?;
        out.flush()?;
    }
    Ok(())
}

fn read_document(path: &Path, context: &DocumentContext) -> Document {
    let reading = unless_it_panics(|| match body(path) {
        FileBody::Bytes(bytes) => document::read(&bytes, context),
        FileBody::TooLarge => Document::bare(Format::Other).with_defect(DocumentDefect::TooCostly),
        FileBody::Unreadable => Document::bare(Format::Other).with_defect(DocumentDefect::Unreadable),
    });
    reading.unwrap_or_else(|| Document::bare(Format::Other).with_defect(DocumentDefect::Unreadable))
}

fn read_page(path: &Path, input: &PageInput) -> Option<Result<Page, UnreadFormat>> {
    let reading = unless_it_panics(|| match body(path) {
        FileBody::Bytes(bytes) => Some(match document::course_page(&bytes) {
            Some(html) => Ok(input.read_html(&html)),
            None => input.read(document::html::decode(&bytes, input.content_type.as_deref())),
        }),
        FileBody::TooLarge | FileBody::Unreadable => None,
    });
    reading.flatten()
}

/// A panic ends the reading, not the child. What it leaves behind is not used again.
fn unless_it_panics<T>(read: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok()
}

/// What stands in a file.
enum FileBody {
    Bytes(Vec<u8>),
    TooLarge,
    Unreadable,
}

fn body(path: &Path) -> FileBody {
    if file_size(path) > LARGEST_BODY {
        return FileBody::TooLarge;
    }
    std::fs::read(path).map_or(FileBody::Unreadable, FileBody::Bytes)
}
