use super::*;
use crate::domain::capture::{Capture, CaptureReason, Digest};
use crate::domain::document::{self, Format};
use crate::domain::evidence::Drift;
use crate::domain::evidence::probe::{Probe, ProbeResult};
use crate::domain::evidence::signature_list::FoundSignatures;
use crate::domain::visit::{Body, Exchange, ExchangeEnd, Headers, Hop};

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn at() -> Timestamp {
    "2026-10-05T06:14:00Z".parse().unwrap()
}

fn page(title: &str, seed: usize, head: &str) -> String {
    let words: Vec<String> = (0..120).map(|n| format!("w{}", (n * n + seed * 7919) % 9973)).collect();
    format!(
        "<!doctype html><title>{title}</title>{head}<main><h1>{title}</h1><p>{}</p></main>",
        words.join(" ")
    )
}

fn read(source: &str, from: &str) -> Document {
    document::read(source.as_bytes(), &document::DocumentContext::new(address(from), Some("text/html")))
}

fn answer(from: &str, status: u16, source: &str, headers: &[(&str, &str)]) -> ProbeResult {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let body =
        Body { sha256: Digest::of(source.as_bytes()), sha1: String::new(), bytes: source.len() as u64 };
    ProbeResult {
        probe: Probe::HostApi(address(from)),
        exchange: Exchange {
            asked: address(from),
            started: at(),
            millis: 1,
            hops: vec![Hop {
                address: address(from),
                status,
                headers: Headers(headers),
                sent: Headers::default(),
            }],
            ending: ExchangeEnd::Answered(body),
            cut_at: None,
        },
        document: Some(read(source, from)),
        is_known: false,
        signatures: FoundSignatures::default(),
    }
}

/// A copy of a page with this source.
fn kept(source: &str) -> StoredCapture {
    let document = read(source, LINK);
    StoredCapture {
        capture: Capture {
            link: address(LINK),
            document: address(LINK),
            sha256: Digest::of(source.as_bytes()),
            sha1: String::new(),
            bytes: source.len() as u64,
            media_type: "text/html".into(),
            captured_at: at(),
            why: CaptureReason::First,
            head: None,
            content_disposition: None,
            chain: vec![],
            shortfall: None,
        },
        text: document.fingerprint(),
        words: document.words(),
        title: document.title,
        pages: None,
        validators: None,
        is_baseline: true,
        requisites: Vec::new(),
        rendering: None,
        citation: None,
    }
}

const LINK: &str = "http://gone.example/papers/flows.html";
const TITLE: &str = "Normalizing flows explained slowly";

fn lost<'a>(link: &'a Address, history: &'a [Evidence]) -> LostDocument<'a> {
    LostDocument { link, words: &[], history, copy: None, document: None, worked_at: at() }
}

fn proof_of(lead: CandidateOrigin, answer: &ProbeResult, source: Option<&str>) -> Option<Proof> {
    let link = address(LINK);
    let copy = source.map(kept);
    let document = source.map(|source| read(source, LINK));
    let lost = LostDocument { copy: copy.as_ref(), document: document.as_ref(), ..lost(&link, &[]) };
    let candidate = Candidate { address: answer.exchange.asked.clone(), lead };
    prove(&candidate, answer, &lost).map(|found| found.proof)
}

#[test]
fn the_most_trustworthy_candidate_comes_first() {
    let healthy = |to: &str| Evidence {
        at: at(),
        status: Some(200),
        ended_at: None,
        compared_by: None,
        seen: None,
        finding: Finding::Healthy { drift: Drift::Same, moved_to: Some(address(to)) },
        notes: vec![],
        is_listed: false,
        listed_version: None,
    };
    let history = [healthy("http://older.example/"), healthy("http://new.example/flows")];
    let link = address("http://press.example/doi/pdf/10.1145/3292500.3330701?x=1");
    let mut document = Document::bare(Format::Pdf);
    document.citation.arxiv = Some("1706.03762v5".into());
    let lost = LostDocument { document: Some(&document), ..lost(&link, &history) };
    let (twins, gate) = ([address("http://new.example/flows")], address("http://archive.example/web/"));
    let found = candidates(&lost, SearchSources { twins: &twins, timegate: Some(&gate) });
    let asked: Vec<&str> = found.iter().map(|candidate| candidate.address.as_str()).collect();
    assert_eq!(
        asked,
        [
            "http://new.example/flows",
            "https://arxiv.org/abs/1706.03762",
            "https://doi.org/10.1145/3292500.3330701",
            "http://archive.example/web/http://press.example/doi/pdf/10.1145/3292500.3330701?x=1",
        ]
    );
}

