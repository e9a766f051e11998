//! The source files of course pages: each is read and replaced as a whole.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::world::disk;

/// Larger files are not read as sources.
const FILE_BYTES: u64 = 2 << 20;
/// A course has a few hundred source files; the rest of a larger directory is not read.
const FILES_AT_MOST: usize = 5000;

/// The file types in which links are written.
const ENDINGS: &[&str] = &[
    "md", "markdown", "qmd", "rmd", "html", "htm", "xhtml", "yml", "yaml", "json", "toml", "csv", "tsv",
    "liquid", "njk", "bib",
];
/// Directories that generators write, or that hold their own code.
const NOT_SOURCES: &[&str] = &["_site", "public", "node_modules", "vendor", "target", "_book", "_build"];

/// Sources that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read the sources in {}: {source}; {}", path.display(), disk::advice_or(source, "correct `source` in the course's configuration"))]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{} changed while the command ran; nothing was written to it, so run the command again", path.display())]
    Changed { path: PathBuf },
    #[error("cannot write {}: {source}; the file is unchanged; {}", path.display(), disk::advice(source))]
    Unwritable { path: PathBuf, source: io::Error },
}

/// The sources of a course.
#[derive(Clone, Debug, Default)]
pub struct SourceTree {
    /// The directory that all names are relative to.
    pub root: PathBuf,
    /// By name, which is the path from the root, with `/`.
    pub files: Vec<SourceFile>,
}

#[derive(Clone, Debug)]
pub struct SourceFile {
    pub name: String,
    pub path: PathBuf,
    pub text: String,
}

/// Reads the page files, and every source below the directory.
///
/// Files that are not UTF-8 are skipped: they cannot be edited safely.
pub fn read(pages: &[PathBuf], dir: Option<&Path>) -> Result<SourceTree, Error> {
    let mut paths = Vec::new();
    if let Some(dir) = dir {
        let unreadable = |source| Error::Unreadable { path: dir.to_owned(), source };
        if dir.is_file() { paths.push(dir.to_owned()) } else { walk(dir, &mut paths).map_err(unreadable)? }
    }
    paths.extend(pages.iter().cloned());
    let mut absolute: Vec<PathBuf> = Vec::new();
    for path in &paths {
        // The target of the link, so that a symbolic link is not replaced by a file.
        let path =
            fs::canonicalize(path).map_err(|source| Error::Unreadable { path: path.clone(), source })?;
        absolute.push(path);
    }
    absolute.sort();
    absolute.dedup();
    let dir = dir.filter(|dir| dir.is_dir()).and_then(|dir| fs::canonicalize(dir).ok());
    let root = root(&absolute, dir);
    let mut files = Vec::new();
    for path in absolute {
        let bytes = fs::read(&path).map_err(|source| Error::Unreadable { path: path.clone(), source })?;
        let name = path.strip_prefix(&root).ok().and_then(Path::to_str).map(str::to_owned);
        if let (Ok(text), Some(name)) = (String::from_utf8(bytes), name) {
            files.push(SourceFile { name, path, text });
        }
    }
    Ok(SourceTree { root, files })
}

/// The configured directory, or the nearest one that contains all files.
fn root(files: &[PathBuf], dir: Option<PathBuf>) -> PathBuf {
    let parents = files.iter().filter_map(|file| file.parent());
    let mut root = dir.or_else(|| files.first()?.parent().map(Path::to_owned)).unwrap_or_default();
    for parent in parents {
        while !parent.starts_with(&root) && root.pop() {}
    }
    root
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut left = vec![dir.to_owned()];
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || found.len() >= FILES_AT_MOST {
                continue;
            }
            if kind.is_dir() && !NOT_SOURCES.contains(&name.as_str()) {
                left.push(path);
            } else if kind.is_file() && is_source(&path) && entry.metadata()?.len() <= FILE_BYTES {
                found.push(path);
            }
        }
    }
    Ok(())
}

fn is_source(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

impl SourceFile {
    /// Replaces the contents of the file atomically, if it has not changed since it was read.
    pub fn replace(&self, text: &str) -> Result<(), Error> {
        let unwritable = |source| Error::Unwritable { path: self.path.clone(), source };
        let dir = self.path.parent().unwrap_or(Path::new("."));
        let mut new = tempfile::NamedTempFile::new_in(dir).map_err(unwritable)?;
        new.write_all(text.as_bytes()).map_err(unwritable)?;
        let permissions = fs::metadata(&self.path).map_err(unwritable)?.permissions();
        new.as_file().set_permissions(permissions).map_err(unwritable)?;
        new.as_file().sync_all().map_err(unwritable)?;
        if fs::read(&self.path).map_err(unwritable)? != self.text.as_bytes() {
            return Err(Error::Changed { path: self.path.clone() });
        }
        new.persist(&self.path).map_err(|error| unwritable(error.error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests create the files")]

    use super::*;

    #[test]
    fn a_file_that_changed_meanwhile_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let page = dir.path().join("page.md");
        fs::write(&page, "one").unwrap();
        let tree = read(std::slice::from_ref(&page), None).unwrap();
        assert_eq!(tree.files[0].name, "page.md");
        tree.files[0].replace("two").unwrap();
        assert_eq!(fs::read_to_string(&page).unwrap(), "two");
        assert!(matches!(tree.files[0].replace("three"), Err(Error::Changed { .. })));
        assert_eq!(fs::read_to_string(&page).unwrap(), "two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn a_tree_has_sources_and_no_generated_files() {
        let dir = tempfile::tempdir().unwrap();
        for file in ["index.html", "_data/week 1.yml", "_site/index.html", ".git/a.md", "slides.pdf"] {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        fs::write(dir.path().join("latin1.md"), b"caf\xe9").unwrap();
        let tree = read(&[], Some(dir.path())).unwrap();
        let names: Vec<&str> = tree.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["_data/week 1.yml", "index.html"]);
    }
}
