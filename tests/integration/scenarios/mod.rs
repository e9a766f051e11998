//! Labelled scenarios, judged night after night: `tests/scenarios.psv` contains them, and
//! the score is printed. The decisions are those of the program; only the web is
//! simulated.

mod bodies;
mod notices;
mod web;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::Write as _;

use jiff::{SignedDuration, Timestamp};
use onreserve::domain::address::Address;
use onreserve::domain::capture::{Capture, CaptureReason};
use onreserve::domain::document::{self, Document, DocumentContext};
use onreserve::domain::evidence::Evidence;
use onreserve::domain::evidence::capture_decision;
use onreserve::domain::evidence::evaluate::evaluate;
use onreserve::domain::evidence::link_history::{LinkHistory, StoredCapture};
use onreserve::domain::evidence::next_probe::next_probe;
use onreserve::domain::evidence::probe::{CheckedLink, Probe, ProbeResult, ProbeResults};
use onreserve::domain::evidence::signature_list::FoundSignatures;
use onreserve::domain::evidence::visit_context::VisitContext;
use onreserve::domain::link::Kind;
use onreserve::domain::verdict::judge::judge;
use onreserve::domain::verdict::{State, StateName, Verdict};

use self::web::Web;

/// One line of the file.
struct Scenario {
    id: &'static str,
    web: Web,
    words: String,
    fragments: Vec<String>,
    nights: usize,
    /// The state after the last night, and its reason where that matters.
    wanted: (&'static str, Option<&'static str>),
}

/// A scenario, or the reason why it cannot be run.
fn parse(row: &'static str) -> Result<Scenario, (&'static str, &'static str)> {
    let columns: Vec<&str> = row.split('|').map(str::trim).collect();
    let [id, link, words, nights, elsewhere, wanted, about] = columns[..] else {
        panic!("{row}: a row has seven columns")
    };
    if nights.is_empty() {
        return Err((id, about));
    }
    let title = format!("Lecture notes on normalizing flows {id}");
    let link = match link {
        "" => format!("https://{}.example/works/reading.html", id.to_lowercase().replace('_', "-")),
        "pdf" | "ipynb" => format!("https://{}.example/works/reading.{link}", id.to_lowercase()),
        whole => whole.to_owned(),
    };
    let nights = sequence(nights, ' ');
    let elsewhere = elsewhere
        .split_whitespace()
        .map(|rule| rule.split_once(":=").unwrap_or_else(|| panic!("{id}: `{rule}` has no `:=`")))
        .map(|(place, replies)| (place.to_owned(), sequence(replies, ',')))
        .collect();
    Ok(Scenario {
        id,
        words: if words.is_empty() { title.clone() } else { words.to_owned() },
        fragments: link.split_once('#').map(|(_, fragment)| fragment.to_owned()).into_iter().collect(),
        nights: nights.len(),
        web: Web { title, link: Address::parse(&link).unwrap(), nights, elsewhere },
        wanted: wanted.split_once(' ').map_or((wanted, None), |(state, reason)| (state, Some(reason))),
    })
}

/// `work*2 404` is `work`, `work`, `404`.
fn sequence(text: &str, between: char) -> Vec<String> {
    text.split(between)
        .filter(|token| !token.is_empty())
        .flat_map(|token| match token.rsplit_once('*') {
            Some((token, times)) => vec![token.to_owned(); times.parse().unwrap()],
            None => vec![token.to_owned()],
        })
        .collect()
}

fn at(night: usize) -> Timestamp {
    let first: Timestamp = "2026-09-14T02:30:00Z".parse().unwrap();
    first + SignedDuration::from_hours(24 * i64::try_from(night).unwrap())
}

/// The verdicts of all nights.
fn play(scenario: &Scenario) -> Vec<Verdict> {
    let link = CheckedLink {
        address: scenario.web.link.clone(),
        words: vec![scenario.words.clone()],
        kind: Kind::Paper,
        fragments: scenario.fragments.clone(),
        listed_version: None,
    };
    let mut history = LinkHistory::default();
    let mut blobs: Vec<(StoredCapture, Document)> = Vec::new();
    (1..=scenario.nights)
        .map(|night| {
            let evidence = visit(scenario, &link, &mut history, &mut blobs, night);
            history.evidence.push(evidence);
            judge(&history.evidence, at(night))
        })
        .collect()
}

