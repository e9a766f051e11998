//! Nights with a page whose text only its scripts make.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::TestBrowser;
use crate::engines;
use crate::fetch::site::Reply;
use crate::harness::{Harness, PROGRAM, article, page_of, run_on, time_of};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0";
const SHELL: &str =
    "<!doctype html><title>Explorable</title><div id=root></div><script src=/app.js></script>";

/// A page that its script makes of a JSON file, a page that stays empty, and one with an
/// error; from the third night on the first is gone.
async fn started(browser: Option<&TestBrowser>) -> Harness {
    let harness =
        Harness::start(["course.test", "app.test"], |night, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page_of(&[
                "http://app.test/explorable",
                "http://app.test/empty",
                "http://app.test/error",
            ])),
            ("app.test", "/explorable") if night > 2 => Reply::not_found(),
            ("app.test", "/explorable" | "/empty" | "/error") => Reply::page(SHELL),
            ("app.test", "/app.js") => Reply::new(200, "content-type: text/javascript", SCRIPT),
            ("app.test", "/text.json") => {
                let text = article("The explorable").replace("<!doctype html>", "");
                Reply::new(200, "content-type: application/json", serde_json::to_string(&text).unwrap())
            }
            ("app.test", "/figure.png") => Reply::new(200, "content-type: image/png", PNG),
            ("app.test", "/main.css") => Reply::new(200, "content-type: text/css", "h1 { color: teal }"),
            _ => Reply::not_found(),
        })
        .await;
    let path = harness.one_course();
    if let Some(browser) = browser {
        let mut text = std::fs::read_to_string(&path).unwrap();
        let keys = format!("[render]\nbrowser = \"{}\"\ntimeout = \"60s\"\n", browser.program().display());
        text.push_str(&keys);
        std::fs::write(&path, text).unwrap();
    }
    harness
}

const SCRIPT: &str = r#"
(async () => {
  if (location.pathname === "/empty") return;
  if (location.pathname === "/error") { root.textContent = "Page not found. ".repeat(30); return; }
  const text = await (await fetch("/text.json")).json();
  root.innerHTML = `<link rel=stylesheet href=/main.css>${text}<img src=/figure.png alt="A figure">`;
})();
"#;

/// An archive after one night with a browser; `None` without Chromium.
pub(crate) async fn one_night() -> Option<(Harness, TestBrowser)> {
    let browser = TestBrowser::find().await?;
    let harness = started(Some(&browser)).await;
    let night = harness.check(1).await;
    assert!(night.link("/explorable")["capture"].is_object(), "{}", night.errors);
    Some((harness, browser))
}

/// The paths that were requested of the application.
fn requested(harness: &Harness) -> Vec<String> {
    let seen = harness.site.seen();
    seen.into_iter().filter(|seen| seen.host == "app.test").map(|seen| seen.target).collect()
}

#[tokio::test]
async fn a_page_that_only_scripts_make_is_captured_as_a_browser_shows_it() {
    let Some(browser) = TestBrowser::find().await else { return };
    let harness = started(Some(&browser)).await;
    let first = harness.check(1).await;
    let link = first.link("/explorable");
    assert_eq!(
        (&link["state"], &link["reason"]),
        (&"unverifiable".into(), &"script_only".into()),
        "{link:#}"
    );
    assert_eq!(link["capture"]["media_type"], "text/html", "{link:#} {}", first.errors);
    let blob = engines::blob(link["capture"]["sha256"].as_str().unwrap().parse().unwrap());
    let kept = String::from_utf8(engines::read_file(&harness.archive(), &blob)).unwrap();
    assert!(kept.contains("The explorable 39") && !kept.contains("<script"), "{kept}");
    for other in ["/empty", "/error"] {
        assert_eq!(first.link(other)["capture"], Value::Null, "{other}");
        assert_eq!(first.state(other), "unverifiable");
    }
    let once = |path: &str| requested(&harness).iter().filter(|it| *it == path).count();
    assert_eq!((once("/figure.png"), once("/main.css"), once("/text.json")), (1, 1, 1));

    // It is opened once; pages without a copy are tried again.
    let second = harness.check(2).await;
    assert_eq!(second.link("/explorable")["capture"], link["capture"]);
    assert_eq!(once("/text.json"), 1);

    let third = harness.check(3).await;
    assert_eq!(third.state("/explorable"), "failing", "the copy has no part in the verdict");
    assert_eq!(third.link("/explorable")["capture"]["sha256"], link["capture"]["sha256"]);
    let (code, output) = harness.run(&["verify"]).await;
    assert_eq!(code, 0, "{output}");

    let warc = harness.dir.path().join("all.warc");
    let (code, output) = harness.run(&["export", "warc", warc.to_str().unwrap()]).await;
    assert_eq!(code, 0, "{output}");
    let mut text = Vec::new();
    let file = std::fs::read(&warc).unwrap();
    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&file[..]), &mut text).unwrap();
    let text = String::from_utf8_lossy(&text);
    for kind in ["response", "resource", "conversion"] {
        assert!(text.contains(&format!("WARC-Type: {kind}\r\n")), "{kind}");
    }

    let (code, output) = harness.run(&["takedown", "app.test/explorable", "--reason", "test", "--yes"]).await;
    assert_eq!(code, 0, "{output}");
    let left = files_with(&harness, |bytes| bytes.starts_with(b"%PDF"));
    assert_eq!(left, 0, "the PDF of the page is removed with it");
    assert_eq!(browser.processes(), Vec::<String>::new());
}

