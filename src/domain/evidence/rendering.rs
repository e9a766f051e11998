//! Decides whether a browser opens a page, and whether what it showed is the work.
//!
//! This concerns the copy only. The finding of the visit stays: the text of the page cannot
//! be compared.

use jiff::{SignedDuration, Timestamp};

use crate::domain::capture::Digest;
use crate::domain::document::Document;
use crate::domain::evidence::evaluate::evaluate;
use crate::domain::evidence::link_history::LinkHistory;
use crate::domain::evidence::page_signatures;
use crate::domain::evidence::probe::{CheckedLink, Probe, ProbeResult, ProbeResults};
use crate::domain::evidence::signature_list::{FoundSignatures, SignatureKind};
use crate::domain::evidence::visit_context::VisitContext;
use crate::domain::evidence::{Evidence, Finding, Reason};
use crate::domain::visit::Exchange;

/// A rendered page is opened again after this time …
const AGAIN: SignedDuration = SignedDuration::from_hours(30 * 24);
/// … or after this time, if the page that was received has changed.
const AGAIN_IF_CHANGED: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A page with fewer words shows a message or nothing.
const WORDS: u32 = 40;
/// A page with fewer words that says that something is missing or failed is an error page.
const NOTICE_WORDS: u32 = 200;

/// Whether only scripts make the text of the page.
pub fn is_made_by_scripts(evidence: &Evidence) -> bool {
    matches!(evidence.finding, Finding::Unclear { reason: Reason::ScriptOnly })
}

/// Whether a browser opens a page that only its scripts make: if there is no copy of it, or
/// if its copy is a rendering that is old. `source` is the body that was received.
pub fn is_due(link: &CheckedLink, history: &LinkHistory, source: Digest, at: Timestamp) -> bool {
    if !link.kind.is_kept() || history.is_taken_down {
        return false;
    }
    let Some(last) = history.last.as_ref().or(history.baseline.as_ref()) else { return true };
    let age = at.duration_since(last.capture.captured_at);
    last.rendering.as_ref().is_some_and(|rendering| {
        age >= if rendering.source.sha256 == source { AGAIN } else { AGAIN_IF_CHANGED }
    })
}

/// Whether a rendered page is the work: it has text, and by the rules for every page it is no
/// error page, no login and no robot check. `exchange` is that of the page that was received.
pub fn shows_the_work(link: &CheckedLink, exchange: &Exchange, rendered: &Document, at: Timestamp) -> bool {
    let answer = ProbeResult {
        probe: Probe::Link,
        exchange: exchange.clone(),
        document: Some(rendered.clone()),
        is_known: false,
        signatures: FoundSignatures::default(),
    };
    let says_failed = [SignatureKind::Missing, SignatureKind::ServerError]
        .iter()
        .any(|kind| page_signatures::has_any(*kind, &answer));
    if rendered.words() < WORDS || (says_failed && rendered.words() < NOTICE_WORDS) {
        return false;
    }
    let history = LinkHistory::default();
    let results = [answer];
    let context = VisitContext {
        link,
        history: &history,
        baseline: None,
        last: None,
        results: ProbeResults(&results),
        at,
    };
    matches!(evaluate(&context).finding, Finding::Healthy { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::Address;
    use crate::domain::capture::{Capture, CaptureReason, KeptRequisite, Rendering};
    use crate::domain::document::{self, DocumentContext, Fingerprint};
    use crate::domain::evidence::link_history::StoredCapture;
    use crate::domain::link::Kind;
    use crate::domain::visit::{Body, ExchangeEnd, Headers, Hop};

    fn link() -> CheckedLink {
        CheckedLink {
            address: Address::parse("https://lab.edu/app").unwrap(),
            words: vec!["An explorable".to_owned()],
            kind: Kind::Article,
            fragments: Vec::new(),
            listed_version: None,
        }
    }

    fn shows(html: &str) -> bool {
        let link = link();
        let document =
            document::read(html.as_bytes(), &DocumentContext::new(link.address.clone(), Some("text/html")));
        let hop = Hop {
            address: link.address.clone(),
            status: 200,
            headers: Headers::default(),
            sent: Headers::default(),
        };
        let body = Body { sha256: Digest::of(b"shell"), sha1: String::new(), bytes: 5 };
        let exchange = Exchange {
            asked: link.address.clone(),
            started: Timestamp::UNIX_EPOCH,
            millis: 1,
            hops: vec![hop],
            ending: ExchangeEnd::Answered(body),
            cut_at: None,
        };
        shows_the_work(&link, &exchange, &document, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_page_with_text_is_the_work_and_a_message_is_not() {
        let text = "Samplers follow the score of a density from noise to data. ".repeat(8);
        assert!(shows(&format!("<h1>An explorable</h1><p>{text}</p>")));
        assert!(!shows("<p>Loading the application</p>"));
        assert!(!shows(&format!("<title>404</title><h1>Page not found</h1><p>{text}</p>")));
        assert!(!shows(&format!("<p>{text}</p><form><input type=password></form>")));
    }

    fn rendered(source: &[u8]) -> LinkHistory {
        let file = KeptRequisite {
            address: link().address,
            sha256: Digest::of(source),
            bytes: 1,
            media_type: String::new(),
        };
        let capture = Capture {
            link: link().address,
            document: link().address,
            sha256: Digest::of(b"rendered"),
            sha1: String::new(),
            bytes: 1,
            media_type: String::new(),
            captured_at: Timestamp::UNIX_EPOCH,
            why: CaptureReason::First,
            head: None,
            content_disposition: None,
            chain: Vec::new(),
            shortfall: None,
        };
        let last = StoredCapture {
            capture,
            text: Fingerprint { version: 1, digest: Digest::of(b"text") },
            title: None,
            words: 90,
            pages: None,
            validators: None,
            is_baseline: false,
            citation: None,
            requisites: Vec::new(),
            rendering: Some(Box::new(Rendering { source: file, pdf: None })),
        };
        LinkHistory { last: Some(last), ..LinkHistory::default() }
    }

    #[test]
    fn a_page_is_opened_once_and_again_when_its_copy_is_old() {
        let after = |days: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * days);
        let due = |history: &LinkHistory, days| is_due(&link(), history, Digest::of(b"shell"), after(days));
        assert!(due(&LinkHistory::default(), 0));
        let same = rendered(b"shell");
        assert!(!due(&same, 1) && !due(&same, 29) && due(&same, 30));
        let other = rendered(b"another shell");
        assert!(!due(&other, 6) && due(&other, 7));
        let mut received = rendered(b"shell");
        received.last.as_mut().unwrap().rendering = None;
        assert!(!due(&received, 99), "a copy of a page that was received stays");
        assert!(!due(&LinkHistory { is_taken_down: true, ..LinkHistory::default() }, 0));
    }
}
