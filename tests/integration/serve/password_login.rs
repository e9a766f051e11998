//! Signing in with a password: sessions, their cookies, and attacks on them.

use std::time::{Duration, Instant};

use argon2::password_hash::PasswordHasher as _;
use argon2::{Argon2, Params};
use jiff::{Timestamp, ToSpan as _};
use onreserve::domain::action_token::SigningKey;
use onreserve::domain::policy::course_access::{CourseAccess, Readers, Staff};
use onreserve::domain::policy::password::PasswordHash;
use onreserve::serve::ServeSettings;

use super::course::{GONE, NIGHTS, OWN, start_of};
use super::{Reply, Server, id, settings};

pub(super) const READERS: &str = "a word for students";
pub(super) const STAFF: &str = "a word for teachers";
const ENTER: &str = "/c/dgm/login";
const LEAVE: &str = "/c/dgm/logout";

/// The hash of a password, with a low cost.
pub(super) fn hash(password: &str) -> PasswordHash {
    let cheap = Argon2::from(Params::new(8, 1, 1, None).unwrap());
    let hash = cheap.hash_password_with_salt(password.as_bytes(), b"somesaltsomesalt").unwrap();
    hash.to_string().parse().unwrap()
}

pub(super) fn closed() -> ServeSettings {
    let mut settings = settings();
    "Deep <b>Models".clone_into(&mut settings.courses[0].title);
    settings.courses[0].admission = closed_admission();
    settings
}

/// Passwords for readers and for staff.
pub(super) fn closed_admission() -> CourseAccess {
    CourseAccess {
        readers: Readers::Password(hash(READERS)),
        staff: Some(Staff { password: Some(hash(STAFF)), ..Staff::default() }),
    }
}

pub(super) fn today() -> Timestamp {
    start_of(NIGHTS + 1)
}

async fn server() -> Server {
    Server::with(closed(), today()).await
}

/// A server with the same catalogue, at a later time.
async fn later(hours: i64, minutes: i64) -> Server {
    Server::with(closed(), today() + hours.hours() + minutes.minutes()).await
}

/// The name and token of the cookie in a response.
fn cookie(reply: &Reply) -> String {
    let set = reply.header("set-cookie").unwrap_or_else(|| panic!("no cookie: {reply:?}"));
    set.split(';').next().unwrap().to_owned()
}

pub(super) async fn signed_in(server: &Server, password: &str) -> String {
    let reply = server.post(ENTER, &[], &[("password", password)]).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    cookie(&reply)
}

async fn status(server: &Server, path: &str, cookie: &str) -> u16 {
    server.get_with(path, &[("Cookie", cookie)]).await.status
}

#[tokio::test]
async fn a_student_signs_in_and_goes_on_to_the_reading() {
    let server = server().await;
    let page = server.get("/c/dgm/?q=paper").await;
    assert_eq!((page.status, page.header("cache-control")), (401, Some("no-store")));
    assert!(page.header("www-authenticate").unwrap().contains("form-action=\"/c/dgm/login\""));
    let html = page.text();
    assert!(html.contains("<h1>Sign in to Deep &#60;b&#62;Models</h1>"), "{html}");
    assert!(html.contains("name=\"next\" value=\"/c/dgm/?q=paper\""), "{html}");
    assert!(html.contains("autocomplete=\"current-password\"") && !html.contains("lost paper"));

    let entered = server.post(ENTER, &[], &[("password", READERS), ("next", "/c/dgm/?q=paper")]).await;
    assert_eq!((entered.status, entered.header("location")), (303, Some("/c/dgm/?q=paper")));
    let set = entered.header("set-cookie").unwrap();
    assert!(set.starts_with("onreserve-dgm=") && set.contains("; HttpOnly; SameSite=Lax; Max-Age="), "{set}");
    let session = cookie(&entered);
    assert_eq!(session.len(), "onreserve-dgm=".len() + 64);

    let list = server.get_with("/c/dgm/", &[("Cookie", &session)]).await;
    assert!(list.status == 200 && list.text().contains("Sign out"));
    for path in [server.blob(GONE).await, server.blob(OWN).await, format!("/timemap/link/{GONE}")] {
        assert_eq!(server.get(&path).await.status, 401, "{path}");
        let reply = server.get_with(&path, &[("Cookie", &format!("a=b; {session}; c"))]).await;
        assert_eq!((reply.status, reply.header("cache-control")), (200, Some("private, no-cache")), "{path}");
    }
    assert_eq!(status(&server, "/c/dgm/health", &session).await, 401, "for staff");
}

