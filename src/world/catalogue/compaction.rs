//! Compaction: the visits of old nights become runs, so that a link whose evidence does not
//! change adds some bytes for each night instead of a row.
//!
//! It writes the runs of some links at a time, then removes the rows of the nights. An
//! interrupted compaction leaves visits in both; they are read once, and the next compaction
//! goes on.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::database::{Transaction, query, query_scalar};
use super::remembered_visits::NotCounted;
use super::value::{from_json, json, time, time_from};
use super::visit_runs::{self, NewRun, NightVisit, VisitRun};
use super::{Catalogue, Error, visits};
use crate::world::disk::{self, StorageStep};

/// The visits of the last days stay rows: nights in progress, resumed nights and replays of the
/// journal change these only.
const ROWS_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A compaction begins when there are older rows than this. Each writes the last run of every
/// link again, so it takes the visits of a week at once.
const ROWS_OLDEST: SignedDuration = SignedDuration::from_hours(14 * 24);
/// The visits of one compaction, about. The next night goes on.
const VISITS: u64 = 1_500_000;
/// The visits that are in memory at the same time, about.
const VISITS_AT_ONCE: usize = 5000;
/// Of the lock that only one compaction has.
const LOCK: i64 = 5_720_346_130;

/// Old visits that are compacted together.
struct OldNights {
    nights: Vec<i64>,
}

impl OldNights {
    fn first(&self) -> i64 {
        self.nights.first().copied().unwrap_or(0)
    }

    /// How many links have at most so many visits that they are in memory together.
    fn links_at_once(&self) -> usize {
        (VISITS_AT_ONCE / self.nights.len().max(1)).max(1)
    }
}

impl Catalogue {
    /// Compacts the visits of old nights, at most about a million and a half, and returns their
    /// number.
    ///
    /// # Errors
    ///
    /// The catalogue cannot be used. What was compacted before stays so.
    pub async fn compact_visits(&self) -> Result<u64, Error> {
        let Some(old) = self.oldest_nights().await? else { return Ok(0) };
        let not_counted = self.nights_not_counted().await?;
        let mut compacted: HashMap<i64, u64> = HashMap::new();
        let mut after = 0;
        while let Some(until) = self.link_after(after, old.links_at_once()).await? {
            for night in self.compact_links(&old, (after, until), &not_counted).await? {
                *compacted.entry(night).or_default() += 1;
            }
            after = until;
        }
        let mut removed = 0;
        for night in &old.nights {
            removed += self.remove_rows(*night, compacted.get(night).copied().unwrap_or(0)).await?;
        }
        Ok(removed)
    }

    /// `None` if no visits are old enough.
    async fn oldest_nights(&self) -> Result<Option<OldNights>, Error> {
        let newest = query("SELECT id, started FROM night ORDER BY id DESC LIMIT 1");
        let Some(newest) = newest.fetch_optional(&self.pool).await? else { return Ok(None) };
        let (newest, started): (i64, Timestamp) = (newest.get(0), time_from(newest.get(1))?);
        let before = |age| started.saturating_sub(age).map(time).unwrap_or_default();
        let rows = query(
            "SELECT id, started FROM night WHERE id >= (SELECT min(night) FROM visit) AND id < $1 \
             AND started < $2 AND EXISTS (SELECT 1 FROM visit WHERE visit.night = night.id) ORDER BY id",
        )
        .bind(newest)
        .bind(before(ROWS_KEPT))
        .fetch_all(&self.pool)
        .await?;
        let oldest = before(ROWS_OLDEST);
        if !rows.iter().any(|row| row.get::<String>(1) < oldest) {
            return Ok(None);
        }
        let (mut nights, mut visits) = (Vec::new(), 0);
        for row in rows {
            let night: i64 = row.get(0);
            visits += self.row_count(night).await?;
            if visits > VISITS && !nights.is_empty() {
                break;
            }
            nights.push(night);
        }
        Ok(Some(OldNights { nights }))
    }

    async fn row_count(&self, night: i64) -> Result<u64, Error> {
        let count: i64 = query_scalar("SELECT count(*) FROM visit WHERE night = $1")
            .bind(night)
            .fetch_one(&self.pool)
            .await?;
        Ok(count.unsigned_abs())
    }

