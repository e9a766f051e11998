//! Schedulers beside a bucket that are frozen: the second one goes on with the night, and the first
//! changes nothing more.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::Random;
use crate::service::Service;
use crate::workers::bucket::servers;
use crate::workers::cluster::Cluster;
use crate::workers::{SCHEDULERS, rounds, some_requests, with_two_schedulers};

/// The scheduler that waits ends the night of the one that took over.
async fn goes_on_after(mut second: Service, cluster: Cluster) {
    second.child.kill().await.unwrap();
    cluster.scheduler.logs("the other scheduler has ended, so this one goes on").await;
    cluster.night_ends().await;
    drop(cluster.outcome_of_frozen().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_that_is_frozen_past_its_lease_does_nothing_more() {
    let Some((server, store)) = servers() else { return };
    let mut random = Random::new();
    for _ in 0..rounds() {
        let (mut cluster, second) = with_two_schedulers(server, Some(store)).await;
        cluster.after_requests(some_requests(&mut random, 60)).await;
        cluster.scheduler.signal(Signal::STOP);
        cluster.until(SCHEDULERS, 2).await;
        cluster.scheduler.signal(Signal::CONT);
        let first = std::mem::replace(&mut cluster.scheduler, second);
        cluster.workers.push(first);
        cluster.night_ends().await;
        drop(cluster.outcome_of_frozen().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_that_was_frozen_waits_for_the_one_that_took_over() {
    let Some((server, store)) = servers() else { return };
    let (cluster, second) = with_two_schedulers(server, Some(store)).await;
    cluster.after_requests(20).await;
    cluster.scheduler.signal(Signal::STOP);
    second.logs("resuming an interrupted night").await;
    cluster.scheduler.signal(Signal::CONT);
    cluster.scheduler.logs("another scheduler has taken over").await;
    cluster.scheduler.says("STATUS=waiting until the other scheduler ends").await;
    assert!(!cluster.scheduler.log().contains("catalogue is away"), "{}", cluster.scheduler.log());
    goes_on_after(second, cluster).await;
}

/// Freezes a scheduler while a transaction of its locks its lease.
async fn freeze_with_locked_lease(cluster: &Cluster) {
    const UNLOCKED: &str = "SELECT count(*) FROM \
         (SELECT 1 FROM process_lease WHERE role = 'scheduler' FOR UPDATE SKIP LOCKED) AS unlocked";
    let begun = Instant::now();
    loop {
        cluster.scheduler.signal(Signal::STOP);
        // A statement that arrived before is over soon.
        tokio::time::sleep(Duration::from_millis(20)).await;
        if cluster.number(UNLOCKED).await == 0 {
            return;
        }
        cluster.scheduler.signal(Signal::CONT);
        assert!(begun.elapsed() < Duration::from_mins(1), "{}", cluster.scheduler.log());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_that_was_frozen_within_a_transaction_keeps_no_lock() {
    let Some((server, store)) = servers() else { return };
    // The night cannot end before a worker runs.
    let mut cluster = Cluster::start_with(server, Some(store), 0).await;
    cluster.scheduler.logs("first night of a new course started").await;
    let second = cluster.start_role("scheduler");
    second.logs("waiting until the other scheduler ends").await;
    cluster.until("SELECT count(*) FROM night", 1).await;
    freeze_with_locked_lease(&cluster).await;
    cluster.workers.push(cluster.start_role("worker"));
    // Several of its transactions may wait for the same lock.
    cluster.until(SCHEDULERS, 2).await;
    second.logs("resuming an interrupted night").await;
    cluster.scheduler.signal(Signal::CONT);
    cluster.scheduler.logs("another scheduler has taken over").await;
    goes_on_after(second, cluster).await;
}
