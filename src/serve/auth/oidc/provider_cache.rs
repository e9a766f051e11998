//! The metadata and keys of the identity provider, cached for a while, and the
//! exchange of authorization codes for verified claims.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::client::OidcClient;
use super::started_login::StartedLogin;
use crate::domain::policy::oidc::{
    self, Claims, ExpectedToken, IdTokenError, InvalidKeySet, InvalidMetadata, KeySet, ProviderEndpoints,
};
use crate::world::clock::Clock;
use crate::world::provider;

/// The longest use of cached keys, also of a key that the provider has withdrawn.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(1);
/// A token with an unknown key makes us fetch the keys again, but not more often
/// than this, because anyone can send such a token.
const REFRESH_INTERVAL: SignedDuration = SignedDuration::from_mins(1);
/// The pause after a failed request.
const RETRY_DELAY: SignedDuration = SignedDuration::from_secs(5);
/// The longest error code that is logged.
const MAX_ERROR_CODE_CHARS: usize = 64;

/// What went wrong between us and the provider.
#[derive(Debug, thiserror::Error)]
pub(in crate::serve) enum Error {
    #[error("cannot request {url}: {source}")]
    Request { url: Url, source: provider::Error },
    #[error("{url} answered with status {status}")]
    Status { url: Url, status: u16 },
    #[error("the discovery document {url} is not valid: {source}")]
    Discovery { url: Url, source: InvalidMetadata },
    #[error("the key set {url} is not valid: {source}")]
    Keys { url: Url, source: InvalidKeySet },
    #[error("the last request failed a few seconds ago")]
    RecentlyFailed,
    #[error("it refused the authorization code: {0}")]
    CodeRefused(String),
    #[error("its response to the authorization code contains no ID token")]
    NoToken,
    #[error("its ID token is not valid: {0}")]
    Token(#[from] IdTokenError),
}

#[derive(Debug, Default)]
pub(in crate::serve) struct ProviderCache(Mutex<CacheState>);

#[derive(Debug, Default)]
struct CacheState {
    metadata: Option<Arc<ProviderMetadata>>,
    failed_at: Option<Timestamp>,
    refreshed_at: Option<Timestamp>,
}

/// The metadata and keys that the provider publishes.
#[derive(Debug)]
pub(in crate::serve) struct ProviderMetadata {
    pub endpoints: ProviderEndpoints,
    keys: KeySet,
    fetched_at: Timestamp,
}

/// A code from a browser, and the login that it belongs to.
#[derive(Clone, Copy)]
pub(in crate::serve) struct AuthorizationCode<'a> {
    pub code: &'a str,
    pub login: &'a StartedLogin,
    pub redirect_uri: &'a str,
}

#[derive(Deserialize)]
struct TokenResponse {
    id_token: String,
}

#[derive(Deserialize)]
struct TokenErrorResponse {
    error: String,
}

impl ProviderCache {
    /// The cached metadata; fetched if there is none or it is old.
    pub(in crate::serve) async fn metadata(
        &self,
        oidc: &OidcClient,
        clock: Clock,
    ) -> Result<Arc<ProviderMetadata>, Error> {
        let mut state = self.0.lock().await;
        let now = clock.now();
        match &state.metadata {
            Some(metadata) if now.duration_since(metadata.fetched_at).abs() < MAX_AGE => {
                Ok(Arc::clone(metadata))
            }
            Some(_) | None => state.fetch(oidc, now).await,
        }
    }

    /// Newer metadata than `previous`, after a token with an unknown key.
    async fn refresh(
        &self,
        oidc: &OidcClient,
        clock: Clock,
        previous: &ProviderMetadata,
    ) -> Result<Arc<ProviderMetadata>, Error> {
        let mut state = self.0.lock().await;
        let now = clock.now();
        let is_recent = state.refreshed_at.is_some_and(|at| now.duration_since(at).abs() < REFRESH_INTERVAL);
        match &state.metadata {
            Some(metadata) if is_recent || metadata.fetched_at != previous.fetched_at => {
                Ok(Arc::clone(metadata))
            }
            Some(_) | None => {
                state.refreshed_at = Some(now);
                state.fetch(oidc, now).await
            }
        }
    }

