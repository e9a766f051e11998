//! Labelled histories of pages: a step without a changed word is quiet, a large change is reported.

use std::path::{Path, PathBuf};

use onreserve::domain::address::Address;
use onreserve::domain::document::{self, Document, DocumentContext};
use onreserve::domain::evidence::{Drift, drift};
use serde_json::Value;

/// A change of this share of the words must always be reported.
const MUST_BE_TOLD: f64 = 0.05;

fn read(path: &Path) -> Document {
    let address = Address::parse("https://blog.example/post").unwrap();
    document::read(&std::fs::read(path).unwrap(), &DocumentContext::new(address, None))
}

/// Steps reported without reason and steps missed, out of all steps.
fn judge(dir: &Path) -> (Vec<String>, usize) {
    let labels = std::fs::read_to_string(dir.join("labels.json")).unwrap();
    let labels: Vec<Value> = serde_json::from_str(&labels).unwrap();
    let mut wrong = Vec::new();
    for label in &labels {
        let [before, after] = ["before", "after"].map(|side| dir.join(label[side].as_str().unwrap()));
        let (Some(changed), Some(words)) = (label["words_changed"].as_f64(), label["words"].as_f64()) else {
            continue;
        };
        let found = drift::compare(&read(&before), &read(&after));
        let is_told = matches!(found, Drift::Different(_));
        if (changed == 0.0 && is_told) || (changed >= MUST_BE_TOLD * words && !is_told) {
            wrong.push(format!("{}: {changed} of {words} words changed, found {found:?}", after.display()));
        }
    }
    (wrong, labels.len())
}

#[test]
fn only_changed_words_are_reported_and_large_changes_always() {
    let mut dirs = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/drift"))];
    // The variable may name a directory with more histories of the same form.
    dirs.extend(std::env::var_os("ONRESERVE_DRIFT").map(PathBuf::from));
    for dir in dirs {
        let (wrong, steps) = judge(&dir);
        assert!(steps > 10, "{} has hardly any steps", dir.display());
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
