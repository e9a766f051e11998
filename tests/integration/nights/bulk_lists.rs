//! Bulk interfaces: one request for a list replaces the visits of links whose works are unchanged.

use std::collections::BTreeSet;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::fetch::site::{Reply, Seen};
use crate::harness::{Harness, Night, PROGRAM, article, page_of, time_of};
use crate::serve::course::pdf;
use crate::service::{Service, pages_of};

const WORKS: [&str; 3] = ["1312.6114", "2006.11239", "hep-th/9901001"];
/// On this night the interface refuses.
const REFUSED: u32 = 4;
/// On this night one work has a new version.
const NEW_VERSION: u32 = 3;

fn link(work: &str) -> String {
    format!("http://arxiv.org/abs/{work}")
}

fn title(work: &str) -> String {
    format!("The reading at {}", link(work))
}

/// The feed of the interface: of works that the request names.
fn feed(night: u32, seen: &Seen) -> Reply {
    let target = seen.target.to_ascii_lowercase();
    let list = target.split("id_list=").nth(1).unwrap().split('&').next().unwrap();
    let entry = |id: &str| {
        let (version, updated) = if night == NEW_VERSION && id == WORKS[0] {
            (2, "2026-09-15T00:00:00Z")
        } else {
            (1, "2020-01-01T00:00:00Z")
        };
        format!("<entry><id>http://arxiv.org/abs/{id}v{version}</id><updated>{updated}</updated></entry>")
    };
    let ids = list.replace("%2c", ",").replace("%2f", "/");
    let entries: String = ids.split(',').map(entry).collect();
    let feed = format!("<feed xmlns=\"http://www.w3.org/2005/Atom\">{entries}</feed>");
    Reply::new(200, "content-type: application/atom+xml", feed)
}

async fn harness() -> Harness {
    let harness = Harness::start(["course.test", "arxiv.org", "lists.test"], |night, seen| {
        match (&*seen.host, &*seen.target) {
            ("course.test", "/") => {
                let links = WORKS.map(link);
                Reply::page(&page_of(&[&*links[0], &links[1], &links[2]]))
            }
            ("lists.test", "/robots.txt") => {
                Reply::new(200, "content-type: text/plain", "User-agent: *\nDisallow: /\n")
            }
            ("lists.test", target) if target.starts_with("/api/query?") && night == REFUSED => {
                Reply::new(503, "content-type: text/plain", "Rate exceeded.")
            }
            ("lists.test", target) if target.starts_with("/api/query?") => feed(night, seen),
            ("arxiv.org", target) => {
                let work = WORKS.iter().find(|work| target.ends_with(**work));
                match (work, target.starts_with("/pdf/")) {
                    (Some(work), true) => {
                        Reply::new(200, "content-type: application/pdf", pdf(&title(work), 2))
                    }
                    (Some(work), false) => Reply::page(&article(&title(work))),
                    (None, _) => Reply::not_found(),
                }
            }
            _ => Reply::not_found(),
        }
    })
    .await;
    let path = harness.one_course();
    let text = std::fs::read_to_string(&path).unwrap();
    let keys = "[fetch]\nbulk_interfaces = { arxiv = \"http://lists.test/api/query\" }\n";
    std::fs::write(path, text.replacen("[fetch]\n", keys, 1)).unwrap();
    harness
}

/// The works whose links a night requested, and how many lists.
async fn check(
    harness: &Harness,
    night: u32,
    requests: &mut usize,
) -> (Night, BTreeSet<&'static str>, usize) {
    let result = harness.check(night).await;
    let seen = harness.site.seen().split_off(*requests);
    *requests += seen.len();
    let requested =
        WORKS.into_iter().filter(|work| seen.iter().any(|seen| seen.target == format!("/abs/{work}")));
    let lists = seen.iter().filter(|seen| seen.target.starts_with("/api/query?")).count();
    (result, requested.collect(), lists)
}

