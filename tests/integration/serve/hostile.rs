//! A course with hostile text in every field, requested page by page: foreign text stays
//! text, in markup, JSON and headers.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use onreserve::domain::action_token::{ActionToken, Purpose, SigningKey};
use onreserve::domain::course::Openness;
use onreserve::domain::policy::course_access::{AllowList, CourseAccess, Readers, Staff};
use onreserve::serve::ServeSettings;
use serde_json::Value;

use super::course::{self, ESCAPED, HOSTILE};
use super::export;
use super::password_login::hash;
use super::{Reply, Server, settings};
use crate::engines;
use crate::fetch::site::{Reply as Sent, Seen};

const NIGHTS: u32 = 4;
const READER: &str = "i@school.test";
/// `HOSTILE` in our pages.
const AS_TEXT: &str = "&#60;script&#62;alert(1)&#60;/script&#62;&#60;img src=x onerror=alert(1)&#62;";
/// An address that would end an attribute, a tag, a quoted name and a header's line.
const IN_ADDRESS: &str =
    "x'onmouseover='alert(1)%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E%0D%0ASet-Cookie:%20evil=1%0D%0A.pdf";

/// The elements of our pages.
const ELEMENTS: &[&str] = &[
    "html", "head", "bdi", "meta", "title", "link", "body", "a", "main", "h1", "h2", "h3", "p", "form",
    "label", "span", "input", "button", "section", "ul", "ol", "li", "time", "q", "mark", "dl", "dt", "dd",
    "code", "strong", "b", "del", "ins", "footer", "div", "details", "summary", "table", "thead", "tbody",
    "tr", "th", "td", "select", "option", "fieldset", "legend", "svg", "rect", "g", "text", "line", "path",
    "desc",
];

fn archive() -> &'static Path {
    static ARCHIVE: OnceLock<PathBuf> = OnceLock::new();
    ARCHIVE.get_or_init(|| course::archive_of(NIGHTS, answer))
}

fn page() -> String {
    let link = |host: &str| format!("<a href=\"http://{host}.example/{IN_ADDRESS}\">{ESCAPED} {host}</a>");
    let hosts = ["papers", "never", "parked", "flaky", "lab", "press", "owner", "course"];
    let links = hosts.map(link).join(" and ");
    format!(
        "<!doctype html><html lang=en><head><title>{ESCAPED}</title></head><body><h1>{ESCAPED}</h1>
<h2>{ESCAPED}</h2><table><tr><th>Week</th><th>Date</th><th>Topic {ESCAPED}</th><th>Readings</th></tr>
<tr><td>1 {ESCAPED}</td><td>Tue Sep 15</td><td>{ESCAPED}</td><td>{links}</td></tr>
<tr><td>2</td><td>{ESCAPED}</td><td>x</td><td><a href=\"javascript:alert(1)\">{ESCAPED} call</a></td></tr>
</table></body></html>"
    )
}

fn answer(seen: &Seen, night: u32) -> Sent {
    let host = seen.host.split('.').next().unwrap_or_default();
    match (host, seen.target.as_str()) {
        (_, "/robots.txt") => Sent::not_found(),
        ("course", "/dgm/") => Sent::new(200, "content-type: text/html; charset=utf-8", page()),
        (_, "/") => Sent::page(&course::article(ESCAPED, "a front page")),
        ("never", _) => Sent::new(410, "content-type: text/html", HOSTILE),
        ("flaky", _) if night > 3 => Sent::new(503, "content-type: text/html", HOSTILE),
        ("parked", _) if night > 1 => {
            Sent::page(&format!("<title>{ESCAPED}</title><p>This domain is for sale. Buy this domain"))
        }
        ("parked", _) => Sent::page(&course::article(ESCAPED, HOSTILE)),
        ("lab", _) if night == 1 => Sent::page(&course::article(ESCAPED, "as it was first")),
        ("lab", _) => Sent::page(&course::article(&format!("Other words of {ESCAPED}"), "as it is now")),
        ("papers" | "course", _) if night > 1 => Sent::new(410, "content-type: text/html", HOSTILE),
        _ => Sent::new(200, "content-type: application/pdf", course::pdf(HOSTILE, 3)),
    }
}

fn open() -> ServeSettings {
    let mut settings = settings();
    let course = &mut settings.courses[0];
    course.copies.openness = Openness::Open;
    HOSTILE.clone_into(&mut course.title);
    course.readers = vec![READER.parse().unwrap()];
    settings.signing_key = Some(key());
    settings
}

fn key() -> SigningKey {
    SigningKey::parse(&"5".repeat(64)).unwrap()
}

async fn server(settings: ServeSettings) -> Server {
    Server::over(archive(), settings, course::start_of(NIGHTS + 1)).await
}

/// A tag as a browser reads it: its name, and its attributes with their values.
type Tag = (String, Vec<(String, String)>);

