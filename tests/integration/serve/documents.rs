//! Copies: which ones open, and how their bytes are sent.

use std::io::Write as _;

use onreserve::domain::capture::Digest;
use onreserve::domain::course::{CopyRules, Openness};
use onreserve::domain::journal::Entry;
use onreserve::serve::{CourseRules, ServeSettings};

use super::course::{ALIVE, GONE, GONE_PAGE, LICENSED, NIGHTS, OWN, SVG, TAKEN, start_of};
use super::{Server, course, settings};
use crate::engines;
use crate::fetch::site::Reply;
use crate::harness::{Harness, page_of, time_of};
use crate::heads_in_blobs::move_heads_to_blobs;

#[tokio::test]
async fn a_copy_of_a_dead_original_opens_with_its_own_bytes() {
    let server = Server::start().await;
    let path = server.blob(GONE).await;
    let reply = server.get(&path).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("application/pdf"));
    assert_eq!(reply.header("content-disposition"), Some("inline; filename=\"gone.pdf\""));
    assert_eq!(path, format!("/blob/{}/x", Digest::of(&reply.body)));
    assert_eq!(reply.header("cache-control"), Some("private, no-cache"));
    assert!(reply.body.len() > 128 << 10, "longer than one chunk: {}", reply.body.len());
}

#[tokio::test]
async fn a_dark_copy_opens_only_for_a_dead_original_in_term() {
    let server = Server::start().await;
    assert_eq!(server.get(&server.blob(ALIVE).await).await.status, 403);
    assert_eq!(server.get(&server.blob(LICENSED).await).await.status, 403);
    assert_eq!(server.get(&server.blob(TAKEN).await).await.status, 451);
    let own = server.get(&server.blob(OWN).await).await;
    assert_eq!((own.status, own.header("cache-control")), (200, Some("public, max-age=31536000, immutable")));

    let after = Server::with(settings(), "2026-12-20T00:00:00Z".parse().unwrap()).await;
    let closed = after.get(&after.blob(GONE).await).await;
    assert_eq!(closed.status, 403);
    assert!(closed.text().contains("opens only while the term runs"));

    let mut open = settings();
    open.courses[0].copies.openness = Openness::Open;
    let open = Server::with(open, course::start_of(9)).await;
    assert_eq!(open.get(&open.blob(ALIVE).await).await.status, 200);
    assert_eq!(open.get(&open.blob(LICENSED).await).await.status, 403);
}

#[tokio::test]
async fn only_captures_of_listed_links_are_served() {
    let server = Server::start().await;
    let page = engines::open_archive(course::archive())
        .entries()
        .find_map(|entry| if let Entry::Page { sha256, .. } = entry.unwrap() { Some(sha256) } else { None });
    for path in [
        format!("/blob/{}/x", page.unwrap()),
        format!("/blob/{}/x", Digest::of(b"nothing")),
        "/blob/../../catalogue.sqlite3/x".to_owned(),
        "/blob/%2e%2e%2f%2e%2e%2fcatalogue.sqlite3/x".to_owned(),
        "/blob/..%2f..%2fetc%2fpasswd/x".to_owned(),
        format!("{}/../../../etc/passwd", server.blob(GONE).await),
    ] {
        assert_eq!(server.get(&path).await.status, 404, "{path}");
    }
    let mut other = settings();
    other.courses[0].id = "other".parse().unwrap();
    let other = Server::with(other, course::start_of(6)).await;
    assert_eq!(other.get(&other.blob(GONE).await).await.status, 404, "a course that is not configured");
}

#[tokio::test]
async fn archived_html_is_sandboxed_and_its_headers_are_not_sent() {
    let server = Server::start().await;
    let reply = server.get(&server.blob(GONE_PAGE).await).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = reply.header("content-security-policy").unwrap();
    for part in
        ["sandbox;", "default-src 'none'", "form-action 'none'", "base-uri 'none'", "frame-ancestors 'none'"]
    {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("allow-scripts") && !policy.contains("'self'"), "{policy}");
    for name in
        ["set-cookie", "refresh", "strict-transport-security", "access-control-allow-origin", "location"]
    {
        assert_eq!(reply.header(name), None, "{name}");
    }
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.header("x-robots-tag"), Some("noindex, noarchive, nofollow"));
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(reply.header("cross-origin-resource-policy"), Some("same-origin"));
}

