//! The provider as we know it: what it said of itself, for a while, and its keys.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::Oidc;
use super::flights::Flight;
use crate::domain::policy::identity::{
    self, Claims, Discovery, Expected, KeySet, NotADiscovery, NotAKeySet, Refusal,
};
use crate::world::clock::Clock;
use crate::world::provider;

/// A key that the provider took back is no longer believed after this.
const FRESH: SignedDuration = SignedDuration::from_hours(1);
/// A token with an unknown key makes us ask anew, but strangers must not make
/// us ask all the time.
const ASKED_ANEW_AFTER: SignedDuration = SignedDuration::from_mins(1);
/// For so long a provider that did not answer is not asked again.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// What of the provider went wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("{0}: {1}")]
    Asked(Url, provider::Error),
    #[error("{0} answered {1}")]
    Status(Url, u16),
    #[error("{0}: {1}")]
    Discovery(Url, NotADiscovery),
    #[error("{0}: {1}")]
    Keys(Url, NotAKeySet),
    #[error("it did not answer a moment ago")]
    Paused,
    #[error("it takes no such code: {0}")]
    Code(String),
    #[error("its answer to a code holds no token")]
    NoToken,
    #[error("its token is not believed: {0}")]
    Token(#[from] Refusal),
}

/// What was learnt, and when we last asked.
#[derive(Debug, Default)]
pub(super) struct Acquaintance(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    known: Option<Arc<Known>>,
    failed_at: Option<Timestamp>,
    asked_anew_at: Option<Timestamp>,
}

#[derive(Debug)]
pub(super) struct Known {
    pub addresses: Discovery,
    keys: KeySet,
    at: Timestamp,
}

/// A sign-in that came back, and what it came back with.
#[derive(Clone, Copy)]
pub(super) struct Back<'a> {
    pub code: &'a str,
    pub flight: &'a Flight,
    /// Where it came back to.
    pub redirect: &'a str,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

impl Acquaintance {
    /// What is known of the provider; asks it where that is nothing, or old.
    pub(super) async fn known(&self, oidc: &Oidc, clock: Clock) -> Result<Arc<Known>, Trouble> {
        let mut memory = self.0.lock().await;
        let now = clock.now();
        match &memory.known {
            Some(known) if now.duration_since(known.at).abs() < FRESH => Ok(Arc::clone(known)),
            Some(_) | None => memory.ask(oidc, now).await,
        }
    }

    /// What is known of it after a token with a key that was not.
    async fn anew(&self, oidc: &Oidc, clock: Clock, before: &Known) -> Result<Arc<Known>, Trouble> {
        let mut memory = self.0.lock().await;
        let now = clock.now();
        let just_asked =
            memory.asked_anew_at.is_some_and(|at| now.duration_since(at).abs() < ASKED_ANEW_AFTER);
        match &memory.known {
            Some(known) if just_asked || known.at != before.at => Ok(Arc::clone(known)),
            Some(_) | None => {
                memory.asked_anew_at = Some(now);
                memory.ask(oidc, now).await
            }
        }
    }

    /// Hands in the code that a sign-in came back with, for what it says.
    pub(super) async fn claims(&self, oidc: &Oidc, clock: Clock, back: Back<'_>) -> Result<Claims, Trouble> {
        let known = self.known(oidc, clock).await?;
        let token = id_token(oidc, &known, back).await?;
        let expected = Expected {
            issuer: &oidc.issuer,
            client_id: &oidc.client_id,
            nonce: &back.flight.nonce,
            now: clock.now(),
        };
        match identity::believed(&token, &known.keys, expected) {
            Err(Refusal::UnknownKey) => {
                let known = self.anew(oidc, clock, &known).await?;
                Ok(identity::believed(&token, &known.keys, expected)?)
            }
            told => Ok(told?),
        }
    }
}

impl Memory {
    async fn ask(&mut self, oidc: &Oidc, now: Timestamp) -> Result<Arc<Known>, Trouble> {
        if self.failed_at.is_some_and(|at| now.duration_since(at).abs() < PAUSE) {
            return Err(Trouble::Paused);
        }
        let learnt = learnt(oidc, now).await;
        self.failed_at = learnt.is_err().then_some(now);
        let known = Arc::new(learnt?);
        self.known = Some(Arc::clone(&known));
        Ok(known)
    }
}

async fn learnt(oidc: &Oidc, at: Timestamp) -> Result<Known, Trouble> {
    let place = oidc.issuer.discovery();
    let document = document(oidc, place).await?;
    let addresses =
        oidc.issuer.described(&document).map_err(|what| Trouble::Discovery(place.clone(), what))?;
    let keys = self::document(oidc, &addresses.keys).await?;
    let keys = KeySet::parse(&keys).map_err(|what| Trouble::Keys(addresses.keys.clone(), what))?;
    Ok(Known { addresses, keys, at })
}

async fn document(oidc: &Oidc, url: &Url) -> Result<Vec<u8>, Trouble> {
    let reply = oidc.provider.get(url).await.map_err(|fault| Trouble::Asked(url.clone(), fault))?;
    if reply.status == 200 { Ok(reply.body) } else { Err(Trouble::Status(url.clone(), reply.status)) }
}

async fn id_token(oidc: &Oidc, known: &Known, back: Back<'_>) -> Result<String, Trouble> {
    let url = &known.addresses.token;
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", back.code),
        ("redirect_uri", back.redirect),
        ("code_verifier", &back.flight.verifier),
    ];
    let login = oidc.client_secret.as_ref().map(|secret| (oidc.client_id.as_str(), secret));
    if login.is_none() {
        fields.push(("client_id", &oidc.client_id));
    }
    let asked = oidc.provider.post(url, login, &fields).await;
    let reply = asked.map_err(|fault| Trouble::Asked(url.clone(), fault))?;
    match reply.status {
        200 => {
            let tokens: Tokens = serde_json::from_slice(&reply.body).map_err(|_| Trouble::NoToken)?;
            Ok(tokens.id_token)
        }
        400 | 401 => {
            let refused: Option<Refused> = serde_json::from_slice(&reply.body).ok();
            let error = refused.map(|refused| super::word(&refused.error)).unwrap_or_default();
            Err(Trouble::Code(error))
        }
        status => Err(Trouble::Status(url.clone(), status)),
    }
}
