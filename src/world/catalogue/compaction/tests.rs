//! Compaction beside a model with one value for each visit.

use proptest::prelude::*;

use super::*;
use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::document::Fingerprint;
use crate::domain::evidence::comparison::ComparedBy;
use crate::domain::evidence::{Drift, Evidence, Finding, Reason, SeenVersion, TextChange, Weight};
use crate::domain::journal::Entry;
use crate::domain::verdict::breaker::Void;
use crate::domain::visit::Validators;
use crate::world::catalogue::StoredVisit;
use crate::world::catalogue::each_engine::{in_sqlite, new_database};

const LINKS: usize = 3;

fn link(n: usize) -> Address {
    Address::parse(&format!("https://a.example/{n}")).unwrap()
}

/// What the visits of some nights in a row find.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    Same,
    /// In other bytes each night.
    OtherBytes,
    OtherText,
    Missing,
    /// With a time that has nanoseconds, as in journals of earlier versions.
    Exact,
    /// The link has another turn.
    NotVisited,
}

fn evidence(result: Outcome, at: Timestamp) -> Option<Evidence> {
    let text = Fingerprint { version: 1, digest: Digest::of(at.to_string().as_bytes()) };
    let change = TextChange {
        similarity: 0.1 + f64::from(at.subsec_microsecond()) / 3.0e6,
        compared_by: ComparedBy::Text,
        words_changed: 3,
        words_before: 90,
        words_after: 91,
        pages_before: None,
        pages_after: None,
        section: None,
        alarm: None,
        seen_twice: false,
        is_noise: false,
        text,
    };
    let healthy = |drift| Finding::Healthy { drift, moved_to: None };
    let finding = match result {
        Outcome::NotVisited => return None,
        Outcome::Same | Outcome::OtherBytes | Outcome::Exact => healthy(Drift::Same),
        Outcome::OtherText => healthy(Drift::Different(change)),
        Outcome::Missing => Finding::Gone { reason: Reason::NotFound, weight: Weight::Strong },
    };
    let seen = matches!(result, Outcome::OtherBytes).then(|| {
        let validators = Validators { etag: Some(at.to_string()), last_modified: None };
        Box::new(SeenVersion { asked: link(0), at: link(0), sha256: text.digest, text, validators })
    });
    let at = if matches!(result, Outcome::Exact) { at + SignedDuration::from_nanos(1) } else { at };
    let (status, ended_at, notes, is_listed) = (Some(200), None, Vec::new(), false);
    let (compared_by, listed_version) = (Some(ComparedBy::Text), None);
    Some(Evidence { at, status, ended_at, finding, compared_by, notes, seen, is_listed, listed_version })
}

