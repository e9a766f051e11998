//! One night with many failures of each kind, in a random order.

use std::io::Write as _;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{sleep, timeout};

use crate::engines::only_on_sqlite_and_directory;
use crate::harness::Random;
use crate::postgres_server::PostgresServer;
use crate::s3_server::S3Server;
use crate::service::Service;
use crate::workers::cluster::{Cluster, Different, LEASE, links, setting};
use crate::workers::proxy::{DatabaseProxy, WebProxy};

const WORKERS: usize = 3;
/// What a worker logs whose requests fail.
const WITHOUT_NETWORK: &str = "the network of this machine does not work";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    WorkerKilled,
    /// Past its lease.
    WorkerFrozen,
    /// For longer than its lease.
    WorkerWithoutDatabase,
    WorkerWithoutWeb,
    /// Of the bucket.
    WorkerWithoutStore,
    ServerCrash,
    SchedulerKilled,
}

impl Failure {
    const ALL: [(&str, Self); 7] = [
        ("killed", Self::WorkerKilled),
        ("frozen", Self::WorkerFrozen),
        ("without-database", Self::WorkerWithoutDatabase),
        ("without-web", Self::WorkerWithoutWeb),
        ("without-store", Self::WorkerWithoutStore),
        ("server-crash", Self::ServerCrash),
        ("scheduler-killed", Self::SchedulerKilled),
    ];

    /// The kinds that `ONRESERVE_FAILURE_KINDS` names, all without it.
    fn wanted(has_store: bool) -> Vec<Self> {
        let named = std::env::var("ONRESERVE_FAILURE_KINDS").ok();
        let named: Option<Vec<&str>> = named.as_ref().map(|named| named.split(',').collect());
        let is_wanted = |name| named.as_ref().is_none_or(|named| named.contains(&name));
        let is_possible = |failure| has_store || failure != Self::WorkerWithoutStore;
        let kinds = Self::ALL.into_iter().filter(|(name, failure)| is_wanted(name) && is_possible(*failure));
        kinds.map(|(_, failure)| failure).collect()
    }
}

/// A worker that reaches the database, the web and the store through proxies of its own.
struct Worker {
    service: Service,
    database: DatabaseProxy,
    web: WebProxy,
    store: Option<WebProxy>,
}

impl Worker {
    async fn start(cluster: &Cluster, server: &PostgresServer) -> Self {
        let database = DatabaseProxy::of(server.sockets());
        let web = WebProxy::of(cluster.harness.site.address).await;
        let url = database.url(&cluster.database);
        let store = match &cluster.bucket {
            Some(bucket) => Some(WebProxy::of(bucket.server.address).await),
            None => None,
        };
        let different = Different {
            now: None,
            database: Some(&url),
            web: Some(web.address),
            store: store.as_ref().map(|store| store.address),
        };
        let service = cluster.start_different(&different);
        service.says("READY=1").await;
        Self { service, database, web, store }
    }

    fn noticed_failures(&self) -> usize {
        self.service.log().matches(WITHOUT_NETWORK).count()
    }
}

/// A night, with what it needs to go on after each failure.
struct Campaign {
    server: PostgresServer,
    cluster: Cluster,
    workers: Vec<Worker>,
    /// Takes over when the scheduler is killed.
    second: Service,
    random: Random,
}

impl Campaign {
    async fn start(server: PostgresServer, store: Option<&'static S3Server>) -> Self {
        let cluster = Cluster::start_with(&server, store, 0).await;
        cluster.scheduler.logs("service started").await;
        let second = second_scheduler(&cluster).await;
        let mut workers = Vec::new();
        for _ in 0..WORKERS {
            workers.push(Worker::start(&cluster, &server).await);
        }
        Self { server, cluster, workers, second, random: Random::new() }
    }

