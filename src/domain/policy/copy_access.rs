//! Whether students may open our copy of a link.
//!
//! By default a copy opens only while its original is confirmed dead and the term of its
//! course runs, as in the practice of course reserves. The rights of a link take
//! precedence over the course.

use jiff::civil::Date;

use crate::domain::address::Address;
use crate::domain::course::{Openness, Rights, RightsRule, Term};

/// The state of the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Original {
    Works,
    Failing,
    Dead,
    /// Another document is at its address.
    Replaced,
    /// The state does not matter: the course decided to use our copy.
    SetAside,
}

/// Why a copy does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Only signed-in readers may open it.
    NotAReader,
    TakenDown,
    Licensed,
    OutsideTerm,
    /// The original has not been confirmed dead.
    OriginalAvailable,
}

/// Everything that the decision depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyRequest {
    /// Whether the visitor is a reader of the course.
    pub is_reader: bool,
    pub course: Openness,
    pub rights: Rights,
    pub original: Original,
    pub term: Option<Term>,
    /// Today, in the course's time zone.
    pub today: Date,
}

/// Decides whether a copy opens. A course without a term is always in term.
///
/// # Errors
///
/// The reason why it stays closed, which the reader sees.
pub fn may_open(request: &CopyRequest) -> Result<(), Closed> {
    match (request.rights, request.course) {
        // A stranger must not see which links were taken down.
        _ if !request.is_reader => Err(Closed::NotAReader),
        (Rights::TakenDown, _) => Err(Closed::TakenDown),
        (Rights::Licensed, _) => Err(Closed::Licensed),
        (Rights::Own | Rights::OpenLicence, _) | (Rights::Unknown, Openness::Open) => Ok(()),
        (Rights::FairUse, _) | (Rights::Unknown, Openness::Dark) => {
            let runs = request.term.is_none_or(|term| (term.first..=term.last).contains(&request.today));
            match request.original {
                Original::Works | Original::Failing => Err(Closed::OriginalAvailable),
                Original::Dead | Original::Replaced | Original::SetAside if runs => Ok(()),
                Original::Dead | Original::Replaced | Original::SetAside => Err(Closed::OutsideTerm),
            }
        }
    }
}

/// Whether a copy opens to readers in every state of its original, in and out of term.
pub fn always_opens(course: Openness, rights: Rights) -> bool {
    match (rights, course) {
        (Rights::Own | Rights::OpenLicence, _) | (Rights::Unknown, Openness::Open) => true,
        (Rights::FairUse | Rights::Licensed | Rights::TakenDown, _) | (Rights::Unknown, Openness::Dark) => {
            false
        }
    }
}

/// The rights of a link: those of the first rule that fits. Without such a rule a
/// file of the course itself is the course's own, and the rights of any other
/// link are unknown.
pub fn rights_of(link: &Address, rules: &[RightsRule], is_own: bool) -> Rights {
    let stated = rules.iter().find(|rule| link.as_str().contains(&rule.pattern));
    match stated {
        Some(rule) => rule.rights,
        None if is_own => Rights::Own,
        None => Rights::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const TERM: Term = Term { first: date(2026, 9, 14), last: date(2026, 12, 4) };

    fn request(course: Openness, rights: Rights, original: Original) -> CopyRequest {
        let today = date(2026, 10, 1);
        CopyRequest { is_reader: true, course, rights, original, term: Some(TERM), today }
    }

    #[test]
    fn a_dark_archive_opens_copies_of_dead_originals_in_term() {
        let dark = |original| request(Openness::Dark, Rights::Unknown, original);
        assert_eq!(may_open(&dark(Original::Dead)), Ok(()));
        assert_eq!(may_open(&dark(Original::SetAside)), Ok(()));
        assert_eq!(may_open(&dark(Original::Replaced)), Ok(()));
        assert_eq!(may_open(&dark(Original::Failing)), Err(Closed::OriginalAvailable));
        for (today, opens) in
            [(date(2026, 9, 13), false), (TERM.first, true), (TERM.last, true), (date(2026, 12, 5), false)]
        {
            let asked = may_open(&CopyRequest { today, ..dark(Original::Dead) });
            assert_eq!(asked, if opens { Ok(()) } else { Err(Closed::OutsideTerm) }, "{today}");
        }
        let endless = CopyRequest { term: None, today: date(2030, 1, 1), ..dark(Original::Dead) };
        assert_eq!(may_open(&endless), Ok(()));
    }

    #[test]
    fn the_rights_of_a_link_take_precedence_over_its_course() {
        for course in [Openness::Open, Openness::Dark] {
            for original in [Original::Works, Original::Failing, Original::Dead, Original::SetAside] {
                let ask = |rights| may_open(&request(course, rights, original));
                assert_eq!(ask(Rights::TakenDown), Err(Closed::TakenDown));
                assert_eq!(ask(Rights::Licensed), Err(Closed::Licensed));
                assert_eq!(ask(Rights::Own), Ok(()));
                assert_eq!(ask(Rights::OpenLicence), Ok(()));
                let stands = matches!(original, Original::Works | Original::Failing);
                assert_eq!(ask(Rights::FairUse).is_ok(), !stands);
                for rights in [Rights::Own, Rights::OpenLicence, Rights::FairUse, Rights::Unknown] {
                    assert!(!always_opens(course, rights) || ask(rights) == Ok(()), "{rights:?}");
                }
            }
        }
    }

    #[test]
    fn strangers_open_nothing_with_any_rights() {
        for rights in [
            Rights::Own,
            Rights::OpenLicence,
            Rights::FairUse,
            Rights::Licensed,
            Rights::TakenDown,
            Rights::Unknown,
        ] {
            let asked = CopyRequest { is_reader: false, ..request(Openness::Open, rights, Original::Dead) };
            assert_eq!(may_open(&asked), Err(Closed::NotAReader));
        }
    }

    #[test]
    fn the_first_matching_rule_counts() {
        let rule = |pattern: &str, rights| RightsRule { pattern: pattern.to_owned(), rights };
        let rules = [rule("/open/", Rights::OpenLicence), rule("press.example", Rights::Licensed)];
        let of = |link, is_own| rights_of(&Address::parse(link).unwrap(), &rules, is_own);
        assert_eq!(of("https://press.example/open/1.pdf", false), Rights::OpenLicence);
        assert_eq!(of("https://press.example/2.pdf", true), Rights::Licensed);
        assert_eq!(of("https://other.example/", false), Rights::Unknown);
        assert_eq!(of("https://other.example/", true), Rights::Own);
    }
}