#[derive(Clone, Debug)]
enum Step {
    Nights {
        count: usize,
        results: [Outcome; LINKS],
        days: i64,
    },
    /// The network failed.
    VoidNight,
    /// It was interrupted and not resumed.
    UnfinishedNight,
    /// Of the nights so far, at this share.
    Withdraw {
        at: f64,
        withdrawn: bool,
    },
    Compact,
    /// From a night on, at this share of the nights.
    ReplayJournal {
        from: f64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let result = prop_oneof![
        4 => Just(Outcome::Same),
        2 => Just(Outcome::OtherBytes),
        1 => Just(Outcome::OtherText),
        1 => Just(Outcome::Missing),
        1 => Just(Outcome::Exact),
        1 => Just(Outcome::NotVisited),
    ];
    let nights = (
        prop_oneof![3 => 1..20_usize, 1 => 20..90_usize],
        [result.clone(), result.clone(), result],
        1..4_i64,
    );
    let step = prop_oneof![
        6 => nights.prop_map(|(count, results, days)| Step::Nights { count, results, days }),
        1 => Just(Step::VoidNight),
        1 => Just(Step::UnfinishedNight),
        2 => (0.0..1.0, any::<bool>()).prop_map(|(at, withdrawn)| Step::Withdraw { at, withdrawn }),
        3 => Just(Step::Compact),
        1 => (0.0..1.0).prop_map(|from| Step::ReplayJournal { from }),
    ];
    prop::collection::vec(step, 1..14)
}

#[derive(Clone, Debug)]
struct ModelNight {
    started: Timestamp,
    is_finished: bool,
    void: Option<Void>,
    is_withdrawn: bool,
    visits: [Option<Evidence>; LINKS],
}

/// A catalogue with one value for each visit.
#[derive(Clone, Debug, Default)]
struct Model {
    nights: Vec<ModelNight>,
    journal: Vec<Entry>,
    /// The place of the first entry of each night.
    starts: Vec<usize>,
}

impl Model {
    /// Adds a night, and returns its entries.
    fn add(
        &mut self,
        days: i64,
        results: [Outcome; LINKS],
        void: Option<Void>,
        is_finished: bool,
    ) -> Vec<Entry> {
        let before = self.nights.last().map_or(1_800_000_000, |night| night.started.as_second());
        let started = Timestamp::from_second(before + days * 86_400).unwrap();
        let number = i64::try_from(self.nights.len()).unwrap();
        let visits: [Option<Evidence>; LINKS] = std::array::from_fn(|n| {
            let offset = 7_919 * 1_000_003 * number % 9_000_000_000 + i64::try_from(n).unwrap();
            evidence(results[n], started + SignedDuration::from_micros(offset))
        });
        let mut entries = vec![Entry::Night { started }];
        for (n, visit) in visits.iter().enumerate() {
            entries.extend(visit.clone().map(|evidence| Entry::Visit {
                night: started,
                link: link(n),
                evidence,
                by: None,
            }));
        }
        if is_finished {
            entries.push(Entry::Finished { night: started, at: started, void });
        }
        // Read back, a number with decimals may differ in its last digit.
        let visits = visits.map(|visit| from_json(&json(&visit).unwrap()).unwrap());
        self.starts.push(self.journal.len());
        self.nights.push(ModelNight { started, is_finished, void, is_withdrawn: false, visits });
        self.journal.extend(entries.iter().cloned());
        entries
    }

    /// The entries of a step.
    fn take(&mut self, step: &Step) -> Vec<Entry> {
        let void = Void { failed: 9, links: 9, hosts: 9, sentinels: None };
        let count = self.nights.len();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of few nights"
        )]
        let place = |share: f64| (share * count as f64) as usize;
        match *step {
            Step::Nights { count, results, days } => {
                (0..count).flat_map(|_| self.add(days, results, None, true)).collect()
            }
            Step::VoidNight => {
                self.add(1, [Outcome::Missing, Outcome::Same, Outcome::OtherBytes], Some(void), true)
            }
            Step::UnfinishedNight => self.add(1, [Outcome::Same; LINKS], None, false),
            Step::Withdraw { at, withdrawn } => {
                let Some(night) = self.nights.get_mut(place(at)) else { return Vec::new() };
                night.is_withdrawn = withdrawn;
                let (night, at) = (night.started, night.started);
                let entry = Entry::Withdrawn { at, night, withdrawn, reason: String::new(), by: None };
                self.journal.push(entry.clone());
                vec![entry]
            }
            Step::Compact => Vec::new(),
            Step::ReplayJournal { from } => {
                let start = self.starts.get(place(from)).copied().unwrap_or(self.journal.len());
                self.journal[start..].to_vec()
            }
        }
    }

    fn visits(&self, n: usize) -> Vec<StoredVisit> {
        let stored = |night: &ModelNight| {
            let evidence = night.visits[n].clone()?;
            Some(StoredVisit {
                night: night.started,
                void: night.void,
                is_withdrawn: night.is_withdrawn,
                evidence,
            })
        };
        self.nights.iter().filter_map(stored).collect()
    }

    /// The evidence of valid nights, oldest first, and that of later void nights, newest first.
    fn record(&self, n: usize) -> (Vec<Evidence>, Vec<Evidence>) {
        let counted = self.nights.iter().rev().filter(|night| night.is_finished && !night.is_withdrawn);
        let last: Vec<_> = counted
            .filter_map(|night| Some((night.void.is_some(), night.visits[n].clone()?)))
            .take(100)
            .collect();
        let voids = last.iter().take_while(|(is_void, _)| *is_void).map(|(_, it)| it.clone()).collect();
        let history = last.into_iter().rev().filter(|(is_void, _)| !is_void).map(|(_, it)| it).collect();
        (history, voids)
    }
}

