//! Reads documents and course pages in child processes: a parser may panic, loop or use
//! too much memory on foreign bytes, and only a process can be limited in all three ways.
//!
//! The children are this program with a hidden argument. Each request and each response
//! is one line of JSON.

#![expect(clippy::disallowed_methods, reason = "this module starts the readers")]

use std::io::{self, BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex, Semaphore};

use crate::domain::document::{self, Document, DocumentContext, DocumentDefect, Format};
use crate::domain::page::{Page, PageInput, UnreadFormat};

/// The argument that makes this program a reader.
pub const ARGUMENT: &str = "read-documents";
/// The most children; one per core on small machines.
const CHILDREN: u32 = 2;
/// A document or page that takes longer counts as too costly.
pub const TIME_PER_DOCUMENT: Duration = Duration::from_secs(20);
/// The address space of a child, in bytes, its stack included. The children and the
/// program fit into the memory that the service may use together.
const MEMORY: u64 = 704 << 20;
/// That of a child that reads a large body, while no other child runs.
const MEMORY_FOR_LARGE: u64 = 1088 << 20;
/// A larger body is read alone, by a child of its own.
const LARGE_BODY: u64 = 16 << 20;
/// A longer response counts as unreadable. The texts of documents are much shorter.
const LONGEST_ANSWER: u64 = 64 << 20;
const STACK: usize = 256 << 20;
const LARGEST_BODY: u64 = 128 << 20;
/// A child is replaced after this many documents, so that memory leaks of parsers end with it.
const DOCUMENTS_PER_CHILD: u32 = 200;

/// The reader cannot be started. A document that cannot be read is not an error.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("cannot start the document reader {}: {source}", program.display())]
    NotStarted { program: PathBuf, source: io::Error },
}

/// A pool of child processes that read documents.
#[derive(Debug)]
pub struct Reader {
    program: PathBuf,
    places: Semaphore,
    idle: Mutex<Vec<Worker>>,
}

#[derive(Debug)]
struct Worker {
    _child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    served: u32,
}

/// What a child is to read. The fields show which it is, so that a request for a document
/// is `{"path": …, "context": {"address": …, "content_type": …}}`, in every version.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Request {
    Document { path: PathBuf, context: DocumentContext },
    Page { path: PathBuf, input: Box<PageInput> },
}

impl Request {
    fn path(&self) -> &Path {
        match self {
            Self::Document { path, .. } | Self::Page { path, .. } => path,
        }
    }
}

/// How reading a course page ended.
#[derive(Clone, Debug)]
pub enum PageResult {
    Read(Page),
    /// The file is no course page.
    NotAPage(UnreadFormat),
    /// It crashed its reader, or needs too much memory.
    Broken,
    /// It took longer than `TIME_PER_DOCUMENT`.
    TooCostly,
}

/// What became of a request.
enum Answer<T> {
    Read(T),
    Broken,
    TooCostly,
}

impl Reader {
    /// `program` is the path of this program.
    pub fn new(program: PathBuf) -> Self {
        Self { program, places: Semaphore::new(CHILDREN as usize), idle: Mutex::new(Vec::new()) }
    }

    /// Reads the document in a file. A document that crashes its reader is unreadable; one
    /// that takes too long counts as too costly.
    pub async fn read(&self, path: &Path, context: &DocumentContext) -> Result<Document, Fault> {
        let request = Request::Document { path: path.to_owned(), context: context.clone() };
        Ok(match self.answer(&request, path).await? {
            Answer::Read(document) => document,
            Answer::Broken => Document::bare(Format::Other).with_defect(DocumentDefect::Unreadable),
            Answer::TooCostly => Document::bare(Format::Other).with_defect(DocumentDefect::TooCostly),
        })
    }

    /// Reads the course page in a file.
    pub async fn read_page(&self, path: &Path, input: PageInput) -> Result<PageResult, Fault> {
        let request = Request::Page { path: path.to_owned(), input: Box::new(input) };
        Ok(match self.answer::<Option<Result<Page, UnreadFormat>>>(&request, path).await? {
            Answer::Read(Some(Ok(page))) => PageResult::Read(page),
            Answer::Read(Some(Err(format))) => PageResult::NotAPage(format),
            Answer::Read(None) | Answer::Broken => PageResult::Broken,
            Answer::TooCostly => PageResult::TooCostly,
        })
    }

