//! What monitors learn of a scheduler and workers, how each role stops, and what happens when a
//! newer version changes the catalogue.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};

use crate::postgres_server::PostgresServer;
use crate::service::{Service, pages_of};
use crate::workers::browser::{Browser, get};
use crate::workers::cluster::{Cluster, LEASE};
use crate::workers::shared_server;

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

/// The figures while two workers have shards and others wait.
async fn night_metrics(at: SocketAddr) -> String {
    let begun = Instant::now();
    loop {
        let metrics = get(at, "/metrics").await.text;
        let has_shards = |line: &&str| {
            line.starts_with("onreserve_process_shards{")
                && line.contains("role=\"worker\"")
                && !line.ends_with(" 0")
        };
        let is_positive = |series| metrics.contains(series) && value(&metrics, series) > 0;
        if metrics.lines().filter(has_shards).count() == 2
            && is_positive("onreserve_shards{state=\"waiting\"}")
            && is_positive("onreserve_night_links_left")
        {
            return metrics;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "no night is seen: {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn monitors_see_the_night_and_its_processes() {
    let Some(server) = shared_server() else { return };
    let mut cluster = Cluster::start(server, 1).await;
    let worker = cluster.start_monitored("worker");
    let of_worker = monitored_at(&worker).await;
    let metrics = night_metrics(of_worker).await;
    // A worker that is lost with shards.
    cluster.workers[0].child.kill().await.unwrap();
    assert!(metrics.contains("onreserve_process_info{role=\"worker\""), "{metrics}");
    let shards = |state: &str| value(&metrics, &format!("onreserve_shards{{state=\"{state}\"}}"));
    let all = shards("done") + shards("leased") + shards("waiting");
    assert_eq!(all, 20, "one shard for each host: {metrics}");
    assert!(value(&metrics, "onreserve_night_links_left") <= 160, "{metrics}");
    assert!(value(&metrics, "onreserve_requests_total") > 0, "{metrics}");
    assert!(value(&metrics, "onreserve_shards_oldest_unfinished_seconds") < 60, "{metrics}");
    let has = |name: &str, label: &str| {
        metrics.lines().any(|line| line.starts_with(&format!("{name}{{")) && line.contains(label))
    };
    assert!(has("onreserve_process_lease_seconds", "role=\"scheduler\"}"), "{metrics}");
    assert!(has("onreserve_process_lease_seconds", "role=\"worker\"}"), "{metrics}");
    let of_hosts = metrics.lines().filter(|line| line.starts_with("onreserve_host_requests_total{host=\""));
    assert!((1..=10).contains(&of_hosts.count()), "{metrics}");

    cluster.scheduler.says("waiting until").await;
    let metrics = get(of_worker, "/metrics").await.text;
    assert!(value(&metrics, "onreserve_shard_leases_lost_total") > 0, "{metrics}");
    assert!(value(&metrics, "onreserve_process_requests_total") > 0, "{metrics}");
    let begun = Instant::now();
    while value(&get(of_worker, "/metrics").await.text, "onreserve_night_links_left") > 0 {
        assert!(begun.elapsed() < Duration::from_mins(1), "the night is over");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    worker.stop().await;
    cluster.scheduler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_that_waits_is_alive_and_not_ready() {
    let Some(server) = shared_server() else { return };
    let mut cluster = Cluster::start(server, 1).await;
    cluster.scheduler.says("READY=1").await;
    let second = cluster.start_monitored("scheduler");
    let of_second = monitored_at(&second).await;
    second.logs("waiting until the other scheduler ends").await;
    assert_eq!(get(of_second, "/healthz").await.status, 200);
    let (status, waiting) = readiness(of_second).await;
    assert_eq!((status, &waiting["catalogue"]), (503, &"not open yet".into()));

    cluster.scheduler.signal(Signal::TERM);
    assert_eq!(cluster.scheduler.child.wait().await.unwrap().code(), Some(0));
    second.logs("service started").await;
    let begun = Instant::now();
    while readiness(of_second).await.0 != 200 {
        assert!(begun.elapsed() < Duration::from_mins(1), "it does not begin: {}", second.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(cluster.number(LEASES).await, 2, "the worker and the second scheduler");
    for process in cluster.workers.into_iter().chain([second]) {
        process.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_give_back_what_they_hold_when_they_stop() {
    let Some(server) = shared_server() else { return };
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

/// Renames the socket of the server, so that it cannot be reached.
fn rename_socket(cluster: &Cluster, from: &str, to: &str) {
    let url = url::Url::parse(&cluster.database).unwrap();
    let (_, dir) = url.query_pairs().find(|(key, _)| key == "host").unwrap();
    let dir = std::path::Path::new(dir.as_ref());
    std::fs::rename(dir.join(from), dir.join(to)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn all_processes_go_on_after_the_database_was_away() {
    const SOCKET: &str = ".s.PGSQL.5432";
    let Some(server) = PostgresServer::start() else { return };
    let cluster = Cluster::start(&server, 0).await;
    let (worker, web) = (cluster.start_monitored("worker"), cluster.start_role("web"));
    let (of_worker, of_web) = (monitored_at(&worker).await, pages_of(&web).await);
    cluster.scheduler.says("waiting until").await;
    let browser = Browser::signed_in(of_web).await;
    let token = browser.form_token(of_web).await;

    let mut connection = PgConnection::connect(&cluster.database).await.unwrap();
    rename_socket(&cluster, SOCKET, "away");
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE pid <> pg_backend_pid() AND datname = current_database()";
    sqlx::raw_sql(end).execute(&mut connection).await.unwrap();
    cluster.scheduler.logs("the catalogue is away; the service goes on when it is back").await;
    web.logs("the pages go on when it is back").await;
    let (worker_is, web_is) = tokio::join!(get(of_worker, "/readyz"), get(of_web, "/readyz"));
    assert_eq!((worker_is.status, web_is.status), (503, 503));
    assert_eq!(get(of_web, "/healthz").await.status, 200, "a restart would not help");
    rename_socket(&cluster, "away", SOCKET);

    let begun = Instant::now();
    while get(of_web, "/readyz").await.status != 200 || get(of_worker, "/readyz").await.status != 200 {
        assert!(begun.elapsed() < Duration::from_mins(1), "{} {}", worker.log(), web.log());
    }
    // The pages refuse another night as long as they show the first.
    while cluster.number("SELECT count(*) FROM service_request").await == 0 {
        assert_eq!(browser.post(of_web, "/c/c/check", &[("form_token", &token)]).await.status, 303);
        assert!(begun.elapsed() < Duration::from_mins(1), "{}", web.log());
    }
    cluster
        .until("SELECT count(*) FROM service_request WHERE ended_at IS NOT NULL AND error IS NULL", 1)
        .await;
    for process in [worker, web, cluster.scheduler] {
        process.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_stop_when_a_newer_version_has_changed_the_catalogue() {
    let Some(server) = shared_server() else { return };
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
