//! The files of a site generator around a page file: configuration, data and the
//! heads of pages. Nothing outside of the site's directory is read, and no
//! symbolic link is followed.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::domain::page::{HEAD_BYTES, SiteFileUse, SiteFiles};

/// A page lies no deeper in its site.
const DEPTH_AT_MOST: usize = 8;
/// The rest of a larger site is not known.
const FILES_AT_MOST: usize = 5000;
/// A larger file is no configuration and no list of readings.
const FILE_BYTES: u64 = 1 << 20;
/// Of all files together.
const BYTES_AT_MOST: usize = 16 << 20;
/// Directories that generators write, or that hold their own code.
const NOT_SOURCES: &[&str] =
    &["_site", "public", "node_modules", "vendor", "target", "_book", "_build", "resources"];

/// The site to which a page file belongs: the nearest directory above it that has
/// a configuration, no higher than the top of its checkout.
pub fn around(page: &Path) -> Option<SiteFiles> {
    let page = fs::canonicalize(page).ok()?;
    let mut top = None;
    for directory in page.ancestors().skip(1).take(DEPTH_AT_MOST) {
        if has_configuration(directory) {
            top = Some(directory);
            break;
        }
        if directory.join(".git").exists() {
            break;
        }
    }
    let top = top?;
    let mut site = SiteFiles { page: name_of(&page, top)?, ..SiteFiles::default() };
    let mut bytes = 0;
    for path in files_below(top) {
        let Some(name) = name_of(&path, top) else { continue };
        let text = match SiteFiles::use_of(&name) {
            SiteFileUse::Whole => text_of(&path, FILE_BYTES),
            SiteFileUse::Head => text_of(&path, HEAD_BYTES as u64),
            SiteFileUse::Name => None,
        };
        bytes += text.as_ref().map_or(0, String::len) + name.len();
        if bytes > BYTES_AT_MOST {
            break;
        }
        site.files.insert(name, text);
    }
    Some(site)
}

fn has_configuration(directory: &Path) -> bool {
    let Ok(entries) = fs::read_dir(directory) else { return false };
    entries.flatten().any(|entry| {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        is_file && entry.file_name().to_str().is_some_and(SiteFiles::is_configuration)
    })
}

/// The plain files of a directory, in the order of their names, the nearest first.
fn files_below(top: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![top.to_owned()];
    let mut next = 0;
    while let Some(directory) = left.get(next).cloned() {
        next += 1;
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        let mut entries: Vec<fs::DirEntry> = entries.flatten().collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            // Of the entry itself: a symbolic link is neither a file nor a directory.
            let Ok(kind) = entry.file_type() else { continue };
            let name = entry.file_name();
            let is_hidden = name.to_str().is_none_or(|name| name.starts_with('.'));
            if is_hidden || found.len() + left.len() >= FILES_AT_MOST {
                continue;
            }
            if kind.is_file() {
                found.push(entry.path());
            } else if kind.is_dir() && !NOT_SOURCES.iter().any(|other| name == *other) {
                left.push(entry.path());
            }
        }
    }
    found
}

/// The beginning of a text.
fn text_of(path: &Path, limit: u64) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(limit).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn name_of(path: &Path, top: &Path) -> Option<String> {
    path.strip_prefix(top).ok().and_then(Path::to_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests lay out the files")]

    use super::*;

    #[test]
    fn a_site_ends_at_its_directory_and_at_symbolic_links() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().join("site");
        for (name, text) in [
            ("site/_config.yml", "baseurl: /c"),
            ("site/_data/a.yml", "- 1"),
            ("site/notes/page.md", "---\ntitle: A\n---\n"),
            ("site/_site/old.html", "x"),
            ("site/.secret.yml", "x"),
            ("outside.yml", "secret: 1"),
        ] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        std::os::unix::fs::symlink(dir.path().join("outside.yml"), top.join("_data/b.yml")).unwrap();
        std::os::unix::fs::symlink(dir.path(), top.join("_data/c")).unwrap();
        let site = around(&top.join("notes/page.md")).unwrap();
        assert_eq!(site.page, "notes/page.md");
        let names: Vec<&str> = site.files.keys().map(String::as_str).collect();
        assert_eq!(names, ["_config.yml", "_data/a.yml", "notes/page.md"]);
        fs::write(dir.path().join("lone.md"), "x").unwrap();
        fs::create_dir(dir.path().join(".git")).unwrap();
        assert!(around(&dir.path().join("lone.md")).is_none());
    }
}
