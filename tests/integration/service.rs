//! Nights, signals, restarts and the monitoring service of a service in its own process.

use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::process::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::fetch::site::{Reply, Then};
use crate::harness::{Harness, PROGRAM, article, page_of};
pub(crate) use crate::service_process::{Service, until};

/// One link, one course in UTC, and a monitoring service at `watch.test`.
async fn small_harness() -> Harness {
    let harness =
        Harness::start(["course.test", "notes.test"], |_, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/" | "/two") => Reply::page(&page_of(&["http://notes.test/a"])),
            ("notes.test", "/a") => Reply::page(&article("The reading at http://notes.test/a")),
            (_, target) if target.starts_with("/watch") => Reply::new(200, "", "OK"),
            _ => Reply::not_found(),
        })
        .await;
    configure(&harness, "0 30 2 * * *", "");
    harness
}

fn configure(harness: &Harness, schedule: &str, more: &str) {
    harness.configure(&format!(
        "[service]\nspread = \"0s\"\nping_url = \"http://{}/watch/\"\n\
         [[course]]\nid = \"c\"\npage = \"http://course.test/\"\nschedule = \"{schedule}\"\n{more}",
        harness.site.address
    ));
}

/// The number of requests for the course page.
fn nights_of(harness: &Harness) -> usize {
    harness.site.seen().iter().filter(|seen| seen.host == "course.test" && seen.target == "/").count()
}

