//! The door of a course: who is asked to sign in, and how they do.

use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header::{self, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use jiff::SignedDuration;
use tokio::sync::Semaphore;
use tokio::task::JoinError;
use url::{Url, form_urlencoded};

use crate::domain::course::CourseId;
use crate::domain::policy::admission::{Role, Standing};
use crate::domain::policy::throttle::{Client, Throttle};
use crate::domain::report::plain::visible;
use crate::domain::report::wording::student;
use crate::serve::answer::{self, Answer, Fault, header_value};
use crate::serve::desk::Desk;
use crate::serve::list;
use crate::serve::settings::{BaseUrl, CourseRules};
use crate::serve::visitor::Visitor;
use crate::serve::visitor::form::Form;
use crate::serve::visitor::oidc;
use crate::serve::visitor::session::{self, Cookie};
use crate::world::random;

/// Passwords hashed at the same time: each takes memory as its hash says.
const HASHED_AT_ONCE: usize = 2;

/// What the door remembers of those who knock.
#[derive(Debug)]
pub(in crate::serve) struct Porter {
    throttle: Mutex<Throttle>,
    hashing: Arc<Semaphore>,
    /// What the tokens of our forms are made of; without chance there are none.
    pub(in crate::serve) secret: Option<[u8; 32]>,
}

impl Default for Porter {
    fn default() -> Self {
        let secret = random::bytes().inspect_err(|error| tracing::error!(%error, "no form can be taken"));
        Self {
            throttle: Mutex::default(),
            hashing: Arc::new(Semaphore::new(HASHED_AT_ONCE)),
            secret: secret.ok(),
        }
    }
}

#[derive(Template)]
#[template(path = "signin.html", config = "src/serve/askama.toml")]
struct SignIn<'a> {
    base: &'a BaseUrl,
    course: &'a CourseId,
    title: String,
    /// What went wrong with the last try.
    trouble: Option<String>,
    next: String,
}

/// Where the school's identity provider asks for the password, not we.
#[derive(Template)]
#[template(path = "signin_school.html", config = "src/serve/askama.toml")]
struct SignInAtSchool<'a> {
    title: String,
    base: &'a BaseUrl,
    text: &'static str,
    there: String,
}

#[derive(Template)]
#[template(path = "signed_in.html", config = "src/serve/askama.toml")]
struct SignedIn<'a> {
    base: &'a BaseUrl,
    course: &'a CourseId,
    course_title: String,
    title: &'static str,
    form_token: String,
}

#[derive(Template)]
#[template(path = "signed_out.html", config = "src/serve/askama.toml")]
struct SignedOut<'a> {
    base: &'a BaseUrl,
    title: &'static str,
    text: &'static str,
    there: String,
}

/// The answer to somebody who may not read what they asked for.
pub(in crate::serve) fn refusal(desk: &Desk, visitor: &Visitor, course: &CourseRules) -> Answer {
    refused(desk, visitor, course, Role::Reader)
}

/// The answer to somebody who asked for what only staff may see or do.
pub(in crate::serve) fn staff_only(desk: &Desk, visitor: &Visitor, course: &CourseRules) -> Answer {
    refused(desk, visitor, course, Role::Staff)
}

fn refused(desk: &Desk, visitor: &Visitor, course: &CourseRules, needed: Role) -> Answer {
    if course.admission.password(needed).is_some() {
        return asked(desk, course, needed, Try { trouble: None, next: visitor.here().to_owned() });
    }
    if course.admission.asks_the_provider() {
        return match visitor.session(&course.id) {
            None => at_school(desk, course, needed, visitor.here()),
            Some(_) => {
                let (title, _) = student::not_named(&visible(&course.title), needed, None);
                unkept(answer::message(desk, StatusCode::FORBIDDEN, &title, student::STUDENT_AMONG_STAFF))
            }
        };
    }
    let name = visitor.person().map(|person| visible(&person.name));
    let (title, text) = student::not_named(&visible(&course.title), needed, name.as_deref());
    unkept(answer::message(desk, StatusCode::FORBIDDEN, &title, &text))
}

/// What only this visitor is told, and only now.
pub(in crate::serve) fn unkept(answer: Answer) -> Answer {
    let mut answer = answer?;
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}

/// The page from which one goes to the school's sign-in. Nobody is sent there
/// unasked: a page's pictures and robots would be as well.
fn at_school(desk: &Desk, course: &CourseRules, needed: Role, here: &str) -> Answer {
    let base = &desk.settings.base_url;
    let next = base.own_path(here).unwrap_or_default();
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    let page = SignInAtSchool {
        title: student::sign_in(&visible(&course.title), needed),
        base,
        text: student::THROUGH_SCHOOL,
        there: format!("{}?{query}", base.at(&format!("/c/{}/login", course.id))),
    };
    Ok(challenged(base, course, answer::page(StatusCode::UNAUTHORIZED, &page)?))
}

