//! The output of `check --format json`.

use super::*;

#[test]
fn the_json_keeps_its_names() {
    let mut report = three_dead_two_changed_one_moved();
    report.facts.links.drain(..138);
    report.facts.links.drain(1..5);
    report.facts.links.truncate(3);
    let run = json::TotalsJson {
        id: "20261005T061400Z".into(),
        started: report.facts.started,
        finished: report.facts.finished,
        requests: report.facts.requests,
        bytes: report.facts.bytes,
        void: None,
    };
    let output = json::RunJson::new(run, [&report.facts], |digest| format!("archive/blobs/sha256/{digest}"));
    insta::assert_snapshot!("contract", serde_json::to_string_pretty(&output).unwrap());
}
