//! Fetching from servers that behave well or badly.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod hostile;
mod http2;
mod polite;
mod redirects;
pub(crate) mod site;
mod tls;

use std::net::SocketAddr;
use std::time::Duration;

use onreserve::domain::address::Address;
use onreserve::domain::visit::{ExchangeEnd, Failure, Validators};
use onreserve::world::clock::Clock;
use onreserve::world::fetch::{
    Accept, Conditional, Fetch, FetchLimits, FetchRequest, FetchSettings, Fetched,
};
use onreserve::world::spool::Spool;
use tempfile::TempDir;

use self::site::{Reply, Site};

/// A fetcher with its own spool.
struct TestClient {
    fetch: Fetch,
    _dir: TempDir,
}

impl TestClient {
    fn new(settings: &FetchSettings) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::new(dir.path().to_owned());
        Self { fetch: Fetch::new(settings, spool, Clock::system()).unwrap(), _dir: dir }
    }

    async fn get(&self, address: &str) -> Fetched {
        self.fetch.exchange(&request(address)).await.unwrap()
    }

    async fn ending(&self, address: &str) -> ExchangeEnd {
        self.get(address).await.exchange.ending
    }
}

fn request(address: &str) -> FetchRequest {
    FetchRequest {
        address: Address::parse(address).unwrap(),
        conditional: None,
        fresh_connection: false,
        accept: Accept::Page,
        accept_datetime: None,
    }
}

/// No pauses, short timeouts, loopback allowed.
fn settings(hosts: &[(&str, SocketAddr)]) -> FetchSettings {
    FetchSettings {
        delay: Duration::ZERO,
        allow_private_networks: true,
        resolve: hosts.iter().map(|(host, address)| ((*host).to_owned(), *address)).collect(),
        limits: FetchLimits {
            page_time: Duration::from_secs(8),
            document_time: Duration::from_secs(5),
            idle: Duration::from_secs(4),
            ..FetchLimits::default()
        },
        ..FetchSettings::default()
    }
}

fn text(fetched: &Fetched) -> String {
    std::fs::read_to_string(fetched.body.as_ref().expect("a body").path()).unwrap()
}

#[tokio::test]
async fn a_page_arrives_with_its_head_and_its_digest() {
    let site = Site::start(|seen| match seen.target.as_str() {
        "/paper" => Reply::new(200, "Content-Type: text/html; charset=utf-8\nX-Two: a\nX-Two: b", "<p>hello"),
        _ => Reply::not_found(),
    })
    .await;
    let client = TestClient::new(&settings(&[("papers.school.edu", site.address)]));
    let fetched = client.get("http://papers.school.edu/paper").await;
    assert_eq!(text(&fetched), "<p>hello");
    let hop = fetched.exchange.last_hop().unwrap();
    assert_eq!(hop.status, 200);
    assert_eq!(hop.headers.media_type().as_deref(), Some("text/html"));
    assert_eq!(hop.headers.0.iter().filter(|(name, _)| name == "x-two").count(), 2);
    assert_eq!(fetched.exchange.ending, ExchangeEnd::Answered(fetched.body.unwrap().body.clone()));

    let seen = site.seen();
    assert_eq!(seen[0].target, "/robots.txt");
    assert_eq!(seen[1].connection, seen[0].connection, "the connection is reused");
    let head = &seen[1].head;
    assert!(head.starts_with("get /paper http/1.1"), "{head}");
    assert!(head.contains("user-agent: onreserve/0"), "{head}");
    assert!(head.contains("(no contact given)"), "{head}");
    assert!(head.contains("accept: text/html,application/pdf;q=0.9,*/*;q=0.8"), "{head}");
    assert!(head.contains("accept-encoding: identity"), "{head}");
    assert!(head.contains("accept-language: en"), "{head}");
    assert_eq!(client.fetch.traffic().requests, 2);
    assert_eq!(client.fetch.traffic().bytes, 8, "the body of a missing robots.txt is not read");
}

#[tokio::test]
async fn an_error_keeps_its_body() {
    let site = Site::start(|_| Reply::not_found()).await;
    let client = TestClient::new(&settings(&[("papers.school.edu", site.address)]));
    let fetched = client.get("http://papers.school.edu/gone").await;
    assert_eq!(fetched.exchange.status(), Some(404));
    assert_eq!(text(&fetched), "<h1>Not Found</h1>");
}