fn visit(
    scenario: &Scenario,
    link: &CheckedLink,
    history: &mut LinkHistory,
    blobs: &mut Vec<(StoredCapture, Document)>,
    night: usize,
) -> Evidence {
    let at = at(night);
    let mut answers: Vec<ProbeResult> = Vec::new();
    let (mut baseline, mut last): (Option<Document>, Option<Document>) = (None, None);
    let read_again = |kept: Option<&StoredCapture>| {
        let kept = kept?;
        blobs
            .iter()
            .find(|(blob, _)| blob.capture.sha256 == kept.capture.sha256)
            .map(|(_, read)| read.clone())
    };
    loop {
        let context = VisitContext {
            link,
            history,
            baseline: baseline.as_ref(),
            last: last.as_ref(),
            results: ProbeResults(&answers),
            at,
        };
        let Some(probe) = next_probe(&context) else {
            let evidence = evaluate(&context);
            let kept = kept(&context, &evidence);
            if let Some((kept, document)) = kept {
                let is_page = |document: &Document| document.html.is_some();
                let before = blobs.last().map(|(_, before)| before);
                assert!(
                    kept.capture.why == CaptureReason::Changed
                        || !is_page(&document)
                        || before.is_none_or(is_page),
                    "{}: a page replaced a stored file without a report",
                    scenario.id
                );
                if kept.is_baseline {
                    history.baseline = Some(kept.clone());
                }
                history.last = Some(kept.clone());
                blobs.push((kept, document));
            }
            return evidence;
        };
        assert!(answers.len() < 12, "{}: probes without end", scenario.id);
        answers.push(answer(scenario, probe, history, night, answers.len() + 1));
        if baseline.is_none() && capture_decision::needs_baseline(history, &answers) {
            baseline = read_again(history.baseline.as_ref());
            if capture_decision::needs_last(history, baseline.as_ref()) {
                last = read_again(history.last.as_ref());
            }
        }
    }
}

fn answer(
    scenario: &Scenario,
    probe: Probe,
    history: &LinkHistory,
    night: usize,
    look: usize,
) -> ProbeResult {
    let address = match &probe {
        Probe::Link | Probe::Retry => &scenario.web.link,
        Probe::ClientRedirect(address)
        | Probe::Document(address)
        | Probe::DocumentRetry(address)
        | Probe::FrontPage(address)
        | Probe::Nonexistent(address)
        | Probe::HostApi(address) => address,
    };
    let fetched = scenario.web.fetch(address, night, look, at(night));
    let digest = fetched.exchange.body().map(|body| body.sha256);
    let is_known =
        digest.is_some() && history.baseline.as_ref().map(|baseline| baseline.capture.sha256) == digest;
    let document = fetched.bytes.filter(|_| !is_known).map(|bytes| {
        let hop = fetched.exchange.last_hop().unwrap();
        document::read(&bytes, &DocumentContext::new(hop.address.clone(), hop.headers.get("content-type")))
    });
    ProbeResult {
        probe,
        exchange: fetched.exchange,
        document,
        is_known,
        signatures: FoundSignatures::default(),
    }
}

fn kept(context: &VisitContext, evidence: &Evidence) -> Option<(StoredCapture, Document)> {
    let (why, is_baseline) = capture_decision::capture_reason(context, evidence)?;
    let (answer, document) = context.document()?;
    let exchange = &answer.exchange;
    let body = exchange.body()?;
    let capture = Capture {
        link: context.link.address.clone(),
        document: exchange.final_address().clone(),
        sha256: body.sha256,
        sha1: String::new(),
        bytes: body.bytes,
        media_type: String::new(),
        captured_at: context.at,
        why,
        head: None,
        content_disposition: None,
        chain: exchange.hops.iter().map(|hop| hop.address.clone()).collect(),
        shortfall: None,
    };
    let kept = StoredCapture {
        capture,
        text: document.fingerprint(),
        title: document.title.clone(),
        words: document.words(),
        pages: document.pages,
        validators: None,
        is_baseline,
        requisites: Vec::new(),
        rendering: None,
        citation: None,
    };
    Some((kept, document.clone()))
}

