//! The separate origin of copies: it serves only copies, and accepts no session.

use onreserve::serve::ServeSettings;

use super::course::{GONE, NIGHTS, start_of};
use super::{Server, id, settings};

const COPIES: &str = "copies.example";

async fn server() -> Server {
    let origin = Some(format!("https://{COPIES}").parse().unwrap());
    Server::with(ServeSettings { copies_origin: origin, ..settings() }, start_of(NIGHTS + 1)).await
}

/// A request with a `Host` header, and a cookie that must be ignored.
async fn at(server: &Server, host: &str, path: &str) -> super::Reply {
    server.get_with(path, &[("Host", host), ("Cookie", "onreserve=secret")]).await
}

#[tokio::test]
async fn a_copy_is_fetched_at_its_own_origin() {
    let server = server().await;
    let page = server.get(&format!("/go/{}", id(GONE))).await;
    let opens = format!("https://{COPIES}/blob/");
    assert!(page.text().contains(&opens), "{}", page.text());
    let path = server.blob(GONE).await;
    let beside = server.get(&path).await;
    assert_eq!(beside.status, 302);
    let there = beside.header("location").unwrap();
    assert!(there.starts_with(&opens), "{there}");
    let copy = at(&server, COPIES, there.strip_prefix(&format!("https://{COPIES}")).unwrap()).await;
    assert_eq!((copy.status, copy.header("content-type")), (200, Some("application/pdf")));
    assert_eq!(copy.header("set-cookie"), None);
}

#[tokio::test]
async fn only_copies_are_served_there() {
    let server = server().await;
    for path in ["/c/dgm/", "/c/dgm/login", "/act/x", "/metrics", "//evil.example/", "/"] {
        let reply = at(&server, COPIES, path).await;
        assert_eq!(reply.status, 302, "{path}");
        let to = reply.header("location").unwrap();
        assert!(to.starts_with("http://localhost:8080/"), "{path} leads to {to}");
    }
    assert_eq!(at(&server, "localhost", "/c/dgm/").await.status, 200);
}
