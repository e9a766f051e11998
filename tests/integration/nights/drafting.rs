//! Configurations that are drafted from a page, a check without one, and the filters of `status`.

use crate::fetch::site::Reply;
use crate::harness::{Harness, page_of};

#[tokio::test]
async fn a_configuration_is_drafted_from_a_page_and_is_valid() {
    let harness = Harness::start(["course.test"], |_, seen| match &*seen.target {
        "/dgm.html" | "/other.html" => Reply::page(
            "<title>Deep \"Models\"</title><h1>Deep Models</h1><h2>Sep 22, 2026</h2>\
             <a href=/a.pdf>A paper</a><h2>Dec 1, 2026</h2><a href=/b.pdf>Another paper</a>",
        ),
        _ => Reply::not_found(),
    })
    .await;
    let dir = harness.archive().with_file_name("drafted");
    std::fs::create_dir(&dir).unwrap();
    let run = async |arguments: &[&str]| {
        let mut command = tokio::process::Command::new(crate::harness::PROGRAM);
        let output = command.args(arguments).current_dir(&dir).output().await.unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let page = |name: &str| format!("http://{}/{name}.html", harness.site.address);
    let said = ["--mail", "ann@school.edu", "--time-zone", "America/Chicago", "--allow-private-networks"];
    let written = run(&[&["init", &page("dgm")], &said[..]].concat()).await;
    assert!(written.contains("2 links") && written.contains("onreserve serve --config"), "{written}");
    run(&["add", &page("other")]).await;
    let checked = run(&["check-config"]).await;
    assert!(checked.contains("no errors, 2 courses") && !checked.contains("warning"), "{checked}");
    let text = std::fs::read_to_string(dir.join("onreserve.toml")).unwrap();
    assert!(text.contains("term = { first = 2026-09-22, last = 2026-12-01 }"), "{text}");
    assert!(text.lines().count() <= 20, "{text}");
}

#[tokio::test]
async fn a_bare_check_has_the_title_of_the_page_and_status_has_filters() {
    let harness = Harness::start(["papers.test"], |_, _| Reply::not_found()).await;
    let page = harness.dir.path().join("page.html");
    std::fs::write(&page, page_of(&["http://papers.test/old.pdf", "http://papers.test/new.pdf"])).unwrap();
    let (configuration, other) = (harness.configure(""), harness.dir.path().join("other"));
    let output = tokio::process::Command::new(crate::harness::PROGRAM)
        .args(["check", "--now", "2026-09-14T02:30:00Z", "--config"])
        .arg(&configuration)
        .arg("--archive")
        .arg(&other)
        .arg(&page)
        .output()
        .await
        .unwrap();
    assert!(
        other.is_dir() && !harness.archive().exists(),
        "--archive precedes the configuration: {output:?}"
    );
    let run = async |arguments: &[&str]| crate::harness::run_on(&other, arguments).await.1;
    let all = run(&["status"]).await;
    assert!(all.starts_with("A course (") && all.contains("old.pdf") && all.contains("new.pdf"), "{all}");
    let found = run(&["status", "--search", "READING old"]).await;
    assert!(found.contains("old.pdf") && !found.contains("new.pdf"), "{found}");
    for none in [&["status", "--due", "7"][..], &["status", "--undecided"], &["status", "--state", "dead"]] {
        assert!(!run(none).await.contains(".pdf"), "{none:?}");
    }
}
