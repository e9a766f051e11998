//! The subject of a report and its first sentences: what is broken, what students
//! get, and what to do.

use jiff::civil::Date;

use crate::domain::report::course_report::CourseReport;
use crate::domain::report::facts::{CourseFacts, PageProblem};
use crate::domain::report::figures::{count, day, list, number};
use crate::domain::report::section::MAX_ENTRIES;
use crate::domain::report::tally::{NewsKind, ReportTally};
use crate::domain::report::wording;

/// Most mail programs cut longer subjects off.
const SUBJECT_LENGTH: usize = 50;

/// The subject of a report. It never contains text of the page.
pub fn subject(report: &CourseReport, tally: &ReportTally) -> String {
    let tag = format!("[{}]", report.facts.course.as_str().to_uppercase());
    let today = day(report.facts.today, report.facts.today);
    let texts = if report.facts.void.is_some() {
        vec![format!("Links not checked on {today}")]
    } else if let Some(problem) = report.new_problem().or_else(|| never_read(&report.facts)) {
        vec![problem_subject(problem).to_owned()]
    } else if report.facts.is_first {
        let all = count(tally.links, "link");
        vec![
            format!("First check: {all}, {} to look at", number(tally.to_look_at() as u64)),
            format!("First check: {all}"),
        ]
    } else if let Some(first) = report.kind.before_term {
        term_subjects(&report.facts, tally, first)
    } else {
        news_subjects(report, tally)
    };
    let subjects: Vec<String> = texts.iter().map(|text| format!("{tag} {text}")).collect();
    let fitting = subjects.iter().find(|subject| subject.len() <= SUBJECT_LENGTH);
    fitting.or(subjects.last()).cloned().unwrap_or(tag)
}

/// The problem of the page, in a few words.
pub(super) fn problem_subject(problem: &PageProblem) -> &'static str {
    match problem {
        PageProblem::Unreachable { .. } | PageProblem::NotAPage { .. } => "The course page could not be read",
        PageProblem::Shrunken { .. } => "Many links left the course page at once",
        PageProblem::NotThePage { .. } => "The course page shows another page",
        PageProblem::AsksForAccount { .. } => "The course page asks for an account",
        PageProblem::NoLinks { .. } => "The course page has no links",
    }
}

/// The problem of a course without a page that could be read. It is all that each of its
/// reports has.
fn never_read(course: &CourseFacts) -> Option<&PageProblem> {
    course.page_problem.as_ref().filter(|_| course.is_never_read())
}

fn problem_over(problem: &PageProblem) -> &'static str {
    match problem {
        PageProblem::Unreachable { .. }
        | PageProblem::NotThePage { .. }
        | PageProblem::AsksForAccount { .. }
        | PageProblem::NoLinks { .. }
        | PageProblem::NotAPage { .. } => "The course page can be read again",
        PageProblem::Shrunken { .. } => "The course page is accepted as it is",
    }
}

fn term_subjects(course: &CourseFacts, tally: &ReportTally, first: Date) -> Vec<String> {
    let begins = format!("Term begins {}", day(first, course.today));
    let n = tally.to_look_at();
    let links = count(n, "link");
    match n {
        0 if tally.all_fine() => vec![format!("{begins}: all links fine"), begins],
        0 => vec![format!("{begins}: nothing new"), begins],
        n => vec![format!("{begins}: {links} to look at"), format!("{begins}: {n} to look at"), begins],
    }
}

/// Subjects, the most informative first. The shorter ones are for long course ids.
fn news_subjects(report: &CourseReport, tally: &ReportTally) -> Vec<String> {
    let parts = parts(report, tally);
    let Some((lead, n)) = parts.first() else {
        if let Some(problem) = report.past_problem() {
            return vec![problem_over(problem).to_owned()];
        }
        let today = day(report.facts.today, report.facts.today);
        let all = count(tally.links, "link");
        return if tally.all_fine() {
            let fine =
                if tally.links == 1 { "The link is fine".to_owned() } else { format!("All {all} fine") };
            vec![format!("{fine}, {today}"), fine]
        } else {
            vec![format!("Nothing new on {all}, {today}"), "Nothing new".to_owned()]
        };
    };
    let due = tally.due.map(|due| due_words(&parts, due, report, tally)).unwrap_or_default();
    let full = |shown: usize| -> Vec<String> {
        let more = parts.iter().skip(1).take(shown - 1).map(|(part, n)| in_short(*part, *n));
        std::iter::once(in_full(*lead, *n)).chain(more).collect()
    };
    let brief = |shown: usize| -> Vec<String> {
        let links = |at: usize, n: usize| match (at, n) {
            (0, 1) => "1 link".to_owned(),
            (0, n) => format!("{} links", number(n as u64)),
            (_, n) => number(n as u64),
        };
        let part =
            |(at, (part, n)): (usize, &(NewsKind, usize))| format!("{} {}", links(at, *n), in_brief(*part));
        parts.iter().take(shown).enumerate().map(part).collect()
    };
    // What needs a person is always named, and then the nearest day.
    let for_person = parts.iter().filter(|(part, _)| *part <= NewsKind::Undecided).count().max(1);
    let mut subjects = Vec::new();
    for ending in [due.as_str(), ""] {
        subjects.extend((for_person..=parts.len()).rev().map(|shown| full(shown).join(", ") + ending));
        subjects.push(brief(for_person).join(", ") + ending);
    }
    subjects.extend((1..for_person).rev().map(|shown| brief(shown).join(", ")));
    subjects.push(in_full(*lead, *n));
    subjects
}

