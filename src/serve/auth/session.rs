//! Sessions: a random token in a cookie, for one course and one role.
//!
//! Only tokens that the service created are accepted. A token is replaced at every login
//! and from time to time. If a replaced token is used again after a short grace period,
//! either it was stolen or the thief has the new one, so the session
//! ends.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::{self, HeaderValue};
use jiff::{SignedDuration, Timestamp};

use crate::domain::capture::Digest;
use crate::domain::course::CourseId;
use crate::domain::policy::course_access::Role;
use crate::domain::policy::password::PasswordHash;
use crate::serve::auth::cookie::SessionCookie;
use crate::serve::auth::oidc::client::OidcClient;
use crate::serve::error::Error;
use crate::serve::settings::{CourseRules, ServeSettings};
use crate::world::catalogue::{Catalogue, Session};
use crate::world::clock::Clock;
use crate::world::random;

/// The lifetime of a reader's session after a login with a password.
const READER_LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The lifetime of every other session. Staff can change what students see, and
/// a person whom the identity provider removes loses access within this time.
const SHORT_LIFETIME: SignedDuration = SignedDuration::from_hours(12);
const READER_RENEWAL_INTERVAL: SignedDuration = SignedDuration::from_hours(24);
const STAFF_RENEWAL_INTERVAL: SignedDuration = SignedDuration::from_mins(30);
/// Requests that a browser sent before it got the new token still carry the old one.
const GRACE: SignedDuration = SignedDuration::from_mins(2);
/// How far a clock may be set back before sessions appear to come from the future.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(10);
/// Tokens are 256 bits in hexadecimal.
const TOKEN_CHARS: usize = 64;

pub(in crate::serve) type SessionsByCourse = HashMap<CourseId, Session>;

/// The sessions in the catalogue, and the settings that they depend on.
#[derive(Clone, Debug)]
pub(in crate::serve) struct SessionStore {
    catalogue: Catalogue,
    clock: Clock,
    pub(in crate::serve) settings: Arc<ServeSettings>,
}

/// The valid sessions of a request.
#[derive(Debug, Default)]
pub(in crate::serve) struct LoadedSessions {
    pub sessions: SessionsByCourse,
    /// `Set-Cookie` values with renewed tokens.
    pub set_cookies: Vec<HeaderValue>,
}

/// Who signed in.
#[derive(Clone, Debug)]
pub(in crate::serve) struct SignedIn {
    pub role: Role,
    /// The name, if the identity provider gave one.
    pub person: Option<String>,
}

/// The cookie value of a new session.
#[derive(Debug)]
pub(in crate::serve) struct NewSession {
    pub token: String,
    pub lifetime: SignedDuration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenStatus {
    Valid,
    /// Valid, but due to be replaced.
    Aged,
    Expired,
    Stolen,
}

impl SessionStore {
    pub(in crate::serve) fn new(catalogue: Catalogue, clock: Clock, settings: Arc<ServeSettings>) -> Self {
        Self { catalogue, clock, settings }
    }

    /// Loads the sessions that a request has cookies for.
    pub(in crate::serve) async fn load(
        &self,
        headers: &HeaderMap,
        is_secure: bool,
        may_renew: bool,
    ) -> Result<LoadedSessions, Error> {
        let mut loaded = LoadedSessions::default();
        if !headers.contains_key(header::COOKIE) {
            return Ok(loaded);
        }
        let now = self.clock.now();
        for course in self.settings.with_sign_in().filter(|course| course.admission.has_sign_in()) {
            let cookie = SessionCookie::of_course(&course.id, &self.settings.base_url, is_secure);
            for token in cookie.values(headers).filter(|token| token.len() == TOKEN_CHARS) {
                let stored = self.catalogue.session(Digest::of(token.as_bytes())).await?;
                let Some(session) = stored else { continue };
                match status(&session, course, &self.settings, now) {
                    TokenStatus::Stolen => {
                        tracing::warn!(course = %course.id, "a replaced session token was used again; the session was ended");
                        self.catalogue.end_session(session.family).await?;
                    }
                    TokenStatus::Expired => {}
                    TokenStatus::Aged if may_renew => {
                        let session = self.renew(session, &cookie, now, &mut loaded.set_cookies).await?;
                        loaded.sessions.insert(course.id.clone(), session);
                        break;
                    }
                    TokenStatus::Valid | TokenStatus::Aged => {
                        loaded.sessions.insert(course.id.clone(), session);
                        break;
                    }
                }
            }
        }
        Ok(loaded)
    }

    /// Replaces a token. Of several requests at the same time, one replaces it.
    async fn renew(
        &self,
        old: Session,
        cookie: &SessionCookie,
        now: Timestamp,
        set_cookies: &mut Vec<HeaderValue>,
    ) -> Result<Session, Error> {
        let token = new_token()?;
        let new = Session { token: Digest::of(token.as_bytes()), given_at: now, ..old.clone() };
        if !self.catalogue.renew_session(old.token, &new).await? {
            return Ok(old);
        }
        let set_cookie = cookie.set(&token, old.until.duration_since(now));
        set_cookies.extend(HeaderValue::from_str(&set_cookie));
        Ok(new)
    }

