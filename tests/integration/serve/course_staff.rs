//! Requests of course pages, programs and instructors.

use onreserve::domain::capture::Loss;
use onreserve::domain::course::Openness;
use serde_json::Value;

use super::course::{ALIVE, GONE, NEVER, NIGHTS, OWN, PARKED, TAKEN, start_of};
use super::{Server, course, id, settings};
use crate::engines;

#[tokio::test]
async fn programs_get_every_link_with_its_state_and_what_opens() {
    let server = Server::start().await;
    let reply = server.get("/api/v1/courses/dgm/links").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    let response: Value = serde_json::from_slice(&reply.body).unwrap();
    let links = response["links"].as_array().unwrap();
    assert_eq!(links.len(), 23);
    let of = |link: &str| links.iter().find(|response| response["url"] == link).unwrap();
    assert_eq!(of(GONE)["state"], "dead");
    assert_eq!(of(GONE)["reason"], "gone");
    assert_eq!(of(GONE)["due"], "2026-09-22");
    assert_eq!(of(GONE)["copy"]["pages"], 60);
    assert_eq!(of(ALIVE)["copy"], Value::Null, "dark");
    assert_eq!(of(TAKEN)["copy"], Value::Null);
    assert!(of(OWN)["copy"]["page"].as_str().unwrap().starts_with("http://localhost:8080/a/"));
    assert_eq!(server.get("/api/v1/courses/other/links").await.status, 404);
}

#[tokio::test]
async fn the_script_gets_only_dead_links() {
    let server = Server::start().await;
    let path = "/api/v1/courses/dgm/links?only=gone";
    let reply = server.get(path).await;
    let response: Value = serde_json::from_slice(&reply.body).unwrap();
    let mut gone: Vec<&str> =
        response["links"].as_array().unwrap().iter().map(|link| link["url"].as_str().unwrap()).collect();
    gone.sort_unstable();
    assert_eq!(gone.len(), 5, "{gone:?}");
    assert!(gone.contains(&GONE) && gone.contains(&NEVER) && gone.contains(&PARKED));
    let tag = reply.header("etag").unwrap();
    assert_eq!(server.get_with(path, &[("If-None-Match", tag)]).await.status, 304);
}

#[tokio::test]
async fn only_course_pages_may_send_requests_from_another_origin() {
    let mut more = settings();
    more.courses[0].origins.push("https://canvas.school.example".to_owned());
    let server = Server::with(more, start_of(NIGHTS + 1)).await;
    for (origin, is_allowed) in [
        ("http://course.example", true),
        ("https://canvas.school.example", true),
        ("https://course.example", false),
        ("https://evil.example", false),
        ("null", false),
    ] {
        let reply = server.get_with("/api/v1/courses/dgm/links", &[("Origin", origin)]).await;
        assert_eq!(reply.header("access-control-allow-origin"), is_allowed.then_some(origin), "{origin}");
        assert_eq!(reply.header("vary"), Some("origin"));
        assert_eq!(reply.header("access-control-allow-credentials"), None);
    }
}

#[tokio::test]
async fn the_script_is_small_and_may_be_included_anywhere() {
    let server = Server::start().await;
    let reply = server.get("/onreserve.js").await;
    assert!(reply.body.len() < 3000, "{}", reply.body.len());
    assert_eq!(reply.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(reply.header("cross-origin-resource-policy"), Some("cross-origin"));
    for word in ["innerHTML", "document.write", "eval(", "cookie", "localStorage"] {
        assert!(!reply.text().replace("sends no cookies", "").contains(word), "{word}");
    }
}

#[tokio::test]
async fn the_dashboard_shows_the_nights_and_what_is_wrong() {
    let server = Server::start().await;
    let reply = server.get("/c/dgm/health").await;
    let html = reply.text();
    assert_eq!(reply.status, 200);
    assert_eq!(html.matches("<th scope=\"row\">").count(), NIGHTS as usize);
    assert!(html.contains("in 5 nights") && html.matches("<rect").count() >= 8, "{html}");
    assert!(html.contains(&format!("<li id=\"{}\">", id(GONE))), "emails link to it");
    assert!(html.contains("dead: removed for good (410)"));
    assert!(html.contains(&format!("<code>{PARKED}</code>")) && !html.contains(&format!("href=\"{PARKED}")));
    assert!(!html.contains("<script") && !html.contains("<img"));
    assert!(html.contains("current copies"));
}

#[tokio::test]
async fn the_dashboard_shows_verified_and_damaged_copies() {
    let (_dir, archive) = course::copied_archive();
    let server = Server::over(&archive, settings(), start_of(NIGHTS + 1)).await;
    let html = server.get("/c/dgm/health").await.text();
    assert!(html.contains("No copy has been verified yet"), "{html}");
    let copies = html.split(" current copies").next().unwrap().rsplit('>').next().unwrap();
    let all_but_one = copies.parse::<u32>().unwrap() - 1;
    let captures = server.catalogue.captures(&ALIVE.parse().unwrap()).await.unwrap();
    let sha256 = captures[0].capture.sha256;
    server.catalogue.set_verified(start_of(NIGHTS), &[sha256], &[]).await.unwrap();
    let html = server.get("/c/dgm/health").await.text();
    assert!(
        html.contains(&format!("1 of {copies} re-verified by their SHA-256, the earliest Fri 18 Sep.")),
        "{html}"
    );
    let verify = std::process::Command::new(env!("CARGO_BIN_EXE_onreserve"))
        .arg("verify")
        .args(engines::arguments(&archive))
        .status()
        .unwrap();
    assert!(verify.success());
    let html = server.get("/c/dgm/health").await.text();
    assert!(
        html.contains(&format!("All {copies} re-verified by their SHA-256")) && !html.contains("damaged"),
        "{html}"
    );
    server.catalogue.set_verified(start_of(NIGHTS), &[], &[(sha256, Loss::Altered)]).await.unwrap();
    let html = server.get("/c/dgm/health").await.text();
    assert!(
        html.contains(&format!("{all_but_one} of {copies} re-verified")) && html.contains("1 copy damaged"),
        "{html}"
    );
}

#[tokio::test]
async fn an_open_course_offers_copies_beside_working_originals() {
    let mut open = settings();
    open.courses[0].copies.openness = Openness::Open;
    let server = Server::with(open, start_of(NIGHTS + 1)).await;
    let html = server.get("/c/dgm/").await.text();
    let row = html[html.find("A living paper").unwrap()..].split("</li>").next().unwrap().to_owned();
    assert!(
        row.contains("our copy<span class=\"unseen\"> of A living paper</span> (PDF, 9 pages, "),
        "{row}"
    );
}
