//! Full-text search in the copies: only copies that open are searched.

use onreserve::domain::course::Openness;
use serde_json::Value;

use super::course::{ALIVE, GONE, NIGHTS, start_of};
use super::{Server, course, id, settings};
use crate::engines;

async fn open() -> Server {
    let mut open = settings();
    open.courses[0].copies.openness = Openness::Open;
    Server::with(open, start_of(NIGHTS + 1)).await
}

#[tokio::test]
async fn words_are_found_with_their_page_and_their_reading() {
    let server = open().await;
    let html = server.get("/c/dgm/?q=living+%22page+7+says%22").await.text();
    let inside = &html[html.find("id=\"inside\"").expect("a part for the copies")..];
    assert!(inside.contains(">A living paper</a>"), "{inside}");
    let blob = server.blob(ALIVE).await;
    let address = blob.rsplit_once('/').unwrap().0;
    assert!(inside.contains(&format!("href=\"{address}/alive.pdf#page=8\">page 8<")), "{inside}");
    assert!(inside.contains("<mark>living</mark>"), "{inside}");
    assert!(html.contains("0 of 23 readings match; found inside 1 copy"), "{html}");
    let none = server.get("/c/dgm/?q=zygomorphic").await.text();
    assert!(none.contains("0 of 23 readings match; found inside no copy") && !none.contains("id=\"inside\""));
}

/// The archive is dark, so the text of a closed copy must not be found.
#[tokio::test]
async fn a_copy_that_stays_closed_is_not_searched() {
    let server = Server::start().await;
    let found = |html: &str| html.contains("id=\"inside\"");
    for (query, is_found) in [
        ("living paper says", false),
        ("Licensed", false),
        ("Taken", false),
        ("gone-post", false),
        ("line", true),
    ] {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let html = server.get(&format!("/c/dgm/?q={query}")).await.text();
        assert_eq!(found(&html), is_found, "{query}");
        let inside = html.split("id=\"inside\"").nth(1).unwrap_or_default();
        assert!(!inside.contains("A living paper") && !inside.contains("licensed"), "{inside}");
    }
    let after_term = Server::with(settings(), "2027-01-10T00:00:00Z".parse().unwrap()).await;
    let html = after_term.get("/c/dgm/?q=A+lost+paper").await.text();
    assert!(!found(&html), "the term is over");
}

#[tokio::test]
async fn foreign_text_and_queries_stay_text() {
    let server = Server::start().await;
    let html = server.get("/c/dgm/?q=onerror").await.text();
    assert!(html.contains("id=\"inside\"") && html.contains(">A lost paper"), "{html}");
    for query in
        ["%22", "NEAR(", "a+OR+b", "text%3Aline", "%00", "*", "-", "line+NOT+page", "%F0%9F%98%80", "%FF"]
    {
        assert_eq!(server.get(&format!("/c/dgm/?q={query}")).await.status, 200, "{query}");
    }
    for html in [html, server.get("/c/dgm/?q=%22%3E%3Cscript%3E").await.text()] {
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
    }
}

#[tokio::test]
async fn programs_find_the_same() {
    let server = Server::start().await;
    let reply = server.get("/api/v1/courses/dgm/search?q=page+59").await;
    let response: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(response["query"], "page 59");
    let document = &response["documents"][0];
    assert_eq!((&document["url"], &document["places"][0]["page"]), (&GONE.into(), &60.into()), "{response}");
    assert_eq!(document["link"], id(GONE).to_string());
    let matched = document["places"][0]["snippet"]
        .as_array()
        .unwrap()
        .iter()
        .any(|piece| piece["match"] == true && piece["text"] == "59");
    assert!(matched, "{response}");
    assert_eq!(server.get("/api/v1/courses/other/search?q=x").await.status, 404);
}

#[tokio::test]
async fn a_rebuilt_catalogue_finds_the_same_words() {
    let (_dir, archive) = course::copied_archive();
    let before = engines::open_catalogue(&archive).await;
    let captures = before.captures(&ALIVE.parse().unwrap()).await.unwrap();
    let sha256 = captures[0].capture.sha256;
    let expected = before.text(sha256).await.unwrap();
    assert_eq!(expected.as_ref().map(Vec::len), Some(10), "nine pages and a title");
    before.close().await;
    let rebuild = std::process::Command::new(env!("CARGO_BIN_EXE_onreserve"))
        .arg("rebuild")
        .args(engines::arguments(&archive))
        .status()
        .unwrap();
    assert!(rebuild.success());
    let after = engines::open_catalogue(&archive).await;
    assert_eq!(after.text(sha256).await.unwrap(), expected);
    assert_eq!(after.search("living", &[sha256], 5).await.unwrap().len(), 5);
}
