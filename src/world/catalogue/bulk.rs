//! The tables to which a night writes many rows: one statement writes all rows of a table.
//!
//! A statement takes its rows as one JSON array, because every statement is passed to
//! another thread or server and back. New rows are numbered in the order of the array. No
//! statement updates a row twice, which `PostgreSQL` refuses.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

use super::Error;
use super::database::{Transaction, query};
use super::value::{json, time};
use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::evidence::Evidence;
use crate::domain::journal::{Entry, VisitedBy};
use crate::domain::verdict::Verdict;

/// Inserts the rows of links that are new; every other table refers to them.
async fn links<'a>(links: impl Iterator<Item = &'a Address>, on: &mut Transaction) -> Result<(), Error> {
    let links: BTreeSet<&str> = links.map(Address::as_str).collect();
    let insert =
        "INSERT INTO link (address) SELECT value FROM json_each($1) WHERE true ON CONFLICT DO NOTHING";
    execute(insert, json(&links)?, on).await
}

/// Stores the visits among some entries.
pub(super) async fn visits(entries: &[Entry], on: &mut Transaction) -> Result<(), Error> {
    let mut rows = Vec::new();
    let counting = counting_visits(entries);
    for (night, link, evidence, by) in &counting {
        let (worker, fence) = by.map_or((None, 0), |by| (Some(&by.worker), by.fence));
        rows.push((time(*night), link.as_str(), json(evidence)?, worker, fence));
    }
    if rows.is_empty() {
        return Ok(());
    }
    links(counting.into_iter().map(|(_, link, ..)| link), on).await?;
    // The line of the night may be damaged.
    let nights: BTreeSet<&String> = rows.iter().map(|(night, ..)| night).collect();
    let insert = "INSERT INTO night (started) SELECT value FROM json_each($1) AS entered WHERE true \
         ORDER BY entered.rowid ON CONFLICT DO NOTHING";
    execute(insert, json(&nights)?, on).await?;
    execute(
        "INSERT INTO visit (link, night, evidence, worker, fence) \
         SELECT link.id, night.id, entered.value ->> 2, entered.value ->> 3, CAST(entered.value ->> 4 AS BIGINT) \
         FROM json_each($1) AS entered CROSS JOIN night CROSS JOIN link \
         WHERE night.started = entered.value ->> 0 AND link.address = entered.value ->> 1 \
         ON CONFLICT (link, night) DO UPDATE \
         SET evidence = excluded.evidence, worker = excluded.worker, fence = excluded.fence \
         WHERE excluded.fence > 0 AND excluded.fence >= visit.fence",
        json(&rows)?,
        on,
    )
    .await
}

/// A visit, with the worker that made it.
type Visited<'a> = (Timestamp, &'a Address, &'a Evidence, Option<&'a VisitedBy>);

/// The visits among some entries, one of each link and night: that of the highest fence, and of
/// visits with the same fence the last. Without a worker the first counts.
fn counting_visits(entries: &[Entry]) -> Vec<Visited<'_>> {
    let (mut counting, mut places) = (Vec::<Visited>::new(), HashMap::new());
    for entry in entries {
        let Entry::Visit { night, link, evidence, by } = entry else { continue };
        let visited = (*night, link, evidence, by.as_ref());
        let place = *places.entry((night, link)).or_insert(counting.len());
        match counting.get_mut(place) {
            None => counting.push(visited),
            Some(before) => {
                let fence = |by: Option<&VisitedBy>| by.map_or(0, |by| by.fence);
                if fence(visited.3) > 0 && fence(visited.3) >= fence(before.3) {
                    *before = visited;
                }
            }
        }
    }
    counting
}