#[tokio::test]
async fn staff_sign_in_on_the_same_page_and_see_more() {
    let server = server().await;
    assert!(server.get("/c/dgm/health").await.text().contains("as staff</h1>"));
    let session = signed_in(&server, STAFF).await;
    for path in ["/c/dgm/health", "/c/dgm/", "/api/v1/courses/dgm/links"] {
        assert_eq!(status(&server, path, &session).await, 200, "{path}");
    }
}

#[tokio::test]
async fn after_signing_in_no_redirect_leaves_the_service() {
    let server = server().await;
    for next in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "/\t/evil.example",
        "/c/dgm/\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "@evil.example",
        "",
    ] {
        let reply = server.post(ENTER, &[], &[("password", READERS), ("next", next)]).await;
        assert_eq!((reply.status, reply.header("location")), (303, Some("/c/dgm/")), "{next:?}");
    }
    let page = server.get("/c/dgm/login?next=//evil.example/%22%3E%3Cscript%3E").await.text();
    assert!(page.contains("name=\"next\" value=\"/c/dgm/\"") && !page.contains("evil"), "{page}");
}

#[tokio::test]
async fn a_token_that_the_service_did_not_create_is_ignored() {
    let server = server().await;
    let session = signed_in(&server, READERS).await;
    let (name, token) = session.split_once('=').unwrap();
    for forged in [
        format!("{name}={}", "0".repeat(64)),
        format!("{name}={}", token.to_uppercase()),
        format!("{name}={}", &token[..63]),
        format!("{name}="),
        format!("{name}={token}0"),
        format!("onreserve-other={token}"),
        format!("__Host-{session}"),
        format!("{name}=' OR 1=1 --{}", "0".repeat(53)),
        format!("{name}={}", onreserve::domain::capture::Digest::of(token.as_bytes())),
    ] {
        assert_eq!(status(&server, "/c/dgm/", &forged).await, 401, "{forged}");
    }
    assert_eq!(status(&server, "/c/dgm/", &session).await, 200);
}

#[tokio::test]
async fn a_session_token_of_another_person_is_replaced() {
    let server = server().await;
    let chosen = format!("onreserve-dgm={}", "ab".repeat(32));
    let reply = server.post(ENTER, &[("Cookie", &chosen)], &[("password", READERS)]).await;
    assert_ne!(cookie(&reply), chosen);
    assert_eq!(status(&server, "/c/dgm/", &chosen).await, 401);
    let theirs = signed_in(&server, READERS).await;
    let mine = server.post(ENTER, &[("Cookie", &theirs)], &[("password", STAFF)]).await;
    assert_eq!(status(&server, "/c/dgm/", &theirs).await, 401, "ended by the new sign-in");
    assert_eq!(status(&server, "/c/dgm/health", &cookie(&mine)).await, 200);
}

#[tokio::test]
async fn sessions_expire_and_end_with_their_password() {
    let server = server().await;
    let (reader, staff) = (signed_in(&server, READERS).await, signed_in(&server, STAFF).await);
    assert_eq!(status(&later(13, 0).await, "/c/dgm/health", &staff).await, 401);
    assert_eq!(status(&later(31 * 24, 0).await, "/c/dgm/", &reader).await, 401);
    let mut changed = closed();
    changed.courses[0].admission.readers = Readers::Password(hash("another word"));
    let changed = Server::with(changed, today()).await;
    assert_eq!(status(&changed, "/c/dgm/", &reader).await, 401, "the password was changed");
    assert_eq!(status(&changed, "/c/dgm/", &staff).await, 200);
}