/// ", due Tue 6 Oct", for a single link or for several of which this is the first day.
fn due_words(parts: &[(NewsKind, usize)], due: Date, report: &CourseReport, tally: &ReportTally) -> String {
    let when = day(due, report.facts.today);
    let all: usize = parts.iter().map(|(_, n)| n).sum();
    let on_that_day: usize = tally.parts.values().map(|figure| figure.due_on(due)).sum();
    let first = if all == on_that_day { "" } else { "first " };
    format!(", {first}due {when}")
}

/// The shortest form, after a number of links.
fn in_brief(part: NewsKind) -> &'static str {
    match part {
        NewsKind::Unsafe => "unsafe",
        NewsKind::Disowned => "retracted",
        NewsKind::Replaced => "replaced",
        NewsKind::NewlyDead => "newly dead",
        NewsKind::FileMissing => "missing",
        NewsKind::DeadDue => "still dead",
        NewsKind::Undecided => "to decide",
        NewsKind::MayBeDown => "perhaps down",
        NewsKind::FailedLately => "failed",
        NewsKind::Changed => "changed",
        NewsKind::Restricted => "behind an account",
        NewsKind::Moved => "moved",
        NewsKind::NotAnswering => "not answering",
        NewsKind::PagePoint => "with a defect",
        NewsKind::Fixed => "fixed",
        NewsKind::NotChecked => "not checked",
        NewsKind::SmallPoint => "with a small point",
        NewsKind::StillDead => "still dead",
    }
}

/// The news, the most serious first. Links that stay dead are never the subject of a weekly report.
fn parts(report: &CourseReport, tally: &ReportTally) -> Vec<(NewsKind, usize)> {
    let opens = |part: NewsKind| part != NewsKind::StillDead || report.kind.before_term.is_some();
    tally.parts.iter().map(|(part, figure)| (*part, figure.count)).filter(|(part, _)| opens(*part)).collect()
}

/// "3 new dead links".
fn in_full(part: NewsKind, n: usize) -> String {
    let (one, many) = match part {
        NewsKind::Unsafe => ("link no longer safe", "links no longer safe"),
        NewsKind::Disowned => ("link withdrawn or retracted", "links withdrawn or retracted"),
        NewsKind::Replaced => ("link leads to another document", "links lead to other documents"),
        NewsKind::NewlyDead => ("new dead link", "new dead links"),
        NewsKind::FileMissing => ("file of the course missing", "files of the course missing"),
        NewsKind::DeadDue => ("dead link due soon", "dead links due soon"),
        NewsKind::Undecided => ("link to decide on again", "links to decide on again"),
        NewsKind::MayBeDown => ("link may be down", "links may be down"),
        NewsKind::FailedLately => ("link failed lately", "links failed lately"),
        NewsKind::Changed => ("link changed", "links changed"),
        NewsKind::Restricted => ("link needs an account", "links need an account"),
        NewsKind::Moved => ("link moved", "links moved"),
        NewsKind::NotAnswering => ("link not answering", "links not answering"),
        NewsKind::PagePoint => ("defect of the page", "defects of the page"),
        NewsKind::Fixed => ("link works again", "links work again"),
        NewsKind::NotChecked => ("link could not be checked", "links could not be checked"),
        NewsKind::SmallPoint => ("small point", "small points"),
        NewsKind::StillDead => ("link still dead", "links still dead"),
    };
    format!("{} {}", number(n as u64), if n == 1 { one } else { many })
}

