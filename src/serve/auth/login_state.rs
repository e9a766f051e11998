//! The state of the login and logout handlers.

use std::sync::Arc;

use axum::http::header;

use crate::serve::auth::cookie::SessionCookie;
use crate::serve::auth::csrf::FormTokens;
use crate::serve::auth::login_limiter::LoginLimiter;
use crate::serve::auth::oidc::flow::OidcState;
use crate::serve::auth::session::{SessionStore, SignedIn};
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::RouteResult;
use crate::serve::respond::{self, header_value};
use crate::serve::settings::{CourseRules, ServeSettings};
use crate::world::clock::Clock;

#[derive(Clone, Debug)]
pub(in crate::serve) struct LoginState {
    pub settings: Arc<ServeSettings>,
    pub sessions: SessionStore,
    pub limiter: Arc<LoginLimiter>,
    pub oidc: Arc<OidcState>,
    pub form_tokens: FormTokens,
    pub clock: Clock,
}

impl LoginState {
    /// Starts the session of a visitor who has signed in, sets its cookie, and
    /// continues to `next`, if that is a page of this service.
    pub(in crate::serve) async fn sign_in(
        &self,
        visitor: &Visitor,
        course: &CourseRules,
        signed_in: SignedIn,
        next: &str,
    ) -> RouteResult {
        let base = &self.settings.base_url;
        let session = self.sessions.begin(course, signed_in, visitor.session(&course.id)).await?;
        let home = base.course(&course.id);
        let mut response = respond::see_other(base.own_path(next).unwrap_or(&home));
        let cookie = SessionCookie::of_course(&course.id, base, visitor.is_secure());
        let set_cookie = cookie.set(&session.token, session.lifetime);
        response.headers_mut().insert(header::SET_COOKIE, header_value(&set_cookie));
        Ok(response)
    }

    /// The course with this identifier, if it has a login.
    pub(in crate::serve) fn course_with_login(&self, course: &str) -> Option<&CourseRules> {
        let is_wanted = |rules: &&CourseRules| rules.id.as_str() == course && rules.admission.has_sign_in();
        self.settings.with_sign_in().find(is_wanted)
    }
}
