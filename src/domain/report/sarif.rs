//! Annotations as SARIF 2.1.0 (OASIS), which code hosts show on the lines of a change.

use serde::Serialize;

use crate::domain::report::annotation::{Annotation, Severity, remarks};
use crate::domain::report::annotation_rule::AnnotationRule;
use crate::domain::report::{CourseFacts, wording};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SarifLog {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    /// One for each course.
    runs: Vec<SarifRun>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifRun {
    tool: Tool,
    automation_details: RunId,
    invocations: [Invocation; 1],
    column_kind: &'static str,
    results: Vec<SarifResult>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<RuleDescription>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleDescription {
    id: AnnotationRule,
    short_description: SarifMessage,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct RunId {
    id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    start_time_utc: String,
    end_time_utc: String,
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Notification {
    level: &'static str,
    message: SarifMessage,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct SarifMessage {
    text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    rule_id: AnnotationRule,
    rule_index: usize,
    kind: &'static str,
    level: &'static str,
    message: SarifMessage,
    locations: Vec<SarifLocation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partial_fingerprints: Option<Fingerprints>,
}

/// Identifies a result by its link, so that it stays the same when lines shift.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Fingerprints {
    #[serde(rename = "link/v1")]
    link: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifLocation {
    physical_location: Physical,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
}

/// The log of one run over several courses.
pub fn log<'a>(courses: impl IntoIterator<Item = &'a CourseFacts>) -> SarifLog {
    SarifLog { schema: SCHEMA, version: "2.1.0", runs: courses.into_iter().map(run).collect() }
}

fn run(course: &CourseFacts) -> SarifRun {
    let remarks = remarks(course);
    let mut rules: Vec<AnnotationRule> = remarks.iter().map(|remark| remark.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    let description = |rule: &AnnotationRule| RuleDescription {
        id: *rule,
        short_description: message(&wording::annotation::rule(*rule)),
    };
    SarifRun {
        tool: Tool {
            driver: Driver {
                name: "onreserve",
                version: env!("CARGO_PKG_VERSION"),
                rules: rules.iter().map(description).collect(),
            },
        },
        automation_details: RunId { id: format!("onreserve/{}/", course.course) },
        invocations: [invocation(course)],
        column_kind: "unicodeCodePoints",
        results: remarks.iter().map(|remark| result(remark, &rules)).collect(),
    }
}

fn invocation(course: &CourseFacts) -> Invocation {
    let void = course.void.as_ref().map(wording::void);
    let problem = course.page_problem.as_ref().map(wording::page_problem);
    let notification = |text: String| Notification { level: "warning", message: message(&text) };
    let time = |at: jiff::Timestamp| format!("{at:.3}");
    Invocation {
        execution_successful: true,
        start_time_utc: time(course.started),
        end_time_utc: time(course.finished),
        tool_execution_notifications: void.into_iter().chain(problem).map(notification).collect(),
    }
}

fn result(remark: &Annotation, rules: &[AnnotationRule]) -> SarifResult {
    let (kind, level) = match remark.grade {
        Severity::Error => ("fail", "error"),
        Severity::Warning => ("fail", "warning"),
        Severity::Note => ("fail", "note"),
        Severity::Open => ("open", "none"),
    };
    let location = |page: &String| SarifLocation {
        physical_location: Physical {
            artifact_location: Artifact { uri: uri(page) },
            region: Region { start_line: remark.line },
        },
    };
    SarifResult {
        rule_id: remark.rule,
        // `rules` is sorted and contains the rule, so this is its position.
        rule_index: rules.partition_point(|rule| *rule < remark.rule),
        kind,
        level,
        message: message(&remark.text),
        locations: remark.page.iter().map(location).collect(),
        partial_fingerprints: remark.link.map(|link| Fingerprints { link: link.to_string() }),
    }
}

/// Escapes braces and brackets, which are message syntax (sections 3.11.5 and 3.11.6).
fn message(text: &str) -> SarifMessage {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '{' | '}' => plain.extend([c, c]),
            '[' | ']' | '\\' => plain.extend(['\\', c]),
            c => plain.push(c),
        }
    }
    SarifMessage { text: plain }
}

/// A path as a URI reference (RFC 3986). An address is one already.
fn uri(page: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const IN_A_PATH: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    if page.contains("://") {
        return page.to_owned();
    }
    let path = utf8_percent_encode(page.strip_prefix("./").unwrap_or(page), IN_A_PATH).to_string();
    if path.starts_with('/') { format!("file://{path}") } else { path }
}

#[cfg(test)]
mod tests;
