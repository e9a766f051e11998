//! `/c/<course>/readings.zip`: every copy of the course that the visitor may open.

use std::io::{self, Write};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};
use axum::response::IntoResponse as _;
use futures_util::stream::unfold;
use hyper::body::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::domain::filename;
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::RouteResult;
use crate::serve::library::Library;
use crate::serve::library::course::CourseView;
use crate::serve::library::readings_archive::{ArchivedCopy, ReadingsArchive};
use crate::serve::respond::{self, header_value};
use crate::serve::routes::requested_course::readable_course;

/// The bytes that are sent at a time.
const CHUNK: usize = 64 << 10;
/// Chunks that wait for a slow client.
const WAITING: usize = 4;

pub(in crate::serve) async fn readings(
    State(library): State<Arc<Library>>,
    visitor: Visitor,
    Path(course): Path<String>,
) -> RouteResult {
    let course = match readable_course(&library, &visitor, &course).await {
        Ok(course) => course,
        Err(response) => return response,
    };
    let Ok(permit) = Arc::clone(&library.downloads).try_acquire_owned() else {
        return busy(&library);
    };
    let name = format!("{}-readings.zip", course.night.course);
    let (chunks, body) = mpsc::channel(WAITING);
    tokio::spawn(write(library, visitor, course, Client { chunks, permit }));
    let body = unfold(body, |mut body: Receiver<io::Result<Bytes>>| async move {
        body.recv().await.map(|chunk| (chunk, body))
    });
    let mut response = Body::from_stream(body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CONTENT_DISPOSITION, header_value(&filename::attachment(&name, false)));
    Ok(respond::no_store(response))
}

fn busy(library: &Library) -> RouteResult {
    let text = "Several people are downloading all readings now. Please try again in a minute.";
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let mut response = respond::message(&library.settings.base_url, status, "Please try again", text)?;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    Ok(respond::no_store(response))
}

/// The connection of a client, and its permit to download.
struct Client {
    chunks: Sender<io::Result<Bytes>>,
    permit: OwnedSemaphorePermit,
}

/// Opens the copies one after another, while a thread of its own writes the archive.
async fn write(library: Arc<Library>, visitor: Visitor, course: Arc<CourseView>, client: Client) {
    let (copies, mut opened) = mpsc::channel::<ArchivedCopy>(1);
    let failed = client.chunks.clone();
    let writing = {
        let (library, title) = (Arc::clone(&library), course.night.title.clone());
        tokio::task::spawn_blocking(move || {
            let Client { chunks, permit: _permit } = client;
            let now = library.clock.now();
            let mut archive = ReadingsArchive::new(library, ChunkWriter { chunks, chunk: Vec::new() });
            while let Some(copy) = opened.blocking_recv() {
                archive.add(copy)?;
            }
            archive.finish(&title, now)
        })
    };
    let mut opening = Ok(());
    for (link, _) in course.readings(&visitor) {
        match ArchivedCopy::open(&library, &link).await {
            Ok(None) => {}
            Ok(Some(copy)) => {
                if copies.send(copy).await.is_err() {
                    // The client has left, or the archive cannot be written.
                    break;
                }
            }
            Err(error) => {
                opening = Err(error);
                break;
            }
        }
    }
    drop(copies);
    let written = writing.await.unwrap_or_else(|error| Err(error.into()));
    if let Err(error) = opening.and(written) {
        if failed.is_closed() {
            return;
        }
        tracing::error!(%error, course = %course.night.course, "the readings of a course cannot be sent");
        // Without its end the client does not take the file as complete.
        let _ = failed.send(Err(io::Error::other("the archive is incomplete"))).await;
    }
}

/// Sends what is written in chunks, and waits while the client is slow.
struct ChunkWriter {
    chunks: Sender<io::Result<Bytes>>,
    chunk: Vec<u8>,
}

impl Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::from(std::mem::take(&mut self.chunk));
        self.chunks.blocking_send(Ok(chunk)).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

impl Drop for ChunkWriter {
    fn drop(&mut self) {
        // A client that has left needs no last chunk.
        let _ = self.flush();
    }
}
