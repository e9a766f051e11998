//! Faults at a step, for tests: a crash, a power cut, a write cut short, or an error.
//!
//! `ONRESERVE_FAULT` has the form `STEP:OCCURRENCE:KIND`. The fault happens once.
//! `ONRESERVE_FAULT_LOG` names a file to which the name of each step is appended.
//! `ONRESERVE_SYNC_MS` makes each sync take at least this number of milliseconds.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::step::StorageStep;
use super::unsynced;

/// What happens at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FaultKind {
    /// The process ends after the step; what it wrote to files stays.
    Crash,
    /// As [`Crash`](Self::Crash), and everything that was not synced is lost.
    PowerCut,
    /// The process ends in the middle of a write.
    Torn,
    /// The step does nothing and fails.
    Error,
}

struct PlannedFault {
    step: String,
    occurrence: u32,
    kind: FaultKind,
}

struct Faults {
    fault: Option<PlannedFault>,
    reached: AtomicU32,
    log: Option<File>,
    sync_time: Duration,
}

static FAULTS: LazyLock<Faults> = LazyLock::new(|| {
    let fault = std::env::var("ONRESERVE_FAULT").ok().and_then(|text| parse(&text));
    let log = std::env::var_os("ONRESERVE_FAULT_LOG")
        .and_then(|path| OpenOptions::new().append(true).create(true).open(path).ok());
    let sync_time = std::env::var("ONRESERVE_SYNC_MS").ok().and_then(|text| text.parse().ok());
    let sync_time = Duration::from_millis(sync_time.unwrap_or(0));
    Faults { fault, reached: AtomicU32::new(0), log, sync_time }
});

fn parse(text: &str) -> Option<PlannedFault> {
    let mut parts = text.split(':');
    let (step, occurrence) = (parts.next()?.to_owned(), parts.next()?.parse().ok()?);
    let kind = match parts.next()? {
        "crash" => FaultKind::Crash,
        "power-cut" => FaultKind::PowerCut,
        "torn" => FaultKind::Torn,
        "error" => FaultKind::Error,
        _ => return None,
    };
    Some(PlannedFault { step, occurrence, kind })
}

impl Faults {
    /// The fault of this occurrence of a step.
    fn next(&self, step: StorageStep) -> Option<FaultKind> {
        let fault = self.fault.as_ref().filter(|fault| fault.step == step.name())?;
        (self.reached.fetch_add(1, Ordering::SeqCst) + 1 == fault.occurrence).then_some(fault.kind)
    }
}

/// A step that has begun. Steps of several threads may be under way at the same time.
#[derive(Debug)]
pub(super) struct BegunStep(Option<FaultKind>);

/// Begins a step.
pub(super) fn begin(step: StorageStep) -> io::Result<BegunStep> {
    let begun = start(step)?;
    match begun.0 {
        Some(FaultKind::Error) => Err(io::Error::from_raw_os_error(EIO)),
        _ => Ok(begun),
    }
}

/// Begins a write.
pub(super) fn begin_write(
    mut file: &File,
    path: &Path,
    bytes: &[u8],
    step: StorageStep,
) -> io::Result<BegunStep> {
    unsynced::is_written(path);
    let begun = start(step)?;
    if let Some(kind @ (FaultKind::Error | FaultKind::Torn)) = begun.0 {
        // A full disk takes a part of the bytes too.
        file.write_all(&bytes[..bytes.len() / 2])?;
        if kind == FaultKind::Torn {
            crash();
        }
        return Err(io::Error::from_raw_os_error(ENOSPC));
    }
    Ok(begun)
}

fn start(step: StorageStep) -> io::Result<BegunStep> {
    let faults = &*FAULTS;
    if let Some(mut log) = faults.log.as_ref() {
        log.write_all(format!("{}\n", step.name()).as_bytes())?;
    }
    if step.is_sync() && !faults.sync_time.is_zero() {
        std::thread::sleep(faults.sync_time);
    }
    Ok(BegunStep(faults.next(step)))
}

impl BegunStep {
    /// The step is done.
    pub(super) fn end(self) {
        match self.0 {
            Some(FaultKind::Crash | FaultKind::Torn) => crash(),
            Some(FaultKind::PowerCut) => {
                unsynced::lose_all();
                std::process::abort()
            }
            Some(FaultKind::Error) | None => {}
        }
    }
}

fn crash() -> ! {
    unsynced::remember_all();
    std::process::abort()
}

const EIO: i32 = rustix::io::Errno::IO.raw_os_error();
const ENOSPC: i32 = rustix::io::Errno::NOSPC.raw_os_error();
