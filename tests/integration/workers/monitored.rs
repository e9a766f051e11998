//! What monitors learn of a scheduler and workers, how each role stops, and what happens when a
//! newer version changes the catalogue.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};

use crate::postgres_server::PostgresServer;
use crate::service::Service;
use crate::workers::browser::get;
use crate::workers::cluster::{Cluster, LEASE};

const LEASES: &str = "SELECT count(*) FROM process_lease WHERE lease_until > clock_timestamp()";

/// The address at which a process answers monitors.
async fn monitored_at(service: &Service) -> SocketAddr {
    service.logs("listening for monitors").await;
    let log = service.log();
    let line = log.lines().find(|line| line.contains("listening for monitors")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    line["fields"]["at"].as_str().unwrap().parse().unwrap()
}

/// Whether a process is ready, and what it says.
async fn readiness(at: SocketAddr) -> (u16, Value) {
    let answer = get(at, "/readyz").await;
    (answer.status, serde_json::from_str(&answer.text).unwrap())
}

/// The value of a series.
fn value(metrics: &str, series: &str) -> u64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series}: {metrics}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn monitors_see_the_night_and_its_processes() {
    let Some(server) = PostgresServer::shared() else { return };
    let mut cluster = Cluster::start(server, 1).await;
    cluster.scheduler.logs("service started").await;
    let worker = cluster.start_monitored("worker");
    let second = cluster.start_monitored("scheduler");
    let (of_worker, of_second) = (monitored_at(&worker).await, monitored_at(&second).await);
    cluster.after_requests(30).await;
    let metrics = get(of_worker, "/metrics").await.text;
    assert!(metrics.contains("onreserve_process_info{role=\"worker\""), "{metrics}");
    let shards = |state: &str| value(&metrics, &format!("onreserve_shards{{state=\"{state}\"}}"));
    assert_eq!(
        shards("done") + shards("leased") + shards("waiting"),
        20,
        "one shard for each host: {metrics}"
    );
    assert!(shards("leased") > 0, "{metrics}");
    let left = value(&metrics, "onreserve_night_links_left");
    assert!((1..=160).contains(&left), "{metrics}");
    assert!(value(&metrics, "onreserve_requests_total") >= 20, "{metrics}");
    assert!(value(&metrics, "onreserve_shards_oldest_unfinished_seconds") < 60, "{metrics}");
    for name in ["onreserve_process_lease_seconds{process=\"", "onreserve_process_shards{process=\""] {
        for role in ["scheduler", "worker"] {
            let of_role = format!("role=\"{role}\"}} ");
            let is_shown = |line: &str| line.starts_with(name) && line.contains(&of_role);
            assert!(metrics.lines().any(is_shown), "{name} {role}: {metrics}");
        }
    }
    let hosts =
        metrics.lines().filter(|line| line.starts_with("onreserve_host_requests_total{host=\"")).count();
    assert_eq!(hosts, 10, "{metrics}");

    assert_eq!(readiness(of_worker).await.0, 200);
    assert_eq!(get(of_second, "/healthz").await.status, 200, "it waits for its turn");
    let (status, waiting) = readiness(of_second).await;
    assert_eq!((status, &waiting["catalogue"]), (503, &"not open yet".into()));

    // A worker that is lost with shards.
    cluster.workers[0].child.kill().await.unwrap();
    cluster.scheduler.says("waiting until").await;
    let metrics = get(of_worker, "/metrics").await.text;
    assert!(value(&metrics, "onreserve_shard_leases_lost_total") > 0, "{metrics}");
    assert!(value(&metrics, "onreserve_process_requests_total") > 0, "{metrics}");
    cluster.scheduler.logs("email sent").await;
    let begun = Instant::now();
    while value(&get(of_worker, "/metrics").await.text, "onreserve_night_links_left") > 0 {
        assert!(begun.elapsed() < Duration::from_mins(1), "the night is over");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    // The second one begins at once, and the lease of the first is given back.
    cluster.scheduler.signal(Signal::TERM);
    second.logs("service started").await;
    let begun = Instant::now();
    while readiness(of_second).await.0 != 200 {
        assert!(begun.elapsed() < LEASE, "it waits for a lease");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    cluster.scheduler.child.wait().await.unwrap();
    assert_eq!(cluster.number(LEASES).await, 2, "the worker and the second scheduler");
    worker.stop().await;
    second.stop().await;
    assert_eq!(cluster.number(LEASES).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_give_back_what_they_hold_when_they_stop() {
    let Some(server) = PostgresServer::shared() else { return };
    let mut cluster = Cluster::start(server, 2).await;
    cluster.scheduler.logs("service started").await;
    let second = cluster.start_role("scheduler");
    second.logs("waiting until the other scheduler ends").await;
    cluster.after_requests(60).await;
    let worker = cluster.workers.remove(0);
    worker.stop().await;
    cluster.scheduler.signal(Signal::TERM);
    assert_eq!(cluster.scheduler.child.wait().await.unwrap().code(), Some(0));
    assert_eq!(
        cluster
            .number(
                "SELECT count(*) FROM night_shard JOIN process_lease ON process_lease.id = holder \
                        WHERE NOT is_done AND lease_until <= clock_timestamp()"
            )
            .await,
        0,
        "no shard waits for the end of a lease"
    );
    assert_eq!(cluster.number("SELECT CAST(sum(lost) AS BIGINT) FROM night_shard").await, 0);
    cluster.scheduler = second;
    cluster.scheduler.says("waiting until").await;
    drop(cluster.outcome().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_stop_when_a_newer_version_has_changed_the_catalogue() {
    let Some(server) = PostgresServer::shared() else { return };
    let mut cluster = Cluster::start(server, 1).await;
    let web = cluster.start_role("web");
    web.logs("listening for the pages").await;
    cluster.scheduler.says("waiting until").await;
    let mut catalogue = PgConnection::connect(&cluster.database).await.unwrap();
    let compatible = "INSERT INTO catalogue_version SELECT 998, max(version) FROM catalogue_version";
    sqlx::raw_sql(compatible).execute(&mut catalogue).await.unwrap();
    let beside = cluster.start_role("worker");
    beside.logs("which this version can use").await;
    beside.logs("service started").await;
    tokio::time::sleep(LEASE).await;
    assert_eq!(cluster.number(LEASES).await, 4, "all go on");

    let other = "INSERT INTO catalogue_version VALUES (999, 999)";
    sqlx::raw_sql(other).execute(&mut catalogue).await.unwrap();
    cluster.workers.extend([beside, web]);
    let Cluster { scheduler, workers, .. } = &mut cluster;
    for process in workers.iter_mut().chain([scheduler]) {
        let ended = tokio::time::timeout(LEASE * 10, process.child.wait()).await;
        let ended = ended.unwrap_or_else(|_| panic!("it goes on: {}", process.log())).unwrap();
        assert_eq!(ended.code(), Some(78), "{}", process.log());
    }
    let mut late = cluster.start_role("web");
    assert_eq!(late.child.wait().await.unwrap().code(), Some(78));
}
