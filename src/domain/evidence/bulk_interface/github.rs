//! GitHub's GraphQL interface: the git object ids of files, directories and default branches.
//!
//! Releases, issues, wikis, gists and published sites are not in its lists: git does not hold
//! them, or not under a name that their links have.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::{ListRequest, ListedWork, ListedWorks, NotAList, WorkId};
use crate::domain::address::Address;
use crate::domain::evidence::ListedVersion;
use crate::domain::evidence::host_rules;

const RAW_HOST: &str = "raw.githubusercontent.com";
/// A longer name is not listed, so that a request with many works stays small.
const NAME_BYTES: usize = 400;
/// The endings of source code, which is text.
const TEXT_ENDINGS: &[&str] = &[
    "py", "r", "jl", "m", "c", "h", "cc", "cpp", "hpp", "cu", "cs", "java", "js", "ts", "go", "rs", "rb",
    "hs", "ml", "scala", "sh", "sql", "md", "rst",
];
/// Only repositories that everyone can read are listed: the token may read others.
const PUBLIC: &str = "PUBLIC";

#[derive(Deserialize)]
struct Answer {
    /// By alias; `None` for a repository that does not exist or may not be read.
    data: Option<BTreeMap<String, Option<Repository>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repository {
    visibility: String,
    is_disabled: bool,
    is_archived: bool,
    default_branch_ref: Option<Branch>,
    object: Option<GitObject>,
}

#[derive(Deserialize)]
struct Branch {
    target: Option<GitObject>,
}

#[derive(Deserialize)]
struct GitObject {
    oid: String,
}

/// `owner/name` for the front page of a repository, `owner/name:revision:path` for a file or a
/// directory.
pub(super) fn work_of(link: &Address) -> Option<WorkId> {
    let name = match file_path(link) {
        Some(path) => object_name(path.trim_start_matches('/'))?,
        None => repository_or_directory(link)?,
    };
    (name.len() <= NAME_BYTES && !name.contains(char::is_control)).then_some(WorkId(name))
}

/// Whether the link leads to a file that is archived even as code: not to text.
pub(super) fn is_archived_file(link: &Address) -> bool {
    let ending = |path: &str| path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    file_path(link)
        .is_some_and(|path| ending(&path).is_none_or(|ending| !TEXT_ENDINGS.contains(&ending.as_str())))
}

/// The path of the raw file: `/owner/name/revision/path`.
fn file_path(link: &Address) -> Option<String> {
    let document = host_rules::rules_for(link).document;
    let raw =
        [Some(link.clone()), document].into_iter().flatten().find(|address| address.host() == RAW_HOST)?;
    Some(raw.path().to_owned())
}

fn repository_or_directory(link: &Address) -> Option<String> {
    if !matches!(link.host(), "github.com" | "www.github.com") {
        return None;
    }
    let path = link.path().trim_matches('/');
    let mut parts = path.splitn(4, '/');
    let (owner, name) = (parts.next()?, parts.next()?);
    match (parts.next(), parts.next()) {
        (None, None) => is_repository(owner, name).then(|| format!("{owner}/{name}")),
        (Some("tree"), Some(rest)) => object_name(&format!("{owner}/{name}/{rest}")),
        _ => None,
    }
}

/// A branch with a slash in its name is not found in the list, so its links are visited.
fn object_name(path: &str) -> Option<String> {
    let mut parts = path.splitn(3, '/');
    let (owner, name, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let rest = percent_decode_str(rest).decode_utf8().ok()?;
    let full = ["refs/heads/", "refs/tags/"].into_iter().find(|full| rest.starts_with(full)).unwrap_or("");
    let (revision, path) = rest[full.len()..].split_once('/').unwrap_or((&rest[full.len()..], ""));
    let is_named = !revision.is_empty() && !revision.contains(':') && is_repository(owner, name);
    is_named.then(|| format!("{owner}/{name}:{full}{revision}:{}", path.trim_end_matches('/')))
}

fn is_repository(owner: &str, name: &str) -> bool {
    let is_name = |text: &str| {
        let is_in_names = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !text.is_empty() && text.bytes().all(is_in_names)
    };
    is_name(owner) && is_name(name)
}

/// One query with an alias for each work.
pub(super) fn list_of(interface: &Address, works: &BTreeSet<WorkId>) -> ListRequest {
    let mut query = "fragment Known on Repository { visibility isDisabled isArchived }\nquery {\n".to_owned();
    for (at, work) in works.iter().enumerate() {
        let (repository, expression) = parts(work);
        let (owner, name) = repository.split_once('/').unwrap_or((repository, ""));
        let object = match expression {
            None => "defaultBranchRef { target { oid } }".to_owned(),
            Some(expression) => format!("object(expression: {}) {{ oid }}", quoted(expression)),
        };
        query.push_str(&format!(
            "{}: repository(owner: {}, name: {}, followRenames: false) {{ ...Known {object} }}\n",
            alias(at),
            quoted(owner),
            quoted(name)
        ));
    }
    query.push('}');
    let body = serde_json::json!({ "query": query }).to_string();
    ListRequest { address: interface.clone(), body: Some(body) }
}

fn parts(work: &WorkId) -> (&str, Option<&str>) {
    work.0.split_once(':').map_or((&work.0, None), |(repository, expression)| (repository, Some(expression)))
}

fn alias(at: usize) -> String {
    format!("w{at}")
}

/// A string of GraphQL is written like one of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

pub(super) fn read(list: &str, works: &BTreeSet<WorkId>) -> Result<ListedWorks, NotAList> {
    let answer: Answer = serde_json::from_str(list).map_err(|_| NotAList)?;
    let mut repositories = answer.data.ok_or(NotAList)?;
    let listed = works.iter().enumerate().filter_map(|(at, work)| {
        let repository = repositories.remove(&alias(at))??;
        Some((work.clone(), ListedWork::Version(repository.version()?)))
    });
    Ok(listed.collect())
}

impl Repository {
    /// `None` if not everyone can read it, or if it does not have the object.
    fn version(self) -> Option<ListedVersion> {
        let object = self.object.or_else(|| self.default_branch_ref?.target)?;
        let is_readable = self.visibility == PUBLIC && !self.is_disabled;
        let archived = if self.is_archived { "archived" } else { "" };
        is_readable.then(|| ListedVersion::of(&[&object.oid, archived]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::evidence::bulk_interface::BulkInterface;

    const OID: &str = "3d21ec53a331a6f037a91c368710b99387d012c1";
    const OTHER: &str = "c2e4cd5ad4e3c7a1b0d7a6c4c5a2c7e6f1b0a9d8";

    fn works(ids: &[&str]) -> BTreeSet<WorkId> {
        ids.iter().map(|id| WorkId((*id).to_owned())).collect()
    }

    fn repository(visibility: &str, disabled: bool, archived: bool, oid: Option<&str>) -> serde_json::Value {
        serde_json::json!({
            "visibility": visibility,
            "isDisabled": disabled,
            "isArchived": archived,
            "object": oid.map(|oid| serde_json::json!({ "oid": oid })),
        })
    }

    #[test]
    fn links_to_what_git_holds_name_it() {
        for (link, work, is_archived) in [
            ("https://github.com/o/r", Some("o/r"), false),
            ("https://github.com/o/r.js/?tab=readme-ov-file", Some("o/r.js"), false),
            ("https://github.com/o/r/blob/main/src/a%20b.py", Some("o/r:main:src/a b.py"), false),
            ("https://github.com/o/r/raw/main/a.pdf?raw=true", Some("o/r:main:a.pdf"), true),
            ("https://raw.githubusercontent.com/o/r/v1.2/a.py", Some("o/r:v1.2:a.py"), false),
            (
                "https://raw.githubusercontent.com/o/r/refs/heads/main/a.py",
                Some("o/r:refs/heads/main:a.py"),
                false,
            ),
            (
                "https://colab.research.google.com/github/o/r/blob/main/a.ipynb",
                Some("o/r:main:a.ipynb"),
                true,
            ),
            ("https://nbviewer.org/github/o/r/blob/main/a.ipynb", Some("o/r:main:a.ipynb"), true),
            ("https://github.com/o/r/tree/main", Some("o/r:main:"), false),
            ("https://github.com/o/r/tree/main/week%201/", Some("o/r:main:week 1"), false),
            ("https://github.com/o", None, false),
            ("https://github.com/o/r/issues/7", None, false),
            ("https://github.com/o/r/releases/download/v1/a.zip", None, false),
            ("https://github.com/o/r/wiki", None, false),
            ("https://github.com/o/r/tree", None, false),
            ("https://github.com/o/r/blob/main/a%0Ab", None, true),
            ("https://github.com/o/r/blob/main/%FF", None, true),
            ("https://github.com/o/r/blob/a:b/c", None, true),
            ("https://gist.github.com/o/0123", None, false),
            ("https://o.github.io/r", None, false),
            ("https://lab.edu/o/r", None, false),
        ] {
            let address = Address::parse(link).unwrap();
            let found = BulkInterface::Github.work_of(&address);
            assert_eq!(found, work.map(|work| WorkId(work.to_owned())), "{link}");
            assert_eq!(is_archived_file(&address), is_archived, "{link}");
        }
        let long = format!("https://github.com/o/r/blob/main/{}", "a".repeat(NAME_BYTES));
        assert_eq!(work_of(&Address::parse(&long).unwrap()), None);
    }

    #[test]
    fn one_query_names_all_works() {
        let interface = Address::parse("https://api.github.com/graphql").unwrap();
        let request = list_of(&interface, &works(&["o/r", r#"o/r:main:a"b\c {}.py"#]));
        assert_eq!(request.address, interface);
        let body: serde_json::Value = serde_json::from_str(&request.body.unwrap()).unwrap();
        let query = body["query"].as_str().unwrap();
        let first = r#"w0: repository(owner: "o", name: "r", followRenames: false) { ...Known defaultBranchRef { target { oid } } }"#;
        assert!(query.contains(first), "{query}");
        let second = r#"{ ...Known object(expression: "main:a\"b\\c {}.py") { oid } }"#;
        assert!(query.contains(second), "{query}");
    }

    #[test]
    fn only_what_everyone_can_read_is_listed() {
        let sought = works(&["a/a:main:x", "b/b:main:x", "c/c:main:x", "d/d:main:x", "e/e:main:x", "f/f"]);
        let text = serde_json::json!({
            "data": {
                "w0": repository("PUBLIC", false, false, Some(OID)),
                "w1": repository("PRIVATE", false, false, Some(OID)),
                "w2": repository("PUBLIC", true, false, Some(OID)),
                "w3": repository("PUBLIC", false, false, None),
                "w4": null,
                "w5": {
                    "visibility": "PUBLIC", "isDisabled": false, "isArchived": false,
                    "defaultBranchRef": { "target": { "oid": OTHER } },
                },
            },
            "errors": [{
                "type": "NOT_FOUND", "path": ["w4"],
                "message": "Could not resolve to a Repository with the name 'e/e'.",
            }],
        });
        let listed = read(&text.to_string(), &sought).unwrap();
        let version = |oid| ListedWork::Version(ListedVersion::of(&[oid, ""]));
        let expected = [("a/a:main:x", version(OID)), ("f/f", version(OTHER))];
        assert_eq!(listed, expected.map(|(work, version)| (WorkId(work.to_owned()), version)).into());
    }

    #[test]
    fn an_archived_repository_is_another_version() {
        let of = |archived| {
            let data =
                serde_json::json!({ "data": { "w0": repository("PUBLIC", false, archived, Some(OID)) } });
            read(&data.to_string(), &works(&["a/a:main:x"])).unwrap()
        };
        assert_ne!(of(false), of(true));
        assert_eq!(of(false).len(), 1);
    }

    #[test]
    fn an_error_is_no_list() {
        let refused =
            r#"{"message":"Bad credentials","documentation_url":"https://docs.github.com/graphql"}"#;
        let limited =
            r#"{"data":null,"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}"#;
        for text in [refused, limited, "", "<html>", r#"{"data":{"w0":{"visibility":"PUBLIC"}}}"#] {
            assert_eq!(read(text, &works(&["o/r"])), Err(NotAList), "{text}");
        }
    }
}
