//! A night that is interrupted at any point is finished by the next run.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::sync::Notify;

use crate::engines;
use crate::fetch::site::{Reply, Then};
use crate::harness::{Harness, article, page_of};

const LINKS: usize = 40;
const KILLS: usize = 20;

/// A harness with some links, and a signal after a number of requests.
async fn harness(counter: Arc<RequestCounter>) -> Harness {
    harness_with(counter, |_| None).await
}

/// The same, with another reply to some targets.
async fn harness_with(
    counter: Arc<RequestCounter>,
    other: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static,
) -> Harness {
    let hosts: Vec<String> = (0..8).map(|n| format!("h{n}.test")).collect();
    let links: Vec<String> = (0..LINKS).map(|n| format!("http://h{}.test/{n}", n % 8)).collect();
    let harness = Harness::start(hosts.into_iter().chain(["course.test".to_owned()]), move |_, seen| {
        counter.count();
        if let Some(reply) = other(&seen.target) {
            return reply;
        }
        match (&*seen.host, &*seen.target) {
            ("course.test", "/") => {
                Reply::page(&page_of(&links.iter().map(String::as_str).collect::<Vec<_>>()))
            }
            (_, "/robots.txt" | "/") => Reply::not_found(),
            (host, target) => Reply::page(&article(&format!("The reading at http://{host}{target}"))),
        }
    })
    .await;
    harness.one_course();
    harness
}

/// Notifies after a number of requests.
#[derive(Default)]
pub(crate) struct RequestCounter {
    pub(crate) seen: AtomicUsize,
    notifies_at: AtomicUsize,
    pub(crate) reached: Notify,
}

impl RequestCounter {
    /// Notifies after this many more requests.
    pub(crate) fn notify_after(&self, more: usize) {
        self.notifies_at.store(self.seen.load(Ordering::SeqCst) + more, Ordering::SeqCst);
    }

    pub(crate) fn count(&self) {
        if self.seen.fetch_add(1, Ordering::SeqCst) + 1 == self.notifies_at.load(Ordering::SeqCst) {
            self.reached.notify_one();
        }
    }
}

/// All complete lines of the journal.
fn journal(harness: &Harness) -> Vec<Value> {
    engines::journal(&harness.archive()).lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The links that have a capture.
fn captured(lines: &[Value]) -> BTreeSet<String> {
    let captures = lines.iter().filter(|line| line["kind"] == "capture");
    captures
        .map(|line| {
            line["capture"]["link"].as_str().unwrap_or_else(|| line["link"].as_str().unwrap()).to_owned()
        })
        .collect()
}

fn count(lines: &[Value], kind: &str) -> usize {
    lines.iter().filter(|line| line["kind"] == kind).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_killed_twenty_times_loses_and_doubles_nothing() {
    let counter = Arc::new(RequestCounter::default());
    let harness = harness(Arc::clone(&counter)).await;
    let mut killed = 0;
    for kill in 0..KILLS {
        // The points are spread over the whole night: early ones while the page is
        // read, late ones while the last visits are stored.
        counter.notify_after(1 + kill * 3 % 11);
        let mut night = harness.checking(1).stdout(std::process::Stdio::piped()).spawn().unwrap();
        tokio::select! {
            () = counter.reached.notified() => {
                night.kill().await.unwrap();
                killed += 1;
            }
            _ = night.wait() => {}
        }
    }
    assert!(killed >= 10, "only {killed} nights were killed");
    let last = harness.check(1).await;
    assert_eq!(last.states(), vec!["ok"; LINKS], "{}", last.errors);

    let lines = journal(&harness);
    assert_eq!(captured(&lines).len(), LINKS);
    assert_eq!(last.links().iter().filter(|link| link["capture"].is_object()).count(), LINKS);
    let (code, printed) = harness.run(&["verify"]).await;
    assert_eq!(code, 0, "{printed}");
    let (_, history) = harness.run(&["history", "h0.test/0"]).await;
    assert_eq!(history.matches("works").count(), 1, "there is one visit: {history}");
    assert!(std::fs::read_dir(harness.archive().join("tmp")).unwrap().next().is_none());

    let next = harness.check(2).await;
    assert_eq!(next.states(), vec!["ok"; LINKS]);
    assert_eq!(count(&journal(&harness), "capture"), count(&lines, "capture"), "nothing is kept twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_run_continues_a_night_ended_by_ctrl_c() {
    let counter = Arc::new(RequestCounter::default());
    // The last link has no answer in the first run, so that run cannot end by itself.
    let is_resumed = Arc::new(AtomicBool::new(false));
    let last = format!("/{}", LINKS - 1);
    let harness = harness_with(Arc::clone(&counter), {
        let is_resumed = Arc::clone(&is_resumed);
        move |target| {
            (target == last && !is_resumed.load(Ordering::SeqCst)).then(|| Reply::raw("", Then::Hang))
        }
    })
    .await;
    let mut night = harness.checking(1).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut stored = captured(&journal(&harness));
    while stored.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        stored = captured(&journal(&harness));
    }
    let id = rustix::process::Pid::from_raw(i32::try_from(night.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let mut printed = String::new();
    night.stderr.take().unwrap().read_to_string(&mut printed).await.unwrap();
    assert_eq!(night.wait().await.unwrap().code(), Some(1));
    assert!(printed.contains("run the same command again"), "{printed}");
    let asked_before = harness.site.targets().len();
    is_resumed.store(true, Ordering::SeqCst);
    let last = harness.check(1).await;
    assert_eq!(last.states(), vec!["ok"; LINKS]);
    let asked: Vec<String> = harness.site.targets().split_off(asked_before);
    let again =
        asked.iter().filter(|target| stored.iter().any(|link| link.ends_with(&format!(".test{target}"))));
    assert_eq!(again.count(), 0, "links whose visit is stored are not visited again: {asked:?}");
}
