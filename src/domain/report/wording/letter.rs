//! The words of a whole report: subject, opening, headings, closing.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::decision::Choice;
use crate::domain::evidence::Reason;
use crate::domain::report::digest::Tally;
use crate::domain::report::figures::{count, day, hours, list, number};
use crate::domain::report::place::Heading;
use crate::domain::report::{Night, PageTrouble, wording};

/// Leads to the page on which a link is decided on.
pub fn act(heading: Heading) -> &'static str {
    if heading == Heading::Changed { "Accept the new version or snooze" } else { "Fix, replace or snooze" }
}

/// Leads to the page on which the letters are stopped.
pub const STOP: &str = "Stop these mails";

pub const THE_COURSE_PAGE: &str = "The course page itself";
pub const LAST_GOOD_READING: &str =
    "checked the links of its last good reading; nothing is taken for removed.";

/// A subject longer than this is cut off in most lists of mails.
const SUBJECT_LENGTH: usize = 50;

/// Names told of the links that work again; the rest is a number.
const NAMES_SHOWN: usize = 3;

pub fn heading(night: &Night, heading: Heading) -> &'static str {
    match heading {
        Heading::NeedsYou => "NEEDS YOU",
        Heading::NotConfirmedButDue => "NOT CONFIRMED, BUT DUE SOON",
        Heading::FoundNotWorking => "FOUND NOT WORKING",
        Heading::NewlyDead if night.students_get_copies => "NEWLY DEAD, STUDENTS COVERED",
        Heading::NewlyDead => "NEWLY DEAD, COPY KEPT",
        Heading::Changed => "CHANGED",
        Heading::Moved => "MOVED",
        Heading::Restricted if night.is_first => "ASKS FOR AN ACCOUNT",
        Heading::Restricted => "NOW ASKS FOR AN ACCOUNT",
        Heading::NotAnswering => "NOT ANSWERING",
        Heading::SmallPoints => "SMALL POINTS",
        Heading::CouldNotCheck => "COULD NOT CHECK",
        Heading::Fixed => "FIXED SINCE LAST REPORT",
        Heading::StillDead => "STILL DEAD",
        Heading::NotYetConfirmed => "NOT YET CONFIRMED",
        Heading::Decided => "AS DECIDED",
    }
}

/// The subject of a report; the page's own text never stands in it.
pub fn subject(night: &Night, tally: &Tally) -> String {
    let tag = format!("[{}]", night.course.as_str().to_uppercase());
    let today = day(night.today, night.today);
    let texts = if night.void.is_some() {
        vec![format!("Links not checked on {today}")]
    } else if let Some(trouble) = &night.page_trouble {
        vec![trouble_subject(trouble).to_owned()]
    } else if night.is_first {
        let all = count(tally.links, "link");
        vec![
            format!("First check: {all}, {} to look at", number(tally.detailed() as u64)),
            format!("First check: {all}"),
        ]
    } else {
        news_subjects(night, tally)
    };
    let subjects: Vec<String> = texts.iter().map(|text| format!("{tag} {text}")).collect();
    let fitting = subjects.iter().find(|subject| subject.len() <= SUBJECT_LENGTH);
    fitting.or(subjects.last()).cloned().unwrap_or(tag)
}

fn trouble_subject(trouble: &PageTrouble) -> &'static str {
    match trouble {
        PageTrouble::Unreachable { .. } => "The course page could not be read",
        PageTrouble::Shrunken { .. } => "Many links left the course page at once",
        PageTrouble::NotThePage { .. } => "The course page shows another page",
    }
}

