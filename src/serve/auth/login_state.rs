//! The state of the login and logout handlers.

use std::sync::Arc;

use crate::serve::auth::csrf::FormTokens;
use crate::serve::auth::login_limiter::LoginLimiter;
use crate::serve::auth::oidc::flow::OidcState;
use crate::serve::auth::session::SessionStore;
use crate::serve::settings::ServeSettings;
use crate::world::clock::Clock;

#[derive(Clone, Debug)]
pub(in crate::serve) struct LoginState {
    pub settings: Arc<ServeSettings>,
    pub sessions: SessionStore,
    pub limiter: Arc<LoginLimiter>,
    pub oidc: Arc<OidcState>,
    pub form_tokens: FormTokens,
    pub clock: Clock,
}
