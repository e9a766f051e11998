//! The words for what can stand in for a dead link.

use crate::domain::replacement::{Ground, Proof, Replacement};
use crate::domain::report::CourseFacts;
use crate::domain::report::figures::{count, local_day};
use crate::domain::report::plain::tame;

/// "its page on arXiv (1706.03762), the same title and the same 15 pages as our copy, opened Mon 5 Oct:"
pub fn told(night: &CourseFacts, replacement: &Replacement) -> String {
    let seen = local_day(replacement.seen_at, &night.time_zone, night.today);
    format!("{}, opened {seen}:", trusted_because(night, replacement))
}

/// What it is, and why it is the same work.
pub fn trusted_because(night: &CourseFacts, replacement: &Replacement) -> String {
    let pages = replacement.pages.filter(|_| replacement.proof != Proof::Bytes);
    let pages =
        pages.map(|pages| format!(" and the same {}", count(pages as usize, "page"))).unwrap_or_default();
    let proof = match replacement.proof {
        Proof::Bytes => ", byte for byte our copy".to_owned(),
        Proof::Text => format!(", the same text{pages} as our copy"),
        Proof::Title => format!(", the same title{pages} as our copy"),
        Proof::Words => ", whose title is what the link says".to_owned(),
        Proof::Identifier => String::new(),
        Proof::Nothing => ", not compared, because we have no copy".to_owned(),
    };
    format!("{}{proof}", ground(night, &replacement.ground))
}

fn ground(night: &CourseFacts, ground: &Ground) -> String {
    match ground {
        Ground::Moved => "the new address that its host gave before".to_owned(),
        Ground::Arxiv(id) => format!("its page on arXiv ({})", tame(id)),
        // Its dots would make an address of it for some mail programs.
        Ground::Doi(_) => "its permanent address (DOI)".to_owned(),
        Ground::OwnLink => "another address that we visit every night".to_owned(),
        Ground::Memento(at) => {
            format!("a web archive's copy of {}", local_day(*at, &night.time_zone, night.today))
        }
    }
}
