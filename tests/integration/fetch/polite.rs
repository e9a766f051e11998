//! Politeness: robots.txt, pauses, and the end of requests to a host.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use onreserve::domain::visit::{ExchangeEnd, Failure, NotSent};
use onreserve::world::clock::Clock;
use onreserve::world::fetch::FetchSettings;

use super::site::{Reply, Seen, Site, Then};
use super::{TestClient, request, settings};

fn robots(status: u16, body: &str) -> Reply {
    Reply::new(status, "content-type: text/plain", body)
}

#[tokio::test]
async fn robots_txt_is_obeyed_on_every_hop_and_requested_once() {
    let site = Site::start(|seen| match seen.target.as_str() {
        "/robots.txt" => robots(200, "User-agent: *\nDisallow: /private\n"),
        "/open" => Reply::page("<p>x"),
        "/leads" => Reply::to("/private/x"),
        _ => Reply::not_found(),
    })
    .await;
    let client = TestClient::new(&settings(&[("press.school.edu", site.address)]));
    let disallowed = ExchangeEnd::NotSent(NotSent::Robots);
    assert_eq!(client.ending("http://press.school.edu/private/x").await, disallowed);
    assert_eq!(client.ending("http://press.school.edu/leads").await, disallowed);
    assert!(matches!(client.ending("http://press.school.edu/open").await, ExchangeEnd::Answered(_)));
    client.fetch.begin_run();
    client.get("http://press.school.edu/open").await;
    assert_eq!(site.targets(), ["/leads", "/open", "/open"]);
    assert_eq!(site.seen().len(), 4);
}