/// Most telling first; the shorter ones are for long course names.
fn news_subjects(night: &Night, tally: &Tally) -> Vec<String> {
    let parts = news_parts(tally);
    let Some((n, first, _)) = parts.first() else {
        let today = day(night.today, night.today);
        let all = count(tally.links, "link");
        return if tally.all_fine() {
            vec![format!("All {all} fine, {today}"), format!("All {all} fine")]
        } else {
            vec![format!("Nothing new on {all}, {today}"), "Nothing new".to_owned()]
        };
    };
    let lead = format!("{} {first}", number(*n as u64));
    let mut subjects = Vec::new();
    if let Some((due, n)) = tally.urgent {
        let when = day(due, night.today);
        subjects.push(format!("{lead}, {n} due {when}"));
        subjects.push(format!("{lead}, {when}"));
    }
    for shown in (1..parts.len()).rev() {
        let more: Vec<String> =
            parts.iter().skip(1).take(shown).map(|(n, _, short)| format!("{n} {short}")).collect();
        subjects.push(format!("{lead}, {}", more.join(", ")));
    }
    subjects.push(lead);
    subjects
}

/// What is new, gravest first: how many, in full, and in short after something else.
fn news_parts(tally: &Tally) -> Vec<(usize, &'static str, &'static str)> {
    let many = |n: usize, one: &'static str, more: &'static str| if n == 1 { one } else { more };
    let told = |heading| tally.told(heading);
    let restricted = told(Heading::Restricted) + tally.restricted_uncovered;
    let all = [
        (tally.newly_dead, many(tally.newly_dead, "new dead link", "new dead links"), "newly dead"),
        (
            tally.dead_due,
            many(tally.dead_due, "dead link due soon", "dead links due soon"),
            "still dead and due soon",
        ),
        (
            tally.undecided,
            many(tally.undecided, "link to decide on again", "links to decide on again"),
            "to decide on again",
        ),
        (
            told(Heading::NotConfirmedButDue),
            many(told(Heading::NotConfirmedButDue), "link may be down", "links may be down"),
            "perhaps down",
        ),
        (told(Heading::Changed), many(told(Heading::Changed), "link changed", "links changed"), "changed"),
        (restricted, many(restricted, "link needs an account", "links need an account"), "behind an account"),
        (told(Heading::Moved), many(told(Heading::Moved), "link moved", "links moved"), "moved"),
        (
            told(Heading::NotAnswering),
            many(told(Heading::NotAnswering), "link not answering", "links not answering"),
            "not answering",
        ),
        (
            tally.points,
            many(tally.points, "defect of the page", "defects of the page"),
            many(tally.points, "page defect", "page defects"),
        ),
        (told(Heading::Fixed), many(told(Heading::Fixed), "link works again", "links work again"), "fixed"),
        (
            told(Heading::CouldNotCheck),
            many(told(Heading::CouldNotCheck), "link could not be checked", "links could not be checked"),
            "not checkable",
        ),
        (
            told(Heading::SmallPoints),
            many(told(Heading::SmallPoints), "small point", "small points"),
            many(told(Heading::SmallPoints), "small point", "small points"),
        ),
    ];
    all.into_iter().filter(|(n, ..)| *n > 0).collect()
}

/// What is broken, what students get, what to do: in this order.
pub fn opening(night: &Night, tally: &Tally) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some(void) = &night.void {
        let today = day(night.today, night.today);
        let none = if night.is_first { "Most links were not judged" } else { "No link was judged" };
        sentences.push(format!("{none} on {today}: {}", wording::void(void)));
        if night.is_first && tally.numbered > 0 {
            sentences.push("What answered all the same is told below.".to_owned());
        }
        return sentences;
    }
    if let Some(trouble) = &night.page_trouble {
        sentences.push(format!("{}.", trouble_subject(trouble)));
    }
    if night.is_first {
        sentences.extend(baseline(night, tally));
    } else {
        sentences.push(broken(tally));
        sentences.extend(covered(night, tally));
    }
    sentences.push(to_do(night, tally));
    sentences
}

fn baseline(night: &Night, tally: &Tally) -> Vec<String> {
    let failed = tally.failed_first;
    let mut sentences = vec![format!(
        "This is the first check of the {} on the page: a baseline, not news.",
        count(tally.links, "link")
    )];
    sentences.push(match failed {
        0 => "None of them failed.".to_owned(),
        1 => "1 did not open as expected; the coming nights will tell whether it is gone.".to_owned(),
        n => format!("{n} did not open as expected; the coming nights will tell which are gone."),
    });
    if tally.kept > 0 {
        let whose = if night.students_get_copies { "ready for students" } else { "kept" };
        sentences.push(format!("Copies of {} are {whose}.", number(tally.kept as u64)));
    }
    sentences
}

