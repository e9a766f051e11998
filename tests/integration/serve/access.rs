//! Access of strangers, readers and staff, at every address that shows something.

use onreserve::domain::capture::Stamp;
use onreserve::domain::policy::course_access::{AllowList, CourseAccess, Readers, Staff};
use onreserve::serve::{CourseRules, ServeSettings};

use super::course::{ALIVE, GONE, NEVER, NIGHTS, OWN, start_of};
use super::takedown::take_down;
use super::{Server, course, id, settings};

/// A course for people named by the school's sign-in, behind a proxy on this machine.
fn named() -> ServeSettings {
    let circle = AllowList { groups: ["teaching".to_owned()].into(), ..AllowList::default() };
    let mut settings = settings();
    settings.proxies.trusted.push("127.0.0.1".parse().unwrap());
    settings.courses[0].admission = CourseAccess {
        readers: Readers::Named(None),
        staff: Some(Staff { list: circle, ..Staff::default() }),
    };
    settings
}

const READER: [(&str, &str); 1] = [("Remote-User", "ann")];
const STAFF: [(&str, &str); 2] = [("Remote-User", "bob"), ("Remote-Groups", "x, teaching")];

/// Every address that shows the course or a copy of it.
async fn addresses(server: &Server) -> Vec<String> {
    let captures = server.catalogue.captures(&GONE.parse().unwrap()).await.unwrap();
    let capture = &captures[0].capture;
    vec![
        "/c/dgm/".to_owned(),
        "/c/dgm/?q=paper".to_owned(),
        "/api/v1/courses/dgm/links".to_owned(),
        "/api/v1/courses/dgm/search?q=paper".to_owned(),
        format!("/a/{}", capture.id()),
        format!("/go/{}", id(GONE)),
        format!("/go?url={GONE}"),
        server.blob(GONE).await,
        server.blob(OWN).await,
        format!("/timegate/{GONE}"),
        format!("/timemap/link/{GONE}"),
        format!("/timemap/json/{GONE}"),
        format!("/web/{}/{GONE}", Stamp::of(capture.captured_at)),
    ]
}

#[tokio::test]
async fn a_restricted_course_is_shown_only_to_its_readers() {
    let server = Server::with(named(), start_of(NIGHTS + 1)).await;
    for address in addresses(&server).await {
        let stranger = server.get(&address).await;
        assert_eq!(stranger.status, 403, "{address}");
        assert_eq!(stranger.header("cache-control"), Some("no-store"), "{address}");
        for word in ["lost paper", "etag", "Memento", GONE] {
            let headers = format!("{:?}", stranger.headers);
            assert!(!stranger.text().contains(word) && !headers.contains(word), "{address}: {word}");
        }
        let reader = server.get_with(&address, &READER).await;
        assert!(matches!(reader.status, 200 | 302), "{address}: {}", reader.status);
        let caching = reader.header("cache-control").unwrap();
        assert!(caching.contains("private") || caching == "no-store", "{address}: {caching}");
    }
    assert_eq!(server.get_with("/c/dgm/health", &READER).await.status, 403);
    assert_eq!(server.get_with("/c/dgm/health", &STAFF).await.status, 200);
}

#[tokio::test]
async fn a_stranger_cannot_see_that_a_link_was_taken_down() {
    let (_dir, archive) = course::copied_archive();
    let server = Server::over(&archive, named(), start_of(NIGHTS + 1)).await;
    let mut addresses = addresses(&server).await;
    addresses.push(format!("/go/{}", id(ALIVE)));
    let mut before = Vec::new();
    for address in &addresses {
        before.push(server.get(address).await);
    }
    for link in [GONE, ALIVE] {
        take_down(&archive, link);
    }
    for (address, before) in addresses.iter().zip(before) {
        let after = server.get(address).await;
        assert_eq!((after.status, after.text()), (before.status, before.text()), "{address}");
        assert_eq!(after.header("location"), before.header("location"), "{address}");
    }
    let of_another = server.blob(OWN).await;
    for address in addresses[4..].iter().filter(|address| **address != of_another) {
        let reader = server.get_with(address, &READER).await;
        assert_eq!(reader.status, 451, "{address}");
    }
}

#[tokio::test]
async fn the_front_page_lists_what_its_visitor_may_read() {
    let server = Server::with(named(), start_of(NIGHTS + 1)).await;
    assert!(!server.get("/").await.text().contains("dgm"));
    assert!(server.get_with("/", &READER).await.text().contains("/c/dgm/"));
}

