//! Where a link leads today: to the original, to the copy, or to an explanation.
//!
//! The course page, `/go` and the API use the same decision.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::Library;
use super::course::LinkView;
use crate::domain::capture::Capture;
use crate::domain::course::Rights;
use crate::domain::policy::copy_access::{Closed, Original};
use crate::domain::verdict::State;

/// Failing nights after which a reader is warned instead of redirected.
const NIGHTS_BEFORE_WARNING: u32 = 2;

/// The target of a link for a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::serve) enum Availability {
    /// The original at this address, or the library's login page for it.
    Original(String),
    /// The original may be down, or another document is at its address. The reader
    /// chooses between it and the copy.
    Either(Capture),
    /// The original is gone, and the copy opens.
    Copy(Capture),
    /// The original is gone, and the copy does not open.
    Closed(Closed),
    /// The original is gone, and there is no copy.
    Nothing,
}

impl Availability {
    pub(in crate::serve) fn is_original_gone(&self) -> bool {
        match self {
            Self::Original(_) | Self::Either(_) => false,
            Self::Copy(_) | Self::Closed(_) | Self::Nothing => true,
        }
    }
}

pub(in crate::serve) fn availability(library: &Library, link: &LinkView) -> Availability {
    let may_open = library.may_open(link);
    let original = || link.facts().link.as_str().to_owned();
    // A stranger must not see that a link has special rights.
    let rights = if link.is_reader() { link.rights() } else { Rights::Unknown };
    match (link.original(), rights, link.copy(), may_open) {
        (_, Rights::TakenDown, ..) => Availability::Closed(Closed::TakenDown),
        // Readers cannot open a file of this machine.
        (_, _, copy, may_open) if link.is_local_file() => match (copy, may_open) {
            (Some(copy), Ok(())) => Availability::Copy(copy.clone()),
            (_, Err(Closed::NotAReader)) => Availability::Closed(Closed::NotAReader),
            (Some(_), Err(closed)) => Availability::Closed(closed),
            (None, _) => Availability::Nothing,
        },
        (_, Rights::Licensed, ..) => Availability::Original(library_login(library, link)),
        (Original::Dead | Original::SetAside, _, Some(copy), Ok(())) => Availability::Copy(copy.clone()),
        // The course uses a copy that does not open, so the original is offered if possible.
        (Original::SetAside, ..) if !link.is_dead() => Availability::Original(original()),
        // Only readers of the course may see whether there is a copy.
        (Original::Dead | Original::SetAside, _, _, Err(Closed::NotAReader)) => {
            Availability::Closed(Closed::NotAReader)
        }
        (Original::Dead | Original::SetAside, _, Some(_), Err(closed)) => Availability::Closed(closed),
        (Original::Dead | Original::SetAside, _, None, _) => Availability::Nothing,
        (Original::Replaced, _, Some(copy), Ok(())) => Availability::Either(copy.clone()),
        (Original::Failing, _, Some(copy), Ok(()))
            if link.facts().verdict.nights >= NIGHTS_BEFORE_WARNING =>
        {
            Availability::Either(copy.clone())
        }
        (Original::Failing | Original::Replaced | Original::Works, ..) => Availability::Original(original()),
    }
}

/// The address of the original, for readers who want to try it. `None` if the
/// address belongs to another owner now, the owner had the copy taken down, or it is a file
/// of this machine.
pub(in crate::serve) fn original_address(library: &Library, link: &LinkView) -> Option<String> {
    match (&link.facts().verdict.state, link.rights()) {
        (State::Dead { reason } | State::Changed { reason, .. }, _) if reason.is_hostile() => None,
        (_, Rights::TakenDown) => None,
        _ if link.is_local_file() => None,
        (_, Rights::Licensed) => Some(library_login(library, link)),
        (_, Rights::Own | Rights::OpenLicence | Rights::FairUse | Rights::Unknown) => {
            Some(link.facts().link.as_str().to_owned())
        }
    }
}

/// The list of copies in the Internet Archive, for an address of the web.
pub(in crate::serve) fn internet_archive_address(link: &LinkView) -> Option<String> {
    (!link.is_local_file()).then(|| format!("https://web.archive.org/web/*/{}", link.facts().link))
}

fn library_login(library: &Library, link: &LinkView) -> String {
    let link = link.facts().link.as_str();
    match &library.settings.library_proxy {
        Some(proxy) => format!("{proxy}{}", utf8_percent_encode(link, NON_ALPHANUMERIC)),
        None => link.to_owned(),
    }
}
