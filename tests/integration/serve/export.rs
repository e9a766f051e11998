//! Exports work without the service: files on a plain web server.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use onreserve::domain::course::Openness;
use serde_json::Value;
use url::Url;

use super::course::{self, ALIVE, GONE, GONE_PAGE, LICENSED, NIGHTS, SVG, TAKEN};
use super::id;
use crate::engines;
use crate::fetch::site::Reply;
use crate::harness::{Harness, article, page_of};

/// The rules of the course as a configuration, beside the archive.
pub(crate) fn configuration(archive: &Path, openness: Openness) -> PathBuf {
    let copies = match openness {
        Openness::Open => "open",
        Openness::Dark => "dark",
    };
    let file = archive.with_extension("toml");
    let text = format!(
        "{}[pages]\nbase_url = \"https://links.school.edu/x/\"\n\
         [[course]]\nid = \"dgm\"\npage = \"http://course.example/dgm/\"\ncopies = \"{copies}\"\n\
         term = {{ first = 2026-09-14, last = 2026-12-04 }}\n\
         [[course.rights]]\ncontains = \"press.example\"\nrights = \"licensed\"\n\
         [[course.rights]]\ncontains = \"owner.example\"\nrights = \"taken-down\"\n",
        engines::keys(archive)
    );
    std::fs::write(&file, text).unwrap();
    file
}

pub(crate) fn export(configuration: &Path, arguments: &[&str]) -> Output {
    let now = course::start_of(NIGHTS + 1).to_string();
    let done = Command::new(env!("CARGO_BIN_EXE_onreserve"))
        .arg("export")
        .args(arguments)
        .args(["--now", &now, "--config"])
        .arg(configuration)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    done
}

/// The paths of a site, as a plain web server maps them.
pub(crate) struct Files(pub(crate) PathBuf);

impl Files {
    fn get(&self, path: &str) -> Option<String> {
        let bytes = std::fs::read(self.0.join(path.trim_start_matches('/'))).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Every page that is linked from the first one, with its text.
    pub(crate) fn pages(&self) -> Vec<(String, String)> {
        let (mut seen, mut left, mut pages) = (BTreeSet::new(), vec!["/index.html".to_owned()], Vec::new());
        while let Some(path) = left.pop() {
            if !seen.insert(path.clone()) {
                continue;
            }
            let text = self.get(&path).unwrap_or_else(|| panic!("{path} is linked and missing"));
            if !path.ends_with("index.html") {
                continue;
            }
            let here = Url::parse(&format!("http://files.example{path}")).unwrap();
            for attribute in ["href=\"", "src=\"", "action=\""] {
                for target in text.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap()) {
                    let target = here.join(&target.replace("&amp;", "&")).unwrap();
                    if target.host_str() == Some("files.example") {
                        left.push(target.path().to_owned());
                    }
                }
            }
            pages.push((path, text));
        }
        pages
    }

    fn all(&self) -> Vec<String> {
        let listed = Command::new("find").args([".", "-type", "f"]).current_dir(&self.0).output().unwrap();
        String::from_utf8(listed.stdout).unwrap().lines().map(|line| line[1..].to_owned()).collect()
    }
}

fn site(openness: Openness, more: &[&str]) -> (tempfile::TempDir, Files) {
    let (dir, archive) = course::copied_archive();
    let configuration = configuration(&archive, openness);
    let to = dir.path().join("site");
    export(&configuration, &[&["site", to.to_str().unwrap()], more].concat());
    (dir, Files(to))
}

#[test]
fn every_link_of_a_site_has_a_file_and_every_file_is_linked() {
    let (_dir, files) = site(Openness::Open, &["--with-dark"]);
    let pages = files.pages();
    assert!(pages.iter().any(|(path, _)| path == "/c/dgm/index.html"));
    let copies = pages.iter().filter(|(path, _)| path.starts_with("/a/")).count();
    assert!(copies >= 16, "{copies}");
    let blobs = files.all().into_iter().filter(|path| path.starts_with("/blob/")).count();
    assert!(blobs >= 16, "{blobs}");
    for (path, text) in &pages {
        assert!(!text.contains("<script") && !text.contains("<form"), "{path}");
        assert!(!text.contains("href=\"/") && !text.contains("/go/"), "{path}");
    }
    let sums = Command::new("sha256sum")
        .args(["--quiet", "--check", "SHA256SUMS"])
        .current_dir(&files.0)
        .output()
        .unwrap();
    assert!(sums.status.success(), "{sums:?}");
}

#[test]
fn a_site_has_only_copies_that_stay_open() {
    let (_dir, dark) = site(Openness::Dark, &[]);
    let list = dark.get("/c/dgm/index.html").unwrap();
    assert!(list.contains("A lost paper") && list.contains("the original is gone"), "{list}");
    assert!(!list.contains(&format!("href=\"../../a/{}", id(GONE))), "its copy closes with the term");
    assert!(dark.all().iter().any(|path| path.ends_with("/1.pdf")), "the course's own material");
    let (_dir, with_dark) = site(Openness::Dark, &["--with-dark"]);
    for files in [&dark, &with_dark] {
        for hidden in [ALIVE, LICENSED, TAKEN] {
            let hidden = id(hidden).to_string();
            assert!(!files.all().iter().any(|path| path.contains(&hidden)), "{hidden}");
        }
    }
    assert!(with_dark.all().iter().any(|path| path.contains(&id(GONE).to_string())));
}