fn pings(harness: &Harness) -> Vec<String> {
    harness.site.targets().into_iter().filter(|target| target.starts_with("/watch")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_runs_by_itself_and_sends_pings() {
    let harness = small_harness().await;
    let service = Service::start(&harness, "2026-09-14T02:29:58Z");
    service.says("READY=1").await;
    service.says("waiting until 2026-09-14 02:30 UTC").await;
    service.says("waiting until 2026-09-14 13:00 UTC").await;
    until(|| pings(&harness).len() == 2, || format!("{:?}", pings(&harness))).await;
    assert_eq!(pings(&harness), ["/watch/start", "/watch/"]);
    let log = service.stop().await;
    assert!(log.contains("fixity check finished"), "{log}");
    let over = log.lines().find(|line| line.contains("night finished")).unwrap();
    let over: serde_json::Value = serde_json::from_str(over).unwrap();
    assert_eq!(over["fields"]["links"], 1);
    assert!(over["span"]["run"].as_str().unwrap().starts_with("2026-09-14T02:30:"), "{over}");
    assert!(!log.contains("/watch"), "the address is a secret: {log}");

    // After a restart it does not repeat this night.
    let service = Service::start(&harness, "2026-09-14T02:30:30Z");
    service.says("waiting until 2026-09-14 13:00 UTC").await;
    service.stop().await;
    assert_eq!(nights_of(&harness), 1);
    let (code, message) = harness.run(&["verify"]).await;
    assert_eq!(code, 0, "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_manager_that_reads_nothing_stops_no_night() {
    let harness = small_harness().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let sender = UnixDatagram::unbound().unwrap();
    sender.connect(&path).unwrap();
    sender.set_nonblocking(true).unwrap();
    while sender.send(b"full").is_ok() {}
    // There is room for one message: that the service is ready.
    manager.recv(&mut [0; 8]).unwrap();
    let notified = |command: &mut Command| _ = command.env("NOTIFY_SOCKET", &path);
    let service = Service::start_with(&harness, "2026-09-14T02:30:00Z", notified);
    service.logs("does not read its notifications").await;
    service.logs("night finished").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missed_nights_are_made_up_for_once() {
    let harness = small_harness().await;
    let service = Service::start(&harness, "2026-09-14T14:00:00Z");
    service.says("waiting until 2026-09-15 02:30 UTC").await;
    service.stop().await;
    assert_eq!(nights_of(&harness), 1, "the course is new");
    let service = Service::start(&harness, "2026-09-18T14:00:00Z");
    service.says("waiting until 2026-09-19 02:30 UTC").await;
    service.stop().await;
    assert_eq!(nights_of(&harness), 2);
    // The clock is set back before a night that was run: it is not run again.
    let service = Service::start(&harness, "2026-09-18T02:29:59Z");
    service.says("waiting until 2026-09-18 13:00 UTC").await;
    service.stop().await;
    assert_eq!(nights_of(&harness), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_course_is_checked_at_once_and_commands_ask_the_service() {
    let harness = small_harness().await;
    configure(&harness, "0 30 2 * * *", "[pages]\nlisten = \"127.0.0.1:0\"\n");
    let service = Service::start(&harness, "2026-09-14T14:00:00Z");
    service.logs("first night of a new course started").await;
    service.says("waiting until 2026-09-15 02:30 UTC").await;
    let at = pages_of(&service).await;
    let health = get(at, "/c/c/health").await;
    assert!(health.contains("Next check: Tue 15 Sep, 02:30 UTC."), "{health}");

    let configuration = harness.dir.path().join("onreserve.toml");
    let run = async |arguments: &[&str]| {
        let mut command = Command::new(PROGRAM);
        let output = command.args(arguments).arg("--config").arg(&configuration).output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), text.into_owned())
    };
    let (code, text) = run(&["check", "--course", "c"]).await;
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("the service runs, so it checks 1 course") && text.contains("1 link"), "{text}");
    assert_eq!(nights_of(&harness), 2);

    let (code, text) = run(&["add", "http://course.test/two"]).await;
    assert!(code == 0 && text.contains("The service has taken it up"), "{text}");
    until(|| service.log().matches("first night of a new course").count() == 2, || service.log()).await;
    service.says("waiting until").await;
    let (code, text) = run(&["check", "--strict"]).await;
    assert!(code == 75 && text.contains("the service, process"), "{text}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_night_shows_how_far_it_is() {
    let harness = Harness::start(["course.test", "notes.test"], |_, seen| match &*seen.target {
        "/" if seen.host == "course.test" => {
            Reply::page(&page_of(&["http://notes.test/a", "http://notes.test/b"]))
        }
        "/b" => Reply::raw("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n", Then::Hang),
        "/a" => Reply::page(&article("The reading at http://notes.test/a")),
        _ => Reply::not_found(),
    })
    .await;
    configure(&harness, "0 30 2 * * *", "[pages]\nlisten = \"127.0.0.1:0\"\n");
    let service = Service::start(&harness, "2026-09-14T14:00:00Z");
    let at = pages_of(&service).await;
    let mut page = String::new();
    while !page.contains("of 2 links done") {
        page = get(at, "/c/c/").await;
        tokio::task::yield_now().await;
    }
    assert!(page.contains("A check is running") && page.starts_with("HTTP/1.1 404"), "{page}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_during_a_night_is_quick_and_the_next_start_continues() {
    const LINKS: usize = 30;
    let (asked, is_slow) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(true)));
    let (counted, slow) = (Arc::clone(&asked), Arc::clone(&is_slow));
    let links: Vec<String> = (0..LINKS).map(|n| format!("http://h{}.test/{n}", n % 3)).collect();
    let hosts = (0..3).map(|n| format!("h{n}.test")).chain(["course.test".to_owned()]);
    let harness = Harness::start(hosts, move |_, seen| match (&*seen.host, &*seen.target) {
        ("course.test", "/") => Reply::page(&page_of(&links.iter().map(String::as_str).collect::<Vec<_>>())),
        (_, "/robots.txt" | "/") => Reply::not_found(),
        (_, target) if target.starts_with("/watch") => Reply::new(200, "", "OK"),
        (host, target) => {
            let is_late = counted.fetch_add(1, Ordering::SeqCst) >= LINKS / 2;
            let reply = Reply::page(&article(&format!("The reading at http://{host}{target}")));
            // Half of the links respond only after the restart.
            let then = if is_late && slow.load(Ordering::SeqCst) { Then::Hang } else { reply.then };
            Reply { bytes: if matches!(then, Then::Hang) { Vec::new() } else { reply.bytes }, then }
        }
    })
    .await;
    configure(&harness, "0 30 2 * * *", "");
    let service = Service::start(&harness, "2026-09-14T02:29:59Z");
    until(|| asked.load(Ordering::SeqCst) >= LINKS / 2 + 3, || service.log()).await;
    service.stop().await;
    assert_eq!(pings(&harness), ["/watch/start"]);
    is_slow.store(false, Ordering::SeqCst);
    let asked_before = asked.load(Ordering::SeqCst);

    let service = Service::start(&harness, "2026-09-14T02:45:00Z");
    service.logs("resuming an interrupted night").await;
    service.logs("night finished").await;
    service.says("waiting until 2026-09-14 13:00 UTC").await;
    service.stop().await;
    let asked_after = asked.load(Ordering::SeqCst) - asked_before;
    assert!(asked_after < LINKS, "{asked_after} of {LINKS} links were asked again");
    let (_, history) = harness.run(&["history", "h0.test/0"]).await;
    assert_eq!(history.matches("works").count(), 1, "there is one visit: {history}");
    let (_, status) = harness.run(&["status", "--format", "json"]).await;
    assert_eq!(status.matches("\"state\": \"ok\"").count(), LINKS, "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_new_configuration_is_reported_and_the_old_one_stays() {
    let harness = small_harness().await;
    let service = Service::start(&harness, "2026-09-14T14:00:00Z");
    service.says("waiting until 2026-09-15 02:30 UTC").await;
    let bad = [
        ("[service]\nspreat = \"1s\"\n", "spreat"),
        ("[[course]]\nid = \"c\"\npage = \"http://course.test/\"\nschedule = \"daily\"\n", "0 30 2 * * *"),
        ("", "it has no course"),
    ];
    for (text, message) in bad {
        harness.configure(text);
        service.signal(Signal::HUP);
        let said = service.says("waiting until").await;
        assert!(said.contains("RELOADING=1") && said.contains("READY=1"), "{said}");
        assert!(
            said.contains("the old one stays in force")
                && said.contains("waiting until 2026-09-15 02:30 UTC"),
            "{said}"
        );
        service.logs(message).await;
    }
    configure(&harness, "0 15 3 * * *", "");
    service.signal(Signal::HUP);
    service.says("waiting until 2026-09-15 03:15 UTC").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daytime_recheck_only_clears_links() {
    let is_up = Arc::new(AtomicBool::new(true));
    let up = Arc::clone(&is_up);
    let harness = Harness::start(["course.test", "notes.test"], move |night, seen| {
        match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page_of(&["http://notes.test/a", "http://notes.test/b"])),
            ("notes.test", "/a") if night == 1 || up.load(Ordering::SeqCst) => {
                Reply::page(&article("The reading at http://notes.test/a"))
            }
            ("notes.test", "/b") if night == 1 => Reply::page(&article("The reading at http://notes.test/b")),
            _ => Reply::not_found(),
        }
    })
    .await;
    configure(&harness, "0 30 2 * * *", "");
    harness.check(1).await;
    is_up.store(false, Ordering::SeqCst);
    let second = harness.check(2).await;
    assert_eq!(second.states(), ["failing", "failing"]);
    is_up.store(true, Ordering::SeqCst);
    let pages_read = nights_of(&harness);
    // A recheck during the start would be left out, and a busy machine needs seconds for the start.
    let service = Service::start(&harness, "2026-09-15T12:59:53Z");
    service.logs("rechecked failing links").await;
    let log = service.stop().await;
    assert!(log.contains("\"links\":2,\"cleared\":1"), "{log}");
    assert_eq!(nights_of(&harness), pages_read, "the page is not read by day");
    let (_, status) = harness.run(&["status"]).await;
    assert_eq!(status.matches("failing").count(), 1, "{status}");
    let (_, history) = harness.run(&["history", "notes.test/b"]).await;
    assert_eq!(history.matches("404").count(), 1, "the recheck stored no failure: {history}");
    let (code, message) = harness.run(&["rebuild"]).await;
    assert_eq!(code, 0, "{message}");
    let (_, history) = harness.run(&["history", "notes.test/a"]).await;
    assert_eq!(history.matches("works").count(), 2, "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_course_that_cannot_be_read_sends_a_failure_ping() {
    let harness = small_harness().await;
    configure(&harness, "0 30 2 * * *", "\n[[course]]\nid = \"d\"\npage = \"http://course.test/none\"\n");
    let service = Service::start(&harness, "2026-09-14T02:29:59Z");
    until(|| pings(&harness).len() == 2, || format!("{:?}\n{}", pings(&harness), service.log())).await;
    assert_eq!(pings(&harness), ["/watch/start", "/watch/fail"]);
    service.logs("no page of this course could be read").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_service_notifies_the_watchdog() {
    let harness = small_harness().await;
    let service = Service::start_with(&harness, "2026-09-14T14:00:00Z", |command| {
        command.env("WATCHDOG_USEC", "100000");
    });
    for _ in 0..3 {
        service.says("WATCHDOG=1").await;
    }
    service.stop().await;
}

/// With the timeout of the unit file: half of it is the longest wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_service_notifies_the_watchdog_of_the_unit() {
    let unit = include_str!("../../config/onreserve.service");
    assert!(unit.contains("\nWatchdogSec=2min\n"), "this test uses that timeout");
    let harness = small_harness().await;
    let service = Service::start_with(&harness, "2026-09-14T14:00:00Z", |command| {
        command.env("WATCHDOG_USEC", "120000000");
    });
    service.says("waiting until").await;
    service.says("WATCHDOG=1").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_service_exits_with_75_and_a_bad_configuration_with_78() {
    let harness = small_harness().await;
    let service = Service::start(&harness, "2026-09-14T14:00:00Z");
    service.says("READY=1").await;
    let mut second = Service::start(&harness, "2026-09-14T14:00:00Z");
    assert_eq!(second.child.wait().await.unwrap().code(), Some(75));
    second.logs(&format!("process {}", service.child.id().unwrap())).await;
    service.stop().await;
    harness.configure("");
    let mut empty = Service::start(&harness, "2026-09-14T14:00:00Z");
    assert_eq!(empty.child.wait().await.unwrap().code(), Some(78));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_that_fails_on_the_own_disk_is_tried_again() {
    let harness = small_harness().await;
    let service = Service::start(&harness, "2026-09-14T02:29:57Z");
    service.says("waiting until 2026-09-14 02:30 UTC").await;
    let spool = harness.archive().join("tmp");
    std::fs::remove_dir_all(&spool).unwrap();
    std::fs::write(&spool, "in the way").unwrap();
    service.logs("the night failed").await;
    until(|| pings(&harness).len() == 2, || format!("{:?}", pings(&harness))).await;
    assert_eq!(pings(&harness), ["/watch/start", "/watch/fail"]);
    service.says("waiting until").await;
    service.stop().await;
    std::fs::remove_file(&spool).unwrap();
    let service = Service::start(&harness, "2026-09-14T02:31:00Z");
    service.logs("night finished").await;
    service.stop().await;
}

/// The address of the service's pages.
pub(crate) async fn pages_of(service: &Service) -> SocketAddr {
    service.logs("listening for the pages").await;
    let log = service.log();
    let line = log.lines().find(|line| line.contains("listening for the pages")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    line["fields"]["at"].as_str().unwrap().parse().unwrap()
}

pub(crate) async fn get(at: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn nights_pages_and_emails_are_one_service() {
    let harness = small_harness().await;
    let emails = harness.dir.path().join("emails");
    let post = format!(
        "report_to = [\"i@school.test\"]\n[mail]\nfrom = \"o@school.test\"\ndirectory = {emails:?}\n"
    );
    configure(&harness, "0 30 2 * * *", &format!("{post}[pages]\nlisten = \"127.0.0.1:0\"\n"));
    let service = Service::start(&harness, "2026-09-14T02:29:58Z");
    service.logs("email sent").await;
    let at = pages_of(&service).await;
    let list = get(at, "/c/c/").await;
    assert!(list.starts_with("HTTP/1.1 200") && list.contains("The reading at"), "{list}");
    let email = std::fs::read_dir(&emails).unwrap().next().unwrap().unwrap().path();
    assert!(std::fs::read_to_string(email).unwrap().contains("First check: 1 link"));

    // A reload keeps the listening socket, even if it is refused.
    configure(&harness, "0 30 2 * * *", &format!("{post}[pages]\nlisten = \"192.0.2.1:80\"\n"));
    service.signal(Signal::HUP);
    service.logs("cannot listen on 192.0.2.1:80").await;
    assert!(get(at, "/readyz").await.starts_with("HTTP/1.1 200"));
    configure(&harness, "0 15 3 * * *", &format!("{post}[pages]\nlisten = \"127.0.0.1:0\"\n"));
    service.signal(Signal::HUP);
    service.logs("the new configuration is in force").await;
    assert!(get(at, "/healthz").await.starts_with("HTTP/1.1 200"));
    service.stop().await;
    assert!(TcpStream::connect(at).await.is_err());
}