/// The tags of a page whose text has no `<`.
fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if rest.starts_with(['!', '/']) {
            continue;
        }
        let end = rest.find([' ', '>', '\n']).expect("a tag ends");
        let (name, mut attributes) = (rest[..end].to_owned(), Vec::new());
        rest = rest[end..].trim_start();
        while !rest.starts_with('>') && !rest.starts_with("/>") {
            let end = rest.find(['=', ' ', '>', '\n']).expect("an attribute ends");
            let attribute = rest[..end].to_owned();
            rest = &rest[end..];
            let mut value = "";
            if let Some(quoted) = rest.strip_prefix('=') {
                let quoted = quoted.strip_prefix('"').unwrap_or_else(|| panic!("{attribute} is not quoted"));
                let end = quoted.find('"').expect("a value ends");
                (value, rest) = (&quoted[..end], &quoted[end + 1..]);
            }
            attributes.push((attribute, value.to_owned()));
            rest = rest.trim_start();
        }
        tags.push((name, attributes));
    }
    tags
}

/// A page runs, loads and links to nothing that our templates do not allow.
fn assert_is_harmless(page: &str, html: &str) {
    let tags = tags(html);
    assert!(tags.len() > 10, "{page}: no page\n{html}");
    for (name, attributes) in tags {
        assert!(ELEMENTS.contains(&name.as_str()), "{page}: <{name}>\n{html}");
        for (attribute, value) in attributes {
            let is_ours =
                attribute.bytes().all(|byte| byte.is_ascii_lowercase() || b"-12xyVBH".contains(&byte));
            assert!(is_ours && !attribute.starts_with("on"), "{page}: {attribute}\n{html}");
            assert!(!matches!(&*attribute, "style" | "srcdoc" | "formaction"), "{page}: {attribute}\n{html}");
            if matches!(&*attribute, "href" | "src" | "action") {
                let scheme = value.split_once(':').map(|(scheme, _)| scheme).filter(|it| !it.contains('/'));
                let is_known =
                    matches!(scheme, None | Some("http" | "https" | "mailto")) || value == "data:,";
                assert!(is_known, "{page}: {attribute}={value}");
            }
        }
    }
}

/// Foreign text did not become a header, and did not end one.
fn assert_headers_are_ours(page: &str, reply: &Reply) {
    for (name, value) in &reply.headers {
        let is_visible = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        assert!(is_visible && !name.eq_ignore_ascii_case("set-cookie"), "{page}: {name}: {value:?}");
        assert!(!value.contains('<') || name.eq_ignore_ascii_case("link"), "{page}: {name}: {value}");
    }
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{page}");
}

async fn links(server: &Server) -> Vec<Value> {
    let shown = server.get("/api/v1/courses/dgm/links").await;
    serde_json::from_slice::<Value>(&shown.body).unwrap()["links"].as_array().unwrap().clone()
}

fn state<'a>(links: &'a [Value], state: &str) -> &'a Value {
    links.iter().find(|link| link["state"] == state).unwrap_or_else(|| panic!("none is {state}: {links:?}"))
}

