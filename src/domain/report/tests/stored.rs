//! Reports that earlier versions stored.

use serde_json::Value;

use super::*;
use crate::domain::report::due::PendingReport;

/// A queued report, as the first version stored it, with a link of each state.
const FIRST_VERSION: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/queued-report-v1.json"));

/// Panics if `new` lacks something of `old`.
fn assert_contains(new: &Value, old: &Value, path: &str) {
    match (new, old) {
        (Value::Object(new), Value::Object(old)) => {
            for (key, value) in old {
                let path = format!("{path}.{key}");
                assert_contains(new.get(key).unwrap_or_else(|| panic!("{path} is missing")), value, &path);
            }
        }
        (Value::Array(new), Value::Array(old)) => {
            assert_eq!(new.len(), old.len(), "{path}");
            for (at, (new, old)) in new.iter().zip(old).enumerate() {
                assert_contains(new, old, &format!("{path}[{at}]"));
            }
        }
        (new, old) => assert_eq!(new, old, "{path}"),
    }
}

#[test]
fn a_report_of_the_first_version_is_read_and_stored_as_it_was() {
    let old: Value = serde_json::from_str(FIRST_VERSION).unwrap();
    let pending: PendingReport = serde_json::from_value(old.clone()).unwrap();
    let new = serde_json::to_value(&pending).unwrap();
    assert_contains(&new, &old, "report");
    assert_eq!(serde_json::from_value::<PendingReport>(new).unwrap(), pending);
    let links = old["night"]["items"].as_array().unwrap();
    assert_eq!(pending.report.facts.links.len(), links.len());
    for (link, stored) in pending.report.facts.links.iter().zip(links) {
        let before = serde_json::to_value(&pending.report.earlier.links[&link.link].state).unwrap();
        assert_eq!(before, stored["before"], "{}", link.link);
    }
}

#[test]
fn a_report_is_the_same_after_it_was_stored() {
    let report = three_dead_two_changed_one_moved();
    let stored = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<CourseReport>(&stored).unwrap(), report);
}
