//! Web processes beside a scheduler and workers: they show the same, and what is requested on
//! their pages is done once.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::engines::only_on_sqlite_and_directory;
use crate::harness::{Harness, PROGRAM};
use crate::postgres_server::PostgresServer;
use crate::service::{Service, pages_of};
use crate::workers::browser::{Answer, Browser, get};
use crate::workers::cluster::Cluster;

/// A page that shows some words after a while.
async fn shows(at: SocketAddr, browser: &Browser, path: &str, words: &str) -> String {
    let begun = Instant::now();
    loop {
        let text = browser.get(at, path).await.text;
        if text.contains(words) {
            return text;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "never shows {words}: {text}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A lease that a busy machine does not outlast.
const LEASE: Duration = Duration::from_mins(1);

struct Webs {
    cluster: Cluster,
    processes: Vec<Service>,
    one: SocketAddr,
    other: SocketAddr,
}

impl Webs {
    /// Two web processes after the first night.
    async fn start() -> Option<Self> {
        let url = PostgresServer::shared()?.database().await;
        let cluster = Cluster::start_on(url.clone(), url, 1, LEASE).await;
        let processes: Vec<Service> = (0..2).map(|_| cluster.start_role("web")).collect();
        let (one, other) = (pages_of(&processes[0]).await, pages_of(&processes[1]).await);
        cluster.scheduler.says("waiting until").await;
        Some(Self { cluster, processes, one, other })
    }

    async fn stop(self) {
        let Cluster { scheduler, workers, .. } = self.cluster;
        for process in self.processes.into_iter().chain(workers).chain([scheduler]) {
            process.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_web_processes_show_the_same_pages_and_copies() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some(webs) = Webs::start().await else { return };
    let same = async |path: &str| {
        let (one, other) = (get(webs.one, path).await, get(webs.other, path).await);
        assert_eq!((one.status, other.status), (200, 200), "{path}: {}", one.text);
        assert_eq!(one.text, other.text, "{path}");
        assert_eq!(one.header("etag"), other.header("etag"), "{path}");
        one
    };
    same("/").await;
    assert!(same("/c/c/").await.text.contains("The reading at http://h0.test/0"));
    let links: Value = serde_json::from_str(&same("/api/v1/courses/c/links").await.text).unwrap();
    let copies: Vec<&str> =
        links["links"].as_array().unwrap().iter().filter_map(|link| link["copy"]["page"].as_str()).collect();
    assert!(copies.len() > 100, "{links}");
    let path = url::Url::parse(copies[0]).unwrap().path().to_owned();
    same(&path).await;
    for at in [webs.one, webs.other] {
        assert_eq!(get(at, "/readyz").await.status, 200);
        let metrics = get(at, "/metrics").await.text;
        assert!(metrics.contains("role=\"web\"} ") && metrics.contains("role=\"worker\"} "), "{metrics}");
    }
    webs.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_requested_on_any_web_process_is_done_once() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some(webs) = Webs::start().await else { return };
    let (one, other) = (webs.one, webs.other);
    let browser = Browser::signed_in(one).await;
    let token = browser.form_token(other).await;
    assert_eq!(browser.form_token(one).await, token, "a form of one process works at the other");

    // A decision: the other process shows it at once.
    let links: Value = serde_json::from_str(&get(one, "/api/v1/courses/c/links").await.text).unwrap();
    let gone = links["links"]
        .as_array()
        .unwrap()
        .iter()
        .find(|link| link["url"].as_str().is_some_and(|url| url == "http://h7.test/7"));
    let gone = gone.unwrap_or_else(|| panic!("{links}"))["id"].as_str().unwrap().to_owned();
    let page = format!("/c/c/links/{gone}");
    for (choice, is_decided) in [("replace-by", true), ("undo", false), ("replace-by", true)] {
        let form =
            [("form_token", &*token), ("link", &*gone), ("choice", choice), ("to", "http://h1.test/1")];
        // The other process reads the course just before the decision.
        assert_eq!(browser.get(other, &page).await.text.contains("value=\"undo\""), !is_decided);
        assert_eq!(browser.post(one, "/c/c/decide", &form).await.status, 303);
        let text = browser.get(other, &page).await.text;
        assert_eq!(text.contains("value=\"undo\""), is_decided, "{choice}: {text}");
    }

    // A recheck and a night, requested at both at the same time.
    let form = [("form_token", &*token), ("link", &*gone), ("choice", "recheck")];
    let (first, second) =
        tokio::join!(browser.post(one, "/c/c/decide", &form), browser.post(other, "/c/c/decide", &form));
    assert_eq!((first.status, second.status), (303, 303));
    shows(other, &browser, &format!("/c/c/links/{gone}"), "Checked again at").await;
    let form = [("form_token", &*token)];
    let (first, second) =
        tokio::join!(browser.post(one, "/c/c/check", &form), browser.post(other, "/c/c/check", &form));
    assert_eq!((first.status, second.status), (303, 303));
    webs.cluster.scheduler.logs("night started on request").await;
    shows(other, &browser, "/c/c/health", "A check is running").await;
    let catalogue = &webs.cluster;
    catalogue.until("SELECT count(*) FROM service_request WHERE ended_at IS NOT NULL", 1).await;
    assert_eq!(catalogue.number("SELECT count(*) FROM recheck_request").await, 1);
    assert_eq!(catalogue.number("SELECT count(*) FROM recheck_request WHERE checked_at IS NULL").await, 0);
    assert_eq!(catalogue.number("SELECT count(*) FROM service_request").await, 1);
    assert_eq!(catalogue.number("SELECT count(*) FROM night WHERE finished IS NOT NULL").await, 2);

    let form = [("form_token", &*token)];
    assert_eq!(browser.post(other, "/c/c/logout", &form).await.status, 303);
    assert_eq!(browser.get(one, "/c/c/health").await.status, 401);
    webs.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_process_finishes_its_answers_and_takes_up_new_courses() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some(webs) = Webs::start().await else { return };
    let browser = Browser::signed_in(webs.one).await;
    let token = browser.form_token(webs.one).await;

    // A command asks the service to read its configuration again.
    let path = webs.cluster.configuration();
    let text = std::fs::read_to_string(&path).unwrap();
    let added = "[[course]]\nid = \"new\"\ntitle = \"A new course\"\npage = \"http://course.test/\"\nschedule = \"0 30 2 * * *\"\n[pages]";
    std::fs::write(&path, text.replacen("[pages]", added, 1)).unwrap();
    let reload =
        "INSERT INTO service_request (requested_at) VALUES ('2026-09-14T14:00:00.000000Z') RETURNING id";
    webs.cluster.number(reload).await;
    shows(webs.other, &browser, "/c/new/", "A new course").await;

    let (head, body) = browser.form("/c/c/logout", &[("form_token", &token)]);
    let mut stream = TcpStream::connect(webs.one).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let before = get(webs.one, "/healthz").await;
    assert_eq!(before.status, 200, "the head has arrived");
    webs.processes[0].signal(rustix::process::Signal::TERM);
    webs.processes[0].logs("open answers are finished").await;
    while TcpStream::connect(webs.one).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(Answer::read(&answer).status, 303);
    let Webs { mut processes, cluster, .. } = webs;
    let status = processes[0].child.wait().await.unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(
        cluster
            .number(
                "SELECT count(*) FROM process_lease WHERE role = 'web' AND lease_until > clock_timestamp()"
            )
            .await,
        1,
        "it gave its lease back"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn web_processes_count_wrong_passwords_together() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some(webs) = Webs::start().await else { return };
    // A household has eight free tries, and then waits for a second, two, four and so on.
    let mut refused = 0;
    for _ in 0..8 {
        for at in [webs.one, webs.other] {
            refused += u32::from(Browser::tries(at, "a wrong word").await.status == 429);
        }
    }
    assert!(refused >= 4, "{refused} of 16");
    webs.stop().await;
}

#[tokio::test]
async fn a_web_process_says_what_it_needs() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let harness = Harness::start(["course.test"], |_, _| crate::fetch::site::Reply::not_found()).await;
    let refused = async |more: &str| {
        let course = "[[course]]\nid = \"c\"\npage = \"http://course.test/\"\n";
        let path = harness.configure(&format!("{more}{course}"));
        let mut command = tokio::process::Command::new(PROGRAM);
        command.args(["serve", "--role", "web", "--config"]).arg(path);
        let output = command.output().await.unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let sqlite = refused("[pages]\n").await;
    assert!(sqlite.contains("set [catalogue] url to a PostgreSQL database"), "{sqlite}");
    let without_pages = refused("[catalogue]\nurl = \"postgres://localhost/none\"\n").await;
    assert!(without_pages.contains("has no [pages]"), "{without_pages}");
}
