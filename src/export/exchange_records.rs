//! The records around the response of a capture: the requests as they were sent, and the
//! redirects on the way.
//!
//! The bodies of redirects are not stored, so their records have none and are marked as
//! truncated. Captures of earlier versions have neither requests nor redirects.

use std::io::{self, Write};

use super::hashed::sha1_of;
use super::warc_writer::{HTTP_RESPONSE, Indexed, WarcWriter, essence};
use crate::domain::address::Address;
use crate::domain::capture::Capture;
use crate::domain::warc::exchange_heads::SentRequest;
use crate::domain::warc::http_head;
use crate::domain::warc::record::{RecordHead, RecordId, RecordKind};

const HTTP_REQUEST: &str = "application/http;msgtype=request";

impl<W: Write> WarcWriter<'_, W> {
    /// The redirects in their order, each with its request.
    pub(super) fn redirects(&mut self, capture: &Capture, requests: &[SentRequest<'_>]) -> io::Result<()> {
        for (address, request) in capture.chain.iter().zip(requests) {
            if let Some(stored) = request.redirect {
                let response = self.redirect(capture, address, stored)?;
                self.request(capture, address, request, &response)?;
            }
        }
        Ok(())
    }

    /// The request that the response of the capture answered, if it is known.
    pub(super) fn last_request(
        &mut self,
        capture: &Capture,
        requests: &[SentRequest<'_>],
        response: &RecordId,
    ) -> io::Result<()> {
        match requests.last() {
            Some(request) if request.redirect.is_none() => {
                self.request(capture, &capture.document, request, response)
            }
            _ => Ok(()),
        }
    }

    fn redirect(&mut self, capture: &Capture, address: &Address, stored: &str) -> io::Result<RecordId> {
        let block = http_head::of_decoded_body(stored, 0);
        let payload = sha1_of(&mut io::empty())?;
        let mut fields = vec![
            ("WARC-Payload-Digest", payload.clone()),
            ("WARC-Block-Digest", sha1_of(&mut block.as_bytes())?),
        ];
        if http_head::value(stored, "content-length") != Some("0") {
            fields.push(("WARC-Truncated", "unspecified".to_owned()));
        }
        let head = RecordHead {
            kind: RecordKind::Response,
            id: self.id_of(RecordKind::Response, address, capture.captured_at, capture.sha256),
            at: capture.captured_at,
            target: Some(address.clone()),
            content_type: HTTP_RESPONSE.to_owned(),
            fields,
        };
        let place = self.record(&head, &mut block.as_bytes(), block.len() as u64)?;
        // A player that looks for the document must not find the way to it. Players take
        // `http` and `https` for one address.
        if without_scheme(address) != without_scheme(&capture.document) {
            let mime = essence(http_head::value(stored, "content-type").unwrap_or_default());
            let status = http_head::status(stored).unwrap_or(302);
            self.add_to_index(&head, place, &Indexed { mime, status, digest: &payload });
        }
        Ok(head.id)
    }

    fn request(
        &mut self,
        capture: &Capture,
        address: &Address,
        request: &SentRequest<'_>,
        response: &RecordId,
    ) -> io::Result<()> {
        let block = request.head;
        let head = RecordHead {
            kind: RecordKind::Request,
            id: self.id_of(RecordKind::Request, address, capture.captured_at, capture.sha256),
            at: capture.captured_at,
            target: Some(address.clone()),
            content_type: HTTP_REQUEST.to_owned(),
            fields: vec![
                ("WARC-Concurrent-To", response.to_string()),
                ("WARC-Block-Digest", sha1_of(&mut block.as_bytes())?),
            ],
        };
        self.record(&head, &mut block.as_bytes(), block.len() as u64)?;
        Ok(())
    }
}

fn without_scheme(address: &Address) -> &str {
    address.as_str().split_once(':').map_or(address.as_str(), |(_, rest)| rest)
}
