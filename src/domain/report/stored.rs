//! The stored form of a report: its JSON in the catalogue and in the outbox.
//!
//! Every earlier version used the same names. New fields have a default. A
//! report is converted to this form when it is written and from it when it is read.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::address::Address;
use crate::domain::capture::{Capture, Verified};
use crate::domain::course::{CourseId, PageSource};
use crate::domain::decision::Decision;
use crate::domain::evidence::Note;
use crate::domain::link::Mention;
use crate::domain::replacement::Replacement;
use crate::domain::report::course_report::{CourseReport, ReportKind};
use crate::domain::report::earlier::{EarlierLink, EarlierReports, Reminder};
use crate::domain::report::facts::{
    CourseFacts, LinkFacts, PageDefect, PageOmission, PagePatch, PageProblem, Revisit,
};
use crate::domain::verdict::breaker::Void;
use crate::domain::verdict::{State, Verdict};

#[expect(clippy::struct_excessive_bools, reason = "each is a key of the stored JSON")]
#[derive(Debug, Serialize, Deserialize)]
struct StoredReport<L> {
    course: CourseId,
    title: String,
    #[serde(default)]
    pages: Vec<PageSource>,
    #[serde(with = "jiff::fmt::serde::tz::required")]
    time_zone: jiff::tz::TimeZone,
    today: Date,
    started: Timestamp,
    finished: Timestamp,
    is_first: bool,
    void: Option<Void>,
    items: L,
    defects: Vec<PageDefect>,
    #[serde(default)]
    defects_before: Vec<PageDefect>,
    #[serde(default)]
    omissions: Vec<PageOmission>,
    #[serde(default)]
    omissions_before: Vec<PageOmission>,
    page_trouble: Option<PageProblem>,
    #[serde(default)]
    page_trouble_before: Option<PageProblem>,
    #[serde(default)]
    page_trouble_nights: u32,
    #[serde(default)]
    page_trouble_nights_before: u32,
    #[serde(default)]
    page_never_read: bool,
    #[serde(default)]
    page_never_read_before: bool,
    #[serde(default)]
    patch: Option<PagePatch>,
    #[serde(default)]
    is_weekly: bool,
    #[serde(default)]
    before_term: Option<Date>,
    #[serde(default)]
    students_get_copies: bool,
    requests: u64,
    bytes: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoredLink {
    link: Address,
    mentions: Vec<Mention>,
    verdict: Verdict,
    before: Option<State>,
    status: Option<u16>,
    ended_at: Option<Address>,
    last_ok: Option<Timestamp>,
    copy: Option<Capture>,
    copy_pages: Option<u32>,
    #[serde(default)]
    verified: Option<Verified>,
    #[serde(default)]
    is_covered: bool,
    #[serde(default)]
    copy_opens_on: Option<Date>,
    #[serde(default)]
    opens_if_chosen: bool,
    #[serde(default)]
    versions: Option<(Capture, Capture)>,
    #[serde(default)]
    replacement: Option<Replacement>,
    #[serde(default)]
    reminder_before: Option<Reminder>,
    notes: Vec<Note>,
    #[serde(default)]
    notes_before: Vec<Note>,
    #[serde(default)]
    lost_for_good_before: bool,
    #[serde(default)]
    decision: Option<Decision>,
    #[serde(default)]
    lapsed: Option<Decision>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revisit: Option<Revisit>,
}

impl Serialize for CourseReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        StoredReport::from(self).serialize(serializer)
    }
}

/// The links of a report, which are converted one by one: a report may have thousands.
struct LinksOf<'a>(&'a CourseReport);

impl Serialize for LinksOf<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let CourseReport { facts, earlier, .. } = self.0;
        serializer.collect_seq(facts.links.iter().map(|link_facts| {
            let before = earlier.links.get(&link_facts.link).cloned().unwrap_or_default();
            StoredLink::join(link_facts.clone(), before)
        }))
    }
}

impl<'de> Deserialize<'de> for CourseReport {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StoredReport::<Vec<StoredLink>>::deserialize(deserializer).map(Self::from)
    }
}

