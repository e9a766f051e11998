//! A course after five nights, with a link in every state and hostile text on its pages.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use lopdf::content::{Content, Operation};
use lopdf::{Document, Object, Stream, StringFormat, dictionary};
use onreserve::domain::course::{Course, PageSource, Term};
use onreserve::night;
use onreserve::world::clock::Clock;
use onreserve::world::document_reader::Reader;
use onreserve::world::{World, fetch};

use crate::engines;
use crate::fetch::site::{Reply, Seen, Site};

pub(crate) const NIGHTS: u32 = 5;
/// The hostile text that authors of pages write.
pub(crate) const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>";
pub(crate) const ESCAPED: &str =
    "&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;";

pub(crate) const ALIVE: &str = "http://papers.example/alive.pdf";
pub(crate) const GONE: &str = "http://papers.example/gone.pdf";
pub(crate) const GONE_PAGE: &str = "http://blog.example/gone-post?id=1&x=%22%3Cb%3E";
pub(crate) const NEVER: &str = "http://never.example/lost.pdf";
pub(crate) const PARKED: &str = "http://parked.example/notes.html";
pub(crate) const FLAKY: &str = "http://flaky.example/guide.pdf";
pub(crate) const CHANGED: &str = "http://lab.example/slides.pdf";
pub(crate) const REPLACED: &str = "http://lab.example/tutorial.pdf";
pub(crate) const LICENSED: &str = "http://press.example/licensed.pdf";
pub(crate) const TAKEN: &str = "http://owner.example/taken.pdf";
pub(crate) const OWN: &str = "http://course.example/dgm/1.pdf";
pub(crate) const SVG: &str = "http://course.example/dgm/figure.svg";

/// The archive of the course, made once for all tests.
pub(crate) fn archive() -> &'static Path {
    static ARCHIVE: OnceLock<PathBuf> = OnceLock::new();
    ARCHIVE.get_or_init(|| archive_of(NIGHTS, answer))
}

/// The archive of a course with these responses, after a number of nights.
pub(crate) fn archive_of(nights: u32, answer: Answers) -> PathBuf {
    let made = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(nights_of(nights, answer))
    });
    made.join().unwrap()
}

/// The response of a host on a night.
type Answers = fn(&Seen, u32) -> Reply;

pub(crate) fn start_of(night: u32) -> Timestamp {
    let first = date(2026, 9, 14).at(2, 30, 0, 0).to_zoned_datetime(TimeZone::UTC).unwrap();
    first.checked_add((i64::from(night) - 1).days()).unwrap().timestamp()
}

pub(crate) fn term() -> Term {
    Term { first: date(2026, 9, 14), last: date(2026, 12, 4) }
}

async fn nights_of(nights: u32, answer: Answers) -> PathBuf {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap().keep();
    engines::prepare(&dir.join("archive"));
    for number in 1..=nights {
        night_with(&dir.join("archive"), number, answer).await;
    }
    // The archive directory is copied for each server and not opened itself.
    engines::copy(&dir.join("archive"), &dir.join("untouched"));
    dir.join("archive")
}

/// One more night over an archive of the course.
pub(crate) async fn night_over(archive: &Path, number: u32) {
    night_with(archive, number, answer).await;
}

async fn night_with(archive: &Path, number: u32, answer: Answers) {
    let site = Site::start(move |seen| answer(seen, number)).await;
    let clock = Clock::pretending(start_of(number));
    let (place, location) = engines::places(archive);
    let mut world = World::open_with(&place, &location, settings(site.address), clock).await.unwrap();
    world.reader = Reader::new(env!("CARGO_BIN_EXE_onreserve").into());
    let finished = night::run(&[course()], night::NightScope::AllLinks, &world, &|_| ()).await.unwrap();
    assert!(finished.void.is_none(), "{:?}", finished.void);
    world.catalogue.clone().close().await;
}

/// A separate archive, for a test that changes it.
pub(crate) fn copied_archive() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let to = dir.path().join("archive");
    engines::copy(&archive().with_file_name("untouched"), &to);
    (dir, to)
}

fn course() -> Course {
    Course {
        id: "dgm".parse().unwrap(),
        title: format!("Deep Generative Models {HOSTILE}"),
        pages: vec![PageSource::parse("http://course.example/dgm/").unwrap()],
        follow: None,
        kinds: Vec::new(),
        time_zone: TimeZone::UTC,
        term: Some(term()),
        contact: None,
        report_to: Vec::new(),
        webhooks: Vec::new(),
        source: None,
        copies: None,
    }
}