/// The version that was read is kept where the next request needs it: in the newest evidence
/// with a comparison, unless a night is withdrawn later.
fn without_seen(evidence: &[Evidence]) -> Vec<Evidence> {
    evidence.iter().map(|it| Evidence { seen: None, ..it.clone() }).collect()
}

async fn compare(catalogue: &Catalogue, model: &Model, was_withdrawn: bool) {
    let records = catalogue.link_records(&[link(0), link(1), link(2)]).await.unwrap();
    for n in 0..LINKS {
        let visits = |visits: Vec<StoredVisit>| {
            let plain = |visit: StoredVisit| StoredVisit {
                evidence: Evidence { seen: None, ..visit.evidence },
                ..visit
            };
            visits.into_iter().map(plain).collect::<Vec<_>>()
        };
        let stored = visits(catalogue.visits(&link(n)).await.unwrap());
        pretty_eq(&stored, &visits(model.visits(n)));
        let (history, voids) = model.record(n);
        let record = records.get(&link(n)).cloned().unwrap_or_default();
        pretty_eq(&without_seen(&record.history.evidence), &without_seen(&history));
        pretty_eq(&without_seen(&record.voids), &without_seen(&voids));
        let compared = |history: &[Evidence]| {
            history.iter().rev().find(|it| it.drift().is_some()).and_then(|it| it.seen.clone())
        };
        if !was_withdrawn {
            assert_eq!(compared(&record.history.evidence), compared(&history));
        }
        let last = model
            .nights
            .iter()
            .rfind(|night| night.is_finished && !night.is_withdrawn && night.visits[n].is_some());
        let last_visit = catalogue.last_visit(&link(n)).await.unwrap();
        assert_eq!(last_visit.map(|it| it.row.started), last.map(|it| it.started));
    }
    if let Some(night) = model.nights.get(model.nights.len() / 2) {
        let row = catalogue.night(night.started).await.unwrap();
        let visited: Vec<Address> = (0..LINKS).filter(|n| night.visits[*n].is_some()).map(link).collect();
        assert_eq!(catalogue.links_of_night(row.id).await.unwrap(), visited);
    }
}

fn pretty_eq<T: PartialEq + std::fmt::Debug>(stored: &[T], expected: &[T]) {
    assert_eq!(stored.len(), expected.len(), "as many");
    for (stored, expected) in stored.iter().zip(expected) {
        assert_eq!(stored, expected);
    }
}

/// Takes the steps with and without compaction, and rebuilds the catalogue from the journal.
async fn try_steps(steps: &[Step], catalogue: &Catalogue, rebuilt: &Catalogue) {
    let (mut model, mut was_withdrawn) = (Model::default(), false);
    for step in steps {
        catalogue.apply(&model.take(step)).await.unwrap();
        was_withdrawn |= matches!(step, Step::Withdraw { .. });
        if matches!(step, Step::Compact) {
            catalogue.compact_visits().await.unwrap();
        }
    }
    compare(catalogue, &model, was_withdrawn).await;
    catalogue.compact_visits().await.unwrap();
    compare(catalogue, &model, was_withdrawn).await;
    assert_eq!(catalogue.compact_visits().await.unwrap(), 0, "there is nothing left to do");
    for entries in model.journal.chunks(40) {
        rebuilt.apply(entries).await.unwrap();
        rebuilt.compact_visits().await.unwrap();
    }
    compare(rebuilt, &model, true).await;
}

