//! `/c/<course>/login` and `/c/<course>/logout`: login with the password of a
//! course, the start of a login at the school, and logout.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, StatusCode, Uri};
use jiff::SignedDuration;
use url::Url;

use crate::domain::course::CourseId;
use crate::domain::policy::course_access::{AccessLevel, Role};
use crate::domain::policy::device_token::{self, Device};
use crate::domain::report::plain::visible;
use crate::domain::report::wording::student;
use crate::serve::auth::cookie::SessionCookie;
use crate::serve::auth::form::PostedForm;
use crate::serve::auth::login::{LoginAttempt, STAFF_FORM, outdated_form, password_page};
use crate::serve::auth::login_state::LoginState;
use crate::serve::auth::password_check::{self, PasswordAttempt, PasswordCheck};
use crate::serve::auth::session::SignedIn;
use crate::serve::auth::visitor::Visitor;
use crate::serve::base_url::BaseUrl;
use crate::serve::error::{Error, RouteResult};
use crate::serve::http::query;
use crate::serve::respond::{self, header_value, no_store};
use crate::serve::routes::oidc;
use crate::serve::settings::CourseRules;
use crate::world::random;

#[derive(Template)]
#[template(path = "logged_in.html", config = "src/serve/askama.toml")]
struct LoggedInPage<'a> {
    base: &'a BaseUrl,
    course: &'a CourseId,
    course_title: String,
    title: &'static str,
    form_token: String,
}

#[derive(Template)]
#[template(path = "logged_out.html", config = "src/serve/askama.toml")]
struct LoggedOutPage<'a> {
    base: &'a BaseUrl,
    title: &'static str,
    text: &'static str,
    provider_logout: String,
}

/// A successful login of a browser.
struct DeviceLogin {
    /// The browser, if it is already known.
    device: Option<Device>,
    role: Role,
}

/// `GET /c/<course>/login`
pub(in crate::serve) async fn show(
    State(state): State<LoginState>,
    visitor: Visitor,
    Path(course): Path<String>,
    uri: Uri,
) -> RouteResult {
    let base = &state.settings.base_url;
    let Some(course) = state.course_with_login(&course) else {
        return respond::page_not_found(base);
    };
    let role = login_role(course);
    let needs_more = role == Role::Staff && visitor.access_level(course) < AccessLevel::Staff;
    let next = query::parameter(&uri, "next");
    let next = next.as_deref().and_then(|next| base.own_path(next));
    let next = next.map_or_else(|| base.course(&course.id), str::to_owned);
    match visitor.session(&course.id).filter(|_| !needs_more) {
        None if course.admission.uses_oidc() => {
            oidc::begin(&state.settings, &state.oidc, &visitor, course, next).await
        }
        None => {
            // No page was refused, so this is not a 401.
            let attempt = LoginAttempt { error: None, next };
            page_without_challenge(base, course, role, attempt, StatusCode::OK)
        }
        Some(session) => {
            let form_token = state.form_tokens.token(&visitor, &course.id).ok_or(Error::NoFormToken)?;
            let page = LoggedInPage {
                base,
                course: &course.id,
                course_title: visible(&course.title),
                title: student::signed_in(session.role),
                form_token,
            };
            respond::page(StatusCode::OK, &page)
        }
    }
}

/// `POST /c/<course>/login`
pub(in crate::serve) async fn log_in(
    State(state): State<LoginState>,
    visitor: Visitor,
    Path(course): Path<String>,
    headers: HeaderMap,
    form: PostedForm,
) -> RouteResult {
    let base = &state.settings.base_url;
    let course = state.course_with_login(&course);
    let Some(course) = course.filter(|course| course.admission.has_passwords()) else {
        return respond::page_not_found(base);
    };
    let next = form.field("next").to_owned();
    let form_role = form_role(&form, course);
    let password_attempt = PasswordAttempt {
        password: form.field("password").to_owned(),
        form: form_role,
        device: known_device(&state, &visitor, &headers, course),
        client: visitor.client(),
    };
    let role = match password_check::check(&state, course, &password_attempt).await? {
        PasswordCheck::Granted(role) => role,
        PasswordCheck::Wait(wait) => return too_many_attempts(base, course, form_role, wait, next),
        PasswordCheck::Wrong => {
            tracing::info!(course = %course.id, "a login failed: wrong password");
            let error = Some(student::WRONG_PASSWORD.to_owned());
            return password_page(base, course, form_role, LoginAttempt { error, next });
        }
    };
    let mut response = state.sign_in(&visitor, course, SignedIn { role, person: None }, &next).await?;
    if let Some(set_cookie) =
        device_cookie(&state, &visitor, course, DeviceLogin { device: password_attempt.device, role })?
    {
        response.headers_mut().append(header::SET_COOKIE, header_value(&set_cookie));
    }
    Ok(response)
}