#[tokio::test]
async fn an_unmodified_body_is_not_sent_again() {
    let site = Site::start(|seen| match seen.target.as_str() {
        "/paper" if seen.head.contains("if-none-match: \"v1\"") => Reply::new(304, "etag: \"v1\"", ""),
        "/paper" => Reply::new(200, "etag: \"v1\"", "text"),
        "/liar" => Reply::new(304, "", ""),
        _ => Reply::not_found(),
    })
    .await;
    let client = TestClient::new(&settings(&[("papers.school.edu", site.address)]));
    let first = client.get("http://papers.school.edu/paper").await;
    let held = |address: &str, validators: Validators| FetchRequest {
        conditional: Some(Conditional { at: Address::parse(address).unwrap(), validators }),
        ..request(address)
    };
    let validators = first.exchange.last_hop().unwrap().headers.validators();
    let again = held("http://papers.school.edu/paper", validators);
    assert_eq!(client.fetch.exchange(&again).await.unwrap().exchange.ending, ExchangeEnd::NotModified);
    assert_eq!(client.ending("http://papers.school.edu/liar").await, ExchangeEnd::Failed(Failure::Protocol));
    let none = held("http://papers.school.edu/liar", Validators::default());
    let ending = client.fetch.exchange(&none).await.unwrap().exchange.ending;
    assert_eq!(ending, ExchangeEnd::Failed(Failure::Protocol));
}

#[tokio::test]
async fn validators_are_sent_only_to_their_own_address() {
    let site = Site::start(|seen| {
        let is_conditional = seen.head.contains("if-modified-since: tue, 03 nov 2026");
        match seen.target.as_str() {
            "/moved" | "/dead" if is_conditional => Reply::new(304, "", ""),
            "/moved" => Reply::new(302, "location: /paper", ""),
            "/dead" => Reply::new(302, "location: /gone.html", ""),
            // The validators belong to another address, so this response is not ours.
            "/paper" | "/gone.html" if is_conditional => Reply::new(304, "", ""),
            "/paper" => Reply::new(200, "last-modified: Tue, 03 Nov 2026 02:00:00 GMT", "text"),
            "/gone.html" => Reply::new(200, "last-modified: Mon, 01 Jun 2015 00:00:00 GMT", "gone"),
            _ => Reply::not_found(),
        }
    })
    .await;
    let client = TestClient::new(&settings(&[("papers.school.edu", site.address)]));
    let first = client.get("http://papers.school.edu/moved").await;
    let hop = first.exchange.last_hop().unwrap();
    let held = Conditional { at: hop.address.clone(), validators: hop.headers.validators() };
    let again = |address: &str| FetchRequest { conditional: Some(held.clone()), ..request(address) };
    let unchanged = client.fetch.exchange(&again("http://papers.school.edu/moved")).await.unwrap();
    assert_eq!(unchanged.exchange.ending, ExchangeEnd::NotModified);
    let elsewhere = client.fetch.exchange(&again("http://papers.school.edu/dead")).await.unwrap();
    assert_eq!(text(&elsewhere), "gone");
}

#[tokio::test]
async fn a_406_is_retried_once_with_any_type() {
    let site = Site::start(|seen| match seen.target.as_str() {
        "/picky" if seen.head.contains("accept: */*") => Reply::new(200, "content-type: text/plain", "fine"),
        "/never" | "/picky" => Reply::new(406, "", "no"),
        _ => Reply::not_found(),
    })
    .await;
    let client = TestClient::new(&settings(&[("papers.school.edu", site.address)]));
    assert_eq!(text(&client.get("http://papers.school.edu/picky").await), "fine");
    let refused = client.get("http://papers.school.edu/never").await;
    assert_eq!(refused.exchange.hops.iter().map(|hop| hop.status).collect::<Vec<_>>(), [406, 406]);
    assert_eq!(text(&refused), "no");
}

#[tokio::test]
async fn a_second_try_uses_a_new_connection() {
    let site = Site::start(|_| Reply::page("<p>x")).await;
    let client = TestClient::new(&settings(&[("papers.school.edu", site.address)]));
    client.get("http://papers.school.edu/a").await;
    let fresh = FetchRequest { fresh_connection: true, ..request("http://papers.school.edu/a") };
    client.fetch.exchange(&fresh).await.unwrap();
    client.fetch.exchange(&fresh).await.unwrap();
    let connections: Vec<_> = site.seen().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [0, 0, 1, 2]);
}
