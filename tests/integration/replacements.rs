//! The replacements of dead links, searched over several nights.

use crate::fetch::site::Reply;
use crate::harness::{Harness, Night, PROGRAM, article, page_of};

const MEMENTO: &str = "/web/20260913000000/http://gone.test/paper";

/// `moved` redirected once, `twin` is at two addresses, `gone` is in a web
/// archive, `key` is secret and must not be sent to the web archive.
async fn harness() -> Harness {
    let work = |target: &str| Reply::page(&article(&format!("The reading at {target}")));
    let hosts = ["course.test", "old.test", "new.test", "a.test", "b.test", "gone.test", "archive.test"];
    let harness = Harness::start(hosts, move |night, seen| match (&*seen.host, &*seen.target) {
        ("course.test", "/") => Reply::page(&page_of(&[
            "http://old.test/moved",
            "http://a.test/twin",
            "http://b.test/twin",
            "http://gone.test/paper",
            "http://gone.test/paper?token=1",
        ])),
        ("old.test", "/moved") if night == 1 => Reply::new(301, "location: http://new.test/moved", ""),
        ("new.test", "/moved") => work("http://old.test/moved"),
        ("a.test", "/twin") if night > 1 => Reply::not_found(),
        ("a.test" | "b.test", "/twin") => work("http://a.test/twin"),
        ("gone.test", target) if night == 1 && target != "/robots.txt" => {
            work(&format!("http://gone.test{target}"))
        }
        ("archive.test", "/web/http://gone.test/paper") => {
            assert!(seen.head.contains("accept-datetime: mon, 14 sep 2026 02:30:0"), "{}", seen.head);
            Reply::new(302, &format!("location: {MEMENTO}"), "")
        }
        ("archive.test", MEMENTO) => Reply::new(
            200,
            "content-type: text/html\nmemento-datetime: Sun, 13 Sep 2026 00:00:00 GMT",
            article("The reading at http://gone.test/paper"),
        ),
        (_, "/") => Reply::page(&article("Welcome")),
        _ => Reply::not_found(),
    })
    .await;
    let config = harness.one_course();
    let text = std::fs::read_to_string(&config).unwrap();
    let keys = "[fetch]\nmemento = \"http://archive.test/web/\"\ndelays = { \"archive.test\" = \"0s\" }";
    std::fs::write(config, text.replace("[fetch]", keys)).unwrap();
    harness
}

fn instead(night: &Night, link: &str) -> (String, String, bool) {
    let found = &night.link(link)["replacement"];
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    (text("url"), text("ground"), found["verified"] == true)
}

#[tokio::test]
async fn a_dead_link_gets_a_working_replacement() {
    let harness = harness().await;
    for night in 1..=3 {
        let result = harness.check(night).await;
        assert!(result.links().iter().all(|link| link["state"] != "dead"), "{}", result.errors);
        assert!(result.links().iter().all(|link| link["replacement"].is_null()), "nothing is dead yet");
    }
    let asked = |host: &str| harness.site.seen().iter().filter(|seen| seen.host == host).count();
    assert_eq!(asked("archive.test"), 0, "a link that may come back is not disclosed");
    let result = harness.check(4).await;
    let expected = |url: &str, ground: &str| (url.to_owned(), ground.to_owned(), true);
    assert_eq!(instead(&result, "old.test/moved"), expected("http://new.test/moved", "moved"));
    assert_eq!(instead(&result, "a.test/twin"), expected("http://b.test/twin", "own_link"));
    assert_eq!(
        instead(&result, "gone.test/paper"),
        expected(&format!("http://archive.test{MEMENTO}"), "memento")
    );
    assert!(result.link("token=1")["replacement"].is_null());
    assert!(
        harness
            .site
            .targets()
            .iter()
            .all(|target| !(target.starts_with("/web/") && target.contains("token")))
    );

    let (_, report) = harness.run(&["report"]).await;
    assert!(
        report.contains("Best replacement: a web archive's copy of Sun 13 Sep, the same bytes as our"),
        "{report}"
    );
    assert!(report.contains(&format!("http://archive.test{MEMENTO}\n")), "{report}");

    let asked_so_far = asked("archive.test");
    let again = harness.check(5).await;
    assert_eq!(instead(&again, "gone.test/paper"), instead(&result, "gone.test/paper"));
    assert_eq!(asked("archive.test"), asked_so_far, "once a week is enough");
    let (code, rebuilt) = harness.run(&["rebuild"]).await;
    assert_eq!(code, 0, "{rebuilt}");
    let after = harness.check(6).await;
    assert_eq!(instead(&after, "gone.test/paper"), instead(&result, "gone.test/paper"));
    assert_eq!(asked("archive.test"), asked_so_far, "a rebuilt catalogue contains it");
}

