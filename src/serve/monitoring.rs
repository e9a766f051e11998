//! `/healthz`, `/readyz` and `/metrics` of a process that serves no pages: a scheduler or a worker.
//!
//! It listens at an address of its own, and from the start, also while a second scheduler waits
//! for its turn.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;

use crate::domain::policy::service_role::ServiceRole;
use crate::serve::auth::proxy::TrustedProxies;
use crate::serve::error::RouteResult;
use crate::serve::http::server::{self, ServerOptions};
use crate::serve::respond::no_store;
use crate::serve::routes::cluster_metrics::{self, SeriesLabels};
use crate::serve::routes::health;
use crate::serve::routes::metric_text::{counter, family, gauge, respond};
use crate::serve::settings::ServeLimits;
use crate::world::archive::Archive;
use crate::world::catalogue::Catalogue;
use crate::world::clock::Clock;

/// What monitors learn of a process.
#[derive(Clone, Debug)]
pub struct Monitoring(Arc<MonitoredProcess>);

#[derive(Debug)]
struct MonitoredProcess {
    role: ServiceRole,
    clock: Clock,
    work: OnceLock<MonitoredWork>,
    /// Another scheduler has taken over.
    is_waiting: AtomicBool,
    is_stopping: AtomicBool,
}

/// What the process works with, once it has begun.
#[derive(Debug)]
struct MonitoredWork {
    archive: Archive,
    catalogue: Catalogue,
    /// The requests that this process has sent.
    requests: Arc<AtomicU64>,
}

impl Monitoring {
    /// A process that has not begun its work.
    pub fn new(role: ServiceRole, clock: Clock) -> Self {
        let (is_waiting, is_stopping) = (AtomicBool::new(false), AtomicBool::new(false));
        Self(Arc::new(MonitoredProcess { role, clock, work: OnceLock::new(), is_waiting, is_stopping }))
    }

    /// The process begins its work. `requests` counts what it sends.
    pub fn begin(&self, archive: Archive, catalogue: Catalogue, requests: Arc<AtomicU64>) {
        // It begins once.
        let _ = self.0.work.set(MonitoredWork { archive, catalogue, requests });
    }

    /// Whether the process waits until the scheduler ends that has taken over from it.
    pub fn set_waiting(&self, is_waiting: bool) {
        self.0.is_waiting.store(is_waiting, Ordering::Relaxed);
    }

    /// The process takes no more work.
    pub fn stop(&self) {
        self.0.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Answers requests until the future is dropped.
    pub async fn serve(self, listener: TcpListener) {
        let clock = self.0.clock;
        let router = Router::new()
            .route("/healthz", get(health::alive))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .with_state(self);
        let options =
            ServerOptions { limits: ServeLimits::default(), proxies: TrustedProxies::default(), clock };
        server::serve(listener, router, options, std::future::pending()).await;
    }
}

/// 503 before the work begins, while the process stops or waits for another scheduler, and if the
/// catalogue or the archive does not answer.
async fn ready(State(monitoring): State<Monitoring>) -> Response {
    let process = &monitoring.0;
    let is_waiting = process.is_waiting.load(Ordering::Relaxed);
    let is_stopping = process.is_stopping.load(Ordering::Relaxed);
    let (catalogue, archive) = match process.work.get() {
        Some(work) => {
            let catalogue = work.catalogue.schema().await.map(|_| "ok".to_owned());
            let is_writable = work.archive.is_writable();
            let free = work.archive.free_bytes().unwrap_or(0);
            (catalogue.unwrap_or_else(|error| error.to_string()), health::archive_state(is_writable, free))
        }
        None => ("not open yet".to_owned(), "not open yet"),
    };
    let is_ready = catalogue == "ok" && archive == "ok" && !is_waiting && !is_stopping;
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let answer = json!({
        "ready": is_ready,
        "role": process.role.as_str(),
        "catalogue": catalogue,
        "archive": archive,
        "waiting": is_waiting,
        "stopping": is_stopping,
    });
    no_store((status, [(header::CONTENT_TYPE, "application/json")], format!("{answer}\n")).into_response())
}

async fn metrics(State(monitoring): State<Monitoring>) -> RouteResult {
    let process = &monitoring.0;
    let mut text = String::new();
    let name = "onreserve_process_info";
    family(&mut text, name, "gauge", "The role and the version of this process.");
    let (role, version) = (process.role.as_str(), env!("CARGO_PKG_VERSION"));
    text.push_str(&format!("{name}{{role=\"{role}\",version=\"{version}\"}} 1\n"));
    let is_stopping = process.is_stopping.load(Ordering::Relaxed);
    gauge(&mut text, "onreserve_process_stopping", "1 while this process stops.", is_stopping.into());
    if let Some(work) = process.work.get() {
        let help = "Requests to websites that this process has sent.";
        let sent = work.requests.load(Ordering::Relaxed);
        counter(&mut text, "onreserve_process_requests_total", help, sent);
        let help = "Free bytes on the disk of the archive.";
        gauge(&mut text, "onreserve_archive_free_bytes", help, work.archive.free_bytes()?);
        cluster_metrics::links_left(cluster_metrics::night(&work.catalogue).await?.as_ref(), &mut text);
        cluster_metrics::processes(&work.catalogue, process.clock, SeriesLabels::All, &mut text).await?;
    }
    Ok(respond(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_is_ready_while_it_works() {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(dir.path()).unwrap();
        let catalogue = Catalogue::open(&Catalogue::path_in(dir.path())).await.unwrap();
        let monitoring = Monitoring::new(ServiceRole::Worker, Clock::system());
        let status = async || ready(State(monitoring.clone())).await.status().as_u16();
        assert_eq!(status().await, 503, "it has not begun");
        monitoring.begin(archive, catalogue.clone(), Arc::default());
        assert_eq!(status().await, 200);
        monitoring.set_waiting(true);
        assert_eq!(status().await, 503, "another scheduler has taken over");
        monitoring.set_waiting(false);
        assert_eq!(status().await, 200);
        monitoring.stop();
        assert_eq!(status().await, 503, "it stops");

        let monitoring = Monitoring::new(ServiceRole::Worker, Clock::system());
        monitoring.begin(Archive::open(dir.path()).unwrap(), catalogue.clone(), Arc::default());
        catalogue.close().await;
        assert_eq!(ready(State(monitoring)).await.status().as_u16(), 503, "the catalogue does not answer");
    }
}
