//! The web service: pages for students and staff, an API, and endpoints for monitors.
//!
//! It reads the catalogue and the archive. It writes only decisions of people and their
//! sessions. `domain::policy::copy_access` decides which copies
//! open, and `domain::report::wording` has the sentences about links. Pages
//! escape every text from other websites, and load nothing from other hosts.

mod auth;
mod base_url;
mod error;
pub mod export;
mod http;
mod library;
mod middleware;
mod monitoring;
mod recheck_queue;
mod request_counters;
mod respond;
mod routes;
mod service_status;
mod settings;
mod state;

pub use auth::oidc::client::{CALLBACK, OidcClient};
pub use auth::proxy::TrustedProxies;
pub use base_url::{BaseUrl, NotABaseUrl};
pub use library::Library;
pub use monitoring::Monitoring;
pub use recheck_queue::{RecheckQueue, RecheckReceiver, RecheckRequest};
pub use service_status::{NightActivity, ServiceStatus};
pub use settings::{ADMIN, CourseRules, ServeLimits, ServeSettings};
pub use state::AppState;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tokio::net::TcpListener;

use http::server::{self, ServerOptions};
use routes::{
    actions, admin, api, blob, copy, course, dashboard, downloads, fallback, go, health, login, memento,
    metrics, oidc, robots_txt, style, view,
};

/// Serves until `shutdown` completes.
pub async fn run(listener: TcpListener, state: AppState, shutdown: impl Future<Output = ()>) {
    let options = ServerOptions {
        limits: state.settings.limits,
        proxies: state.settings.proxies.clone(),
        clock: state.clock,
    };
    server::serve(listener, router(state), options, shutdown).await;
}

/// All routes, at the root and below the path of the base URL, because some
/// reverse proxies remove that path and others do not.
fn router(state: AppState) -> Router {
    let prefix = state.settings.base_url.prefix();
    let mut router = routes("");
    if !prefix.is_empty() {
        router = router.merge(routes(prefix));
    }
    router
        .fallback(fallback::fallback)
        .layer(from_fn_with_state(state.clone(), middleware::identify::identify))
        .layer(from_fn_with_state(state.clone(), middleware::copies_origin::copies_origin))
        .layer(from_fn_with_state(state.clone(), middleware::security_headers::security_headers))
        .with_state(state)
}

fn routes(prefix: &str) -> Router<AppState> {
    let at = |path: &str| format!("{prefix}{path}");
    Router::new()
        .route(&at("/healthz"), get(health::alive))
        .route(&at("/readyz"), get(health::ready))
        .route(&at("/metrics"), get(metrics::metrics))
        .route(&at("/style.css"), get(style::style))
        .route(&at("/robots.txt"), get(robots_txt::robots))
        .route(&at("/favicon.ico"), get(robots_txt::favicon))
        .route(&at("/"), get(course::courses))
        .route(&at("/admin/"), get(admin::overview))
        .route(&at("/c/{course}"), get(course::without_slash))
        .route(&at("/c/{course}/"), get(course::course))
        .route(&at("/c/{course}/readings.bib"), get(downloads::references::file))
        .route(&at("/c/{course}/readings.ris"), get(downloads::references::file))
        .route(&at("/c/{course}/readings.json"), get(downloads::references::file))
        .route(&at("/c/{course}/readings.zip"), get(downloads::readings_zip::readings))
        .route(&at("/c/{course}/due.ics"), get(downloads::calendar::due))
        .route(&at("/c/{course}/changes.atom"), get(downloads::changes::changes))
        .route(
            &at("/c/{course}/subscribe"),
            get(downloads::subscribe::show).post(downloads::subscribe::change),
        )
        .route(&at("/c/{course}/health"), get(dashboard::health))
        .route(&at("/c/{course}/recheck"), post(actions::staff::recheck))
        .route(&at("/c/{course}/decide"), post(actions::staff::several))
        .route(&at("/c/{course}/links/{link}"), get(actions::staff::show).post(actions::staff::act))
        .route(&at("/c/{course}/check"), post(dashboard::night_request::request))
        .route(&at("/c/{course}/login"), get(login::show).post(login::log_in))
        .route(&at("/c/{course}/logout"), post(login::log_out))
        .route(&at(CALLBACK), get(oidc::callback))
        .route(&at("/a/{capture}"), get(copy::by_id))
        .route(&at("/blob/{sha256}/{name}"), get(blob::by_digest))
        .route(&at("/view/{capture}/"), get(view::page))
        .route(&at("/view/{capture}/{place}"), get(view::requisite))
        .route(&at("/go"), get(go::by_address))
        .route(&at("/go/{link}"), get(go::by_id))
        .route(&at("/act/{token}"), get(actions::show).post(actions::act))
        .route(&at("/letters/{token}"), get(actions::subscription::show).post(actions::subscription::change))
        .route(&at("/api/v1/openapi.json"), get(api::description::openapi))
        .route(&at("/api/v1/courses"), get(api::captures::courses))
        .route(&at("/api/v1/captures/{capture}"), get(api::captures::capture))
        .route(&at("/api/v1/courses/{course}/links"), get(api::links::links))
        .route(&at("/api/v1/courses/{course}/search"), get(api::search::search))
        .route(&at("/onreserve.js"), get(api::description::script))
        .route(&at("/timegate/{*url}"), get(memento::timegate))
        .route(&at("/timemap/link/{*url}"), get(memento::timemap_link))
        .route(&at("/timemap/json/{*url}"), get(memento::timemap_json))
        .route(&at("/web/{stamp}/{*url}"), get(memento::memento))
}