/// What is known of a try when the page is shown.
struct Try {
    trouble: Option<String>,
    next: String,
}

/// The page that asks for the password.
fn asked(desk: &Desk, course: &CourseRules, needed: Role, before: Try) -> Answer {
    let base = &desk.settings.base_url;
    let page = SignIn {
        base,
        course: &course.id,
        title: student::sign_in(&visible(&course.title), needed),
        trouble: before.trouble,
        next: base.own_path(&before.next).unwrap_or(&list::address(base, &course.id)).to_owned(),
    };
    Ok(challenged(base, course, answer::page(StatusCode::UNAUTHORIZED, &page)?))
}

/// A 401 must name a challenge; that of forms and cookies is as good as
/// standard, and no browser asks on its own for it.
fn challenged(base: &BaseUrl, course: &CourseRules, mut answer: Response) -> Response {
    let challenge = format!(
        "Cookie realm=\"{}\", form-action=\"{}\"",
        course.id,
        base.at(&format!("/c/{}/login", course.id)),
    );
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, header_value(&challenge));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// `GET /c/<course>/login`
pub(in crate::serve) async fn page(
    State(desk): State<Arc<Desk>>,
    visitor: Visitor,
    Path(course): Path<String>,
    uri: Uri,
) -> Answer {
    let Some(course) = with_a_door(&desk, &course) else { return answer::no_such_page(&desk) };
    let needed = needed(course);
    let wants_more = needed == Role::Staff && visitor.standing(course) < Standing::Staff;
    let next = list::parameter(&uri, "next").unwrap_or_default();
    match visitor.session(&course.id).filter(|_| !wants_more) {
        None if course.admission.asks_the_provider() => {
            let next = desk.settings.base_url.own_path(&next).unwrap_or_default().to_owned();
            oidc::begin(&desk, &visitor, course, next).await
        }
        None => {
            let mut answer = asked(&desk, course, needed, Try { trouble: None, next })?;
            // Here nothing was refused.
            *answer.status_mut() = StatusCode::OK;
            answer.headers_mut().remove(header::WWW_AUTHENTICATE);
            Ok(answer)
        }
        Some(session) => {
            let page = SignedIn {
                base: &desk.settings.base_url,
                course: &course.id,
                course_title: visible(&course.title),
                title: student::signed_in(session.role),
                form_token: visitor.form_token(&desk, &course.id).unwrap_or_default(),
            };
            answer::page(StatusCode::OK, &page)
        }
    }
}

/// `POST /c/<course>/login`
pub(in crate::serve) async fn enter(
    State(desk): State<Arc<Desk>>,
    visitor: Visitor,
    Path(course): Path<String>,
    form: Form,
) -> Answer {
    let course = with_a_door(&desk, &course).filter(|course| course.admission.has_passwords());
    let Some(course) = course else { return answer::no_such_page(&desk) };
    let needed = needed(course);
    let next = form.field("next").to_owned();
    let client = Client::of(visitor.client());
    let admitted = desk.porter.throttle().admit(client, &course.id, desk.clock.now());
    if let Err(wait) = admitted {
        return too_soon(&desk, course, wait, next);
    }
    let Some(role) = recognised(&desk, course, form.field("password")).await? else {
        tracing::info!(course = %course.id, "a wrong password");
        let trouble = Some(student::WRONG_PASSWORD.to_owned());
        return asked(&desk, course, needed, Try { trouble, next });
    };
    desk.porter.throttle().was_right(client, &course.id);
    let (token, stays) = session::begin(&desk, course, role, visitor.session(&course.id)).await?;
    let base = &desk.settings.base_url;
    let home = list::address(base, &course.id);
    let mut answer = answer::sent_on(base.own_path(&next).unwrap_or(&home));
    let cookie = Cookie::of(&course.id, base, visitor.is_secure());
    answer.headers_mut().insert(header::SET_COOKIE, header_value(&cookie.set(&token, stays)));
    Ok(answer)
}

/// `POST /c/<course>/logout`
pub(in crate::serve) async fn leave(
    State(desk): State<Arc<Desk>>,
    visitor: Visitor,
    Path(course): Path<String>,
    form: Form,
) -> Answer {
    let Some(course) = with_a_door(&desk, &course) else { return answer::no_such_page(&desk) };
    if !visitor.sent(&desk, &course.id, &form) {
        return stale(&desk);
    }
    let session = visitor.session(&course.id);
    if let Some(session) = session {
        desk.catalogue.end_session(session.family).await?;
    }
    let base = &desk.settings.base_url;
    let there = match session {
        Some(_) if course.admission.asks_the_provider() => oidc::way_out(&desk).await,
        Some(_) | None => None,
    };
    let mut answer = match there {
        Some(there) => signed_out(base, there)?,
        None => answer::sent_on(&base.at("/")),
    };
    let cookie = Cookie::of(&course.id, base, visitor.is_secure());
    answer.headers_mut().insert(header::SET_COOKIE, header_value(&cookie.clear()));
    Ok(answer)
}