    /// Stores the visits of some links as runs, in one transaction. Returns the night of each
    /// visit.
    async fn compact_links(
        &self,
        old: &OldNights,
        (after, until): (i64, i64),
        not_counted: &HashMap<i64, NotCounted>,
    ) -> Result<Vec<i64>, Error> {
        let mut transaction = self.pool.begin().await?;
        lock(&mut transaction).await?;
        let rows = query(
            "SELECT visit.link, visit.night, visit.evidence FROM link CROSS JOIN visit \
             WHERE link.id > $1 AND link.id <= $2 AND visit.link = link.id \
             AND visit.night >= $3 AND visit.night <= $4",
        )
        .bind(after)
        .bind(until)
        .bind(old.first())
        .bind(old.nights.last().copied().unwrap_or(0))
        .fetch_all(&mut transaction)
        .await?;
        let mut nights = Vec::with_capacity(rows.len());
        let mut links: BTreeMap<i64, BTreeMap<i64, NightVisit>> = BTreeMap::new();
        for row in rows {
            let (link, night, text): (i64, i64, String) = (row.get(0), row.get(1), row.get(2));
            // A clock that was wrong may have given a night in between a later start.
            if old.nights.binary_search(&night).is_err() {
                continue;
            }
            let visit = NightVisit { night, evidence: from_json(&text)?, text: Some(text) };
            links.entry(link).or_default().insert(night, visit);
            nights.push(night);
        }
        if nights.is_empty() {
            return Ok(nights);
        }
        let mut old_runs: HashMap<i64, Vec<OldRun>> = HashMap::new();
        for run in last_runs(links.keys(), old.first(), &mut transaction).await? {
            old_runs.entry(run.link).or_default().push(run);
        }
        let (mut new, mut outdated) = (Vec::new(), Vec::new());
        for (link, mut visits) in links {
            let mut firsts = HashSet::new();
            for OldRun { first_night, run, .. } in old_runs.remove(&link).unwrap_or_default() {
                firsts.insert(first_night);
                // The visit of a run was stored first.
                visits.extend(run.visits()?.map(|visit| (visit.night, visit)));
            }
            let counts = |night| !not_counted.contains_key(&night);
            let runs = visit_runs::runs(visits.into_values(), counts);
            for run in &runs {
                firsts.remove(&run.first_night());
                new.push(row(link, run)?);
            }
            outdated.extend(firsts.into_iter().map(|first| (link, first)));
        }
        store(&new, &outdated, &mut transaction).await?;
        disk::commit(StorageStep::EntriesCommit, transaction.commit()).await?;
        Ok(nights)
    }

    /// Removes the rows of a night, if they are as many as were stored as runs. One that came
    /// meanwhile is compacted next time.
    async fn remove_rows(&self, night: i64, compacted: u64) -> Result<u64, Error> {
        let mut transaction = self.pool.begin().await?;
        let removed =
            query("DELETE FROM visit WHERE night = $1").bind(night).execute(&mut transaction).await?;
        if removed != compacted {
            return Ok(0);
        }
        disk::commit(StorageStep::EntriesCommit, transaction.commit()).await?;
        Ok(removed)
    }
}

/// Waits for another compaction. `SQLite` has one writer, which this statement makes of the
/// transaction.
async fn lock(on: &mut Transaction) -> Result<(), Error> {
    if let Transaction::Postgres { .. } = on {
        query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).fetch_all(&mut *on).await?;
    } else {
        query("DELETE FROM visit_run WHERE FALSE").execute(&mut *on).await?;
    }
    Ok(())
}

struct OldRun {
    link: i64,
    first_night: i64,
    run: VisitRun,
}

/// The runs of links that have visits of this night or later, and the run before it.
async fn last_runs(
    links: impl Iterator<Item = &i64>,
    night: i64,
    on: &mut Transaction,
) -> Result<Vec<OldRun>, Error> {
    let rows = query(
        "SELECT visit_run.link, first_night, last_night, earlier, evidence \
         FROM json_each($1) AS wanted CROSS JOIN visit_run \
         WHERE visit_run.link = CAST(wanted.value AS BIGINT) AND first_night >= coalesce( \
         (SELECT max(before.first_night) FROM visit_run AS before \
         WHERE before.link = CAST(wanted.value AS BIGINT) AND before.first_night <= $2), 0)",
    )
    .bind(json(&links.collect::<Vec<_>>())?)
    .bind(night)
    .fetch_all(&mut *on)
    .await?;
    rows.iter()
        .map(|row| Ok(OldRun { link: row.get(0), first_night: row.get(1), run: visits::run(row, 2)? }))
        .collect()
}

/// The columns of a row.
type Row = (i64, i64, i64, String, String);

fn row(link: i64, run: &NewRun) -> Result<Row, Error> {
    Ok((link, run.first_night(), run.last_night(), run.earlier(), run.evidence()?))
}

async fn store(new: &[Row], outdated: &[(i64, i64)], on: &mut Transaction) -> Result<(), Error> {
    if !outdated.is_empty() {
        query(
            "DELETE FROM visit_run WHERE (link, first_night) IN \
             (SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT) FROM json_each($1))",
        )
        .bind(json(&outdated)?)
        .execute(&mut *on)
        .await?;
    }
    query(
        "INSERT INTO visit_run (link, first_night, last_night, earlier, evidence) \
         SELECT CAST(entered.value ->> 0 AS BIGINT), CAST(entered.value ->> 1 AS BIGINT), \
         CAST(entered.value ->> 2 AS BIGINT), entered.value ->> 3, entered.value ->> 4 \
         FROM json_each($1) AS entered WHERE true ON CONFLICT (link, first_night) DO UPDATE \
         SET last_night = excluded.last_night, earlier = excluded.earlier, evidence = excluded.evidence",
    )
    .bind(json(&new)?)
    .execute(&mut *on)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
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
}
