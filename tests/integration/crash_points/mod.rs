//! The program is stopped, or gets an error, at each step that makes stored data durable.
//! Then the same command runs again, and everything is as if nothing had happened.
//!
//! Faults exist only in debug builds.

#![cfg(debug_assertions)]

mod outcome;
mod random;
mod slow_disk;
mod stages;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use onreserve::world::clock::Clock;
use onreserve::world::disk::StorageStep;
use onreserve::world::{archive::Archive, catalogue::Catalogue};
use onreserve::{config, outbox};
use tokio::process::Command;

use self::outcome::Outcome;
use self::stages::{Stage, configure, harness};
use crate::engines::only_on_sqlite_and_directory;
use crate::harness::{Harness, time_of};

/// Runs at the same time; most of a run is waiting for the disk.
const AT_ONCE: usize = 4;

/// A fault, as the environment of the program names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    step: &'static str,
    occurrence: usize,
    kind: &'static str,
    /// Whether it may not be reached.
    is_by_chance: bool,
}

impl Fault {
    fn variable(&self) -> String {
        format!("{}:{}:{}", self.step, self.occurrence, self.kind)
    }
}

/// A stage as it runs without a fault.
struct Undisturbed {
    stage: Stage,
    /// The directory before it, prepared.
    before: PathBuf,
    after: Outcome,
    /// How often it reaches each step.
    reached: BTreeMap<&'static str, usize>,
}

/// Runs all stages without a fault, each on the archive that the last one left.
async fn undisturbed(harness: &Harness) -> Vec<Undisturbed> {
    let dir = harness.dir.path().join("undisturbed");
    fs::create_dir(&dir).unwrap();
    let mut stages = Vec::new();
    for (number, stage) in Stage::ALL.into_iter().enumerate() {
        configure(harness, &dir);
        stage.prepare(&dir);
        let before = harness.dir.path().join(format!("before-{number}"));
        copy(&dir, &before);
        if let Stage::Night(night) = stage {
            harness.set_night(night);
        }
        let log = harness.dir.path().join(format!("steps-{number}"));
        let output = stage.command(&dir).env("ONRESERVE_FAULT_LOG", &log).output().await.unwrap();
        assert_eq!(output.status.code(), Some(stage.code()), "{stage:?}: {output:?}");
        let mut reached = BTreeMap::new();
        for line in fs::read_to_string(&log).unwrap().lines() {
            let step = StorageStep::ALL.iter().find(|step| step.name() == line).unwrap();
            *reached.entry(step.name()).or_default() += 1;
        }
        let after = Outcome::of(&dir, &stage.archive(&dir)).await;
        stages.push(Undisturbed { stage, before, after, reached });
    }
    stages
}

/// A copy of the archive before a stage, on which the stage runs with faults.
struct Attempt<'a> {
    undisturbed: &'a Undisturbed,
    temporary: tempfile::TempDir,
}

impl<'a> Attempt<'a> {
    fn new(harness: &Harness, undisturbed: &'a Undisturbed) -> Self {
        let attempt = Self { undisturbed, temporary: tempfile::tempdir().unwrap() };
        let dir = attempt.dir();
        copy(&undisturbed.before, &dir);
        let configuration = dir.join("onreserve.toml");
        let text = fs::read_to_string(&configuration).unwrap();
        let old = harness.dir.path().join("undisturbed").display().to_string();
        fs::write(configuration, text.replace(&old, &dir.display().to_string())).unwrap();
        attempt
    }

    fn dir(&self) -> PathBuf {
        self.temporary.path().join("d")
    }

    fn command(&self) -> Command {
        self.undisturbed.stage.command(&self.dir())
    }

    /// Runs the stage with these faults, one in each run, and then without one. Returns what
    /// differs from an undisturbed run.
    async fn run(self, faults: &[Fault]) -> Vec<String> {
        let stage = self.undisturbed.stage;
        let mut is_done = false;
        for fault in faults {
            let mut command = self.command();
            command
                .env("ONRESERVE_FAULT", fault.variable())
                .env("ONRESERVE_FAULT_STATE", self.temporary.path().join("unsynced"));
            let ended = command.output().await.unwrap();
            if let Some(wrong) = wrong_end(stage, fault, &ended) {
                return vec![wrong];
            }
            // An error has the code of a damaged archive.
            is_done = ended.status.code() == Some(stage.code()) && stage != Stage::Verify;
            if is_done || self.has_ended().await {
                break;
            }
            stage.clear_for_retry(&self.dir());
        }
        self.finish(is_done).await
    }

    /// Runs the stage without a fault, unless it is done.
    async fn finish(&self, is_done: bool) -> Vec<String> {
        let (stage, dir) = (self.undisturbed.stage, self.dir());
        if !is_done && !self.has_ended().await {
            stage.clear_for_retry(&dir);
            let last = self.command().output().await.unwrap();
            // The altered copy may have been found before.
            if last.status.code() != Some(stage.code()) && stage != Stage::Verify {
                return vec![format!("the next run failed: {last:?}")];
            }
        }
        let archive = stage.archive(&dir);
        if let Stage::Night(night) = stage {
            deliver(&dir, night).await;
        }
        drop(Archive::open(&archive).unwrap());
        Outcome::of(&dir, &archive).await.differences(&self.undisturbed.after)
    }

