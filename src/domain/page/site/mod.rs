//! What the files of a site generator say about a page's placeholders and about links
//! between its sources: Jekyll, Hugo, Quarto, `MkDocs`, Sphinx and Docusaurus. Nothing is generated; only configuration, data files and the
//! heads of pages are known.

mod address;
mod data;
mod source_link;

pub(super) use data::head;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::address::Address;

/// The files of a checkout around a page, as they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteFiles {
    /// The page's own name: its path from the site's directory, with `/`.
    pub page: String,
    /// By name. Configuration and data have their text, pages their head, other
    /// files none.
    pub files: BTreeMap<String, Option<String>>,
}

/// Names of configurations at the top of a site, and whose they are.
const CONFIGURATIONS: &[(&str, Generator)] = &[
    ("mkdocs.yml", Generator::MkDocs),
    ("mkdocs.yaml", Generator::MkDocs),
    ("docusaurus.config.js", Generator::Docusaurus),
    ("docusaurus.config.mjs", Generator::Docusaurus),
    ("docusaurus.config.ts", Generator::Docusaurus),
    ("conf.py", Generator::Sphinx),
    // Of Jupyter Book, which builds with Sphinx.
    ("_toc.yml", Generator::Sphinx),
    ("_config.yml", Generator::Jekyll),
    ("_config.yaml", Generator::Jekyll),
    ("_config.toml", Generator::Jekyll),
    ("_quarto.yml", Generator::Quarto),
    ("_quarto.yaml", Generator::Quarto),
    ("hugo.toml", Generator::Hugo),
    ("hugo.yaml", Generator::Hugo),
    ("hugo.yml", Generator::Hugo),
    ("hugo.json", Generator::Hugo),
    ("config.toml", Generator::Hugo),
    ("config.yaml", Generator::Hugo),
    ("config.yml", Generator::Hugo),
    ("config.json", Generator::Hugo),
];
/// Directories of data files.
const DATA_DIRECTORIES: &[&str] = &["_data/", "data/"];
/// The directory of the files that pages of Jekyll include.
const INCLUDES: &str = "_includes/";
/// A page's head ends within so many bytes.
pub const HEAD_BYTES: usize = 8 << 10;

/// How much of a site's file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteFileUse {
    Whole,
    /// The first `HEAD_BYTES`.
    Head,
    Name,
}

impl SiteFiles {
    /// Whether a file of this name says that its directory is the top of a site.
    pub fn is_configuration(name: &str) -> bool {
        CONFIGURATIONS.iter().any(|(known, _)| *known == name)
    }

