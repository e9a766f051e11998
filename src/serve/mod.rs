//! What students and monitors see: pages over the catalogue and the archive.
//!
//! Reading, but for what someone decides by the link of a letter. Who may open
//! what is decided in `domain::policy::access`; sentences whose words depend on a link are in `domain::report::wording`.
//! Nothing a stranger wrote leaves here unescaped, and nothing on a page of
//! ours comes from another host.

mod settings;
mod desk;
mod places;
mod patience;
mod share;
mod door;
mod proxy;
mod visitor;
mod answer;
mod session;
mod form;
mod oidc;
mod signin;
mod health;
mod range;
mod manner;
mod document;
mod offer;
mod outline;
mod search;
mod list;
mod difference;
mod copy;
mod go;
mod memento;
mod api;
mod past;
mod chart;
mod dashboard;
mod bell;
mod fields;
mod actor;
mod decide;
mod buttons;
mod act;
mod letters;
pub mod export;

pub use bell::{Bell, Call, Listener};
pub use desk::Desk;
pub use door::run;
pub use oidc::{CALLBACK, Oidc};
pub use proxy::Proxies;
pub use settings::{BaseUrl, CourseRules, Limits, NotABaseUrl, Settings};

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
        .fallback(answer::no_such_page)
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
        .route(&at("/blob/{sha256}/{name}"), get(document::by_digest))
        .route(&at("/"), get(list::courses))
        .route(&at("/c/{course}"), get(list::with_slash))
        .route(&at("/c/{course}/"), get(list::course))
        .route(&at("/a/{capture}"), get(copy::by_id))
        .route(&at("/go"), get(go::by_address))
        .route(&at("/go/{link}"), get(go::by_id))
        .route(&at("/c/{course}/health"), get(dashboard::health))
        .route(&at("/c/{course}/login"), get(signin::page).post(signin::enter))
        .route(&at("/c/{course}/logout"), post(signin::leave))
        .route(&at(CALLBACK), get(oidc::callback))
        .route(&at("/c/{course}/recheck"), post(dashboard::recheck))
        .route(&at("/act/{ticket}"), get(act::show).post(act::act))
        .route(&at("/letters/{ticket}"), get(letters::show).post(letters::change))
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
