//! The visitor who sent a request: their address, their person and their sessions.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};

use crate::domain::course::CourseId;
use crate::domain::policy::course_access::{AccessLevel, Person};
use crate::serve::auth::proxy::{PeerAddress, RequestOrigin};
use crate::serve::auth::session::{SessionStore, SessionsByCourse};
use crate::serve::error::Error;
use crate::serve::settings::CourseRules;
use crate::world::catalogue::Session;

/// The sender of a request. Each course decides what they may do.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Visitor(Arc<VisitorData>);

#[derive(Debug)]
struct VisitorData {
    origin: RequestOrigin,
    sessions: SessionsByCourse,
    /// The requested path, as the browser sees it.
    requested_path: String,
}

/// A visitor, and the `Set-Cookie` values for the response.
#[derive(Debug)]
pub(in crate::serve) struct IdentifiedVisitor {
    pub visitor: Visitor,
    pub set_cookies: Vec<HeaderValue>,
}

impl Visitor {
    /// Identifies the visitor by the connection, the headers and the session cookies.
    pub(in crate::serve) async fn identify(
        store: &SessionStore,
        parts: &Parts,
    ) -> Result<IdentifiedVisitor, Error> {
        let settings = &store.settings;
        let base = &settings.base_url;
        let peer = parts.extensions.get::<PeerAddress>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0);
        let origin = settings.proxies.request_origin(peer, &parts.headers);
        let is_secure = origin.is_secure || base.is_secure();
        let origin = RequestOrigin { is_secure, ..origin };
        let may_renew = matches!(parts.method, Method::GET | Method::HEAD);
        let loaded = store.load(&parts.headers, is_secure, may_renew).await?;
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let requested_path = base.own_path(path).map_or_else(|| base.at(path), str::to_owned);
        let data = VisitorData { origin, sessions: loaded.sessions, requested_path };
        Ok(IdentifiedVisitor { visitor: Self(Arc::new(data)), set_cookies: loaded.set_cookies })
    }

    /// A visitor without a session or a name.
    pub(in crate::serve) fn anonymous() -> Self {
        let client = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let origin = RequestOrigin { client, is_secure: false, person: None };
        let sessions = SessionsByCourse::default();
        Self(Arc::new(VisitorData { origin, sessions, requested_path: String::new() }))
    }

    pub(in crate::serve) fn access_level(&self, course: &CourseRules) -> AccessLevel {
        course.admission.level(self.session(&course.id).map(|session| session.role), self.person())
    }

    pub(in crate::serve) fn may_read(&self, course: &CourseRules) -> bool {
        self.access_level(course) >= AccessLevel::Reader
    }

    /// The person named by a trusted proxy.
    pub(in crate::serve) fn person(&self) -> Option<&Person> {
        self.0.origin.person.as_ref()
    }

    pub(in crate::serve) fn session(&self, course: &CourseId) -> Option<&Session> {
        self.0.sessions.get(course)
    }

    pub(in crate::serve) fn client(&self) -> IpAddr {
        self.0.origin.client
    }

    /// Whether the browser uses HTTPS.
    pub(in crate::serve) fn is_secure(&self) -> bool {
        self.0.origin.is_secure
    }

    pub(in crate::serve) fn requested_path(&self) -> &str {
        &self.0.requested_path
    }
}

/// The `identify` middleware adds the visitor to every request. A request
/// without one gets the rights of a stranger.
impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(Self::anonymous))
    }
}