    /// Exchanges a code for an ID token, and verifies it.
    pub(in crate::serve) async fn claims(
        &self,
        oidc: &OidcClient,
        clock: Clock,
        code: AuthorizationCode<'_>,
    ) -> Result<Claims, Error> {
        let metadata = self.metadata(oidc, clock).await?;
        let token = request_id_token(oidc, &metadata, code).await?;
        let expected = ExpectedToken {
            issuer: &oidc.issuer,
            client_id: &oidc.client_id,
            nonce: &code.login.secrets.nonce,
            now: clock.now(),
        };
        match oidc::verify(&token, &metadata.keys, expected) {
            Err(IdTokenError::UnknownKey) => {
                let metadata = self.refresh(oidc, clock, &metadata).await?;
                Ok(oidc::verify(&token, &metadata.keys, expected)?)
            }
            verified => Ok(verified?),
        }
    }
}

impl CacheState {
    async fn fetch(&mut self, oidc: &OidcClient, now: Timestamp) -> Result<Arc<ProviderMetadata>, Error> {
        if self.failed_at.is_some_and(|at| now.duration_since(at).abs() < RETRY_DELAY) {
            return Err(Error::RecentlyFailed);
        }
        let fetched = fetch_metadata(oidc, now).await;
        self.failed_at = fetched.is_err().then_some(now);
        let metadata = Arc::new(fetched?);
        self.metadata = Some(Arc::clone(&metadata));
        Ok(metadata)
    }
}

async fn fetch_metadata(oidc: &OidcClient, now: Timestamp) -> Result<ProviderMetadata, Error> {
    let url = oidc.issuer.discovery();
    let document = fetch_document(oidc, url).await?;
    let endpoints = oidc.issuer.parse_metadata(&document);
    let endpoints = endpoints.map_err(|source| Error::Discovery { url: url.clone(), source })?;
    let keys = KeySet::parse(&fetch_document(oidc, &endpoints.keys).await?);
    let keys = keys.map_err(|source| Error::Keys { url: endpoints.keys.clone(), source })?;
    Ok(ProviderMetadata { endpoints, keys, fetched_at: now })
}

async fn fetch_document(oidc: &OidcClient, url: &Url) -> Result<Vec<u8>, Error> {
    let reply = oidc.provider.get(url).await;
    let reply = reply.map_err(|source| Error::Request { url: url.clone(), source })?;
    if reply.status == 200 {
        Ok(reply.body)
    } else {
        Err(Error::Status { url: url.clone(), status: reply.status })
    }
}

async fn request_id_token(
    oidc: &OidcClient,
    metadata: &ProviderMetadata,
    code: AuthorizationCode<'_>,
) -> Result<String, Error> {
    let url = &metadata.endpoints.token;
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code.code),
        ("redirect_uri", code.redirect_uri),
        ("code_verifier", &code.login.secrets.verifier),
    ];
    let credentials = oidc.client_secret.as_ref().map(|secret| (oidc.client_id.as_str(), secret));
    if credentials.is_none() {
        fields.push(("client_id", &oidc.client_id));
    }
    let reply = oidc.provider.post(url, credentials, &fields).await;
    let reply = reply.map_err(|source| Error::Request { url: url.clone(), source })?;
    match reply.status {
        200 => {
            let tokens: TokenResponse = serde_json::from_slice(&reply.body).map_err(|_| Error::NoToken)?;
            Ok(tokens.id_token)
        }
        400 | 401 => {
            let refused: Option<TokenErrorResponse> = serde_json::from_slice(&reply.body).ok();
            let code = refused.map_or("no error code".to_owned(), |refused| error_code(&refused.error));
            Err(Error::CodeRefused(code))
        }
        status => Err(Error::Status { url: url.clone(), status }),
    }
}

/// An error code of the provider, without characters that could forge log lines.
pub(in crate::serve) fn error_code(code: &str) -> String {
    code.chars()
        .filter(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c))
        .take(MAX_ERROR_CODE_CHARS)
        .collect()
}
