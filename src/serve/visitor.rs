//! Who asks: where the request came from, and how they stand with each course.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::desk::Desk;
use super::proxy::Arrival;
use super::settings::CourseRules;
use crate::domain::policy::admission::{Person, Standing};

/// The address at the other end of a connection; the door puts it on every request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub IpAddr);

/// Somebody at the desk. Nothing is shown without asking how they stand.
#[derive(Clone, Debug)]
pub(super) struct Visitor(Arc<Known>);

#[derive(Debug)]
struct Known {
    arrival: Arrival,
}

impl Visitor {
    /// Reads what is known of whoever sent a request.
    pub(super) fn of(desk: &Desk, parts: &Parts) -> Self {
        let peer = parts.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0);
        let arrival = desk.settings.proxies.arrival(peer, &parts.headers);
        Self(Arc::new(Known { arrival }))
    }

    pub(super) fn standing(&self, course: &CourseRules) -> Standing {
        course.admission.standing(None, self.person())
    }

    pub(super) fn may_read(&self, course: &CourseRules) -> bool {
        self.standing(course) >= Standing::Reader
    }

    /// The name that the school's sign-in gave them.
    pub(super) fn person(&self) -> Option<&Person> {
        self.0.arrival.person.as_ref()
    }
}

/// The guard around every request has put them there.
impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let nobody = || {
            let client = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
            Self(Arc::new(Known { arrival: Arrival { client, is_secure: false, person: None } }))
        };
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(nobody))
    }
}
