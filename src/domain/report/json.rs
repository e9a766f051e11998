//! The object that `check --format json` prints: a contract with other programs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::domain::capture;
use crate::domain::evidence::Reason;
use crate::domain::link::Kind;
use crate::domain::page::Defect;
use crate::domain::report::{Item, Night, PageTrouble, Void, wording};
use crate::domain::verdict::{State, StateName};

/// The whole run.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    pub run: Totals,
    pub courses: Vec<Course>,
    pub links: Vec<Link>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Totals {
    pub id: String,
    pub started: Timestamp,
    pub finished: Timestamp,
    pub requests: u64,
    /// Body bytes on the wire.
    pub bytes: u64,
    pub void: Option<Void>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Course {
    pub id: String,
    pub title: String,
    /// How many links are in each state.
    pub states: BTreeMap<StateName, usize>,
    pub defects: Vec<Defect>,
    pub page_trouble: Option<PageTrouble>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Link {
    pub course: String,
    pub url: String,
    pub label: String,
    pub section: Vec<String>,
    pub kind: Kind,
    pub state: StateName,
    pub reason: Option<Reason>,
    pub since: Timestamp,
    pub nights: u32,
    pub final_url: Option<String>,
    pub document: Option<String>,
    pub capture: Option<Capture>,
    pub change: Option<Change>,
    pub due: Option<Date>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Capture {
    pub sha256: capture::Digest,
    pub bytes: u64,
    pub media_type: String,
    pub captured_at: Timestamp,
    pub path: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct Change {
    pub summary: String,
    pub similarity: f64,
}

impl Run {
    /// `path` gives the place of a blob in the archive.
    pub fn new(run: Totals, nights: &[Night], path: impl Fn(capture::Digest) -> String) -> Self {
        Self {
            run,
            courses: nights.iter().map(course).collect(),
            links: nights
                .iter()
                .flat_map(|night| night.items.iter().map(|item| link(night, item, &path)))
                .collect(),
        }
    }
}

fn course(night: &Night) -> Course {
    let mut states = BTreeMap::new();
    for item in &night.items {
        *states.entry(item.verdict.state.name()).or_default() += 1;
    }
    Course {
        id: night.course.to_string(),
        title: night.title.clone(),
        states,
        defects: night.defects.clone(),
        page_trouble: night.page_trouble.clone(),
    }
}

fn link(night: &Night, item: &Item, path: &impl Fn(capture::Digest) -> String) -> Link {
    let mention = item.mentions.first();
    Link {
        course: night.course.to_string(),
        url: item.link.to_string(),
        label: mention.map(|mention| mention.words.clone()).unwrap_or_default(),
        section: mention.map(|mention| mention.headings.clone()).unwrap_or_default(),
        kind: mention.map_or(Kind::Other, |mention| mention.kind),
        state: item.verdict.state.name(),
        reason: item.verdict.state.reason(),
        since: item.verdict.since,
        nights: item.verdict.nights,
        final_url: item.ended_at.as_ref().map(ToString::to_string),
        document: item.copy.as_ref().map(|copy| copy.document.to_string()),
        capture: item.copy.as_ref().map(|copy| Capture {
            sha256: copy.sha256,
            bytes: copy.bytes,
            media_type: copy.media_type.split(';').next().unwrap_or_default().trim().to_owned(),
            captured_at: copy.captured_at,
            path: path(copy.sha256),
        }),
        change: match &item.verdict.state {
            State::Changed { change, .. } => {
                Some(Change { summary: wording::change(change), similarity: change.similarity })
            }
            State::Ok
            | State::Moved { .. }
            | State::Restricted { .. }
            | State::Unverifiable { .. }
            | State::Failing { .. }
            | State::Dead { .. } => None,
        },
        due: item.mentions.iter().filter_map(|mention| mention.due).min(),
    }
}
