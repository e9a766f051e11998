//! The list of a course, the page of a copy, and `/go`.

use onreserve::domain::course::Openness;

use super::course::{
    ALIVE, CHANGED, FLAKY, GONE, GONE_PAGE, HOSTILE, LICENSED, NEVER, NIGHTS, OWN, PARKED, TAKEN, start_of,
};
use super::{Server, id, settings};

#[tokio::test]
async fn the_list_has_the_order_of_the_page_and_links_that_open() {
    let server = Server::start().await;
    let reply = server.get("/c/dgm/").await;
    assert_eq!(reply.status, 200);
    let html = reply.text();
    let order = [
        "Calendar",
        "Week 1, Tue 15 Sep",
        "A living paper",
        "Week 2, Tue 22 Sep",
        "A lost paper",
        "A lost post",
        "Week 3",
        "Slides: diffusion",
        "Further material",
        "A paper that never opened",
        "Lecture 1<",
        "Lecture 12<",
    ];
    let list = &html[html.find("<section>").unwrap()..];
    let places: Vec<usize> = order.iter().map(|text| list.find(text).expect(text)).collect();
    assert!(places.is_sorted(), "{places:?}");
    for (living, href) in
        [("A living paper", ALIVE), ("A licensed paper", LICENSED), ("A guide to training", FLAKY)]
    {
        assert!(
            html.contains(&format!("<a href=\"{href}\" rel=\"noreferrer\" dir=\"auto\">{living}</a>")),
            "{living}"
        );
    }
    let after = |text: &str| html[html.find(text).unwrap()..].split("</li>").next().unwrap().to_owned();
    assert!(after("A lost post").contains("the original is gone"));
    assert!(after("A lost paper").contains("opens our copy (PDF, 60 pages,"));
    assert!(after("Notes on sampling").contains("belongs to someone else"));
    assert!(after("A guide to training").contains("may be down"));
    assert!(after("Slides: diffusion").contains("changed since it was assigned"));
    for dead in [GONE, PARKED, NEVER, TAKEN] {
        assert!(!html.contains(&format!("href=\"{dead}\"")), "{dead} is linked");
    }
}

#[tokio::test]
async fn a_long_list_has_a_link_to_the_next_class() {
    let server = Server::start().await;
    let all = server.get("/c/dgm/").await.text();
    assert!(all.contains("<a href=\"#next\">Next: <bdi>Week 2, Tue 22 Sep</bdi></a>"), "{all}");
    assert_eq!(all.matches("id=\"next\"").count(), 1);
    let goal = all[all.find("id=\"next\"").unwrap()..].split("</h3>").next().unwrap().to_owned();
    assert!(goal.contains("Week 2, Tue 22 Sep") && goal.contains(">next<"), "{goal}");
    let few = server.get("/c/dgm/?q=flows").await.text();
    assert!(!few.contains("#next"), "{few}");
}

#[tokio::test]
async fn the_filter_is_a_form_and_needs_every_word() {
    let server = Server::start().await;
    let some = server.get("/c/dgm/?q=LIVING+paper").await.text();
    assert!(some.contains("1 of 23 readings match") && some.contains("A living paper"));
    assert!(!some.contains("A lost p"));
    let row = server.get("/c/dgm/?q=flows").await.text();
    assert!(row.contains("2 of 23 readings match"), "the topic is in the row, not in the link");
    let week = server.get("/c/dgm/?q=week+vaes").await.text();
    assert!(week.contains("2 of 23 readings match"), "{week}");
    let none = server.get("/c/dgm/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E%20nothing").await.text();
    assert!(none.contains("0 of 23") && !none.contains("<script"));
}

#[tokio::test]
async fn foreign_text_is_never_markup() {
    let mut open = settings();
    open.courses[0].copies.openness = Openness::Open;
    let server = Server::with(open, start_of(NIGHTS + 1)).await;
    let captures = server.catalogue.captures(&GONE.parse().unwrap()).await.unwrap();
    let mut pages = vec!["/".to_owned(), "/c/dgm/".to_owned(), format!("/a/{}", captures[0].capture.id())];
    for link in [GONE, GONE_PAGE, NEVER, PARKED, TAKEN, FLAKY] {
        pages.push(format!("/go/{}", id(link)));
    }
    pages.push("/go?url=%3Cscript%3Ealert(1)%3C/script%3E".to_owned());
    pages.push("/go/%3Cscript%3Ealert(1)%3C%2Fscript%3E".to_owned());
    pages.push("/nowhere/%3Cscript%3Ealert(1)%3C/script%3E".to_owned());
    for page in pages {
        let reply = server.get(&page).await;
        let html = reply.text();
        for markup in ["<script", "<img", "onerror=alert(1)>", "javascript:", HOSTILE] {
            assert!(!html.contains(markup), "{page}: {markup}\n{html}");
        }
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'self'"), "{page}: {policy}");
        for origin in ["src=\"http", "src=\"//", "<iframe", "<form action=\"http"] {
            assert!(!html.contains(origin), "{page}");
        }
    }
}

