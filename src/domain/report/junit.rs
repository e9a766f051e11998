//! The night as a `JUnit` report: one test for each link.
//!
//! A test fails for a dead link and for a missing file of the course, unless
//! something was decided of it that still holds. What is not yet confirmed, or
//! could not be checked, is skipped: it says nothing of the page.

use crate::domain::report::annotation::page;
use crate::domain::report::wording::{annotation as words, item};
use crate::domain::report::{CourseFacts, LinkFacts, placement, wording};
use crate::domain::verdict::State;

/// How the test of a link ended.
enum TestOutcome {
    Passed,
    /// Passed, with something to know.
    Remarked,
    Failed,
    Skipped,
}

/// The report of one run over several courses.
pub fn report<'a>(nights: impl IntoIterator<Item = &'a CourseFacts>) -> String {
    let suites: String = nights.into_iter().map(suite).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"onreserve\">\n{suites}</testsuites>\n"
    )
}

fn suite(night: &CourseFacts) -> String {
    let count = |wanted: fn(&TestOutcome) -> bool| {
        night.items.iter().filter(|item| wanted(&ending(night, item))).count()
    };
    let mut text = format!(
        "  <testsuite name={} tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" timestamp=\"{}\" time=\"{}\">\n",
        attribute(night.course.as_str()),
        night.items.len(),
        count(|ending| matches!(ending, TestOutcome::Failed)),
        count(|ending| matches!(ending, TestOutcome::Skipped)),
        night.started.strftime("%Y-%m-%dT%H:%M:%S"),
        night.finished.duration_since(night.started).as_secs(),
    );
    for item in &night.items {
        text.push_str(&case(night, item));
    }
    for told in night
        .void
        .as_ref()
        .map(wording::void)
        .iter()
        .chain(&night.page_trouble.as_ref().map(wording::page_trouble))
    {
        text.push_str(&format!("    <system-err>{}</system-err>\n", escaped(told)));
    }
    text.push_str("  </testsuite>\n");
    text
}

fn case(night: &CourseFacts, item: &LinkFacts) -> String {
    let first = item.mentions.first();
    let file = page(night, first).map(|page| format!(" file={}", attribute(&page))).unwrap_or_default();
    let line = first.map(|mention| format!(" line=\"{}\"", mention.line.max(1))).unwrap_or_default();
    let name = format!("{} {}", item::name(item, first), item.link);
    let head = format!(
        "    <testcase classname={} name={}{file}{line} time=\"0\"",
        attribute(night.course.as_str()),
        attribute(&name)
    );
    let told = match ending(night, item) {
        TestOutcome::Passed => return format!("{head}/>\n"),
        TestOutcome::Remarked => {
            format!("<system-out>{}</system-out>", escaped(&words::of_link(night, item, first)))
        }
        TestOutcome::Skipped => format!("<skipped message={}/>", attribute(&words::not_judged(night, item))),
        TestOutcome::Failed => format!(
            "<failure type={} message={}>{}</failure>",
            attribute(item::state(night, item)),
            attribute(&words::seen(night, item)),
            escaped(&words::of_link(night, item, first)),
        ),
    };
    format!("{head}>{told}</testcase>\n")
}

fn ending(night: &CourseFacts, item: &LinkFacts) -> TestOutcome {
    if item.decision.is_some() {
        return TestOutcome::Remarked;
    }
    match &item.verdict.state {
        state if placement::is_broken(state, placement::is_own(night, item)) => TestOutcome::Failed,
        State::Dead { .. } => TestOutcome::Failed,
        State::Ok => TestOutcome::Passed,
        State::Moved { .. } | State::Changed { .. } | State::Restricted { .. } => TestOutcome::Remarked,
        State::Unverifiable { .. } | State::Failing { .. } => TestOutcome::Skipped,
    }
}

fn attribute(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// XML 1.0 has no way to write most control characters, not even escaped.
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
    use crate::domain::report::tests::{a_few_of_each, as_decided, moved, newly_dead, night, ok};

    #[test]
    fn a_night_is_a_suite_and_a_link_a_test() {
        insta::assert_snapshot!(report([&a_few_of_each().facts]));
    }

    #[test]
    fn counts_agree_with_the_tests() {
        let night = night(vec![
            newly_dead(ok("A", "https://a.example/1"), Reason::NotFound, Some(404)),
            moved(ok("B", "https://a.example/2"), "https://b.example/2"),
            ok("C", "https://a.example/3"),
        ]);
        let text = report([&night.facts]);
        let document = roxmltree::Document::parse(&text).unwrap();
        let tests = document.descendants().filter(|node| node.has_tag_name("testcase")).count();
        let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
        assert_eq!((tests, suite.attribute("tests"), suite.attribute("failures")), (3, Some("3"), Some("1")));
    }

    #[test]
    fn what_was_decided_fails_nothing() {
        let dead = newly_dead(ok("A", "https://a.example/1"), Reason::NotFound, Some(404));
        let text = report([&night(vec![as_decided(dead, Choice::AcceptedDead)]).facts]);
        assert!(text.contains("failures=\"0\"") && text.contains("Decided: accepted as dead."), "{text}");
    }

    proptest! {
        #[test]
        fn whatever_a_link_is_called_the_report_is_xml(words in any::<String>(), title in any::<String>()) {
            let hostile = format!("{words}]]>\u{0}\u{1b}\u{ffff}<![CDATA[");
            let mut item = newly_dead(ok(&hostile, "https://a.example/?a=1&b=%22"), Reason::NotFound, Some(404));
            item.mentions[0].page = Some(title);
            let text = report([&night(vec![item]).facts]);
            let document = roxmltree::Document::parse(&text).unwrap();
            let failure = document.descendants().find(|node| node.has_tag_name("failure")).unwrap();
            prop_assert!(failure.text().unwrap().contains("https://a.example/?a=1&b=%22"));
        }
    }
}
