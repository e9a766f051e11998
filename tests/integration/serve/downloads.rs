//! What a reader takes away: all copies, references, due dates and changes.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};
use std::path::PathBuf;

use onreserve::domain::course::{CopyRules, Openness};
use onreserve::serve::{CourseRules, ServeSettings};
use serde_json::Value;

use super::Server;
use super::course::{ALIVE, GONE, LICENSED, TAKEN};
use super::password_login::{READERS, STAFF, closed, form_token, signed_in, today};
use crate::engines;
use crate::fetch::site::Reply;
use crate::harness::{Harness, article, time_of};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0";
const FILES: [&str; 6] =
    ["readings.zip", "readings.bib", "readings.ris", "readings.json", "due.ics", "changes.atom"];

/// The files of a ZIP archive.
pub(super) fn unzipped(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..zip.len())
        .map(|index| {
            let mut file = zip.by_index(index).unwrap();
            let mut content = Vec::new();
            file.read_to_end(&mut content).unwrap();
            (file.name().unwrap().into_owned(), content)
        })
        .collect()
}

/// A course with a paper, a page with a picture and a script, and two files of one name.
async fn course() -> (Harness, Server) {
    let harness = Harness::start(["course.test", "lab.test"], |night, seen| match (&*seen.host, &*seen.target) {
        ("course.test", "/") => Reply::page(
            "<!doctype html><title>A course</title><h1>A course</h1><table>\
             <tr><th>Date</th><th>Reading</th></tr>\
             <tr><td>1 October 2026</td><td><a href=http://lab.test/paper>Flows; a tour, &amp; more</a></td></tr>\
             <tr><td>8 October 2026</td><td><a href=http://lab.test/a/notes.txt>Notes</a> \
             <a href=http://lab.test/b/notes.txt>More notes</a></td></tr></table>",
        ),
        ("lab.test", "/paper") if night < 3 => {
            let head = "<meta name=citation_author content='Vaswani, Ashish'><meta name=citation_author \
                        content='Noam Shazeer'><meta name=citation_title content='Flows and more'>\
                        <meta name=citation_publication_date content='2017/06/12'>\
                        <script>document.title='ran'</script><link rel=stylesheet href=/s.css>";
            let page = article("The reading at http://lab.test/paper");
            Reply::page(&page.replace("<main>", &format!("{head}<main><img src=/a.png>")))
        }
        ("lab.test", "/a.png") => Reply::new(200, "content-type: image/png", PNG),
        ("lab.test", "/s.css") => Reply::new(200, "content-type: text/css", "body{background:url(a.png)}"),
        ("lab.test", "/a/notes.txt") => Reply::new(200, "content-type: text/plain", "The first notes. ".repeat(40)),
        ("lab.test", "/b/notes.txt") => Reply::new(200, "content-type: text/plain", "The other notes. ".repeat(40)),
        _ => Reply::not_found(),
    })
    .await;
    harness.one_course();
    for night in 1..=6 {
        harness.check(night).await;
    }
    let rules = CourseRules {
        copies: CopyRules { openness: Openness::Open, ..CopyRules::default() },
        ..CourseRules::new("c".parse().unwrap())
    };
    let settings = ServeSettings { courses: vec![rules], ..ServeSettings::default() };
    let server = Server::over(&harness.archive(), settings, time_of(7).parse().unwrap()).await;
    (harness, server)
}

/// A page that is a file of this machine has links to files beside it.
#[tokio::test]
async fn the_paths_of_local_files_are_not_for_readers() {
    let harness = Harness::start(["course.test"], |_, _| Reply::not_found()).await;
    let dir = harness.archive().with_file_name("page");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("page.md"), "# A course\n\n- [Notes](notes.txt)\n").unwrap();
    std::fs::write(dir.join("notes.txt"), "The notes of the course. ".repeat(40)).unwrap();
    let page = dir.join("page.md");
    harness.configure(&format!("[[course]]\nid = \"c\"\npage = \"{}\"\n", page.display()));
    harness.check(1).await;
    let rules = CourseRules {
        copies: CopyRules { openness: Openness::Open, ..CopyRules::default() },
        ..CourseRules::new("c".parse().unwrap())
    };
    let settings = ServeSettings { courses: vec![rules], ..ServeSettings::default() };
    let server = Server::over(&harness.archive(), settings, time_of(2).parse().unwrap()).await;
    let links = server.get("/api/v1/courses/c/links").await;
    let links: Value = serde_json::from_slice(&links.body).unwrap();
    let link = &links["links"][0];
    let mut paths = FILES.map(|file| format!("/c/c/{file}")).to_vec();
    paths.extend(["/c/c/", "/api/v1/courses/c/links", "/api/v1/courses/c/search?q=notes"].map(str::to_owned));
    for address in [&link["go"], &link["copy"]["page"]] {
        paths.push(address.as_str().unwrap().trim_start_matches("http://localhost:8080").to_owned());
    }
    paths.push(paths[paths.len() - 1].replace("/a/", "/api/v1/captures/"));
    for path in paths {
        let reply = server.get(&path).await;
        assert_eq!(reply.status, 200, "{path}");
        let texts = if path.ends_with(".zip") {
            unzipped(&reply.body)
        } else {
            BTreeMap::from([(path.clone(), reply.body)])
        };
        for text in texts.values().map(|bytes| String::from_utf8_lossy(bytes)) {
            assert!(!text.contains("file:") && !text.contains(dir.to_str().unwrap()), "{path}: {text}");
        }
    }
}

