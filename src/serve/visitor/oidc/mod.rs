//! Signing in with the school's identity provider: `OpenID Connect`, by the
//! authorization code flow with PKCE (S256), state and nonce.
//!
//! A browser is sent there, and comes back with a code for which the provider
//! tells us whom it found. What stays is a session like that of a password.

mod flights;
mod provider;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use url::Url;

use self::flights::{Flight, Flights};
use self::provider::{Acquaintance, Back, Trouble};
use crate::domain::capture::Digest;
use crate::domain::policy::admission::{Person, Role};
use crate::domain::policy::identity::Issuer;
use crate::domain::policy::throttle::Client;
use crate::domain::report::plain::visible;
use crate::domain::report::wording::student::{self, Untrue};
use crate::serve::answer::{self, Answer, header_value};
use crate::serve::desk::Desk;
use crate::serve::list;
use crate::serve::settings::CourseRules;
use crate::serve::visitor::Visitor;
use crate::serve::visitor::session::{self, Cookie};
use crate::serve::visitor::signin;
use crate::world::provider::{ClientSecret, Provider};
use crate::world::random;

/// Where the provider sends browsers back to, below the base URL.
pub const CALLBACK: &str = "/oidc/callback";
/// Longer ones are no code or state of a provider's or ours.
const LONGEST_PARAMETER: usize = 4096;

/// Who signs people in, and by what.
#[derive(Clone, Debug)]
pub struct Oidc {
    pub issuer: Issuer,
    pub client_id: String,
    /// A public client has none.
    pub client_secret: Option<ClientSecret>,
    /// What is asked for, separated by spaces.
    pub scopes: String,
    /// The claims that name people, and their groups.
    pub name_claim: String,
    pub groups_claim: String,
    pub provider: Provider,
}

/// The sign-ins that are on their way, and what is known of the provider.
#[derive(Debug, Default)]
pub(in crate::serve) struct Crossings {
    flights: Flights,
    acquaintance: Acquaintance,
}

/// Sends a browser to the provider, to come back for a course.
pub(in crate::serve) async fn begin(
    desk: &Desk,
    visitor: &Visitor,
    course: &CourseRules,
    next: String,
) -> Answer {
    let Some(oidc) = &desk.settings.oidc else { return untrue(desk, Untrue::Unreachable) };
    let known = match desk.crossings.acquaintance.known(oidc, desk.clock).await {
        Ok(known) => known,
        Err(trouble) => return troubled(desk, &trouble),
    };
    let [state, nonce, verifier, browser] = secrets().map_err(std::io::Error::other)?;
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
    let mut there = known.addresses.authorization.clone();
    there
        .query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &oidc.client_id)
        .append_pair("redirect_uri", &desk.settings.base_url.absolute(CALLBACK))
        .append_pair("scope", &oidc.scopes)
        .append_pair("state", &state)
        .append_pair("nonce", &nonce)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    let cookie = Cookie::of_flight(&state, &desk.settings.base_url, visitor.is_secure());
    let flight = Flight {
        course: course.id.clone(),
        next,
        nonce,
        verifier,
        browser: Digest::of(browser.as_bytes()),
        client: Client::of(visitor.client()),
        begun_at: desk.clock.now(),
    };
    desk.crossings.flights.begin(&state, flight);
    let mut answer = answer::sent_to(there.as_str());
    answer.headers_mut().insert(header::SET_COOKIE, header_value(&cookie.set(&browser, flights::LASTS)));
    Ok(answer)
}

/// `GET /oidc/callback`
pub(in crate::serve) async fn callback(
    State(desk): State<Arc<Desk>>,
    visitor: Visitor,
    headers: HeaderMap,
    uri: Uri,
) -> Answer {
    let Some(oidc) = &desk.settings.oidc else { return answer::no_such_page(&desk) };
    let parameter =
        |name| list::parameter(&uri, name).filter(|text| !text.is_empty() && text.len() <= LONGEST_PARAMETER);
    let Some(state) = parameter("state") else { return untrue(&desk, Untrue::NotBegun) };
    let cookie = Cookie::of_flight(&state, &desk.settings.base_url, visitor.is_secure());
    let browser = cookie.tokens(&headers).next().unwrap_or_default();
    let Some(flight) = desk.crossings.flights.take(&state, browser, desk.clock.now()) else {
        return untrue(&desk, Untrue::NotBegun);
    };
    let mut answer = match (parameter("error"), parameter("code")) {
        // Another provider than the one we sent them to (RFC 9207).
        _ if parameter("iss").is_some_and(|issuer| issuer != oidc.issuer.as_str()) => {
            untrue(&desk, Untrue::NotVerified)
        }
        (Some(error), _) => {
            tracing::info!(course = %flight.course, error = word(&error), "the provider let somebody not in");
            untrue(&desk, Untrue::Declined)
        }
        (None, None) => untrue(&desk, Untrue::NotBegun),
        (None, Some(code)) => arrived(&desk, oidc, &visitor, &flight, &code).await,
    }?;
    answer.headers_mut().append(header::SET_COOKIE, header_value(&cookie.clear()));
    Ok(answer)
}