    /// How much of a file is needed, by its name from the site's directory.
    pub fn use_of(name: &str) -> SiteFileUse {
        let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let is_data = DATA_DIRECTORIES.iter().any(|directory| name.starts_with(directory))
            && ["yml", "yaml", "json", "toml", "csv", "tsv"].contains(&ending.as_str());
        let is_included = name.starts_with(INCLUDES);
        if is_data
            || is_included
            || Self::is_configuration(name)
            || matches!(name, "_variables.yml" | "_variables.yaml")
        {
            SiteFileUse::Whole
        } else if ["md", "mdx", "markdown", "html", "htm", "qmd", "rmd"].contains(&ending.as_str()) {
            SiteFileUse::Head
        } else {
            SiteFileUse::Name
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Generator {
    Jekyll,
    Hugo,
    Quarto,
    MkDocs,
    Sphinx,
    Docusaurus,
}

/// A site as its files describe it.
#[derive(Clone, Debug)]
pub struct Site {
    generator: Generator,
    config: Value,
    data: Value,
    /// `_variables.yml` of Quarto.
    variables: Value,
    /// The heads of pages; `None` for files without one.
    heads: BTreeMap<String, Option<Value>>,
    /// Files that pages include, by their names from `_includes`.
    includes: BTreeMap<String, String>,
    page: String,
}

impl Site {
    /// The site, if there is a configuration that is known.
    pub fn of(files: &SiteFiles) -> Option<Self> {
        let text = |name: &str| files.files.get(name).and_then(Option::as_deref);
        let (name, generator) = CONFIGURATIONS.iter().find(|(name, _)| text(name).is_some())?;
        let parsed = |name: &str| text(name).and_then(|text| data::parse(name, text));
        let variables = parsed("_variables.yml").or_else(|| parsed("_variables.yaml"));
        let heads = files.files.iter().map(|(name, text)| {
            (name.clone(), text.as_deref().and_then(data::head).filter(Value::is_object))
        });
        let includes = files.files.iter().filter_map(|(name, text)| {
            name.strip_prefix(INCLUDES).zip(text.clone()).map(|(name, text)| (name.to_owned(), text))
        });
        Some(Self {
            generator: *generator,
            config: parsed(name).unwrap_or(Value::Null),
            data: data::of_directories(files),
            variables: variables.unwrap_or(Value::Null),
            heads: heads.collect(),
            includes: includes.collect(),
            page: files.page.clone(),
        })
    }

    /// The text of an included file.
    pub(super) fn included(&self, name: &str) -> Option<&str> {
        self.includes.get(name).filter(|_| self.generator == Generator::Jekyll).map(String::as_str)
    }

    /// Where root-relative links of the site start, if its configuration says so.
    pub(super) fn origin(&self) -> Option<Address> {
        let written = ["url", "baseURL", "site_url"].iter().find_map(|name| self.setting(&[name]))?;
        Address::parse(&written).ok()
    }

    /// A text of the configuration, names in any case.
    fn setting(&self, path: &[&str]) -> Option<String> {
        let found = path.iter().try_fold(&self.config, |value, wanted| {
            let fields = value.as_object()?;
            fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
        })?;
        match found {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The directory of the site on its host, without the slash at its end.
    pub(super) fn base_path(&self) -> String {
        let written = match self.generator {
            Generator::Jekyll => self.setting(&["baseurl"]).unwrap_or_default(),
            Generator::Hugo
            | Generator::Quarto
            | Generator::MkDocs
            | Generator::Sphinx
            | Generator::Docusaurus => {
                self.origin().map(|origin| origin.path().to_owned()).unwrap_or_default()
            }
        };
        let path = written.trim_matches('/');
        if path.is_empty() { String::new() } else { format!("/{path}") }
    }

    /// A path of the site as a link from the root of its host.
    pub(super) fn relative(&self, path: &str) -> String {
        if path.contains("://") || path.starts_with('#') {
            return path.to_owned();
        }
        format!("{}/{}", self.base_path(), path.trim_start_matches('/'))
    }

    /// The same with the host, if the configuration names it.
    pub(super) fn absolute(&self, path: &str) -> String {
        let relative = self.relative(path);
        let joined = self.origin().filter(|_| relative.starts_with('/'));
        joined.and_then(|origin| origin.join(&relative).ok()).map_or(relative, String::from)
    }

    /// `site.…` of Liquid; `None` for what only the generator knows.
    pub(super) fn variable(&self, name: &str) -> Option<Value> {
        match name {
            "data" => Some(self.data.clone()),
            "baseurl" => Some(Value::String(self.base_path())),
            _ => self.config.get(name).cloned(),
        }
    }

    /// Whether pages may have fields that their head does not name.
    pub(super) fn has_defaults(&self) -> bool {
        self.config.get("defaults").is_some()
    }

    /// What a shortcode of Hugo or Quarto stands for: its name and its first argument.
    pub(super) fn shortcode(&self, name: &str, argument: &str, head: &Value) -> Option<String> {
        let (lookup, wanted) = match (self.generator, name) {
            (Generator::Hugo, "ref") => return self.page_address(argument).map(|path| self.absolute(&path)),
            (Generator::Hugo, "relref") => {
                return self.page_address(argument).map(|path| self.relative(&path));
            }
            (Generator::Hugo, "param") => (vec![head, self.config.get("params")?], argument),
            (Generator::Quarto, "var") => (vec![&self.variables], argument),
            (Generator::Quarto, "meta") => (vec![head, &self.config], argument),
            _ => return None,
        };
        let found = |value: &Value| {
            let end = wanted.split('.').try_fold(value, |value, part| value.get(part))?;
            match end {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            }
        };
        lookup.into_iter().find_map(found)
    }

    /// `{{ … }}` of Hugo.
    pub(super) fn hugo_output(&self, inner: &str) -> Option<String> {
        if self.generator != Generator::Hugo {
            return None;
        }
        let base = self.setting(&["baseURL"])?;
        let quoted = |text: &str| text.trim().trim_matches(['"', '\'', '`']).to_owned();
        match inner.trim() {
            ".Site.BaseURL" | "site.BaseURL" | "$.Site.BaseURL" => Some(base),
            other => {
                let (path, function) = match other.split_once('|') {
                    Some((path, function)) => (path, function.trim()),
                    None => other.split_once(' ').map(|(function, path)| (path, function))?,
                };
                match function {
                    "relURL" => Some(self.relative(&quoted(path))),
                    "absURL" => Some(self.absolute(&quoted(path))),
                    _ => None,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
