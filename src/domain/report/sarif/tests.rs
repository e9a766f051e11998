use serde_json::Value;

use super::*;
use crate::domain::decision::Choice;
use crate::domain::evidence::Reason;
use crate::domain::report::CourseReport;
use crate::domain::report::tests::{a_few_of_each, as_decided, newly_dead, ok, report};

fn json(nights: &[CourseReport]) -> Value {
    serde_json::to_value(log(nights.iter().map(|report| &report.facts))).unwrap()
}

#[test]
fn a_course_is_a_run_of_results() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&log([&a_few_of_each().facts])).unwrap());
}

/// The rules of SARIF 2.1.0 whose violation makes consumers reject a log.
#[test]
fn the_log_follows_the_standard() {
    let log = json(&[a_few_of_each(), report(vec![])]);
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().ends_with("sarif-schema-2.1.0.json"));
    for run in log["runs"].as_array().unwrap() {
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert!(run["automationDetails"]["id"].as_str().unwrap().starts_with("onreserve/"));
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            let (kind, level) = (result["kind"].as_str().unwrap(), result["level"].as_str().unwrap());
            assert!(["none", "note", "warning", "error"].contains(&level));
            assert_eq!(kind == "fail", level != "none", "section 3.27.10");
            assert!(!result["message"]["text"].as_str().unwrap().is_empty());
            let place = &result["locations"][0]["physicalLocation"];
            assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
            assert!(!place["artifactLocation"]["uri"].as_str().unwrap().contains(' '));
        }
    }
    assert_eq!(log["runs"][1]["results"], Value::Array(vec![]));
}

#[test]
fn a_decided_link_has_no_result() {
    let dead = || newly_dead(ok("A", "https://a.example/1"), Reason::NotFound, Some(404));
    let log = json(&[report(vec![as_decided(dead(), Choice::NotBroken), dead()])]);
    assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), 1);
}

#[test]
fn a_path_becomes_a_uri_reference_and_hostile_words_are_escaped() {
    let mut link_facts = newly_dead(ok("[x](1) {0}", "https://a.example/"), Reason::NotFound, Some(404));
    link_facts.mentions[0].page = Some("./notes/week 1#.md".into());
    link_facts.mentions[0].line = 0;
    let log = json(&[report(vec![link_facts])]);
    let result = &log["runs"][0]["results"][0];
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "notes/week%201%23.md");
    assert_eq!(place["region"]["startLine"], 1);
    assert!(result["message"]["text"].as_str().unwrap().contains(r"\[x\](1) {{0}}"), "{result}");
    assert_eq!(uri("/home/a/b.md"), "file:///home/a/b.md");
    assert_eq!(uri("https://a.example/x?y"), "https://a.example/x?y");
}
