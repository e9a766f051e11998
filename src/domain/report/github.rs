//! Annotations as GitHub workflow commands, which a CI run shows on the lines of a change.

use crate::domain::report::CourseFacts;
use crate::domain::report::annotation::{Annotation, Severity, remarks};
use crate::domain::report::wording::annotation::rule;

/// One command per line. Links that could not be checked are left out.
pub fn lines(course: &CourseFacts) -> String {
    remarks(course).iter().filter_map(line).collect()
}

fn line(remark: &Annotation) -> Option<String> {
    let command = match remark.grade {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
        Severity::Open => return None,
    };
    let title = property(&rule(remark.rule));
    let place = match &remark.page {
        Some(page) => format!("file={},line={},", property(page), remark.line),
        None => String::new(),
    };
    Some(format!("::{command} {place}title={title}::{}\n", data(&remark.text)))
}

/// Escapes what would end the line or the command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::evidence::Reason;
    use crate::domain::report::tests::{in_state, newly_dead, ok, report};
    use crate::domain::verdict::State;

    #[test]
    fn any_annotation_is_one_line() {
        let refused = State::Unverifiable { reason: Reason::Robots };
        let mut dead = newly_dead(ok("100%\n::error::x", "https://a.example/"), Reason::NotFound, Some(404));
        dead.mentions[0].page = Some("a,b:c.md".into());
        let report = report(vec![dead, in_state(ok("B", "https://b.example/"), None, refused, 9)]);
        insta::assert_snapshot!(lines(&report.facts), @r#"::error file=a%2Cb%3Ac.md,line=112,title=not found::"100%25 ::error::x" (https://a.example/): not found (404), 3 nights running since Sat 3 Oct; last worked Fri 2 Oct."#);
    }
}
