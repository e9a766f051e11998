//! The words for the replacement of a dead link.

use crate::domain::replacement::{Ground, Proof, Replacement};
use crate::domain::report::CourseFacts;
use crate::domain::report::figures::{count, local_day};
use crate::domain::report::plain::tame;

/// "its page on arXiv (1706.03762), the same title and the same 15 pages as our copy, opened Mon 5 Oct:"
pub fn described(course: &CourseFacts, replacement: &Replacement) -> String {
    let seen = local_day(replacement.seen_at, &course.time_zone, course.today);
    format!("{}, opened {seen}:", trusted_because(course, replacement))
}

/// What the replacement is, and why it is the same work.
pub fn trusted_because(course: &CourseFacts, replacement: &Replacement) -> String {
    let pages = replacement.pages.filter(|_| replacement.proof != Proof::Bytes);
    let pages =
        pages.map_or_else(String::new, |pages| format!(" and the same {}", count(pages as usize, "page")));
    let proof = match replacement.proof {
        Proof::Bytes => ", the same bytes as our copy".to_owned(),
        Proof::Text => format!(", the same text{pages} as our copy"),
        Proof::Title => format!(", the same title{pages} as our copy"),
        Proof::Words => ", with the title that the link names".to_owned(),
        Proof::Identifier => String::new(),
        Proof::Nothing => ", not compared, because we have no copy".to_owned(),
    };
    format!("{}{proof}", ground(course, &replacement.ground))
}

fn ground(course: &CourseFacts, ground: &Ground) -> String {
    match ground {
        Ground::Moved => "the new address that the host gave earlier".to_owned(),
        Ground::Arxiv(id) => format!("its page on arXiv ({})", tame(id)),
        // Some mail programs would make a link of the DOI itself.
        Ground::Doi(_) => "its permanent address (DOI)".to_owned(),
        Ground::OwnLink => "another address that we visit every night".to_owned(),
        Ground::Memento(at) => {
            format!("a web archive's copy of {}", local_day(*at, &course.time_zone, course.today))
        }
    }
}
