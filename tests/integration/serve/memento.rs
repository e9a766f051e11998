//! Memento, section by section of RFC 7089.

use jiff::Timestamp;
use onreserve::domain::capture::Stamp;
use onreserve::domain::course::Openness;

use super::course::{ALIVE, CHANGED, GONE, GONE_PAGE, NEVER, NIGHTS, TAKEN, start_of};
use super::{Reply, Server, settings};

/// A date in the form of the headers.
const DATE: &str = "Mon, 14 Sep 2026 02:30:00 GMT";

async fn open() -> Server {
    let mut open = settings();
    open.courses[0].copies.openness = Openness::Open;
    Server::with(open, start_of(NIGHTS + 1)).await
}

/// The timestamps of a link's captures.
async fn stamps(server: &Server, link: &str) -> Vec<String> {
    let captures = server.catalogue.captures(&link.parse().unwrap()).await.unwrap();
    captures.iter().map(|kept| Stamp::of(kept.capture.captured_at).to_string()).collect()
}

/// The time of a link's first capture. A slow machine captures it some seconds after the
/// night began.
async fn first_capture(server: &Server, link: &str) -> Timestamp {
    server.catalogue.captures(&link.parse().unwrap()).await.unwrap()[0].capture.captured_at
}

fn relations(reply: &Reply) -> Vec<String> {
    let field = reply.header("link").unwrap_or_default();
    field.split("rel=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// Sections 4.1.2, 4.5.
#[tokio::test]
async fn a_timegate_redirects_to_the_version_of_that_time() {
    let server = open().await;
    let stamps = stamps(&server, CHANGED).await;
    let gate = format!("/timegate/{CHANGED}");
    for (asked, stamp) in [
        (None, &stamps[1]),
        (Some(""), &stamps[1]),
        (Some("Tue, 01 Jan 2019 00:00:00 GMT"), &stamps[0]),
        (Some("Tue, 15 Sep 2026 12:00:00 GMT"), &stamps[0]),
        (Some("Thu, 17 Sep 2026 12:00:00 GMT"), &stamps[1]),
        (Some("Tue, 01 Jan 2030 00:00:00 GMT"), &stamps[1]),
    ] {
        let headers: Vec<_> = asked.map(|asked| ("Accept-Datetime", asked)).into_iter().collect();
        for method in ["GET", "HEAD"] {
            let reply = server.ask(method, &gate, &headers).await;
            let location = format!("http://localhost:8080/web/{stamp}/{CHANGED}");
            assert_eq!((reply.status, reply.header("location")), (302, Some(location.as_str())), "{asked:?}");
            assert_eq!(reply.header("vary"), Some("accept-datetime"));
            assert_eq!(reply.header("memento-datetime"), None);
            let found = relations(&reply);
            assert!(found.starts_with(&["original".to_owned(), "timemap".to_owned()]), "{found:?}");
        }
    }
}

/// Section 4.5.3.
#[tokio::test]
async fn a_timegate_refuses_invalid_dates_and_unknown_originals() {
    let server = open().await;
    for (path, date, status) in [
        (format!("/timegate/{CHANGED}"), "yesterday", 400),
        (format!("/timegate/{CHANGED}"), "Fri, 15 Sep 2026 12:00:00 GMT", 400),
        ("/timegate/http://unknown.example/".to_owned(), DATE, 404),
        (format!("/timegate/{NEVER}"), DATE, 404),
        (format!("/timegate/{TAKEN}"), DATE, 451),
        ("/timegate/not-an-address".to_owned(), DATE, 400),
    ] {
        let reply = server.get_with(&path, &[("Accept-Datetime", date)]).await;
        assert_eq!((reply.status, reply.header("vary")), (status, Some("accept-datetime")), "{path}");
        assert_eq!(reply.header("link"), None, "{path}");
    }
}

/// Sections 2.1.1, 2.2, 4.2.
#[tokio::test]
async fn a_memento_has_its_time_and_its_neighbours() {
    let server = open().await;
    let stamps = stamps(&server, CHANGED).await;
    let first = first_capture(&server, CHANGED).await;
    let first_date = first.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let path = format!("/web/{}/{CHANGED}", stamps[0]);
    let reply = server.get(&path).await;
    assert_eq!((reply.status, reply.header("memento-datetime")), (200, Some(first_date.as_str())));
    assert_eq!(reply.header("vary"), None);
    assert_eq!(relations(&reply), ["original", "timegate", "timemap", "first memento", "last next memento"]);
    assert!(reply.headers.iter().any(|(name, _)| name == "Memento-Datetime"));
    assert!(reply.body.starts_with(b"%PDF-"));
    let asked = server.get_with(&path, &[("Accept-Datetime", "Tue, 01 Jan 2030 00:00:00 GMT")]).await;
    assert_eq!(
        (asked.status, asked.header("memento-datetime")),
        (200, Some(first_date.as_str())),
        "no negotiation here"
    );
    let part = server.get_with(&path, &[("Range", "bytes=0-4")]).await;
    assert_eq!(
        (part.status, part.header("memento-datetime"), part.body.as_slice()),
        (206, Some(first_date.as_str()), &b"%PDF-"[..])
    );
    let second = server.get(&format!("/web/{}/{CHANGED}", stamps[1])).await;
    assert_ne!(second.body, reply.body);

    for (path, status) in [
        (format!("/web/20200101000000/{CHANGED}"), 404),
        (format!("/web/20261301000000/{CHANGED}"), 400),
        (format!("/web/2026/{CHANGED}"), 400),
        (format!("/web/{}/{TAKEN}", stamps[0]), 451),
        (format!("/web/{}/http://unknown.example/", stamps[0]), 404),
    ] {
        let reply = server.get(&path).await;
        assert_eq!((reply.status, reply.header("memento-datetime")), (status, None), "{path}");
    }
}

/// Section 5.
#[tokio::test]
async fn a_timemap_lists_every_version_once() {
    let server = open().await;
    let stamps = stamps(&server, CHANGED).await;
    let first = first_capture(&server, CHANGED).await;
    let first_date = first.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let reply = server.get(&format!("/timemap/link/{CHANGED}")).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/link-format")));
    let text = reply.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], format!("<{CHANGED}>; rel=\"original\","));
    assert!(lines[1].contains("rel=\"self\"") && lines[1].contains(&format!("from=\"{first_date}\"")));
    assert!(lines[2].contains("/timegate/") && lines[2].contains("rel=\"timegate\""));
    assert!(
        lines[3].contains(&stamps[0])
            && lines[3].contains(&format!("rel=\"first memento\"; datetime=\"{first_date}\""))
    );
    assert!(
        lines[4].contains(&stamps[1])
            && lines[4].contains("rel=\"last memento\"")
            && !lines[4].ends_with(',')
    );
    let json = server.get(&format!("/timemap/json/{CHANGED}")).await;
    let json: serde_json::Value = serde_json::from_slice(&json.body).unwrap();
    assert_eq!(json["mementos"]["list"].as_array().unwrap().len(), 2);
    assert_eq!(json["mementos"]["first"]["datetime"], first.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let tag = reply.header("etag").unwrap();
    assert_eq!(
        server.get_with(&format!("/timemap/link/{CHANGED}"), &[("If-None-Match", tag)]).await.status,
        304
    );
}

#[tokio::test]
async fn an_address_with_a_query_is_found_in_any_encoding() {
    let server = Server::start().await;
    let encoded: String = url::form_urlencoded::byte_serialize(GONE_PAGE.as_bytes()).collect();
    for target in [GONE_PAGE.to_owned(), encoded, GONE_PAGE.replace("http://", "http:/")] {
        let gate = server.get(&format!("/timegate/{target}")).await;
        assert_eq!(gate.status, 302, "{target}");
        let memento =
            gate.header("location").unwrap().strip_prefix("http://localhost:8080").unwrap().to_owned();
        let memento = server.get(&memento).await;
        assert_eq!(memento.status, 200, "{target}");
        assert!(memento.header("content-security-policy").unwrap().starts_with("sandbox"));
    }
}

#[tokio::test]
async fn a_dark_archive_is_closed_to_memento_clients_too() {
    let server = Server::start().await;
    for path in
        [format!("/timegate/{ALIVE}"), format!("/timemap/link/{ALIVE}"), format!("/timemap/json/{ALIVE}")]
    {
        assert_eq!(server.get(&path).await.status, 403, "{path}");
    }
    assert_eq!(server.get(&format!("/timemap/link/{GONE}")).await.status, 200);
}