impl From<StoredReport<Vec<StoredLink>>> for CourseReport {
    fn from(stored: StoredReport<Vec<StoredLink>>) -> Self {
        let (links, earlier_links) = stored.items.into_iter().map(StoredLink::split).unzip();
        Self {
            facts: CourseFacts {
                links,
                course: stored.course,
                title: stored.title,
                pages: stored.pages,
                time_zone: stored.time_zone,
                today: stored.today,
                started: stored.started,
                finished: stored.finished,
                is_first: stored.is_first,
                void: stored.void,
                defects: stored.defects,
                omissions: stored.omissions,
                page_problem: stored.page_trouble,
                page_problem_nights: stored.page_trouble_nights,
                page_never_read: stored.page_never_read,
                patch: stored.patch,
                students_get_copies: stored.students_get_copies,
                requests: stored.requests,
                bytes: stored.bytes,
            },
            earlier: EarlierReports {
                defects: stored.defects_before,
                omissions: stored.omissions_before,
                page_problem: stored.page_trouble_before,
                page_problem_nights: stored.page_trouble_nights_before,
                page_never_read: stored.page_never_read_before,
                links: earlier_links,
            },
            kind: ReportKind { is_weekly: stored.is_weekly, before_term: stored.before_term },
        }
    }
}

impl<'a> From<&'a CourseReport> for StoredReport<LinksOf<'a>> {
    fn from(report: &'a CourseReport) -> Self {
        let CourseReport { facts, earlier, kind } = report;
        Self {
            items: LinksOf(report),
            course: facts.course.clone(),
            title: facts.title.clone(),
            pages: facts.pages.clone(),
            time_zone: facts.time_zone.clone(),
            today: facts.today,
            started: facts.started,
            finished: facts.finished,
            is_first: facts.is_first,
            void: facts.void,
            defects: facts.defects.clone(),
            omissions: facts.omissions.clone(),
            page_trouble: facts.page_problem.clone(),
            page_trouble_nights: facts.page_problem_nights,
            page_never_read: facts.page_never_read,
            patch: facts.patch.clone(),
            students_get_copies: facts.students_get_copies,
            requests: facts.requests,
            bytes: facts.bytes,
            defects_before: earlier.defects.clone(),
            omissions_before: earlier.omissions.clone(),
            page_trouble_before: earlier.page_problem.clone(),
            page_trouble_nights_before: earlier.page_problem_nights,
            page_never_read_before: earlier.page_never_read,
            is_weekly: kind.is_weekly,
            before_term: kind.before_term,
        }
    }
}

impl StoredLink {
    /// Separates tonight's facts from the contents of earlier reports.
    fn split(self) -> (LinkFacts, (Address, EarlierLink)) {
        let earlier = EarlierLink {
            state: self.before,
            reminder: self.reminder_before,
            notes: self.notes_before,
            is_lost_for_good: self.lost_for_good_before,
        };
        let link = self.link.clone();
        (
            LinkFacts {
                link: self.link,
                mentions: self.mentions,
                verdict: self.verdict,
                status: self.status,
                ended_at: self.ended_at,
                last_ok: self.last_ok,
                copy: self.copy,
                copy_pages: self.copy_pages,
                verified: self.verified,
                is_covered: self.is_covered,
                copy_opens_on: self.copy_opens_on,
                opens_if_chosen: self.opens_if_chosen,
                versions: self.versions,
                replacement: self.replacement,
                notes: self.notes,
                decision: self.decision,
                lapsed: self.lapsed,
                revisit: self.revisit,
            },
            (link, earlier),
        )
    }

    fn join(link_facts: LinkFacts, earlier: EarlierLink) -> Self {
        Self {
            before: earlier.state,
            reminder_before: earlier.reminder,
            notes_before: earlier.notes,
            lost_for_good_before: earlier.is_lost_for_good,
            link: link_facts.link,
            mentions: link_facts.mentions,
            verdict: link_facts.verdict,
            status: link_facts.status,
            ended_at: link_facts.ended_at,
            last_ok: link_facts.last_ok,
            copy: link_facts.copy,
            copy_pages: link_facts.copy_pages,
            verified: link_facts.verified,
            is_covered: link_facts.is_covered,
            copy_opens_on: link_facts.copy_opens_on,
            opens_if_chosen: link_facts.opens_if_chosen,
            versions: link_facts.versions,
            replacement: link_facts.replacement,
            notes: link_facts.notes,
            decision: link_facts.decision,
            lapsed: link_facts.lapsed,
            revisit: link_facts.revisit,
        }
    }
}