fn settings(place: SocketAddr) -> fetch::FetchSettings {
    let hosts = ["course", "papers", "blog", "never", "parked", "flaky", "lab", "press", "owner"];
    fetch::FetchSettings {
        delay: Duration::ZERO,
        allow_private_networks: true,
        resolve: hosts.iter().map(|host| (format!("{host}.example"), place)).collect(),
        ..fetch::FetchSettings::default()
    }
}

fn page() -> String {
    let lecture = |n: u32| format!("<li><a href=\"{n}.pdf\">Lecture {n}</a>, slides</li>\n");
    let own = (1..=12).map(lecture).collect::<Vec<_>>().concat();
    format!(
        "<!doctype html><html lang=en><head><title>Course {ESCAPED}</title></head><body>
<h1>Deep Generative Models</h1>
<h2>Calendar {ESCAPED}</h2>
<table><tr><th>Week</th><th>Date</th><th>Topic</th><th>Readings</th></tr>
<tr><td>1</td><td>Tue Sep 15</td><td>Introduction</td><td><a href=\"{ALIVE}\">A living paper</a></td></tr>
<tr><td>2</td><td>Tue Sep 22</td><td>Flows {ESCAPED}</td><td><a href=\"{GONE}\">A lost paper {ESCAPED}</a>,
<a href=\"{}\">A lost post</a></td></tr>
<tr><td>3</td><td>Tue Sep 29</td><td>VAEs</td><td><a href=\"{CHANGED}\">Slides: diffusion</a>,
<a href=\"{LICENSED}\">A licensed paper</a></td></tr>
</table>
<h2>Further material</h2>
<ul><li><a href=\"{NEVER}\">A paper that never opened</a></li>
<li><a href=\"{PARKED}\">Notes on sampling</a></li>
<li><a href=\"{FLAKY}\">A guide to training</a></li>
<li><a href=\"{TAKEN}\">A withdrawn reading</a></li>
<li><a href=\"{REPLACED}\">A tutorial on scores</a></li>
<li><a href=\"figure.svg\">A figure</a></li>
<li><a href=\"javascript:alert(1)\">Office hours</a></li></ul>
<h3>Lectures</h3><ul>{own}</ul></body></html>",
        GONE_PAGE.replace('&', "&amp;"),
    )
}