#[tokio::test]
async fn formats_that_may_run_are_downloads() {
    let server = Server::start().await;
    let reply = server.get(&server.blob(SVG).await).await;
    assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
    assert_eq!(reply.header("content-disposition"), Some("attachment; filename=\"figure.svg\""));
}

#[tokio::test]
async fn no_service_worker_is_served() {
    let server = Server::start().await;
    let path = server.blob(OWN).await;
    assert_eq!(server.get_with(&path, &[("Service-Worker", "script")]).await.status, 403);
}

#[tokio::test]
async fn ranges_are_parts_of_the_body() {
    let server = Server::start().await;
    let path = server.blob(GONE).await;
    let whole = server.get(&path).await.body;
    let last = whole.len() - 1;
    for (range, slice, content_range) in [
        ("bytes=0-0".to_owned(), &whole[..1], format!("bytes 0-0/{}", whole.len())),
        (
            "bytes=5-200000".to_owned(),
            &whole[5..=200_000.min(last)],
            format!("bytes 5-{}/{}", 200_000.min(last), whole.len()),
        ),
        (
            "bytes=-7".to_owned(),
            &whole[whole.len() - 7..],
            format!("bytes {}-{last}/{}", whole.len() - 7, whole.len()),
        ),
    ] {
        let part = server.get_with(&path, &[("Range", &range)]).await;
        assert_eq!((part.status, part.header("content-range")), (206, Some(content_range.as_str())));
        assert_eq!(part.body, slice, "{range}");
        assert_eq!(part.header("content-length"), Some(slice.len().to_string().as_str()));
    }
    let past = server.get_with(&path, &[("Range", &format!("bytes={}-", whole.len()))]).await;
    assert_eq!(
        (past.status, past.header("content-range")),
        (416, Some(format!("bytes */{}", whole.len()).as_str()))
    );
    let head = server.ask("HEAD", &path, &[]).await;
    assert_eq!((head.status, head.header("content-length")), (200, Some(whole.len().to_string().as_str())));
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn validators_avoid_a_body_and_protect_ranges() {
    let server = Server::start().await;
    let path = server.blob(GONE).await;
    let tag = server.get(&path).await.header("etag").unwrap().to_owned();
    for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let reply = server.get_with(&path, &[("If-None-Match", &known)]).await;
        assert_eq!((reply.status, reply.body.len()), (304, 0), "{known}");
        assert_eq!(reply.header("etag"), Some(tag.as_str()));
        assert_eq!(reply.header("content-security-policy"), None, "the browser keeps the sandbox");
    }
    let other = server.get_with(&path, &[("If-None-Match", "\"x\"")]).await;
    assert_eq!(other.status, 200);
    let range = ("Range", "bytes=0-9");
    assert_eq!(server.get_with(&path, &[range, ("If-Range", &tag)]).await.status, 206);
    assert_eq!(server.get_with(&path, &[range, ("If-Range", "\"x\"")]).await.status, 200);
}

