//! The progress of a night on standard error: lines, or on a terminal a bar and what it waits for.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::domain::policy::night_plan::{ListedLinks, NightPace, NightPlan, RemainingVisits};
use crate::domain::policy::rota::VisitPriority;
use crate::domain::report::figures;
use crate::domain::report::wording::overview;
use crate::night::Progress;

/// Without a terminal, one line is printed for this many links.
const LINES_EVERY: u64 = 50;

/// A shorter wait needs no explanation.
const EXPLAINED: Duration = Duration::from_secs(10);

pub(super) struct Bar {
    shown: Option<ProgressBar>,
    is_wanted: bool,
    total: AtomicU64,
    done: AtomicU64,
    bytes: AtomicU64,
    pace: NightPace,
    remaining: Mutex<RemainingVisits>,
}

impl Bar {
    pub(super) fn new(is_wanted: bool, pace: NightPace) -> Self {
        let bar = (is_wanted && std::io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{bar:24} {pos}/{len}  {msg}{prefix}");
            let bar = ProgressBar::new(0);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_message("reading the page");
            bar
        });
        Self {
            shown: bar,
            is_wanted,
            total: AtomicU64::new(0),
            done: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            pace,
            remaining: Mutex::default(),
        }
    }

    pub(super) fn show(&self, progress: &Progress) {
        match progress {
            Progress::Links { count, known, waiting } => {
                self.total.store(*count as u64, Ordering::Relaxed);
                self.done.store(*known as u64, Ordering::Relaxed);
                if let Some(bar) = &self.shown {
                    bar.set_length(*count as u64);
                    bar.set_position(*known as u64);
                    let plan = NightPlan::new(
                        waiting.iter().map(|link| (*link, VisitPriority::Routine)),
                        // The lists of tonight were read before.
                        &ListedLinks::default(),
                        &self.pace,
                    );
                    self.explain(bar, |remaining| *remaining = RemainingVisits::new(plan));
                } else if self.is_wanted {
                    let resumed = if *known > 0 { format!(", {known} already done") } else { String::new() };
                    self.line(&format!("{}{resumed}", figures::count(*count, "link")));
                }
            }
            Progress::Visited { link, bytes, .. } => {
                let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
                let bytes = self.bytes.fetch_add(*bytes, Ordering::Relaxed) + bytes;
                if let Some(bar) = &self.shown {
                    bar.set_position(done);
                    bar.set_message(format!("{}  {}", HumanBytes(bytes), shortened(link.as_str())));
                    self.explain(bar, |remaining| remaining.remove(link));
                } else if self.is_wanted && done.is_multiple_of(LINES_EVERY) {
                    let total = self.total.load(Ordering::Relaxed);
                    self.line(&format!("{done} of {total} links, {}", HumanBytes(bytes)));
                }
            }
        }
    }

    /// Shows below the bar which host takes longest, once the visits are counted.
    fn explain(&self, bar: &ProgressBar, count: impl FnOnce(&mut RemainingVisits)) {
        let Ok(mut remaining) = self.remaining.lock() else { return };
        count(&mut remaining);
        let slowest = remaining.slowest().filter(|load| load.time >= EXPLAINED);
        bar.set_prefix(slowest.map_or_else(String::new, |load| format!("\n{}", overview::wait(load))));
    }

    pub(super) fn clear(&self) {
        if let Some(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }

    fn line(&self, text: &str) {
        debug_assert!(self.is_wanted);
        let _ = writeln!(std::io::stderr(), "{text}");
    }
}

/// The start of an address that fits beside the bar in 80 columns.
fn shortened(address: &str) -> String {
    const COLUMNS: usize = 34;
    let bare = address.split_once("://").map_or(address, |(_, rest)| rest);
    let shown: String = bare.chars().take(COLUMNS).collect();
    if bare.chars().count() > COLUMNS { format!("{shown}…") } else { shown }
}
