//! Finds the uses between files: imports, and paths inside code and macros.
//!
//! Two things do not count. A re-export (`pub use`) does not, because a file that imports
//! the name uses the file that defines it. Names from the module files above a file do not
//! either, because the file belongs to these modules.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::names::{Names, Target, imports};
use super::source::Source;

/// Between two files, by their indexes: the names that the first uses of the second.
pub(super) type Uses = BTreeMap<(usize, usize), Vec<String>>;

pub(super) fn between(sources: &[Source], names: &Names) -> Uses {
    let mut uses = Uses::new();
    for (file, source) in sources.iter().enumerate() {
        let mut paths = Paths { module: source.module.clone(), found: Vec::new() };
        paths.visit_file(&source.items);
        for (module, path) in paths.found {
            for target in names.resolve(&module, &path) {
                // To name a module does not use its items.
                let Target::Item(other) = target else { continue };
                if other != file && !is_inside(source, &sources[other]) {
                    let names = uses.entry((file, other)).or_default();
                    let name = path.join("::");
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
            }
        }
    }
    uses
}

/// Whether a file is in the folder of another file, which is a module file.
fn is_inside(file: &Source, other: &Source) -> bool {
    file.module.len() > other.module.len() && file.module.starts_with(&other.module)
}

/// Every path in a file, and its module.
struct Paths {
    module: Vec<String>,
    found: Vec<(Vec<String>, Vec<String>)>,
}

impl Paths {
    fn add(&mut self, path: Vec<String>) {
        self.found.push((self.module.clone(), path));
    }

    /// The paths in the arguments of a macro, which are only tokens.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 && !path.is_empty() {
                        self.add(std::mem::take(&mut path));
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                other => {
                    if !path.is_empty() {
                        self.add(std::mem::take(&mut path));
                    }
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.add_tokens(group.stream());
                    }
                }
            }
        }
        if !path.is_empty() {
            self.add(path);
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.module.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if matches!(item.vis, syn::Visibility::Inherited) {
            for import in imports(&item.tree) {
                self.add(import.path);
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.add_tokens(call.tokens.clone());
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}
