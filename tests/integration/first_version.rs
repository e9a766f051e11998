//! An archive and a configuration that the first version wrote, opened by this one.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::engines;
use crate::fetch::site::Reply;
use crate::harness::Harness;
use crate::service::{Service, get, pages_of};

const HOSTS: [&str; 8] = [
    "course.example",
    "papers.example",
    "lab.example",
    "blog.example",
    "new-blog.example",
    "notes.example",
    "video.example",
    "busy.example",
];
const COURSE: &str = "[[course]]\nid = \"dgm\"\ntitle = \"Deep Generative Models\"\n\
    page = \"http://course.example/dgm/\"\nterm = { first = 2026-09-14, last = 2026-12-04 }\n\
    report_to = [\"instructor@school.example\"]\ncopies = \"open\"\n";
/// The night after the last one of the fixture, which is that of 19 September.
const NEXT_NIGHT: u32 = 7;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/archive-v1").join(name)
}

/// Unpacks the archive of the fixture into a directory.
pub(crate) fn unpack(into: &Path) {
    let status =
        Command::new("tar").arg("-xzf").arg(fixture("archive.tar.gz")).arg("-C").arg(into).status().unwrap();
    assert!(status.success());
}

/// The body and media type of each link's newest capture, by address.
fn captured(archive: &Path) -> HashMap<String, (String, Vec<u8>)> {
    let mut bodies = HashMap::new();
    let mut days: Vec<_> = fs::read_dir(archive.join("captures/2026/09")).unwrap().collect();
    days.sort_by_key(|day| day.as_ref().unwrap().file_name());
    for day in days {
        for line in fs::read_to_string(day.unwrap().path()).unwrap().lines() {
            let entry: Value = serde_json::from_str(line).unwrap();
            if entry["kind"] == "capture" {
                let sha256 = entry["sha256"].as_str().unwrap();
                let blob = format!("blobs/sha256/{}/{}/{sha256}", &sha256[..2], &sha256[2..4]);
                let media_type = entry["media_type"].as_str().unwrap().to_owned();
                let body = fs::read(archive.join(blob)).unwrap();
                bodies.insert(entry["link"].as_str().unwrap().to_owned(), (media_type, body));
            }
        }
    }
    bodies
}

/// The fixture, and a web with the contents of its last night.
async fn harness() -> Harness {
    harness_with(|_| "").await
}

/// The same, with the text of `addition` for its media type at the end of each body.
async fn harness_with(addition: fn(&str) -> &'static str) -> Harness {
    let unpacked = tempfile::tempdir().unwrap();
    unpack(unpacked.path());
    let bodies = captured(&unpacked.path().join("archive"));
    let harness = Harness::start(HOSTS, move |_, seen| {
        let url = format!("http://{}{}", seen.host, seen.target);
        match bodies.get(&url) {
            _ if url == "http://course.example/dgm/" => {
                Reply::page(include_str!("../../src/demo/course.html"))
            }
            Some((media_type, body)) if !url.contains("flows") && !url.contains("sampling") => {
                let body = [body.as_slice(), addition(media_type).as_bytes()].concat();
                Reply::new(200, &format!("content-type: {media_type}"), body)
            }
            _ => Reply::not_found(),
        }
    })
    .await;
    engines::take(&harness.archive(), &unpacked.path().join("archive")).await;
    harness.configure(COURSE);
    harness
}

/// Whether `new` contains everything in `old`. It may contain more.
fn contains(new: &Value, old: &Value) -> Result<(), String> {
    match (new, old) {
        (Value::Object(new), Value::Object(old)) => old.iter().try_for_each(|(key, old)| {
            // The path starts with the directory of the archive.
            if key == "path" {
                return Ok(());
            }
            let new = new.get(key).ok_or_else(|| format!("{key} is missing"))?;
            contains(new, old).map_err(|why| format!("{key}: {why}"))
        }),
        (Value::Array(new), Value::Array(old)) if new.len() == old.len() => {
            new.iter().zip(old).try_for_each(|(new, old)| contains(new, old))
        }
        _ if new == old => Ok(()),
        _ => Err(format!("{old} has become {new}")),
    }
}

