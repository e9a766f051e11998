//! Reads documents in child processes: a parser may panic, loop or use too much memory on
//! foreign bytes, and only a process can be limited in all three ways.
//!
//! The children are this program with a hidden argument. Each request and each response
//! is one line of JSON.

#![expect(clippy::disallowed_methods, reason = "this module starts the readers")]

use std::io::{self, BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex, Semaphore};

use crate::domain::document::{self, Document, DocumentContext, DocumentDefect, Format};

/// The argument that makes this program a reader.
pub const ARGUMENT: &str = "read-documents";
/// The most children; one per core on small machines.
const CHILDREN: usize = 2;
/// A document that takes longer counts as too costly.
const TIME_PER_DOCUMENT: Duration = Duration::from_secs(20);
/// The address space of a child, in bytes.
const MEMORY: u64 = 1536 << 20;
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

#[derive(Serialize, Deserialize)]
struct Request {
    path: PathBuf,
    context: DocumentContext,
}

impl Reader {
    /// `program` is the path of this program.
    pub fn new(program: PathBuf) -> Self {
        Self { program, places: Semaphore::new(CHILDREN), idle: Mutex::new(Vec::new()) }
    }

    /// Reads the document in a file. A document that crashes its reader is unreadable; one
    /// that takes too long counts as too costly.
    pub async fn read(&self, path: &Path, context: &DocumentContext) -> Result<Document, Fault> {
        // The pool is never closed, so waiting for a permit cannot fail.
        let _place = self.places.acquire().await;
        let idle = self.idle.lock().await.pop();
        let mut worker = match idle {
            Some(worker) => worker,
            None => self.start()?,
        };
        let request = Request { path: path.to_owned(), context: context.clone() };
        match tokio::time::timeout(TIME_PER_DOCUMENT, worker.ask(&request)).await {
            Ok(Ok(document)) => {
                worker.served += 1;
                if worker.served < DOCUMENTS_PER_CHILD {
                    self.idle.lock().await.push(worker);
                }
                Ok(document)
            }
            Ok(Err(_)) => Ok(Document::bare(Format::Other).with_defect(DocumentDefect::Unreadable)),
            Err(_) => Ok(Document::bare(Format::Other).with_defect(DocumentDefect::TooCostly)),
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
    async fn ask(&mut self, request: &Request) -> io::Result<Document> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        self.requests.write_all(&line).await?;
        let mut answer = Vec::new();
        if self.answers.read_until(b'\n', &mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_slice(&answer)?)
    }
}

/// The child process: reads documents until its input ends.
///
/// # Errors
///
/// A broken pipe, because the parent process has ended.
pub fn serve_requests() -> io::Result<()> {
    setrlimit(Resource::As, Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) })?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let document = read(request);
        serde_json::to_writer(&mut out, &document)?;
        out.write_all(b"\n")?;
        out.flush()?;
    }
    Ok(())
}

/// Deeply nested markup needs a deep stack. A panic ends the thread, not the child.
fn read(request: Request) -> Document {
    let unreadable = || Document::bare(Format::Other).with_defect(DocumentDefect::Unreadable);
    let reading = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        let size = std::fs::metadata(&request.path).map_or(0, |metadata| metadata.len());
        if size > LARGEST_BODY {
            return Document::bare(Format::Other).with_defect(DocumentDefect::TooCostly);
        }
        match std::fs::read(&request.path) {
            Ok(bytes) => document::read(&bytes, &request.context),
            Err(_) => Document::bare(Format::Other).with_defect(DocumentDefect::Unreadable),
        }
    });
    reading.ok().and_then(|thread| thread.join().ok()).unwrap_or_else(unreadable)
}
