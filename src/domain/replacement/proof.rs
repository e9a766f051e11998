//! Checks whether the response of a candidate is the lost work.

use super::{Candidate, CandidateOrigin, Ground, LostDocument, Proof, Replacement};
use crate::domain::document::Document;
use crate::domain::evidence::classify::{ResponseClass, classify};
use crate::domain::evidence::identity::{self, Identity, Reference};
use crate::domain::evidence::page_signatures::{self, SignatureKind};
use crate::domain::evidence::probe::ProbeResult;
use crate::domain::evidence::{drift, host_rules};

/// Texts of at least this similarity are the same text with small extraction differences.
const SAME_TEXT: f64 = 0.9;

/// The replacement, if the response is the whole work, open to readers.
pub fn prove(candidate: &Candidate, answer: &ProbeResult, lost: &LostDocument) -> Option<Replacement> {
    let ResponseClass::Content(document) = classify(answer) else { return None };
    let hop = answer.exchange.last_hop()?;
    if hop.status != 200 || !is_sound(answer, document, lost) {
        return None;
    }
    let address = match candidate.lead {
        // The identifier's own address is kept, because it stays valid when its target moves.
        CandidateOrigin::Arxiv { .. } | CandidateOrigin::Doi { .. } => candidate.address.clone(),
        CandidateOrigin::Moved | CandidateOrigin::OwnLink | CandidateOrigin::TimeGate { .. } => {
            hop.address.clone()
        }
    };
    let ground = match &candidate.lead {
        CandidateOrigin::Moved => Ground::Moved,
        CandidateOrigin::Arxiv { id, .. } => Ground::Arxiv(id.clone()),
        CandidateOrigin::Doi { doi, .. } => Ground::Doi(doi.clone()),
        CandidateOrigin::OwnLink => Ground::OwnLink,
        // Without this header it is a page of the archive itself, not a capture (RFC 7089 section 2.1.1).
        CandidateOrigin::TimeGate { .. } => Ground::Memento(moment(hop.headers.get("memento-datetime")?)?),
    };
    let pages = document.pages.filter(|pages| lost.copy.is_some_and(|copy| copy.pages == Some(*pages)));
    let proof = proof(candidate, answer, document, lost)?;
    Some(Replacement { address, ground, proof, pages, seen_at: answer.exchange.started })
}

/// A page without a statement that the work is missing.
fn is_sound(answer: &ProbeResult, document: &Document, lost: &LostDocument) -> bool {
    let at = answer.exchange.final_address();
    let is_front_page = at.is_root() && !lost.link.is_root();
    let sends_on = document.html.as_ref().is_some_and(|html| html.sends_to.is_some());
    let objects = host_rules::rules_for(at).statement.and_then(|says| says(document)).is_some();
    let is_elsewhere = !at.is_canonically(lost.link) && !is_front_page;
    is_elsewhere && !sends_on && !objects && !page_signatures::has_any(SignatureKind::Missing, answer)
}

fn proof(
    candidate: &Candidate,
    answer: &ProbeResult,
    document: &Document,
    lost: &LostDocument,
) -> Option<Proof> {
    let sha256 = answer.exchange.body().map(|body| body.sha256);
    if lost.copy.is_some_and(|copy| Some(copy.capture.sha256) == sha256) {
        return Some(Proof::Bytes);
    }
    let has_identifier = has_identifier(candidate, document);
    if let Some(ours) = lost.document {
        let is_same_text = ours.has_words(1)
            && (ours.fingerprint() == document.fingerprint()
                || drift::similarity(ours, document) >= SAME_TEXT);
        return if is_same_text {
            Some(Proof::Text)
        } else if identity::has_same_title(ours, document) {
            Some(Proof::Title)
        } else {
            has_identifier.then_some(Proof::Identifier)
        };
    }
    let words: Vec<&str> = lost.words.iter().map(String::as_str).collect();
    match (identity::identify(document, &Reference { baseline: None, words: &words }), &candidate.lead) {
        (Identity::Confirmed, _) => Some(Proof::Words),
        (_, CandidateOrigin::Arxiv { .. } | CandidateOrigin::Doi { .. }) => {
            has_identifier.then_some(Proof::Identifier)
        }
        // Without a readable copy the two cannot be compared.
        (
            Identity::Unknown | Identity::Mismatch,
            CandidateOrigin::Moved | CandidateOrigin::TimeGate { .. },
        ) => Some(Proof::Nothing),
        (Identity::Unknown | Identity::Mismatch, CandidateOrigin::OwnLink) => None,
    }
}

/// The page contains the identifier, and the identifier certainly belongs to the lost work.
fn has_identifier(candidate: &Candidate, document: &Document) -> bool {
    let is = |said: &Option<String>, wanted: &str| {
        said.as_deref().is_some_and(|said| {
            let said = said.trim().to_ascii_lowercase();
            said.ends_with(&wanted.to_ascii_lowercase())
                || said.contains(&format!("{}v", wanted.to_ascii_lowercase()))
        })
    };
    match &candidate.lead {
        CandidateOrigin::Arxiv { id, is_certain: true } => is(&document.citation.arxiv, id),
        CandidateOrigin::Doi { doi, is_certain: true } => is(&document.citation.doi, doi),
        CandidateOrigin::Arxiv { .. }
        | CandidateOrigin::Doi { .. }
        | CandidateOrigin::Moved
        | CandidateOrigin::OwnLink
        | CandidateOrigin::TimeGate { .. } => false,
    }
}

/// A date of HTTP (RFC 9110 section 5.6.7).
fn moment(text: &str) -> Option<jiff::Timestamp> {
    jiff::fmt::rfc2822::parse(text.trim()).ok().map(|zoned| zoned.timestamp())
}