/// On the way to be signed out at school too. A redirect would be part of
/// sending the form, and our pages let none be sent elsewhere.
fn signed_out(base: &BaseUrl, there: Url) -> Answer {
    let refresh = header_value(&format!("0; url={there}"));
    let page =
        SignedOut { base, title: student::SIGNED_OUT.0, text: student::SIGNED_OUT.1, there: there.into() };
    let mut answer = unkept(answer::page(StatusCode::OK, &page))?;
    answer.headers_mut().insert(header::REFRESH, refresh);
    Ok(answer)
}

/// The answer to a form that the page of another session holds.
pub(in crate::serve) fn stale(desk: &Desk) -> Answer {
    let text = "It is from before you last signed in. Please go back, load the page anew, and try again.";
    answer::message(desk, StatusCode::FORBIDDEN, "This form was not taken", text)
}

/// The page again, for when they have waited.
fn too_soon(desk: &Desk, course: &CourseRules, wait: SignedDuration, next: String) -> Answer {
    let seconds = wait.as_secs().max(0) + 1;
    let trouble = Some(student::too_many_tries(seconds));
    let mut answer = asked(desk, course, needed(course), Try { trouble, next })?;
    *answer.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    answer.headers_mut().remove(header::WWW_AUTHENTICATE);
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    Ok(answer)
}

/// As what the password signs in. Both are always tried, so that the time
/// taken tells nothing.
async fn recognised(desk: &Desk, course: &CourseRules, password: &str) -> Result<Option<Role>, Fault> {
    let password = password.to_owned();
    let staff = course.admission.password(Role::Staff).cloned();
    let readers = course.admission.password(Role::Reader).cloned();
    let hashing = desk.porter.in_turn(move || {
        let is_staff = staff.is_some_and(|hash| hash.is_of(&password));
        let is_reader = readers.is_some_and(|hash| hash.is_of(&password));
        match (is_staff, is_reader) {
            (true, _) => Some(Role::Staff),
            (false, true) => Some(Role::Reader),
            (false, false) => None,
        }
    });
    Ok(hashing.await.map_err(std::io::Error::other)?)
}

fn with_a_door<'a>(desk: &'a Desk, course: &str) -> Option<&'a CourseRules> {
    desk.settings.courses.iter().find(|rules| rules.id.as_str() == course && rules.admission.has_a_door())
}

/// What the door of a course is for: readers, or staff where readers need no password.
fn needed(course: &CourseRules) -> Role {
    let is_for_readers =
        course.admission.asks_the_provider() || course.admission.password(Role::Reader).is_some();
    if is_for_readers { Role::Reader } else { Role::Staff }
}

impl Porter {
    /// Does what takes long with few others at a time. Whoever hangs up leaves
    /// the work going on, so it is the work that keeps the turn.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        // It is never closed, so a turn always comes.
        let turn = Arc::clone(&self.hashing).acquire_owned().await;
        let work = move || {
            let _turn = turn;
            work()
        };
        tokio::task::spawn_blocking(work).await
    }

    fn throttle(&self) -> std::sync::MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<session::Fault> for Fault {
    fn from(fault: session::Fault) -> Self {
        match fault {
            session::Fault::Catalogue(fault) => fault.into(),
            session::Fault::Chance(fault) => std::io::Error::other(fault).into(),
        }
    }
}

/// For the guard, which stands before any page.
pub(in crate::serve) fn failed(fault: session::Fault) -> Response {
    Fault::from(fault).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn whoever_hangs_up_makes_no_room_for_another_try() {
        let porter = Arc::new(Porter::default());
        let (begun, has_begun) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let trying = tokio::spawn({
            let porter = Arc::clone(&porter);
            let work = move || {
                begun.send(()).unwrap();
                may_go_on.recv().unwrap();
            };
            async move { porter.in_turn(work).await }
        });
        tokio::task::spawn_blocking(move || has_begun.recv().unwrap()).await.unwrap();
        trying.abort();
        assert!(trying.await.unwrap_err().is_cancelled());
        assert_eq!(porter.hashing.available_permits(), HASHED_AT_ONCE - 1, "the work goes on");
        go_on.send(()).unwrap();
        let all = u32::try_from(HASHED_AT_ONCE).unwrap();
        assert!(porter.hashing.acquire_many(all).await.is_ok(), "and ends");
    }
}
