//! The start of a login with the identity provider, and `/oidc/callback`, where
//! the browser comes back.

use axum::extract::State;
use axum::http::header;
use axum::http::{HeaderMap, StatusCode, Uri};

use crate::domain::policy::course_access::{Person, Role};
use crate::domain::report::plain::visible;
use crate::domain::report::wording::student::{self, LoginFailure};
use crate::serve::auth::cookie::SessionCookie;
use crate::serve::auth::login_state::LoginState;
use crate::serve::auth::oidc::client::OidcClient;
use crate::serve::auth::oidc::flow::{self, OidcState};
use crate::serve::auth::oidc::provider_cache::{self, error_code};
use crate::serve::auth::oidc::started_login::StartedLogin;
use crate::serve::auth::session::SignedIn;
use crate::serve::auth::visitor::Visitor;
use crate::serve::base_url::BaseUrl;
use crate::serve::error::RouteResult;
use crate::serve::http::query;
use crate::serve::respond::{self, header_value, secret_address};
use crate::serve::settings::{CourseRules, ServeSettings};

/// Longer codes and states are ignored.
const MAX_PARAMETER_BYTES: usize = 4096;

/// Sends a browser to the provider, to log in to a course.
pub(in crate::serve) async fn begin(
    settings: &ServeSettings,
    state: &OidcState,
    visitor: &Visitor,
    course: &CourseRules,
    next: String,
) -> RouteResult {
    let base = &settings.base_url;
    let Some(oidc) = &settings.oidc else { return failed(base, LoginFailure::Unreachable) };
    let to_provider = match state.begin(oidc, visitor, course, next).await {
        Ok(to_provider) => to_provider,
        Err(flow::Error::Provider(error)) => return provider_failed(base, &error),
        Err(flow::Error::Random(error)) => return Err(error.into()),
        Err(flow::Error::Catalogue(error)) => return Err(error.into()),
    };
    let mut response = respond::redirect(to_provider.location.as_str());
    response.headers_mut().insert(header::SET_COOKIE, header_value(&to_provider.set_cookie));
    Ok(response)
}

/// `GET /oidc/callback`
pub(in crate::serve) async fn callback(
    State(state): State<LoginState>,
    visitor: Visitor,
    headers: HeaderMap,
    uri: Uri,
) -> RouteResult {
    let base = &state.settings.base_url;
    let Some(oidc) = &state.settings.oidc else { return respond::page_not_found(base) };
    let parameter = |name| {
        query::parameter(&uri, name).filter(|text| !text.is_empty() && text.len() <= MAX_PARAMETER_BYTES)
    };
    let Some(login_state) = parameter("state") else { return failed(base, LoginFailure::NotBegun) };
    let cookie = SessionCookie::of_pending_login(&login_state, base, visitor.is_secure());
    let Some(login) = state.oidc.take(&login_state, &cookie, &headers).await? else {
        return failed(base, LoginFailure::NotBegun);
    };
    let mut response = match (parameter("error"), parameter("code")) {
        // The response of another provider (RFC 9207).
        _ if parameter("iss").is_some_and(|issuer| issuer != oidc.issuer.as_str()) => {
            failed(base, LoginFailure::NotVerified)
        }
        (Some(error), _) => {
            let error = error_code(&error);
            tracing::info!(course = %login.course, error, "the identity provider refused a login");
            failed(base, LoginFailure::Declined)
        }
        (None, None) => failed(base, LoginFailure::NotBegun),
        (None, Some(code)) => complete(&state, oidc, &visitor, &login, &code).await,
    }?;
    response.headers_mut().append(header::SET_COOKIE, header_value(&cookie.clear()));
    Ok(response)
}

/// Starts a session for the person that the provider names, if the course lists them.
async fn complete(
    state: &LoginState,
    oidc: &OidcClient,
    visitor: &Visitor,
    login: &StartedLogin,
    code: &str,
) -> RouteResult {
    let base = &state.settings.base_url;
    let course = state.settings.course(&login.course);
    let Some(course) = course.filter(|course| course.admission.uses_oidc()) else {
        return failed(base, LoginFailure::NotBegun);
    };
    let claims = match state.oidc.claims(oidc, login, code).await {
        Ok(claims) => claims,
        Err(error) => return provider_failed(base, &error),
    };
    let person = match claims.person(&oidc.name_claim, &oidc.groups_claim) {
        Ok(person) => person,
        Err(error) => {
            tracing::warn!(%error, "the ID token does not name a person");
            return failed(base, LoginFailure::Nameless);
        }
    };
    let Some(role) = course.admission.role_of(&person) else { return not_listed(base, course, &person) };
    let signed_in = SignedIn { role, person: Some(person.name) };
    state.sign_in(visitor, course, signed_in, &login.next).await
}

fn not_listed(base: &BaseUrl, course: &CourseRules, person: &Person) -> RouteResult {
    let (title, text) =
        student::not_named(&visible(&course.title), Role::Reader, Some(&visible(&person.name)));
    respond::message(base, StatusCode::FORBIDDEN, &title, &text).map(secret_address)
}

/// A failure between us and the provider. Only the log has its details.
fn provider_failed(base: &BaseUrl, error: &provider_cache::Error) -> RouteResult {
    use provider_cache::Error;
    tracing::warn!(%error, "a login with the identity provider failed");
    let why = match error {
        Error::Request { .. }
        | Error::Status { .. }
        | Error::Discovery { .. }
        | Error::Keys { .. }
        | Error::RecentlyFailed => LoginFailure::Unreachable,
        Error::CodeRefused(_) => LoginFailure::NotTaken,
        Error::NoToken | Error::Token(_) => LoginFailure::NotVerified,
    };
    failed(base, why)
}

/// The page for a login that failed. Its address may contain a code.
fn failed(base: &BaseUrl, why: LoginFailure) -> RouteResult {
    let status = match why {
        LoginFailure::Unreachable | LoginFailure::NotVerified | LoginFailure::Nameless => {
            StatusCode::BAD_GATEWAY
        }
        LoginFailure::NotBegun | LoginFailure::NotTaken => StatusCode::BAD_REQUEST,
        LoginFailure::Declined => StatusCode::FORBIDDEN,
    };
    let (title, text) = student::login_failure(why);
    respond::message(base, status, title, text).map(secret_address)
}
