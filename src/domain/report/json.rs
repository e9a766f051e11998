//! The night for programs: the object that `check --format json` prints.
//!
//! Others rely on these names. Texts are as they stand on the page, not made
//! safe for anything but JSON. Times are RFC 3339 in UTC.

use std::collections::{BTreeMap, BTreeSet};

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
use crate::domain::report::{
    CourseFacts, LinkFacts, PageDefect, PageOmission, PageTrouble, Void, placement, wording,
};
use crate::domain::verdict::{State, StateName};

/// The whole run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunJson {
    pub run: TotalsJson,
    pub courses: Vec<CourseJson>,
    /// One for each place where a link stands, by page and line.
    pub mentions: Vec<MentionJson>,
    /// What the pages have that is not read.
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
    /// Why nothing was judged; null on a sound night.
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
    pub page_trouble: Option<PageTrouble>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinkJson {
    pub course: CourseId,
    /// As resolved from the page; with its fragment, where all mentions have the same one.
    pub url: String,
    /// Words, headings and kind of the first mention.
    pub label: String,
    pub section: Vec<String>,
    pub kind: Option<Kind>,
    pub state: StateName,
    pub reason: Option<Reason>,
    pub since: Timestamp,
    pub nights: u32,
    /// Where the redirects ended; null where nothing answered.
    pub final_url: Option<Address>,
    pub document: Option<Address>,
    pub capture: Option<CaptureJson>,
    pub change: Option<ChangeJson>,
    /// Where readers can go instead of a dead or moved link.
    pub replacement: Option<ReplacementJson>,
    /// What was decided of it, where that holds: it fails no run then.
    pub decision: Option<Choice>,
    /// The next day it is needed, else the last one.
    pub due: Option<Date>,
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
    /// Compared with our copy, or known by its identifier.
    pub verified: bool,
    /// Why it may be trusted, in words.
    pub reason: String,
    pub seen_at: Timestamp,
}

/// One link as it stands on a page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MentionJson {
    pub course: CourseId,
    /// The page, an address or a path, where a course has several.
    pub page: Option<String>,
    /// As resolved from the page, with its fragment.
    pub url: String,
    pub words: String,
    /// The headings above it, outermost first.
    pub section: Vec<String>,
    /// "Week 5", whatever the language of the page.
    pub week: Option<String>,
    pub due: Option<Date>,
    /// Which part of the page names that day.
    pub due_from: Option<DueFrom>,
    /// From 1.
    pub line: u32,
    pub kind: Kind,
}

/// What a page has that is not read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteJson {
    pub course: CourseId,
    #[serde(flatten)]
    pub omission: PageOmission,
    pub text: String,
    pub to_do: &'static str,
}

impl RunJson {
    /// Puts the nights of one run together; `path_of` says where the archive keeps a blob.
    pub fn new<'a>(
        run: TotalsJson,
        nights: impl IntoIterator<Item = &'a CourseFacts> + Clone,
        path_of: impl Fn(capture::Digest) -> String,
    ) -> Self {
        Self {
            run,
            courses: nights.clone().into_iter().map(course).collect(),
            mentions: nights.clone().into_iter().flat_map(mentions).collect(),
            notes: nights.clone().into_iter().flat_map(notes).collect(),
            links: nights
                .into_iter()
                .flat_map(|night| night.items.iter().map(|item| link(night, item, &path_of)))
                .collect(),
        }
    }
}

/// The links as they stand on the pages of a course.
fn mentions(night: &CourseFacts) -> Vec<MentionJson> {
    let mut mentions: Vec<(&Mention, MentionJson)> = Vec::new();
    for mention in night.items.iter().flat_map(|item| &item.mentions) {
        let Target::Web { address, fragment } = &mention.target else { continue };
        let json = MentionJson {
            course: night.course.clone(),
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

fn notes(night: &CourseFacts) -> Vec<NoteJson> {
    let note = |found: &PageOmission| {
        let (_, text, to_do) = wording::omission::omission(found);
        NoteJson { course: night.course.clone(), omission: found.clone(), text, to_do }
    };
    night.omissions.iter().map(note).collect()
}

fn with_fragment(address: &Address, fragment: Option<&str>) -> String {
    match fragment {
        Some(fragment) => format!("{address}#{fragment}"),
        None => address.to_string(),
    }
}

fn course(night: &CourseFacts) -> CourseJson {
    let mut states = BTreeMap::new();
    for item in &night.items {
        *states.entry(item.verdict.state.name()).or_default() += 1;
    }
    CourseJson {
        id: night.course.clone(),
        title: night.title.clone(),
        pages: night.pages.iter().map(ToString::to_string).collect(),
        states,
        defects: night.defects.clone(),
        void: night.void,
        page_trouble: night.page_trouble.clone(),
    }
}

fn link(night: &CourseFacts, item: &LinkFacts, path_of: &impl Fn(capture::Digest) -> String) -> LinkJson {
    let first = item.mentions.first();
    let state = &item.verdict.state;
    let answered = || item.status.map(|_| item.link.clone());
    LinkJson {
        course: night.course.clone(),
        url: url(item),
        label: first.map(|mention| mention.words.clone()).unwrap_or_default(),
        section: first.map(|mention| mention.headings.clone()).unwrap_or_default(),
        kind: first.map(|mention| mention.kind),
        state: state.name(),
        reason: state.reason(),
        since: item.verdict.since,
        nights: item.verdict.nights,
        final_url: item.ended_at.clone().or_else(answered),
        document: item.copy.as_ref().map(|copy| copy.document.clone()),
        capture: item.copy.as_ref().map(|copy| kept(copy, path_of)),
        change: changed(state),
        decision: item.decision.as_ref().map(|decision| decision.choice.clone()),
        replacement: instead(night, item),
        due: placement::due(night, item),
    }
}

/// The link as resolved from the page: with the place in it, if all mentions point to one.
fn url(item: &LinkFacts) -> String {
    let fragments: BTreeSet<Option<&str>> = item
        .mentions
        .iter()
        .map(|mention| match &mention.target {
            Target::Web { fragment, .. } => fragment.as_deref(),
            Target::InPage(_) | Target::Nothing | Target::OtherScheme(_) | Target::Malformed(_) => None,
        })
        .collect();
    match fragments.first() {
        Some(Some(fragment)) if fragments.len() == 1 => format!("{}#{fragment}", item.link),
        Some(_) | None => item.link.to_string(),
    }
}

fn kept(copy: &Capture, path_of: &impl Fn(capture::Digest) -> String) -> CaptureJson {
    CaptureJson {
        sha256: copy.sha256,
        bytes: copy.bytes,
        media_type: copy.media_type.split(';').next().unwrap_or_default().trim().to_owned(),
        captured_at: copy.captured_at,
        path: path_of(copy.sha256),
    }
}

fn instead(night: &CourseFacts, item: &LinkFacts) -> Option<ReplacementJson> {
    if let State::Moved { to } = &item.verdict.state {
        return Some(ReplacementJson {
            url: to.clone(),
            ground: "moved",
            verified: true,
            reason: wording::state(&item.verdict.state).to_owned(),
            seen_at: night.started,
        });
    }
    let found = item.replacement.as_ref()?;
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
        reason: wording::replacement::trusted_because(night, found),
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
