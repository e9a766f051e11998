//! The server of the catalogue crashes and is started again, or its standby replaces it, with and
//! without the loss of commits that it has confirmed.

use std::time::Duration;

use crate::engines::only_on_sqlite_and_directory;
use crate::harness::Random;
use crate::postgres_server::PostgresServer;
use crate::s3_server::S3Server;
use crate::workers::cluster::{Cluster, links};
use crate::workers::proxy::DatabaseProxy;
use crate::workers::{rounds, some_requests};

/// What the standby has when it replaces the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standby {
    EveryCommit,
    /// Not those of the last part of the night so far.
    LacksLastCommits,
    /// Only those from before the night.
    LacksTheNight,
}

/// Longer than a standby needs to become the server, so that the leases are not over by then.
const LEASE: Duration = Duration::from_secs(6);

async fn start_behind(proxy: &DatabaseProxy, server: &PostgresServer) -> Cluster {
    let url = server.database().await;
    let address = proxy.url(&url);
    Cluster::start_on(url, address, 3, LEASE).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_goes_on_when_the_server_was_away() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some(server) = PostgresServer::start() else { return };
    let mut random = Random::new();
    for _ in 0..rounds() {
        let proxy = DatabaseProxy::of(server.sockets());
        let cluster = start_behind(&proxy, &server).await;
        cluster.after_requests(some_requests(&mut random, 90)).await;
        server.crash();
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.start_again();
        cluster.night_ends().await;
        drop(cluster.outcome().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_with_every_commit_replaces_the_server() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let mut random = Random::new();
    for _ in 0..rounds() {
        replaced(Standby::EveryCommit, None, &mut random).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_without_the_last_commits_replaces_the_server() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let mut random = Random::new();
    for _ in 0..rounds() {
        replaced(Standby::LacksLastCommits, None, &mut random).await;
    }
}

/// The scheduler and the workers find neither the night nor its shards.
#[tokio::test(flavor = "multi_thread")]
async fn a_standby_without_the_night_replaces_the_server() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let mut random = Random::new();
    for _ in 0..rounds() {
        replaced(Standby::LacksTheNight, None, &mut random).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_replaces_the_server_beside_a_bucket() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some(store) = S3Server::shared() else { return };
    let mut random = Random::new();
    for _ in 0..rounds() {
        for standby in [Standby::LacksLastCommits, Standby::LacksTheNight] {
            replaced(standby, Some(store), &mut random).await;
        }
    }
}

async fn replaced(standby: Standby, store: Option<&'static S3Server>, random: &mut Random) {
    let Some(mut server) = PostgresServer::start() else { return };
    server.begin_standby();
    if standby == Standby::EveryCommit {
        server.wait_for_standby();
    }
    let proxy = DatabaseProxy::of(server.sockets());
    let url = server.database().await;
    let address = proxy.url(&url);
    let mut cluster =
        Cluster::start_in(store.map(S3Server::bucket), (url, address), 3, LEASE, async |workers| {
            if standby == Standby::LacksTheNight {
                // They have made the tables by then.
                for worker in workers {
                    worker.logs("service started").await;
                }
                server.cut_standby();
            }
        })
        .await;
    cluster.after_requests(some_requests(random, 45)).await;
    if standby == Standby::LacksLastCommits {
        server.cut_standby();
    }
    cluster.after_requests(some_requests(random, 45).min(links() / 4)).await;
    proxy.cut();
    server.crash();
    server.promote();
    cluster.database_is_at(server.sockets());
    proxy.lead_to(server.sockets());
    cluster.night_ends().await;
    drop(cluster.outcome().await);
}