#[tokio::test]
async fn altered_bytes_give_a_503_with_the_reason() {
    let (_dir, archive) = course::copied_archive();
    let server = Server::over(&archive, settings(), start_of(NIGHTS + 1)).await;
    let path = server.blob(GONE).await;
    assert_eq!(server.get(&path).await.status, 200);
    assert_eq!(server.get_with(&path, &[("If-None-Match", "*")]).await.status, 304);
    let captures = server.catalogue.captures(&GONE.parse().unwrap()).await.unwrap();
    let capture = &captures.last().unwrap().capture;
    let file = engines::blob(capture.sha256);
    let mut bytes = engines::read_file(&archive, &file);
    bytes[100..105].copy_from_slice(b"XXXXX");
    engines::overwrite_file(&archive, &file, &bytes);
    let none: &[(&str, &str)] = &[];
    for (headers, reason) in [
        (none, "has changed on the disk"),
        (none, "is missing"),
        (&[("If-None-Match", "*")], "is missing"),
        (&[("Range", "bytes=0-9")], "is missing"),
    ] {
        let reply = server.get_with(&path, headers).await;
        assert_eq!((reply.status, reply.header("cache-control")), (503, Some("no-store")), "{headers:?}");
        assert!(reply.text().contains(reason), "{headers:?}: {}", reply.text());
    }
    assert!(server.get(&format!("/a/{}", capture.id())).await.text().contains("is missing"));
    assert!(!engines::has_file(&archive, &file), "it is in quarantine");
    let verified = server.catalogue.verified().await.unwrap();
    assert!(!verified[&capture.sha256].is_sound, "the administrator sees it");
    let metrics = server.get("/metrics").await.text();
    assert!(metrics.contains("\nonreserve_copies_altered 1\n"), "{metrics}");
}

/// A deck of one slide with this text.
fn deck(text: &str) -> Vec<u8> {
    let relation = |kind: &str, target: &str| {
        format!(
            "<Relationships><Relationship Id='a' Type='http://x/relationships/{kind}' Target='{target}'/></Relationships>"
        )
    };
    let parts = [
        ("[Content_Types].xml", "<Types/>".to_owned()),
        ("_rels/.rels", relation("officeDocument", "ppt/presentation.xml")),
        (
            "ppt/presentation.xml",
            "<p:presentation><p:sldIdLst><p:sldId id='1' r:id='a'/></p:sldIdLst></p:presentation>".to_owned(),
        ),
        ("ppt/_rels/presentation.xml.rels", relation("slide", "slides/1.xml")),
        ("ppt/slides/1.xml", format!("<p:sld><p:sp><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:sp></p:sld>")),
    ];
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, source) in parts {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(source.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn a_deck_is_read_slide_by_slide_and_downloaded_beside() {
    const DECK: &str = "http://notes.test/flows.pptx";
    let harness =
        Harness::start(["course.test", "notes.test"], |_, seen| match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page_of(&[DECK])),
            ("notes.test", "/flows.pptx") => Reply::new(
                200,
                "content-type: application/octet-stream",
                deck("Flows &lt;b&gt; and their inverses"),
            ),
            _ => Reply::not_found(),
        })
        .await;
    harness.one_course();
    harness.check(1).await;
    let server = open_course(&harness).await;
    let list = server.get("/c/c/").await.text();
    let address = |page: &str, start: &str| {
        let at = page.find(&format!("href=\"{start}")).unwrap_or_else(|| panic!("no {start} in {page}")) + 6;
        page[at..].split('"').next().unwrap().to_owned()
    };
    let copy = server.get(&address(&list, "/a/")).await.text();
    let shown = server.get(&address(&copy, "/view/")).await;
    assert!(
        shown.text().contains("<h2>Slide 1</h2><p>Flows &lt;b&gt; and their inverses</p>"),
        "{}",
        shown.text()
    );
    let file = server.get(&address(&copy, "/blob/")).await;
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"flows.pptx\""));
    assert_eq!(file.body, deck("Flows &lt;b&gt; and their inverses"));
    let found = server.get("/c/c/?q=inverses").await.text();
    assert!(found.contains("#page=1"), "{found}");
}

/// The service for the archive of a harness, with its copies open.
async fn open_course(harness: &Harness) -> Server {
    let rules = CourseRules {
        copies: CopyRules { openness: Openness::Open, ..CopyRules::default() },
        ..CourseRules::new("c".parse().unwrap())
    };
    let settings = ServeSettings { courses: vec![rules], ..ServeSettings::default() };
    Server::over(&harness.archive(), settings, time_of(2).parse().unwrap()).await
}

