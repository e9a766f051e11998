//! The description of the API: it contains every route, every described property is in the
//! responses, and every property of a response is described.

use std::collections::BTreeSet;

use onreserve::domain::course::Openness;
use serde_json::Value;

use super::course::{ALIVE, CHANGED, GONE, NIGHTS, TAKEN, start_of};
use super::{Server, settings};

async fn server() -> Server {
    let mut open = settings();
    open.courses[0].copies.openness = Openness::Open;
    Server::with(open, start_of(NIGHTS + 1)).await
}

async fn json(server: &Server, path: &str) -> Value {
    let reply = server.get(path).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{path}");
    serde_json::from_slice(&reply.body).unwrap()
}

/// Resolves a reference, and takes the type of a value that may be null.
fn resolved<'a>(description: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return resolved(description, description.pointer(&reference[1..]).expect("a target"));
    }
    match schema["oneOf"].as_array() {
        Some(kinds) => resolved(description, kinds.iter().find(|kind| kind["type"] != "null").unwrap()),
        None => schema,
    }
}

/// The properties of a schema, as paths.
fn described(description: &Value, schema: &Value, at: &str, into: &mut BTreeSet<String>) {
    let schema = resolved(description, schema);
    if schema["items"].is_object() {
        described(description, &schema["items"], &format!("{at}[]"), into);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let at = format!("{at}.{name}");
        described(description, property, &at, into);
        into.insert(at);
    }
}

/// The properties of a response, as paths.
fn answered(value: &Value, at: &str, into: &mut BTreeSet<String>) {
    for item in value.as_array().into_iter().flatten() {
        answered(item, &format!("{at}[]"), into);
    }
    for (name, property) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{name}");
        answered(property, &at, into);
        into.insert(at);
    }
}

#[tokio::test]
async fn the_description_matches_the_responses() {
    let server = server().await;
    let description = json(&server, "/api/v1/openapi.json").await;
    let captures = server.catalogue.captures(&CHANGED.parse().unwrap()).await.unwrap();
    let capture = format!("/captures/{}", captures[0].capture.id());
    let examples = [
        ("/courses", "/courses".to_owned()),
        ("/courses/{course}/links", "/courses/dgm/links".to_owned()),
        ("/courses/{course}/search", "/courses/dgm/search?q=living+line".to_owned()),
        ("/captures/{capture}", capture),
    ];
    let paths: BTreeSet<&str> =
        description["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let tried: BTreeSet<&str> = examples.iter().map(|(path, _)| *path).chain(["/openapi.json"]).collect();
    assert_eq!(paths, tried);
    for (path, example) in examples {
        let content = &description["paths"][path]["get"]["responses"]["200"]["content"];
        let (mut expected, mut found) = (BTreeSet::new(), BTreeSet::new());
        described(&description, &content["application/json"]["schema"], "", &mut expected);
        answered(&json(&server, &format!("/api/v1{example}")).await, "", &mut found);
        assert_eq!(expected, found, "{path}");
    }
    assert_eq!(description["servers"][0]["url"], "http://localhost:8080/api/v1");
}

#[tokio::test]
async fn a_parameter_that_is_not_described_is_refused_with_its_name() {
    let server = server().await;
    let captures = server.catalogue.captures(&CHANGED.parse().unwrap()).await.unwrap();
    for (path, known) in [
        ("/openapi.json", ""),
        ("/courses", ""),
        ("/courses/dgm/links", "only=gone&"),
        ("/courses/dgm/search", "q=line&"),
        (&format!("/captures/{}", captures[0].capture.id()), ""),
    ] {
        let reply = server.get(&format!("/api/v1{path}?{known}onyl=%3Cb%3E")).await;
        assert_eq!(reply.status, 400, "{path}");
        assert!(reply.text().contains("The parameter `onyl` is unknown"), "{}", reply.text());
        assert_eq!(server.get(&format!("/api/v1{path}?{known}")).await.status, 200, "{path}");
    }
    let long = format!("/api/v1/courses/dgm/search?q={}", "x".repeat(201));
    for path in ["/api/v1/courses/dgm/links?only=dead", "/api/v1/courses/dgm/search", &long] {
        assert_eq!(server.get(path).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn every_status_of_the_api_is_described() {
    let description: Value =
        serde_json::from_str(include_str!("../../../src/serve/routes/api/openapi.json")).unwrap();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (status, response) in operations["get"]["responses"].as_object().unwrap() {
            let response = resolved(&description, response);
            assert!(response["description"].is_string(), "{path} {status}");
        }
    }
}

#[test]
fn every_route_is_described() {
    let source = include_str!("../../../src/serve/mod.rs");
    let description: Value =
        serde_json::from_str(include_str!("../../../src/serve/routes/api/openapi.json")).unwrap();
    let routed: BTreeSet<&str> =
        source.split("at(\"/api/v1").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let paths: BTreeSet<&str> =
        description["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(routed, paths);
}

#[tokio::test]
async fn a_capture_is_described_and_its_copy_only_if_it_opens() {
    let dark = Server::start().await;
    for (link, opens) in [(GONE, true), (ALIVE, false)] {
        let captures = dark.catalogue.captures(&link.parse().unwrap()).await.unwrap();
        let expected = json(&dark, &format!("/api/v1/captures/{}", captures[0].capture.id())).await;
        assert_eq!((expected["opens"] == true, expected["copy"].is_object()), (opens, opens), "{link}");
    }
    let taken = dark.catalogue.captures(&TAKEN.parse().unwrap()).await.unwrap();
    let reply = dark.get(&format!("/api/v1/captures/{}", taken[0].capture.id())).await;
    assert_eq!(reply.status, 451);
    assert_eq!(dark.get("/api/v1/captures/nothing").await.status, 404);
}

#[tokio::test]
async fn the_page_of_a_version_shows_the_changes_since_the_previous_one() {
    let server = server().await;
    let captures = server.catalogue.captures(&CHANGED.parse().unwrap()).await.unwrap();
    let newer = server.get(&format!("/a/{}", captures[1].capture.id())).await.text();
    assert!(newer.contains("<h2>What changed since Mon 14 Sep 2026</h2>"), "{newer}");
    assert!(newer.contains("In figures: 7 pages (4 before)"), "{newer}");
    assert!(newer.contains("<del>Diffusion") && newer.contains("<ins>Something else entirely"), "{newer}");
    let older = server.get(&format!("/a/{}", captures[0].capture.id())).await.text();
    assert!(!older.contains("What changed since"), "there is no earlier version");
    let dark = Server::start().await.get(&format!("/a/{}", captures[1].capture.id())).await;
    assert_eq!(dark.status, 403);
    assert!(!dark.text().contains("What changed since"), "a closed copy is not quoted");
}