#[test]
fn a_taken_down_copy_is_not_exported() {
    let (dir, archive) = course::copied_archive();
    let taken = Command::new(env!("CARGO_BIN_EXE_onreserve"))
        .args(["takedown", GONE, "--reason", "asked", "--yes"])
        .args(engines::arguments(&archive))
        .output()
        .unwrap();
    assert!(taken.status.success(), "{taken:?}");
    let to = dir.path().join("site");
    let configuration = configuration(&archive, Openness::Open);
    export(&configuration, &["site", to.to_str().unwrap(), "--with-dark"]);
    let files = Files(to);
    assert!(!files.all().iter().any(|path| path.contains(&id(GONE).to_string())));
    assert!(
        !files
            .get("/c/dgm/index.html")
            .unwrap()
            .contains("where else to look<span class=\"unseen\">: A lost paper")
    );
}

/// A plain web server sends no policy with foreign pages, so each page contains it.
#[test]
fn exported_pages_run_nothing() {
    let (_dir, files) = site(Openness::Open, &["--with-dark"]);
    let all = files.all();
    let pages: Vec<&String> =
        all.iter().filter(|path| path.starts_with("/blob/") && path.ends_with(".html")).collect();
    assert!(!pages.is_empty());
    for page in pages {
        let text = files.get(page).unwrap();
        let policy =
            text.find("http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';").unwrap();
        assert!(policy < 60, "{page}");
    }
    assert!(all.iter().any(|path| path.ends_with("/figure.svg.bin")), "{SVG} could run");
    assert!(!all.iter().any(|path| path.ends_with(".svg")));
    let lost = files.get("/c/dgm/index.html").unwrap();
    assert!(lost.contains("A lost post") && id(GONE_PAGE).to_string().len() == 16);
}

#[tokio::test]
async fn a_page_of_a_site_has_its_pictures_and_styles() {
    let harness = Harness::start(["course.test", "notes.test"], |_, seen| match (&*seen.host, &*seen.target) {
        ("course.test", "/") => Reply::page(&page_of(&["http://notes.test/page"])),
        ("notes.test", "/page") => {
            let parts = "<link rel=stylesheet href=/main.css><img src=/a.png><img src=/b.svg><iframe src=/f.html></iframe>";
            Reply::page(&article("A page").replace("<main>", &format!("<main>{parts}<script>alert(1)</script>")))
        }
        ("notes.test", "/main.css") => {
            Reply::new(200, "content-type: text/css", "h1 { background: url(/a.png) }")
        }
        ("notes.test", "/a.png") => {
            Reply::new(200, "content-type: image/png", "\u{89}PNG\r\n\u{1a}\n".chars().map(|c| c as u8).collect::<Vec<_>>())
        }
        ("notes.test", "/b.svg") => {
            Reply::new(200, "content-type: image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
        }
        ("notes.test", "/f.html") => Reply::page("<!doctype html><p>inner</p><script>alert(1)</script>"),
        _ => Reply::not_found(),
    })
    .await;
    let config = harness
        .configure("[pages]\n[[course]]\nid = \"c\"\npage = \"http://course.test/\"\ncopies = \"open\"\n");
    let night = harness.check(1).await;
    let to = harness.dir.path().join("site");
    export(&config, &["site", to.to_str().unwrap()]);
    let files = Files(to);
    let all = files.all();
    let page = all.iter().find(|path| path.starts_with("/blob/") && path.ends_with(".html")).expect("a page");
    let page = files.get(page).unwrap();
    let with = |ending: &str| all.iter().find(|path| path.starts_with("/files/") && path.ends_with(ending));
    for ending in [".css", ".png", ".html"] {
        let file = with(ending).unwrap_or_else(|| panic!("no {ending} in {all:?}, {}", night.errors));
        assert!(page.contains(&format!("../..{file}")), "{file}: {page}");
    }
    assert!(page.contains("A picture is not in this copy"), "{page}");
    assert_eq!(with(".svg"), None, "a drawing that is opened by itself could run");
    let sheet = files.get(with(".css").unwrap()).unwrap();
    assert!(sheet.contains(with(".png").unwrap().rsplit('/').next().unwrap()), "{sheet}");
    let inner = files.get(with(".html").unwrap()).unwrap();
    assert!(inner.contains("inner") && inner.contains("default-src 'none'"), "{inner}");
    assert!(!page.contains("alert(1)") && !inner.contains("alert(1)"));
}

#[test]
fn data_and_redirects_can_be_parsed() {
    let (_dir, archive) = course::copied_archive();
    let configuration = configuration(&archive, Openness::Open);
    let printed = export(&configuration, &["data"]);
    let data: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let link = &data["courses"]["dgm"]["links"][GONE];
    assert_eq!(link["state"], "dead");
    assert!(link["copy"]["page"].as_str().unwrap().starts_with("https://links.school.edu/x/a/"), "{link}");
    for server in ["nginx", "caddy", "apache", "netlify"] {
        let printed = export(&configuration, &["redirects", "--for", server]);
        let text = String::from_utf8(printed.stdout).unwrap();
        assert!(!text.contains("papers.example"), "another site is not redirected: {text}");
    }
}
