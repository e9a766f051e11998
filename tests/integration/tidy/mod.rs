//! The rules of the tree: which file may use which, how long files may be, what they may be called.

mod circles;
mod names;
mod planted;
mod rules;
mod source;
mod uses;

use std::path::Path;

use self::rules::Tree;

/// Folders whose files may still form circles.
const CIRCLES_LEFT: &[&str] = &["cli/", "domain/document/pdf/", "domain/replay/", "world/catalogue/"];
/// Public type names that are still defined more than once.
const DUPLICATES_LEFT: &[&str] =
    &["Candidate", "Cell", "Context", "Defect", "Line", "Page", "Part", "Role", "State"];

fn this_tree() -> Tree {
    Tree::new(source::read_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")))
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_uses_only_floors_below_it() {
    assert_none(&this_tree().above());
}

#[test]
fn no_files_form_a_circle() {
    let is_left = |circle: &rules::Circle| {
        circle.files.iter().all(|file| CIRCLES_LEFT.iter().any(|folder| file.starts_with(folder)))
    };
    let circles = this_tree().circles();
    let wrong: Vec<String> = circles.iter().filter(|it| !is_left(it)).map(ToString::to_string).collect();
    assert_none(&wrong);
}

#[test]
fn a_public_type_name_is_defined_once() {
    let duplicates = this_tree().duplicate_types();
    let wrong = duplicates.into_iter().filter(|it| !DUPLICATES_LEFT.contains(&it.name.as_str()));
    assert_none(&wrong.map(|it| it.to_string()).collect::<Vec<_>>());
}

#[test]
fn files_are_short_and_named_for_their_subject() {
    assert_none(&this_tree().shapeless());
}

#[test]
fn production_code_does_not_know_that_it_is_tested() {
    assert_none(&this_tree().test_aware());
}
