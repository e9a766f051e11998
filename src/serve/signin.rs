//! The door of a course: who is asked to sign in, and how.

use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};

use super::answer::{self, Answer};
use super::desk::Desk;
use super::settings::CourseRules;
use super::visitor::Visitor;
use crate::domain::report::plain::visible;
use crate::domain::report::wording::student;

/// The answer to somebody who may not see what they asked for.
pub(super) fn refusal(desk: &Desk, visitor: &Visitor, course: &CourseRules) -> Answer {
    let name = visitor.person().map(|person| visible(&person.name));
    let (title, text) = student::not_named(&visible(&course.title), name.as_deref());
    let mut answer = answer::message(desk, StatusCode::FORBIDDEN, &title, &text)?;
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}