pub(crate) fn answer(seen: &Seen, night: u32) -> Reply {
    let host = seen.host.split(':').next().unwrap_or_default();
    let gone = Reply::new(410, "content-type: text/html", "<h1>Gone</h1>");
    match (host, seen.target.as_str()) {
        (_, "/robots.txt") => Reply::not_found(),
        (_, "/") => Reply::page(&article("Welcome", "hosts have front pages")),
        ("course.example", "/dgm/") => Reply::new(200, "content-type: text/html; charset=utf-8", page()),
        ("course.example", "/dgm/figure.svg") => Reply::new(
            200,
            "content-type: image/svg+xml",
            "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        ),
        ("course.example", path) if path.ends_with(".pdf") => pdf_reply(path, 3),
        ("papers.example", "/alive.pdf") => pdf_reply("A living paper", 9),
        ("papers.example", "/gone.pdf") if night < 3 => pdf_reply(HOSTILE, 60),
        ("blog.example", _) if night < 3 => Reply::new(
            200,
            "content-type: text/html; charset=utf-8
             set-cookie: a=b
             refresh: 0; url=http://evil.example/
             strict-transport-security: max-age=1000
             access-control-allow-origin: *",
            article(ESCAPED, "<script>document.title='ran'</script>"),
        ),
        ("parked.example", _) if night < 3 => Reply::page(&article("Notes on sampling", "of many things")),
        ("parked.example", _) => {
            Reply::page("<title>parked.example</title><p>This domain is for sale. Buy this domain")
        }
        ("flaky.example", _) if night < 4 => pdf_reply("A guide", 4),
        ("flaky.example", _) => Reply::new(503, "", "down"),
        ("lab.example", "/tutorial.pdf") if night < 4 => pdf_reply("A tutorial", 4),
        ("lab.example", "/tutorial.pdf") => Reply::new(200, "content-type: application/pdf", other_work()),
        ("lab.example", _) if night < 4 => pdf_reply("Diffusion", 4),
        ("lab.example", _) => pdf_reply("Something else entirely", 7),
        ("press.example", _) => pdf_reply("Licensed", 4),
        ("owner.example", _) if night < 3 => pdf_reply("Taken", 4),
        _ => gone,
    }
}

pub(crate) fn article(title: &str, extra: &str) -> String {
    let words =
        |n: usize| format!("{title} paragraph {n} speaks of models, samples and scores, at some length. ");
    let paragraph = |n| format!("<p>{}{}</p>", words(n), words(n * 7));
    let paragraphs = (0..20).map(paragraph).collect::<Vec<_>>().concat();
    format!("<!doctype html><title>{title}</title><main><h1>{title}</h1>{paragraphs}<p>{extra}</p></main>")
}

fn pdf_reply(title: &str, pages: u32) -> Reply {
    Reply::new(200, "content-type: application/pdf", pdf(title, pages))
}

/// A PDF with `title` in its text and metadata.
pub(crate) fn pdf(title: &str, pages: u32) -> Vec<u8> {
    pdf_with(title, pages, 0)
}

/// The same, with additional bytes that no page shows.
pub(crate) fn pdf_with(title: &str, pages: u32, more: usize) -> Vec<u8> {
    pdf_of(title, pages, more, |title, page, line| {
        format!("{title}: page {page} says in line {line} what no other line says.")
    })
}

/// A PDF that has hardly a word of the others.
fn other_work() -> Vec<u8> {
    const STALLS: [&str; 5] = ["baker", "grocer", "fishmonger", "florist", "potter"];
    const GOODS: [&str; 8] = ["apples", "bread", "cheese", "roses", "herring", "bowls", "leeks", "honey"];
    pdf_of("Market days", 7, 0, |_, page, line| {
        let [stall, first, then] = [page % 5, line % 8, line / 8 + page].map(|n| n as usize);
        let (stall, first, then) = (STALLS[stall], GOODS[first], GOODS[then % 8]);
        format!("Every {stall} sold {first} before {then} until noon.")
    })
}

/// A PDF with `sentence(title, page, line)` in each of its lines.
fn pdf_of(title: &str, pages: u32, more: usize, sentence: fn(&str, u32, u32) -> String) -> Vec<u8> {
    let mut pdf = Document::with_version("1.5");
    let root = pdf.new_object_id();
    let font =
        pdf.add_object(dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica" });
    let resources = pdf.add_object(dictionary! { "Font" => dictionary! { "F1" => font } });
    let kids: Vec<Object> = (0..pages)
        .map(|page| {
            let content =
                pdf.add_object(Stream::new(dictionary! {}, words(|line| sentence(title, page, line))));
            pdf.add_object(dictionary! { "Type" => "Page", "Parent" => root, "Contents" => content }).into()
        })
        .collect();
    let tree = dictionary! {
        "Type" => "Pages", "Kids" => kids, "Count" => i64::from(pages), "Resources" => resources,
        "MediaBox" => vec![0.into(), 0.into(), 612.into(), 792.into()],
    };
    pdf.objects.insert(root, Object::Dictionary(tree));
    let catalog = pdf.add_object(dictionary! { "Type" => "Catalog", "Pages" => root });
    let text = Object::String(title.as_bytes().to_vec(), StringFormat::Literal);
    let info = pdf.add_object(dictionary! { "Title" => text });
    if more > 0 {
        pdf.add_object(Stream::new(dictionary! {}, vec![b'.'; more]));
    }
    pdf.trailer.set("Root", catalog);
    pdf.trailer.set("Info", info);
    let mut bytes = Vec::new();
    pdf.save_to(&mut bytes).unwrap();
    bytes
}

fn words(sentence: impl Fn(u32) -> String) -> Vec<u8> {
    let mut operations = vec![
        Operation::new("BT", vec![]),
        Operation::new("Tf", vec!["F1".into(), 11.into()]),
        Operation::new("TL", vec![16.into()]),
        Operation::new("Td", vec![72.into(), 720.into()]),
    ];
    for line in 0..40 {
        operations.push(Operation::new("Tj", vec![Object::string_literal(sentence(line))]));
        operations.push(Operation::new("T*", vec![]));
    }
    operations.push(Operation::new("ET", vec![]));
    Content { operations }.encode().unwrap()
}
