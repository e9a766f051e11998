//! What an archive holds after a stage, so that interrupted and uninterrupted runs can be
//! compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use onreserve::domain::journal::Entry;
use onreserve::night::journal_replay::enter_all;
use onreserve::night::rejudge::rejudge;
use onreserve::world::archive::{Archive, all_cores};
use onreserve::world::catalogue::Catalogue;
use sqlx::Row as _;

/// The rows of the catalogue that must be the same, each as one text.
const ROWS: &[&str] = &[
    "SELECT 'visit ' || address || ' ' || started FROM visit JOIN link ON link.id = visit.link \
     JOIN night ON night.id = visit.night",
    "SELECT 'capture ' || address || ' ' || sha256 || ' ' || is_removed FROM capture \
     JOIN link ON link.id = capture.link",
    "SELECT 'event ' || address || ' ' || night || ' ' || json_extract(event, '$.after.state') FROM event \
     JOIN link ON link.id = event.link",
    "SELECT 'report ' || course || ' ' || night FROM report",
    "SELECT 'night ' || started || ' ' || (finished IS NULL) || ' ' || is_withdrawn FROM night",
    "SELECT 'verdict ' || address || ' ' || json_extract(verdict, '$.state.state') FROM verdict \
     JOIN link ON link.id = verdict.link",
    "SELECT 'email ' || recipient || ' ' || occasion || ' ' || state || ' ' || first_night FROM letter \
     WHERE state <> 'superseded'",
    "SELECT 'removal ' || sha256 || ' ' || is_finished FROM removal",
    "SELECT 'text ' || sha256 FROM document_text",
];

/// What counts of an archive, without the times at which it was stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// What there is once only, with the number of times.
    once: BTreeMap<String, usize>,
    /// What a repeated command may write again.
    facts: BTreeSet<String>,
}

impl Outcome {
    pub(super) async fn of(dir: &Path, archive_dir: &Path) -> Self {
        let archive = Archive::open_shared(archive_dir).unwrap();
        let mut outcome = Self::default();
        outcome.add_journal(&archive);
        outcome.add_fixity(&archive);
        outcome.add_catalogue(archive_dir).await;
        outcome.add_rebuilt_verdicts(&archive).await;
        outcome.add_emails(dir);
        outcome
            .once
            .insert("temporary files".to_owned(), fs::read_dir(archive_dir.join("tmp")).unwrap().count());
        outcome
    }

    fn add_once(&mut self, text: String) {
        *self.once.entry(without_seconds(&text)).or_default() += 1;
    }

    fn add_journal(&mut self, archive: &Archive) {
        let mut entries = archive.entries();
        for entry in entries.by_ref() {
            match entry.unwrap() {
                Entry::Visit { night, link, .. } => self.add_once(format!("line: visit {link} {night}")),
                Entry::Capture { kept, .. } => {
                    let (link, sha256) = (&kept.capture.link, kept.capture.sha256);
                    let requisites: Vec<_> = kept.requisites.iter().map(|it| it.address.as_str()).collect();
                    self.add_once(format!("line: capture {link} {sha256} {requisites:?}"));
                }
                Entry::Night { started } => self.add_once(format!("line: night {started}")),
                Entry::Page { source, .. } => self.add_once(format!("line: page {source}")),
                Entry::Finished { night, void, .. } => {
                    self.facts.insert(without_seconds(&format!("line: finished {night} {void:?}")));
                }
                other => {
                    let value = serde_json::to_value(&other).unwrap();
                    self.facts.insert(format!("line: {} {}", value["kind"], value["link"]));
                }
            }
        }
        assert_eq!(entries.faults(), [], "the journal is whole");
    }

    fn add_fixity(&mut self, archive: &Archive) {
        let fixity = archive.verify(Timestamp::UNIX_EPOCH, all_cores()).unwrap();
        assert_eq!(fixity.damaged, []);
        for digest in fixity.sound {
            self.add_once(format!("blob: {digest}"));
        }
        for digest in fixity.missing {
            self.add_once(format!("missing: {digest}"));
        }
        let head = "HTTP ";
        // The date of a response is in its head, so heads differ.
        self.once.retain(|text, _| {
            let Some(digest) = text.strip_prefix("blob: ") else { return true };
            let path = archive.place_of(digest.parse().unwrap());
            !fs::read(path).unwrap().starts_with(head.as_bytes())
        });
    }

    async fn add_catalogue(&mut self, archive: &Path) {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(Catalogue::path_in(archive));
        let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
        let health: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&pool).await.unwrap();
        assert_eq!(health, "ok");
        for query in ROWS {
            for row in sqlx::query(*query).fetch_all(&pool).await.unwrap() {
                self.add_once(format!("row: {}", row.get::<String, _>(0)));
            }
        }
        pool.close().await;
    }

    /// The verdicts of a catalogue that is made from the journal.
    async fn add_rebuilt_verdicts(&mut self, archive: &Archive) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("catalogue.sqlite3");
        let catalogue = Catalogue::open(&path).await.unwrap();
        enter_all(archive.entries(), &catalogue).await.unwrap();
        let links = catalogue.links().await.unwrap();
        rejudge(&links, Timestamp::UNIX_EPOCH, &catalogue).await.unwrap();
        for (link, known) in catalogue.link_records(&links).await.unwrap() {
            let state = known.verdict.map(|verdict| verdict.state.name());
            self.add_once(format!("rebuilt: {link} {state:?}"));
        }
        catalogue.close().await;
    }

    /// An email that came twice has the same Message-ID and the same bytes.
    fn add_emails(&mut self, dir: &Path) {
        let mut emails: BTreeMap<String, String> = BTreeMap::new();
        for entry in fs::read_dir(dir.join("emails")).into_iter().flatten() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let header =
                |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
            let id = header("Message-ID: ");
            self.add_once(format!("email: {}", header("Subject: ")));
            let first = emails.entry(id).or_insert_with(|| text.clone());
            assert_eq!(*first, text, "one Message-ID, one email");
        }
        for email in emails.values() {
            let count = email.matches("newly dead").count();
            self.facts.insert(format!("email about {count} deaths"));
        }
    }

    /// What differs from another outcome.
    pub(super) fn differences(&self, expected: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        for text in self.once.keys().chain(expected.once.keys()).collect::<BTreeSet<_>>() {
            let count = |outcome: &Self| outcome.once.get(text).copied().unwrap_or(0);
            if count(self) != count(expected) {
                differences.push(format!("{} instead of {} times {text}", count(self), count(expected)));
            }
        }
        differences.extend(
            self.facts.symmetric_difference(&expected.facts).map(|fact| format!("only once: {fact}")),
        );
        differences
    }
}

/// A run on another archive begins its night some milliseconds earlier or later.
fn without_seconds(text: &str) -> String {
    match text.split_once("T02:30:") {
        Some((before, after)) => format!("{before}{}", after.split_once('Z').map_or("", |(_, rest)| rest)),
        None => text.to_owned(),
    }
}
