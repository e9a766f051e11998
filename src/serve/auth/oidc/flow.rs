//! The steps of a login with the identity provider: redirect the browser, match it when it
//! comes back, exchange the code, and log out.

use std::sync::Arc;

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use url::Url;

use crate::domain::capture::Digest;
use crate::domain::policy::client_network::ClientNetwork;
use crate::domain::policy::oidc::Claims;
use crate::serve::auth::cookie::SessionCookie;
use crate::serve::auth::oidc::client::{CALLBACK, OidcClient};
use crate::serve::auth::oidc::pending_logins::{LIFETIME, PendingLogin, PendingLogins};
use crate::serve::auth::oidc::provider_cache::{self, AuthorizationCode, ProviderCache};
use crate::serve::auth::visitor::Visitor;
use crate::serve::settings::{CourseRules, ServeSettings};
use crate::world::clock::Clock;
use crate::world::random;

/// Why a login could not be started.
#[derive(Debug, thiserror::Error)]
pub(in crate::serve) enum Error {
    #[error("the identity provider: {0}")]
    Provider(#[from] provider_cache::Error),
    #[error("cannot create random tokens: {0}")]
    Random(#[from] random::Error),
}

/// The pending logins, and the cached metadata of the provider.
#[derive(Debug)]
pub(in crate::serve) struct OidcState {
    settings: Arc<ServeSettings>,
    clock: Clock,
    pending: PendingLogins,
    provider: ProviderCache,
}

/// The address to which a browser is redirected for a login.
#[derive(Debug)]
pub(in crate::serve) struct ProviderRedirect {
    pub location: Url,
    /// The `Set-Cookie` value that ties the login to the browser.
    pub set_cookie: String,
}

/// The secrets of one login.
struct LoginSecrets {
    state: String,
    nonce: String,
    /// The PKCE verifier.
    verifier: String,
    /// The value of the browser's cookie.
    browser: String,
}

impl LoginSecrets {
    fn new() -> Result<Self, random::Error> {
        let secret = || Ok(URL_SAFE_NO_PAD.encode(random::bytes::<32>()?));
        Ok(Self { state: secret()?, nonce: secret()?, verifier: secret()?, browser: secret()? })
    }
}

impl OidcState {
    pub(in crate::serve) fn new(settings: Arc<ServeSettings>, clock: Clock) -> Self {
        Self { settings, clock, pending: PendingLogins::default(), provider: ProviderCache::default() }
    }

    /// Starts a login for a course.
    pub(in crate::serve) async fn begin(
        &self,
        oidc: &OidcClient,
        visitor: &Visitor,
        course: &CourseRules,
        next: String,
    ) -> Result<ProviderRedirect, Error> {
        let metadata = self.provider.metadata(oidc, self.clock).await?;
        let LoginSecrets { state, nonce, verifier, browser } = LoginSecrets::new()?;
        let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
        let base = &self.settings.base_url;
        let mut location = metadata.endpoints.authorization.clone();
        location
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &oidc.client_id)
            .append_pair("redirect_uri", &base.absolute(CALLBACK))
            .append_pair("scope", &oidc.scopes)
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        let cookie = SessionCookie::of_pending_login(&state, base, visitor.is_secure());
        let login = PendingLogin {
            course: course.id.clone(),
            next,
            nonce,
            verifier,
            browser: Digest::of(browser.as_bytes()),
            client: ClientNetwork::household(visitor.client()),
            started_at: self.clock.now(),
        };
        self.pending.insert(&state, login);
        Ok(ProviderRedirect { location, set_cookie: cookie.set(&browser, LIFETIME) })
    }

    /// The pending login of a browser that comes back, if this browser started it.
    pub(in crate::serve) fn take(
        &self,
        state: &str,
        cookie: &SessionCookie,
        headers: &HeaderMap,
    ) -> Option<PendingLogin> {
        // Even an attempt without the cookie ends the pending login.
        let browser = cookie.values(headers).next().unwrap_or("");
        self.pending.take(state, browser, self.clock.now())
    }

    /// Exchanges the code of a login for the claims of the provider about the person.
    pub(in crate::serve) async fn claims(
        &self,
        oidc: &OidcClient,
        login: &PendingLogin,
        code: &str,
    ) -> Result<Claims, provider_cache::Error> {
        let redirect_uri = self.settings.base_url.absolute(CALLBACK);
        let code = AuthorizationCode { code, login, redirect_uri: &redirect_uri };
        self.provider.claims(oidc, self.clock, code).await
    }

    /// The provider's logout page, if it has one and answers. It asks the
    /// person to confirm, because no token of the login is kept as a hint.
    pub(in crate::serve) async fn logout_url(&self) -> Option<Url> {
        let oidc = self.settings.oidc.as_ref()?;
        let metadata = self.provider.metadata(oidc, self.clock).await;
        let metadata = metadata
            .inspect_err(|error| tracing::warn!(%error, "cannot log out at the identity provider"))
            .ok()?;
        let mut url = metadata.endpoints.end_session.clone()?;
        url.query_pairs_mut()
            .append_pair("client_id", &oidc.client_id)
            .append_pair("post_logout_redirect_uri", &self.settings.base_url.absolute("/"));
        Some(url)
    }
}
