//! The action links of emails, opened by recipients, link scanners and strangers.
//! The program runs the nights, emails go to a directory, the service serves pages.

mod several;

use std::net::SocketAddr;
use std::path::PathBuf;

use onreserve::domain::action_token::{ActionToken, Purpose, SigningKey};
use onreserve::domain::address::{Address, LinkId};
use onreserve::domain::decision::{Choice, Decision, Gist};
use onreserve::domain::evidence::Reason;
use onreserve::domain::journal::Entry;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::engines::{self, only_on_sqlite_and_directory};
use crate::fetch::site::Reply;
use crate::harness::{Harness, article, page_of, time_of};
use crate::service::{Service, pages_of, until};

const READER: &str = "i@school.test";
const A: &str = "http://notes.test/a";
const B: &str = "http://notes.test/b";
const BASE: &str = "https://reserve.school.test";
const WORDS: &str = "\"'><script>alert(1)</script>";

/// A course of two readings: `a` has this status on a night, `b` always works.
async fn harness(status_of: fn(u32) -> u16) -> Harness {
    let words = WORDS.replace('<', "&lt;");
    let page = page_of(&[A, B]).replace(&format!("The reading at {A}"), &format!("{words} of notes"));
    let harness = Harness::start(["course.test", "notes.test"], move |night, seen| {
        match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page),
            ("notes.test", "/a") if status_of(night) != 200 => {
                Reply::new(status_of(night), "content-type: text/html", "<p>no")
            }
            ("notes.test", target @ ("/a" | "/b")) => {
                Reply::page(&article(&format!("The reading at http://notes.test{target}")))
            }
            ("notes.test", "/") => Reply::page(&article("Welcome")),
            _ => Reply::not_found(),
        }
    })
    .await;
    configure(&harness, "c", "");
    harness
}

fn configure(harness: &Harness, course: &str, more: &str) {
    harness.configure(&format!(
        "[mail]\nfrom = \"o@school.test\"\ndirectory = \"{}\"\n\
         [pages]\nlisten = \"127.0.0.1:0\"\nbase_url = \"{BASE}\"\n\
         [service]\nspread = \"0s\"\n\
         [[course]]\nid = \"{course}\"\npage = \"http://course.test/\"\nreport_to = [\"{READER}\"]\n{more}",
        email_dir(harness).display()
    ));
}

fn email_dir(harness: &Harness) -> PathBuf {
    harness.dir.path().join("emails")
}

