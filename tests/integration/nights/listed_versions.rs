//! Bulk interfaces that list versions and ask for a token: a link is visited if the version is
//! another one than at its last visit.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::fetch::site::{Reply, Seen};
use crate::harness::{Harness, Night, PROGRAM, article, page_of};
use crate::serve::course::pdf;

const FILE: &str = "http://raw.githubusercontent.com/o/r/main/a.py";
const PAPER: &str = "http://raw.githubusercontent.com/o/r/refs/heads/main/a%20b.pdf";
const REPOSITORY: &str = "http://github.com/o/r";
const VIDEO: &str = "http://m.youtube.com/watch?v=dQw4w9WgXcQ";
const SHORT: &str = "http://youtu.be/a_b-c3d4e5F";
const LINKS: [&str; 5] = [FILE, PAPER, REPOSITORY, VIDEO, SHORT];
/// The videos have no other interface: nothing listens there.
const NO_OEMBED: &str = "\"www.youtube.com\" = \"127.0.0.1:1\"";
const TOKEN: &str = "t0ken-of-the-l1brary";

/// What the interfaces say on each night.
const NEW_COMMIT: u32 = 3;
const NEW_TITLE: u32 = 4;
const NEW_BLOB: u32 = 4;
const REFUSED: u32 = 5;
const NOT_LISTED: u32 = 7;
const REDIRECTED: u32 = 9;
const WRONG_TOKEN: u32 = 11;
const MALFORMED: u32 = 13;

fn json_reply(value: &Value) -> Reply {
    Reply::new(200, "content-type: application/json", value.to_string())
}