/// Where the provider signs somebody out, and sends them back from; none where
/// it does not, or does not answer. No token of theirs is kept to be shown there,
/// so it asks them whether they mean it.
pub(in crate::serve) async fn way_out(desk: &Desk) -> Option<Url> {
    let oidc = desk.settings.oidc.as_ref()?;
    let known = desk.crossings.acquaintance.known(oidc, desk.clock).await;
    let known =
        known.inspect_err(|trouble| tracing::warn!(%trouble, "nobody is signed out at school")).ok()?;
    let mut there = known.addresses.end_session.clone()?;
    there
        .query_pairs_mut()
        .append_pair("client_id", &oidc.client_id)
        .append_pair("post_logout_redirect_uri", &desk.settings.base_url.absolute("/"));
    Some(there)
}

/// Signs somebody in with whom the provider found, if they are on the course's lists.
async fn arrived(desk: &Desk, oidc: &Oidc, visitor: &Visitor, flight: &Flight, code: &str) -> Answer {
    let base = &desk.settings.base_url;
    let asks = |course: &&CourseRules| course.id == flight.course && course.admission.asks_the_provider();
    let Some(course) = desk.settings.courses.iter().find(asks) else {
        return untrue(desk, Untrue::NotBegun);
    };
    let back = Back { code, flight, redirect: &base.absolute(CALLBACK) };
    let told = desk.crossings.acquaintance.claims(oidc, desk.clock, back).await;
    let claims = match told {
        Ok(claims) => claims,
        Err(trouble) => return troubled(desk, &trouble),
    };
    let person = match claims.person(&oidc.name_claim, &oidc.groups_claim) {
        Ok(person) => person,
        Err(nobody) => {
            tracing::warn!(%nobody, "the identity provider names nobody");
            return untrue(desk, Untrue::Nameless);
        }
    };
    let Some(role) = course.admission.role_of(&person) else { return not_listed(desk, course, &person) };
    let (token, stays) = session::begin(desk, course, role, visitor.session(&course.id)).await?;
    let home = list::address(base, &course.id);
    let mut answer = answer::sent_on(base.own_path(&flight.next).unwrap_or(&home));
    let cookie = Cookie::of(&course.id, base, visitor.is_secure());
    answer.headers_mut().insert(header::SET_COOKIE, header_value(&cookie.set(&token, stays)));
    Ok(answer)
}

fn not_listed(desk: &Desk, course: &CourseRules, person: &Person) -> Answer {
    let (title, text) =
        student::not_named(&visible(&course.title), Role::Reader, Some(&visible(&person.name)));
    unkept(answer::message(desk, StatusCode::FORBIDDEN, &title, &text))
}

/// What went wrong between us and the provider: its details for the operator alone.
fn troubled(desk: &Desk, trouble: &Trouble) -> Answer {
    tracing::warn!(%trouble, "nobody can be signed in by the identity provider");
    untrue(
        desk,
        match trouble {
            Trouble::Asked(..)
            | Trouble::Status(..)
            | Trouble::Discovery(..)
            | Trouble::Keys(..)
            | Trouble::Paused => Untrue::Unreachable,
            Trouble::Code(_) => Untrue::NotTaken,
            Trouble::NoToken | Trouble::Token(_) => Untrue::NotVerified,
        },
    )
}

/// A page for a sign-in that came to nothing.
fn untrue(desk: &Desk, why: Untrue) -> Answer {
    let status = match why {
        Untrue::Unreachable | Untrue::NotVerified | Untrue::Nameless => StatusCode::BAD_GATEWAY,
        Untrue::NotBegun | Untrue::NotTaken => StatusCode::BAD_REQUEST,
        Untrue::Declined => StatusCode::FORBIDDEN,
    };
    let (title, text) = student::untrue(why);
    unkept(answer::message(desk, status, title, text))
}

fn unkept(answer: Answer) -> Answer {
    let mut answer = signin::unkept(answer)?;
    // Its address has a code in it.
    answer.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(answer)
}

/// Four that nobody can guess: state, nonce, verifier, and what the browser holds.
fn secrets() -> Result<[String; 4], random::Error> {
    let secret = || Ok(URL_SAFE_NO_PAD.encode(random::bytes::<32>()?));
    Ok([secret()?, secret()?, secret()?, secret()?])
}

/// An error code as it may stand in a log.
fn word(error: &str) -> String {
    error.chars().filter(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c)).take(64).collect()
}
