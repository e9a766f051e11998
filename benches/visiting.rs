//! What judging one visit costs, as a multiple of counting the words of its page once in
//! the same run. The multiple does not depend on the machine. Above [`MOST`] the bench
//! fails: a text is then read many times over.
//!
//!     cargo bench --bench visiting

#![expect(clippy::disallowed_methods, reason = "a bench measures time")]
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::unwrap_used, reason = "a failed bench may panic")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use onreserve::domain::address::Address;
use onreserve::domain::capture::Digest;
use onreserve::domain::document::{self, DocumentContext};
use onreserve::domain::evidence::evaluate::evaluate;
use onreserve::domain::evidence::link_history::LinkHistory;
use onreserve::domain::evidence::next_probe::next_probe;
use onreserve::domain::evidence::probe::{CheckedLink, Probe, ProbeResult, ProbeResults};
use onreserve::domain::evidence::signature_list::FoundSignatures;
use onreserve::domain::evidence::visit_context::VisitContext;
use onreserve::domain::link::Kind;
use onreserve::domain::visit::{Body, Exchange, ExchangeEnd, Headers, Hop};

/// The page is searched for signatures once, and its beginning is compared with the link.
const MOST: f64 = 6.0;
const PARAGRAPHS: usize = 60;
const ROUNDS: usize = 200;

fn main() {
    let address = Address::parse("https://host.example/notes/article.html").unwrap();
    let html = article();
    let context = DocumentContext::new(address.clone(), Some("text/html"));
    let document = document::read(html.as_bytes(), &context);
    let link = CheckedLink {
        address: address.clone(),
        words: vec!["An article on measured nights".to_owned()],
        kind: Kind::Article,
        fragments: Vec::new(),
        listed_version: None,
    };
    let at = "2026-09-10T02:00:00Z".parse().unwrap();
    let body = Body { sha256: Digest::of(html.as_bytes()), sha1: String::new(), bytes: html.len() as u64 };
    let exchange = Exchange {
        asked: address.clone(),
        started: at,
        millis: 1,
        hops: vec![Hop { address, status: 200, headers: Headers::default(), sent: Headers::default() }],
        ending: ExchangeEnd::Answered(body),
        cut_at: None,
    };
    let history = LinkHistory::default();
    let counting = fastest(|| {
        black_box(document.words());
    });
    let judging = fastest(|| {
        // The signatures are searched once for each response.
        let results = [ProbeResult {
            probe: Probe::Link,
            exchange: exchange.clone(),
            document: Some(document.clone()),
            is_known: false,
            signatures: FoundSignatures::default(),
        }];
        let visit = VisitContext {
            link: &link,
            history: &history,
            baseline: None,
            last: None,
            results: ProbeResults(&results),
            at,
        };
        black_box(next_probe(&visit));
        black_box(evaluate(&visit));
    });
    let multiple = judging.as_secs_f64() / counting.as_secs_f64();
    println!(
        "{} words: counted in {:.1} us, a visit is judged in {:.1} us, {multiple:.2} times as long",
        document.words(),
        counting.as_secs_f64() * 1e6,
        judging.as_secs_f64() * 1e6,
    );
    assert!(multiple <= MOST, "judging a visit must cost at most {MOST} times as much as counting words");
}

fn article() -> String {
    let mut html = "<!doctype html><title>An article on measured nights</title><article>".to_owned();
    for n in 0..PARAGRAPHS {
        write!(html, "<p>{}</p>", format!("Paragraph {n} says how the figures change. ").repeat(5)).unwrap();
    }
    html + "</article>"
}

fn fastest(mut work: impl FnMut()) -> Duration {
    let rounds = (0..ROUNDS).map(|_| {
        let started = Instant::now();
        work();
        started.elapsed()
    });
    rounds.min().unwrap()
}
