//! The person who acts on links of a course, and the links that a signed link is about.
//!
//! A person acts either with the signed link of an email, or as staff who are
//! logged in. Both have the same effect.

use std::sync::Arc;

use axum::http::StatusCode;

use crate::domain::action_token::{ActionToken, Purpose};
use crate::domain::course::EmailAddress;
use crate::domain::decision::{Decider, Gist};
use crate::domain::report::wording::actions;
use crate::serve::base_url::BaseUrl;
use crate::serve::error::{Error, RouteResult};
use crate::serve::library::Library;
use crate::serve::library::course::{CourseView, LinkView};
use crate::serve::respond::{self, secret_address};

/// A person who may act on a course.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Actor {
    pub course: Arc<CourseView>,
    /// The recipient of the email; `None` for staff who are logged in.
    pub reader: Option<EmailAddress>,
    /// The name of staff who are logged in, if it is known.
    pub decider: Option<Decider>,
}

/// An actor, and what the token allows.
#[derive(Debug)]
pub(super) struct Authorisation {
    pub actor: Actor,
    pub purpose: Purpose,
}

/// Why a signed link does not work.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    /// The signature does not verify, or the token is for something else.
    #[error("the token is not valid")]
    Invalid,
    #[error("the token has expired")]
    Expired,
    /// The course is not configured, or the person does not get its reports.
    #[error("the token is for another course or person")]
    OtherRecipient,
    #[error("the course page does not have the link")]
    NoSuchLink,
    #[error(transparent)]
    Internal(#[from] Error),
}

impl TokenError {
    /// A page with the reason why nothing was changed.
    pub(super) fn response(self, base: &BaseUrl) -> RouteResult {
        let (status, (title, text)) = match self {
            Self::Invalid => (StatusCode::FORBIDDEN, actions::FORGED),
            Self::Expired => (StatusCode::GONE, actions::OVER),
            Self::OtherRecipient => (StatusCode::FORBIDDEN, actions::FOREIGN),
            Self::NoSuchLink => (StatusCode::GONE, actions::NO_SUCH_LINK),
            Self::Internal(error) => return Err(error),
        };
        respond::message(base, status, title, text).map(secret_address)
    }
}

/// Verifies the token of a signed link.
pub(super) async fn authorise(library: &Library, token: &str) -> Result<Authorisation, TokenError> {
    let key = library.settings.signing_key.as_ref().ok_or(TokenError::Invalid)?;
    let token = ActionToken::verify(token, key).map_err(|_| TokenError::Invalid)?;
    let courses = library.courses().await?;
    let course = courses.into_iter().find(|course| token.is_of(&course.night.course));
    let course = course.ok_or(TokenError::OtherRecipient)?;
    let reader = course.rules.readers.iter().find(|reader| token.is_for(reader)).cloned();
    let reader = reader.ok_or(TokenError::OtherRecipient)?;
    if token.is_over(library.today_at(&course)) {
        return Err(TokenError::Expired);
    }
    Ok(Authorisation { actor: Actor { course, reader: Some(reader), decider: None }, purpose: token.purpose })
}

impl Actor {
    /// The link of a purpose. If the purpose is about a group, also the other links of its host with the same state.
    pub(super) fn links(&self, purpose: Purpose) -> Result<Vec<LinkView>, TokenError> {
        let (id, with_host) = match purpose {
            Purpose::Act(id) => (id, false),
            Purpose::ActOnHost(id) => (id, true),
            Purpose::Subscription => return Err(TokenError::Invalid),
        };
        let first = self.course.links_for_actor().find(|link| link.id() == id);
        let first = first.ok_or(TokenError::NoSuchLink)?;
        let is_same_case = |link: &LinkView| {
            link.facts().link.host() == first.facts().link.host()
                && Gist::of(&link.facts().verdict.state) == Gist::of(&first.facts().verdict.state)
        };
        let others =
            self.course.links_for_actor().filter(|link| with_host && link.id() != id && is_same_case(link));
        Ok([first.clone()].into_iter().chain(others).collect())
    }
}
