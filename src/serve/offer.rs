//! What a reader is offered of a link: the original, our copy, or a place that explains.
//!
//! The list, `/go` and the script for course pages all take their links from here.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::desk::{Desk, Found};
use crate::domain::capture::Capture;
use crate::domain::course::Rights;
use crate::domain::policy::access::{Closed, Original};
use crate::domain::verdict::State;

/// After so many failing nights a reader is told before being sent.
const NIGHTS_TO_WARN: u32 = 2;

/// Where a click leads, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// The original, or its door at the library.
    Original(String),
    /// It may be down: the reader chooses.
    Doubtful { original: String, copy: Capture },
    /// It is gone; ours opens.
    Copy(Capture),
    /// It is gone; ours stays closed.
    Closed(Closed),
    /// It is gone, and we have none.
    Nothing,
}

/// What is offered of a link today.
pub(super) fn offer(desk: &Desk, found: &Found) -> Offer {
    let may_open = desk.may_open(found);
    let original = || found.item().link.as_str().to_owned();
    match (found.original(), found.rights(), found.copy(), may_open) {
        (_, Rights::TakenDown, ..) => Offer::Closed(Closed::TakenDown),
        (_, Rights::Licensed, ..) => Offer::Original(library_door(desk, found)),
        // Where the copy does not open, whatever is left of the original does.
        (Original::Dead | Original::SetAside, _, Some(copy), Ok(())) => Offer::Copy(copy.clone()),
        (Original::SetAside, ..) if !found.is_dead() => Offer::Original(original()),
        // Whether there is a copy is for readers to know.
        (Original::Dead | Original::SetAside, _, _, Err(Closed::ToStrangers)) => {
            Offer::Closed(Closed::ToStrangers)
        }
        (Original::Dead | Original::SetAside, _, Some(_), Err(closed)) => Offer::Closed(closed),
        (Original::Dead | Original::SetAside, _, None, _) => Offer::Nothing,
        (Original::Failing, _, Some(copy), Ok(())) if found.item().verdict.nights >= NIGHTS_TO_WARN => {
            Offer::Doubtful { original: original(), copy: copy.clone() }
        }
        (Original::Failing | Original::Works, ..) => Offer::Original(original()),
    }
}

/// The address of the original for readers who want to try it themselves;
/// none where it belongs to someone else now, or its owner asked us to stop.
pub(super) fn original(desk: &Desk, found: &Found) -> Option<String> {
    match (&found.item().verdict.state, found.rights()) {
        (State::Dead { reason } | State::Changed { reason, .. }, _) if reason.is_hostile() => None,
        (_, Rights::TakenDown) => None,
        (_, Rights::Licensed) => Some(library_door(desk, found)),
        (_, Rights::Own | Rights::OpenLicence | Rights::FairUse | Rights::Unknown) => {
            Some(found.item().link.as_str().to_owned())
        }
    }
}

/// Where the public web archive lists its own copies.
pub(super) fn elsewhere(found: &Found) -> String {
    format!("https://web.archive.org/web/*/{}", found.item().link)
}

fn library_door(desk: &Desk, found: &Found) -> String {
    let link = found.item().link.as_str();
    match &desk.settings.library_proxy {
        Some(proxy) => format!("{proxy}{}", utf8_percent_encode(link, NON_ALPHANUMERIC)),
        None => link.to_owned(),
    }
}
