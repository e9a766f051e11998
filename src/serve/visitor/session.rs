//! Sessions: a token in a cookie, for one course and one role.
//!
//! A token is only ever one that we gave out, so a stranger can give nobody a
//! session of their own choosing. It is replaced at every sign-in and from day to
//! day; one that comes back after it was replaced was stolen, or its thief was
//! served first: the sign-in ends then.

use std::collections::HashMap;

use axum::http::HeaderMap;
use axum::http::header::{self, HeaderValue};
use jiff::{SignedDuration, Timestamp};

use crate::domain::capture::Digest;
use crate::domain::course::CourseId;
use crate::domain::policy::admission::Role;
use crate::domain::policy::password::PasswordHash;
use crate::serve::desk::Desk;
use crate::serve::settings::{BaseUrl, CourseRules, Settings};
use crate::serve::visitor::oidc::Oidc;
use crate::world::catalogue::{self, Session};
use crate::world::random;

const READER_STAYS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Staff can change what students see; and whom the identity provider no longer
/// knows, or another group has, is out within this time.
const SHORT_STAY: SignedDuration = SignedDuration::from_hours(12);
const READER_RENEWED_AFTER: SignedDuration = SignedDuration::from_hours(24);
const STAFF_RENEWED_AFTER: SignedDuration = SignedDuration::from_mins(30);
/// Requests already on their way still carry the token that was replaced.
const GRACE: SignedDuration = SignedDuration::from_mins(2);
/// A clock may be set back so far before sessions look as if they came from the future.
const SET_BACK: SignedDuration = SignedDuration::from_mins(10);
/// Cookies of one name that are looked at: browsers send the narrowest first.
const MOST_ALIKE: usize = 3;

/// What a browser has shown, by course.
pub(in crate::serve) type Sessions = HashMap<CourseId, Session>;

/// Why a session could not be looked at or begun.
#[derive(Debug, thiserror::Error)]
pub(in crate::serve) enum Fault {
    #[error(transparent)]
    Catalogue(#[from] catalogue::Error),
    #[error(transparent)]
    Chance(#[from] random::Error),
}

/// How a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Holds,
    /// It holds, and is to be replaced.
    Aged,
    Over,
    Stolen,
}

/// The cookie of a course, as it is named and bounded for this reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::serve) struct Cookie {
    name: String,
    attributes: String,
}

impl Cookie {
    /// Over https the name itself keeps other hosts from setting it; with a path
    /// of ours it stays below that, and other services of the host do not see it.
    pub(in crate::serve) fn of(course: &CourseId, base: &BaseUrl, is_secure: bool) -> Self {
        Self::named(&format!("onreserve-{course}"), base, is_secure)
    }

    /// That of one sign-in with the identity provider, so that several may be
    /// on their way in one browser.
    pub(in crate::serve) fn of_flight(state: &str, base: &BaseUrl, is_secure: bool) -> Self {
        let flight = Digest::of(state.as_bytes()).to_string();
        Self::named(&format!("onreserve_{}", flight.get(..16).unwrap_or_default()), base, is_secure)
    }

    fn named(name: &str, base: &BaseUrl, is_secure: bool) -> Self {
        let (mark, secure) = match (is_secure, base.prefix().is_empty()) {
            (true, true) => ("__Host-", "; Secure"),
            (true, false) => ("__Secure-", "; Secure"),
            (false, _) => ("", ""),
        };
        Self {
            name: format!("{mark}{name}"),
            attributes: format!("Path={}; HttpOnly; SameSite=Lax{secure}", base.at("/")),
        }
    }

    pub(in crate::serve) fn set(&self, token: &str, stays: SignedDuration) -> String {
        format!("{}={token}; {}; Max-Age={}", self.name, self.attributes, stays.as_secs().max(0))
    }

    pub(in crate::serve) fn clear(&self) -> String {
        self.set("", SignedDuration::ZERO)
    }

    /// What a request shows under this name.
    pub(in crate::serve) fn tokens<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        let fields = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        fields
            .flat_map(|field| field.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == self.name)
            .map(|(_, token)| token)
            .take(MOST_ALIKE)
    }
}

/// The sessions that a request shows, and the cookies that renew them.
pub(in crate::serve) async fn shown(
    desk: &Desk,
    headers: &HeaderMap,
    is_secure: bool,
    may_renew: bool,
) -> Result<(Sessions, Vec<HeaderValue>), Fault> {
    let (mut sessions, mut cookies) = (Sessions::new(), Vec::new());
    if !headers.contains_key(header::COOKIE) {
        return Ok((sessions, cookies));
    }
    let now = desk.clock.now();
    for course in desk.settings.courses.iter().filter(|course| course.admission.has_a_door()) {
        let cookie = Cookie::of(&course.id, &desk.settings.base_url, is_secure);
        for token in cookie.tokens(headers).filter(|token| token.len() == 64) {
            let Some(session) = desk.catalogue.session(Digest::of(token.as_bytes())).await? else { continue };
            match stands(&session, course, &desk.settings, now) {
                Token::Stolen => {
                    tracing::warn!(course = %course.id, "a session ended, for a token of it came back after it was replaced");
                    desk.catalogue.end_session(session.family).await?;
                }
                Token::Over => {}
                Token::Aged if may_renew => {
                    let (session, set) = renewed(desk, &session, &cookie, now).await?;
                    cookies.extend(set);
                    sessions.insert(course.id.clone(), session);
                    break;
                }
                Token::Holds | Token::Aged => {
                    sessions.insert(course.id.clone(), session);
                    break;
                }
            }
        }
    }
    Ok((sessions, cookies))
}

