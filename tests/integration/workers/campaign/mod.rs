//! One night with many failures of each kind, in a random order.

mod failure;
mod happening;
mod worker;

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use crate::engines::only_on_sqlite_and_directory;
use crate::harness::Random;
use crate::postgres_server::PostgresServer;
use crate::s3_server::{FaultyProxy, ProxyFault, S3Server};
use crate::service::Service;
use crate::workers::SCHEDULERS;
use crate::workers::cluster::{self, Cluster, links};
use crate::workers::proxy::DatabaseProxy;

use failure::{Failure, Plan, StoreFault};
use worker::Worker;

const WORKERS: usize = 3;
/// The leases of a night in which a standby replaces the server: longer than that takes, and longer
/// than a standby is behind.
const LONG_LEASE: Duration = Duration::from_secs(6);
/// The answers of a slow store take longer by this.
const SLOW: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn a_night_with_failures_of_every_kind_ends_as_without_them() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    night_of_failures(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_beside_a_bucket_with_failures_of_every_kind_ends_as_without_them() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some(store) = S3Server::shared() else { return };
    night_of_failures(Some(store)).await;
}

/// A night, with what it needs to go on after each failure.
struct Campaign {
    server: PostgresServer,
    cluster: Cluster,
    /// How long the processes have their leases.
    lease: Duration,
    /// The way of the schedulers to the database.
    database: DatabaseProxy,
    workers: Vec<Worker>,
    /// Takes over when the scheduler is lost.
    second: Service,
    /// Ways to the store that are as the faults say.
    faulty_stores: Vec<(StoreFault, FaultyProxy)>,
    random: Random,
    /// The visits that the standbys lacked which have replaced the server.
    lost_visits: usize,
}

impl Campaign {
    async fn start(
        server: PostgresServer,
        store: Option<&'static S3Server>,
        plan: &Plan,
        random: Random,
    ) -> Self {
        let has_standby = plan.failures.iter().any(|failure| failure.is_standby());
        let lease = if has_standby { LONG_LEASE } else { cluster::LEASE };
        let database = DatabaseProxy::of(server.sockets());
        let url = server.database().await;
        let address = database.url(&url);
        let bucket = store.map(S3Server::bucket);
        let cluster = Cluster::start_in(bucket, (url, address), 0, lease, async |_| ()).await;
        cluster.scheduler.logs("service started").await;
        cluster.until(SCHEDULERS, 1).await;
        let second = second_scheduler(&cluster).await;
        let mut workers = Vec::new();
        for _ in 0..WORKERS {
            workers.push(Worker::start(&cluster, &server).await);
        }
        Self {
            server,
            cluster,
            lease,
            database,
            workers,
            second,
            faulty_stores: store.map(faulty_stores).unwrap_or_default(),
            random,
            lost_visits: 0,
        }
    }

    /// The number of links without a visit.
    async fn unvisited(&self) -> usize {
        links().saturating_sub(self.visits().await)
    }

    async fn visits(&self) -> usize {
        usize::try_from(self.cluster.number("SELECT count(*) FROM visit").await).unwrap()
    }