/// The same after something else: "2 changed".
fn in_short(part: NewsKind, n: usize) -> String {
    let words = match part {
        NewsKind::Unsafe => "no longer safe",
        NewsKind::Disowned => "withdrawn or retracted",
        NewsKind::Replaced => "replaced by another document",
        NewsKind::NewlyDead => "newly dead",
        NewsKind::FileMissing if n == 1 => "course file missing",
        NewsKind::FileMissing => "course files missing",
        NewsKind::DeadDue => "still dead and due soon",
        NewsKind::Undecided => "to decide on again",
        NewsKind::MayBeDown => "perhaps down",
        NewsKind::FailedLately => "failed lately",
        NewsKind::Changed => "changed",
        NewsKind::Restricted => "behind an account",
        NewsKind::Moved => "moved",
        NewsKind::NotAnswering => "not answering",
        NewsKind::PagePoint if n == 1 => "page defect",
        NewsKind::PagePoint => "page defects",
        NewsKind::Fixed => "fixed",
        NewsKind::NotChecked => "not checkable",
        NewsKind::SmallPoint if n == 1 => "small point",
        NewsKind::SmallPoint => "small points",
        NewsKind::StillDead => "still dead",
    };
    format!("{} {words}", number(n as u64))
}

/// What is broken, what students get, and what to do, in this order.
pub fn opening(report: &CourseReport, tally: &ReportTally) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some(void) = &report.facts.void {
        let today = day(report.facts.today, report.facts.today);
        let none = if report.facts.is_first { "Most links were not judged" } else { "No link was judged" };
        sentences.push(format!("{none} on {today}: {}", wording::void(void)));
        if report.facts.is_first && tally.numbered > 0 {
            sentences.push("The links that did answer are listed below.".to_owned());
        }
        return sentences;
    }
    if let Some(problem) = report.new_problem().or_else(|| never_read(&report.facts)) {
        sentences.push(format!("{}.", problem_subject(problem)));
    }
    if let Some(problem) = report.past_problem() {
        sentences.push(format!("{}.", problem_over(problem)));
    }
    if let Some(first) = report.kind.before_term {
        let first = day(first, report.facts.today);
        sentences.push(format!("The term begins {first}. This report lists every link that does not work."));
    }
    if report.facts.is_never_read() {
        sentences.push("It has never been read, so its links are not checked yet.".to_owned());
    } else if report.facts.is_first {
        sentences.extend(baseline(&report.facts, tally));
    } else {
        sentences.push(broken(report, tally));
        sentences.extend(covered(&report.facts, tally));
    }
    sentences.push(to_do(report, tally));
    sentences
}

fn baseline(course: &CourseFacts, tally: &ReportTally) -> Vec<String> {
    let failed = tally.failed_first;
    let mut sentences = vec![format!(
        "This is the first check of the {} on the page. Later reports say what has changed since.",
        count(tally.links, "link")
    )];
    sentences.push(match failed {
        0 => "No link failed.".to_owned(),
        1 => "1 link did not open as expected; the next nights show whether it is gone.".to_owned(),
        n => format!("{n} links did not open as expected; the next nights show which are gone."),
    });
    let kept = count(tally.kept, "link");
    let from = tally.copies_open_on.map(|first| format!(" from {}", day(first, course.today)));
    let from = from.unwrap_or_default();
    if tally.kept > 0 {
        sentences.push(match course.students_get_copies {
            false => format!("Copies of {kept} are archived."),
            true if tally.kept == tally.kept_open => {
                format!("Copies of {kept} are ready for students{from}.")
            }
            true if tally.kept_open == 0 => {
                format!("Copies of {kept} are archived, none of them for students.")
            }
            true => {
                let open = number(tally.kept_open as u64);
                format!("Copies of {kept} are archived, {open} of them ready for students{from}.")
            }
        });
    }
    sentences
}

/// "3 of 169 links are newly dead; also 2 changed and 1 moved."
fn broken(report: &CourseReport, tally: &ReportTally) -> String {
    let parts = parts(report, tally);
    let all = number(tally.links as u64);
    let more: Vec<String> = parts.iter().skip(1).map(|(part, n)| in_short(*part, *n)).collect();
    match parts.first() {
        None if tally.all_fine() => all_work(tally.links),
        None => format!("Nothing new on {}.", count(tally.links, "link")),
        Some((NewsKind::NewlyDead, n)) => {
            let verb = if *n == 1 { "is" } else { "are" };
            let head = format!("{} of {all} links {verb} newly dead", number(*n as u64));
            match more.as_slice() {
                [] => format!("{head}."),
                more => format!("{head}; also {}.", list(more, usize::MAX)),
            }
        }
        Some((lead, n)) => {
            let said: Vec<String> = [in_full(*lead, *n)].into_iter().chain(more).collect();
            format!("Of {}: {}.", count(tally.links, "link"), list(&said, usize::MAX))
        }
    }
}