#[tokio::test]
async fn a_list_replaces_the_visits_of_unchanged_works() {
    let (harness, mut requests) = (harness().await, 0);
    let all: BTreeSet<&str> = WORKS.into();
    let mut last_visits = WORKS.map(|_| 1);
    for night in 1..=32 {
        let (result, requested, lists) = check(&harness, night, &mut requests).await;
        assert_eq!(result.code, 0, "night {night}: {}", result.errors);
        assert_eq!(result.states(), ["ok"; 3], "night {night}");
        let expected = match night {
            1 | REFUSED => Some(all.clone()),
            NEW_VERSION => Some([WORKS[0]].into()),
            2 | 5 => Some(BTreeSet::new()),
            _ => None,
        };
        assert!(expected.is_none_or(|expected| expected == requested), "night {night}: {requested:?}");
        assert_eq!(lists, usize::from(requested != all || night == REFUSED), "night {night}");
        for (work, last) in WORKS.iter().zip(&mut last_visits) {
            if requested.contains(work) {
                *last = night;
            }
            assert!(night - *last < 28, "{work} is visited every four weeks");
        }
    }
    assert!(last_visits.iter().all(|last| *last > REFUSED), "{last_visits:?}");
    let (_, history) = harness.run(&["history", &link(WORKS[1])]).await;
    assert!(history.contains("no change in the list of its host"), "{history}");
}

#[tokio::test]
async fn a_plan_counts_the_visits_that_lists_replace() {
    let (harness, mut requests) = (harness().await, 0);
    let file = harness.dir.path().join("onreserve.toml");
    let plan = async || {
        let output = Command::new(PROGRAM).arg("plan").arg("--config").arg(&file).output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    check(&harness, 1, &mut requests).await;
    let text = plan().await;
    assert!(text.contains("0 links on 0 hosts") && text.contains("lists.test 1 list"), "{text}");
    assert!(text.contains("arxiv.org lists replace the visits of 3 more links"), "{text}");
    let known = std::fs::read_to_string(&file).unwrap();
    let without: String =
        known.lines().filter(|line| !line.starts_with("bulk")).flat_map(|l| [l, "\n"]).collect();
    std::fs::write(&file, without).unwrap();
    let text = plan().await;
    assert!(text.contains("3 links on 1 host.") && !text.contains("lists.test"), "{text}");
    assert!(text.contains("most visits of 3 links of the slowest host: set arxiv in"), "{text}");
}

#[tokio::test]
async fn the_overview_counts_the_visits_that_lists_replace() {
    let (harness, mut requests) = (harness().await, 0);
    let file = harness.dir.path().join("onreserve.toml");
    let pages = "[pages]\nlisten = \"127.0.0.1:0\"\ntrusted_proxies = [\"127.0.0.0/8\"]\nadmin = { groups = [\"it\"] }\n";
    std::fs::write(&file, std::fs::read_to_string(&file).unwrap() + pages).unwrap();
    check(&harness, 1, &mut requests).await;
    let service = Service::start(&harness, &time_of(1));
    let mut stream = TcpStream::connect(pages_of(&service).await).await.unwrap();
    let head = "GET /admin/ HTTP/1.0\r\nHost: localhost\r\nRemote-User: ann\r\nRemote-Groups: it\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut html = String::new();
    stream.read_to_string(&mut html).await.unwrap();
    assert!(html.contains("The slowest host is lists.test: 1 list"), "{html}");
    service.stop().await;
}

#[tokio::test]
async fn a_check_of_a_ci_job_visits_every_link() {
    let (harness, mut requests) = (harness().await, 0);
    check(&harness, 1, &mut requests).await;
    let strict = harness.checking(2).arg("--strict").output().await.unwrap();
    assert!(strict.status.success(), "{}", String::from_utf8_lossy(&strict.stderr));
    let seen = harness.site.seen().split_off(requests);
    let requested = WORKS.iter().filter(|work| seen.iter().any(|seen| seen.target == format!("/abs/{work}")));
    assert_eq!(requested.count(), WORKS.len());
    assert!(seen.iter().all(|seen| seen.host != "lists.test"));
}