#[tokio::test]
async fn all_copies_are_in_one_archive_and_are_read_without_the_service() {
    let (_harness, server) = course().await;
    let reply = server.get("/c/c/readings.zip").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/zip")));
    assert_eq!(reply.header("content-disposition"), Some("attachment; filename=\"c-readings.zip\""));
    let files = unzipped(&reply.body);
    let names: Vec<&str> =
        files.keys().map(String::as_str).filter(|name| !name.starts_with("files/")).collect();
    assert_eq!(names, ["index.html", "notes (2).txt", "notes.txt", "paper.html"]);
    assert!(files["notes (2).txt"].starts_with(b"The other notes"));
    let page = String::from_utf8(files["paper.html"].clone()).unwrap();
    assert!(!page.contains("<script") && page.contains("script-src 'none'"), "{page}");
    let needed: Vec<(&String, &Vec<u8>)> =
        files.iter().filter(|(name, _)| name.starts_with("files/")).collect();
    assert_eq!(needed.len(), 2);
    let picture = needed.iter().find(|(_, bytes)| *bytes == PNG).unwrap().0;
    assert!(picture.ends_with(".png") && page.contains(picture.as_str()), "{page}");
    let sheet = needed.iter().find(|(name, _)| name.ends_with(".css")).unwrap();
    let picture = picture.strip_prefix("files/").unwrap();
    assert!(String::from_utf8_lossy(sheet.1).contains(picture), "{sheet:?}");
    let index = String::from_utf8(files["index.html"].clone()).unwrap();
    assert!(
        index.contains("href=\"notes%20%282%29.txt\"") && index.contains("Flows; a tour, &amp; more"),
        "{index}"
    );
}

#[tokio::test]
async fn references_have_what_the_papers_say_of_themselves() {
    let (_harness, server) = course().await;
    let bib = server.get("/c/c/readings.bib").await;
    assert_eq!(bib.header("content-disposition"), Some("attachment; filename=\"c-readings.bib\""));
    assert!(bib.text().contains("@misc{vaswani2017flows,\n  title = {{Flows and more}},"), "{}", bib.text());
    assert!(bib.text().contains("author = {Vaswani, Ashish and Shazeer, Noam}"), "{}", bib.text());
    let ris = server.get("/c/c/readings.ris").await.text();
    assert_eq!(ris.matches("ER  - ").count(), 3);
    assert!(ris.contains("AU  - Shazeer, Noam\r\n") && ris.contains("DA  - 2017/06/12\r\n"), "{ris}");
    let csl: Value = serde_json::from_slice(&server.get("/c/c/readings.json").await.body).unwrap();
    assert_eq!(csl[0]["author"][0]["family"], "Vaswani");
    assert_eq!(csl[0]["issued"]["date-parts"][0], serde_json::json!([2017, 6, 12]));
    assert_eq!(csl[1]["title"], "Notes");
}

#[tokio::test]
async fn due_dates_and_changes_are_for_calendars_and_feed_readers() {
    let (_harness, server) = course().await;
    let reply = server.get("/c/c/due.ics").await;
    assert_eq!(reply.header("content-type"), Some("text/calendar; charset=utf-8"));
    let calendar = reply.text();
    assert_eq!(calendar.matches("BEGIN:VEVENT").count(), 2);
    assert!(calendar.contains("DTSTART;VALUE=DATE:20261001\r\nDTEND;VALUE=DATE:20261002\r\n"), "{calendar}");
    assert!(calendar.contains("SUMMARY:Read: Flows\\; a tour\\, & more\r\n"), "{calendar}");
    let reply = server.get("/c/c/changes.atom").await;
    let text = reply.text();
    let feed = roxmltree::Document::parse(&text).unwrap();
    let titles: Vec<&str> = feed
        .descendants()
        .filter(|node| node.has_tag_name(("http://www.w3.org/2005/Atom", "title")))
        .filter_map(|node| node.text())
        .collect();
    assert_eq!(titles[1], "Flows; a tour, & more: the original is gone", "{text}");
    let tag = reply.header("etag").unwrap().to_owned();
    assert_eq!(server.get_with("/c/c/changes.atom", &[("if-none-match", &tag)]).await.status, 304);
}

