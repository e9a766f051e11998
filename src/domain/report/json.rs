//! The output of `check --format json`.
//!
//! Other programs rely on these names. Texts are those of the page and are safe
//! only as JSON. Times are RFC 3339 in UTC.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::domain::address::Address;
use crate::domain::capture::{self, Capture};
use crate::domain::course::CourseId;
use crate::domain::decision::Choice;
use crate::domain::evidence::Reason;
use crate::domain::link::{DueFrom, Kind, Mention, Target};
use crate::domain::replacement::Ground;
use crate::domain::report::plain::essence;
use crate::domain::report::{
    CourseFacts, LinkFacts, PageDefect, PageOmission, PageProblem, Revisit, Void, placement, wording,
};
use crate::domain::verdict::{State, StateName};

/// The output of one run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunJson {
    pub run: TotalsJson,
    pub courses: Vec<CourseJson>,
    /// One for each mention, by page and line.
    pub mentions: Vec<MentionJson>,
    /// Parts of the pages that are not read.
    pub notes: Vec<NoteJson>,
    /// One for each distinct link and course.
    pub links: Vec<LinkJson>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TotalsJson {
    pub id: String,
    pub started: Timestamp,
    pub finished: Timestamp,
    pub requests: u64,
    pub bytes: u64,
    /// Why no link was judged; null unless the night is void.
    pub void: Option<Void>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CourseJson {
    pub id: CourseId,
    pub title: String,
    /// Addresses or paths.
    pub pages: Vec<String>,
    /// How many links are in each state; states without links are absent.
    pub states: BTreeMap<StateName, usize>,
    pub defects: Vec<PageDefect>,
    pub void: Option<Void>,
    pub page_trouble: Option<PageProblem>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinkJson {
    pub course: CourseId,
    /// The address as resolved from the page, with its fragment if all mentions have the same one.
    pub url: String,
    /// The words of the first mention; `section` and `kind` are its headings and kind.
    pub label: String,
    pub section: Arc<[String]>,
    pub kind: Option<Kind>,
    pub state: StateName,
    pub reason: Option<Reason>,
    pub since: Timestamp,
    pub nights: u32,
    /// The end of the redirects; null without a response.
    pub final_url: Option<Address>,
    pub document: Option<Address>,
    pub capture: Option<CaptureJson>,
    pub change: Option<ChangeJson>,
    /// Another address for a dead or moved link.
    pub replacement: Option<ReplacementJson>,
    /// The decision in force. A decided link does not make the run fail.
    pub decision: Option<Choice>,
    /// The next day on which it is due, else the last one.
    pub due: Option<Date>,
    /// Absent for a link that is visited every night.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revisit: Option<RevisitJson>,
}

/// When a link is visited whose host has a crawl budget.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RevisitJson {
    /// Null if no night visited it yet.
    pub last_visit: Option<Timestamp>,
    /// Each link of its host is visited at least once in so many nights.
    pub nights: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaptureJson {
    pub sha256: capture::Digest,
    pub bytes: u64,
    pub media_type: String,
    pub captured_at: Timestamp,
    pub path: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangeJson {
    pub summary: String,
    /// 0 to 1.
    pub similarity: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplacementJson {
    pub url: Address,
    /// `moved`, `arxiv`, `doi`, `own_link` or `memento`.
    pub ground: &'static str,
    /// The replacement was compared with our copy, or its identifier proves it.
    pub verified: bool,
    /// Why the replacement is the same work, in words.
    pub reason: String,
    pub seen_at: Timestamp,
}

/// One mention of a link.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MentionJson {
    pub course: CourseId,
    /// The address or path of the page, if the course has several.
    pub page: Option<String>,
    /// As resolved from the page, with its fragment.
    pub url: String,
    pub words: String,
    /// The headings above it, outermost first.
    pub section: Arc<[String]>,
    /// "Week 5", also for pages in another language.
    pub week: Option<String>,
    pub due: Option<Date>,
    /// Which part of the page names that day.
    pub due_from: Option<Arc<DueFrom>>,
    /// Counted from 1.
    pub line: u32,
    pub kind: Kind,
}

/// A part of a page that is not read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteJson {
    pub course: CourseId,
    #[serde(flatten)]
    pub omission: PageOmission,
    pub text: String,
    pub to_do: &'static str,
}

impl RunJson {
    /// The output for the courses of one run; `path_of` gives the path of a blob in the archive.
    pub fn new<'a>(
        run: TotalsJson,
        courses: impl IntoIterator<Item = &'a CourseFacts> + Clone,
        path_of: impl Fn(capture::Digest) -> String,
    ) -> Self {
        Self {
            run,
            courses: courses.clone().into_iter().map(course).collect(),
            mentions: courses.clone().into_iter().flat_map(mentions).collect(),
            notes: courses.clone().into_iter().flat_map(notes).collect(),
            links: courses
                .into_iter()
                .flat_map(|course| course.links.iter().map(|link_facts| link(course, link_facts, &path_of)))
                .collect(),
        }
    }
}

/// The mentions on the pages of a course, in their order.
fn mentions(course: &CourseFacts) -> Vec<MentionJson> {
    let mut mentions: Vec<(&Mention, MentionJson)> = Vec::new();
    for mention in course.links.iter().flat_map(|link_facts| &link_facts.mentions) {
        let Target::Web { address, fragment } = &mention.target else { continue };
        let json = MentionJson {
            course: course.course.clone(),
            page: mention.page.clone(),
            url: with_fragment(address, fragment.as_deref()),
            words: mention.words.clone(),
            section: mention.headings.clone(),
            week: mention.week.clone(),
            due: mention.due,
            due_from: mention.due_from.clone(),
            line: mention.line,
            kind: mention.kind,
        };
        mentions.push((mention, json));
    }
    mentions.sort_by(|(a, _), (b, _)| (&a.page, a.line).cmp(&(&b.page, b.line)));
    mentions.into_iter().map(|(_, json)| json).collect()
}

fn notes(course: &CourseFacts) -> Vec<NoteJson> {
    let note = |found: &PageOmission| {
        let (_, text, to_do) = wording::omission::omission(found);
        NoteJson { course: course.course.clone(), omission: found.clone(), text, to_do }
    };
    course.omissions.iter().map(note).collect()
}

fn with_fragment(address: &Address, fragment: Option<&str>) -> String {
    match fragment {
        Some(fragment) => format!("{address}#{fragment}"),
        None => address.to_string(),
    }
}

fn course(course: &CourseFacts) -> CourseJson {
    let mut states = BTreeMap::new();
    for link_facts in &course.links {
        *states.entry(link_facts.verdict.state.name()).or_default() += 1;
    }
    CourseJson {
        id: course.course.clone(),
        title: course.title.clone(),
        pages: course.pages.iter().map(ToString::to_string).collect(),
        states,
        defects: course.defects.clone(),
        void: course.void,
        page_trouble: course.page_problem.clone(),
    }
}

fn link(
    course: &CourseFacts,
    link_facts: &LinkFacts,
    path_of: &impl Fn(capture::Digest) -> String,
) -> LinkJson {
    let first = link_facts.mentions.first();
    let state = &link_facts.verdict.state;
    let answered = || link_facts.status.map(|_| link_facts.link.clone());
    LinkJson {
        course: course.course.clone(),
        url: url(link_facts),
        label: first.map_or_else(String::new, |mention| mention.words.clone()),
        section: first.map(|mention| mention.headings.clone()).unwrap_or_default(),
        kind: first.map(|mention| mention.kind),
        state: state.name(),
        reason: state.reason(),
        since: link_facts.verdict.since,
        nights: link_facts.verdict.nights,
        final_url: link_facts.ended_at.clone().or_else(answered),
        document: link_facts.copy.as_ref().map(|copy| copy.document.clone()),
        capture: link_facts.sound_copy().map(|copy| kept(copy, path_of)),
        change: changed(state),
        decision: link_facts.decision.as_ref().map(|decision| decision.choice.clone()),
        replacement: instead(course, link_facts),
        due: placement::due(course, link_facts),
        revisit: link_facts
            .revisit
            .map(|Revisit { last_visit, interval }| RevisitJson { last_visit, nights: interval }),
    }
}

/// The address with its fragment, if all mentions have the same one.
fn url(link_facts: &LinkFacts) -> String {
    let fragments: BTreeSet<Option<&str>> = link_facts
        .mentions
        .iter()
        .map(|mention| match &mention.target {
            Target::Web { fragment, .. } => fragment.as_deref(),
            Target::InPage(_) | Target::Nothing | Target::OtherScheme(_) | Target::Malformed(_) => None,
        })
        .collect();
    match fragments.first() {
        Some(Some(fragment)) if fragments.len() == 1 => format!("{}#{fragment}", link_facts.link),
        Some(_) | None => link_facts.link.to_string(),
    }
}

fn kept(copy: &Capture, path_of: &impl Fn(capture::Digest) -> String) -> CaptureJson {
    CaptureJson {
        sha256: copy.sha256,
        bytes: copy.bytes,
        media_type: essence(&copy.media_type).to_owned(),
        captured_at: copy.captured_at,
        path: path_of(copy.sha256),
    }
}

fn instead(course: &CourseFacts, link_facts: &LinkFacts) -> Option<ReplacementJson> {
    if let State::Moved { to } = &link_facts.verdict.state {
        return Some(ReplacementJson {
            url: to.clone(),
            ground: "moved",
            verified: true,
            reason: wording::state(&link_facts.verdict.state).to_owned(),
            seen_at: course.started,
        });
    }
    let found = link_facts.replacement.as_ref()?;
    let ground = match found.ground {
        Ground::Moved => "moved",
        Ground::Arxiv(_) => "arxiv",
        Ground::Doi(_) => "doi",
        Ground::OwnLink => "own_link",
        Ground::Memento(_) => "memento",
    };
    Some(ReplacementJson {
        url: found.address.clone(),
        ground,
        verified: found.is_verified(),
        reason: wording::replacement::trusted_because(course, found),
        seen_at: found.seen_at,
    })
}

fn changed(state: &State) -> Option<ChangeJson> {
    match state {
        State::Changed { change, .. } => {
            Some(ChangeJson { summary: wording::change(change), similarity: change.similarity })
        }
        State::Ok
        | State::Moved { .. }
        | State::Restricted { .. }
        | State::Unverifiable { .. }
        | State::Failing { .. }
        | State::Dead { .. } => None,
    }
}
