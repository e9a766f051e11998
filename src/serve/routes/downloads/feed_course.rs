//! The course of a feed, for readers who are signed in and for secret addresses.

use std::sync::Arc;

use axum::http::Uri;
use axum::response::Response;

use crate::serve::auth::visitor::Visitor;
use crate::serve::auth::{feed_token, login};
use crate::serve::error::RouteResult;
use crate::serve::http::query;
use crate::serve::library::Library;
use crate::serve::library::course::CourseView;
use crate::serve::respond;
use crate::serve::routes::requested_course::any_course;

/// A course whose feed may be read.
pub(super) struct FeedCourse {
    pub course: Arc<CourseView>,
    is_by_token: bool,
}

impl FeedCourse {
    /// The course, if the visitor or the token of the address may read its feeds; otherwise a
    /// response with the reason.
    pub(super) async fn of(
        library: &Library,
        visitor: &Visitor,
        course: &str,
        uri: &Uri,
    ) -> Result<Self, RouteResult> {
        let course = any_course(library, course).await?;
        if visitor.may_read(&course.rules) {
            return Ok(Self { course, is_by_token: false });
        }
        if let Some(token) = query::parameter(uri, "token")
            && feed_token::is_valid(&library.catalogue, &course.rules, &token, library.clock.now())
                .await
                .map_err(Err)?
        {
            return Ok(Self { course, is_by_token: true });
        }
        Err(login::reader_required(&library.settings.base_url, visitor, &course.rules))
    }

    /// The response, which no cache keeps under a secret address.
    pub(super) fn respond(&self, response: Response) -> Response {
        if self.is_by_token { respond::secret_address(response) } else { response }
    }
}