    /// Whether the night ended before the fault, so that another run is another night.
    async fn has_ended(&self) -> bool {
        let Stage::Night(night) = self.undisturbed.stage else { return false };
        let path = Catalogue::path_in(&self.dir().join("archive"));
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let Ok(pool) = sqlx::SqlitePool::connect_with(options).await else { return false };
        let ended = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM night WHERE finished IS NOT NULL");
        let ended = ended.fetch_one(&pool).await.unwrap_or(0);
        pool.close().await;
        ended == i64::from(night)
    }
}

/// The steps whose failure is no failure of the command.
const TOLERATED: [&str; 4] = ["journal-head-advance", "removal-texts", "delivery-result", "spool-write"];

/// A process that did not end as its fault demands.
fn wrong_end(stage: Stage, fault: &Fault, output: &Output) -> Option<String> {
    let code = output.status.code();
    let is_tolerated = TOLERATED.contains(&fault.step) || stage == Stage::Verify;
    let is_right = match fault.kind {
        "error" => code.is_some() && (is_tolerated || code != Some(stage.code())),
        _ => code.is_none(),
    };
    // How many batches a night has depends on chance, so a step may not occur so often.
    let is_right = is_right || fault.is_by_chance && code == Some(stage.code());
    (!is_right).then(|| format!("{fault:?}: {output:?}"))
}

/// Delivers the waiting emails as the service does.
async fn deliver(dir: &Path, night: u32) {
    let settings = config::read(&dir.join("onreserve.toml")).unwrap();
    let archive = Archive::open_shared(&dir.join("archive")).unwrap();
    let catalogue = Catalogue::open(&Catalogue::path_in(archive.dir())).await.unwrap();
    let sender = settings.senders(&archive).unwrap().unwrap();
    let later = time_of(night).replace("02:30", "03:30");
    outbox::deliver_due(&catalogue, Clock::pretending(later.parse().unwrap()), &sender).await.unwrap();
    catalogue.close().await;
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Runs stages with faults, those of one stage side by side, and returns what went wrong.
async fn all(harness: Harness, stages: Vec<Undisturbed>, faults: Vec<(usize, Vec<Fault>)>) -> Vec<String> {
    let (harness, stages) = (Arc::new(harness), Arc::new(stages));
    let mut wrong = Vec::new();
    for number in 0..stages.len() {
        if let Stage::Night(night) = stages[number].stage {
            harness.set_night(night);
        }
        let of_stage: Vec<_> = faults.iter().filter(|(stage, _)| *stage == number).cloned().collect();
        let mut runs = stream::iter(of_stage)
            .map(|(_, faults)| {
                let (harness, stages, named) = (Arc::clone(&harness), Arc::clone(&stages), faults.clone());
                let run =
                    tokio::spawn(async move { Attempt::new(&harness, &stages[number]).run(&faults).await });
                async move { (named, run.await.unwrap_or_else(|panic| vec![panic.to_string()])) }
            })
            .buffer_unordered(AT_ONCE);
        while let Some((faults, differences)) = runs.next().await {
            if !differences.is_empty() {
                wrong.push(format!("{:?} with {faults:?}: {differences:#?}", stages[number].stage));
            }
        }
    }
    wrong
}

/// The stop that fits a step: a write is cut short, and after another step everything that
/// was not synced is lost.
fn stop(step: &'static str) -> &'static str {
    if step.ends_with("-write") { "torn" } else { "power-cut" }
}

/// A step that is reached only after a crash, which leaves lines that are not synced.
const AFTER_A_CRASH: StorageStep = StorageStep::JournalSettle;

#[tokio::test(flavor = "multi_thread")]
async fn every_step_may_be_the_last_one_or_fail() {
    only_on_sqlite_and_directory!("the steps are those that make files durable");
    let harness = harness().await;
    let stages = undisturbed(&harness).await;
    let crash = |step| Fault { step, occurrence: 2, kind: "crash", is_by_chance: false };
    let mut faults = Vec::new();
    for step in StorageStep::ALL {
        let name = step.name();
        let first = stages.iter().position(|stage| stage.reached.contains_key(name));
        let before = if *step == AFTER_A_CRASH { vec![crash("journal-write")] } else { Vec::new() };
        let first = first.or((*step == AFTER_A_CRASH).then_some(0));
        let first = first.unwrap_or_else(|| panic!("no stage reaches {name}"));
        let occurrence = stages[first].reached.get(name).map_or(1, |count| count.div_ceil(2));
        for kind in [stop(name), "error"] {
            let fault = Fault { step: name, occurrence, kind, is_by_chance: false };
            faults.push((first, before.iter().cloned().chain([fault]).collect()));
        }
    }
    // What a killed process left unsynced is synced before the next one relies on it.
    for step in ["blob-link", "journal-write", "journal-sync"] {
        let power_cut =
            Fault { step: "delivery-begin", occurrence: 1, kind: "power-cut", is_by_chance: false };
        faults.push((0, vec![crash(step), power_cut]));
    }
    // The journal has the line of the night, but the catalogue does not.
    for (number, undisturbed) in stages.iter().enumerate() {
        if matches!(undisturbed.stage, Stage::Night(_)) {
            let begun = Fault { step: "journal-sync", occurrence: 1, kind: "crash", is_by_chance: false };
            faults.push((number, vec![begun]));
        }
    }
    let count = faults.len();
    let wrong = all(harness, stages, faults).await;
    assert!(wrong.is_empty(), "{} of {count} runs:\n{}", wrong.len(), wrong.join("\n"));
}
