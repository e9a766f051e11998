//! The steps of a login with the identity provider: redirect the browser, match it when it
//! comes back, exchange the code, and log out.

use std::sync::Arc;

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use ring::digest;
use url::Url;

use crate::domain::capture::Digest;
use crate::domain::policy::client_network::ClientNetwork;
use crate::domain::policy::oidc::Claims;
use crate::serve::auth::cookie::SessionCookie;
use crate::serve::auth::oidc::client::{CALLBACK, OidcClient};
use crate::serve::auth::oidc::provider_cache::{self, AuthorizationCode, ProviderCache};
use crate::serve::auth::oidc::started_login::{LoginSecrets, StartedLogin};
use crate::serve::auth::visitor::Visitor;
use crate::serve::settings::{CourseRules, ServeSettings};
use crate::world::catalogue::{self, Catalogue, PendingLogin};
use crate::world::clock::Clock;
use crate::world::random;

/// Enough time to find a second factor.
const LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// Why a login could not be started.
#[derive(Debug, thiserror::Error)]
pub(in crate::serve) enum Error {
    #[error("the identity provider: {0}")]
    Provider(#[from] provider_cache::Error),
    #[error("cannot create random tokens: {0}")]
    Random(#[from] random::Error),
    #[error(transparent)]
    Catalogue(#[from] catalogue::Error),
}

/// The cached metadata of the provider, and the catalogue with the pending logins.
#[derive(Debug)]
pub(in crate::serve) struct OidcState {
    settings: Arc<ServeSettings>,
    clock: Clock,
    catalogue: Catalogue,
    provider: ProviderCache,
}

/// The address to which a browser is redirected for a login.
#[derive(Debug)]
pub(in crate::serve) struct ProviderRedirect {
    pub location: Url,
    /// The `Set-Cookie` value that ties the login to the browser.
    pub set_cookie: String,
}

fn new_secret() -> Result<String, random::Error> {
    Ok(URL_SAFE_NO_PAD.encode(random::bytes::<32>()?))
}

impl OidcState {
    pub(in crate::serve) fn new(settings: Arc<ServeSettings>, catalogue: Catalogue, clock: Clock) -> Self {
        Self { settings, clock, catalogue, provider: ProviderCache::default() }
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
        let (state, browser) = (new_secret()?, new_secret()?);
        let LoginSecrets { nonce, verifier } = LoginSecrets::of(&browser);
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
        let now = self.clock.now();
        let login = PendingLogin {
            state: Digest::of(state.as_bytes()),
            course: course.id.clone(),
            next,
            browser: Digest::of(browser.as_bytes()),
            client: ClientNetwork::household(visitor.client()).to_string(),
            started_at: now,
        };
        self.catalogue.begin_login(&login, now.saturating_sub(LIFETIME).unwrap_or(Timestamp::MIN)).await?;
        Ok(ProviderRedirect { location, set_cookie: cookie.set(&browser, LIFETIME) })
    }

    /// The pending login of a browser that comes back, if this browser started it. A failed
    /// attempt ends the pending login too.
    pub(in crate::serve) async fn take(
        &self,
        state: &str,
        cookie: &SessionCookie,
        headers: &HeaderMap,
    ) -> Result<Option<StartedLogin>, catalogue::Error> {
        // The lookup is by a digest, so that its time reveals nothing about other states.
        let login = self.catalogue.take_login(Digest::of(state.as_bytes())).await?;
        let browser = cookie.values(headers).next().unwrap_or("");
        let is_current =
            |login: &PendingLogin| self.clock.now().duration_since(login.started_at).abs() <= LIFETIME;
        let login = login.filter(|it| it.browser == Digest::of(browser.as_bytes()) && is_current(it));
        Ok(login.map(|PendingLogin { course, next, .. }| StartedLogin {
            course,
            next,
            secrets: LoginSecrets::of(browser),
        }))
    }

    /// Exchanges the code of a login for the claims of the provider about the person.
    pub(in crate::serve) async fn claims(
        &self,
        oidc: &OidcClient,
        login: &StartedLogin,
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
