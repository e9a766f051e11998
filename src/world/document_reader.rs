//! Reads documents and course pages in child processes: a parser may panic, loop or use
//! too much memory on foreign bytes, and only a process can be limited in all three ways.
//!
//! The children are this program with a hidden argument.

#![expect(clippy::disallowed_methods, reason = "this module starts the readers")]

mod child;
mod protocol;

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

pub use child::serve_requests;
use protocol::Request;
pub use protocol::ResponseForm;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex, Semaphore};

use crate::domain::document::{Document, DocumentContext, DocumentDefect, Format};
use crate::domain::page::{Page, PageInput, UnreadFormat};

/// The argument that makes this program a reader.
pub const ARGUMENT: &str = "read-documents";
/// The argument after it that requests frames instead of lines of JSON.
pub const FRAMES: &str = "frames";
/// The most children; one per core on small machines.
const CHILDREN: u32 = 2;
/// A document or page that takes longer counts as too costly.
pub const TIME_PER_DOCUMENT: Duration = Duration::from_secs(20);
/// A larger body is read alone, by a child of its own.
const LARGE_BODY: u64 = 16 << 20;
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
            .args([ARGUMENT, FRAMES])
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
        self.requests.write_all(&request.line()?).await?;
        protocol::read_frame(&mut self.answers).await
    }
}

/// In bytes. A file that cannot be opened has none; reading it reports that.
fn file_size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}
