//! Several workers and a scheduler on one catalogue in `PostgreSQL`: workers are lost, frozen
//! and replaced, the server crashes, and nothing is lost, doubled or requested too soon.
//!
//! CONTRIBUTING.md lists the variables for more rounds, a larger web and mixed versions.

mod browser;
mod bucket;
mod campaign;
mod cluster;
mod many_hosts;
mod monitored;
mod connections;
mod failover;
mod frozen_scheduler;
mod outcome;
mod proxy;
mod web;

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection as _, PgConnection};

use crate::engines::{only_on_sqlite_and_directory, skips};
use crate::harness::Random;
use crate::postgres_server::PostgresServer;
use crate::s3_server::S3Server;
use crate::service::Service;
use crate::workers::cluster::{Cluster, LEASE, links, setting};

/// Kills a process of the server, which ends all connections and recovers as after a crash.
async fn crash(url: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let id: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await.unwrap();
    kill_process(Pid::from_raw(id).unwrap(), Signal::KILL).unwrap();
}

/// The database server of the tests that choose their engines themselves; `None` if there is none,
/// or if the engines of all tests are others.
fn shared_server() -> Option<&'static PostgresServer> {
    if skips("it chooses its engines itself") { None } else { PostgresServer::shared() }
}

fn rounds() -> usize {
    setting("ONRESERVE_FAILURE_ROUNDS", 1)
}

/// A number of requests within the first part of a night, of which this is the share in percent.
fn some_requests(random: &mut Random, share: usize) -> usize {
    1 + random.below(links() * share / 100)
}

#[tokio::test(flavor = "multi_thread")]
async fn three_workers_share_a_night() {
    let Some(server) = shared_server() else { return };
    let cluster = Cluster::start(server, 3).await;
    cluster.night_ends().await;
    let outcome = cluster.outcome().await;
    assert!(outcome.workers > 1, "several workers have visited links");
    outcome.assert_requested_once();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_links_of_a_killed_worker_are_visited_by_another() {
    let Some(server) = shared_server() else { return };
    a_worker_is_killed(server, None).await;
}

async fn a_worker_is_killed(server: &PostgresServer, store: Option<&'static S3Server>) {
    let mut random = Random::new();
    for _ in 0..rounds() {
        let mut cluster = Cluster::start_with(server, store, 3).await;
        cluster.after_requests(some_requests(&mut random, 90)).await;
        cluster.workers[0].child.kill().await.unwrap();
        cluster.night_ends().await;
        drop(cluster.outcome().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_frozen_past_its_lease_changes_nothing() {
    let Some(server) = shared_server() else { return };
    a_worker_is_frozen(server, None).await;
}

async fn a_worker_is_frozen(server: &PostgresServer, store: Option<&'static S3Server>) {
    let mut random = Random::new();
    for _ in 0..rounds() {
        let cluster = Cluster::start_with(server, store, 3).await;
        cluster.after_requests(some_requests(&mut random, 60)).await;
        cluster.workers[0].signal(Signal::STOP);
        tokio::time::sleep(LEASE + Duration::from_secs(1)).await;
        cluster.workers[0].signal(Signal::CONT);
        cluster.night_ends().await;
        drop(cluster.outcome_of_frozen().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_of_the_server_interrupts_nothing_for_long() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some(server) = PostgresServer::start() else { return };
    let mut random = Random::new();
    for _ in 0..rounds() {
        let cluster = Cluster::start(&server, 3).await;
        // The pages are read by then.
        cluster.after_requests(10 + some_requests(&mut random, 90)).await;
        crash(&cluster.database).await;
        cluster.night_ends().await;
        drop(cluster.outcome().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_scheduler_goes_on_when_the_first_is_lost() {
    let Some(server) = shared_server() else { return };
    a_scheduler_is_killed(server, None).await;
}

async fn a_scheduler_is_killed(server: &PostgresServer, store: Option<&'static S3Server>) {
    let mut random = Random::new();
    for _ in 0..rounds() {
        let (mut cluster, second) = with_two_schedulers(server, store).await;
        cluster.after_requests(some_requests(&mut random, 90)).await;
        cluster.scheduler.child.kill().await.unwrap();
        cluster.scheduler = second;
        cluster.night_ends().await;
        drop(cluster.outcome().await);
    }
}

/// The number of schedulers that had a lease.
const SCHEDULERS: &str = "SELECT count(*) FROM process_lease WHERE role = 'scheduler'";

/// Two workers, a scheduler, and one that waits for its end.
async fn with_two_schedulers(
    server: &PostgresServer,
    store: Option<&'static S3Server>,
) -> (Cluster, Service) {
    let cluster = Cluster::start_with(server, store, 2).await;
    cluster.scheduler.logs("service started").await;
    cluster.until(SCHEDULERS, 1).await;
    let second = cluster.start_role("scheduler");
    second.logs("waiting until the other scheduler ends").await;
    (cluster, second)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_that_waits_stops_in_order() {
    let Some(server) = shared_server() else { return };
    a_waiting_scheduler_stops(server, None).await;
}

async fn a_waiting_scheduler_stops(server: &PostgresServer, store: Option<&'static S3Server>) {
    let (cluster, second) = with_two_schedulers(server, store).await;
    second.signal(Signal::HUP);
    let log = second.stop().await;
    assert!(log.contains("stopping; this process had not begun its work"), "{log}");
    for process in cluster.workers.into_iter().chain([cluster.scheduler]) {
        process.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_a_network_stores_nothing() {
    let Some(server) = shared_server() else { return };
    let mut cluster = Cluster::start(server, 0).await;
    let (alone, _closed) = cluster.start_without_network();
    alone.logs("the network of this machine does not work").await;
    cluster.workers = vec![cluster.start_role("worker"), alone];
    cluster.night_ends().await;
    let outcome = cluster.outcome().await;
    assert_eq!(outcome.workers, 1);
    outcome.assert_requested_once();
}