#[tokio::test]
async fn only_copies_that_open_are_taken_away_and_only_by_readers() {
    let server = Server::start().await;
    let zip = server.get("/c/dgm/readings.zip").await;
    let index = String::from_utf8(unzipped(&zip.body)["index.html"].clone()).unwrap();
    assert!(index.contains(GONE), "{index}");
    assert!([ALIVE, LICENSED, TAKEN].iter().all(|closed| !index.contains(closed)), "{index}");
    let server = Server::with(closed(), today()).await;
    let list = server.get("/c/dgm/").await;
    for file in FILES {
        let reply = server.get(&format!("/c/dgm/{file}")).await;
        assert_eq!(reply.status, list.status, "{file}");
        assert!(!reply.text().contains(GONE), "{file}");
    }
}

/// Posts the form of the addresses; returns the page.
async fn change(server: &Server, session: &str, fields: &[(&str, &str)]) -> String {
    let page = server.get_with("/c/dgm/subscribe", &[("Cookie", session)]).await.text();
    let all = [&[("form_token", form_token(&page))], fields].concat();
    let reply = server.post("/c/dgm/subscribe", &[("Cookie", session)], &all).await;
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    reply.text()
}

/// The path of the calendar on the page that shows it once.
fn calendar_on(page: &str) -> String {
    let at = page.find("/c/dgm/due.ics?token=").unwrap_or_else(|| panic!("{page}"));
    page[at..].split('<').next().unwrap().to_owned()
}

/// A copy of the archive whose catalogue is made anew from the journal.
async fn rebuilt() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("archive");
    engines::copy_without_catalogue(super::course::archive(), &archive);
    let (code, output) = crate::harness::run_on(&archive, &["rebuild"]).await;
    assert_eq!(code, 0, "{output}");
    (dir, archive)
}

#[tokio::test]
async fn a_calendar_reads_a_closed_course_by_a_secret_address_until_it_is_withdrawn() {
    // All of it is one test, because the withdrawal of all addresses holds for the archive.
    let server = Server::with(closed(), today()).await;
    let session = signed_in(&server, READERS).await;
    let calendar = calendar_on(&change(&server, &session, &[("do", "make")]).await);
    let other = calendar_on(&change(&server, &session, &[("do", "make")]).await);
    let reply = server.get(&calendar).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/calendar; charset=utf-8")));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let feed = calendar.replace("due.ics", "changes.atom");
    assert_eq!(server.get(&feed).await.status, 200);
    // It opens nothing else, and no other address does.
    for path in ["readings.zip", "readings.bib", ""] {
        assert_ne!(server.get(&calendar.replace("due.ics", path)).await.status, 200, "{path}");
    }
    for wrong in
        [&calendar[..calendar.len() - 1], &calendar.replace("token=", "token=0"), "/c/dgm/due.ics?token="]
    {
        assert_ne!(server.get(wrong).await.status, 200, "{wrong}");
    }
    // A new password of the course ends the addresses of the old one.
    let mut changed = closed();
    changed.courses[0].admission.readers = onreserve::domain::policy::course_access::Readers::Password(
        super::password_login::hash("another word"),
    );
    assert_ne!(Server::with(changed, today()).await.get(&calendar).await.status, 200);
    assert_eq!(server.get(&calendar).await.status, 200);
    let withdrawn_before_rebuild = calendar_on(&change(&server, &session, &[("do", "make")]).await);
    let withdrawal = [("do", "withdraw"), ("address", withdrawn_before_rebuild.as_str())];
    change(&server, &session, &withdrawal).await;
    let (_dir, rebuilt) = rebuilt().await;
    let after = Server::over(&rebuilt, closed(), today()).await;
    for (address, is_valid) in [(&calendar, true), (&other, true), (&withdrawn_before_rebuild, false)] {
        assert_eq!(after.get(address).await.status == 200, is_valid, "{address}");
    }
    let address = format!("https://links.school.edu{calendar}");
    let page = change(&server, &session, &[("do", "withdraw"), ("address", &address)]).await;
    assert!(page.contains("The address is withdrawn."), "{page}");
    assert_ne!(server.get(&calendar).await.status, 200);
    assert_eq!(server.get(&other).await.status, 200);
    // Staff withdraw all of them, readers cannot.
    change(&server, &session, &[("do", "withdraw_all")]).await;
    assert_eq!(server.get(&other).await.status, 200);
    let staff = signed_in(&server, STAFF).await;
    let page = change(&server, &staff, &[("do", "withdraw_all")]).await;
    assert!(page.contains("Withdrawn: "), "{page}");
    assert_ne!(server.get(&other).await.status, 200);
}
