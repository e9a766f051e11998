//! Signing in with the school's identity provider, and attacks on it.

use onreserve::domain::policy::course_access::{AllowList, CourseAccess, Readers, Staff};
use onreserve::serve::{OidcClient, ServeSettings};
use serde_json::json;
use url::Url;

use super::course::{NIGHTS, start_of};
use super::identity_provider::{CLIENT, Signs, TestProvider, parameter};
use super::{Reply, Server, settings};

const HERE: &str = "/c/dgm/?q=paper";

fn circle(groups: &[&str]) -> AllowList {
    AllowList { groups: groups.iter().map(|group| (*group).to_owned()).collect(), ..AllowList::default() }
}

fn closed(oidc: OidcClient) -> ServeSettings {
    let mut settings = settings();
    settings.oidc = Some(oidc);
    settings.courses[0].admission = CourseAccess {
        readers: Readers::SignedIn(Some(circle(&["dgm-2026"]))),
        staff: Some(Staff { list: circle(&["dgm-staff"]), ..Staff::default() }),
    };
    settings
}

async fn server_of(provider: &TestProvider) -> Server {
    Server::with(closed(provider.known()), start_of(NIGHTS + 1)).await
}

/// A browser that is redirected to the school: its address and its cookie.
struct StartedLogin {
    there: String,
    cookie: String,
}

async fn started_login(server: &Server, next: &str) -> StartedLogin {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    let reply = server.get(&format!("/c/dgm/login?{query}")).await;
    assert_eq!(reply.status, 302, "{}", reply.text());
    let there = reply.header("location").unwrap().to_owned();
    StartedLogin { there, cookie: cookies(&reply).remove(0) }
}

/// The names and values of the cookies in a response.
fn cookies(reply: &Reply) -> Vec<String> {
    let set = reply.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    set.map(|(_, value)| value.split(';').next().unwrap().to_owned()).collect()
}

impl StartedLogin {
    fn state(&self) -> String {
        parameter(&Url::parse(&self.there).unwrap(), "state")
    }

    async fn back(&self, server: &Server, code: &str) -> Reply {
        self.back_with(server, &format!("code={code}&state={}", self.state())).await
    }

    async fn back_with(&self, server: &Server, query: &str) -> Reply {
        server.get_with(&format!("/oidc/callback?{query}"), &[("Cookie", &self.cookie)]).await
    }
}

/// A whole sign-in, from the course to its result.
async fn whole(server: &Server, provider: &TestProvider) -> Reply {
    let begun = started_login(server, HERE).await;
    let code = provider.authorize(&begun.there);
    begun.back(server, &code).await
}

/// The response is a refusal with an explanation and without a session cookie.
fn assert_refused(reply: &Reply, status: u16, words: &str) {
    assert_eq!(reply.status, status, "{}", reply.text());
    assert!(reply.text().contains(words), "{words}: {}", reply.text());
    assert!(cookies(reply).iter().all(|cookie| cookie.ends_with('=')), "{reply:?}");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn a_student_signs_in_at_school_and_goes_on_to_the_reading() {
    let provider = TestProvider::open().await;
    let server = server_of(&provider).await;
    let page = server.get(HERE).await;
    assert_eq!((page.status, page.header("cache-control")), (401, Some("no-store")));
    assert!(page.text().contains("/c/dgm/login?next=%2Fc%2Fdgm%2F%3Fq%3Dpaper"), "{}", page.text());
    assert!(!page.text().contains("lost paper") && page.header("set-cookie").is_none());

    let begun = started_login(&server, HERE).await;
    let there = Url::parse(&begun.there).unwrap();
    for (name, value) in [
        ("tenant", "1"),
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", "http://localhost:8080/oidc/callback"),
        ("scope", "openid profile"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(parameter(&there, name), value);
    }
    let code = provider.authorize(&begun.there);
    let reply = begun.back(&server, &code).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some(HERE)), "{}", reply.text());
    let session = cookies(&reply).remove(0);
    assert!(reply.header("set-cookie").unwrap().contains("; HttpOnly; SameSite=Lax; Max-Age=43200"));
    let list = server.get_with("/c/dgm/", &[("Cookie", &session)]).await;
    assert!(list.status == 200 && list.text().contains("Sign out"));
    let health = server.get_with("/c/dgm/health", &[("Cookie", &session)]).await;
    assert_refused(&health, 403, "You are signed in as a student");
    let pretended = server.get_with("/c/dgm/", &[("Remote-User", "ann")]).await;
    assert_eq!(pretended.status, 401, "headers are ignored here");
    let left = leaving(&server, &session).await;
    assert_eq!((left.status, left.header("location")), (303, Some("/")));
    assert_eq!(server.get_with("/c/dgm/", &[("Cookie", &session)]).await.status, 401);
}

