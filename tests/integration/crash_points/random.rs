//! Many crashes at varied steps, and kills at random moments. Slow, so only on request:
//! `cargo test --test integration crash_points::random -- --ignored`.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::stages::{Stage, harness};
use super::{Attempt, Fault, Undisturbed, all, undisturbed};
use crate::engines::only_on_sqlite_and_directory;
use crate::harness::Random;

impl Random {
    fn of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// A fault at any step of a stage, at any of its occurrences.
    fn fault(&mut self, stage: &Undisturbed) -> Fault {
        let steps: Vec<_> = stage.reached.iter().collect();
        let (step, count) = *self.of(&steps);
        let is_write = step.ends_with("-write");
        let kinds = if is_write {
            &["crash", "power-cut", "torn", "error"][..]
        } else {
            &["crash", "power-cut", "error"]
        };
        let (occurrence, kind) = (1 + self.below(*count), kinds[self.below(kinds.len())]);
        Fault { step, occurrence, kind, is_by_chance: true }
    }
}

fn count(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn crashes_at_any_step_lose_and_double_nothing() {
    only_on_sqlite_and_directory!("the steps are those that make files durable");
    let count = count("ONRESERVE_CRASHES", 100);
    let harness = harness().await;
    let stages = undisturbed(&harness).await;
    let mut random = Random::new();
    let faults: Vec<(usize, Vec<Fault>)> = (0..count)
        .map(|_| {
            let stage = random.below(stages.len());
            // A second crash while the first one is mended.
            let faults = (0..=random.below(2)).map(|_| random.fault(&stages[stage])).collect();
            (stage, faults)
        })
        .collect();
    let wrong = all(harness, stages, faults).await;
    assert!(wrong.is_empty(), "{} of {count} runs:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn kills_at_any_moment_lose_and_double_nothing() {
    only_on_sqlite_and_directory!("the steps are those that make files durable");
    let count = count("ONRESERVE_KILLS", 200);
    let harness = harness().await;
    let stages = undisturbed(&harness).await;
    let mut random = Random::new();
    let (mut wrong, mut killed) = (Vec::new(), 0);
    while killed < count {
        let undisturbed = random.of(&stages);
        if let Stage::Night(night) = undisturbed.stage {
            harness.set_night(night);
        }
        let begun = Instant::now();
        let attempt = Attempt::new(&harness, undisturbed);
        let mut child = attempt.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Starting takes some time; the stages take up to about a second.
        tokio::time::sleep(Duration::from_micros(20_000 + random.below(300_000) as u64)).await;
        child.kill().await.unwrap();
        let is_killed = child.wait().await.unwrap().code().is_none();
        killed += usize::from(is_killed);
        let differences = attempt.finish(!is_killed).await;
        if !differences.is_empty() {
            wrong.push(format!("{:?} after {:?}: {differences:#?}", undisturbed.stage, begun.elapsed()));
        }
    }
    assert!(wrong.is_empty(), "{} of {count} kills:\n{}", wrong.len(), wrong.join("\n"));
}
