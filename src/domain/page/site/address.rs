//! Where a generator puts a page of the site: by its head, the configuration, or
//! the generator's rule for its file name.

use serde_json::Value;

use super::{Generator, Site};

impl Site {
    /// `{% link a.md %}` of Jekyll: a file by its name from the site's directory.
    pub(in crate::domain::page) fn linked(&self, written: &str) -> Option<String> {
        let name = written.trim().trim_matches(['"', '\'']).trim_start_matches('/');
        if self.generator != Generator::Jekyll {
            return None;
        }
        let Some(head) = self.heads.get(name)? else { return Some(format!("/{name}")) };
        if let Some(written) = permalink(head) {
            return filled(written);
        }
        if let Some((collection, path)) = name.strip_prefix('_').and_then(|name| name.split_once('/')) {
            return if collection == "posts" {
                self.post(without_ending(path))
            } else {
                self.of_collection(collection, path)
            };
        }
        let (directory, stem) = parted(name);
        let style = self.setting(&["permalink"]).unwrap_or_default();
        Some(match (stem, style.as_str()) {
            ("index", _) => format!("/{directory}"),
            (stem, "pretty") => format!("/{directory}{stem}/"),
            (stem, _) => format!("/{directory}{stem}.html"),
        })
    }

    /// `{% post_url 2026-09-01-sorting %}` of Jekyll.
    pub(in crate::domain::page) fn post(&self, written: &str) -> Option<String> {
        let wanted = written.trim();
        let name = self
            .heads
            .keys()
            .find(|name| name.strip_prefix("_posts/").is_some_and(|name| without_ending(name) == wanted))?;
        let head = self.heads.get(name)?.as_ref()?;
        if let Some(written) = permalink(head) {
            return filled(written);
        }
        if head.get("categories").or_else(|| head.get("category")).is_some() {
            return None;
        }
        let stem = wanted.rsplit('/').next()?;
        let mut parts = stem.splitn(4, '-');
        let (year, month, day, title) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        match self.setting(&["permalink"]).as_deref() {
            None | Some("date") => Some(format!("/{year}/{month}/{day}/{title}.html")),
            Some("pretty") => Some(format!("/{year}/{month}/{day}/{title}/")),
            Some(_) => None,
        }
    }

    fn of_collection(&self, collection: &str, path: &str) -> Option<String> {
        let settings = self.config.get("collections")?.get(collection)?;
        settings.get("output").filter(|output| **output == Value::Bool(true))?;
        let pattern = settings.get("permalink").and_then(Value::as_str);
        let path = without_ending(path);
        let name = path.rsplit('/').next()?;
        let filled = pattern
            .unwrap_or("/:collection/:path:output_ext")
            .replace(":collection", collection)
            .replace(":path", path)
            .replace(":name", name)
            .replace(":title", name)
            .replace(":output_ext", ".html");
        (!filled.contains(':')).then_some(filled)
    }

    /// `ref` of Hugo: a page by its path, from this page or from `content`.
    pub(super) fn page_address(&self, written: &str) -> Option<String> {
        let (path, fragment) = written.split_once('#').map_or((written, None), |(path, id)| (path, Some(id)));
        let fragment = fragment.map(|id| format!("#{id}")).unwrap_or_default();
        let own = self.page.rsplit_once('/').map_or("", |(directory, _)| directory);
        let beside = joined(own, path);
        let below = joined("content", path.trim_start_matches('/'));
        let mut names = [beside, below].into_iter().flatten().filter(|_| !path.is_empty());
        let found = names.find_map(|name| {
            ["", ".md", "/index.md", "/_index.md", ".html"]
                .iter()
                .map(|ending| format!("{name}{ending}"))
                .find(|name| self.heads.get(name).is_some_and(Option::is_some))
        });
        let name =
            if path.is_empty() { self.page.clone() } else { found.or_else(|| self.only_page(path))? };
        let head = self.heads.get(&name)?.as_ref()?;
        if let Some(url) = head.get("url").and_then(Value::as_str) {
            return Some(format!("{url}{fragment}"));
        }
        if self.config.get("permalinks").is_some() {
            return None;
        }
        let (directory, stem) = parted(name.strip_prefix("content/")?);
        // The slug of a page with files beside it names their directory.
        let (directory, stem) = match (head.get("slug").and_then(Value::as_str), stem) {
            (Some(slug), "index") => {
                let above = directory.trim_end_matches('/').rfind('/').map_or(0, |at| at + 1);
                (&directory[..above], slug)
            }
            (slug, stem) => (directory, slug.unwrap_or(stem)),
        };
        let is_plain = self.config.get("uglyURLs") == Some(&Value::Bool(true));
        let path = match stem {
            "index" | "_index" => format!("/{directory}"),
            stem if is_plain => format!("/{directory}{stem}.html"),
            stem => format!("/{directory}{stem}/"),
        };
        Some(path.to_lowercase().replace(' ', "-") + &fragment)
    }

    /// The one page that has this file name, wherever it is.
    fn only_page(&self, path: &str) -> Option<String> {
        let wanted = path.trim_start_matches('/');
        let mut found = self.heads.iter().filter(|(name, head)| {
            let last = name.rsplit('/').next().unwrap_or(name);
            head.is_some()
                && name.starts_with("content/")
                && (last == wanted || without_ending(last) == wanted)
        });
        let (name, _) = found.next()?;
        found.next().is_none().then(|| name.clone())
    }
}

/// The address that a page's head gives it.
fn permalink(head: &Value) -> Option<&str> {
    head.get("permalink")?.as_str()
}

/// The address, unless it has parts that only the generator can fill.
fn filled(permalink: &str) -> Option<String> {
    (!permalink.contains(':')).then(|| format!("/{}", permalink.trim_start_matches('/')))
}

pub(super) fn without_ending(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The directory with its slash, and the name without its ending.
pub(super) fn parted(name: &str) -> (&str, &str) {
    let at = name.rfind('/').map_or(0, |at| at + 1);
    (&name[..at], without_ending(&name[at..]))
}

/// A path from a directory; `None` if it leaves the site.
pub(super) fn joined(directory: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
