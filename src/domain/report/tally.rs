//! The figures of a report. Its subject and opening are written from them.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::domain::capture::Verified;
use crate::domain::report::course_report::CourseReport;
use crate::domain::report::entry;
use crate::domain::report::facts::{CourseFacts, LinkFacts};
use crate::domain::report::figures::local_day;
use crate::domain::report::placement::{self, Placement, SectionHeading};
use crate::domain::report::section::ReportSection;
use crate::domain::report::wording::actions::FixityFigures;
use crate::domain::verdict::{State, StateName};

/// The kinds of news, the most serious first. Each listed link has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NewsKind {
    /// The address leads readers to a hostile site.
    Unsafe,
    /// The work was withdrawn or retracted.
    Disowned,
    /// Another work is at the address.
    Replaced,
    NewlyDead,
    /// A file of the course itself is missing. One night is enough.
    FileMissing,
    /// Reported as dead before, and due within days.
    DeadDue,
    /// Broken, and its decision lapsed.
    Undecided,
    MayBeDown,
    /// Failed but not confirmed; listed only on a first night and before a term.
    FailedLately,
    Changed,
    Restricted,
    Moved,
    NotAnswering,
    /// A defect of the page itself.
    PagePoint,
    Fixed,
    NotChecked,
    SmallPoint,
    StillDead,
}

/// The number of links of one [`NewsKind`], and when those that do not work are due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewsFigure {
    pub count: usize,
    days: BTreeMap<Date, usize>,
}

impl NewsFigure {
    pub fn due_on(&self, day: Date) -> usize {
        self.days.get(&day).copied().unwrap_or(0)
    }
}

/// The figures in the subject and the opening.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportTally {
    /// Links with a result; others wait for their first visit.
    pub links: usize,
    /// Links that wait for their first visit, and others that tonight did not visit.
    pub awaiting_first_visit: usize,
    pub left_for_later: usize,
    /// Links with a current copy of the work, with a copy made this night, and with a copy
    /// that can replace the link.
    pub kept: usize,
    pub kept_new: usize,
    /// The bytes of the copies made this night.
    pub new_bytes: u64,
    /// Links of which only a page about the work was kept.
    pub kept_short: usize,
    pub kept_open: usize,
    /// The results of hashing the copies again.
    pub verified: FixityFigures,
    /// Links that could be judged although the night is void.
    pub judged: usize,
    /// The news, the most serious first.
    pub parts: BTreeMap<NewsKind, NewsFigure>,
    /// How many of the newly lost links our copy can replace.
    pub lost_covered: usize,
    /// Failing or dead on the first night.
    pub failed_first: usize,
    /// Entries under "needs you", and in all.
    pub items_for_you: usize,
    pub numbered: usize,
    /// The nearest due day of the links that do not work; the same under "needs
    /// you", and among the unconfirmed.
    pub due: Option<Date>,
    pub yours_due: Option<Date>,
    pub unconfirmed_due: Option<Date>,
    /// Unconfirmed links that a person may try in a browser.
    pub to_try: usize,
    /// The day from which all copies of the newly lost links are open, and all copies, if it is
    /// still to come.
    pub lost_opens_on: Option<Date>,
    pub copies_open_on: Option<Date>,
    /// A link that an earlier report listed still needs work.
    pub is_left_undone: bool,
    not_working: usize,
}

impl ReportTally {
    pub(super) fn of(
        report: &CourseReport,
        placed: &[(Placement, &LinkFacts)],
        sections: &[ReportSection],
    ) -> Self {
        let mut tally = Self::default();
        for (place, link_facts) in placed {
            if link_facts.awaits_first_visit() {
                tally.awaiting_first_visit += 1;
                continue;
            }
            tally.add(report, *place, link_facts);
        }
        tally.verified = fixity(&report.facts, placed);
        let points = entry::defect_entries(report).len();
        if points > 0 {
            tally.parts.entry(NewsKind::PagePoint).or_default().count = points;
        }
        let nearest = |headings: &[SectionHeading]| {
            let listed = placed.iter().filter(|(place, _)| is_under(*place, headings));
            listed.filter_map(|(_, link_facts)| coming(&report.facts, link_facts)).min()
        };
        tally.due = nearest(&NOT_WORKING);
        tally.yours_due = nearest(&[SectionHeading::NeedsYou]);
        let may_try = |(place, link_facts): &&(Placement, &LinkFacts)| {
            is_under(*place, &[SectionHeading::NotConfirmedButDue]) && !placement::is_lapsed(link_facts)
        };
        tally.to_try = placed.iter().filter(may_try).count();
        tally.unconfirmed_due = placed
            .iter()
            .filter(may_try)
            .filter_map(|(_, link_facts)| coming(&report.facts, link_facts))
            .min();
        let numbered = |section: &ReportSection| section.entries.len();
        tally.items_for_you =
            sections.iter().filter(|section| section.heading == SectionHeading::NeedsYou).map(numbered).sum();
        tally.numbered = sections.iter().map(numbered).sum();
        tally
    }