#[test]
fn a_dead_link_is_not_replaced_by_itself() {
    let link = address("http://arxiv.org/abs/1706.03762");
    assert_eq!(candidates(&lost(&link, &[]), SearchSources::default()), []);
}

#[test]
fn a_candidate_must_be_the_same_work() {
    let ours = page(TITLE, 1, "");
    let moved = |source: &str| {
        proof_of(CandidateOrigin::Moved, &answer("http://new.example/f", 200, source, &[]), Some(&ours))
    };
    assert_eq!(moved(&ours), Some(Proof::Bytes));
    assert_eq!(moved(&page(TITLE, 1, "<meta name=robots content=x>")), Some(Proof::Text));
    assert_eq!(moved(&page(TITLE, 2, "")), Some(Proof::Title));
    assert_eq!(moved(&page("Another work on quite another subject", 2, "")), None);
    assert_eq!(moved(&page("Welcome", 3, "")), None);
}

#[test]
fn only_working_addresses_are_offered() {
    let ours = page(TITLE, 1, "");
    let asked =
        |from: &str, status| proof_of(CandidateOrigin::Moved, &answer(from, status, &ours, &[]), Some(&ours));
    assert_eq!(asked("http://new.example/f", 200), Some(Proof::Bytes));
    for (from, status) in [
        ("http://new.example/f", 404),
        ("http://new.example/f", 203),
        ("http://new.example/", 200),
        (LINK, 200),
        ("https://www.gone.example/papers/flows.html", 200),
    ] {
        assert_eq!(asked(from, status), None, "{from} {status}");
    }
}

#[test]
fn a_web_archive_must_return_a_capture() {
    let ours = page(TITLE, 1, "");
    let from = "http://archive.example/web/20260101000000/http://gone.example/papers/flows.html";
    let lead = || CandidateOrigin::TimeGate { near: at() };
    let dated = [("memento-datetime", "Thu, 01 Jan 2026 00:00:00 GMT")];
    assert_eq!(proof_of(lead(), &answer(from, 200, &ours, &[]), Some(&ours)), None);
    assert_eq!(
        proof_of(lead(), &answer(from, 200, &ours, &[("memento-datetime", "soon")]), Some(&ours)),
        None
    );
    assert_eq!(proof_of(lead(), &answer(from, 200, &ours, &dated), Some(&ours)), Some(Proof::Bytes));
    assert_eq!(proof_of(lead(), &answer(from, 404, &ours, &dated), Some(&ours)), None);
    assert_eq!(
        proof_of(lead(), &answer(from, 200, &page("Domain for sale today", 5, ""), &dated), Some(&ours)),
        None
    );
    assert_eq!(proof_of(lead(), &answer(from, 200, &ours, &dated), None), Some(Proof::Nothing));
}

#[test]
fn an_identifier_of_the_link_is_enough_but_not_a_cited_one() {
    let abs = |id: &str| {
        let head =
            format!("<meta name=citation_arxiv_id content={id}><meta name=citation_title content=Other>");
        answer("https://arxiv.org/abs/1706.03762", 200, &page("Listing of another", 4, &head), &[])
    };
    let ours = page(TITLE, 1, "");
    let lead = |is_certain| CandidateOrigin::Arxiv { id: "1706.03762".into(), is_certain };
    assert_eq!(proof_of(lead(true), &abs("1706.03762v7"), Some(&ours)), Some(Proof::Identifier));
    assert_eq!(proof_of(lead(true), &abs("1706.03763"), Some(&ours)), None);
    assert_eq!(proof_of(lead(false), &abs("1706.03762"), Some(&ours)), None);
    assert_eq!(proof_of(lead(true), &abs("1706.03762"), None), Some(Proof::Identifier));
}
