//! The state of the request handlers. Each handler gets only the parts that it needs.

use std::sync::Arc;

use axum::extract::FromRef;

use super::auth::csrf::FormTokens;
use super::auth::login_limiter::LoginLimiter;
use super::auth::login_state::LoginState;
use super::auth::oidc::flow::OidcState;
use super::auth::session::SessionStore;
use super::library::Library;
use super::recheck_queue::RecheckQueue;
use super::request_counters::RequestCounters;
use super::routes::admin::ListedVisits;
use super::routes::dashboard_state::DashboardState;
use super::routes::downloads::subscribe::SubscribeState;
use super::routes::metrics::CaptureTotals;
use super::service_status::ServiceStatus;
use super::settings::ServeSettings;
use crate::world::archive::Archive;
use crate::world::catalogue::Catalogue;
use crate::world::clock::Clock;

/// All data of the handlers.
#[derive(Clone, Debug)]
pub struct AppState {
    pub(super) settings: Arc<ServeSettings>,
    pub(super) clock: Clock,
    library: Arc<Library>,
    sessions: SessionStore,
    login_limiter: Arc<LoginLimiter>,
    oidc: Arc<OidcState>,
    form_tokens: FormTokens,
    recheck_queue: RecheckQueue,
    counters: Arc<RequestCounters>,
    capture_totals: Arc<CaptureTotals>,
    listed_visits: Arc<ListedVisits>,
}

impl AppState {
    pub fn new(archive: Archive, catalogue: Catalogue, clock: Clock, settings: ServeSettings) -> Self {
        let settings = Arc::new(settings);
        let library = Library::new(archive, catalogue, clock, Arc::clone(&settings));
        Self::with_library(library, settings)
    }

    /// As [`AppState::new`], for pages that show what the service does.
    pub fn beside_service(
        archive: Archive,
        catalogue: Catalogue,
        clock: Clock,
        settings: ServeSettings,
        status: ServiceStatus,
    ) -> Self {
        let settings = Arc::new(settings);
        let library = Library::new(archive, catalogue, clock, Arc::clone(&settings));
        Self::with_library(library.with_service_status(status), settings)
    }

    fn with_library(library: Library, settings: Arc<ServeSettings>) -> Self {
        let (catalogue, clock) = (library.catalogue.clone(), library.clock);
        let login_catalogue = catalogue.clone();
        Self {
            library: Arc::new(library),
            login_limiter: Arc::new(LoginLimiter::of_processes(&catalogue)),
            sessions: SessionStore::new(catalogue, clock, Arc::clone(&settings)),
            oidc: Arc::new(OidcState::new(Arc::clone(&settings), login_catalogue, clock)),
            form_tokens: FormTokens::new(settings.signing_key.as_ref()),
            recheck_queue: RecheckQueue::default(),
            counters: Arc::default(),
            capture_totals: Arc::default(),
            listed_visits: Arc::default(),
            settings,
            clock,
        }
    }

    /// Allows the pages to request rechecks.
    #[must_use]
    pub fn with_recheck_queue(self, recheck_queue: RecheckQueue) -> Self {
        Self { recheck_queue, ..self }
    }
}

impl FromRef<AppState> for Arc<ServeSettings> {
    fn from_ref(state: &AppState) -> Self {
        Self::clone(&state.settings)
    }
}

impl FromRef<AppState> for Arc<Library> {
    fn from_ref(state: &AppState) -> Self {
        Self::clone(&state.library)
    }
}

impl FromRef<AppState> for SessionStore {
    fn from_ref(state: &AppState) -> Self {
        state.sessions.clone()
    }
}

impl FromRef<AppState> for RecheckQueue {
    fn from_ref(state: &AppState) -> Self {
        state.recheck_queue.clone()
    }
}

impl FromRef<AppState> for Arc<RequestCounters> {
    fn from_ref(state: &AppState) -> Self {
        Self::clone(&state.counters)
    }
}

impl FromRef<AppState> for Arc<CaptureTotals> {
    fn from_ref(state: &AppState) -> Self {
        Self::clone(&state.capture_totals)
    }
}

impl FromRef<AppState> for Arc<ListedVisits> {
    fn from_ref(state: &AppState) -> Self {
        Self::clone(&state.listed_visits)
    }
}

impl FromRef<AppState> for LoginState {
    fn from_ref(state: &AppState) -> Self {
        Self {
            settings: Arc::clone(&state.settings),
            sessions: state.sessions.clone(),
            limiter: Arc::clone(&state.login_limiter),
            oidc: Arc::clone(&state.oidc),
            form_tokens: state.form_tokens.clone(),
            clock: state.clock,
        }
    }
}

impl FromRef<AppState> for DashboardState {
    fn from_ref(state: &AppState) -> Self {
        Self {
            library: Arc::clone(&state.library),
            recheck_queue: state.recheck_queue.clone(),
            form_tokens: state.form_tokens.clone(),
        }
    }
}

impl FromRef<AppState> for SubscribeState {
    fn from_ref(state: &AppState) -> Self {
        Self { library: Arc::clone(&state.library), form_tokens: state.form_tokens.clone() }
    }
}