fn stands(session: &Session, course: &CourseRules, settings: &Settings, now: Timestamp) -> Token {
    let stays = stay(course, session.role);
    let renewed_after = match session.role {
        Role::Reader => READER_RENEWED_AFTER,
        Role::Staff => STAFF_RENEWED_AFTER,
    };
    let ground = ground(course, session.role, settings);
    // A clock that was far ahead when it began must not make a session longer
    // than any; one that is put right by seconds ends none.
    let is_sane = session.until.duration_since(now) <= stays + SET_BACK;
    if session.course != course.id || ground != Some(session.password) || session.until <= now || !is_sane {
        return Token::Over;
    }
    match session.replaced_at {
        Some(at) if now.duration_since(at) > GRACE => Token::Stolen,
        Some(_) => Token::Holds,
        None if now.duration_since(session.given_at) > renewed_after => Token::Aged,
        None => Token::Holds,
    }
}

/// Replaces a token; of two requests at once only one does.
async fn renewed(
    desk: &Desk,
    old: &Session,
    cookie: &Cookie,
    now: Timestamp,
) -> Result<(Session, Option<HeaderValue>), Fault> {
    let token = token()?;
    let new = Session { token: Digest::of(token.as_bytes()), given_at: now, ..old.clone() };
    if !desk.catalogue.renew_session(old.token, &new).await? {
        return Ok((old.clone(), None));
    }
    let set = cookie.set(&token, old.until.duration_since(now));
    Ok((new, HeaderValue::from_str(&set).ok()))
}

/// Signs somebody in who may be, and ends what they were before.
pub(in crate::serve) async fn begin(
    desk: &Desk,
    course: &CourseRules,
    role: Role,
    before: Option<&Session>,
) -> Result<(String, SignedDuration), Fault> {
    let now = desk.clock.now();
    let stays = stay(course, role);
    if let Some(before) = before {
        desk.catalogue.end_session(before.family).await?;
    }
    let token = token()?;
    let family = Digest::of(token.as_bytes());
    let session = Session {
        token: family,
        family,
        course: course.id.clone(),
        role,
        password: ground(course, role, &desk.settings).unwrap_or(family),
        given_at: now,
        until: now.saturating_add(stays).unwrap_or(now),
        replaced_at: None,
    };
    desk.catalogue.begin_session(&session, now).await?;
    Ok((token, stays))
}

fn stay(course: &CourseRules, role: Role) -> SignedDuration {
    match role {
        Role::Reader if !course.admission.asks_the_provider() => READER_STAYS,
        Role::Reader | Role::Staff => SHORT_STAY,
    }
}

/// What a session rests on: when the password is another one, the lists or
/// the provider, it is over.
fn ground(course: &CourseRules, role: Role, settings: &Settings) -> Option<Digest> {
    if !course.admission.asks_the_provider() {
        return course.admission.password(role).map(digest);
    }
    let oidc = settings.oidc.as_ref()?;
    let Oidc { issuer, client_id, name_claim, groups_claim, .. } = oidc;
    let lists = course.admission.lists();
    Some(Digest::of(format!("{issuer}\n{client_id}\n{name_claim}\n{groups_claim}\n{lists}").as_bytes()))
}

/// 256 bits as 64 characters.
fn token() -> Result<String, random::Error> {
    Ok(Digest::from_bytes(random::bytes()?).to_string())
}

fn digest(hash: &PasswordHash) -> Digest {
    Digest::of(hash.as_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::admission::{Admission, Readers};

    #[test]
    fn a_clock_that_is_put_right_ends_no_session_and_makes_none_endless() {
        let course = CourseRules {
            admission: Admission {
                readers: Readers::Password(
                    "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
                ),
                staff: None,
            },
            ..CourseRules::new("dgm".parse().unwrap())
        };
        let settings = Settings::default();
        let begun = Timestamp::from_second(1_800_000_000).unwrap();
        let token = Digest::of(b"token");
        let session = Session {
            token,
            family: token,
            course: course.id.clone(),
            role: Role::Reader,
            password: ground(&course, Role::Reader, &settings).unwrap(),
            given_at: begun,
            until: begun + READER_STAYS,
            replaced_at: None,
        };
        let stands =
            |seconds| stands(&session, &course, &settings, begun + SignedDuration::from_secs(seconds));
        assert_eq!([0, -1, -600].map(stands), [Token::Holds; 3]);
        assert_eq!(stands(-601), Token::Over);
        assert_eq!([1, 2].map(|days| stands(days * 24 * 3600 + 1)), [Token::Aged; 2]);
        assert_eq!(stands(30 * 24 * 3600), Token::Over);
    }

    #[test]
    fn the_cookie_is_as_narrow_as_the_address_allows() {
        let cookie = |base: &str, is_secure| {
            Cookie::of(&"dgm".parse().unwrap(), &base.parse().unwrap(), is_secure).set("t", READER_STAYS)
        };
        assert_eq!(
            cookie("https://a.edu", true),
            "__Host-onreserve-dgm=t; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=2592000"
        );
        assert_eq!(
            cookie("https://a.edu/cs/reserve", true),
            "__Secure-onreserve-dgm=t; Path=/cs/reserve/; HttpOnly; SameSite=Lax; Secure; Max-Age=2592000"
        );
        assert!(
            cookie("http://localhost", false)
                .starts_with("onreserve-dgm=t; Path=/; HttpOnly; SameSite=Lax; Max")
        );
    }
}
