//! `onreserve doctor` finds what is wrong with an installation, and says what to do.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use tokio::process::Command;

use crate::engines;
use crate::fetch::site::Reply;
use crate::harness::{Harness, PROGRAM, article, page_of};

async fn doctor(harness: &Harness, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(PROGRAM)
        .arg("doctor")
        .args(arguments)
        .arg("--config")
        .arg(harness.dir.path().join("onreserve.toml"))
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), text)
}

/// The words of a text, without its line breaks.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn each_problem_is_a_line_with_what_to_do() {
    let harness =
        Harness::start(["course.test", "notes.test"], |_, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page_of(&["http://notes.test/a"])),
            ("notes.test", "/a") => Reply::page(&article("The reading at http://notes.test/a")),
            _ => Reply::not_found(),
        })
        .await;
    let file = harness.one_course();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let (code, text) = doctor(&harness, &[]).await;
    assert_eq!(code, 0, "{text}");
    assert!(joined(&text).contains("warn nights: there is no archive yet"), "{text}");
    assert!(text.contains("ok     page of c, http://course.test/: 1 link"), "{text}");
    assert!(!harness.archive().exists(), "it creates nothing");

    harness.check(1).await;
    let (code, text) = doctor(&harness, &["--offline"]).await;
    assert!(code == 1 && joined(&text).contains("which is too long ago"), "{text}");
    assert!(joined(&text).contains("warn service: it does not run") && !text.contains("page of c"), "{text}");
    let is_narrow = |text: &str| text.lines().all(|line| line.chars().count() <= 80 || line.contains('/'));
    assert!(is_narrow(&text), "{text}");

    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    std::fs::write(
        &file,
        std::fs::read_to_string(&file).unwrap().replace("http://course.test/", "http://course.test/none"),
    )
    .unwrap();
    let (code, text) = doctor(&harness, &[]).await;
    assert_eq!(code, 1);
    let words = joined(&text);
    assert!(words.contains("chmod go-w") && words.contains("not found (404)"), "{text}");
    assert!(words.contains("3 problems, "), "{text}");

    std::fs::write(&file, "[fetch]\ndelai = \"2s\"\n").unwrap();
    let (code, text) = doctor(&harness, &[]).await;
    assert!(code == 78 && joined(&text).contains("ERROR configuration") && text.contains("delay"), "{text}");
}

#[tokio::test]
async fn secrets_that_other_users_can_read_are_named() {
    let harness = Harness::start(["course.test"], |_, _| Reply::not_found()).await;
    let file = harness.one_course();
    let [secret, other] = ["chat", "calls"].map(|name| harness.dir.path().join(name));
    let mut text = std::fs::read_to_string(&file).unwrap();
    for path in [&secret, &other] {
        std::fs::write(path, "https://chat.example/services/0123").unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let name = path.file_name().unwrap();
        text += &format!("[[webhook]]\nname = {name:?}\nform = \"slack\"\nurl_file = {path:?}\n");
    }
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, text) = doctor(&harness, &["--offline"]).await;
    let words = joined(&text);
    assert!(code == 1 && words.contains("ERROR secrets: other users can read"), "{text}");
    assert!(words.contains("run chmod o-rwx") && !text.contains("0123"), "{text}");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o640)).unwrap();
    let text = joined(&doctor(&harness, &["--offline"]).await.1);
    let files = if engines::is_on_others() { 3 } else { 2 };
    let expected = format!("ok secrets: other users cannot read {files} files with a secret ");
    assert!(text.contains(&expected), "{text}");
}

#[tokio::test]
async fn a_plan_says_what_bounds_a_night() {
    let harness = Harness::start(["course.test", "notes.test", "other.test"], |_, seen| match &*seen.host {
        "course.test" => {
            Reply::page(&page_of(&["http://notes.test/a", "http://notes.test/b", "http://other.test/a"]))
        }
        _ => Reply::page(&article("A reading")),
    })
    .await;
    let file = harness.one_course();
    let plan = async || {
        let mut command = Command::new(PROGRAM);
        let output = command.arg("plan").arg("--config").arg(&file).stdin(Stdio::null()).output();
        String::from_utf8(output.await.unwrap().stdout).unwrap()
    };
    harness.check(1).await;
    let known = std::fs::read_to_string(&file).unwrap();
    let slow = format!("{known}\n[fetch.delays]\n\"other.test\" = \"1h\"\n");
    std::fs::write(&file, slow).unwrap();
    let text = plan().await;
    assert!(joined(&text).contains("A night takes at least 60 min: 3 links on 2 hosts."), "{text}");
    assert!(joined(&text).contains("That is the time of the slowest host, other.test: 1 link"), "{text}");
}