#[tokio::test]
async fn a_token_is_replaced_daily_and_its_reuse_ends_the_session() {
    let old = signed_in(&server().await, READERS).await;
    let next_day = later(25, 0).await;
    let renewed = cookie(&next_day.get_with("/c/dgm/", &[("Cookie", &old)]).await);
    assert_ne!(renewed, old);
    let meanwhile = next_day.get_with("/c/dgm/", &[("Cookie", &old)]).await;
    assert_eq!((meanwhile.status, meanwhile.header("set-cookie")), (200, None), "it was already on its way");
    assert_eq!(status(&next_day, "/c/dgm/", &renewed).await, 200);
    let then = later(25, 5).await;
    assert_eq!(status(&then, "/c/dgm/", &renewed).await, 200);
    assert_eq!(status(&then, "/c/dgm/", &old).await, 401);
    assert_eq!(status(&then, "/c/dgm/", &renewed).await, 401, "the sender may be a thief");
}

#[tokio::test]
async fn no_shared_cache_stores_a_response_with_a_token() {
    for path in ["/style.css", "/onreserve.js", "/robots.txt", "/c/dgm/", "/c/dgm/login"] {
        let session = signed_in(&server().await, READERS).await;
        let next_day = later(25, 0).await;
        let reply = next_day.get_with(path, &[("Cookie", &session)]).await;
        assert!(reply.header("set-cookie").is_some(), "{path}");
        let caching = reply.header("cache-control").unwrap();
        assert!(caching.contains("private") || caching.contains("no-store"), "{path}: {caching}");
    }
    let shared = server().await.get("/style.css").await;
    assert_eq!(shared.header("cache-control"), Some("public, max-age=31536000, immutable"));
}

