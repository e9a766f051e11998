//! The words around the entries of a report: headings of sections, their notes,
//! and the closing. The subject and the first sentences are in `opening`.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::course::EmailAddress;
use crate::domain::decision::Choice;
use crate::domain::evidence::Reason;
use crate::domain::report::figures::{count, day, hours, list, local_day, number, size};
use crate::domain::report::placement::SectionHeading;
use crate::domain::report::tally::ReportTally;
use crate::domain::report::wording::{actions, decision, opening, revisit};
use crate::domain::report::{CourseFacts, wording};

/// The link to the page that stops the emails.
pub const STOP: &str = "Stop these emails";

/// The link to the page that lists every link.
pub const ALL_LINKS: &str = "All links and their state";

/// The most names of links that work again; the rest is a number.
const NAMES_SHOWN: usize = 3;

/// The name of a section; `is_new` if it has news.
pub fn heading(course: &CourseFacts, heading: SectionHeading, is_new: bool) -> &'static str {
    match heading {
        SectionHeading::NeedsYou => "NEEDS YOU",
        SectionHeading::NotConfirmedButDue => "NOT CONFIRMED, BUT DUE SOON",
        SectionHeading::FoundNotWorking => "FOUND NOT WORKING",
        SectionHeading::NewlyDead if course.students_get_copies && are_copies_open(course) => {
            "NEWLY DEAD, STUDENTS COVERED"
        }
        SectionHeading::NewlyDead => "NEWLY DEAD, COPY KEPT",
        SectionHeading::Changed => "CHANGED",
        SectionHeading::Moved => "MOVED",
        SectionHeading::Restricted if course.is_first || !is_new => "ASKS FOR AN ACCOUNT",
        SectionHeading::Restricted => "NOW ASKS FOR AN ACCOUNT",
        SectionHeading::NotAnswering => "NOT ANSWERING",
        SectionHeading::SmallPoints => "SMALL POINTS",
        SectionHeading::CouldNotCheck => "COULD NOT CHECK",
        SectionHeading::Fixed => "FIXED SINCE LAST REPORT",
        SectionHeading::StillDead => "STILL DEAD",
        SectionHeading::NotYetConfirmed => "NOT YET CONFIRMED",
        SectionHeading::Decided => "AS DECIDED",
    }
}

/// Whether the copies that replace links are open today, or at least none of them opens later.
fn are_copies_open(course: &CourseFacts) -> bool {
    course.links.iter().all(|link_facts| link_facts.copy_opens_on.is_none())
}

/// Links that work again, by name.
pub fn fixed(names: &[String]) -> String {
    let verb = if names.len() == 1 { "works" } else { "work" };
    format!("{} {verb} again.", list(names, NAMES_SHOWN))
}

/// The note on links that earlier reports listed.
pub fn standing(heading: SectionHeading, course: &CourseFacts, facts: &KnownLinks) -> String {
    match heading {
        SectionHeading::StillDead => {
            let since = facts.oldest.map(|at| local_day(at, &course.time_zone, course.today));
            let since = since.map_or_else(String::new, |since| format!("since {since}; "));
            match (facts.links, facts.kept) {
                (1, 0) => format!("{since}no copy."),
                (1, _) => format!("{since}our copy is kept."),
                (_, 0) => format!("the first {since}no copies."),
                (links, kept) => {
                    let first = if since.is_empty() { "" } else { "the first " };
                    format!("{first}{since}copies {}", wording::group::copies_of_group(kept, links))
                }
            }
        }
        SectionHeading::Changed => "reported before; accept the new version to end this.".to_owned(),
        SectionHeading::Moved => "reported before; the page still has the old address.".to_owned(),
        SectionHeading::Decided => decided(&facts.choices),
        SectionHeading::NotYetConfirmed => "failed lately; not yet confirmed by enough nights.".to_owned(),
        SectionHeading::CouldNotCheck => match facts.most_often {
            Some((reason, n)) if n == facts.links && reason == Reason::NotChecked => {
                format!("{}.", wording::reason(reason, None))
            }
            Some((reason, n)) if facts.links > 1 => {
                format!(
                    "as in the last report; the most frequent reason: {} ({n}).",
                    wording::reason(reason, None)
                )
            }
            Some(_) | None => "as before.".to_owned(),
        },
        SectionHeading::NeedsYou
        | SectionHeading::NotConfirmedButDue
        | SectionHeading::FoundNotWorking
        | SectionHeading::NewlyDead
        | SectionHeading::Restricted
        | SectionHeading::NotAnswering
        | SectionHeading::SmallPoints
        | SectionHeading::Fixed => "as before.".to_owned(),
    }
}