#[tokio::test]
async fn a_robots_txt_that_fails_disallows_and_one_that_is_missing_allows() {
    let site = Site::start(|seen| match (seen.host.as_str(), seen.target.as_str()) {
        ("busy.school.edu", "/robots.txt") => robots(500, "oops"),
        ("none.school.edu", "/robots.txt") => robots(403, "no"),
        ("far.school.edu", "/robots.txt") => Reply::to("http://near.school.edu/robots.txt"),
        ("near.school.edu", "/robots.txt") => robots(200, "User-agent: onreserve\nDisallow: /\n"),
        ("round.school.edu", "/robots.txt") => Reply::to("/robots.txt"),
        ("lost.school.edu", "/robots.txt") => Reply::to("http://no-such-host.invalid/robots.txt"),
        ("cut.school.edu", "/robots.txt") => Reply::raw(
            "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\nUser-agent: *\nDisallow: /\n",
            Then::Close,
        ),
        ("large.school.edu", "/robots.txt") => {
            robots(200, &format!("User-agent: *\nDisallow: /\n{}", "# filler\n".repeat(100_000)))
        }
        _ => Reply::page("<p>x"),
    })
    .await;
    let names = ["busy", "none", "far", "near", "round", "lost", "cut", "large"];
    let hosts: Vec<_> = names.iter().map(|name| (format!("{name}.school.edu"), site.address)).collect();
    let hosts: Vec<_> = hosts.iter().map(|(host, address)| (host.as_str(), *address)).collect();
    let client = TestClient::new(&settings(&hosts));
    let table = [
        ("busy", Some(NotSent::RobotsUnreachable)),
        ("none", None),
        ("far", Some(NotSent::Robots)),
        ("round", None),
        ("lost", Some(NotSent::RobotsUnreachable)),
        ("cut", Some(NotSent::Robots)),
        ("large", Some(NotSent::Robots)),
    ];
    for (name, withheld) in table {
        match (client.ending(&format!("http://{name}.school.edu/x")).await, withheld) {
            (ExchangeEnd::NotSent(found), Some(expected)) => assert_eq!(found, expected, "{name}"),
            (ExchangeEnd::Answered(_), None) => {}
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_unknown_host_name_is_no_such_host() {
    let client = TestClient::new(&settings(&[]));
    let ending = client.ending("http://no-such-host.invalid/x").await;
    // A machine without any name service fails differently.
    let expected = [Failure::NoSuchHost, Failure::NameServer].map(ExchangeEnd::Failed);
    assert!(expected.contains(&ending), "{ending:?}");
    assert_eq!(client.fetch.traffic().requests, 0);
}

#[tokio::test]
async fn a_dead_host_is_tried_twice_and_then_cached() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = TestClient::new(&settings(&[("dead.school.edu", address)]));
    for n in 0..6 {
        let ending = client.ending(&format!("http://dead.school.edu/{n}")).await;
        assert_eq!(ending, ExchangeEnd::Failed(Failure::Connect));
    }
    assert_eq!(client.fetch.traffic().requests, 2);
    let fresh = onreserve::world::fetch::FetchRequest {
        fresh_connection: true,
        ..request("http://dead.school.edu/0")
    };
    client.fetch.exchange(&fresh).await.unwrap();
    assert_eq!(client.fetch.traffic().requests, 3);
    client.fetch.begin_run();
    client.ending("http://dead.school.edu/0").await;
    assert_eq!(client.fetch.traffic().requests, 1, "another run tries it again");
}

#[tokio::test]
async fn a_timeout_of_robots_txt_is_not_repeated() {
    let site = Site::start(|_| Reply::raw("", Then::Hang)).await;
    let client = TestClient::new(&settings(&[("silent.school.edu", site.address)]));
    for n in 0..5 {
        let ending = client.ending(&format!("http://silent.school.edu/{n}")).await;
        assert_eq!(ending, ExchangeEnd::Failed(Failure::TimedOut));
    }
    assert_eq!(site.seen().len(), 1);
}

fn gaps(seen: &[Seen]) -> Vec<Duration> {
    seen.windows(2)
        .map(|pair| {
            let ended = pair[0].ended.expect("the last one ended before the next began");
            assert!(pair[1].at >= ended, "never two at once");
            pair[1].at.duration_since(ended)
        })
        .collect()
}

#[tokio::test]
async fn pauses_are_kept_and_requests_do_not_overlap() {
    let script = |seen: &Seen| match seen.target.as_str() {
        "/robots.txt" => robots(200, "User-agent: *\nCrawl-delay: 0.3\n"),
        "/slow" => Reply {
            then: Then::Drip(5, Duration::from_millis(20)),
            ..Reply::new(200, "connection: close", "slowly")
        },
        "/hop" => Reply::to("/after"),
        _ => Reply::page("<p>x"),
    };
    let site = Site::start(script).await;
    let other = Site::start(|_| Reply::page("<p>y")).await;
    let client = TestClient::new(&FetchSettings {
        delay: Duration::from_millis(100),
        ..settings(&[("one.school.edu", site.address), ("two.school.edu", other.address)])
    });
    let start = Clock::system().instant();
    tokio::join!(
        client.get("http://one.school.edu/slow"),
        client.get("http://one.school.edu/hop"),
        client.get("http://one.school.edu/b"),
        client.get("http://two.school.edu/a"),
        client.get("http://two.school.edu/b"),
    );
    let seen = site.seen();
    assert_eq!(seen.len(), 5);
    for gap in gaps(&seen) {
        // Allows for the time between the server's last byte and our reading it.
        assert!(gap >= Duration::from_millis(298), "{gap:?}");
    }
    let seen = other.seen();
    for gap in gaps(&seen) {
        assert!(gap >= Duration::from_millis(98), "{gap:?}");
    }
    let last = seen.last().unwrap().at.duration_since(start);
    assert!(last < site.seen()[3].at.duration_since(start), "hosts do not wait for each other");
}

#[tokio::test]
async fn waiting_for_a_turn_does_not_count_as_a_slow_host() {
    let site = Site::start(|_| Reply::page("<p>x")).await;
    let client = TestClient::new(&FetchSettings {
        host_delays: vec![("Press.School.edu".to_owned(), Duration::from_millis(400))],
        ..settings(&[("press.school.edu", site.address)])
    });
    let exchange = client.get("http://press.school.edu/x").await.exchange;
    assert!(exchange.millis < 300, "{}", exchange.millis);
    assert!(gaps(&site.seen())[0] >= Duration::from_millis(398));
}

#[tokio::test]
async fn a_short_retry_after_is_waited_for() {
    let times = AtomicU32::new(0);
    let site = Site::start(move |seen| match seen.target.as_str() {
        "/robots.txt" => Reply::not_found(),
        _ if times.fetch_add(1, Ordering::Relaxed) == 0 => Reply::new(429, "retry-after: 1", "slow down"),
        _ => Reply::page("<p>x"),
    })
    .await;
    let client = TestClient::new(&settings(&[("press.school.edu", site.address)]));
    assert_eq!(client.get("http://press.school.edu/a").await.exchange.status(), Some(429));
    assert_eq!(client.get("http://press.school.edu/b").await.exchange.status(), Some(200));
    assert!(gaps(&site.seen())[1] >= Duration::from_millis(998));
}

#[tokio::test]
async fn a_host_that_stops_us_gets_no_more_requests_that_night() {
    let site = Site::start(|seen| match (seen.host.as_str(), seen.target.as_str()) {
        (_, "/robots.txt") => Reply::not_found(),
        ("throttled.school.edu", _) => Reply::new(429, "", "enough"),
        ("later.school.edu", _) => Reply::new(503, "retry-after: 3600", "later"),
        ("walled.school.edu", _) => Reply::new(403, "cf-mitigated: challenge", "<title>Just a moment..."),
        _ => Reply::page("<p>x"),
    })
    .await;
    let names = ["throttled.school.edu", "later.school.edu", "walled.school.edu", "stopped.school.edu"];
    let client = TestClient::new(&settings(&names.map(|name| (name, site.address))));
    for host in names {
        let first = client.get(&format!("http://{host}/a")).await;
        assert!(first.body.is_some(), "{host}: its response is evidence");
        if host == "stopped.school.edu" {
            client.fetch.stop_host("Stopped.school.edu");
        }
        let second = client.get(&format!("http://{host}/b")).await.exchange;
        assert_eq!(second.ending, ExchangeEnd::NotSent(NotSent::HostStopped), "{host}");
        assert!(second.hops.is_empty());
    }
    assert_eq!(site.targets().len(), 4);
    client.fetch.begin_run();
    for host in names {
        let again = client.get(&format!("http://{host}/b")).await.exchange;
        assert_eq!(
            again.ending,
            ExchangeEnd::NotSent(NotSent::HostStopped),
            "{host}: another run of the night"
        );
    }
    assert_eq!(site.targets().len(), 4);
}

#[tokio::test]
async fn a_dropped_request_releases_its_turn() {
    let site = Site::start(|seen| match seen.target.as_str() {
        "/robots.txt" => Reply::not_found(),
        "/hangs" => Reply::raw("", Then::Hang),
        _ => Reply::page("<p>x"),
    })
    .await;
    let client = TestClient::new(&settings(&[("press.school.edu", site.address)]));
    let abandoned =
        tokio::time::timeout(Duration::from_millis(200), client.get("http://press.school.edu/hangs"));
    assert!(abandoned.await.is_err());
    assert!(matches!(client.ending("http://press.school.edu/x").await, ExchangeEnd::Answered(_)));
}

#[tokio::test]
async fn the_address_filter_works_behind_a_proxy() {
    let proxy = Site::start(|seen| match seen.target.as_str() {
        "http://press.school.edu/x" | "http://no-such-host.invalid/x" => Reply::page("<p>by proxy"),
        _ => Reply::not_found(),
    })
    .await;
    let hosts = [
        ("press.school.edu", "93.184.216.34:0".parse().unwrap()),
        ("intranet.school.edu", "10.0.0.1:0".parse().unwrap()),
    ];
    let client = TestClient::new(&FetchSettings {
        proxy: Some(format!("http://localhost:{}", proxy.address.port())),
        allow_private_networks: false,
        ..settings(&hosts)
    });
    assert!(client.get("http://press.school.edu/x").await.body.is_some());
    assert!(
        client.get("http://no-such-host.invalid/x").await.body.is_some(),
        "the proxy may resolve more names"
    );
    for address in ["http://intranet.school.edu/x", "http://10.0.0.1/x"] {
        assert_eq!(client.ending(address).await, ExchangeEnd::NotSent(NotSent::InternalAddress), "{address}");
    }
    assert_eq!(proxy.seen().len(), 4, "two pages, each with its robots.txt");
}
