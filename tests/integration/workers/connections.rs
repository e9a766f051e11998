//! Workers whose connections are cut for some time, whose clocks differ, and a relay that dies.

use std::time::Duration;

use crate::delivery::relay::Behaviour;
use crate::harness::Random;
use crate::service::until;
use crate::workers::cluster::{Cluster, Different, LEASE};
use crate::workers::proxy::{DatabaseProxy, NetworkProxy};
use crate::workers::{rounds, shared_server, some_requests};

#[tokio::test(flavor = "multi_thread")]
async fn clocks_may_be_apart_by_a_minute() {
    let Some(server) = shared_server() else { return };
    for _ in 0..rounds() {
        let mut cluster = Cluster::start(server, 1).await;
        for now in ["2026-09-14T13:59:00Z", "2026-09-14T14:01:00Z"] {
            let now = Some(now);
            cluster.workers.push(cluster.start_different(&Different { now, ..Different::default() }));
        }
        cluster.night_ends().await;
        cluster.outcome().await.assert_requested_once();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_the_database_for_longer_than_its_lease_changes_nothing() {
    let Some(server) = shared_server() else { return };
    let mut random = Random::new();
    for _ in 0..rounds() {
        let proxy = DatabaseProxy::of(server.sockets());
        let mut cluster = Cluster::start(server, 2).await;
        let address = proxy.url(&cluster.database);
        let different = Different { database: Some(&address), ..Different::default() };
        cluster.workers.push(cluster.start_different(&different));
        cluster.after_requests(some_requests(&mut random, 60)).await;
        proxy.cut();
        tokio::time::sleep(LEASE + Duration::from_millis(500)).await;
        proxy.lead_to(server.sockets());
        cluster.night_ends().await;
        drop(cluster.outcome().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_failures_of_a_worker_without_the_web_for_a_moment_are_not_believed() {
    let Some(server) = shared_server() else { return };
    let mut random = Random::new();
    for _ in 0..rounds() {
        let mut cluster = Cluster::start(server, 2).await;
        let proxy = NetworkProxy::of(cluster.harness.site.address).await;
        let different = Different { web: Some(proxy.address), ..Different::default() };
        let worker = cluster.start_different(&different);
        cluster.after_requests(some_requests(&mut random, 60)).await;
        proxy.cut();
        // A web that is back before the worker has asked the sentinels would look as if it had
        // never been cut.
        worker.logs("the network of this machine does not work").await;
        proxy.mend();
        cluster.workers.push(worker);
        cluster.night_ends().await;
        drop(cluster.outcome().await);
    }
}

/// The first scheduler dies after the relay has the email and before the relay has confirmed it.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_scheduler_repeats_an_unconfirmed_email_without_a_change() {
    let Some(server) = shared_server() else { return };
    for _ in 0..rounds() {
        let mut cluster = Cluster::start(server, 2).await;
        cluster.relay.set_behaviour(Behaviour::HangUp);
        cluster.scheduler.logs("service started").await;
        // Its clock is after the time of the next try.
        let second = cluster.start_role_at("2026-09-14T14:10:00Z", "scheduler");
        until(|| cluster.relay.sent().len() == 1, || cluster.scheduler.log()).await;
        cluster.scheduler.child.kill().await.unwrap();
        cluster.relay.set_behaviour(Behaviour::Take);
        cluster.scheduler = second;
        cluster.night_ends().await;
        cluster.scheduler.logs("email sent").await;
        let sent = cluster.relay.sent();
        drop(cluster.outcome().await);
        assert_eq!(sent.len(), 2, "{sent:?}");
        assert_eq!(sent[0].mail, sent[1].mail, "the same Message-ID, the same bytes");
    }
}