/// The emails so far, oldest first, as they are sent.
fn emails(harness: &Harness) -> Vec<String> {
    let Ok(dir) = std::fs::read_dir(email_dir(harness)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = dir.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// The path of the first link of this kind in the text of an email.
fn path_in(email: &str, kind: &str) -> String {
    let text = email.replace("=\r\n", "");
    let at = text.find(&format!("{BASE}/{kind}/")).unwrap_or_else(|| panic!("no {kind}: {text}"));
    let link: String =
        text[at + BASE.len()..].chars().take_while(|c| !c.is_whitespace() && *c != '>').collect();
    link
}

/// A service at noon after a night, and the address of its pages.
async fn serving(harness: &Harness, night: u32) -> (Service, SocketAddr) {
    let service = Service::start(harness, &time_of(night).replace("T02:30", "T14:00"));
    service.says("waiting until").await;
    let at = pages_of(&service).await;
    (service, at)
}

async fn ask(at: SocketAddr, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

/// Every line of the journal.
fn journal(harness: &Harness) -> String {
    engines::journal(&harness.archive())
}

/// A link that is gone from the second night on, and reported as dead on the third.
async fn dead() -> Harness {
    let harness = harness(|night| if night == 1 { 200 } else { 410 }).await;
    for night in 1..=3 {
        harness.check(night).await;
    }
    harness
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_a_link_changes_nothing_and_a_button_acts_once() {
    let harness = dead().await;
    let email = emails(&harness).pop().unwrap();
    assert!(
        email.contains("Stop reporting as dead")
            && email.contains("All links and their state:")
            && email.contains("Stop these emails:"),
        "{email}"
    );
    let path = path_in(&email, "act");
    let (service, at) = serving(&harness, 3).await;
    let before = journal(&harness);
    for method in ["GET", "HEAD", "GET"] {
        let (status, page) = ask(at, method, &path, "").await;
        assert_eq!(status, 200, "{page}");
        let head = page.to_lowercase();
        assert!(head.contains("cache-control: no-store") && head.contains("referrer-policy: no-referrer"));
    }
    let (_, page) = ask(at, "GET", &path, "").await;
    for part in ["Now: dead.", "removed for good (410)", "accept-dead", "our-copy", "snooze", "recheck"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<script") && page.contains("&#60;script"), "{page}");
    assert_eq!(journal(&harness), before, "opening the page changes nothing");

    let (status, answer) = ask(at, "POST", &path, "choice=accept-dead").await;
    assert_eq!(status, 303, "{answer}");
    let (_, page) = ask(at, "GET", &path, "").await;
    assert!(page.contains("no longer reported as dead.") && page.contains("value=\"undo\""), "{page}");
    let health = ask(at, "GET", "/c/c/health", "").await.1;
    assert!(
        health.contains("no longer reported as dead.") && health.contains("No email is waiting"),
        "{health}"
    );
    assert!(!health.contains("/recheck"), "strangers cannot request a recheck");
    assert_eq!(ask(at, "POST", "/c/c/recheck", "link=0").await.0, 403);
    let once = journal(&harness);
    assert_eq!(once.matches("accepted_dead").count(), 1);
    ask(at, "POST", &path, "choice=accept-dead").await;
    assert_eq!(journal(&harness), once, "the second time changes nothing");
    for nonsense in ["", "choice=destroy", "choice=snooze&until=1999-01-01", "choice=snooze&until=x"] {
        ask(at, "POST", &path, nonsense).await;
        assert_eq!(journal(&harness), once, "{nonsense}");
    }
    ask(at, "POST", &path, "choice=undo").await;
    let (_, page) = ask(at, "GET", &path, "").await;
    assert!(!page.contains("no longer reported as dead."), "{page}");
    let log = service.stop().await;
    assert!(!log.contains(path.rsplit('/').next().unwrap()), "the link of an email is a secret: {log}");
}

/// Two processes use one archive: the pages show the decision of a command at once.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_can_decide_while_the_service_runs() {
    let harness = dead().await;
    let (service, at) = serving(&harness, 3).await;
    let run = async |arguments: &[&str]| {
        let (code, output) = harness.run(&[arguments, &["--now", "2026-09-16T15:00:00Z"]].concat()).await;
        assert_eq!(code, 0, "{arguments:?}: {output}");
    };
    for (arguments, shown) in [
        (&["accept", A][..], "no longer reported as dead."),
        (&["dismiss", A], "marked as fine."),
        (&["snooze", A, "--until", "2026-10-01"], "snoozed until Thu 1 Oct"),
        (&["use-copy", A], "replaced by our copy."),
    ] {
        run(arguments).await;
        let health = ask(at, "GET", "/c/c/health", "").await.1;
        assert!(health.contains(shown), "{arguments:?}: {health}");
    }
    run(&["undo", A]).await;
    // The pages may show what was so a tenth of a second ago.
    let begun = std::time::Instant::now();
    while ask(at, "GET", "/c/c/health", "").await.1.contains("replaced by our copy.") {
        assert!(begun.elapsed().as_secs() < 10, "they still show it");
    }
    let link = LinkId::of(&Address::parse(A).unwrap());
    run(&["takedown", A, "--reason", "its owner asked", "--yes"]).await;
    assert_eq!(ask(at, "GET", &format!("/go/{link}"), "").await.0, 451);
    assert_eq!(harness.run(&["verify"]).await.0, 0);
    let written = journal(&harness);
    assert_eq!(written.matches("\"kind\":\"decided\"").count(), 5, "{written}");
    assert_eq!(written.matches("\"kind\":\"taken_down\"").count(), 1, "{written}");
    for alone in ["rebuild", "migrate"] {
        assert_eq!(harness.run(&[alone]).await.0, 75, "{alone} has to be alone");
    }
    service.stop().await;
}

/// Files of root belong to root, and the service could not write to them.
#[tokio::test]
async fn root_is_asked_to_run_as_the_owner_of_the_archive() {
    // Only root can give a directory away.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let harness = dead().await;
    std::os::unix::fs::chown(harness.archive(), Some(65534), Some(65534)).unwrap();
    for arguments in [&["accept", A][..], &["takedown", A, "--reason", "asked", "--yes"], &["verify"]] {
        let (code, output) = harness.run(arguments).await;
        assert!(code == 77 && output.contains("runuser -u"), "{arguments:?}: {output}");
    }
    assert_eq!(harness.run(&["status"]).await.0, 0, "reading is allowed");
}

/// The service is killed after it wrote the journal and before it wrote the catalogue.
#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_is_only_in_the_journal_is_shown_after_the_next_start() {
    only_on_sqlite_and_directory!("a line in a bucket counts only with its rows");
    let harness = dead().await;
    let at = "2026-09-16T09:00:00Z".parse().unwrap();
    let decision = Decision {
        choice: Choice::AcceptedDead,
        about: Gist::Gone { reason: Reason::Gone },
        at,
        by: None,
        decider: None,
        note: None,
    };
    let (course, link) = ("c".parse().unwrap(), Address::parse(A).unwrap());
    let entry = Entry::Decided { at, course, link, decision: Some(decision) };
    engines::append(&harness.archive(), at, entry).await;
    assert!(!harness.run(&["status"]).await.1.contains("[no longer reported as dead]"));
    let (service, at) = serving(&harness, 3).await;
    assert!(ask(at, "GET", "/c/c/health", "").await.1.contains("no longer reported as dead."));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn students_find_the_same_before_and_after_a_rebuild() {
    let harness = dead().await;
    let link = LinkId::of(&Address::parse(A).unwrap());
    let shown = async || {
        let (service, at) = serving(&harness, 3).await;
        let list = ask(at, "GET", "/api/v1/courses/c/links", "").await;
        let go = ask(at, "GET", &format!("/go/{link}"), "").await.0;
        service.stop().await;
        let list: serde_json::Value = serde_json::from_str(list.1.split_once("\r\n\r\n").unwrap().1).unwrap();
        (list["links"].clone(), go)
    };
    let before = shown().await;
    assert!(before.0.to_string().contains(A), "{before:?}");
    assert_eq!(harness.run(&["rebuild"]).await.0, 0);
    assert_eq!(shown().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_foreign_and_expired_links_do_not_work() {
    let harness = dead().await;
    let (service, at) = serving(&harness, 3).await;
    let before = journal(&harness);
    let key = std::fs::read_to_string(harness.archive().join("signing-key")).unwrap();
    let ours = SigningKey::parse(&key).unwrap();
    let theirs = SigningKey::parse(&"0".repeat(64)).unwrap();
    let link = LinkId::of(&Address::parse(A).unwrap());
    let ticket = |purpose, course: &str, reader: &str, until: &str| {
        ActionToken::new(purpose, &course.parse().unwrap(), &reader.parse().unwrap(), until.parse().unwrap())
    };
    let act = Purpose::Act(link);
    let gone = Purpose::Act(LinkId::of(&Address::parse("http://notes.test/never").unwrap()));
    let good = ticket(act, "c", READER, "2027-01-01").signed(&ours);
    for (why, text, status) in [
        ("good", good.clone(), 200),
        ("another key", ticket(act, "c", READER, "2027-01-01").signed(&theirs), 403),
        ("cut off", good[..good.len() - 2].to_owned(), 403),
        ("longer", format!("{good}AA"), 403),
        ("no ticket", "%22%3E%3Cscript%3E".to_owned(), 403),
        ("another course", ticket(act, "d", READER, "2027-01-01").signed(&ours), 403),
        ("another reader", ticket(act, "c", "x@school.test", "2027-01-01").signed(&ours), 403),
        ("expired", ticket(act, "c", READER, "2026-09-15").signed(&ours), 410),
        ("no such link", ticket(gone, "c", READER, "2027-01-01").signed(&ours), 410),
        ("for emails", ticket(Purpose::Subscription, "c", READER, "2027-01-01").signed(&ours), 403),
    ] {
        let (got, page) = ask(at, "GET", &format!("/act/{text}"), "").await;
        assert_eq!(got, status, "{why}: {page}");
        if status != 200 {
            assert_eq!(
                ask(at, "POST", &format!("/act/{text}"), "choice=accept-dead").await.0,
                status,
                "{why}"
            );
        }
        assert!(
            page.to_lowercase().contains("cache-control: no-store") && !page.contains("<script"),
            "{why}"
        );
    }
    for purpose in [act, Purpose::ActOnHost(link)] {
        let path = format!("/letters/{}", ticket(purpose, "c", READER, "2027-01-01").signed(&ours));
        assert_eq!(ask(at, "POST", &path, "List-Unsubscribe=One-Click").await.0, 403);
    }
    assert_eq!(journal(&harness), before);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_by_an_action_link_holds_until_the_result_changes() {
    let harness = harness(|night| match night {
        1 => 200,
        2..=5 | 7.. => 410,
        _ => 200,
    })
    .await;
    for night in 1..=3 {
        harness.check(night).await;
    }
    let path = path_in(&emails(&harness).pop().unwrap(), "act");
    let (service, at) = serving(&harness, 3).await;
    ask(at, "POST", &path, "choice=not-broken").await;
    service.stop().await;
    let count = emails(&harness).len();
    harness.check(4).await;
    assert_eq!(emails(&harness).len(), count, "no email is sent");
    let (code, said) = harness.run(&["rebuild"]).await;
    assert_eq!(code, 0, "{said}");
    harness.check(5).await;
    let (_, report) = harness.run(&["report"]).await;
    assert!(report.contains("AS DECIDED (1)                1 marked as fine."), "{report}");
    // It works for a night and is dead again, which is a new result.
    for night in 6..=10 {
        harness.check(night).await;
    }
    let all = emails(&harness)[count..].concat().replace("=\r\n", "");
    assert!(all.contains("newly dead"), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_copy_replaces_the_original_after_the_decision() {
    let harness = harness(|night| if night < 4 { 410 } else { 200 }).await;
    harness.check(4).await;
    let link = LinkId::of(&Address::parse(B).unwrap());
    let key =
        SigningKey::parse(&std::fs::read_to_string(harness.archive().join("signing-key")).unwrap()).unwrap();
    let until = "2027-01-01".parse().unwrap();
    let ticket = ActionToken::new(Purpose::Act(link), &"c".parse().unwrap(), &READER.parse().unwrap(), until);
    let path = format!("/act/{}", ticket.signed(&key));
    let (service, at) = serving(&harness, 4).await;
    let go = format!("/go/{link}");
    assert_eq!(ask(at, "GET", &go, "").await.0, 302);
    ask(at, "POST", &path, "choice=our-copy").await;
    let (status, page) = ask(at, "GET", &go, "").await;
    assert!(status == 200 && page.contains("Open the copy"), "{page}");
    let list = ask(at, "GET", "/c/c/", "").await.1;
    assert!(list.contains("opens our copy"), "{list}");
    // The page script must not say that the original is gone.
    let script = ask(at, "GET", "/api/v1/courses/c/links?only=gone", "").await.1;
    assert!(script.contains(B) && script.contains("\"original_is_gone\":false"), "{script}");
    ask(at, "POST", &path, "choice=undo").await;
    assert_eq!(ask(at, "GET", &go, "").await.0, 302);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_click_stops_the_emails_and_a_button_starts_them_again() {
    let harness = dead().await;
    let email = emails(&harness).pop().unwrap();
    assert!(email.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{email}");
    let header = email.replace("\r\n ", " ");
    let header = header.lines().find(|line| line.starts_with("List-Unsubscribe:")).unwrap();
    let path = path_in(header, "letters");
    assert_eq!(path, path_in(email.split("Stop these emails").nth(1).unwrap(), "letters"));
    let (service, at) = serving(&harness, 3).await;
    let before = journal(&harness);
    let (status, page) = ask(at, "GET", &path, "").await;
    assert!(status == 200 && page.contains("value=\"stop\""), "{page}");
    assert_eq!(journal(&harness), before, "a scanner stops nothing");
    for _ in 0..2 {
        let (status, page) = ask(at, "POST", &path, "List-Unsubscribe=One-Click").await;
        assert!(status == 200 && page.contains("value=\"start\""), "{page}");
    }
    assert_eq!(journal(&harness).matches("\"wanted\":false").count(), 1);
    assert!(!ask(at, "GET", "/c/c/health", "").await.1.contains(READER));
    service.stop().await;
    assert!(harness.run(&["status"]).await.1.contains("i@school.test has unsubscribed"));

    let count = emails(&harness).len();
    harness.run(&["rebuild"]).await;
    for night in 8..=9 {
        harness.check(night).await;
    }
    assert_eq!(emails(&harness).len(), count, "not even the weekly report");
    let (service, at) = serving(&harness, 9).await;
    ask(at, "POST", &path, "letters=start").await;
    service.stop().await;
    harness.check(10).await;
    assert_eq!(emails(&harness).len(), count + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recheck_requested_on_the_page_can_only_clear_the_link() {
    let harness = dead().await;
    let path = path_in(&emails(&harness).pop().unwrap(), "act");
    // The site works again by day, as on the first night.
    harness.checking(1);
    let (service, at) = serving(&harness, 3).await;
    assert_eq!(ask(at, "POST", &path, "choice=recheck").await.0, 303);
    service.logs("\"links\":1,\"cleared\":1").await;
    let mut page = String::new();
    while !page.contains("it works") {
        page = ask(at, "GET", &path, "").await.1;
        assert!(page.contains("hecked again") || page.contains("being checked"), "{page}");
    }
    assert!(page.contains("Now: works."), "{page}");
    assert!(!ask(at, "GET", &path, "").await.1.contains("value=\"recheck\""));
    until(|| journal(&harness).matches("\"kind\":\"finished\"").count() == 4, || journal(&harness)).await;
    service.stop().await;
}