#[tokio::test]
async fn a_rendered_page_is_in_backups_static_sites_and_a_rebuilt_catalogue() {
    let Some((harness, _browser)) = one_night().await else { return };
    let in_dir = |name: &str| harness.dir.path().join(name);
    let (backup, back, site) = (in_dir("backup"), in_dir("back"), in_dir("site"));
    let (code, output) = harness.run(&["backup", backup.to_str().unwrap()]).await;
    assert_eq!(code, 0, "{output}");
    let (code, output) = run_on(&back, &["restore", backup.to_str().unwrap()]).await;
    assert_eq!(code, 0, "{output}");
    let config = harness
        .configure("[pages]\n[[course]]\nid = \"c\"\npage = \"http://course.test/\"\ncopies = \"open\"\n");
    let export = Command::new(PROGRAM)
        .args(["export", "site", site.to_str().unwrap(), "--now", &time_of(2), "--config"])
        .arg(config)
        .output()
        .unwrap();
    assert!(export.status.success(), "{export:?}");
    let pdf = |path: &Path| path.extension().is_some_and(|it| it == "pdf");
    assert_eq!(files_below(&site).into_iter().filter(|path| pdf(path)).count(), 1);
    let copy = files_below(&site.join("a")).into_iter().map(|path| std::fs::read_to_string(path).unwrap());
    assert!(copy.collect::<String>().contains("/Explorable.pdf\""), "the page of the copy has its PDF");

    let summary = async |to: &str| {
        let (code, output) = run_on(&back, &["export", "warc", in_dir(to).to_str().unwrap()]).await;
        assert_eq!(code, 0, "{output}");
        output.split_once(": ").unwrap().1.to_owned()
    };
    let before = summary("before.warc.gz").await;
    for command in [&["rebuild"], &["verify"]] {
        let (code, output) = run_on(&back, command).await;
        assert_eq!(code, 0, "{command:?}: {output}");
    }
    assert_eq!(summary("after.warc.gz").await, before);
    // A lost PDF is noticed.
    let lost = files_below(&back).into_iter().find(|it| std::fs::read(it).unwrap().starts_with(b"%PDF"));
    std::fs::remove_file(lost.unwrap()).unwrap();
    assert_ne!(run_on(&back, &["verify"]).await.0, 0);
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let (mut files, mut dirs) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            if entry.path().is_dir() { dirs.push(entry.path()) } else { files.push(entry.path()) }
        }
    }
    files
}

/// The number of files in the archive with such bytes.
fn files_with(harness: &Harness, is_such: impl Fn(&[u8]) -> bool) -> usize {
    engines::files(&harness.archive(), "blobs").into_values().filter(|bytes| is_such(bytes)).count()
}

#[tokio::test]
async fn without_a_browser_nothing_is_captured_and_nothing_else_requested() {
    let harness = started(None).await;
    let night = harness.check(1).await;
    assert_eq!(night.state("/explorable"), "unverifiable");
    assert_eq!(night.link("/explorable")["capture"], Value::Null);
    assert!(!requested(&harness).iter().any(|path| path == "/app.js"));
}

#[tokio::test]
async fn a_browser_that_fails_changes_nothing() {
    let harness = started(None).await;
    let path = harness.dir.path().join("onreserve.toml");
    let text = std::fs::read_to_string(&path).unwrap() + "[render]\nbrowser = \"/bin/false\"\n";
    std::fs::write(&path, text).unwrap();
    let night = harness.check(1).await;
    assert_eq!(night.state("/explorable"), "unverifiable", "{}", night.errors);
    assert_eq!(night.link("/explorable")["capture"], Value::Null);
    assert!(night.errors.contains("the browser could not open 3 pages"), "{}", night.errors);
}
