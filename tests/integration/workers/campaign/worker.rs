//! A worker that reaches each server by way of a proxy of its own.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;

use crate::harness::PROGRAM;
use crate::postgres_server::PostgresServer;
use crate::service::Service;
use crate::workers::cluster::{Cluster, Different};
use crate::workers::proxy::{DatabaseProxy, NetworkProxy};

/// What a worker logs whose requests fail.
const WITHOUT_NETWORK: &str = "the network of this machine does not work";

/// The program of another version, if there is one.
pub(super) fn other_program() -> Option<PathBuf> {
    std::env::var_os("ONRESERVE_OTHER_PROGRAM").map(PathBuf::from)
}

pub(super) struct Worker {
    pub(super) service: Service,
    pub(super) proxies: Proxies,
    /// By how much its clock is ahead.
    pub(super) ahead: SignedDuration,
    pub(super) is_other_version: bool,
}

/// The ways of a worker.
pub(super) struct Proxies {
    pub(super) database: DatabaseProxy,
    pub(super) web: NetworkProxy,
    pub(super) store: Option<NetworkProxy>,
}

impl Proxies {
    async fn start(cluster: &Cluster, server: &PostgresServer) -> Self {
        let database = DatabaseProxy::of(server.sockets());
        let web = NetworkProxy::of(cluster.harness.site.address).await;
        let store = match &cluster.bucket {
            Some(bucket) => Some(NetworkProxy::of(bucket.server.address).await),
            None => None,
        };
        Self { database, web, store }
    }

    /// Starts a worker and waits until it is ready.
    async fn start_worker(&self, cluster: &Cluster, ahead: SignedDuration, program: &Path) -> Service {
        let database = self.database.url(&cluster.database);
        let different = Different {
            program: Some(program),
            now: Some(&cluster.now(ahead)),
            database: Some(&database),
            web: Some(self.web.address),
            store: self.store.as_ref().map(|store| store.address),
        };
        let service = cluster.start_different(&different);
        service.says("READY=1").await;
        service
    }
}

impl Worker {
    pub(super) async fn start(cluster: &Cluster, server: &PostgresServer) -> Self {
        let proxies = Proxies::start(cluster, server).await;
        let ahead = SignedDuration::ZERO;
        let service = proxies.start_worker(cluster, ahead, Path::new(PROGRAM)).await;
        Self { service, proxies, ahead, is_other_version: false }
    }

    /// Starts it again after its process was killed or has ended.
    async fn start_again(&mut self, cluster: &Cluster) {
        let other = if self.is_other_version { other_program() } else { None };
        let program = other.unwrap_or_else(|| PROGRAM.into());
        self.service = self.proxies.start_worker(cluster, self.ahead, &program).await;
    }

    pub(super) async fn kill(&mut self, cluster: &Cluster) {
        self.service.child.kill().await.unwrap();
        self.start_again(cluster).await;
    }

    /// Ends its process as a service manager does, and starts it again.
    pub(super) async fn stop(&mut self, cluster: &Cluster) {
        self.service.end().await;
        self.start_again(cluster).await;
    }

    /// How often it has noticed that it was cut from the web.
    pub(super) fn noticed_failures(&self) -> usize {
        self.service.log().matches(WITHOUT_NETWORK).count()
    }
}
