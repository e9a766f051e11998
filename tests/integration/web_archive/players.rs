//! Programs that play web archives show what was archived: pywb a WARC file, ReplayWeb.page a
//! WACZ file in Chromium.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::{PNG, export};
use crate::engines;
use crate::fetch::site::Reply;
use crate::harness::{Harness, article, page_of};
use crate::serve::course::pdf;

const PAGE: &str = "http://notes.test/flows";

/// An article with a picture and style sheets, and a PDF behind a redirect.
async fn archived() -> Harness {
    let hosts = ["course.test", "notes.test", "papers.test", "www.papers.test"];
    let harness = Harness::start(hosts, |_, seen| match (&*seen.host, &*seen.target) {
        ("course.test", "/") => Reply::page(&page_of(&[PAGE, "http://papers.test/scores"])),
        ("notes.test", "/flows") => {
            let page = article("Flows");
            let needed = "<link rel=stylesheet href=/style/main.css><main><img src=\"/a b.png?x=2&amp;w=1\">";
            Reply::page(&page.replace("<main>", needed))
        }
        ("notes.test", "/style/main.css") => {
            Reply::new(200, "content-type: text/css", "@import 'more.css'; main { color: #123 }")
        }
        ("notes.test", "/style/more.css") => Reply::new(200, "content-type: text/css", "h1 { color: #321 }"),
        ("notes.test", "/a%20b.png?x=2&w=1") => Reply::new(200, "content-type: image/png", PNG),
        ("papers.test", "/scores") => Reply::new(302, "location: /files/scores.pdf", "Moved."),
        // Players have one key for these two addresses.
        ("papers.test", "/files/scores.pdf") => Reply::to("http://www.papers.test/files/scores.pdf"),
        ("www.papers.test", "/files/scores.pdf") => {
            Reply::new(200, "content-type: application/pdf", pdf("Scores", 4))
        }
        _ => Reply::not_found(),
    })
    .await;
    harness.one_course();
    let night = harness.check(1).await;
    assert!(night.links().iter().all(|link| link["capture"].is_object()), "{:#}", night.json);
    harness
}

/// Everything that the journal lists: the address, the time, the digest and how to request it; the page first.
fn archived_bodies(harness: &Harness) -> Vec<Value> {
    let mut bodies = Vec::new();
    for line in engines::journal(&harness.archive()).lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        if entry["kind"] == "capture" {
            let digits = |c: &char| c.is_ascii_digit();
            let at: String = entry["captured_at"].as_str().unwrap().chars().filter(digits).take(14).collect();
            let mut add = |url: &Value, sha256: &Value, mode: &str| {
                bodies.push(json!({ "url": url, "at": at, "sha256": sha256, "mode": mode }));
            };
            add(&entry["document"], &entry["sha256"], "id_");
            // Redirects lead to the document. Players rewrite them in pages only.
            for address in entry["chain"].as_array().unwrap().iter().filter(|it| **it != entry["document"]) {
                add(address, &entry["sha256"], "mp_");
            }
            for requisite in entry["requisites"].as_array().into_iter().flatten() {
                add(&requisite["address"], &requisite["sha256"], "id_");
            }
        }
    }
    bodies.sort_by_key(|body| body["url"] != PAGE);
    bodies[0]["words"] = json!("Flows 7: ");
    assert_eq!(bodies.len(), 7, "{bodies:#?}");
    bodies
}

fn expected(harness: &Harness) -> PathBuf {
    let path = harness.dir.path().join("expected.json");
    std::fs::write(&path, Value::from(archived_bodies(harness)).to_string()).unwrap();
    path
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web_archives").join(name)
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("played 7 captures"), "{text}");
}

#[tokio::test]
#[ignore = "needs pywb; .ci/run installs it"]
async fn pywb_plays_a_warc() {
    let harness = archived().await;
    let warc = export(&harness, &["warc"], "all.warc.gz").await;
    let tools = PathBuf::from(std::env::var_os("ONRESERVE_WEB_ARCHIVES").unwrap());
    let mut python = Command::new(tools.join("python"));
    succeeds(python.arg(script("pywb_plays.py")).arg(warc).arg(expected(&harness)));
}

#[tokio::test]
#[ignore = "needs replaywebpage, playwright-core and Chromium; .ci/run installs them"]
async fn replayweb_page_plays_a_wacz() {
    let harness = archived().await;
    let wacz = export(&harness, &["wacz"], "all.wacz").await;
    let player = std::env::var_os("ONRESERVE_REPLAYWEB").unwrap();
    let mut node = Command::new("node");
    succeeds(node.arg(script("replayweb_plays.mjs")).arg(player).arg(wacz).arg(expected(&harness)));
}