/// The results of all scenarios, from the view of a reader of the reports.
#[derive(Default)]
struct Score {
    reported: (usize, usize),
    quiet: (usize, usize),
    drift: (usize, usize),
    noise: (usize, usize),
    state: (usize, usize),
    wrong: Vec<String>,
}

impl Score {
    fn count(&mut self, scenario: &Scenario, verdicts: &[Verdict]) {
        let (state, reason) = scenario.wanted;
        let last = &verdicts.last().unwrap().state;
        let ever = |name: StateName| verdicts.iter().any(|verdict| verdict.state.name() == name);
        let reason_seen = last.reason().map(|reason| serde_json::to_value(reason).unwrap());
        let as_wanted = last.name().as_str() == state
            && reason.is_none_or(|reason| reason_seen.as_ref().is_some_and(|seen| seen == reason));
        let add = |figure: &mut (usize, usize), is_good: bool| {
            figure.0 += usize::from(is_good);
            figure.1 += 1;
        };
        let mut all = as_wanted;
        add(&mut self.state, as_wanted);
        match state {
            "dead" => add(&mut self.reported, matches!(last, State::Dead { .. })),
            _ => {
                add(&mut self.quiet, !ever(StateName::Dead));
                all &= !ever(StateName::Dead);
            }
        }
        match state {
            "changed" => add(&mut self.drift, ever(StateName::Changed)),
            _ => {
                add(&mut self.noise, !ever(StateName::Changed));
                all &= !ever(StateName::Changed);
            }
        }
        if !all {
            let seen: Vec<String> = verdicts
                .iter()
                .map(|verdict| match verdict.state.reason() {
                    Some(reason) => format!("{} {reason:?}", verdict.state.name().as_str()),
                    None => verdict.state.name().as_str().to_owned(),
                })
                .collect();
            self.wrong.push(format!("{}: {state} was wanted, seen {}", scenario.id, seen.join(", ")));
        }
    }

    fn table(&self, not_expressed: usize) -> String {
        let mut table = String::from("\nscenarios, judged by tests/scenarios.psv\n");
        for (name, (hit, of), what) in [
            ("reported", self.reported, "broken links reported broken"),
            ("quiet", self.quiet, "working links, never called dead"),
            ("drift", self.drift, "relevant changes, reported"),
            ("noise", self.noise, "links without one, never called changed"),
            ("state", self.state, "state and reason of the last night as labelled"),
        ] {
            writeln!(table, "  {name:8} {hit:4}/{of:<4} {what}").unwrap();
        }
        writeln!(table, "  {not_expressed} scenarios cannot be run; each has a reason").unwrap();
        table
    }
}

#[test]
fn every_scenario_is_judged_as_labelled() {
    let lines = include_str!("../../scenarios.psv").lines();
    let lines: Vec<&str> = lines.filter(|line| !line.starts_with('#') && !line.trim().is_empty()).collect();
    let mut ids = HashSet::new();
    let mut score = Score::default();
    let mut not_expressed = 0;
    let mut scenarios = Vec::new();
    for line in &lines {
        match parse(line) {
            Ok(scenario) => {
                assert!(ids.insert(scenario.id), "{} is there twice", scenario.id);
                scenarios.push(scenario);
            }
            Err((id, why)) => {
                assert!(ids.insert(id) && why.len() > 10, "{id} must have a reason why it cannot be run");
                not_expressed += 1;
            }
        }
    }
    let hands = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        let shares = scenarios.chunks(scenarios.len().div_ceil(hands));
        let at_work: Vec<_> = shares
            .map(|share| scope.spawn(|| share.iter().map(|one| (one, play(one))).collect::<Vec<_>>()))
            .collect();
        for (scenario, verdicts) in at_work.into_iter().flat_map(|hand| hand.join().unwrap()) {
            score.count(scenario, &verdicts);
        }
    });
    // Written to standard error directly, so that the table is shown in every test run.
    std::io::stderr().write_all(score.table(not_expressed).as_bytes()).unwrap();
    assert!(score.wrong.is_empty(), "{}", score.wrong.join("\n"));
}
