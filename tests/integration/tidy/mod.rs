//! The rules of the source tree: which file may use which, and how files are named and how long they are.

mod circles;
mod names;
mod planted;
mod rules;
mod source;
mod uses;

use std::path::Path;

use self::rules::Tree;

fn this_tree() -> Tree {
    Tree::new(source::read_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")))
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_uses_only_lower_floors() {
    assert_none(&this_tree().above());
}

#[test]
fn no_files_form_a_circle() {
    assert_none(&this_tree().circles().iter().map(ToString::to_string).collect::<Vec<_>>());
}

#[test]
fn a_public_type_name_is_defined_once() {
    assert_none(&this_tree().duplicate_types().iter().map(ToString::to_string).collect::<Vec<_>>());
}

#[test]
fn files_are_short_and_named_for_their_subject() {
    assert_none(&this_tree().shapeless());
}

#[test]
fn production_code_does_not_depend_on_tests() {
    assert_none(&this_tree().test_aware());
}
