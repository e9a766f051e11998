//! The rules fail when they should: small trees in memory, each with one mistake.

use super::rules::Tree;
use super::source::Source;

fn tree(files: &[(&str, &str)]) -> Tree {
    Tree::new(files.iter().map(|(path, text)| Source::parse(path, text)).collect())
}

/// The files of each circle, by name.
fn circles(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let sorted = |mut files: Vec<String>| {
        files.sort();
        files
    };
    tree(files).circles().into_iter().map(|circle| sorted(circle.files)).collect()
}

const TWO: [&str; 2] = ["night/a.rs", "night/b.rs"];

#[test]
fn a_circle_is_found_in_each_spelling_of_a_name() {
    for (one, other) in [
        ("use crate::night::b::B; pub struct A;", "use crate::night::a::A; pub struct B;"),
        ("use super::b::B; pub struct A;", "use super::a::A; pub struct B;"),
        (
            "use crate::night::{b::{self}, c}; pub struct A; fn f(_: b::B) {}",
            "fn f() -> super::a::A { todo!() } pub struct B;",
        ),
        ("pub fn a() { crate::night::b::b() }", "pub fn b() { println!(\"{}\", super::a::a()) }"),
        ("use super::b::*; pub struct A; fn f(_: B) {}", "use super::a::A as Other; pub struct B;"),
        (
            "pub struct A; fn f(x: u8) { match x { super::b::B => {} _ => {} } }",
            "pub const B: u8 = 1; impl super::a::A {}",
        ),
        (
            "pub mod inner { pub struct A; pub fn f() -> super::super::b::B { todo!() } }",
            "use super::a::inner; pub struct B; fn f(_: inner::A) {}",
        ),
        ("pub fn a() { use super::b::b as other; other() }", "pub fn b() { crate::night::a::a() }"),
    ] {
        let files = [
            ("night/mod.rs", "pub mod a; pub mod b; pub mod c;"),
            (TWO[0], one),
            (TWO[1], other),
            ("night/c.rs", ""),
        ];
        assert_eq!(circles(&files), [TWO], "{one} | {other}");
    }
}

#[test]
fn a_circle_runs_across_folders_and_over_several_files() {
    let files = [
        ("lib.rs", "pub mod night; pub mod world;"),
        ("night/mod.rs", "pub mod a; pub mod b;"),
        ("night/a.rs", "pub struct A(super::b::B);"),
        ("night/b.rs", "pub struct B(Box<crate::world::C>);"),
        ("world/mod.rs", "mod c; pub use c::C;"),
        ("world/c.rs", "pub struct C(Box<crate::night::a::A>);"),
    ];
    assert_eq!(circles(&files), [["night/a.rs", "night/b.rs", "world/c.rs"]]);
}

#[test]
fn a_module_file_is_part_of_a_circle_that_leaves_its_folder() {
    let files = |outside| {
        [
            ("night/mod.rs", "mod a; pub struct Shared; pub fn f() { a::a(Shared) }"),
            ("night/a.rs", "use super::Shared; use crate::clock::Clock; pub fn a(_: Shared) {}"),
            ("clock.rs", outside),
        ]
    };
    assert!(circles(&files("pub struct Clock;")).is_empty(), "a file stands inside the module above it");
    let through = files("pub struct Clock; fn f(_: crate::night::Shared) {}");
    assert_eq!(circles(&through), [["clock.rs", "night/a.rs", "night/mod.rs"]]);
    let files = [
        ("night/mod.rs", "mod a; mod b; pub use a::A;"),
        ("night/a.rs", "pub struct A;"),
        ("night/b.rs", "use super::A; pub struct B;"),
    ];
    assert!(circles(&files).is_empty(), "a re-export is no use");
}

#[test]
fn test_code_forms_no_circle() {
    let files = [
        ("night/mod.rs", "pub mod a; pub mod b;"),
        ("night/a.rs", "pub struct A; #[cfg(test)] mod tests { use crate::night::b::B; }"),
        ("night/b.rs", "use super::a::A; pub struct B;"),
    ];
    assert!(circles(&files).is_empty());
}

#[test]
fn a_public_type_name_that_is_defined_twice_is_found() {
    let duplicates = |one: &str, other: &str| -> Vec<String> {
        let tree = tree(&[("night/a.rs", one), ("night/b.rs", other)]);
        tree.duplicate_types().into_iter().map(|it| it.name).collect()
    };
    assert_eq!(duplicates("pub struct Known;", "pub(crate) enum Known {}"), ["Known"]);
    assert_eq!(duplicates("pub type Known = u8;", "trait Known {}"), ["Known"]);
    assert!(duplicates("struct Known;", "struct Known;").is_empty(), "both are private");
    assert!(duplicates("pub enum Error {}", "pub enum Error {}").is_empty());
    let associated = "pub struct X; impl Iterator for X { type Item = u8; }";
    assert!(duplicates(associated, "pub struct Item;").is_empty());
}

#[test]
fn a_use_of_a_higher_floor_is_found() {
    let above = |files: &[(&str, &str)]| tree(files).above();
    for (path, text) in [
        ("domain/link.rs", "use crate::world::clock::Clock;"),
        ("domain/link.rs", "use crate::{domain, world::{clock::Clock}};"),
        ("domain/link.rs", "fn f() { super::super::world::clock::now() }"),
        ("world/archive.rs", "fn f() { vec![crate::night::run()] }"),
        ("serve/go.rs", "use crate::night::run;"),
        ("domain/address.rs", "use super::report::Report;"),
        ("world/mail.rs", "use super::archive::Archive;"),
    ] {
        let others = [
            ("world/clock.rs", "pub struct Clock; pub fn now() {}"),
            ("night/mod.rs", "pub fn run() {}"),
            ("domain/report.rs", "pub struct Report;"),
            ("world/archive.rs", "pub struct Archive;"),
            ("lib.rs", "pub mod domain; pub mod night; pub mod serve; pub mod world;"),
            ("domain/mod.rs", "pub mod address; pub mod link; pub mod report;"),
            ("world/mod.rs", "pub mod archive; pub mod clock; pub mod mail;"),
        ];
        let mut files: Vec<(&str, &str)> = others.into_iter().filter(|(other, _)| *other != path).collect();
        assert!(above(&files).is_empty());
        files.push((path, text));
        assert_eq!(above(&files).len(), 1, "{path}: {text}");
    }
}

#[test]
fn a_long_file_a_bare_one_and_a_nameless_one_are_found() {
    let long = format!("//! Long.\n{}", "\n".repeat(400));
    for (path, text) in
        [("night/a.rs", long.as_str()), ("night/a.rs", "fn f() {}"), ("night/utils.rs", "//! Any.")]
    {
        assert_eq!(tree(&[(path, text)]).shapeless().len(), 1, "{path}");
    }
    assert!(tree(&[("night/a.rs", "//! A.\nfn f() {}")]).shapeless().is_empty());
    assert_eq!(tree(&[("night/a.rs", "fn f() -> bool { cfg!(test) }")]).test_aware().len(), 1);
}