/// The pages for everyone, and those behind a link of an email.
async fn addresses(server: &Server) -> Vec<String> {
    let seal = |purpose| {
        let until = "2027-01-01".parse().unwrap();
        ActionToken::new(purpose, &"dgm".parse().unwrap(), &READER.parse().unwrap(), until).signed(&key())
    };
    let sought = ["", "?q=script", "?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "?q=alert+paragraph"];
    let mut pages: Vec<String> = sought.iter().map(|query| format!("/c/dgm/{query}")).collect();
    pages.extend([
        "/".to_owned(),
        "/c/dgm/health".to_owned(),
        format!("/letters/{}", seal(Purpose::Subscription)),
    ]);
    for link in links(server).await {
        let id = link["id"].as_str().unwrap();
        pages.push(format!("/go/{id}"));
        pages.push(format!("/act/{}", seal(Purpose::Act(id.parse().unwrap()))));
        pages.push(format!("/act/{}", seal(Purpose::ActOnHost(id.parse().unwrap()))));
        let address = link["url"].as_str().unwrap().parse().unwrap();
        for kept in server.catalogue.captures(&address).await.unwrap() {
            pages.push(format!("/a/{}", kept.capture.id()));
        }
    }
    pages
}

#[tokio::test]
async fn every_page_shows_foreign_text_as_text() {
    let server = server(open()).await;
    let all = links(&server).await;
    for name in ["dead", "failing", "changed"] {
        state(&all, name);
    }
    let dead = state(&all, "dead")["id"].as_str().unwrap().parse().unwrap();
    let until = "2027-01-01".parse().unwrap();
    let ticket =
        ActionToken::new(Purpose::Act(dead), &"dgm".parse().unwrap(), &READER.parse().unwrap(), until)
            .signed(&key());
    let decided = server.post(&format!("/act/{ticket}"), &[], &[("choice", "accept-dead")]).await;
    assert_eq!(decided.status, 303, "{}", decided.text());

    let (mut shown, mut changed, mut found) = (0, 0, 0);
    for page in addresses(&server).await {
        let reply = server.get(&page).await;
        assert_headers_are_ours(&page, &reply);
        if reply.status == 302 {
            continue;
        }
        let html = reply.text();
        assert_is_harmless(&page, &html);
        assert!(
            html.contains(AS_TEXT) || html.contains("&#60;script&#62;"),
            "{page}: the text is missing\n{html}"
        );
        shown += 1;
        changed += usize::from(html.contains("<ins>") && html.contains("<del>"));
        found += usize::from(html.contains("<mark>script</mark>"));
    }
    assert!(shown > 25 && changed > 0 && found > 0, "{shown} pages, {changed} differences, {found} snippets");
    assert!(server.get("/c/dgm/health").await.text().contains("<h2>Decisions</h2>"));
}

#[tokio::test]
async fn refusals_and_messages_show_foreign_text_as_text() {
    let wrong = "%3Cscript%3Ealert(1)%3C%2Fscript%3E%0D%0ASet-Cookie:%20evil=1";
    let open_server = server(open()).await;
    for path in
        ["/c/", "/a/", "/go/", "/go?url=", "/act/", "/letters/", "/nowhere/", "/web/1/", "/timemap/link/"]
    {
        let page = format!("{path}{wrong}");
        let reply = open_server.get(&page).await;
        assert_headers_are_ours(&page, &reply);
        assert!(reply.status >= 400, "{page}: {}", reply.status);
        assert_is_harmless(&page, &reply.text());
    }
    let mut closed = open();
    closed.courses[0].admission = CourseAccess {
        readers: Readers::Password(hash("a word")),
        staff: Some(Staff { password: Some(hash("another")), ..Staff::default() }),
    };
    let closed = server(closed).await;
    let mut refusals =
        vec![closed.post("/c/dgm/login", &[], &[("password", HOSTILE), ("next", HOSTILE)]).await];
    for page in ["/c/dgm/", "/c/dgm/login?next=/%22%3E%3Cscript%3E", "/c/dgm/health"] {
        refusals.push(closed.get(page).await);
    }
    let mut named = open();
    let circle = AllowList { users: ["nobody".to_owned()].into(), groups: [].into() };
    named.courses[0].admission = CourseAccess { readers: Readers::Named(Some(circle)), staff: None };
    named.proxies.trusted.push("127.0.0.1".parse().unwrap());
    refusals.push(server(named).await.get_with("/c/dgm/", &[("Remote-User", HOSTILE)]).await);
    for reply in refusals {
        assert_headers_are_ours("a refusal", &reply);
        assert_is_harmless("a refusal", &reply.text());
        assert!(reply.text().contains(AS_TEXT), "{}", reply.text());
    }
}

#[tokio::test]
async fn programs_get_foreign_text_as_data_and_never_in_headers() {
    let server = server(open()).await;
    let mut paths = vec![
        "/api/v1/courses".to_owned(),
        "/api/v1/courses/dgm/links".to_owned(),
        "/api/v1/courses/dgm/links?only=gone".to_owned(),
        "/api/v1/courses/dgm/search?q=script".to_owned(),
    ];
    for link in links(&server).await {
        let url = link["url"].as_str().unwrap();
        paths.push(format!("/timemap/json/{url}"));
        for kept in server.catalogue.captures(&url.parse().unwrap()).await.unwrap() {
            paths.push(format!("/api/v1/captures/{}", kept.capture.id()));
            for path in [format!("/blob/{}/{IN_ADDRESS}", kept.capture.sha256), format!("/timegate/{url}")] {
                assert_headers_are_ours(&path, &server.get(&path).await);
            }
        }
    }
    let mut shown = 0;
    for path in paths {
        let reply = server.get(&path).await;
        assert_headers_are_ours(&path, &reply);
        if reply.status == 200 {
            assert_eq!(reply.header("content-type"), Some("application/json"), "{path}");
            serde_json::from_slice::<Value>(&reply.body).unwrap_or_else(|error| panic!("{path}: {error}"));
            shown +=
                usize::from(reply.text().contains("<script>alert(1)") || reply.text().contains("%3Cscript"));
        }
    }
    assert!(shown > 10, "only {shown} responses contain foreign text");
}

#[test]
fn an_exported_site_shows_foreign_text_as_text() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let copied = dir.path().join("archive");
    engines::copy(&archive().with_file_name("untouched"), &copied);
    let configuration = export::configuration(&copied, Openness::Open);
    let to = dir.path().join("site");
    export::export(&configuration, &["site", to.to_str().unwrap(), "--with-dark"]);
    let pages = export::Files(to).pages();
    assert!(pages.len() >= 8, "{}", pages.len());
    for (path, text) in pages {
        assert_is_harmless(&path, &text);
        assert!(text.contains("&#60;script&#62;"), "{path}: the text is missing\n{text}");
    }
}
