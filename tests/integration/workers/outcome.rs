//! What a night of several processes has left, and the laws that it keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use sqlx::{Connection as _, PgConnection};

use crate::delivery::relay::Relay;
use crate::fetch::site::Seen;
use crate::harness::{Harness, PROGRAM};
use crate::workers::cluster::{PAUSE, REPLY, addresses};

pub(super) struct Outcome {
    /// The workers that have visited links.
    pub(super) workers: usize,
    seen: Vec<Seen>,
}

/// The archive as a directory, and the database into which its journal is read.
pub(super) struct ReadArchive {
    pub(super) dir: PathBuf,
    pub(super) configuration: PathBuf,
    pub(super) database: String,
}

/// The visits and the verdicts in a catalogue.
#[derive(Debug, PartialEq)]
struct Results {
    visits: Vec<(String, String, String, i64)>,
    verdicts: Vec<(String, String)>,
}

impl Results {
    async fn read(on: &mut PgConnection) -> Self {
        let visits = "SELECT link.address, night.started, visit.evidence, visit.fence FROM visit \
                      JOIN link ON link.id = visit.link JOIN night ON night.id = visit.night ORDER BY 1, 2";
        let verdicts = "SELECT link.address, verdict::json ->> 'state' FROM verdict \
                        JOIN link ON link.id = verdict.link ORDER BY 1";
        Self {
            visits: sqlx::query_as(visits).fetch_all(&mut *on).await.unwrap(),
            verdicts: sqlx::query_as(verdicts).fetch_all(&mut *on).await.unwrap(),
        }
    }
}

impl Outcome {
    /// Reads the results and checks the laws that hold after every failure. Each host may have this
    /// number of pauses that are too short.
    pub(super) async fn read(
        harness: Harness,
        relay: &Relay,
        url: &str,
        archive: &ReadArchive,
        short_pauses: usize,
    ) -> Self {
        let mut catalogue = PgConnection::connect(url).await.unwrap();
        let results = Results::read(&mut catalogue).await;
        let links: BTreeSet<String> = results.visits.iter().map(|(link, ..)| link.clone()).collect();
        assert_eq!(links, addresses().into_iter().collect(), "every link has its visit");
        assert_eq!(results.visits.len(), links.len(), "one visit of each link");
        assert_eq!(results.verdicts.len(), links.len());
        for (link, state) in &results.verdicts {
            let expected = if is_gone(link.rsplit('/').next().unwrap()) { "\"failing\"" } else { "\"ok\"" };
            let visit = || results.visits.iter().find(|visit| visit.0 == *link);
            assert!(state.contains(expected), "{link} is {state}: {:?}", visit());
        }
        let letters: i64 =
            sqlx::query_scalar("SELECT count(*) FROM letter").fetch_one(&mut catalogue).await.unwrap();
        assert_eq!(letters, 1, "one email is queued");
        assert_eq!(relay.taken().len(), 1, "and sent");
        let workers: i64 = sqlx::query_scalar("SELECT count(DISTINCT worker) FROM visit")
            .fetch_one(&mut catalogue)
            .await
            .unwrap();

        let seen = harness.site.seen();
        assert_polite(&seen, short_pauses);
        let sums = Command::new("sha256sum")
            .args(["--check", "--quiet", "SHA256SUMS"])
            .current_dir(&archive.dir)
            .output()
            .unwrap();
        assert!(sums.status.success(), "{}", String::from_utf8_lossy(&sums.stdout));

        let rebuilt = Command::new(PROGRAM)
            .arg("rebuild")
            .arg("--config")
            .arg(&archive.configuration)
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&rebuilt.stdout) + String::from_utf8_lossy(&rebuilt.stderr);
        assert!(rebuilt.status.success(), "{printed}");
        catalogue.close().await.unwrap();
        let mut rebuilt = PgConnection::connect(&archive.database).await.unwrap();
        assert_eq!(Results::read(&mut rebuilt).await, results, "the journal has the same results");
        rebuilt.close().await.unwrap();
        Self { workers: usize::try_from(workers).unwrap(), seen }
    }

    /// No address was requested twice, if no process was lost.
    pub(super) fn assert_requested_once(&self) {
        let mut counts = BTreeMap::<_, usize>::new();
        for seen in self.seen.iter().filter(|seen| seen.host.starts_with('h') && seen.target.len() > 1) {
            *counts.entry((&seen.host, &seen.target)).or_default() += 1;
        }
        // A page that is gone is requested again on a new connection, and other workers read
        // the robots.txt of the hub too.
        counts.retain(|(host, target), count| {
            *count > 1 && **target != "/robots.txt" && !is_gone(target) && *host != "hub.test"
        });
        assert_eq!(counts, BTreeMap::new());
    }
}

fn is_gone(target: &str) -> bool {
    target.trim_start_matches('/').parse::<usize>().is_ok_and(|link| link % 20 == 7)
}

/// No host has two requests at a time, and each pause is long enough. The pause begins when the
/// program has the whole reply, which is not before the server has sent it.
fn assert_polite(seen: &[Seen], allowed: usize) {
    let mut by_host = BTreeMap::<&str, Vec<&Seen>>::new();
    for request in seen {
        by_host.entry(&request.host).or_default().push(request);
    }
    for (host, mut requests) in by_host {
        requests.sort_by_key(|request| request.at);
        let short: Vec<String> = requests
            .windows(2)
            .filter_map(|pair| {
                let [before, after] = pair else { return None };
                let apart = after.at.duration_since(before.at);
                let what = || format!("{} comes {apart:?} after {}", after.target, before.target);
                (apart < REPLY + PAUSE).then(what)
            })
            .collect();
        assert!(
            short.len() <= allowed,
            "{host}: {short:?}, {:?}",
            requests.iter().map(|it| (&it.target, it.at, it.ended)).collect::<Vec<_>>()
        );
    }
}
