//! `/letters/<token>`: a reader stops the reports of a course, or starts them again.
//!
//! Every POST stops them unless it asks to start, because mail programs post
//! without having seen the form (RFC 8058).

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use crate::domain::action_token::Purpose;
use crate::domain::course::EmailAddress;
use crate::domain::journal::Entry;
use crate::domain::report::plain::visible;
use crate::domain::report::wording::actions;
use crate::serve::base_url::BaseUrl;
use crate::serve::error::{Error, RouteResult};
use crate::serve::library::Library;
use crate::serve::library::course::CourseView;
use crate::serve::respond::{self, secret_address};
use crate::serve::routes::actions::action_form::ActionForm;
use crate::serve::routes::actions::actor::{TokenError, authorise};

#[derive(Template)]
#[template(path = "subscription.html", config = "src/serve/askama.toml")]
struct SubscriptionPage<'a> {
    base: &'a BaseUrl,
    course: String,
    course_title: String,
    title: &'static str,
    text: String,
    action: String,
    is_stopped: bool,
}

/// A recipient of the reports of a course.
struct Subscriber {
    course: Arc<CourseView>,
    reader: EmailAddress,
}

pub(in crate::serve) async fn show(
    State(library): State<Arc<Library>>,
    Path(token): Path<String>,
) -> RouteResult {
    match subscriber(&library, &token).await {
        Ok(subscriber) => page(&library, &subscriber, &token).await,
        Err(error) => error.response(&library.settings.base_url),
    }
}

pub(in crate::serve) async fn change(
    State(library): State<Arc<Library>>,
    Path(token): Path<String>,
    body: Body,
) -> RouteResult {
    let subscriber = match subscriber(&library, &token).await {
        Ok(subscriber) => subscriber,
        Err(error) => return error.response(&library.settings.base_url),
    };
    let wanted = ActionForm::read(body).await.field("letters") == Some("start");
    if wanted == subscriber.is_stopped(&library).await? {
        let (at, course) = (library.clock.now(), subscriber.course.night.course.clone());
        let entry = Entry::EmailSubscription { at, course, reader: subscriber.reader.clone(), wanted };
        // An email that is being sent at this moment is not interrupted; waiting ones are stopped.
        library.entries().write(at, &[entry]).await?;
    }
    // Mail programs do not follow a redirect after one-click unsubscribe.
    page(&library, &subscriber, &token).await
}

async fn subscriber(library: &Library, token: &str) -> Result<Subscriber, TokenError> {
    let authorisation = authorise(library, token).await?;
    match (authorisation.purpose, authorisation.actor.reader) {
        (Purpose::Subscription, Some(reader)) => {
            Ok(Subscriber { course: authorisation.actor.course, reader })
        }
        (Purpose::Subscription, None) => Err(TokenError::OtherRecipient),
        (Purpose::Act(_) | Purpose::ActOnHost(_), _) => Err(TokenError::Invalid),
    }
}

impl Subscriber {
    async fn is_stopped(&self, library: &Library) -> Result<bool, Error> {
        Ok(library.catalogue.stopped(&self.course.night.course).await?.contains(&self.reader))
    }
}

async fn page(library: &Library, subscriber: &Subscriber, token: &str) -> RouteResult {
    let night = &subscriber.course.night;
    let is_stopped = subscriber.is_stopped(library).await?;
    let course_title = visible(&night.title);
    let (title, text) = actions::subscription(&course_title, is_stopped);
    let page = SubscriptionPage {
        base: &library.settings.base_url,
        course: night.course.to_string(),
        course_title,
        title,
        text,
        action: library.settings.base_url.at(&format!("/letters/{token}")),
        is_stopped,
    };
    respond::page(StatusCode::OK, &page).map(secret_address)
}