/// The decisions, counted: "2 no longer reported as dead, 1 snoozed."
fn decided(choices: &[Choice]) -> String {
    let of = |is_it: fn(&Choice) -> bool, words: &str| {
        let n = choices.iter().filter(|choice| is_it(choice)).count();
        (n > 0).then(|| format!("{} {words}", number(n as u64)))
    };
    let parts = [
        of(|choice| matches!(choice, Choice::AcceptedDead), decision::NO_LONGER_DEAD),
        of(|choice| matches!(choice, Choice::NotBroken), decision::MARKED_AS_FINE),
        of(|choice| matches!(choice, Choice::Snoozed(_)), "snoozed"),
        of(|choice| matches!(choice, Choice::OurCopy(_)), decision::REPLACED_BY_COPY),
        of(|choice| matches!(choice, Choice::ReplacedBy(_)), decision::TO_BE_REPLACED),
    ];
    format!("{}.", list(&parts.into_iter().flatten().collect::<Vec<_>>(), usize::MAX))
}

/// Figures of the links of a section that earlier reports listed.
#[derive(Clone, Debug, Default)]
pub struct KnownLinks {
    pub links: usize,
    pub kept: usize,
    pub oldest: Option<Timestamp>,
    pub most_often: Option<(Reason, usize)>,
    /// The decisions about them.
    pub choices: Vec<Choice>,
}

/// The note after the entries of a section.
pub fn and_more(note: &str, n: usize) -> String {
    format!("{} more, {note}", number(n as u64))
}

/// The sentence after the last entry that fits.
pub fn not_listed(n: usize) -> String {
    format!("And {} more, not listed here.", number(n as u64))
}

/// When the links were checked, and how many copies are kept.
pub fn closing(course: &CourseFacts, tally: &ReportTally) -> String {
    let on = local_day(course.started, &course.time_zone, course.today);
    let judged = match course.void {
        Some(_) => format!("{} of {} judged", number(tally.judged as u64), count(tally.links, "link")),
        None if tally.left_for_later > 0 => {
            let checked = number((tally.links - tally.left_for_later) as u64);
            format!("{checked} of {} checked", count(tally.links, "link"))
        }
        None => format!("{} checked", count(tally.links, "link")),
    };
    let hours = hours(course.started, course.finished, &course.time_zone);
    let mut sentences = vec![format!("{judged} {on}, {hours}.")];
    sentences.extend(revisit::left_for_later(course, tally.left_for_later, tally.awaiting_first_visit));
    if let Some(problem) = course.page_problem.as_ref().filter(|_| course.reported_problem().is_none()) {
        let problem = opening::problem_subject(problem);
        let used = if course.page_never_read { "" } else { "; its last good reading was used" };
        sentences.push(format!("{problem}{used}."));
    }
    sentences.push(match (tally.kept, tally.kept_new) {
        (0, _) => "No copies stored.".to_owned(),
        (1, _) => "1 copy stored.".to_owned(),
        (kept, 0) => format!("{} copies stored, none new.", number(kept as u64)),
        (kept, new) => format!(
            "{} copies stored, {} new ({}).",
            number(kept as u64),
            number(new as u64),
            size(tally.new_bytes)
        ),
    });
    sentences.extend(short_copies(tally.kept_short));
    if tally.verified.sound + tally.verified.unsound > 0 {
        sentences.extend(actions::fixity(&tally.verified));
    }
    sentences.join(" ")
}

/// The links of which the work itself is not kept, and what helps.
fn short_copies(links: usize) -> Option<String> {
    let of = match links {
        0 => return None,
        1 => "Of 1 more link".to_owned(),
        links => format!("Of {} more links", number(links as u64)),
    };
    Some(format!(
        "{of} only the page about the work is kept, because the document could not be fetched. A link to the document itself, for example on arXiv, is kept whole."
    ))
}

/// When the next report comes.
pub fn next(due: Option<Date>, today: Date) -> String {
    match due {
        Some(due) => format!("Next report: when something changes, and {} at the latest.", day(due, today)),
        None => "Next report: when something changes.".to_owned(),
    }
}

/// Who answers questions.
pub fn questions(contact: &EmailAddress) -> String {
    format!("Questions? Reply to this email, or write to {contact}.")
}

/// The traffic of the night, for the terminal.
pub fn traffic(course: &CourseFacts) -> String {
    format!(
        "{}, {} received.",
        count(usize::try_from(course.requests).unwrap_or(usize::MAX), "request"),
        crate::domain::report::figures::size(course.bytes)
    )
}