    async fn answer<T: DeserializeOwned>(&self, request: &Request, path: &Path) -> Result<Answer<T>, Fault> {
        let is_large = file_size(path) > LARGE_BODY;
        // The pool is never closed, so waiting for a permit cannot fail.
        let _places = self.places.acquire_many(if is_large { CHILDREN } else { 1 }).await;
        let idle = if is_large {
            self.idle.lock().await.clear();
            None
        } else {
            self.idle.lock().await.pop()
        };
        let mut worker = match idle {
            Some(worker) => worker,
            None => self.start()?,
        };
        match tokio::time::timeout(TIME_PER_DOCUMENT, worker.ask(request)).await {
            Ok(Ok(answer)) => {
                worker.served += 1;
                if worker.served < DOCUMENTS_PER_CHILD && !is_large {
                    self.idle.lock().await.push(worker);
                }
                Ok(Answer::Read(answer))
            }
            Ok(Err(_)) => Ok(Answer::Broken),
            Err(_) => Ok(Answer::TooCostly),
        }
    }

    fn start(&self) -> Result<Worker, Fault> {
        let not_started = |source| Fault::NotStarted { program: self.program.clone(), source };
        let mut child = Command::new(&self.program)
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(not_started)?;
        let pipe = || not_started(io::Error::from(io::ErrorKind::BrokenPipe));
        let requests = child.stdin.take().ok_or_else(pipe)?;
        let answers = BufReader::new(child.stdout.take().ok_or_else(pipe)?);
        Ok(Worker { _child: child, requests, answers, served: 0 })
    }
}

impl Worker {
    async fn ask<T: DeserializeOwned>(&mut self, request: &Request) -> io::Result<T> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        self.requests.write_all(&line).await?;
        let mut answer = Vec::new();
        (&mut self.answers).take(LONGEST_ANSWER).read_until(b'\n', &mut answer).await?;
        if answer.last() != Some(&b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_slice(&answer)?)
    }
}

/// The child process: reads documents and pages until its input ends.
///
/// # Errors
///
/// A broken pipe, because the parent process has ended.
pub fn serve_requests() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let is_large = file_size(request.path()) > LARGE_BODY;
        let memory = if is_large { MEMORY_FOR_LARGE } else { MEMORY };
        setrlimit(Resource::As, Rlimit { current: Some(memory), maximum: Some(MEMORY_FOR_LARGE) })?;
        let mut answer = match request {
            Request::Document { path, context } => serde_json::to_vec(&read_document(path, context))?,
            Request::Page { path, input } => serde_json::to_vec(&read_page(path, *input))?,
        };
        answer.push(b'\n');
        out.write_all(&answer)?;
        out.flush()?;
    }
    Ok(())
}

fn read_document(path: PathBuf, context: DocumentContext) -> Document {
    let reading = apart(move || match body(&path) {
        FileBody::Bytes(bytes) => document::read(&bytes, &context),
        FileBody::TooLarge => Document::bare(Format::Other).with_defect(DocumentDefect::TooCostly),
        FileBody::Unreadable => Document::bare(Format::Other).with_defect(DocumentDefect::Unreadable),
    });
    reading.unwrap_or_else(|| Document::bare(Format::Other).with_defect(DocumentDefect::Unreadable))
}

fn read_page(path: PathBuf, input: PageInput) -> Option<Result<Page, UnreadFormat>> {
    let reading = apart(move || match body(&path) {
        FileBody::Bytes(bytes) => Some(match document::course_page(&bytes) {
            Some(html) => Ok(input.read_html(&html)),
            None => input.read(document::html::decode(&bytes, input.content_type.as_deref())),
        }),
        FileBody::TooLarge | FileBody::Unreadable => None,
    });
    reading.flatten()
}

/// Deeply nested markup needs a deep stack. A panic ends the thread, not the child.
fn apart<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(read);
    thread.ok().and_then(|thread| thread.join().ok())
}

/// What stands in a file.
enum FileBody {
    Bytes(Vec<u8>),
    TooLarge,
    Unreadable,
}

/// In bytes. A file that cannot be opened has none; reading it reports that.
fn file_size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn body(path: &Path) -> FileBody {
    if file_size(path) > LARGEST_BODY {
        return FileBody::TooLarge;
    }
    std::fs::read(path).map_or(FileBody::Unreadable, FileBody::Bytes)
}
