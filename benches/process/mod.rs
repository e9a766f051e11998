//! Runs a program to its end: its time and its peak memory.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct Figures {
    pub(crate) seconds: f64,
}

/// Runs a command to its end; `None` if it cannot be started.
pub(crate) fn measure(name: &str, command: &mut Command) -> Option<Figures> {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
    let (mut alone, mut peak) = (0, 0);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        let (own, all) = resident(child.id());
        alone = alone.max(own);
        peak = peak.max(all);
        std::thread::sleep(Duration::from_millis(10));
    };
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{name:<26} {seconds:>6.2} s   {:>5} MiB peak, {:>5} MiB with its children   {status}",
        alone >> 20,
        peak >> 20
    );
    Some(Figures { seconds })
}

/// The resident bytes of a process, and of the process with its children.
fn resident(process: u32) -> (u64, u64) {
    let of = |process: u32| {
        let text = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
        text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
    };
    let own = of(process);
    let threads = std::fs::read_dir(format!("/proc/{process}/task"));
    let children: u64 = threads
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| list.split(' ').filter_map(|id| id.trim().parse().ok()).map(of).collect::<Vec<_>>())
        .sum();
    (own, own + children)
}
