//! The command line from outside: output, errors and exit codes.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use onreserve::domain::policy::password::{HashMemory, PasswordHash};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

use crate::delivery::relay::{self, Relay};
use crate::fetch::site::{Reply, Then};
use crate::harness::{Harness, PROGRAM, article, page_of};
use crate::service::get;

async fn run(dir: &Path, arguments: &[&str]) -> (i32, String) {
    let output =
        Command::new(PROGRAM).args(arguments).current_dir(dir).stdin(Stdio::null()).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(!text.contains("panicked"), "{text}");
    (output.status.code().unwrap_or(-1), text.into_owned())
}

/// Runs a command and checks its exit code and words of its output.
async fn expect(dir: &Path, arguments: &[&str], code: i32, words: &[&str]) {
    let (exited, printed) = run(dir, arguments).await;
    assert_eq!(exited, code, "{arguments:?}: {printed}");
    for word in words {
        assert!(printed.contains(word), "{arguments:?} does not say {word:?}: {printed}");
    }
}

#[tokio::test]
async fn usage_errors_exit_with_64() {
    let dir = tempfile::tempdir().unwrap();
    expect(dir.path(), &[], 64, &["Usage"]).await;
    expect(dir.path(), &["chek"], 64, &["similar subcommand", "check"]).await;
    expect(dir.path(), &["check"], 64, &["<PAGE>"]).await;
    expect(dir.path(), &["check", "--config", "a", "--course"], 64, &["--course"]).await;
    expect(dir.path(), &["--help"], 0, &["Examples", "Exit codes"]).await;
    for command in [
        "check", "demo", "status", "history", "explain", "accept", "snooze", "undo", "open", "report",
        "verify",
    ] {
        expect(dir.path(), &[command, "--help"], 0, &["Usage"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_serves_pages_whose_links_work() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(PROGRAM)
        .args(["demo", "--fast", "--serve", "--listen", "127.0.0.1:0", "--dir"])
        .arg(dir.path().join("demo"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut printed = String::new();
    while !printed.contains("Press Ctrl-C") {
        printed.push_str(&lines.next_line().await.unwrap().expect("the demo goes on"));
        printed.push('\n');
    }
    let pages = printed.split("  the readings, for students").next().unwrap().rsplit("  ").next().unwrap();
    let at: SocketAddr =
        pages.replace("http://localhost", "127.0.0.1").replace("/c/dgm/", "").parse().unwrap();
    while tokio::net::TcpStream::connect(at).await.is_err() {
        tokio::task::yield_now().await;
    }
    let list = get(at, "/c/dgm/").await;
    assert!(list.starts_with("HTTP/1.1 200") && list.contains("our copy"), "{list}");
    assert!(get(at, "/c/dgm/health").await.starts_with("HTTP/1.1 401"), "staff have a password");
    let act = printed.split("/act/").nth(1).unwrap().split("  ").next().unwrap();
    let act = get(at, &format!("/act/{act}")).await;
    assert!(act.starts_with("HTTP/1.1 200") && act.contains("What should we do?"), "{act}");
    assert!(std::fs::read_dir(dir.path().join("demo/emails")).unwrap().count() >= 2);
}

#[tokio::test]
async fn a_demo_whose_address_is_in_use_ends_before_its_first_night() {
    let (dir, used) = (tempfile::tempdir().unwrap(), std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let mut demo = Command::new(PROGRAM);
    demo.args(["demo", "--fast", "--serve", "--listen", &used.local_addr().unwrap().to_string(), "--dir"]);
    let output = demo.arg(dir.path().join("demo")).output().await.unwrap();
    let (printed, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success() && error.contains("with --listen"), "{error}");
    assert!(!printed.contains("NIGHT 1"), "{printed}");
    assert!(!dir.path().join("demo").exists());
}

/// Runs `hash-password` with input from a pipe.
async fn hashed(password: &str) -> (bool, String) {
    let mut child = Command::new(PROGRAM)
        .arg("hash-password")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(password.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text.into_owned())
}

#[tokio::test]
async fn a_configuration_accepts_the_hash_of_a_password() {
    let (is_taken, hash) = hashed("a word for students\n").await;
    let hash = hash.trim();
    assert!(is_taken && hash.starts_with("$argon2id$v=19$") && !hash.contains("students"), "{hash}");
    let parsed: PasswordHash = hash.parse().unwrap();
    assert!(parsed.is_of("a word for students", &mut HashMemory::default()));
    let (is_taken, printed) = hashed("short").await;
    assert!(!is_taken && printed.contains("at least 8 characters"), "{printed}");
    let dir = tempfile::tempdir().unwrap();
    let course = |readers: &str| {
        format!("[pages]\n[[course]]\nid = \"a\"\npage = \"https://a.example/\"\n{readers}\n")
    };
    for (file, readers, code, word) in [
        (
            "good.toml",
            format!("access = \"password\"\nreaders = {{ password_hash = \"{hash}\" }}"),
            0,
            "no errors",
        ),
        ("bare.toml", "access = \"password\"".to_owned(), 78, "hash-password"),
        ("proxy.toml", "access = \"header\"".to_owned(), 78, "trusted_proxies"),
        ("nobody.toml", "access = \"oidc\"".to_owned(), 78, "add [pages.oidc]"),
        (
            "odd.toml",
            "access = \"saml\"".to_owned(),
            78,
            "unknown value `saml`; the values here are open, password, header, oidc",
        ),
    ] {
        std::fs::write(dir.path().join(file), course(&readers)).unwrap();
        expect(dir.path(), &["check-config", file], code, &[word]).await;
    }
}

#[tokio::test]
async fn configuration_errors_exit_with_78_and_have_a_position() {
    let dir = tempfile::tempdir().unwrap();
    expect(dir.path(), &["init"], 0, &["onreserve check --config onreserve.toml"]).await;
    expect(dir.path(), &["check-config"], 0, &["no errors, 1 course"]).await;
    expect(dir.path(), &["init"], 1, &["remove it first"]).await;
    expect(dir.path(), &["check-config", "none.toml"], 78, &["none.toml"]).await;
    std::fs::write(dir.path().join("typo.toml"), "[fetch]\n\ndelya = \"2s\"\n").unwrap();
    std::fs::write(dir.path().join("ca.toml"), "[fetch]\nextra_ca = \"typo.toml\"\n").unwrap();
    expect(dir.path(), &["check-config", "ca.toml"], 78, &["certificates in PEM"]).await;
    expect(dir.path(), &["status", "--state", "Dead"], 64, &["the states are ok, moved"]).await;
    expect(dir.path(), &["check-config", "typo.toml"], 78, &["typo.toml", "line 3", "delya", "delay"]).await;
    expect(dir.path(), &["check", "--config", "typo.toml"], 78, &["line 3"]).await;
    std::fs::write(dir.path().join("empty.toml"), "").unwrap();
    expect(dir.path(), &["check", "--config", "empty.toml"], 78, &["[[course]]"]).await;
    assert!(!dir.path().join("archive").exists(), "nothing is created before the configuration is valid");
}

#[tokio::test]
async fn an_unusable_archive_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    std::fs::write(dir.path().join("page.md"), "[a](http://127.0.0.1:1/a)").unwrap();
    expect(dir.path(), &["check", "page.md", "--archive", "file/x"], 77, &["file/x", "--archive"]).await;
    expect(dir.path(), &["status"], 1, &["run `onreserve check` first"]).await;
    expect(dir.path(), &["verify"], 1, &["there is no archive"]).await;
    std::fs::create_dir(dir.path().join("newer")).unwrap();
    std::fs::write(dir.path().join("newer/FORMAT"), "99\n").unwrap();
    expect(dir.path(), &["check", "page.md", "--archive", "newer"], 78, &["newer version", "99"]).await;
}

#[tokio::test]
async fn an_unusable_page_says_what_to_do() {
    let harness = Harness::start(["course.test"], |_, seen| match &*seen.target {
        "/pdf" => Reply::new(200, "content-type: application/pdf", "%PDF-1.4\n%%EOF"),
        "/login" => Reply::page(
            "<title>Sign in</title><h1>Sign in</h1><form method=post><input name=user><input type=password name=p></form>",
        ),
        "/empty" => Reply::new(200, "content-type: text/html", ""),
        "/bare" => Reply::page("<title>Bare</title><p>Nothing is linked from here, and nothing ever was.</p>"),
        "/down" => Reply::new(503, "", "down"),
        "/endless" => Reply::raw("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<h1>So much", Then::Endless),
        "/image" => Reply::new(200, "content-type: image/png", b"\x89PNG\r\n\x1a\n0000"),
        _ => Reply::not_found(),
    })
    .await;
    for (page, words) in [
        ("none", ["not found (404)", "open it in a browser"]),
        ("down", ["503", "open it in a browser"]),
        ("pdf", ["the server sends a damaged file", "open it in a browser"]),
        ("image", ["neither HTML nor Markdown", "give the published page"]),
        ("login", ["asks for an account", "without one"]),
        ("empty", ["http://course.test/empty", "page"]),
        ("bare", ["has no links", "give the page"]),
        ("endless", ["http://course.test/endless", "too large"]),
    ] {
        harness.configure(&format!("[[course]]\nid = \"c\"\npage = \"http://course.test/{page}\"\n"));
        let night = harness.check(1).await;
        assert_eq!(night.code, 1, "{page}: {}", night.errors);
        for word in words {
            assert!(night.errors.contains(word), "{page} does not say {word:?}: {}", night.errors);
        }
    }
    let dir = tempfile::tempdir().unwrap();
    expect(dir.path(), &["check", "none.html"], 1, &["none.html"]).await;
    expect(dir.path(), &["check", "school.edu"], 1, &["https://school.edu"]).await;
    expect(dir.path(), &["check", "ftp://school.edu/"], 1, &["ftp://school.edu/"]).await;
}

#[tokio::test]
async fn a_second_run_names_the_first() {
    let harness = Harness::start(["course.test"], |_, seen| match &*seen.target {
        "/" => Reply::raw("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n", Then::Hang),
        _ => Reply::not_found(),
    })
    .await;
    harness.one_course();
    let mut first = harness.checking(1).spawn().unwrap();
    while !harness.site.targets().contains(&"/".to_owned()) {
        tokio::task::yield_now().await;
    }
    let second = harness.check(1).await;
    assert_eq!(second.code, 75, "{}", second.errors);
    assert!(second.errors.contains(&format!("process {}", first.id().unwrap())), "{}", second.errors);
    first.kill().await.unwrap();
}

#[tokio::test]
async fn a_file_can_be_the_course_page() {
    let harness = Harness::start(["notes.test"], |_, seen| match &*seen.target {
        "/a" => Reply::page(&article("The reading at http://notes.test/a")),
        _ => Reply::not_found(),
    })
    .await;
    let page = harness.dir.path().join("page.html");
    std::fs::write(&page, page_of(&["http://notes.test/a"])).unwrap();
    harness.configure(&format!("[[course]]\nid = \"c\"\npage = \"{}\"\n", page.display()));
    let night = harness.check(1).await;
    assert_eq!((night.code, night.states()), (0, vec!["ok"]), "{}", night.errors);
    for (arguments, words) in [
        (&["status"][..], "ok           copy"),
        (&["status", "--format", "json"], "\"state\": \"ok\""),
        (&["report"], "1 link"),
        (&["report", "--format", "html"], "<!doctype html>"),
        (&["report", "--format", "json"], "\"links\""),
        (&["history", "notes"], "works, first copy"),
        (&["explain", "notes"], "Rule:"),
        (&["open", "notes"], "archive/by-course/c/"),
        (&["accept", "notes"], "accepted already"),
        (&["verify"], "sha-256 checked"),
        (&["rebuild"], "1 links"),
    ] {
        let (code, printed) = harness.run(arguments).await;
        assert_eq!(code, 0, "{arguments:?}: {printed}");
        assert!(printed.to_lowercase().contains(&words.to_lowercase()), "{arguments:?}: {printed}");
    }
    let (code, printed) = harness.run(&["open", "elsewhere"]).await;
    assert_eq!(code, 1);
    assert!(printed.contains("no link has `elsewhere`"), "{printed}");
}

#[tokio::test]
async fn manual_pages_and_completions_come_from_the_definition() {
    let dir = tempfile::tempdir().unwrap();
    expect(dir.path(), &["manual", "."], 0, &[]).await;
    let page = std::fs::read_to_string(dir.path().join("onreserve-serve.1")).unwrap();
    assert!(page.contains("HUP reads the configuration again"), "{page}");
    assert!(dir.path().join("onreserve.1").exists());
    expect(dir.path(), &["manual", "none"], 1, &["a directory that exists"]).await;
    for shell in ["bash", "fish", "zsh"] {
        expect(dir.path(), &["completions", shell], 0, &["check-config"]).await;
    }
}

#[tokio::test]
async fn check_config_prints_the_next_nights() {
    let dir = tempfile::tempdir().unwrap();
    expect(dir.path(), &["init"], 0, &[]).await;
    let night = ["check-config", "--now", "2026-10-31T12:00:00Z"];
    expect(dir.path(), &night, 0, &["dgm: next night Sun 2026-11-01 02:3", "CST"]).await;
    let ready = ["check-config", "--now", "2026-08-01T12:00:00Z"];
    expect(dir.path(), &ready, 0, &["21 days before the term", "7 days before the term"]).await;
    let over = ["check-config", "--now", "2027-01-01T12:00:00Z"];
    expect(dir.path(), &over, 0, &["no more nights"]).await;
}

/// The output of `check-config --online`, and its exit code.
async fn online(harness: &Harness) -> (i32, String) {
    run(harness.dir.path(), &["check-config", "onreserve.toml", "--online"]).await
}

#[tokio::test]
async fn check_config_online_tries_everything_and_leaves_nothing_behind() {
    let harness = Harness::start(["course.test"], |_, seen| match &*seen.target {
        "/" => Reply::page(&page_of(&["http://notes.test/a", "http://notes.test/b"])),
        "/bare" => {
            Reply::page("<title>Bare</title><p>Nothing is linked from here, and nothing ever was.</p>")
        }
        _ => Reply::not_found(),
    })
    .await;
    let (relay, authority) = Relay::strict();
    let file = |name: &str, text: &str| {
        let path = harness.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let authority = file("authority.pem", &authority);
    let password = file("password", relay::PASSWORD);
    let configure = |page: &str| {
        harness.configure(&format!(
            "[service]\nping_url = \"http://course.test/ping\"\n[[course]]\nid = \"c\"\npage = \"{page}\"\n\
             [mail]\nfrom = \"o@school.test\"\nhost = \"127.0.0.1\"\nport = {}\nuser = \"{}\"\n\
             password_file = {password:?}\nextra_ca = {authority:?}\n",
            relay.address.port(),
            relay::USER,
        ))
    };
    configure("http://course.test/");
    let (code, printed) = online(&harness).await;
    assert_eq!(code, 0, "{printed}");
    for words in
        ["archive can be written", "accepts the password; no email was sent", "http://course.test/: 2 links"]
    {
        assert!(printed.contains(words), "{words}: {printed}");
    }
    assert_eq!(harness.site.targets(), ["/"], "robots.txt is respected, and no ping is sent");
    assert!(relay.sent().is_empty() && !harness.archive().exists());

    file("password", "wrong horse");
    for (page, words) in [
        ("http://course.test/bare", "give the page that holds the readings"),
        ("http://course.test/none", "not found (404)"),
        ("none.html", "none.html"),
    ] {
        configure(page);
        let (code, printed) = online(&harness).await;
        assert_eq!(code, 1, "{printed}");
        assert!(printed.contains(words) && printed.contains("ok     archive"), "{words}: {printed}");
        assert!(
            printed.contains("ERROR  mail: 127.0.0.1:") && printed.contains("wrong password"),
            "{printed}"
        );
        assert!(!printed.contains("horse"), "{printed}");
    }
}

#[tokio::test]
async fn a_new_archive_below_the_working_directory_is_fine() {
    let dir = tempfile::tempdir().unwrap();
    for archive in ["archive", "kept/archive", "./archive"] {
        let text = format!("[archive]\ndir = \"{archive}\"\n");
        std::fs::write(dir.path().join("onreserve.toml"), text).unwrap();
        let (code, printed) = run(dir.path(), &["check-config", "onreserve.toml", "--online"]).await;
        assert!(code == 0 && printed.contains("can be written"), "{printed}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was created");
}

#[tokio::test]
async fn an_archive_is_checked_without_a_change() {
    let harness =
        Harness::start(["course.test"], |_, _| Reply::page(&page_of(&["http://course.test/a"]))).await;
    let configuration = harness.one_course();
    harness.check(1).await;
    let files = || std::fs::read_dir(harness.archive().join("tmp")).unwrap().count();
    let before = files();
    let (code, printed) = online(&harness).await;
    assert_eq!((code, files()), (0, before), "{printed}");
    let text = std::fs::read_to_string(&configuration).unwrap();
    let elsewhere = |text: &str, dir: &str| text.replace(&format!("{}\"", harness.archive().display()), dir);
    std::fs::write(&configuration, elsewhere(&text, "onreserve.toml/archive\"")).unwrap();
    let (code, printed) = online(&harness).await;
    assert_eq!(code, 1, "{printed}");
    assert!(
        printed.contains("ERROR  archive: cannot write") && printed.contains("name another directory"),
        "{printed}"
    );
    assert!(printed.contains("1 link"), "the rest is tried too: {printed}");
    std::fs::write(&configuration, text.replace("page = \"http", "page = \"ftp")).unwrap();
    assert_eq!(online(&harness).await.0, 78);
}

#[tokio::test]
async fn a_password_in_the_environment_gives_a_warning_and_is_not_shown() {
    let harness =
        Harness::start(["course.test"], |_, _| Reply::page(&page_of(&["http://notes.test/a"]))).await;
    harness.configure(
        "[[course]]\nid = \"c\"\npage = \"http://course.test/\"\nreport_to = [\"i@school.test\"]\n\
         [mail]\nfrom = \"o@school.test\"\nhost = \"localhost\"\nport = 1\nsecurity = \"none\"\nuser = \"o\"\n",
    );
    let run = async |arguments: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).env("ONRESERVE_SMTP_PASSWORD", "geheim").env_remove("CREDENTIALS_DIRECTORY");
        let output = command.current_dir(harness.dir.path()).output().await.unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    for arguments in [&["check-config"][..], &["check", "--config", "onreserve.toml"]] {
        let printed = run(arguments).await;
        assert_eq!(printed.matches("ONRESERVE_SMTP_PASSWORD").count(), 1, "{printed}");
        assert!(printed.contains("password_file") && !printed.contains("geheim"), "{printed}");
    }
}