/// Stores the captures among some entries, and marks the baselines.
pub(super) async fn captures(entries: &[Entry], on: &mut Transaction) -> Result<(), Error> {
    let (mut rows, mut seen, mut baselines) = (Vec::new(), HashSet::new(), BTreeMap::new());
    for entry in entries {
        if let Entry::Capture { kept, .. } = entry {
            let capture = &kept.capture;
            let (sha256, at) = (capture.sha256.to_string(), time(capture.captured_at));
            if kept.is_baseline {
                baselines.insert(&capture.link, (capture.link.as_str(), sha256.clone(), at.clone()));
            }
            if seen.insert((&capture.link, capture.sha256, capture.captured_at)) {
                rows.push((&capture.link, sha256, at, json(kept)?));
            }
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    links(rows.iter().map(|(link, ..)| *link), on).await?;
    execute(
        "INSERT INTO capture (link, sha256, captured_at, kept, night) \
         SELECT link.id, entered.value ->> 1, entered.value ->> 2, entered.value ->> 3, \
         coalesce((SELECT max(id) FROM night WHERE finished IS NULL), (SELECT max(id) FROM night)) \
         FROM json_each($1) AS entered CROSS JOIN link WHERE link.address = entered.value ->> 0 \
         ORDER BY entered.rowid ON CONFLICT (link, sha256, captured_at) DO UPDATE SET is_removed = FALSE \
         WHERE capture.is_removed",
        json(&rows)?,
        on,
    )
    .await?;
    // A body that a takedown removed may be captured again after that is undone.
    let blobs: Vec<Digest> = entries.iter().flat_map(Entry::blobs).collect();
    execute("DELETE FROM removal WHERE sha256 IN (SELECT value FROM json_each($1))", json(&blobs)?, on)
        .await?;
    let baselines: Vec<_> = baselines.into_values().collect();
    execute(
        "INSERT INTO baseline (link, capture, accepted_at) \
         SELECT capture.link, capture.id, capture.captured_at \
         FROM json_each($1) AS entered CROSS JOIN link CROSS JOIN capture \
         WHERE link.address = entered.value ->> 0 AND capture.link = link.id \
         AND capture.sha256 = entered.value ->> 1 AND capture.captured_at = entered.value ->> 2 \
         ON CONFLICT (link) DO UPDATE SET capture = excluded.capture, \
         accepted_at = excluded.accepted_at \
         WHERE baseline.capture <> excluded.capture OR baseline.accepted_at <> excluded.accepted_at",
        json(&baselines)?,
        on,
    )
    .await
}

/// Marks the captures whose bodies a takedown removed: the archive need not have them.
pub(super) async fn removed(bodies: &[Digest], on: &mut Transaction) -> Result<(), Error> {
    let bodies = json(&bodies)?;
    let of_captures =
        "UPDATE capture SET is_removed = TRUE WHERE sha256 IN (SELECT value FROM json_each($1))";
    execute(of_captures, bodies.clone(), on).await?;
    let removals = "INSERT INTO removal (sha256, is_finished) SELECT DISTINCT value, FALSE FROM json_each($1) WHERE true \
         ON CONFLICT (sha256) DO UPDATE SET is_finished = FALSE";
    execute(removals, bodies.clone(), on).await?;
    execute("DELETE FROM fixity WHERE sha256 IN (SELECT value FROM json_each($1))", bodies, on).await
}

/// Stores the verdicts on links.
pub(super) async fn verdicts(verdicts: &[(&Address, &Verdict)], on: &mut Transaction) -> Result<(), Error> {
    links(verdicts.iter().map(|(link, _)| *link), on).await?;
    let mut rows = Vec::new();
    for (link, verdict) in verdicts {
        rows.push((link.as_str(), json(verdict)?));
    }
    execute(
        "INSERT INTO verdict (link, verdict) SELECT link.id, entered.value ->> 1 \
         FROM json_each($1) AS entered CROSS JOIN link WHERE link.address = entered.value ->> 0 \
         ON CONFLICT (link) DO UPDATE SET verdict = excluded.verdict",
        json(&rows)?,
        on,
    )
    .await
}

async fn execute(statement: &'static str, rows: String, on: &mut Transaction) -> Result<(), Error> {
    query(statement).bind(rows).execute(&mut *on).await?;
    Ok(())
}