    /// Whether the night ends before so many more requests.
    async fn night_is_over_before(&self, requests: usize) -> bool {
        let over = async {
            while !self.cluster.scheduler.log().contains("night finished") {
                sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            () = self.cluster.after_requests(requests) => false,
            () = over => true,
        }
    }

    async fn fail(&mut self, failure: Failure) {
        let place = self.random.below(WORKERS);
        let worker = &mut self.workers[place];
        match failure {
            Failure::WorkerKilled => {
                worker.service.child.kill().await.unwrap();
                self.workers[place] = Worker::start(&self.cluster, &self.server).await;
            }
            Failure::WorkerFrozen => {
                worker.service.signal(Signal::STOP);
                sleep(LEASE + Duration::from_secs(1)).await;
                worker.service.signal(Signal::CONT);
            }
            Failure::WorkerWithoutDatabase => {
                worker.database.cut();
                sleep(LEASE + Duration::from_millis(500)).await;
                worker.database.lead_to(self.server.sockets());
            }
            Failure::WorkerWithoutWeb => self.cut_from_web(place).await,
            Failure::WorkerWithoutStore => {
                let store = worker.store.as_ref().unwrap();
                store.cut();
                sleep(LEASE + Duration::from_millis(500)).await;
                store.mend();
            }
            Failure::ServerCrash => {
                self.server.crash();
                sleep(Duration::from_millis(500)).await;
                self.server.start_again();
            }
            Failure::SchedulerKilled => {
                self.cluster.scheduler.child.kill().await.unwrap();
                self.second.logs("resuming an interrupted night").await;
                let third = second_scheduler(&self.cluster).await;
                self.cluster.scheduler = std::mem::replace(&mut self.second, third);
            }
        }
    }

    /// The web is back when the worker has noticed that it was away. A worker without links notices
    /// nothing.
    async fn cut_from_web(&mut self, place: usize) {
        let worker = &self.workers[place];
        let before = worker.noticed_failures();
        worker.web.cut();
        let noticed = timeout(Duration::from_secs(90), async {
            while worker.noticed_failures() == before {
                sleep(Duration::from_millis(20)).await;
            }
        });
        let has_noticed = noticed.await.is_ok();
        if !has_noticed {
            // What it still has must not be believed, so its process ends with its network away.
            self.workers[place].service.child.kill().await.unwrap();
            self.workers[place] = Worker::start(&self.cluster, &self.server).await;
        }
        self.workers[place].web.mend();
    }
}

async fn second_scheduler(cluster: &Cluster) -> Service {
    let second = cluster.start_role("scheduler");
    second.logs("waiting until the other scheduler ends").await;
    second
}

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

async fn night_of_failures(store: Option<&'static S3Server>) {
    let Some(server) = PostgresServer::start() else { return };
    let (incidents, kinds) = (setting("ONRESERVE_FAILURE_INCIDENTS", 1), Failure::wanted(store.is_some()));
    let mut failures: Vec<Failure> = kinds.iter().copied().cycle().take(incidents * kinds.len()).collect();
    let planned = failures.len();
    let mut campaign = Campaign::start(server, store).await;
    let apart = (links() / 2 / planned.max(1)).max(1);
    while !failures.is_empty() {
        let after = 1 + campaign.random.below(apart);
        if campaign.night_is_over_before(after).await {
            break;
        }
        let failure = failures.swap_remove(campaign.random.below(failures.len()));
        campaign.fail(failure).await;
    }
    let happened = planned - failures.len();
    assert!(happened > 0, "the night was over before the first failure");
    let happened = format!("{happened} of {planned} failures happened in the night\n");
    std::io::stderr().write_all(happened.as_bytes()).unwrap();
    let Campaign { server, mut cluster, workers, second, .. } = campaign;
    cluster.night_ends().await;
    // It has nothing that it could give back.
    drop(second);
    let (services, proxies): (Vec<_>, Vec<_>) = workers
        .into_iter()
        .map(|Worker { service, database, web, store }| (service, (database, web, store)))
        .unzip();
    cluster.workers = services;
    let late = if kinds.contains(&Failure::WorkerFrozen) { 2 * incidents } else { 0 };
    drop(cluster.outcome_with(late).await);
    drop((server, proxies));
}