#[tokio::test]
async fn the_page_of_a_copy_describes_it() {
    let server = Server::start().await;
    let captures = server.catalogue.captures(&GONE.parse().unwrap()).await.unwrap();
    let capture = &captures[0].capture;
    let reply = server.get(&format!("/a/{}", capture.id())).await;
    let html = reply.text();
    assert_eq!(reply.status, 200);
    for part in [
        "The original is gone. This is the course",
        "Open the copy (PDF, 60 pages, ",
        &format!("/blob/{}/gone.pdf", capture.sha256),
        "<dt>Copied on</dt><dd>Mon 14 Sep 2026</dd>",
        "<dd>Tue 15 Sep 2026</dd>",
        &format!("<code>{GONE}</code>"),
        &format!("<code>{}</code>", capture.sha256),
        "mailto:staff@course.example?subject=",
        "mailto:library@course.example?subject=",
    ] {
        assert!(html.contains(part), "{part}\n{html}");
    }
    for wrong in ["/a/x", "/a/0000000000000000-20260914023000", "/a/..%2f..%2fetc"] {
        assert_eq!(server.get(wrong).await.status, 404, "{wrong}");
    }
    let closed = server.catalogue.captures(&ALIVE.parse().unwrap()).await.unwrap();
    let closed = server.get(&format!("/a/{}", closed[0].capture.id())).await;
    assert_eq!(closed.status, 403);
    assert!(!closed.text().contains("Open the copy") && closed.text().contains("confirmed to be gone"));
}

#[tokio::test]
async fn the_page_of_each_version_lists_all_versions() {
    let mut open = settings();
    open.courses[0].copies.openness = Openness::Open;
    let server = Server::with(open, start_of(NIGHTS + 1)).await;
    let captures = server.catalogue.captures(&CHANGED.parse().unwrap()).await.unwrap();
    assert_eq!(captures.len(), 2);
    let first = server.get(&format!("/a/{}", captures[0].capture.id())).await.text();
    assert!(first.contains("<strong aria-current=\"true\">Mon 14 Sep 2026</strong>"), "{first}");
    assert!(first.contains(&format!("<a href=\"/a/{}\">Thu 17 Sep 2026</a>", captures[1].capture.id())));
}

#[tokio::test]
async fn go_leads_to_the_original_or_the_copy() {
    let server = Server::start().await;
    for (link, status) in [
        (ALIVE, 302),
        (CHANGED, 302),
        (FLAKY, 302),
        (LICENSED, 302),
        (OWN, 302),
        (GONE, 200),
        (PARKED, 200),
        (NEVER, 404),
        (TAKEN, 451),
    ] {
        let reply = server.get(&format!("/go/{}", id(link))).await;
        assert_eq!(reply.status, status, "{link}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{link}");
        assert_eq!(reply.header("location"), (status == 302).then_some(link), "{link}");
        let encoded: String = url::form_urlencoded::byte_serialize(link.as_bytes()).collect();
        assert_eq!(server.get(&format!("/go?url={encoded}")).await.status, status, "{link}");
    }
    let parked = server.get(&format!("/go/{}", id(PARKED))).await.text();
    assert!(parked.contains("belongs to someone else") && !parked.contains(&format!("href=\"{PARKED}")));
    let after = Server::with(settings(), "2027-01-10T00:00:00Z".parse().unwrap()).await;
    assert_eq!(after.get(&format!("/go/{}", id(GONE))).await.status, 403);
}

#[tokio::test]
async fn go_follows_only_links_of_a_course() {
    let server = Server::start().await;
    for target in [
        "/go?url=https%3A%2F%2Fevil.example%2F",
        "/go?url=//evil.example/",
        "/go?url=javascript:alert(1)",
        "/go?url=http://papers.example/alive.pdf.evil.example/",
        "/go?url=http://papers.example@evil.example/alive.pdf",
        "/go?url=",
        "/go",
        "/go/0000000000000000",
        "/go/https:%2F%2Fevil.example",
        "/go//evil.example",
    ] {
        let reply = server.get(target).await;
        assert_eq!((reply.status, reply.header("location")), (404, None), "{target}");
    }
    let known = server.get("/go?url=https%3A%2F%2Fwww.papers.example%2Falive.pdf").await;
    assert_eq!(known.header("location"), Some(ALIVE), "it differs only in its canonical form");
}

#[tokio::test]
async fn licensed_links_go_through_the_library() {
    let mut proxied = settings();
    proxied.library_proxy = Some("https://proxy.school.example/login?url=".to_owned());
    let server = Server::with(proxied, start_of(6)).await;
    let reply = server.get(&format!("/go/{}", id(LICENSED))).await;
    let proxied = "https://proxy.school.example/login?url=http%3A%2F%2Fpress%2Eexample%2Flicensed%2Epdf";
    assert_eq!(reply.header("location"), Some(proxied));
}

#[tokio::test]
async fn a_base_path_works_with_and_without_a_proxy_that_removes_it() {
    let mut below = settings();
    below.base_url = "https://school.example/cs/links/".parse().unwrap();
    let server = Server::with(below, start_of(6)).await;
    for path in ["/cs/links/c/dgm/", "/c/dgm/"] {
        let html = server.get(path).await.text();
        for attribute in ["href=\"/", "action=\"/"] {
            for (at, _) in html.match_indices(attribute) {
                let rest = &html[at + attribute.len() - 1..];
                assert!(rest.starts_with("/cs/links/"), "{path}: {}", &rest[..40]);
            }
        }
    }
    assert_eq!(server.get("/c/dgm").await.header("location"), Some("/cs/links/c/dgm/"));
}

#[tokio::test]
async fn a_course_without_a_night_has_a_message() {
    let mut other = settings();
    other.courses[0].id = "new".parse().unwrap();
    let server = Server::with(other, start_of(6)).await;
    let reply = server.get("/c/new/").await;
    assert!(reply.status == 404 && reply.text().contains("appear here after its first check"));
    assert_eq!(server.get("/c/dgm/").await.status, 404);
    assert_eq!(server.get("/c/../").await.status, 404);
}
