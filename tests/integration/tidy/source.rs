//! The files of a tree, parsed: the module of each, and its code without tests.

use std::fs;
use std::path::Path;

use syn::visit_mut::VisitMut;

/// One file of the tree.
pub(super) struct Source {
    /// Relative to the root of the tree, with `/`.
    pub(super) path: String,
    /// Its module, without `crate`.
    pub(super) module: Vec<String>,
    pub(super) text: String,
    /// Without what is compiled for tests only.
    pub(super) items: syn::File,
}

impl Source {
    pub(super) fn parse(path: &str, text: &str) -> Self {
        let inside = path.strip_suffix(".rs").unwrap();
        let module = inside.split('/').filter(|part| !matches!(*part, "mod" | "lib")).map(str::to_owned);
        let mut items = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        WithoutTests.visit_file_mut(&mut items);
        Self { path: path.to_owned(), module: module.collect(), text: text.to_owned(), items }
    }
}

/// Every file below `root`, except the files that hold tests only.
pub(super) fn read_tree(root: &Path) -> Vec<Source> {
    let mut paths = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !path.ends_with("tests.rs")
            {
                paths.push(path);
            }
        }
    }
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let inside = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            Source::parse(&inside, &fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// Removes the items that are compiled for tests only.
struct WithoutTests;

impl VisitMut for WithoutTests {
    fn visit_file_mut(&mut self, file: &mut syn::File) {
        file.items.retain(|item| !is_for_tests(item));
        syn::visit_mut::visit_file_mut(self, file);
    }

    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        if let Some((_, items)) = &mut module.content {
            items.retain(|item| !is_for_tests(item));
        }
        syn::visit_mut::visit_item_mod_mut(self, module);
    }
}

fn is_for_tests(item: &syn::Item) -> bool {
    let attributes = match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => return false,
    };
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
    })
}