#[tokio::test]
async fn no_other_page_signs_readers_in_or_out() {
    let server = server().await;
    let session = signed_in(&server, READERS).await;
    let page = server.get_with(ENTER, &[("Cookie", &session)]).await;
    assert_eq!(
        page.header("referrer-policy"),
        Some("same-origin"),
        "otherwise browsers hide the origin of forms"
    );
    let html = page.text();
    let token = form_token(&html);
    let cookie = ("Cookie", session.as_str());
    let other = signed_in(&server, READERS).await;
    let other = server.get_with(ENTER, &[("Cookie", &other)]).await.text();
    let others = form_token(&other);
    for forged in ["", others, "x"] {
        assert_eq!(server.post(LEAVE, &[cookie], &[("form_token", forged)]).await.status, 403, "{forged}");
    }
    for foreign in [
        &[("Sec-Fetch-Site", "cross-site")][..],
        &[("Sec-Fetch-Site", "same-site"), ("Origin", "http://localhost:8080")],
        &[("Sec-Fetch-Site", ""), ("Origin", "http://evil.example")],
        &[("Sec-Fetch-Site", ""), ("Origin", "null")],
        &[("Sec-Fetch-Site", "")],
    ] {
        let headers: Vec<_> = foreign.iter().copied().chain([cookie]).collect();
        let left = server.post(LEAVE, &headers, &[("form_token", token)]).await;
        assert_eq!(left.status, 403, "{foreign:?}");
        let entered = server.post(ENTER, foreign, &[("password", READERS)]).await;
        assert_eq!((entered.status, entered.header("set-cookie")), (403, None), "{foreign:?}");
    }
    assert_eq!(server.get_with(LEAVE, &[cookie]).await.status, 405);
    assert_eq!(status(&server, "/c/dgm/", &session).await, 200, "none of these had an effect");
    let left = server.post(LEAVE, &[cookie], &[("form_token", token)]).await;
    assert!(left.status == 303 && left.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(status(&server, "/c/dgm/", &session).await, 401);
}

/// The hidden fields of the first form of a page.
pub(super) fn form_token(html: &str) -> &str {
    html.split("name=\"form_token\" value=\"").nth(1).expect("a form").split('"').next().unwrap()
}

#[tokio::test]
async fn a_recheck_needs_the_form_of_the_dashboard() {
    let mut server = server().await;
    let staff = signed_in(&server, STAFF).await;
    let cookie = ("Cookie", staff.as_str());
    let html = server.get_with("/c/dgm/health", &[cookie]).await.text();
    let link = id(GONE).to_string();
    assert!(html.contains(&format!("name=\"link\" value=\"{link}\"")), "{html}");
    let token = form_token(&html).to_owned();
    let other = signed_in(&server, STAFF).await;
    let other = server.get_with("/c/dgm/health", &[("Cookie", &other)]).await.text();
    let reader = signed_in(&server, READERS).await;
    let recheck = "/c/dgm/recheck";
    for forged in ["", form_token(&other), "x"] {
        let fields = [("form_token", forged), ("link", link.as_str())];
        assert_eq!(server.post(recheck, &[cookie], &fields).await.status, 403, "{forged}");
    }
    assert_eq!(server.post(recheck, &[cookie], &[("link", &link)]).await.status, 403, "no token");
    let fields = [("form_token", token.as_str()), ("link", link.as_str())];
    assert_eq!(server.post(recheck, &[], &fields).await.status, 401, "a stranger");
    assert_eq!(server.post(recheck, &[("Cookie", &reader)], &fields).await.status, 401, "a reader");

    let done = server.post(recheck, &[cookie], &fields).await;
    assert_eq!((done.status, done.header("location")), (303, Some("/c/dgm/health")));
    assert_eq!(server.rechecks.next().await.link.as_str(), GONE, "the first and only request");
    let after = server.get_with("/c/dgm/health", &[cookie]).await.text();
    assert!(after.contains("it is being checked again"), "{after}");
}

/// Guesses until a guess is refused, for long enough for some requests on a busy machine. Returns the
/// number of guesses that were compared, and the refusal.
async fn guesses_until_refused(server: &Server, client: (&str, &str)) -> (u32, Reply) {
    let mut of_a_guess = Duration::ZERO;
    for compared in 0..30 {
        let reply = loop {
            let asked = Instant::now();
            let reply = server.post(ENTER, &[client], &[("password", "a wrong word")]).await;
            if reply.status != 429 {
                of_a_guess = asked.elapsed();
                break reply;
            }
            let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=900).contains(&wait) && reply.text().contains("try again in"), "{wait}");
            let wait = Duration::from_secs(wait);
            if wait > 5 * of_a_guess {
                return (compared, reply);
            }
            tokio::time::sleep(wait).await;
        };
        assert_eq!((reply.status, reply.header("set-cookie")), (401, None));
        assert!(reply.text().contains("That is not the password"));
    }
    panic!("no guess is refused");
}

#[tokio::test]
async fn guessing_becomes_slow_only_for_the_client_that_guesses() {
    let mut proxied = closed();
    proxied.proxies.trusted.push("127.0.0.1".parse().unwrap());
    let server = Server::with(proxied, today()).await;
    let from = |client: &'static str| [("X-Forwarded-For", client)];
    let (wrong, refused) = guesses_until_refused(&server, from("203.0.113.9")[0]).await;
    assert!(wrong >= 8, "some are free: {wrong}");
    assert!(refused.text().contains("id=\"password\""), "the page has the form for another try");
    let right = server.post(ENTER, &from("203.0.113.9"), &[("password", READERS)]).await;
    assert_eq!(right.status, 429, "not even the right one");
    let pretended = server.post(ENTER, &from("10.0.0.1, 203.0.113.9"), &[("password", READERS)]).await;
    assert_eq!(pretended.status, 429, "addresses before that of the proxy are ignored");
    let other = server.post(ENTER, &from("203.0.113.10"), &[("password", READERS)]).await;
    assert_eq!(other.status, 303);
    let staff = [("password", STAFF), ("role", "staff")];
    assert_eq!(server.post(ENTER, &from("203.0.113.9"), &staff).await.status, 303, "staff are counted apart");
}