    /// Starts a session after a login, and ends the previous one.
    pub(in crate::serve) async fn begin(
        &self,
        course: &CourseRules,
        signed_in: SignedIn,
        previous: Option<&Session>,
    ) -> Result<NewSession, Error> {
        let role = signed_in.role;
        let now = self.clock.now();
        let lifetime = lifetime(course, role);
        let basis = basis(course, role, &self.settings).ok_or(Error::NoLogin)?;
        if let Some(previous) = previous {
            self.end(previous).await?;
        }
        let token = new_token()?;
        let family = Digest::of(token.as_bytes());
        let session = Session {
            token: family,
            family,
            course: course.id.clone(),
            role,
            password: basis,
            given_at: now,
            until: now.saturating_add(lifetime).unwrap_or(now),
            replaced_at: None,
            person: signed_in.person,
        };
        self.catalogue.begin_session(&session, now).await?;
        Ok(NewSession { token, lifetime })
    }

    pub(in crate::serve) async fn end(&self, session: &Session) -> Result<(), Error> {
        Ok(self.catalogue.end_session(session.family).await?)
    }
}

fn status(session: &Session, course: &CourseRules, settings: &ServeSettings, now: Timestamp) -> TokenStatus {
    let lifetime = lifetime(course, session.role);
    let renewal_interval = match session.role {
        Role::Reader => READER_RENEWAL_INTERVAL,
        Role::Staff => STAFF_RENEWAL_INTERVAL,
    };
    let basis = basis(course, session.role, settings);
    // A session that began while the clock was far ahead must not outlive
    // others. A small correction of the clock ends no session.
    let is_plausible = session.until.duration_since(now) <= lifetime + CLOCK_TOLERANCE;
    if session.course != course.id || basis != Some(session.password) || session.until <= now || !is_plausible
    {
        return TokenStatus::Expired;
    }
    match session.replaced_at {
        Some(at) if now.duration_since(at) > GRACE => TokenStatus::Stolen,
        Some(_) => TokenStatus::Valid,
        None if now.duration_since(session.given_at) > renewal_interval => TokenStatus::Aged,
        None => TokenStatus::Valid,
    }
}

fn lifetime(course: &CourseRules, role: Role) -> SignedDuration {
    match role {
        Role::Reader if !course.admission.uses_oidc() => READER_LIFETIME,
        Role::Reader | Role::Staff => SHORT_LIFETIME,
    }
}

/// A digest of the settings that a session depends on: the password, or the
/// provider and the lists of people. A session ends when they change.
fn basis(course: &CourseRules, role: Role, settings: &ServeSettings) -> Option<Digest> {
    if !course.admission.uses_oidc() {
        return course.admission.password(role).map(digest);
    }
    let oidc = settings.oidc.as_ref()?;
    let OidcClient { issuer, client_id, name_claim, groups_claim, .. } = oidc;
    let lists = course.admission.allow_list_text();
    Some(Digest::of(format!("{issuer}\n{client_id}\n{name_claim}\n{groups_claim}\n{lists}").as_bytes()))
}

fn new_token() -> Result<String, random::Error> {
    Ok(Digest::from_bytes(random::bytes()?).to_string())
}

fn digest(hash: &PasswordHash) -> Digest {
    Digest::of(hash.as_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::course_access::{CourseAccess, Readers};

    #[test]
    fn a_corrected_clock_ends_no_session_and_extends_none() {
        let course = CourseRules {
            admission: CourseAccess {
                readers: Readers::Password(
                    "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
                ),
                staff: None,
            },
            ..CourseRules::new("dgm".parse().unwrap())
        };
        let settings = ServeSettings::default();
        let begun = Timestamp::from_second(1_800_000_000).unwrap();
        let token = Digest::of(b"token");
        let session = Session {
            token,
            family: token,
            course: course.id.clone(),
            role: Role::Reader,
            password: basis(&course, Role::Reader, &settings).unwrap(),
            given_at: begun,
            until: begun + READER_LIFETIME,
            replaced_at: None,
            person: None,
        };
        let status_after =
            |seconds| status(&session, &course, &settings, begun + SignedDuration::from_secs(seconds));
        assert_eq!([0, -1, -600].map(status_after), [TokenStatus::Valid; 3]);
        assert_eq!(status_after(-601), TokenStatus::Expired);
        assert_eq!([1, 2].map(|days| status_after(days * 24 * 3600 + 1)), [TokenStatus::Aged; 2]);
        assert_eq!(status_after(30 * 24 * 3600), TokenStatus::Expired);
    }
}
