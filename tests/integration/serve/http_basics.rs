//! General behaviour of a web server, for browsers, robots and people.

use super::course::{GONE, NIGHTS, start_of};
use super::{Server, id, settings};

#[tokio::test]
async fn files_that_browsers_request_by_themselves_exist() {
    let mut below = settings();
    below.base_url = "https://links.school.example/cs".parse().unwrap();
    let server = Server::with(below, start_of(NIGHTS + 1)).await;
    for path in ["/robots.txt", "/cs/robots.txt"] {
        let robots = server.get(path).await;
        assert_eq!((robots.status, robots.header("content-type")), (200, Some("text/plain; charset=utf-8")));
        let text = robots.text();
        assert!(text.starts_with("User-agent: *\nDisallow: /cs/"), "{text}");
        assert!(text.contains("Disallow: /cs/blob/\n") && !text.contains("/go"), "{text}");
    }
    assert_eq!(server.get("/favicon.ico").await.status, 204);
}

#[tokio::test]
async fn any_base_path_works() {
    for prefix in ["/c", "/a", "/go", "/web", "/timegate", "/timemap", "/blob", "/act", "/api/v1", "/c/dgm"] {
        let mut below = settings();
        below.base_url = format!("https://links.school.example{prefix}").parse().unwrap();
        let server = Server::with(below, start_of(NIGHTS + 1)).await;
        for path in ["/c/dgm/", "/healthz", "/style.css", "/c/dgm/health"] {
            for cut_off in [false, true] {
                let asked = if cut_off { path.to_owned() } else { format!("{prefix}{path}") };
                assert_eq!(server.get(&asked).await.status, 200, "{asked} below {prefix}");
            }
        }
    }
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let server = Server::start().await;
    let captures = server.catalogue.captures(&GONE.parse().unwrap()).await.unwrap();
    let copy = format!("/a/{}", captures[0].capture.id());
    let blob = server.blob(GONE).await;
    let timegate = format!("/timegate/{GONE}");
    let paths = [
        "/",
        "/c/dgm/",
        "/c/dgm/?q=flows",
        "/c/dgm/health",
        "/healthz",
        "/nowhere",
        "/style.css",
        "/go?url=x",
    ];
    for path in paths.iter().copied().chain([&*copy, &*blob, &*timegate]) {
        let (get, head) = (server.get(path).await, server.ask("HEAD", path, &[]).await);
        assert_eq!(head.status, get.status, "{path}");
        assert!(head.body.is_empty(), "{path}");
        // The length of an empty body may be left out (RFC 9110 section 8.6).
        let headers = |reply: &super::Reply| {
            let mut headers = reply.headers.clone();
            headers.retain(|(name, value)| name != "Date" && (name != "Content-Length" || value != "0"));
            headers
        };
        assert_eq!(headers(&head), headers(&get), "{path}");
    }
}

#[tokio::test]
async fn a_405_lists_the_allowed_methods() {
    let server = Server::start().await;
    for (method, path, allowed) in [
        ("OPTIONS", "/c/dgm/", "GET,HEAD"),
        ("DELETE", "/c/dgm/", "GET,HEAD"),
        ("PUT", "/act/x", "GET,HEAD,POST"),
        ("GET", "/c/dgm/recheck", "POST"),
    ] {
        let reply = server.ask(method, path, &[]).await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some(allowed)), "{method} {path}");
    }
}

#[tokio::test]
async fn a_trailing_slash_is_removed_and_leads_nowhere_else() {
    let server = Server::start().await;
    let lost = format!("/go/{}", id(GONE));
    for (asked, meant) in [
        (format!("{lost}/"), lost),
        ("/c/dgm/health//?x=1".to_owned(), "/c/dgm/health?x=1".to_owned()),
        ("/c/dgm//".to_owned(), "/c/dgm".to_owned()),
    ] {
        let reply = server.get(&asked).await;
        assert_eq!((reply.status, reply.header("location")), (302, Some(&*meant)), "{asked}");
    }
    for elsewhere in ["//evil.example/", "//evil.example//", "/\\evil.example/", "/%5cevil.example/../x/"] {
        let reply = server.get(elsewhere).await;
        let to = reply.header("location").unwrap_or("/");
        assert!(reply.status >= 300 && !to.starts_with("//") && !to.contains('\\'), "{elsewhere}: {to}");
        assert!(to.starts_with('/'), "{elsewhere}: {to}");
    }
    assert_eq!(server.ask("POST", "/healthz/", &[]).await.status, 404);
}

#[tokio::test]
async fn any_address_gets_a_response() {
    let server = Server::start().await;
    assert_eq!(server.get("/c/d%67m/").await.status, 200);
    for (path, status) in [("/c/%ff/", 400), ("/c/dgm%2f", 404), ("/c/..%2f", 404), ("/c/DGM/", 404)] {
        assert_eq!(server.get(path).await.status, status, "{path}");
    }
    let long = format!("/c/dgm/?q={}", "a".repeat(9000));
    assert_eq!(server.get(&long).await.status, 200);
    let endless = format!("/{}", "a".repeat(70_000));
    let refused = server.get(&endless).await.status;
    assert!([414, 431].contains(&refused), "{refused}");
}

#[tokio::test]
async fn a_request_names_exactly_one_host() {
    let server = Server::start().await;
    for (head, status) in [
        ("GET /healthz HTTP/1.1\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\n", 200),
        ("GET /healthz HTTP/1.0\r\n", 200),
        ("GET /healthz HTTP/1.0\r\nHost: a\r\nHost: b\r\n", 400),
    ] {
        assert_eq!(server.raw(&format!("{head}Connection: close\r\n\r\n")).await.status, status, "{head}");
    }
}