    /// Whether the night ends before so many more requests.
    async fn night_is_over_before(&self, requests: usize) -> bool {
        let over = async {
            while !self.is_night_over().await {
                sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::select! {
            () = self.cluster.after_requests(requests) => false,
            () = over => true,
        }
    }

    async fn is_night_over(&self) -> bool {
        self.cluster.number("SELECT count(*) FROM night WHERE finished IS NOT NULL").await > 0
    }
}

async fn second_scheduler(cluster: &Cluster) -> Service {
    let second = cluster.start_role("scheduler");
    second.logs("waiting until the other scheduler ends").await;
    second
}

fn faulty_stores(store: &S3Server) -> Vec<(StoreFault, FaultyProxy)> {
    let requests = AtomicUsize::new(0);
    let wrong = move |method: &str, path: &str| {
        let is_one = path.contains("/captures/") || path.contains("/blobs/");
        let is_altered = is_one && requests.fetch_add(1, Ordering::SeqCst).is_multiple_of(3);
        match method {
            "PUT" if is_altered => ProxyFault::WrongBytes,
            "GET" if is_altered => ProxyFault::WrongAnswer,
            _ => ProxyFault::None,
        }
    };
    vec![
        (StoreFault::Fails, FaultyProxy::start(store, |_, _| ProxyFault::Status(500))),
        (StoreFault::Slow, FaultyProxy::start(store, |_, _| ProxyFault::Late(SLOW))),
        (StoreFault::WrongBytes, FaultyProxy::start(store, wrong)),
    ]
}

/// What the failures of a night leave for the rest of it.
struct Distances {
    left: usize,
    /// The visits during the failures so far.
    during: usize,
    happened: usize,
}

impl Distances {
    /// A number of requests until the next failure that leaves enough for all others.
    fn next(&self, unvisited: usize, random: &mut Random) -> usize {
        let during_each = self.during.checked_div(self.happened).unwrap_or(0);
        let spare = unvisited.saturating_sub(during_each * self.left);
        1 + random.below((spare / self.left).max(1))
    }

    fn count(&mut self, during: usize) {
        self.left -= 1;
        self.happened += 1;
        self.during += during;
    }
}

async fn night_of_failures(store: Option<&'static S3Server>) {
    let Some(server) = PostgresServer::start() else { return };
    let mut random = Random::new();
    let plan = Plan::wanted(store.is_some(), worker::other_program().is_some(), &mut random);
    let mut happened = Vec::new();
    let mut campaign = Campaign::start(server, store, &plan, random).await;
    let mut distances = Distances { left: plan.failures.len(), during: 0, happened: 0 };
    let begun = Instant::now();
    for failure in plan.failures.iter().copied() {
        let before = campaign.unvisited().await;
        let after = distances.next(before, &mut campaign.random);
        if campaign.night_is_over_before(after).await {
            break;
        }
        campaign.fail(failure).await;
        campaign.follow_scheduler().await;
        happened.push(failure);
        distances.count(before.saturating_sub(campaign.unvisited().await + after));
    }
    print(&plan, &happened, campaign.lost_visits, begun.elapsed());
    assert!(!happened.is_empty() || plan.failures.is_empty(), "the night was over before the first failure");
    campaign.end(&plan).await;
}

fn print(plan: &Plan, happened: &[Failure], lost_visits: usize, elapsed: Duration) {
    let count = |failure| happened.iter().filter(|one| **one == failure).count();
    let of_kind =
        |(name, failure): &(_, Failure)| format!("{name} {} of {}", count(*failure), plan.incidents);
    let kinds: Vec<String> = plan.kinds.iter().map(of_kind).collect();
    let kinds = kinds.join(", ");
    let text = format!(
        "{} failures happened in the night within {} s: {kinds}; standbys lacked {lost_visits} visits\n",
        happened.len(),
        elapsed.as_secs()
    );
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}

impl Campaign {
    /// Waits for the end of the night, and checks its laws.
    async fn end(self, plan: &Plan) {
        let is_over = timeout(cluster::deadline(), async {
            while !self.is_night_over().await {
                sleep(Duration::from_millis(100)).await;
            }
        });
        assert!(is_over.await.is_ok(), "the night does not end: {}", self.second.log());
        let Self { server, mut cluster, workers, second, database, .. } = self;
        let (services, proxies): (Vec<_>, Vec<_>) =
            workers.into_iter().map(|worker| (worker.service, worker.proxies)).unzip();
        cluster.workers = services;
        cluster.workers.push(second);
        // There is one short pause before a late request and one after it.
        let late = 2 * plan.failures.iter().filter(|failure| failure.is_freeze()).count();
        drop(cluster.outcome_with(late).await);
        drop((server, proxies, database));
    }
}