/// The response after pressing "Sign out".
async fn leaving(server: &Server, session: &str) -> Reply {
    let html = server.get_with("/c/dgm/login", &[("Cookie", session)]).await.text();
    let token = html.split("name=\"form_token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    server.post("/c/dgm/logout", &[("Cookie", session)], &[("form_token", token)]).await
}

#[tokio::test]
async fn signing_out_continues_at_a_provider_with_a_logout_endpoint() {
    let provider = TestProvider::open().await;
    provider.state().signs_out = true;
    let server = server_of(&provider).await;
    let session = cookies(&whole(&server, &provider).await).remove(0);
    let left = leaving(&server, &session).await;
    assert_eq!((left.status, left.header("cache-control")), (200, Some("no-store")), "{}", left.text());
    let there = left.header("refresh").unwrap().strip_prefix("0; url=").unwrap();
    assert!(left.text().contains(&format!("href=\"{}\"", there.replace('&', "&#38;"))), "{}", left.text());
    let there = Url::parse(there).unwrap();
    assert!(there.as_str().starts_with(&provider.issuer.replace("/realms/school", "/out?")), "{there}");
    for (name, value) in
        [("tenant", "1"), ("client_id", CLIENT), ("post_logout_redirect_uri", "http://localhost:8080/")]
    {
        assert_eq!(parameter(&there, name), value);
    }
    assert!(left.header("set-cookie").unwrap().ends_with("Max-Age=0"), "{left:?}");
    assert_eq!(server.get_with("/c/dgm/", &[("Cookie", &session)]).await.status, 401);

    // The session here has ended, whatever the provider does.
    let session = cookies(&whole(&server, &provider).await).remove(0);
    provider.state().instead.insert("discovery", (500, String::new()));
    let without = server_of(&provider).await;
    let left = leaving(&without, &session).await;
    assert_eq!((left.status, left.header("location")), (303, Some("/")), "{}", left.text());
    assert_eq!(without.get_with("/c/dgm/", &[("Cookie", &session)]).await.status, 401);
}

/// The history names the person of the identity provider.
async fn decide_as_ann(server: &Server, session: &str, health: &str) {
    let path = health.split("href=\"/c/dgm/links/").nth(1).unwrap().split('"').next().unwrap();
    let path = format!("/c/dgm/links/{path}");
    let page = server.get_with(&path, &[("Cookie", session)]).await.text();
    assert!(page.contains("Replace by an address of your own"), "{page}");
    let token = page.split("name=\"form_token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = |to| [("form_token", token), ("choice", "replace-by"), ("to", to)];
    let refused = server.post(&path, &[("Cookie", session)], &form("paper.pdf")).await;
    assert!(refused.status == 400 && refused.text().contains("an address must begin with https://"));
    let new = "https://new.example/paper.pdf";
    assert_eq!(server.post(&path, &[("Cookie", session)], &form(new)).await.status, 303);
    let history = server.get_with("/c/dgm/health", &[("Cookie", session)]).await.text();
    assert!(history.contains("new.example/paper.pdf, by ann."), "{history}");
}

#[tokio::test]
async fn staff_see_more_and_people_on_no_list_nothing() {
    let provider = TestProvider::open().await;
    let server = server_of(&provider).await;
    provider.state().claims = json!({ "groups": ["x", "dgm-staff"] });
    let session = cookies(&whole(&server, &provider).await).remove(0);
    let health = server.get_with("/c/dgm/health", &[("Cookie", &session)]).await;
    assert_eq!(health.status, 200);
    decide_as_ann(&server, &session, &health.text()).await;
    provider.state().claims = json!({ "preferred_username": "<b>eve", "groups": ["cs"] });
    let eve = whole(&server, &provider).await;
    assert_refused(&eve, 403, "You are signed in as &#60;b&#62;eve, but this name is not on the list");
    provider.state().claims = json!({ "preferred_username": null });
    assert_refused(&whole(&server, &provider).await, 502, "did not give us the name");
}

#[tokio::test]
async fn a_session_ends_when_the_lists_or_the_provider_change() {
    let provider = TestProvider::open().await;
    let session = cookies(&whole(&server_of(&provider).await, &provider).await).remove(0);
    let with = async |change: fn(&mut ServeSettings)| {
        let mut settings = closed(provider.known());
        change(&mut settings);
        let server = Server::with(settings, start_of(NIGHTS + 1)).await;
        server.get_with("/c/dgm/", &[("Cookie", &session)]).await.status
    };
    assert_eq!(with(|_| {}).await, 200);
    assert_eq!(with(|it| it.courses[0].admission.readers = Readers::SignedIn(None)).await, 401);
    assert_eq!(with(|it| it.oidc.as_mut().unwrap().client_id = "other".to_owned()).await, 401);
    assert_eq!(with(|it| it.oidc.as_mut().unwrap().name_claim = "sub".to_owned()).await, 401);
    assert_eq!(with(|it| it.oidc = None).await, 401);
}

#[tokio::test]
async fn a_token_of_another_sign_in_or_signer_is_refused() {
    let provider = TestProvider::open().await;
    let server = server_of(&provider).await;
    let now = start_of(NIGHTS + 1).as_second();
    for signs in [Signs::Stranger, Signs::Hs256, Signs::Not, Signs::Before] {
        provider.state().signs = signs;
        assert_refused(&whole(&server, &provider).await, 502, "could not be verified");
    }
    provider.state().signs = Signs::Rs256;
    for claims in [
        json!({ "aud": "other" }),
        json!({ "aud": [CLIENT, "other"] }),
        json!({ "azp": "other" }),
        json!({ "iss": "https://evil.example" }),
        json!({ "nonce": "other" }),
        json!({ "nonce": null }),
        json!({ "exp": now - 120 }),
        json!({ "iat": now + 3600 }),
    ] {
        provider.state().claims = claims.clone();
        let reply = whole(&server, &provider).await;
        assert_refused(&reply, 502, "could not be verified");
    }
    provider.state().claims = json!({});
    assert_eq!(whole(&server, &provider).await.status, 303);
}

#[tokio::test]
async fn a_sign_in_is_completed_once_and_in_its_browser() {
    let provider = TestProvider::open().await;
    let server = server_of(&provider).await;
    let (mine, theirs) = (started_login(&server, HERE).await, started_login(&server, HERE).await);
    let code = provider.authorize(&mine.there);
    let not_begun = "was not started in this browser";
    for query in ["", "code=x", "code=x&state=", "code=x&state=made-up"] {
        assert_refused(&mine.back_with(&server, query).await, 400, not_begun);
    }
    let stolen = StartedLogin { there: theirs.there.clone(), cookie: mine.cookie.clone() };
    assert_refused(&stolen.back(&server, &code).await, 400, not_begun);
    assert_eq!(mine.back(&server, &code).await.status, 303);
    assert_refused(&mine.back(&server, &code).await, 400, not_begun);
    let again = started_login(&server, HERE).await;
    assert_refused(&again.back(&server, &code).await, 400, "has expired");
    let other = started_login(&server, HERE).await;
    let swapped = provider.authorize(&again.there);
    assert_refused(&other.back(&server, &swapped).await, 400, "has expired");
    let mixed = started_login(&server, HERE).await;
    let query =
        format!("code={}&state={}&iss=https://evil.example", provider.authorize(&mixed.there), mixed.state());
    assert_refused(&mixed.back_with(&server, &query).await, 502, "could not be verified");
    let declined = started_login(&server, HERE).await;
    let query = format!("error=access_denied&error_description=%3Cb%3E&state={}", declined.state());
    assert_refused(&declined.back_with(&server, &query).await, 403, "refused you");
}

#[tokio::test]
async fn after_signing_in_no_redirect_leaves_the_service() {
    let provider = TestProvider::open().await;
    let server = server_of(&provider).await;
    for next in ["https://evil.example/", "//evil.example/", "/\\evil.example", "/c/\r\nSet-Cookie: a=b", ""]
    {
        let begun = started_login(&server, next).await;
        let code = provider.authorize(&begun.there);
        let reply = begun.back(&server, &code).await;
        assert_eq!((reply.status, reply.header("location")), (303, Some("/c/dgm/")), "{next:?}");
    }
}

#[tokio::test]
async fn new_keys_are_fetched_when_needed_and_not_too_often() {
    let provider = TestProvider::open().await;
    let server = server_of(&provider).await;
    assert_eq!(whole(&server, &provider).await.status, 303);
    assert_eq!(provider.state().keys_asked, 1);
    {
        let mut state = provider.state();
        (state.signs, state.kid, state.published) = (Signs::Es256, "two", vec!["one", "two"]);
    }
    assert_eq!(whole(&server, &provider).await.status, 303);
    assert_eq!(provider.state().keys_asked, 2);
    provider.state().kid = "three";
    for _ in 0..3 {
        assert_refused(&whole(&server, &provider).await, 502, "could not be verified");
    }
    assert_eq!(provider.state().keys_asked, 2, "within a minute");
}

#[tokio::test]
async fn a_provider_with_invalid_responses_cannot_be_reached() {
    let huge = format!("{{\"issuer\": \"{}\"}}", "x".repeat(1 << 20));
    for (path, status, text) in [
        ("discovery", 200, huge.as_str()),
        ("discovery", 500, ""),
        ("discovery", 302, ""),
        ("discovery", 200, "<html>"),
        (
            "discovery",
            200,
            "{\"issuer\": \"https://evil.example\", \"authorization_endpoint\": \"https://evil.example\", \"token_endpoint\": \"https://evil.example\", \"jwks_uri\": \"https://evil.example\"}",
        ),
        ("keys", 200, huge.as_str()),
        ("keys", 404, "{}"),
        ("keys", 200, "{}"),
    ] {
        let provider = TestProvider::open().await;
        provider.state().instead.insert(path, (status, text.to_owned()));
        let server = server_of(&provider).await;
        assert_refused(&server.get("/c/dgm/login").await, 502, "cannot be reached");
    }
    for (status, text, words) in [
        (200, huge.as_str(), "cannot be reached"),
        (500, "", "cannot be reached"),
        (200, "{}", "could not be verified"),
        (200, "{\"id_token\": \"a.b.c\"}", "could not be verified"),
    ] {
        let provider = TestProvider::open().await;
        provider.state().instead.insert("token", (status, text.to_owned()));
        let server = server_of(&provider).await;
        assert_refused(&whole(&server, &provider).await, 502, words);
    }
}

#[tokio::test]
async fn a_provider_that_is_down_cannot_be_reached() {
    let provider = TestProvider::open().await;
    let mut oidc = provider.known();
    // The listener closes every connection immediately.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    oidc.issuer = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let server = Server::with(closed(oidc), start_of(NIGHTS + 1)).await;
    assert_refused(&server.get("/c/dgm/login").await, 502, "cannot be reached");
    assert_eq!(server.get(HERE).await.status, 401, "the page with the link works without the provider");
}

#[tokio::test]
async fn cookies_of_a_sign_in_are_secure_over_https() {
    let provider = TestProvider::open().await;
    let mut settings = closed(provider.known());
    settings.base_url = "https://links.school.edu".parse().unwrap();
    let server = Server::with(settings, start_of(NIGHTS + 1)).await;
    let reply = server.get("/c/dgm/login").await;
    let set = reply.header("set-cookie").unwrap();
    assert!(
        set.starts_with("__Host-onreserve_") && set.contains("; HttpOnly; SameSite=Lax; Secure"),
        "{set}"
    );
    assert!(set.ends_with("Max-Age=600"), "{set}");
}

#[tokio::test]
async fn without_a_provider_there_is_no_callback() {
    let server = Server::start().await;
    assert_eq!(server.get("/oidc/callback?code=x&state=y").await.status, 404);
    let provider = TestProvider::open().await;
    let closed = server_of(&provider).await;
    assert_eq!(closed.post("/c/dgm/login", &[], &[("password", "")]).await.status, 404);
}
