//! Annotations: findings that programs show beside a line of a page.

use crate::domain::address::LinkId;
use crate::domain::course::PageSource;
use crate::domain::link::Mention;
use crate::domain::page::LinkDefect;
use crate::domain::report::annotation_rule::{AnnotationRule, PageRule};
use crate::domain::report::wording::annotation as words;
use crate::domain::report::{CourseFacts, LinkFacts, PageDefect, placement, wording};
use crate::domain::verdict::State;

/// One finding on a line of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    pub rule: AnnotationRule,
    pub grade: Severity,
    /// The address or path of the page; `None` if it is not known.
    pub page: Option<String>,
    /// Counted from 1.
    pub line: u32,
    pub text: String,
    pub link: Option<LinkId>,
}

/// How serious an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A dead link, a missing file of the course, or a defect of the page.
    Error,
    Warning,
    Note,
    /// The link could not be checked.
    Open,
}

/// One annotation for each mention of a link that has a problem and no decision,
/// then one for each defect of the pages.
pub fn remarks(course: &CourseFacts) -> Vec<Annotation> {
    let of_links = course.links.iter().flat_map(|link_facts| of_link(course, link_facts));
    of_links.chain(course.defects.iter().map(|defect| of_defect(course, defect))).collect()
}

fn of_link(course: &CourseFacts, link_facts: &LinkFacts) -> Vec<Annotation> {
    let Some(reason) = link_facts.verdict.state.reason().filter(|_| link_facts.decision.is_none()) else {
        return Vec::new();
    };
    let remark = |mention: Option<&Mention>| Annotation {
        rule: AnnotationRule::Link(reason),
        grade: grade(course, link_facts),
        page: page(course, mention),
        line: mention.map_or(1, |mention| mention.line.max(1)),
        text: words::of_link(course, link_facts, mention),
        link: Some(LinkId::of(&link_facts.link)),
    };
    if link_facts.mentions.is_empty() {
        return vec![remark(None)];
    }
    link_facts.mentions.iter().map(|mention| remark(Some(mention))).collect()
}

fn grade(course: &CourseFacts, link_facts: &LinkFacts) -> Severity {
    match &link_facts.verdict.state {
        state if placement::is_broken(state, placement::is_own(course, link_facts)) => Severity::Error,
        State::Dead { .. } => Severity::Error,
        State::Failing { .. } | State::Changed { .. } | State::Restricted { .. } => Severity::Warning,
        State::Moved { .. } => Severity::Note,
        State::Ok | State::Unverifiable { .. } => Severity::Open,
    }
}

fn of_defect(course: &CourseFacts, found: &PageDefect) -> Annotation {
    let (rule, line) = match &found.defect {
        LinkDefect::EmptyLink { line, .. } => (PageRule::EmptyLink, *line),
        LinkDefect::Malformed { line, .. } => (PageRule::Malformed, *line),
        LinkDefect::MissingFile { line, .. } => (PageRule::MissingFile, *line),
        LinkDefect::BrokenAnchor { line, .. } => (PageRule::BrokenAnchor, *line),
    };
    let (title, text) = wording::defect(found);
    Annotation {
        rule: AnnotationRule::Page(rule),
        grade: Severity::Error,
        page: found.page.clone().or_else(|| page(course, None)),
        line: line.max(1),
        text: format!("{title}: {text}"),
        link: None,
    }
}

/// The page of a mention: the one it names, or the only page of the course.
pub fn page(course: &CourseFacts, mention: Option<&Mention>) -> Option<String> {
    let only = || match course.pages.as_slice() {
        [PageSource::Web(address)] => Some(address.to_string()),
        [PageSource::File { path, .. }] => Some(path.display().to_string()),
        _ => None,
    };
    mention.and_then(|mention| mention.page.clone()).or_else(only)
}