/// Requests for a link, a copy and bytes that the course has, each with one that no course has.
async fn known_and_unknown(server: &Server) -> Vec<(String, String)> {
    const OTHER: &str = "http://papers.example/none.pdf";
    assert_eq!(OTHER.len(), GONE.len());
    let captures = server.catalogue.captures(&GONE.parse().unwrap()).await.unwrap();
    let capture = &captures[0].capture;
    let stamp = Stamp::of(capture.captured_at);
    let zeros = |text: &str| text.replace(|c: char| c.is_ascii_hexdigit(), "0");
    let digest = capture.sha256.to_string();
    let copy = capture.id().to_string();
    let (of_link, of_time) = copy.split_once('-').unwrap();
    let mut pairs = vec![
        (format!("/a/{copy}"), format!("/a/{}-{of_time}", zeros(of_link))),
        (format!("/a/{copy}"), format!("/a/{of_link}-20200101000000")),
        (format!("/view/{copy}/"), format!("/view/{}-{of_time}/", zeros(of_link))),
        (format!("/api/v1/captures/{copy}"), format!("/api/v1/captures/{}-{of_time}", zeros(of_link))),
        (format!("/blob/{digest}/gone.pdf"), format!("/blob/{}/gone.pdf", zeros(&digest))),
    ];
    for link in [GONE, ALIVE, NEVER] {
        pairs.push((format!("/go/{}", id(link)), format!("/go/{}", zeros(&id(link).to_string()))));
    }
    for prefix in ["/go?url=", "/timegate/", "/timemap/link/", "/timemap/json/", &format!("/web/{stamp}/")] {
        pairs.push((format!("{prefix}{GONE}"), format!("{prefix}{OTHER}")));
    }
    pairs
}

#[tokio::test]
async fn a_stranger_gets_one_response_for_known_and_unknown_links() {
    let one = named();
    let mut two = named();
    let another = CourseRules { id: "another".parse().unwrap(), ..two.courses[0].clone() };
    two.courses.push(another);
    let mut with_password = settings();
    with_password.courses[0].admission = CourseAccess {
        readers: Readers::Password(super::password_login::hash("sesame")),
        ..CourseAccess::default()
    };
    for (settings, status) in [(one, 403), (two, 403), (with_password, 401)] {
        let server = Server::with(settings, start_of(NIGHTS + 1)).await;
        for (known, unknown) in known_and_unknown(&server).await {
            let (of_known, of_unknown) = (server.get(&known).await, server.get(&unknown).await);
            assert_eq!(of_known.status, status, "{known}");
            assert_eq!(of_unknown.status, status, "{unknown}");
            let without = |reply: &super::Reply, requested: &str| {
                let headers = reply.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("date"));
                (headers.cloned().collect::<Vec<_>>(), reply.text().replace(requested, ""))
            };
            let (headers, text) = without(&of_known, &known);
            assert_eq!((headers, text), without(&of_unknown, &unknown), "{known}");
            assert_eq!(of_known.body.len(), of_unknown.body.len(), "{known}");
        }
    }
}

#[tokio::test]
async fn a_link_of_a_restricted_course_leads_its_readers() {
    let server = Server::with(named(), start_of(NIGHTS + 1)).await;
    let alive = format!("/go/{}", id(ALIVE));
    assert_eq!(server.get_with(&alive, &READER).await.header("location"), Some(ALIVE));
    assert_eq!(server.get_with(&format!("/go/{}", id(NEVER)), &READER).await.status, 404);
    assert_eq!(server.get_with("/go/0000000000000000", &READER).await.status, 404);
    let stranger = server.get(&alive).await;
    assert_eq!((stranger.status, stranger.header("location")), (403, None));
}

#[tokio::test]
async fn the_script_of_a_restricted_course_gets_no_copies() {
    let server = Server::with(named(), start_of(NIGHTS + 1)).await;
    let response = server.get("/api/v1/courses/dgm/links?only=gone").await;
    assert_eq!((response.status, response.header("cache-control")), (200, Some("private, no-cache")));
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(body["title"], serde_json::Value::Null);
    let links = body["links"].as_array().unwrap();
    assert_eq!(links.len(), 5);
    for link in links {
        let keys: Vec<&str> = link.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["copy", "go", "id", "original_is_gone", "url"]);
        assert_eq!(link["copy"], serde_json::Value::Null);
    }
}

#[tokio::test]
async fn only_the_proxy_names_people() {
    let mut settings = named();
    settings.proxies.trusted = vec!["10.0.0.0/8".parse().unwrap()];
    let server = Server::with(settings, start_of(NIGHTS + 1)).await;
    for spoofed in [
        &[("Remote-User", "ann")][..],
        &[("Remote-User", "bob"), ("Remote-Groups", "teaching"), ("X-Forwarded-For", "10.0.0.1")],
        &[("REMOTE-USER", "ann"), ("Forwarded", "for=10.0.0.1")],
        &[("Remote_User", "ann")],
    ] {
        assert_eq!(server.get_with("/c/dgm/", spoofed).await.status, 403, "{spoofed:?}");
        assert_eq!(server.get_with("/c/dgm/health", spoofed).await.status, 403, "{spoofed:?}");
    }
    let server = Server::with(named(), start_of(NIGHTS + 1)).await;
    let smuggled = [("Remote-User", "ann"), ("Remote-User", "bob"), ("Remote-Groups", "teaching")];
    assert_eq!(server.get_with("/c/dgm/", &smuggled).await.status, 403, "the proxy passed one on");
}