async fn status(harness: &Harness) -> Value {
    let (code, text) = harness.run(&["status", "--format", "json"]).await;
    assert_eq!(code, 0, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_show_the_same_as_the_first_version() {
    let harness = harness().await;
    let old: Value = serde_json::from_str(&fs::read_to_string(fixture("status.json")).unwrap()).unwrap();
    assert_eq!(contains(&status(&harness).await, &old), Ok(()));
    for (arguments, words) in [
        (
            &["status"][..],
            &["snoozed until Mon 2 Nov", "no longer reported as dead", "instructor@school.example"][..],
        ),
        (&["history", "flows"], &["2026-09-14", "works, first copy", "not found (404)", "32 KB"]),
        (&["explain", "sampling"], &["dead", "2026-09-16"]),
        (&["report"], &["Inference with normalizing flows", "snoozed"]),
        (&["report", "--format", "html"], &["<html lang=\"en\">", "normalizing-flows.pdf"]),
        (&["report", "--preview", "text"], &["Subject: ", "normalizing-flows.pdf"]),
        (&["verify"], &["SHA-256 checked"]),
    ] {
        let (code, text) = harness.run(arguments).await;
        assert_eq!(code, 0, "{arguments:?}: {text}");
        for word in words {
            assert!(text.contains(word), "{arguments:?} does not show {word:?}: {text}");
        }
    }
    let (code, path) = harness.run(&["open", "flows"]).await;
    assert!(code == 0 && fs::read(path.trim()).unwrap().starts_with(b"%PDF"), "{path}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_night_continues_the_history() {
    let harness = harness().await;
    let night = harness.check(NEXT_NIGHT).await;
    let states = |json: &Value| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        json["links"]
            .as_array()
            .unwrap()
            .iter()
            .map(|link| (text(&link["url"]), text(&link["state"])))
            .collect()
    };
    let old: Value = serde_json::from_str(&fs::read_to_string(fixture("status.json")).unwrap()).unwrap();
    assert_eq!(states(&night.json), states(&old), "{}", night.errors);
    assert_eq!(night.link("normalizing-flows.pdf")["nights"], 6);
    assert_eq!(night.code, 2);
}

/// The entries of one kind in the journal.
fn journaled(harness: &Harness, kind: &str) -> Vec<Value> {
    let journal = engines::journal(&harness.archive());
    let entries = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    entries.filter(|entry| entry["kind"] == kind).collect()
}

/// The bodies were saved again since, so their texts must be compared.
#[tokio::test(flavor = "multi_thread")]
async fn texts_of_an_older_extraction_are_read_again_silently() {
    let addition = |media_type: &str| match media_type {
        "application/pdf" => "\n% saved again\n%%EOF\n",
        "text/html" => "<!-- saved again -->",
        _ => "",
    };
    let harness = harness_with(addition).await;
    let old: Value = serde_json::from_str(&fs::read_to_string(fixture("status.json")).unwrap()).unwrap();
    let states = |json: &Value| -> Vec<Value> {
        json["links"].as_array().unwrap().iter().map(|link| link["state"].clone()).collect()
    };
    let night = harness.check(NEXT_NIGHT).await;
    assert_eq!(states(&night.json), states(&old), "{}", night.errors);
    let reread = journaled(&harness, "reread");
    let is_new = |entry: &Value| entry["text"]["version"] == onreserve::domain::document::EXTRACTION;
    assert!(!reread.is_empty() && reread.iter().all(is_new), "{reread:?}");
    let (_, report) = harness.run(&["report"]).await;
    assert!(!report.contains("CHANGED"), "{report}");
    assert_eq!(states(&harness.check(NEXT_NIGHT + 1).await.json), states(&old));
    assert_eq!(journaled(&harness, "reread").len(), reread.len(), "once is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_shows_the_list_and_a_copy() {
    let harness = harness().await;
    harness.configure(&format!("[pages]\nlisten = \"127.0.0.1:0\"\n{COURSE}"));
    let service = Service::start(&harness, "2026-09-19T11:30:00Z");
    let at = pages_of(&service).await;
    let list = get(at, "/c/dgm/").await;
    assert!(list.starts_with("HTTP/1.1 200") && list.contains("Inference with normalizing flows"), "{list}");
    let copy = list.split('"').find(|part| part.starts_with("/a/")).unwrap_or_else(|| panic!("{list}"));
    let page = get(at, copy).await;
    assert!(page.starts_with("HTTP/1.1 200"), "{copy}: {page}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuilt_catalogue_has_the_same_verdicts() {
    let harness = harness().await;
    let verdicts = |json: Value| -> Vec<Value> {
        let links = json["links"].as_array().unwrap().clone();
        let keys = ["url", "state", "reason", "since", "nights"];
        links.iter().map(|link| keys.iter().map(|key| link[*key].clone()).collect()).collect()
    };
    let before = verdicts(status(&harness).await);
    let (code, text) = harness.run(&["rebuild"]).await;
    assert_eq!(code, 0, "{text}");
    assert_eq!(verdicts(status(&harness).await), before);
}

#[test]
fn every_key_of_the_first_configuration_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().to_str().unwrap();
    let config = fs::read_to_string(fixture("onreserve.toml")).unwrap().replace("DIR", place);
    let hash = config.split('"').find(|part| part.starts_with("$argon2id$")).unwrap();
    let certificate = rcgen::generate_simple_self_signed(["school.example".to_owned()]).unwrap();
    let key = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dkim-key.pem");
    let ping = "https://ping.example/0123".to_owned();
    for (name, text) in [
        ("ca.pem", certificate.cert.pem()),
        ("password", "a long client secret".to_owned()),
        ("signing-key", "k".repeat(40)),
        ("hash", hash.to_owned()),
        ("dkim-key.pem", fs::read_to_string(key).unwrap()),
        ("ping", ping.clone()),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let relay = config.split("host = \"smtp").nth(1).and_then(|rest| rest.split("dkim =").next()).unwrap();
    let relay = format!("host = \"smtp{relay}");
    for (from, to) in [
        ("", ""),
        (relay.as_str(), "sendmail = \"/usr/sbin/sendmail\"\n"),
        (relay.as_str(), "directory = \"mails\"\n"),
        (&format!("ping_url = \"{ping}\""), &format!("ping_url_file = \"{place}/ping\"")),
    ] {
        let text = if from.is_empty() { config.clone() } else { config.replace(from, to) };
        fs::write(dir.path().join("onreserve.toml"), text).unwrap();
        let output = Command::new(crate::harness::PROGRAM)
            .arg("check-config")
            .current_dir(dir.path())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{to}: {errors}");
    }
}
