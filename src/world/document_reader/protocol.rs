//! What the program and its readers send each other.
//!
//! A request is one line of JSON. A response is one line of JSON too, or a frame of
//! `MessagePack` with its length before it: a frame needs no escapes, and most of a
//! response is text.

use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, BufReader};
use tokio::process::ChildStdout;

use crate::domain::document::DocumentContext;
use crate::domain::page::PageInput;

/// A longer response counts as unreadable. The texts of documents are much shorter.
const LONGEST_RESPONSE: u32 = 64 << 20;

/// What a child is to read. The fields show which it is, so that a request for a document
/// is `{"path": …, "context": {"address": …, "content_type": …}}`, in every version.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Request {
    Document { path: PathBuf, context: DocumentContext },
    Page { path: PathBuf, input: Box<PageInput> },
}

impl Request {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Document { path, .. } | Self::Page { path, .. } => path,
        }
    }

    pub(super) fn line(&self) -> io::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// The form of the responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseForm {
    Json,
    Frames,
}

impl ResponseForm {
    /// One response, complete.
    pub(super) fn encode(self, response: &impl Serialize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match self {
            Self::Json => {
                serde_json::to_writer(&mut bytes, response)?;
                bytes.push(b'\n');
            }
            Self::Frames => {
                bytes.extend_from_slice(&[0; 4]);
                // Fields have names, because some are left out.
                let mut serializer = rmp_serde::Serializer::new(&mut bytes).with_struct_map();
                response.serialize(&mut serializer).map_err(io::Error::other)?;
                let length = u32::try_from(bytes.len() - 4).map_err(io::Error::other)?;
                bytes[..4].copy_from_slice(&length.to_le_bytes());
            }
        }
        Ok(bytes)
    }
}

/// Reads one frame.
pub(super) async fn read_frame<T: DeserializeOwned>(from: &mut BufReader<ChildStdout>) -> io::Result<T> {
    let length = from.read_u32_le().await?;
    if length > LONGEST_RESPONSE {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut frame = Vec::new();
    from.take(length.into()).read_to_end(&mut frame).await?;
    rmp_serde::from_slice(&frame).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::document::{self, Document};

    #[test]
    fn both_forms_carry_the_same_document() {
        let context = DocumentContext::new("https://a.example/p".parse().unwrap(), Some("text/html"));
        let bytes = "<title>\"Fl\u{fc}sse\"</title><main><h1>A</h1><p>one\ttwo</p></main>".as_bytes();
        let document = document::read(bytes, &context);
        let json = ResponseForm::Json.encode(&document).unwrap();
        let frame = ResponseForm::Frames.encode(&document).unwrap();
        assert_eq!(serde_json::from_slice::<Document>(&json).unwrap(), document);
        assert_eq!(rmp_serde::from_slice::<Document>(&frame[4..]).unwrap(), document);
        assert_eq!(json.last(), Some(&b'\n'));
        assert_eq!(u32::from_le_bytes(*frame.first_chunk().unwrap()) as usize, frame.len() - 4);
    }
}