    fn add(&mut self, report: &CourseReport, place: Placement, link_facts: &LinkFacts) {
        let fails = matches!(link_facts.verdict.state.name(), StateName::Failing | StateName::Dead);
        let copy = link_facts.sound_copy();
        self.links += 1;
        self.left_for_later += usize::from(link_facts.is_left_for_later(report.facts.started));
        self.kept += usize::from(copy.is_some_and(|copy| copy.shortfall.is_none()));
        self.kept_short += usize::from(copy.is_some_and(|copy| copy.shortfall.is_some()));
        if let Some(new) = link_facts.copy.as_ref().filter(|copy| copy.captured_at >= report.facts.started) {
            self.kept_new += 1;
            self.new_bytes = self.new_bytes.saturating_add(new.bytes);
        }
        self.judged += usize::from(!placement::is_unchecked(link_facts));
        self.kept_open += usize::from(link_facts.is_covered);
        self.copies_open_on = self.copies_open_on.max(link_facts.copy_opens_on);
        self.failed_first += usize::from(report.facts.is_first && fails);
        self.not_working += usize::from(!matches!(link_facts.verdict.state, State::Ok | State::Moved { .. }));
        self.is_left_undone |= is_left_undone(place);
        let Placement::Listed(heading) = place else { return };
        let part = part(report, heading, link_facts);
        let figure = self.parts.entry(part).or_default();
        figure.count += 1;
        if let Some(day) = coming(&report.facts, link_facts).filter(|_| is_under(place, &NOT_WORKING)) {
            *figure.days.entry(day).or_default() += 1;
        }
        let is_lost = matches!(part, NewsKind::NewlyDead | NewsKind::FileMissing);
        if is_lost && link_facts.is_covered {
            self.lost_covered += 1;
            self.lost_opens_on = self.lost_opens_on.max(link_facts.copy_opens_on);
        }
    }

    pub fn count(&self, part: NewsKind) -> usize {
        self.parts.get(&part).map_or(0, |figure| figure.count)
    }

    /// Links that are newly lost to their readers.
    pub fn lost(&self) -> usize {
        self.count(NewsKind::NewlyDead) + self.count(NewsKind::FileMissing)
    }

    /// The number of links and defects that need attention.
    pub fn to_look_at(&self) -> usize {
        self.parts.values().map(|figure| figure.count).sum::<usize>() - self.count(NewsKind::Fixed)
    }

    /// Whether every link works.
    pub fn all_fine(&self) -> bool {
        self.not_working == 0
    }
}

fn fixity(course: &CourseFacts, placed: &[(Placement, &LinkFacts)]) -> FixityFigures {
    let copies = placed.iter().filter(|(_, link_facts)| link_facts.copy.is_some());
    let verified: Vec<Verified> = copies.clone().filter_map(|(_, link_facts)| link_facts.verified).collect();
    let sound = || verified.iter().filter(|it| it.is_sound);
    let oldest = sound().map(|it| it.at).min();
    FixityFigures {
        copies: copies.count(),
        sound: sound().count(),
        unsound: verified.len() - sound().count(),
        oldest: oldest.map(|at| local_day(at, &course.time_zone, course.today)),
    }
}

/// The headings of links that do not work and are news.
const NOT_WORKING: [SectionHeading; 3] =
    [SectionHeading::NeedsYou, SectionHeading::NotConfirmedButDue, SectionHeading::NewlyDead];

fn is_under(place: Placement, headings: &[SectionHeading]) -> bool {
    matches!(place, Placement::Listed(heading) if headings.contains(&heading))
}

fn is_left_undone(place: Placement) -> bool {
    use SectionHeading::{CouldNotCheck, Decided, NotYetConfirmed, SmallPoints};
    matches!(place, Placement::Counted(heading)
        if !matches!(heading, CouldNotCheck | Decided | NotYetConfirmed | SmallPoints))
}

fn coming(course: &CourseFacts, link_facts: &LinkFacts) -> Option<Date> {
    placement::due(course, link_facts).filter(|due| *due >= course.today)
}

fn part(report: &CourseReport, heading: SectionHeading, link_facts: &LinkFacts) -> NewsKind {
    match heading {
        SectionHeading::NeedsYou | SectionHeading::NewlyDead => lost_part(report, link_facts),
        SectionHeading::NotConfirmedButDue => NewsKind::MayBeDown,
        SectionHeading::FoundNotWorking | SectionHeading::NotYetConfirmed => NewsKind::FailedLately,
        SectionHeading::Changed => NewsKind::Changed,
        SectionHeading::Moved => NewsKind::Moved,
        SectionHeading::Restricted => NewsKind::Restricted,
        SectionHeading::NotAnswering => NewsKind::NotAnswering,
        SectionHeading::SmallPoints => NewsKind::SmallPoint,
        SectionHeading::CouldNotCheck => NewsKind::NotChecked,
        SectionHeading::Fixed => NewsKind::Fixed,
        SectionHeading::StillDead | SectionHeading::Decided => NewsKind::StillDead,
    }
}

fn lost_part(report: &CourseReport, link_facts: &LinkFacts) -> NewsKind {
    let own = placement::is_own(&report.facts, link_facts);
    let was_told = report.earlier.state(link_facts).is_some_and(|before| placement::is_broken(before, own));
    let is_hostile = placement::is_hostile(link_facts);
    match &link_facts.verdict.state {
        _ if placement::is_grave(link_facts) && placement::is_news(report, link_facts, own) => {
            if is_hostile {
                NewsKind::Unsafe
            } else {
                NewsKind::Disowned
            }
        }
        State::Restricted { .. } => NewsKind::Restricted,
        State::Changed { .. } => NewsKind::Replaced,
        _ if link_facts.lapsed.is_some() => NewsKind::Undecided,
        _ if was_told => NewsKind::DeadDue,
        _ if own => NewsKind::FileMissing,
        State::Ok
        | State::Moved { .. }
        | State::Unverifiable { .. }
        | State::Failing { .. }
        | State::Dead { .. } => NewsKind::NewlyDead,
    }
}
