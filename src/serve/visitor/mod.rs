//! Who asks: where the request came from, and how they stand with each course.

pub(super) mod proxy;
pub(super) mod session;
pub(super) mod signin;
pub(super) mod form;
pub(super) mod oidc;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse as _, Response};

use self::form::Form;
use self::proxy::Arrival;
use self::session::Sessions;
use super::desk::Desk;
use super::settings::CourseRules;
use crate::domain::capture::Digest;
use crate::domain::course::CourseId;
use crate::domain::policy::admission::{Person, Standing};
use crate::world::catalogue::Session;

/// The address at the other end of a connection; the door puts it on every request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub IpAddr);

/// Somebody at the desk. Nothing is shown without asking how they stand.
#[derive(Clone, Debug)]
pub(super) struct Visitor(Arc<Known>);

#[derive(Debug)]
struct Known {
    arrival: Arrival,
    sessions: Sessions,
    /// The path of ours that they asked for, as their browser knows it.
    here: String,
}

impl Visitor {
    /// Reads what is known of whoever sent a request, and the cookies to send
    /// back with its answer.
    pub(super) async fn of(desk: &Desk, parts: &Parts) -> Result<(Self, Vec<HeaderValue>), session::Fault> {
        let peer = parts.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0);
        let arrival = desk.settings.proxies.arrival(peer, &parts.headers);
        let is_secure = arrival.is_secure || desk.settings.base_url.is_secure();
        let arrival = Arrival { is_secure, ..arrival };
        let may_renew = matches!(parts.method, Method::GET | Method::HEAD);
        let (sessions, cookies) = session::shown(desk, &parts.headers, is_secure, may_renew).await?;
        let asked = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let base = &desk.settings.base_url;
        let here = base.own_path(asked).map_or_else(|| base.at(asked), str::to_owned);
        Ok((Self(Arc::new(Known { arrival, sessions, here })), cookies))
    }

    /// Somebody of whom nothing is known.
    pub(super) fn stranger() -> Self {
        let client = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let arrival = Arrival { client, is_secure: false, person: None };
        Self(Arc::new(Known { arrival, sessions: Sessions::default(), here: String::new() }))
    }

    pub(super) fn standing(&self, course: &CourseRules) -> Standing {
        course.admission.standing(self.session(&course.id).map(|session| session.role), self.person())
    }

    pub(super) fn may_read(&self, course: &CourseRules) -> bool {
        self.standing(course) >= Standing::Reader
    }

    /// The name that the school's sign-in gave them.
    pub(super) fn person(&self) -> Option<&Person> {
        self.0.arrival.person.as_ref()
    }

    pub(super) fn session(&self, course: &CourseId) -> Option<&Session> {
        self.0.sessions.get(course)
    }

    pub(super) fn client(&self) -> IpAddr {
        self.0.arrival.client
    }

    pub(super) fn is_secure(&self) -> bool {
        self.0.arrival.is_secure
    }

    pub(super) fn here(&self) -> &str {
        &self.0.here
    }

    /// What a form of ours carries, so that no other page can make it up: one
    /// for each sign-in and course. None for strangers.
    pub(super) fn form_token(&self, desk: &Desk, course: &CourseId) -> Option<String> {
        let who = match (self.session(course), self.person()) {
            (Some(session), _) => format!("session {}", session.family),
            (None, Some(person)) => format!("person {}", person.name),
            (None, None) => return None,
        };
        // Digests have one length, so no two of these are written alike.
        let whose = Digest::of(format!("{course} {who}").as_bytes()).to_string();
        let secret = Digest::from_bytes(desk.porter.secret?).to_string();
        Some(Digest::of(format!("{secret}{whose}").as_bytes()).to_string())
    }

    /// Whether a form is from a page that we showed to this visitor. What is
    /// compared are digests, so the time taken tells nothing of the token.
    pub(super) fn sent(&self, desk: &Desk, course: &CourseId, form: &Form) -> bool {
        let given = Digest::of(form.field("form_token").as_bytes());
        self.form_token(desk, course).is_some_and(|token| Digest::of(token.as_bytes()) == given)
    }
}

/// The guard around every request has put them there.
impl FromRequestParts<Arc<Desk>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Response> {
        if let Some(visitor) = parts.extensions.get::<Self>() {
            return Ok(visitor.clone());
        }
        let known = Self::of(desk, parts).await;
        known
            .map(|(visitor, _)| visitor)
            .map_err(|fault| crate::serve::visitor::signin::failed(fault).into_response())
    }
}
