//! Finds the file that defines a name, through declarations, imports, re-exports and glob imports.

use std::collections::HashMap;

use super::source::Source;

/// The most imports that are followed before a path counts as unknown.
const DEEPEST: usize = 20;

/// The meaning of a name in a module.
enum Meaning {
    Module(Vec<String>),
    /// An item, in the file of this index.
    Item(usize),
    /// An import of this path.
    Import(Vec<String>),
}

/// The target of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Module(Vec<String>),
    /// An item, in the file of this index.
    Item(usize),
}

#[derive(Default)]
struct Scope {
    file: usize,
    names: HashMap<String, Vec<Meaning>>,
    globs: Vec<Vec<String>>,
}

/// All modules of a tree and the names in each.
pub(super) struct Names(HashMap<Vec<String>, Scope>);

/// An imported name, or a glob import.
pub(super) struct Import {
    pub(super) path: Vec<String>,
    /// Its name here; `None` for a glob and for `as _`.
    name: Option<String>,
    is_glob: bool,
}

impl Names {
    pub(super) fn of(sources: &[Source]) -> Self {
        let mut names = Self(HashMap::new());
        for (file, source) in sources.iter().enumerate() {
            names.declare(file, &source.module, &source.items.items);
        }
        names
    }

    fn declare(&mut self, file: usize, module: &[String], items: &[syn::Item]) {
        let scope = self.0.entry(module.to_vec()).or_default();
        scope.file = file;
        let mut inner = Vec::new();
        for item in items {
            if let syn::Item::Use(item) = item {
                for import in imports(&item.tree) {
                    if import.is_glob {
                        scope.globs.push(import.path);
                    } else if let Some(name) = import.name {
                        scope.names.entry(name).or_default().push(Meaning::Import(import.path));
                    }
                }
                continue;
            }
            if let syn::Item::Mod(item) = item {
                let child = [module, &[item.ident.to_string()]].concat();
                if let Some((_, items)) = &item.content {
                    inner.push((child.clone(), items));
                }
                scope.names.entry(item.ident.to_string()).or_default().push(Meaning::Module(child));
            } else if let Some(name) = declared(item) {
                scope.names.entry(name).or_default().push(Meaning::Item(file));
            }
        }
        for (child, items) in inner {
            self.declare(file, &child, items);
        }
    }

    pub(super) fn file_of(&self, module: &[String]) -> Option<usize> {
        self.0.get(module).map(|scope| scope.file)
    }

    /// Every item or module that a path in a module means. One name can mean several: a
    /// function and the module of the same name.
    pub(super) fn resolve(&self, module: &[String], path: &[String]) -> Vec<Target> {
        self.follow(module, path, 0)
    }

    fn follow(&self, module: &[String], path: &[String], depth: usize) -> Vec<Target> {
        let Some((first, rest)) = path.split_first().filter(|_| depth < DEEPEST) else { return Vec::new() };
        match first.as_str() {
            // The binary names its library as a crate.
            "crate" | "onreserve" => self.inside(&[], rest, depth),
            "self" => self.inside(module, rest, depth),
            "super" => match module.split_last() {
                Some((_, parent)) if rest.first().is_some_and(|next| next == "super") => {
                    self.follow(parent, rest, depth)
                }
                Some((_, parent)) => self.inside(parent, rest, depth),
                None => Vec::new(),
            },
            _ => self.lookup(module, first, rest, depth),
        }
    }

    /// The target of the rest of a path inside a module; the module itself if the rest is unknown.
    fn inside(&self, module: &[String], rest: &[String], depth: usize) -> Vec<Target> {
        let Some((name, rest)) = rest.split_first() else { return vec![Target::Module(module.to_vec())] };
        let found = self.lookup(module, name, rest, depth);
        match self.file_of(module) {
            Some(file) if found.is_empty() => vec![Target::Item(file)],
            _ => found,
        }
    }

    fn lookup(&self, module: &[String], name: &str, rest: &[String], depth: usize) -> Vec<Target> {
        let mut found = Vec::new();
        let scope = self.0.get(module);
        for meaning in scope.and_then(|scope| scope.names.get(name)).into_iter().flatten() {
            match meaning {
                Meaning::Item(file) => found.push(Target::Item(*file)),
                Meaning::Module(child) => found.extend(self.inside(child, rest, depth + 1)),
                Meaning::Import(path) if path.first().map(String::as_str) == Some(name) => {}
                Meaning::Import(path) => {
                    found.extend(self.follow(module, &[path.as_slice(), rest].concat(), depth + 1));
                }
            }
        }
        let child = [module, &[name.to_owned()]].concat();
        if found.is_empty() && self.0.contains_key(&child) {
            return self.inside(&child, rest, depth + 1);
        }
        if found.is_empty() {
            for glob in scope.map_or(&[][..], |scope| &scope.globs) {
                for target in self.follow(module, glob, depth + 1) {
                    if let Target::Module(of) = target
                        && of != module
                    {
                        found.extend(self.lookup(&of, name, rest, depth + 1));
                    }
                }
            }
        }
        found
    }
}

/// The name of an item, other than an import or a module declaration.
fn declared(item: &syn::Item) -> Option<String> {
    let name = match item {
        syn::Item::Const(item) => &item.ident,
        syn::Item::Enum(item) => &item.ident,
        syn::Item::Fn(item) => &item.sig.ident,
        syn::Item::Macro(item) => item.ident.as_ref()?,
        syn::Item::Static(item) => &item.ident,
        syn::Item::Struct(item) => &item.ident,
        syn::Item::Trait(item) => &item.ident,
        syn::Item::Type(item) => &item.ident,
        syn::Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// The imports of a `use`, with groups expanded.
pub(super) fn imports(tree: &syn::UseTree) -> Vec<Import> {
    let mut found = Vec::new();
    take_apart(tree, &[], &mut found);
    found
}

fn take_apart(tree: &syn::UseTree, before: &[String], found: &mut Vec<Import>) {
    let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
    match tree {
        syn::UseTree::Path(path) => take_apart(&path.tree, &with(&path.ident), found),
        syn::UseTree::Group(group) => group.items.iter().for_each(|tree| take_apart(tree, before, found)),
        syn::UseTree::Glob(_) => found.push(Import { path: before.to_vec(), name: None, is_glob: true }),
        syn::UseTree::Name(name) if name.ident == "self" => {
            found.push(Import { path: before.to_vec(), name: before.last().cloned(), is_glob: false });
        }
        syn::UseTree::Name(name) => {
            let path = with(&name.ident);
            found.push(Import { path, name: Some(name.ident.to_string()), is_glob: false });
        }
        syn::UseTree::Rename(rename) => {
            let path = if rename.ident == "self" { before.to_vec() } else { with(&rename.ident) };
            let name = Some(rename.rename.to_string()).filter(|name| name != "_");
            found.push(Import { path, name, is_glob: false });
        }
    }
}