fn github(night: u32, seen: &Seen) -> Reply {
    if !seen.head.starts_with("post ") || !seen.head.contains(&format!("authorization: bearer {TOKEN}\r\n")) {
        return Reply::new(401, "content-type: application/json", r#"{"message":"Bad credentials"}"#);
    }
    let query: Value = serde_json::from_str(&seen.body).unwrap();
    let query = query["query"].as_str().unwrap();
    if query.contains(r#"owner: "git", name: "git""#) {
        return json_reply(&json!({ "data": { "w0": null }, "errors": [{ "type": "NOT_FOUND" }] }));
    }
    assert!(query.contains(r#"w0: repository(owner: "o", name: "r", followRenames: false)"#), "{query}");
    assert!(query.contains(r#"w1: repository(owner: "o", name: "r", followRenames: false)"#), "{query}");
    assert!(query.contains(r#"object(expression: "main:a.py") { oid }"#), "{query}");
    let commit = if night >= NEW_COMMIT { "c2e4cd5" } else { "3d21ec5" };
    let visibility = if night == NOT_LISTED { "PRIVATE" } else { "PUBLIC" };
    let repository = json!({ "visibility": visibility, "isDisabled": false, "isArchived": false });
    let (mut front, mut file) = (repository.clone(), repository);
    front["defaultBranchRef"] = json!({ "target": { "oid": commit } });
    file["object"] = json!({ "oid": "80fd2f6" });
    let mut paper = file.clone();
    assert!(query.contains(r#"object(expression: "refs/heads/main:a b.pdf") { oid }"#), "{query}");
    paper["object"] = json!({ "oid": if night >= NEW_BLOB { "9ae1b2c" } else { "80fd2f6" } });
    json_reply(&json!({ "data": { "w0": front, "w1": file, "w2": paper } }))
}

fn youtube(night: u32, seen: &Seen) -> Reply {
    if !seen.head.contains(&format!("x-goog-api-key: {TOKEN}\r\n")) {
        return Reply::new(403, "content-type: application/json", r#"{"error":{"code":403}}"#);
    }
    assert!(seen.target.contains("part=status%2csnippet") || seen.target.contains("part=status%2Csnippet"));
    let video = |id: &str, title: &str, upload: &str| {
        json!({
            "id": id,
            "snippet": { "title": title, "channelId": "UC1", "liveBroadcastContent": "none" },
            "status": { "uploadStatus": upload, "privacyStatus": "public" },
        })
    };
    let title = if night >= NEW_TITLE { "Trees, corrected" } else { "Trees" };
    let upload = if night == NOT_LISTED { "deleted" } else { "processed" };
    json_reply(&json!({
        "kind": "youtube#videoListResponse",
        "items": [video("dQw4w9WgXcQ", title, upload), video("a_b-c3d4e5F", "Graphs", upload)],
    }))
}

fn interface(night: u32, seen: &Seen) -> Reply {
    match (night, &*seen.target) {
        (_, "/robots.txt") => Reply::new(200, "content-type: text/plain", "User-agent: *\nDisallow: /\n"),
        (REFUSED, _) => Reply::new(502, "content-type: text/html", "<h1>Bad gateway</h1>"),
        (REDIRECTED, target) => Reply::to(&format!("http://elsewhere.test{target}")),
        (MALFORMED, _) => Reply::new(200, "content-type: application/json", "{\"data\": {\"w0\": {"),
        (_, "/graphql") => github(night, seen),
        (_, target) if target.starts_with("/videos?") => youtube(night, seen),
        _ => Reply::not_found(),
    }
}

async fn harness() -> Harness {
    let hosts = ["course.test", "localhost", "elsewhere.test", "raw.githubusercontent.com", "github.com"];
    let hosts = hosts.into_iter().chain(["m.youtube.com", "youtu.be"]);
    let harness = Harness::start(hosts, |night, seen| match (&*seen.host, &*seen.target) {
        ("course.test", "/") => Reply::page(&page_of(&LINKS)),
        ("localhost", _) => interface(night, seen),
        (_, "/robots.txt") => Reply::not_found(),
        ("raw.githubusercontent.com", target) if target.ends_with(".pdf") => {
            Reply::new(200, "content-type: application/pdf", pdf(&format!("The reading at {PAPER}"), 2))
        }
        ("raw.githubusercontent.com", _) => {
            Reply::new(200, "content-type: text/plain; charset=utf-8", "import trees\n\nprint(trees.all())\n")
        }
        ("github.com" | "m.youtube.com" | "youtu.be", target) => {
            Reply::page(&article(&format!("The reading at http://{}{target}", seen.host)))
        }
        _ => Reply::not_found(),
    })
    .await;
    let path = harness.one_course();
    write_token(&harness, TOKEN);
    let token = harness.dir.path().join("token").display().to_string();
    let text = std::fs::read_to_string(&path).unwrap();
    let keys = format!(
        "[fetch.delays]\nlocalhost = \"0s\"\n[fetch.bulk_interfaces]\ngithub = \"http://localhost/graphql\"\n\
         github_token_file = {token:?}\nyoutube = \"http://localhost/videos\"\nyoutube_key_file = {token:?}\n"
    );
    std::fs::write(
        path,
        text.replacen("[fetch.resolve]\n", &format!("{keys}[fetch.resolve]\n{NO_OEMBED}\n"), 1),
    )
    .unwrap();
    harness
}

fn write_token(harness: &Harness, token: &str) {
    std::fs::write(harness.dir.path().join("token"), format!("{token}\n")).unwrap();
}

/// The links that a night requested, and how many lists.
async fn check(
    harness: &Harness,
    night: u32,
    requests: &mut usize,
) -> (Night, BTreeSet<&'static str>, usize) {
    let result = harness.check(night).await;
    let seen = harness.site.seen().split_off(*requests);
    *requests += seen.len();
    let is_of =
        |seen: &Seen, link: &str| format!("http://{}{}", seen.host, seen.target) == link.to_lowercase();
    let is_requested = |link: &&str| {
        seen.iter().any(|seen| is_of(&Seen { target: seen.target.to_lowercase(), ..seen.clone() }, link))
    };
    let requested = LINKS.into_iter().filter(is_requested).collect();
    let lists = seen.iter().filter(|seen| seen.host == "localhost" && seen.target != "/robots.txt").count();
    (result, requested, lists)
}

#[tokio::test]
async fn a_link_is_visited_if_its_version_is_not_that_of_the_last_visit() {
    let (harness, mut requests) = (harness().await, 0);
    let all: BTreeSet<&str> = LINKS.into();
    for night in 1..=14 {
        write_token(&harness, if night == WRONG_TOKEN { "an-0ther" } else { TOKEN });
        let (result, requested, lists) = check(&harness, night, &mut requests).await;
        assert_eq!(result.code, 0, "night {night}: {}", result.errors);
        assert_eq!(result.states(), ["ok"; 5], "night {night}");
        let expected = match night {
            1 | REFUSED | NOT_LISTED | REDIRECTED | WRONG_TOKEN | MALFORMED => all.clone(),
            NEW_COMMIT => [REPOSITORY].into(),
            NEW_TITLE => [VIDEO, PAPER].into(),
            _ => BTreeSet::new(),
        };
        assert_eq!(requested, expected, "night {night}");
        assert_eq!(lists, 2, "night {night}: one list of each interface");
    }
    let seen = harness.site.seen();
    assert!(seen.iter().all(|seen| seen.host == "localhost" || !seen.head.contains(TOKEN)));
    assert!(seen.iter().all(|seen| seen.host != "elsewhere.test"), "redirects are not followed");
    assert!(seen.iter().all(|seen| seen.host != "localhost" || seen.target != "/robots.txt"));
    let (_, history) = harness.run(&["history", VIDEO]).await;
    assert!(history.contains("no change in the list of its host"), "{history}");
}

#[tokio::test]
async fn a_plan_knows_which_versions_are_known() {
    let (harness, mut requests) = (harness().await, 0);
    check(&harness, 1, &mut requests).await;
    let file = harness.dir.path().join("onreserve.toml");
    let output = Command::new(PROGRAM).arg("plan").arg("--config").arg(&file).output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("localhost\n                   2 lists"), "{text}");
    assert!(
        text.split_whitespace().collect::<Vec<_>>().join(" ").contains("visits of 5 more links"),
        "{text}"
    );
}

#[tokio::test]
async fn doctor_asks_each_interface_for_a_list() {
    let harness = harness().await;
    let doctor = async || {
        let file = harness.dir.path().join("onreserve.toml");
        let output = Command::new(PROGRAM).arg("doctor").arg("--config").arg(&file).output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let text = doctor().await;
    assert!(text.contains("ok lists of github: http://localhost/graphql gives lists"), "{text}");
    assert!(text.contains("ok lists of youtube: http://localhost/videos gives lists"), "{text}");
    write_token(&harness, "an-0ther");
    let text = doctor().await;
    assert!(text.contains("ERROR lists of github: http://localhost/graphql gives no list of works, but answers with status 401"), "{text}");
    assert!(text.contains("ERROR lists of youtube:") && !text.contains("an-0ther"), "{text}");
}

#[tokio::test]
async fn a_missing_token_is_an_error_of_the_configuration() {
    let harness = harness().await;
    let file = harness.dir.path().join("onreserve.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("github_token_file", "# github_token_file")).unwrap();
    let output = Command::new(PROGRAM).arg("check-config").arg(&file).output().await.unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{errors}");
    assert!(errors.contains("github answers only with a token") && !errors.contains(TOKEN), "{errors}");
}
