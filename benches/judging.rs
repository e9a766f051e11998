//! Judging 10,000 links with a hundred nights of history each, on one core.
//!
//!     cargo bench --bench judging

#![expect(clippy::disallowed_methods, reason = "a bench measures time")]
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::unwrap_used, reason = "a failed bench may panic")]

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use onreserve::domain::evidence::{Drift, Evidence, Finding, Reason, Weight};
use onreserve::domain::verdict::judge::judge;

const LINKS: usize = 10_000;
const NIGHTS: i64 = 100;

/// Histories of every kind: mostly healthy, some flapping, some long dead, some behind
/// walls, including the worst case for counting back.
fn finding(link: usize, night: i64) -> Finding {
    let gone = Finding::Gone { reason: Reason::NotFound, weight: Weight::Strong };
    let nth = usize::try_from(night).unwrap();
    match link % 10 {
        0 => gone,
        1 if nth % 3 == 0 => gone,
        2 => Finding::Refused { reason: Reason::BotWall },
        3 if nth > 0 => Finding::Refused { reason: Reason::RateLimited },
        4 if (link + nth).is_multiple_of(17) => gone,
        _ => Finding::Healthy { drift: Drift::Same, moved_to: None },
    }
}

fn main() {
    let first: Timestamp = "2026-01-01T02:00:00Z".parse().unwrap();
    let at = |night: i64| first + SignedDuration::from_hours(24 * night);
    let histories: Vec<Vec<Evidence>> = (0..LINKS)
        .map(|link| {
            let one = |night| Evidence {
                at: at(night),
                status: None,
                ended_at: None,
                compared_by: None,
                seen: None,
                finding: finding(link, night),
                notes: Vec::new(),
                is_listed: false,
                listed_version: None,
            };
            (0..NIGHTS).map(one).collect()
        })
        .collect();
    let mut seconds: Vec<f64> = (0..5)
        .map(|_| {
            let started = Instant::now();
            let verdicts = histories
                .iter()
                .map(|history| judge(history, at(NIGHTS)))
                .filter(|verdict| verdict.nights > 0);
            assert!(verdicts.count() > LINKS / 2);
            started.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    println!(
        "{LINKS} links, {NIGHTS} nights each: median {:.3} s, worst {:.3} s of 5",
        seconds[2], seconds[4]
    );
}
