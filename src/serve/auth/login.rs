//! The responses for a visitor who may not see a page: a login page, or an
//! explanation if a login would not help.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};
use axum::response::Response;
use url::form_urlencoded;

use crate::domain::course::CourseId;
use crate::domain::policy::course_access::Role;
use crate::domain::report::plain::visible;
use crate::domain::report::wording::student;
use crate::serve::auth::visitor::Visitor;
use crate::serve::base_url::BaseUrl;
use crate::serve::error::RouteResult;
use crate::serve::respond::{self, header_value, no_store};
use crate::serve::settings::CourseRules;

/// The value of the field `role` in the form for staff.
pub(in crate::serve) const STAFF_FORM: &str = "staff";

#[derive(Template)]
#[template(path = "login.html", config = "src/serve/askama.toml")]
struct LoginPage<'a> {
    base: &'a BaseUrl,
    course: &'a CourseId,
    title: String,
    /// Why the last attempt failed.
    error: Option<String>,
    next: String,
    is_for_staff: bool,
}

/// Links to the school's identity provider.
#[derive(Template)]
#[template(path = "login_at_school.html", config = "src/serve/askama.toml")]
struct SchoolLoginPage<'a> {
    title: String,
    base: &'a BaseUrl,
    text: &'static str,
    provider: String,
}

/// The input of a login page.
#[derive(Clone, Debug, Default)]
pub(in crate::serve) struct LoginAttempt {
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// Where to go after the login.
    pub next: String,
}

/// For a visitor who may not read the course.
pub(in crate::serve) fn reader_required(
    base: &BaseUrl,
    visitor: &Visitor,
    course: &CourseRules,
) -> RouteResult {
    role_required(base, visitor, course, Role::Reader)
}

/// For a visitor who asked for a page or an action for staff.
pub(in crate::serve) fn staff_required(
    base: &BaseUrl,
    visitor: &Visitor,
    course: &CourseRules,
) -> RouteResult {
    role_required(base, visitor, course, Role::Staff)
}

fn role_required(base: &BaseUrl, visitor: &Visitor, course: &CourseRules, role: Role) -> RouteResult {
    let forbidden =
        |title: &str, text: &str| respond::message(base, StatusCode::FORBIDDEN, title, text).map(no_store);
    if course.admission.password(role).is_some() {
        let next = visitor.requested_path().to_owned();
        return password_page(base, course, role, LoginAttempt { error: None, next });
    }
    if course.admission.uses_oidc() {
        return match visitor.session(&course.id) {
            None => school_page(base, course, role, visitor.requested_path()),
            Some(_) => {
                let (title, _) = student::not_named(&visible(&course.title), role, None);
                forbidden(&title, student::STUDENT_AMONG_STAFF)
            }
        };
    }
    let name = visitor.person().map(|person| visible(&person.name));
    let (title, text) = student::not_named(&visible(&course.title), role, name.as_deref());
    forbidden(&title, &text)
}

/// The page with a button for the school's login. A redirect would also be
/// followed by robots and by images in pages.
fn school_page(base: &BaseUrl, course: &CourseRules, role: Role, requested_path: &str) -> RouteResult {
    let login = base.at(&format!("/c/{}/login", course.id));
    let provider = match base.own_path(requested_path) {
        Some(next) => {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
            format!("{login}?{query}")
        }
        None => login,
    };
    let page = SchoolLoginPage {
        title: student::sign_in(&visible(&course.title), role),
        base,
        text: student::THROUGH_SCHOOL,
        provider,
    };
    Ok(with_challenge(base, course, respond::page(StatusCode::UNAUTHORIZED, &page)?))
}

/// The page with a password field, as a 401.
pub(in crate::serve) fn password_page(
    base: &BaseUrl,
    course: &CourseRules,
    role: Role,
    attempt: LoginAttempt,
) -> RouteResult {
    let page = LoginPage {
        base,
        course: &course.id,
        title: student::sign_in(&visible(&course.title), role),
        error: attempt.error,
        next: base.own_path(&attempt.next).map_or_else(|| base.course(&course.id), str::to_owned),
        is_for_staff: role == Role::Staff,
    };
    Ok(with_challenge(base, course, respond::page(StatusCode::UNAUTHORIZED, &page)?))
}

/// A 401 must name a challenge (RFC 9110 section 11.6.1). No browser opens a
/// dialog for the `Cookie` scheme.
fn with_challenge(base: &BaseUrl, course: &CourseRules, mut response: Response) -> Response {
    let challenge = format!(
        "Cookie realm=\"{}\", form-action=\"{}\"",
        course.id,
        base.at(&format!("/c/{}/login", course.id)),
    );
    response.headers_mut().insert(header::WWW_AUTHENTICATE, header_value(&challenge));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// For a form whose token belongs to another session.
pub(in crate::serve) fn outdated_form(base: &BaseUrl) -> RouteResult {
    let text = "The form is from before you last signed in. Please go back, reload the page and try again.";
    respond::message(base, StatusCode::FORBIDDEN, "The form was not accepted", text)
}
