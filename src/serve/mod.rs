//! What students and monitors see: pages over the catalogue and the archive.
//!
//! Reading, but for what someone decides by the link of a letter. Who may open
//! what is decided in `domain::policy::access`; sentences whose words depend on a link are in `domain::report::wording`.
//! Nothing a stranger wrote leaves here unescaped, and nothing on a page of
//! ours comes from another host.

mod settings;
mod desk;
mod door;
mod visitor;
mod answer;
mod health;
mod robots;
mod offer;
mod list;
mod copy;
mod go;
mod memento;
mod api;
mod dashboard;
mod act;
pub mod export;

pub use dashboard::bell::{Bell, Call, Listener};
pub use desk::Desk;
pub use door::run;
pub use settings::{BaseUrl, CourseRules, Limits, NotABaseUrl, Settings};
pub use visitor::oidc::{CALLBACK, Oidc};
pub use visitor::proxy::Proxies;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};

/// All routes: at the root, and below the path of the base URL, so that a
/// proxy in front may cut that path off or leave it on.
pub fn router(desk: Arc<Desk>) -> Router {
    let prefix = desk.settings.base_url.prefix();
    let mut router = routes("");
    if !prefix.is_empty() {
        router = router.merge(routes(prefix));
    }
    router
        .fallback(answer::stray)
        .layer(middleware::from_fn_with_state(Arc::clone(&desk), answer::guard))
        .with_state(desk)
}

fn routes(prefix: &str) -> Router<Arc<Desk>> {
    let at = |path: &str| format!("{prefix}{path}");
    Router::new()
        .route(&at("/healthz"), get(health::alive))
        .route(&at("/readyz"), get(health::ready))
        .route(&at("/metrics"), get(health::metrics))
        .route(&at("/style.css"), get(answer::style))
        .route(&at("/robots.txt"), get(robots::robots))
        .route(&at("/favicon.ico"), get(robots::icon))
        .route(&at("/blob/{sha256}/{name}"), get(copy::document::by_digest))
        .route(&at("/"), get(list::courses))
        .route(&at("/c/{course}"), get(list::with_slash))
        .route(&at("/c/{course}/"), get(list::course))
        .route(&at("/a/{capture}"), get(copy::by_id))
        .route(&at("/go"), get(go::by_address))
        .route(&at("/go/{link}"), get(go::by_id))
        .route(&at("/c/{course}/health"), get(dashboard::health))
        .route(&at("/c/{course}/login"), get(visitor::signin::page).post(visitor::signin::enter))
        .route(&at("/c/{course}/logout"), post(visitor::signin::leave))
        .route(&at(CALLBACK), get(visitor::oidc::callback))
        .route(&at("/c/{course}/recheck"), post(dashboard::recheck))
        .route(&at("/act/{ticket}"), get(act::show).post(act::act))
        .route(&at("/letters/{ticket}"), get(act::letters::show).post(act::letters::change))
        .route(&at("/api/v1/openapi.json"), get(api::description))
        .route(&at("/api/v1/courses"), get(api::courses))
        .route(&at("/api/v1/captures/{capture}"), get(api::capture))
        .route(&at("/api/v1/courses/{course}/links"), get(api::links))
        .route(&at("/api/v1/courses/{course}/search"), get(api::search))
        .route(&at("/onreserve.js"), get(api::script))
        .route(&at("/timegate/{*url}"), get(memento::timegate))
        .route(&at("/timemap/link/{*url}"), get(memento::timemap_link))
        .route(&at("/timemap/json/{*url}"), get(memento::timemap_json))
        .route(&at("/web/{stamp}/{*url}"), get(memento::memento))
}
