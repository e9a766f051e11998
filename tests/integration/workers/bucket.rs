//! Processes that share a bucket and a catalogue, each with a working directory of its own.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::engines::only_on_sqlite_and_directory;
use crate::harness::Random;
use crate::postgres_server::PostgresServer;
use crate::s3_server::S3Server;
use crate::service::pages_of;
use crate::workers::browser::{Browser, get};
use crate::workers::cluster::{Cluster, LEASE};
use crate::workers::{rounds, some_requests};

/// The servers of the tests; `None` if one is missing.
fn servers() -> Option<(&'static PostgresServer, &'static S3Server)> {
    Some((PostgresServer::shared()?, S3Server::shared()?))
}

#[tokio::test(flavor = "multi_thread")]
async fn three_workers_share_a_night_without_a_shared_directory() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some((server, store)) = servers() else { return };
    let cluster = Cluster::start_in_bucket(server, store, 3).await;
    let web = cluster.start_role("web");
    let at = pages_of(&web).await;
    cluster.night_ends().await;

    let list = get(at, "/c/c/").await;
    assert!(list.text.contains("The reading at http://h0.test/0"), "{}", list.text);
    let links: Value = serde_json::from_str(&get(at, "/api/v1/courses/c/links").await.text).unwrap();
    let links = links["links"].as_array().unwrap();
    let copy = links.iter().find_map(|link| link["copy"]["page"].as_str()).unwrap();
    let copy = get(at, url::Url::parse(copy).unwrap().path()).await;
    assert_eq!(copy.status, 200, "{}", copy.text);
    let gone = links.iter().find(|link| link["url"].as_str() == Some("http://h7.test/7")).unwrap();
    let gone = gone["id"].as_str().unwrap();

    let browser = Browser::signed_in(at).await;
    let token = browser.form_token(at).await;
    let form =
        [("form_token", &*token), ("link", gone), ("choice", "replace-by"), ("to", "http://h1.test/1")];
    assert_eq!(browser.post(at, "/c/c/decide", &form).await.status, 303);
    let other = cluster.start_role("web");
    let page = browser.get(pages_of(&other).await, &format!("/c/c/links/{gone}")).await.text;
    assert!(page.contains("value=\"undo\""), "{page}");
    web.stop().await;
    other.stop().await;

    let outcome = cluster.outcome().await;
    assert!(outcome.workers > 1, "several workers have visited links");
    outcome.assert_requested_once();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_beside_a_bucket_is_killed() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some((server, store)) = servers() else { return };
    let mut random = Random::new();
    for _ in 0..rounds() {
        let mut cluster = Cluster::start_in_bucket(server, store, 3).await;
        cluster.after_requests(some_requests(&mut random, 90)).await;
        cluster.workers[0].child.kill().await.unwrap();
        cluster.night_ends().await;
        drop(cluster.outcome().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_beside_a_bucket_is_frozen_past_its_lease() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some((server, store)) = servers() else { return };
    let mut random = Random::new();
    for _ in 0..rounds() {
        let cluster = Cluster::start_in_bucket(server, store, 3).await;
        cluster.after_requests(some_requests(&mut random, 60)).await;
        cluster.workers[0].signal(Signal::STOP);
        tokio::time::sleep(LEASE + Duration::from_secs(1)).await;
        cluster.workers[0].signal(Signal::CONT);
        cluster.night_ends().await;
        drop(cluster.outcome_of_frozen().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_scheduler_beside_a_bucket_goes_on_when_the_first_is_lost() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some((server, store)) = servers() else { return };
    let mut random = Random::new();
    for _ in 0..rounds() {
        let mut cluster = Cluster::start_in_bucket(server, store, 2).await;
        cluster.scheduler.logs("service started").await;
        cluster.until("SELECT count(*) FROM process_lease WHERE role = 'scheduler'", 1).await;
        let second = cluster.start_role("scheduler");
        second.logs("waiting until the other scheduler ends").await;
        cluster.after_requests(some_requests(&mut random, 90)).await;
        cluster.scheduler.child.kill().await.unwrap();
        cluster.scheduler = second;
        cluster.night_ends().await;
        drop(cluster.outcome().await);
    }
}
