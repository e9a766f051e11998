//! A night as remarks, each on a line of a page: what programs show beside a source.

use serde::Serialize;

use crate::domain::address::LinkId;
use crate::domain::course::PageSource;
use crate::domain::evidence::Reason;
use crate::domain::link::Mention;
use crate::domain::page::Defect;
use crate::domain::report::wording::annotation as words;
use crate::domain::report::{CourseFacts, LinkFacts, PageDefect, placement, wording};
use crate::domain::verdict::State;

/// One remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    pub rule: AnnotationRule,
    pub grade: Severity,
    /// The page, an address or a path; `None` where it is not known.
    pub page: Option<String>,
    /// From 1.
    pub line: u32,
    pub text: String,
    pub link: Option<LinkId>,
}

/// What a remark is an instance of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum AnnotationRule {
    Link(Reason),
    Page(PageRule),
}

/// What the page's author can mend, seen without any request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PageRule {
    EmptyLink,
    Malformed,
    MissingFile,
    BrokenAnchor,
}

/// How much a remark matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Dead, or a file of the course that is not there.
    Error,
    Warning,
    Note,
    /// Not a finding: it could not be checked.
    Open,
}

impl AnnotationRule {
    /// What it is, in a few words.
    pub fn words(self) -> String {
        match self {
            Self::Link(reason) => wording::reason(reason, None),
            Self::Page(PageRule::EmptyLink) => "a link without an address".to_owned(),
            Self::Page(PageRule::Malformed) => "not a valid web address".to_owned(),
            Self::Page(PageRule::MissingFile) => "a link to a file that is not there".to_owned(),
            Self::Page(PageRule::BrokenAnchor) => {
                "a link to a place in the page that is not there".to_owned()
            }
        }
    }
}

/// Every link that is not simply fine, and of which nothing is decided, once for
/// each of its places, then the defects of the pages.
pub fn remarks(night: &CourseFacts) -> Vec<Annotation> {
    let of_links = night.items.iter().flat_map(|item| of_link(night, item));
    of_links.chain(night.defects.iter().map(|defect| of_defect(night, defect))).collect()
}

fn of_link(night: &CourseFacts, item: &LinkFacts) -> Vec<Annotation> {
    let Some(reason) = item.verdict.state.reason().filter(|_| item.decision.is_none()) else {
        return Vec::new();
    };
    let remark = |mention: Option<&Mention>| Annotation {
        rule: AnnotationRule::Link(reason),
        grade: grade(night, item),
        page: page(night, mention),
        line: mention.map_or(1, |mention| mention.line.max(1)),
        text: words::of_link(night, item, mention),
        link: Some(LinkId::of(&item.link)),
    };
    if item.mentions.is_empty() {
        return vec![remark(None)];
    }
    item.mentions.iter().map(|mention| remark(Some(mention))).collect()
}

fn grade(night: &CourseFacts, item: &LinkFacts) -> Severity {
    match &item.verdict.state {
        state if placement::is_broken(state, placement::is_own(night, item)) => Severity::Error,
        State::Dead { .. } => Severity::Error,
        State::Failing { .. } | State::Changed { .. } | State::Restricted { .. } => Severity::Warning,
        State::Moved { .. } => Severity::Note,
        State::Ok | State::Unverifiable { .. } => Severity::Open,
    }
}

fn of_defect(night: &CourseFacts, found: &PageDefect) -> Annotation {
    let (rule, line) = match &found.defect {
        Defect::EmptyLink { line, .. } => (PageRule::EmptyLink, *line),
        Defect::Malformed { line, .. } => (PageRule::Malformed, *line),
        Defect::MissingFile { line, .. } => (PageRule::MissingFile, *line),
        Defect::BrokenAnchor { line, .. } => (PageRule::BrokenAnchor, *line),
    };
    let (title, text) = wording::defect(found);
    Annotation {
        rule: AnnotationRule::Page(rule),
        grade: Severity::Warning,
        page: found.page.clone().or_else(|| page(night, None)),
        line: line.max(1),
        text: format!("{title}: {text}"),
        link: None,
    }
}

/// The page a mention stands on, where the course has one, or the mention says it.
pub fn page(night: &CourseFacts, mention: Option<&Mention>) -> Option<String> {
    let only = || match night.pages.as_slice() {
        [PageSource::Web(address)] => Some(address.to_string()),
        [PageSource::File { path, .. }] => Some(path.display().to_string()),
        _ => None,
    };
    mention.and_then(|mention| mention.page.clone()).or_else(only)
}