fn block_on(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_compacted_catalogue_says_the_same(steps in steps()) {
        block_on(async {
            let ((_dir, catalogue), (_other, rebuilt)) = (in_sqlite().await, in_sqlite().await);
            try_steps(&steps, &catalogue, &rebuilt).await;
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_compacted_catalogue_in_postgresql_says_the_same(steps in steps()) {
        block_on(async {
            let Some(location) = new_database().await else { return };
            let catalogue = Catalogue::open_at(&location).await.unwrap();
            let (_dir, rebuilt) = in_sqlite().await;
            try_steps(&steps, &catalogue, &rebuilt).await;
            catalogue.close().await;
        });
    }
}

async fn count(table: &str, catalogue: &Catalogue) -> i64 {
    let count = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    query_scalar(count).fetch_one(&catalogue.pool).await.unwrap()
}

#[tokio::test]
async fn a_link_that_does_not_change_has_few_rows() {
    let (_dir, catalogue) = in_sqlite().await;
    let mut model = Model::default();
    for _ in 0..300 {
        let results = [Outcome::Same, Outcome::OtherBytes, Outcome::OtherText];
        catalogue.apply(&model.add(1, results, None, true)).await.unwrap();
        catalogue.compact_visits().await.unwrap();
    }
    compare(&catalogue, &model, false).await;
    let rows = count("visit", &catalogue).await;
    assert!((3 * 8..=3 * 15).contains(&rows), "{rows} rows are of the last two weeks");
    let runs = count("visit_run", &catalogue).await;
    assert!((291..=300).contains(&runs), "{runs} runs: each other text is one");
}

/// The lines of a visit may come back when a journal is repaired.
#[tokio::test]
async fn a_visit_within_a_run_divides_it() {
    let (_dir, catalogue) = in_sqlite().await;
    let mut model = Model::default();
    let mut entries = model.take(&Step::Nights { count: 30, results: [Outcome::Same; LINKS], days: 1 });
    let place = entries
        .iter()
        .position(|it| matches!(it, Entry::Visit { night, .. } if *night == model.nights[5].started));
    let _lost = entries.remove(place.unwrap());
    catalogue.apply(&entries).await.unwrap();
    catalogue.compact_visits().await.unwrap();
    let at = model.nights[5].visits[0].as_ref().unwrap().at;
    let other = evidence(Outcome::Missing, at).unwrap();
    model.nights[5].visits[0] = Some(other.clone());
    let found = Entry::Visit { night: model.nights[5].started, link: link(0), evidence: other, by: None };
    catalogue.apply(&[found]).await.unwrap();
    compare(&catalogue, &model, false).await;
    catalogue.compact_visits().await.unwrap();
    compare(&catalogue, &model, false).await;
    let runs: i64 = query_scalar(
        "SELECT count(*) FROM visit_run JOIN link ON link.id = visit_run.link WHERE address = $1",
    )
    .bind(link(0).as_str())
    .fetch_one(&catalogue.pool)
    .await
    .unwrap();
    assert_eq!(runs, 3, "before it, itself, and after it");
}

/// Runs are stored before rows are removed.
#[tokio::test]
async fn an_interrupted_compaction_counts_no_visit_twice() {
    let (_dir, catalogue) = in_sqlite().await;
    let mut model = Model::default();
    let entries = model.take(&Step::Nights {
        count: 40,
        results: [Outcome::Same, Outcome::OtherBytes, Outcome::OtherText],
        days: 1,
    });
    catalogue.apply(&entries).await.unwrap();
    let old = catalogue.oldest_nights().await.unwrap().unwrap();
    let first = catalogue.link_after(0, 2).await.unwrap().unwrap();
    let nights = catalogue.compact_links(&old, (0, first), &HashMap::new()).await.unwrap();
    assert_eq!(nights.len(), 2 * old.nights.len());
    compare(&catalogue, &model, false).await;
    // A row that was not stored as a run stays.
    assert_eq!(catalogue.remove_rows(old.nights[0], 2).await.unwrap(), 0);
    assert_eq!(count("visit", &catalogue).await, 3 * 40);
    assert_eq!(catalogue.compact_visits().await.unwrap(), 3 * u64::try_from(old.nights.len()).unwrap());
    compare(&catalogue, &model, false).await;
}