/// "3 of 169 links are newly dead, 2 changed and 1 moved."
fn broken(tally: &Tally) -> String {
    let parts = news_parts(tally);
    let all = number(tally.links as u64);
    let Some((n, first, _)) = parts.first() else {
        return if tally.all_fine() {
            format!("All {} work.", count(tally.links, "link"))
        } else {
            format!("Nothing new on {}.", count(tally.links, "link"))
        };
    };
    let more: Vec<String> =
        parts.iter().skip(1).map(|(n, _, short)| format!("{} {short}", number(*n as u64))).collect();
    if tally.newly_dead > 0 {
        let verb = if *n == 1 { "is" } else { "are" };
        let head = format!("{} of {all} links {verb} newly dead", number(*n as u64));
        return match more.as_slice() {
            [] => format!("{head}."),
            more => format!("{head}; also {}.", list(more, usize::MAX)),
        };
    }
    let mut said = vec![format!("{} {first}", number(*n as u64))];
    said.extend(more);
    format!("Of {all} links: {}.", list(&said, usize::MAX))
}

fn covered(night: &Night, tally: &Tally) -> Option<String> {
    let (dead, kept) = (tally.newly_dead, tally.newly_dead_kept);
    let (who, copy) = if night.students_get_copies {
        ("Students already get our", ("copy", "copies"))
    } else {
        ("We keep", ("a copy", "copies"))
    };
    match (dead, kept) {
        (0, _) => None,
        (1, 0) => Some("We have no copy of it.".to_owned()),
        (_, 0) => Some("We have no copy of them.".to_owned()),
        (1, _) => Some(format!("{who} {} of it.", copy.0)),
        (dead, kept) if dead == kept => {
            Some(format!("{who} {} of {}.", copy.1, if dead == 2 { "both" } else { "all" }))
        }
        (_, 1) => Some(format!("{who} {} of one.", copy.0)),
        (_, kept) => Some(format!("{who} {} of {}.", copy.1, number(kept as u64))),
    }
}

fn to_do(night: &Night, tally: &Tally) -> String {
    let by = |date: Date| day(date, night.today);
    let yours = match (tally.items_for_you, tally.yours_due) {
        (0, _) => None,
        (1, None) => Some("Item 1 needs you.".to_owned()),
        (2, None) => Some("Items 1 and 2 need you.".to_owned()),
        (n, None) => Some(format!("Items 1 to {n} need you.")),
        (1, Some(due)) => Some(format!("Item 1 needs you by {}.", by(due))),
        (2, Some(due)) => Some(format!("Items 1 and 2 need you, the first by {}.", by(due))),
        (n, Some(due)) => Some(format!("Items 1 to {n} need you, the first by {}.", by(due))),
    };
    let unconfirmed = tally.unconfirmed_due.map(|due| match tally.told(Heading::NotConfirmedButDue) {
        1 => format!("Please try the unconfirmed one by {}.", by(due)),
        _ => format!("Please try the unconfirmed ones, the first by {}.", by(due)),
    });
    match (yours, unconfirmed) {
        (None, None) if tally.numbered > 0 => "Nothing is urgent.".to_owned(),
        (None, None) => "Nothing to do.".to_owned(),
        (Some(one), None) | (None, Some(one)) => one,
        (Some(yours), Some(unconfirmed)) => format!("{yours} {unconfirmed}"),
    }
}

/// Links that work again, by name.
pub fn fixed(names: &[String]) -> String {
    let verb = if names.len() == 1 { "works" } else { "work" };
    format!("{} {verb} again.", list(names, NAMES_SHOWN))
}