/// The form's role is where its page came from: the login of readers or that of staff.
fn form_role(form: &PostedForm, course: &CourseRules) -> Role {
    if form.field("role") == STAFF_FORM { Role::Staff } else { login_role(course) }
}

/// The browser, if it has logged in to the course before.
fn known_device(
    state: &LoginState,
    visitor: &Visitor,
    headers: &HeaderMap,
    course: &CourseRules,
) -> Option<Device> {
    let key = state.settings.signing_key.as_ref()?;
    let cookie = SessionCookie::of_device(&course.id, &state.settings.base_url, visitor.is_secure());
    let now = state.clock.now();
    cookie.values(headers).find_map(|value| Device::verify(value, &course.id, key, now))
}

/// The `Set-Cookie` value by which the browser is known from now on. `None` without a signing key.
fn device_cookie(
    state: &LoginState,
    visitor: &Visitor,
    course: &CourseRules,
    login: DeviceLogin,
) -> Result<Option<String>, Error> {
    let Some(key) = &state.settings.signing_key else { return Ok(None) };
    let now = state.clock.now();
    let device = match login.device {
        Some(device) => device.logged_in(login.role, now),
        None => Device::new(random::bytes()?, login.role, now),
    };
    let cookie = SessionCookie::of_device(&course.id, &state.settings.base_url, visitor.is_secure());
    Ok(Some(cookie.set(&device.signed(&course.id, key), device_token::LIFETIME)))
}

/// `POST /c/<course>/logout`
pub(in crate::serve) async fn log_out(
    State(state): State<LoginState>,
    visitor: Visitor,
    Path(course): Path<String>,
    form: PostedForm,
) -> RouteResult {
    let base = &state.settings.base_url;
    let Some(course) = state.course_with_login(&course) else {
        return respond::page_not_found(base);
    };
    if !state.form_tokens.is_valid(&visitor, &course.id, &form) {
        return outdated_form(base);
    }
    let session = visitor.session(&course.id);
    if let Some(session) = session {
        state.sessions.end(session).await?;
    }
    let provider_logout = match session {
        Some(_) if course.admission.uses_oidc() => state.oidc.logout_url().await,
        Some(_) | None => None,
    };
    let mut response = match provider_logout {
        Some(url) => logged_out(base, &url)?,
        None => respond::see_other(&base.at("/")),
    };
    let cookie = SessionCookie::of_course(&course.id, base, visitor.is_secure());
    response.headers_mut().insert(header::SET_COOKIE, header_value(&cookie.clear()));
    Ok(response)
}

/// Goes on to the logout page of the school. A redirect is not possible, because the
/// content security policy limits forms to this service.
fn logged_out(base: &BaseUrl, provider_logout: &Url) -> RouteResult {
    let (title, text) = student::SIGNED_OUT;
    let refresh = header_value(&format!("0; url={provider_logout}"));
    let page = LoggedOutPage { base, title, text, provider_logout: provider_logout.to_string() };
    let mut response = no_store(respond::page(StatusCode::OK, &page)?);
    response.headers_mut().insert(header::REFRESH, refresh);
    Ok(response)
}

/// The login page with another status than 401.
fn page_without_challenge(
    base: &BaseUrl,
    course: &CourseRules,
    role: Role,
    attempt: LoginAttempt,
    status: StatusCode,
) -> RouteResult {
    let mut response = password_page(base, course, role, attempt)?;
    *response.status_mut() = status;
    response.headers_mut().remove(header::WWW_AUTHENTICATE);
    Ok(response)
}

/// The login page with the time to wait.
fn too_many_attempts(
    base: &BaseUrl,
    course: &CourseRules,
    form: Role,
    wait: SignedDuration,
    next: String,
) -> RouteResult {
    let seconds = wait.as_secs().max(0) + 1;
    let error = Some(student::too_many_tries(seconds));
    let attempt = LoginAttempt { error, next };
    let mut response = page_without_challenge(base, course, form, attempt, StatusCode::TOO_MANY_REQUESTS)?;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    Ok(response)
}

/// The role of the login page: readers, or staff if readers need no login.
fn login_role(course: &CourseRules) -> Role {
    let is_for_readers = course.admission.uses_oidc() || course.admission.password(Role::Reader).is_some();
    if is_for_readers { Role::Reader } else { Role::Staff }
}