/// The files of a site whose generator makes the course page.
const FILES: [(&str, &str); 3] = [
    ("index.md", "# A course\n\n* [The reading at http://old.test/moved][1]\n\n[1]: http://old.test/moved\n"),
    (
        "_data/week 1.yml",
        "- title: 'Reading'\n  url: http://old.test/moved#page=2 # old.test\n- url: http://old.test/moved/more\n",
    ),
    (
        "about.html",
        "<p>\r\n<a class=x href='http://old.test/moved'>Reading</a>\r\n<!-- http://old.test/moved -->",
    ),
];

async fn program(dir: &std::path::Path, program: &str, arguments: &[&str]) -> (bool, String) {
    let output =
        tokio::process::Command::new(program).args(arguments).current_dir(dir).output().await.unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test]
async fn a_patch_applies_with_git_and_writes_the_same() {
    let harness = Harness::start(["old.test", "new.test"], |_, seen| match (&*seen.host, &*seen.target) {
        ("old.test", "/moved") => Reply::new(301, "location: http://new.test/moved", ""),
        ("new.test", "/moved") => Reply::page(&article("The reading at http://old.test/moved")),
        _ => Reply::not_found(),
    })
    .await;
    let (site, copy) = (harness.dir.path().join("site"), harness.dir.path().join("copy"));
    for root in [&site, &copy] {
        for (name, text) in FILES {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }
    let config = harness.configure(&format!(
        "[[course]]\nid = \"c\"\npage = \"{0}/index.md\"\nsource = \"{0}\"\n",
        site.display()
    ));
    let config = config.to_str().unwrap();
    for night in 1..=2 {
        assert_eq!(harness.check(night).await.code, 0);
    }
    let (_, report) = program(&site, PROGRAM, &["report", "--config", config]).await;
    assert!(report.contains("In the sources: 3 matches, _data/week 1.yml line 2,"), "{report}");
    assert!(report.contains("\"onreserve patch c\" puts new addresses in 3 places"), "{report}");

    let (_, diff) = program(&site, PROGRAM, &["patch", "c", "--config", config]).await;
    let patch = harness.dir.path().join("c.patch");
    std::fs::write(&patch, &diff).unwrap();
    program(&copy, "git", &["apply", patch.to_str().unwrap()]).await;
    program(&site, PROGRAM, &["patch", "--config", config, "--write"]).await;
    for (name, before) in FILES {
        let expected = match name {
            "about.html" => before.replacen("http://old.test/moved", "http://new.test/moved", 1),
            "index.md" => before.replace("[1]: http://old.test/moved", "[1]: http://new.test/moved"),
            _ => before.replace("http://old.test/moved#", "http://new.test/moved#"),
        };
        assert_eq!(std::fs::read_to_string(copy.join(name)).unwrap(), expected, "git apply: {name}\n{diff}");
        assert_eq!(std::fs::read_to_string(site.join(name)).unwrap(), expected, "--write: {name}");
    }
    let (_, nothing) = program(&site, PROGRAM, &["patch", "--config", config]).await;
    assert_eq!(nothing, "", "a second time there is nothing to change");
}

#[tokio::test]
async fn a_night_is_printed_in_the_formats_of_ci() {
    let harness = Harness::start(["course.test"], |_, seen| match &*seen.target {
        "/" => Reply::page(&page_of(&["http://course.test/missing.pdf"])),
        _ => Reply::not_found(),
    })
    .await;
    let config = harness.one_course();
    let config = config.to_str().unwrap();
    let printed = async |format: &str| {
        program(harness.dir.path(), PROGRAM, &["check", "--config", config, "--format", format]).await.1
    };
    let sarif: serde_json::Value = serde_json::from_str(&printed("sarif").await).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&"not_found".into(), &"error".into()));
    let junit = printed("junit").await;
    assert!(junit.contains("tests=\"1\" failures=\"1\""), "{junit}");
    let line = printed("github").await;
    assert!(line.starts_with("::error file=http%3A//course.test/,line=1,title=not found::"), "{line}");
}