fn all_work(links: usize) -> String {
    match links {
        1 => "The 1 link works.".to_owned(),
        n => format!("All {} links work.", number(n as u64)),
    }
}

fn covered(course: &CourseFacts, tally: &ReportTally) -> Option<String> {
    let unsafe_links = match tally.count(NewsKind::Unsafe) {
        0 => None,
        1 => Some("The page still leads readers to the unsafe one.".to_owned()),
        _ => Some("The page still leads readers to the unsafe ones.".to_owned()),
    };
    let lost = lost_covered(course, tally);
    let both: Vec<String> = unsafe_links.into_iter().chain(lost).collect();
    (!both.is_empty()).then(|| both.join(" "))
}

fn lost_covered(course: &CourseFacts, tally: &ReportTally) -> Option<String> {
    let (lost, covered) = (tally.lost(), tally.lost_covered);
    let is_all = tally.parts.keys().all(|part| matches!(part, NewsKind::NewlyDead | NewsKind::FileMissing));
    let opens_on = tally.lost_opens_on.filter(|_| covered > 0).map(|first| day(first, course.today));
    let from = opens_on.map(|first| format!("From {first} students get our"));
    let (who, none, copy) = if course.students_get_copies {
        (from.as_deref().unwrap_or("Students already get our"), "Students get no copy", ("copy", "copies"))
    } else {
        ("We keep", "We have no copy", ("a copy", "copies"))
    };
    // "Them" would mean all links of the sentence before.
    let what = if tally.count(NewsKind::FileMissing) == 0 { "newly dead" } else { "lost" };
    let them =
        |all: &str| if is_all { all.to_owned() } else { format!("the {} {what}", number(lost as u64)) };
    Some(match (lost, covered) {
        (0, _) => return None,
        (1, 0) if is_all => format!("{none} of it."),
        (1, _) if is_all => format!("{who} {} of it.", copy.0),
        (1, 0) => format!("{none} of the {what} one."),
        (1, _) => format!("{who} {} of the {what} one.", copy.0),
        (_, 0) => format!("{none} of {}.", them("them")),
        (lost, covered) if lost == covered => {
            format!("{who} {} of {}.", copy.1, them(if lost == 2 { "both" } else { "all" }))
        }
        (_, 1) => format!("{who} {} of one of {}.", copy.0, them("them")),
        (_, covered) => format!("{who} {} of {} of {}.", copy.1, number(covered as u64), them("them")),
    })
}

fn to_do(report: &CourseReport, tally: &ReportTally) -> String {
    let by = |date: Date| day(date, report.facts.today);
    // Entries beyond the maximum have no number.
    let are_listed = tally.items_for_you <= MAX_ENTRIES;
    let all = number(tally.items_for_you as u64);
    let yours = match (tally.items_for_you, tally.yours_due) {
        (0, _) => None,
        (1, None) => Some("Item 1 needs you.".to_owned()),
        (2, None) => Some("Items 1 and 2 need you.".to_owned()),
        (_, None) if !are_listed => Some(format!("{all} items need you.")),
        (_, Some(due)) if !are_listed => Some(format!("{all} items need you, the first by {}.", by(due))),
        (n, None) => Some(format!("Items 1 to {n} need you.")),
        (1, Some(due)) => Some(format!("Item 1 needs you by {}.", by(due))),
        (2, Some(due)) => Some(format!("Items 1 and 2 need you, the first by {}.", by(due))),
        (n, Some(due)) => Some(format!("Items 1 to {n} need you, the first by {}.", by(due))),
    };
    let unconfirmed = tally.unconfirmed_due.map(|due| match tally.to_try {
        1 => format!("Please try the unconfirmed one by {}.", by(due)),
        _ => format!("Please try the unconfirmed ones, the first by {}.", by(due)),
    });
    let said: Vec<String> = yours.into_iter().chain(unconfirmed).collect();
    match (said.as_slice(), report.kind.before_term) {
        ([], Some(_)) if tally.numbered > 0 => "Please look at them before then.".to_owned(),
        ([], None) if tally.numbered > 0 && !parts(report, tally).is_empty() => {
            "Nothing is urgent.".to_owned()
        }
        ([], _) if tally.is_left_undone || tally.numbered > 0 => {
            "What earlier reports listed is still to do.".to_owned()
        }
        ([], _) => "Nothing to do.".to_owned(),
        (said, _) => said.join(" "),
    }
}