/// The cookie of a browser that has logged in before.
fn device_cookie(reply: &Reply) -> String {
    let all = reply.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    let set = all.map(|(_, value)| value).find(|value| value.starts_with("onreserve_device-dgm="));
    set.and_then(|value| value.split(';').next())
        .unwrap_or_else(|| panic!("no device cookie: {reply:?}"))
        .to_owned()
}

#[tokio::test]
async fn a_browser_that_has_logged_in_before_has_its_own_allowance() {
    let mut settings = closed();
    settings.signing_key = Some(SigningKey::parse(&"k".repeat(32)).unwrap());
    settings.proxies.trusted.push("127.0.0.1".parse().unwrap());
    let server = Server::with(settings, today()).await;
    let home = server.post(ENTER, &[("X-Forwarded-For", "198.51.100.1")], &[("password", READERS)]).await;
    let known = device_cookie(&home);
    // In no network of another test: on PostgreSQL all servers of a catalogue count together.
    let dormitory = ("X-Forwarded-For", "192.0.2.9");
    guesses_until_refused(&server, dormitory).await;
    assert_eq!(server.post(ENTER, &[dormitory], &[("password", READERS)]).await.status, 429);

    let cookie = [dormitory, ("Cookie", &known)];
    let entered = server.post(ENTER, &cookie, &[("password", READERS)]).await;
    assert_eq!(entered.status, 303, "the mistakes of its neighbours do not count");
    let renewed = device_cookie(&entered);
    let cookie = [dormitory, ("Cookie", &renewed)];
    let staff = server.post(ENTER, &cookie, &[("password", STAFF), ("role", "staff")]).await;
    assert_eq!(staff.status, 303, "the form of staff counts apart");
    let altered = format!("{known}A");
    let reply = server.post(ENTER, &[dormitory, ("Cookie", &altered)], &[("password", READERS)]).await;
    assert_eq!(reply.status, 429, "a cookie that is not ours is no cookie");
}

#[tokio::test]
async fn cookies_are_secure_over_https() {
    let forwarded = [("X-Forwarded-Proto", "https")];
    let stranger = server().await.post(ENTER, &forwarded, &[("password", READERS)]).await;
    assert!(cookie(&stranger).starts_with("onreserve-dgm="), "no trusted proxy reported https");
    let mut proxied = closed();
    proxied.proxies.trusted.push("127.0.0.1".parse().unwrap());
    let server = Server::with(proxied, today()).await;
    let reply = server.post(ENTER, &forwarded, &[("password", READERS)]).await;
    assert!(cookie(&reply).starts_with("__Host-onreserve-dgm="), "{reply:?}");
    assert!(reply.header("set-cookie").unwrap().contains("; Secure"));
    let plain = cookie(&reply).replace("__Host-", "");
    let reply = server.get_with("/c/dgm/", &[forwarded[0], ("Cookie", &plain)]).await;
    assert_eq!(reply.status, 401, "a name that other hosts can set is not read over https");
}

#[tokio::test]
async fn invalid_forms_are_refused_and_a_course_without_a_password_has_no_login() {
    let server = server().await;
    let long = "x".repeat(20_000);
    assert_eq!(server.post(ENTER, &[], &[("password", &long)]).await.status, 413);
    let json = [("Content-Type", "application/json")];
    assert_eq!(server.post(ENTER, &json, &[("password", READERS)]).await.status, 415);
    for path in ["/c/other/login", "/c/%2e%2e/login", "/c/dgm'/login"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
        assert_eq!(server.post(path, &[], &[("password", READERS)]).await.status, 404, "{path}");
    }
    let open = Server::start().await;
    assert_eq!(open.get(ENTER).await.status, 404);
    assert_eq!(open.post(ENTER, &[], &[("password", "")]).await.status, 404);
}
