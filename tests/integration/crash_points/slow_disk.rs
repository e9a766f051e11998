//! A night on a disk that needs long for each sync: many are made at the same time.

use std::fs;
use std::time::{Duration, Instant};

use crate::engines::only_on_sqlite_and_directory;
use crate::fetch::site::Reply;
use crate::harness::{Harness, article, page_of};

const LINKS: usize = 64;
/// So long that the rest of the night, also on a busy machine, is short beside all syncs.
const SYNC: Duration = Duration::from_millis(400);

#[tokio::test(flavor = "multi_thread")]
async fn a_night_does_not_wait_for_one_sync_after_another() {
    only_on_sqlite_and_directory!("the steps are those that make files durable");
    let hosts: Vec<String> = (0..16).map(|n| format!("h{n}.test")).collect();
    let links: Vec<String> = (0..LINKS).map(|n| format!("http://h{}.test/{n}-", n % 16)).collect();
    let harness =
        Harness::start(hosts.into_iter().chain(["course.test".to_owned()]), move |_, seen| {
            match (&*seen.host, &*seen.target) {
                ("course.test", "/") => {
                    Reply::page(&page_of(&links.iter().map(String::as_str).collect::<Vec<_>>()))
                }
                (_, "/" | "/robots.txt") => Reply::not_found(),
                (host, target) => Reply::page(&article(&format!("The reading at http://{host}{target}"))),
            }
        })
        .await;
    harness.one_course();
    let log = harness.dir.path().join("steps");
    let mut night = harness.checking(1);
    night.env("ONRESERVE_SYNC_MS", SYNC.as_millis().to_string()).env("ONRESERVE_FAULT_LOG", &log);
    let begun = Instant::now();
    let output = night.output().await.unwrap();
    let took = begun.elapsed();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let steps = fs::read_to_string(&log).unwrap();
    let syncs = u32::try_from(steps.lines().filter(|step| step.contains("-sync")).count()).unwrap();
    assert!(took < SYNC * syncs / 3, "{syncs} syncs, {took:?}");
}
