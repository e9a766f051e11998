//! Redirects: every hop is recorded, and every rule applies to every hop.

use onreserve::domain::address::Address;
use onreserve::domain::visit::{ExchangeEnd, Failure, NotSent};

use super::site::{Reply, Site};
use super::{TestClient, settings, text};

#[tokio::test]
async fn every_hop_is_recorded_across_hosts() {
    let site = Site::start(|seen| match (seen.host.as_str(), seen.target.as_str()) {
        ("doi.example.org", "/10.1/x") => {
            Reply::new(301, "location: http://press.school.edu/x#part", "moved")
        }
        ("press.school.edu", "/x") => Reply::to("y?z=1"),
        ("press.school.edu", "/y?z=1") => Reply::page("<p>here"),
        _ => Reply::not_found(),
    })
    .await;
    let hosts = [("doi.example.org", site.address), ("press.school.edu", site.address)];
    let client = TestClient::new(&settings(&hosts));
    let fetched = client.get("http://doi.example.org/10.1/x").await;
    let hops = &fetched.exchange.hops;
    assert_eq!(hops.iter().map(|hop| hop.status).collect::<Vec<_>>(), [301, 302, 200]);
    assert_eq!(hops[1].address, Address::parse("http://press.school.edu/x").unwrap());
    assert_eq!(fetched.exchange.final_address().as_str(), "http://press.school.edu/y?z=1");
    assert_eq!(text(&fetched), "<p>here");
}

#[tokio::test]
async fn a_redirect_loop_ends() {
    let site = Site::start(|seen| match seen.target.as_str() {
        "/a" => Reply::to("/b"),
        "/b" => Reply::to("/a"),
        "/mail" => Reply::to("mailto:someone@school.edu"),
        "/nowhere" => Reply::new(302, "", ""),
        "/empty" => Reply::to(""),
        "/broken" => Reply::to("http://["),
        target => match target.strip_prefix("/n").and_then(|n| n.parse::<u32>().ok()) {
            Some(n) => Reply::to(&format!("/n{}", n + 1)),
            None => Reply::not_found(),
        },
    })
    .await;
    let client = TestClient::new(&settings(&[("press.school.edu", site.address)]));
    let table = [
        ("/a", Failure::RedirectLoop, 2),
        ("/n0", Failure::TooManyRedirects, 11),
        ("/mail", Failure::BadRedirect, 1),
        ("/nowhere", Failure::BadRedirect, 1),
        ("/empty", Failure::BadRedirect, 1),
        ("/broken", Failure::BadRedirect, 1),
    ];
    for (path, failure, hops) in table {
        let exchange = client.get(&format!("http://press.school.edu{path}")).await.exchange;
        assert_eq!(exchange.ending, ExchangeEnd::Failed(failure), "{path}");
        assert_eq!(exchange.hops.len(), hops, "{path}");
    }
}

#[tokio::test]
async fn a_redirect_that_sets_a_cookie_is_no_loop() {
    let site = Site::start(|seen| match seen.target.as_str() {
        "/paper" if seen.head.contains("cookie: seen=1; step=2") => Reply::page("<p>in"),
        "/paper" if seen.head.contains("cookie: seen=1") => {
            Reply::new(302, "location: /paper\nset-cookie: step=2; Path=/", "")
        }
        "/paper" => Reply::new(
            302,
            "location: /paper\nset-cookie: seen=1; Path=/; Expires=Wed, 01 Jan 2200 00:00:00 GMT",
            "",
        ),
        _ => Reply::not_found(),
    })
    .await;
    let client = TestClient::new(&settings(&[("press.school.edu", site.address)]));
    assert_eq!(text(&client.get("http://press.school.edu/paper").await), "<p>in");
    // The cookies of one visit are not sent in the next.
    client.get("http://press.school.edu/paper").await;
    assert_eq!(site.targets().len(), 6);
}

#[tokio::test]
async fn internal_addresses_are_not_contacted() {
    let site = Site::start(|_| Reply::page("<p>secret")).await;
    let port = site.address.port();
    let mut closed = settings(&[("intranet.school.edu", site.address)]);
    closed.allow_private_networks = false;
    let client = TestClient::new(&closed);
    for address in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://0x7f.1:{port}/"),
        format!("http://intranet.school.edu:{port}/"),
        format!("http://localhost:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
    ] {
        assert_eq!(
            client.ending(&address).await,
            ExchangeEnd::NotSent(NotSent::InternalAddress),
            "{address}"
        );
    }
    assert!(site.seen().is_empty());
    assert_eq!(client.fetch.traffic().requests, 0);
}

#[tokio::test]
async fn a_redirect_cannot_lead_to_an_internal_address() {
    let site = Site::start(|seen| match seen.target.as_str() {
        "/literal" => Reply::to("http://169.254.169.254/latest/meta-data/"),
        "/name" => Reply::to("http://metadata.school.edu/"),
        _ => Reply::not_found(),
    })
    .await;
    let hosts =
        [("press.school.edu", site.address), ("metadata.school.edu", "169.254.169.254:80".parse().unwrap())];
    let client = TestClient::new(&settings(&hosts));
    for path in ["/literal", "/name"] {
        let exchange = client.get(&format!("http://press.school.edu{path}")).await.exchange;
        assert_eq!(exchange.ending, ExchangeEnd::NotSent(NotSent::InternalAddress), "{path}");
        assert_eq!(exchange.hops.len(), 1, "{path}");
    }
    assert_eq!(site.targets(), ["/literal", "/name"]);
}

#[tokio::test]
async fn of_several_addresses_only_permitted_ones_are_contacted() {
    let site = Site::start(|_| Reply::page("<p>public")).await;
    let hosts = [("press.school.edu", "169.254.0.1:80".parse().unwrap()), ("press.school.edu", site.address)];
    let client = TestClient::new(&settings(&hosts));
    assert_eq!(text(&client.get("http://press.school.edu/").await), "<p>public");
}