/// What is known of links that were told before.
pub fn standing(heading: Heading, night: &Night, facts: &Standing) -> String {
    match heading {
        Heading::StillDead => {
            let since =
                facts.oldest.map(|at| day(at.to_zoned_datetime(night.time_zone.clone()).date(), night.today));
            let since = since.map(|since| format!("the first since {since}; ")).unwrap_or_default();
            format!("{since}copies {}", wording::item::copies_of_group(facts.kept, facts.links))
        }
        Heading::Changed => "told before; counted until you accept the new version.".to_owned(),
        Heading::Moved => "told before; the page still has the old address.".to_owned(),
        Heading::Decided => decided(&facts.choices),
        Heading::NotYetConfirmed => "failed lately; told here once enough nights agree.".to_owned(),
        Heading::CouldNotCheck => match facts.most_often {
            Some((reason, n)) if n == facts.links && reason == Reason::NotChecked => {
                format!("{}.", wording::reason(reason, None))
            }
            Some((reason, n)) if facts.links > 1 => {
                format!("as before; most often: {} ({n}).", wording::reason(reason, None))
            }
            Some(_) | None => "as before.".to_owned(),
        },
        Heading::NeedsYou
        | Heading::NotConfirmedButDue
        | Heading::FoundNotWorking
        | Heading::NewlyDead
        | Heading::Restricted
        | Heading::NotAnswering
        | Heading::SmallPoints
        | Heading::Fixed => "as before.".to_owned(),
    }
}

/// "2 accepted as dead, 1 snoozed.": what was decided, most frequent words first.
fn decided(choices: &[Choice]) -> String {
    let of = |is_it: fn(&Choice) -> bool, words: &str| {
        let n = choices.iter().filter(|choice| is_it(choice)).count();
        (n > 0).then(|| format!("{} {words}", number(n as u64)))
    };
    let parts = [
        of(|choice| matches!(choice, Choice::AcceptedDead), "accepted as dead"),
        of(|choice| matches!(choice, Choice::NotBroken), "not broken"),
        of(|choice| matches!(choice, Choice::Snoozed(_)), "snoozed"),
        of(|choice| matches!(choice, Choice::OurCopy(_)), "read in our copy"),
    ];
    format!("{}.", list(&parts.into_iter().flatten().collect::<Vec<_>>(), usize::MAX))
}

/// Figures of the links of a section that were told before.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    pub links: usize,
    pub kept: usize,
    pub oldest: Option<Timestamp>,
    pub most_often: Option<(Reason, usize)>,
    /// What was decided of them.
    pub choices: Vec<Choice>,
}

/// After the entries of a section: what else is in it.
pub fn and_more(note: &str, n: usize) -> String {
    format!("{} more, {note}", number(n as u64))
}

/// After the last entry that fits.
pub fn not_listed(n: usize) -> String {
    format!("And {} more, not listed here.", number(n as u64))
}

/// When it was checked and what is kept.
pub fn closing(night: &Night, tally: &Tally) -> String {
    let on: Date = night.started.to_zoned_datetime(night.time_zone.clone()).date();
    let checked = format!(
        "{} checked {}, {}.",
        count(tally.links, "link"),
        day(on, night.today),
        hours(night.started, night.finished, &night.time_zone)
    );
    let kept = match (tally.kept, tally.kept_new) {
        (0, _) => "No copies stored.".to_owned(),
        (1, _) => "1 copy stored.".to_owned(),
        (kept, 0) => format!("{} copies stored, none new.", number(kept as u64)),
        (kept, new) => format!("{} copies stored, {} new.", number(kept as u64), number(new as u64)),
    };
    format!("{checked} {kept}")
}

/// When the reader hears again.
pub fn next(due: Option<Date>, today: Date) -> String {
    match due {
        Some(due) => format!("Next report: when something changes, and {} at the latest.", day(due, today)),
        None => "Next report: when something changes.".to_owned(),
    }
}

/// Opens a letter that is sent because a term begins.
pub fn before_term(first: Date, today: Date) -> String {
    format!("The term begins {}; this is how the links stand.", day(first, today))
}

/// What the night cost, for the person at the terminal.
pub fn traffic(night: &Night) -> String {
    format!(
        "{}, {} received.",
        count(usize::try_from(night.requests).unwrap_or(usize::MAX), "request"),
        crate::domain::report::figures::size(night.bytes)
    )
}
