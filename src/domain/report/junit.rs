//! The facts of a night as `JUnit` XML, with one test for each link and each defect of the page.
//!
//! A test fails for a defect, for a dead link and for a missing file of the course, unless
//! a decision is in force. A link that is not confirmed yet or could not be
//! checked is skipped.

use crate::domain::report::annotation::page;
use crate::domain::report::wording::{annotation as words, link};
use crate::domain::report::{CourseFacts, LinkFacts, PageDefect, placement, wording};
use crate::domain::verdict::State;

/// How the test of a link ended.
enum TestOutcome {
    Passed,
    /// Passed, with a message.
    Remarked,
    Failed,
    Skipped,
}

/// The XML document of one run over several courses.
pub fn document<'a>(courses: impl IntoIterator<Item = &'a CourseFacts>) -> String {
    let suites: String = courses.into_iter().map(suite).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"onreserve\">\n{suites}</testsuites>\n"
    )
}

fn suite(course: &CourseFacts) -> String {
    let count = |wanted: fn(&TestOutcome) -> bool| {
        course.links.iter().filter(|link_facts| wanted(&ending(course, link_facts))).count()
    };
    let mut text = format!(
        "  <testsuite name={} tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" timestamp=\"{}\" time=\"{}\">\n",
        attribute(course.course.as_str()),
        course.links.len() + course.defects.len(),
        count(|ending| matches!(ending, TestOutcome::Failed)) + course.defects.len(),
        count(|ending| matches!(ending, TestOutcome::Skipped)),
        course.started.strftime("%Y-%m-%dT%H:%M:%S"),
        course.finished.duration_since(course.started).as_secs(),
    );
    for link_facts in &course.links {
        text.push_str(&case(course, link_facts));
    }
    for defect in &course.defects {
        text.push_str(&defect_case(course, defect));
    }
    for problem in course
        .void
        .as_ref()
        .map(wording::void)
        .iter()
        .chain(&course.page_problem.as_ref().map(wording::page_problem))
    {
        text.push_str(&format!("    <system-err>{}</system-err>\n", escaped(problem)));
    }
    text.push_str("  </testsuite>\n");
    text
}

fn case(course: &CourseFacts, link_facts: &LinkFacts) -> String {
    let first = link_facts.mentions.first();
    let file = page(course, first).map_or_else(String::new, |page| format!(" file={}", attribute(&page)));
    let line = first.map_or_else(String::new, |mention| format!(" line=\"{}\"", mention.line.max(1)));
    let name = format!("{} {}", link::name(link_facts, first), link_facts.link);
    let head = format!(
        "    <testcase classname={} name={}{file}{line} time=\"0\"",
        attribute(course.course.as_str()),
        attribute(&name)
    );
    let result = match ending(course, link_facts) {
        TestOutcome::Passed => return format!("{head}/>\n"),
        TestOutcome::Remarked => {
            format!("<system-out>{}</system-out>", escaped(&words::of_link(course, link_facts, first)))
        }
        TestOutcome::Skipped => {
            format!("<skipped message={}/>", attribute(&words::not_judged(course, link_facts)))
        }
        TestOutcome::Failed => format!(
            "<failure type={} message={}>{}</failure>",
            attribute(link::state(course, link_facts)),
            attribute(&words::seen(course, link_facts)),
            escaped(&words::of_link(course, link_facts, first)),
        ),
    };
    format!("{head}>{result}</testcase>\n")
}

/// A defect of the page is always a failure: its author can correct it.
fn defect_case(course: &CourseFacts, defect: &PageDefect) -> String {
    let (title, text) = wording::defect(defect);
    let page = defect.page.clone().or_else(|| page(course, None));
    let file = page.map_or_else(String::new, |page| format!(" file={}", attribute(&page)));
    format!(
        "    <testcase classname={} name={}{file} time=\"0\"><failure type=\"page defect\" message={}>{}</failure></testcase>\n",
        attribute(course.course.as_str()),
        attribute(&format!("{title} ({})", wording::place_of_defect(defect))),
        attribute(&text),
        escaped(&format!("{title}: {text}")),
    )
}

fn ending(course: &CourseFacts, link_facts: &LinkFacts) -> TestOutcome {
    if link_facts.decision.is_some() {
        return TestOutcome::Remarked;
    }
    match &link_facts.verdict.state {
        state if placement::is_broken(state, placement::is_own(course, link_facts)) => TestOutcome::Failed,
        State::Dead { .. } => TestOutcome::Failed,
        State::Ok => TestOutcome::Passed,
        State::Moved { .. } | State::Changed { .. } | State::Restricted { .. } => TestOutcome::Remarked,
        State::Unverifiable { .. } | State::Failing { .. } => TestOutcome::Skipped,
    }
}

fn attribute(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// XML 1.0 cannot contain most control characters, even escaped.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' => safe.push_str("&#10;"),
            '\t' => safe.push_str("&#9;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::decision::Choice;
    use crate::domain::evidence::Reason;
    use crate::domain::report::tests::{a_few_of_each, as_decided, moved, newly_dead, ok, report};

    #[test]
    fn a_course_is_a_suite_and_a_link_a_test() {
        insta::assert_snapshot!(document([&a_few_of_each().facts]));
    }

    #[test]
    fn counts_agree_with_the_tests() {
        let report = report(vec![
            newly_dead(ok("A", "https://a.example/1"), Reason::NotFound, Some(404)),
            moved(ok("B", "https://a.example/2"), "https://b.example/2"),
            ok("C", "https://a.example/3"),
        ]);
        let text = document([&report.facts]);
        let document = roxmltree::Document::parse(&text).unwrap();
        let tests = document.descendants().filter(|node| node.has_tag_name("testcase")).count();
        let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
        assert_eq!((tests, suite.attribute("tests"), suite.attribute("failures")), (3, Some("3"), Some("1")));
    }

    #[test]
    fn a_decided_link_fails_no_test() {
        let dead = newly_dead(ok("A", "https://a.example/1"), Reason::NotFound, Some(404));
        let text = document([&report(vec![as_decided(dead, Choice::AcceptedDead)]).facts]);
        assert!(
            text.contains("failures=\"0\"") && text.contains("Decided: no longer reported as dead."),
            "{text}"
        );
    }

    proptest! {
        #[test]
        fn the_document_is_xml_for_any_name_of_a_link(words in any::<String>(), title in any::<String>()) {
            let hostile = format!("{words}]]>\u{0}\u{1b}\u{ffff}<![CDATA[");
            let mut link_facts = newly_dead(ok(&hostile, "https://a.example/?a=1&b=%22"), Reason::NotFound, Some(404));
            link_facts.mentions[0].page = Some(title);
            let text = document([&report(vec![link_facts]).facts]);
            let document = roxmltree::Document::parse(&text).unwrap();
            let failure = document.descendants().find(|node| node.has_tag_name("failure")).unwrap();
            prop_assert!(failure.text().unwrap().contains("https://a.example/?a=1&b=%22"));
        }
    }
}