#[tokio::test]
async fn a_page_that_a_browser_showed_opens_and_says_so() {
    let Some((harness, _browser)) = crate::render::nights::one_night().await else { return };
    let server = open_course(&harness).await;
    let link = "http://app.test/explorable";
    let captures = server.catalogue.captures(&link.parse().unwrap()).await.unwrap();
    let id = captures[0].capture.id();
    let copy = server.get(&format!("/a/{id}")).await.text();
    assert!(copy.contains("It was kept as a browser showed it"), "{copy}");
    let shown = server.get(&format!("/view/{id}/")).await;
    assert!(
        shown.text().contains("The explorable 39") && !shown.text().contains("<script"),
        "{}",
        shown.text()
    );
    assert!(shown.text().contains(&format!("<img src=\"/view/{id}/1\"")), "{}", shown.text());
    let pdf = captures[0].files().count() - 1;
    assert!(
        copy.contains(&format!("href=\"/view/{id}/{pdf}\">Download <bdi>Explorable.pdf</bdi>")),
        "{copy}"
    );
    let pdf = server.get(&format!("/view/{id}/{pdf}")).await;
    assert!(pdf.body.starts_with(b"%PDF"), "{}", pdf.status);
    assert_eq!(pdf.header("content-type"), Some("application/pdf"));
    assert_eq!(pdf.header("content-disposition"), Some("inline; filename=\"Explorable.pdf\""));
    let zip = super::downloads::unzipped(&server.get("/c/c/readings.zip").await.body);
    assert_eq!(zip["Explorable.pdf"], pdf.body);
    let index = String::from_utf8_lossy(&zip["index.html"]);
    assert!(index.contains("<a href=\"Explorable.pdf\">PDF</a>"), "{index}");
    let found = server.get("/c/c/?q=schedules").await.text();
    assert!(found.contains("found inside 1 copy"), "{found}");
    let (code, output) = harness.run(&["verify"]).await;
    assert_eq!(code, 0, "{output}");
}

#[tokio::test]
async fn two_readings_of_a_course_never_have_one_name() {
    let links =
        ["http://notes.test/one/notes.txt", "http://notes.test/two/Notes.txt", "http://notes.test/b.txt"];
    let harness = Harness::start(["course.test", "notes.test"], move |_, seen| match &*seen.host {
        "course.test" if seen.target == "/" => Reply::page(&page_of(&links)),
        "notes.test" if seen.target != "/robots.txt" => {
            Reply::new(200, "content-type: text/plain", format!("The notes at {}. ", seen.target).repeat(40))
        }
        _ => Reply::not_found(),
    })
    .await;
    harness.one_course();
    let night = harness.check(1).await;
    let server = open_course(&harness).await;
    let mut names = Vec::new();
    for link in links {
        let sha256 = night.link(link)["capture"]["sha256"].as_str().unwrap().to_owned();
        let reply = server.get(&format!("/blob/{sha256}/x")).await;
        names.push(reply.header("content-disposition").unwrap().to_owned());
    }
    let expected = ["notes.txt", "Notes (2).txt", "b.txt"].map(|name| format!("inline; filename=\"{name}\""));
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_copy_has_the_name_that_its_host_gave_it() {
    let link = "http://notes.test/download?id=7";
    let harness = Harness::start(["course.test", "notes.test"], move |_, seen| match &*seen.host {
        "course.test" if seen.target == "/" => Reply::page(&page_of(&[link])),
        "notes.test" if seen.target != "/robots.txt" => {
            let head =
                "content-type: text/plain\ncontent-disposition: attachment; filename=\"Lecture 7.txt\"";
            Reply::new(200, head, "The notes on samplers. ".repeat(40))
        }
        _ => Reply::not_found(),
    })
    .await;
    harness.one_course();
    let night = harness.check(1).await;
    let sha256 = night.link(link)["capture"]["sha256"].as_str().unwrap().to_owned();
    let name = async || {
        let reply = open_course(&harness).await.get(&format!("/blob/{sha256}/x")).await;
        let name = reply.header("content-disposition");
        name.unwrap_or_else(|| panic!("{}", reply.text())).to_owned()
    };
    assert_eq!(name().await, "inline; filename=\"Lecture 7.txt\"");
    assert_eq!(move_heads_to_blobs(&harness).await.len(), 1);
    assert_eq!(name().await, "inline; filename=\"Lecture 7.txt\"", "from the blob");
}
