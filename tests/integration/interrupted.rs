//! A night that is interrupted at any point is finished by the next run.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::sync::Notify;

use crate::fetch::site::Reply;
use crate::harness::{Harness, article, page_of};

const LINKS: usize = 40;
const KILLS: usize = 20;

/// A harness with some links, and a signal after a number of requests.
async fn harness(counter: Arc<RequestCounter>) -> Harness {
    let hosts: Vec<String> = (0..8).map(|n| format!("h{n}.test")).collect();
    let links: Vec<String> = (0..LINKS).map(|n| format!("http://h{}.test/{n}", n % 8)).collect();
    let harness = Harness::start(hosts.into_iter().chain(["course.test".to_owned()]), move |_, seen| {
        counter.count();
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
    let mut lines = Vec::new();
    let mut left = vec![harness.archive().join("captures")];
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                let text = std::fs::read_to_string(path).unwrap();
                lines.extend(text.lines().filter_map(|line| serde_json::from_str(line).ok()));
            }
        }
    }
    lines
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
    let captured: BTreeSet<&str> = lines
        .iter()
        .filter(|line| line["kind"] == "capture")
        .map(|line| line["capture"]["link"].as_str().unwrap_or_else(|| line["link"].as_str().unwrap()))
        .collect();
    assert_eq!(captured.len(), LINKS);
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
    let harness = harness(Arc::clone(&counter)).await;
    counter.notify_after(45);
    let mut night = harness.checking(1).stderr(std::process::Stdio::piped()).spawn().unwrap();
    counter.reached.notified().await;
    let id = rustix::process::Pid::from_raw(i32::try_from(night.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let mut printed = String::new();
    night.stderr.take().unwrap().read_to_string(&mut printed).await.unwrap();
    assert_eq!(night.wait().await.unwrap().code(), Some(1));
    assert!(printed.contains("run the same command again"), "{printed}");
    let asked_before = harness.site.targets().len();
    let last = harness.check(1).await;
    assert_eq!(last.states(), vec!["ok"; LINKS]);
    let asked = harness.site.targets().len();
    assert!(asked - asked_before < LINKS, "visited links are not visited again");
}
