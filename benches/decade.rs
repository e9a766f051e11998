//! Ten years of nights of one course, one after another at full speed: the size of the
//! catalogue and the journal, the time of a night, and the memory.
//!
//!     cargo bench --bench decade            # YEARS=2 for a short one
//!
//! The course has 169 links. A third of them die within the ten years and are replaced a
//! year later, some change, and each host has bad nights. The page is edited every week.
//! The web is simulated in the same process, so its memory is
//! counted too.

#![expect(clippy::unwrap_used, reason = "a failed bench may panic")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use onreserve::domain::course::{Course, PageSource};
use onreserve::night;
use onreserve::outbox::{self, EmailSender};
use onreserve::world::clock::Clock;
use onreserve::world::document_reader::Reader;
use onreserve::world::email::relay::{Relay, RelayConfig};
use onreserve::world::{World, fetch};

const LINKS: usize = 169;
const HOSTS: usize = 40;
const NIGHTS_A_YEAR: usize = 365;

#[tokio::main]
async fn main() {
    let years = std::env::var("YEARS").ok().and_then(|years| years.parse().ok()).unwrap_or(10);
    let today = Arc::new(AtomicUsize::new(0));
    let web = web(Arc::clone(&today)).await;
    let dir = tempfile::tempdir().unwrap();
    let first: Timestamp = "2026-09-01T02:30:00Z".parse().unwrap();
    let mut world =
        World::open(&dir.path().join("archive"), settings(web), Clock::pretending(first)).await.unwrap();
    world.reader = Reader::new(env!("CARGO_BIN_EXE_onreserve").into());
    let sender = EmailSender {
        from: "o@school.example".parse().unwrap(),
        relay: Relay::new(&RelayConfig::Directory { dir: dir.path().join("emails") }).unwrap(),
        signer: None,
        unsubscribe_url: None,
        pages: None,
    };
    let senders = outbox::Senders::from(sender);
    println!("{LINKS} links, {NIGHTS_A_YEAR} nights a year");
    println!("year   night (median, worst)   in memory   catalogue   journal   blobs              emails");
    for year in 0..years {
        let mut nights = Vec::new();
        for day in year * NIGHTS_A_YEAR..(year + 1) * NIGHTS_A_YEAR {
            today.store(day, Ordering::SeqCst);
            let at = first + SignedDuration::from_hours(24 * i64::try_from(day).unwrap());
            world.clock = Clock::pretending(at);
            let started = Instant::now();
            world.renew_fetch(&settings(web)).unwrap();
            let finished =
                night::run(&[course()], night::NightScope::AllLinks, &world, &|_| ()).await.unwrap();
            nights.push(started.elapsed());
            assert!(finished.void.is_none(), "day {day}: {:?}", finished.void);
            assert_eq!(finished.courses[0].facts.links.len(), LINKS);
            outbox::deliver_due(&world.catalogue, world.clock, &senders).await.unwrap();
        }
        tell(year + 1, nights, dir.path());
    }
}

fn tell(year: usize, mut nights: Vec<Duration>, dir: &Path) {
    nights.sort_unstable();
    let archive = dir.join("archive");
    let catalogue: u64 = ["", "-wal"]
        .iter()
        .filter_map(|end| std::fs::metadata(archive.join(format!("catalogue.sqlite3{end}"))).ok())
        .map(|file| file.len())
        .sum();
    let (_, journal) = files(&archive.join("captures"));
    let (blobs, bytes) = files(&archive.join("blobs"));
    let (emails, _) = files(&dir.join("emails"));
    println!(
        "{year:>4}   {:>6} ms {:>6} ms       {:>4} MiB    {:>5} MiB    {:>3} MiB   {blobs:>5} in {:>4} MiB   {emails:>4}",
        nights[nights.len() / 2].as_millis(),
        nights[nights.len() - 1].as_millis(),
        resident() >> 20,
        catalogue >> 20,
        journal >> 20,
        bytes >> 20
    );
}

/// The number of files in a directory, and their bytes.
fn files(dir: &Path) -> (usize, u64) {
    let (mut count, mut bytes) = (0, 0);
    let mut left = vec![dir.to_owned()];
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let about = entry.metadata().unwrap();
            if about.is_dir() {
                left.push(entry.path());
            } else {
                count += 1;
                bytes += about.len();
            }
        }
    }
    (count, bytes)
}

fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

fn course() -> Course {
    Course {
        id: "c".parse().unwrap(),
        title: "A course".to_owned(),
        pages: vec![PageSource::parse("http://course.example/").unwrap()],
        follow: None,
        kinds: Vec::new(),
        time_zone: TimeZone::UTC,
        term: None,
        contact: None,
        report_to: vec!["i@school.example".parse().unwrap()],
        webhooks: Vec::new(),
        source: None,
        copies: None,
    }
}

fn settings(web: SocketAddr) -> fetch::FetchSettings {
    let hosts = (0..HOSTS).map(|n| format!("h{n}.example"));
    fetch::FetchSettings {
        delay: Duration::ZERO,
        allow_private_networks: true,
        resolve: hosts.chain(["course.example".to_owned()]).map(|host| (host, web)).collect(),
        ..fetch::FetchSettings::default()
    }
}

/// The day on which a link dies; each generation of a place on the page has its own.
fn death(place: usize, generation: usize) -> usize {
    let lives = scattered(place * 31 + generation * 977);
    if lives.is_multiple_of(3) {
        generation * NIGHTS_A_YEAR + lives / 3 % (10 * NIGHTS_A_YEAR)
    } else {
        usize::MAX
    }
}

/// The link at a place; one that has been dead for a year is replaced.
fn generation(place: usize, day: usize) -> usize {
    (0..=day).find(|generation| day < death(place, *generation).saturating_add(NIGHTS_A_YEAR)).unwrap()
}

fn scattered(n: usize) -> usize {
    let mut x = u64::try_from(n).unwrap().wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((x ^ x >> 31) >> 33).unwrap()
}

async fn web(today: Arc<AtomicUsize>) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(move |request: Request| {
        let day = today.load(Ordering::SeqCst);
        async move { answer(request.uri().path(), request.headers(), day) }
    });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

fn answer(path: &str, asked: &HeaderMap, day: usize) -> Response {
    let host = asked.get(header::HOST).unwrap().to_str().unwrap();
    if host.starts_with("course.") && path == "/" {
        return page(page_of(day), asked);
    }
    let Some((place, nth)) = path.trim_start_matches('/').split_once('-') else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (place, nth): (usize, usize) = (place.parse().unwrap(), nth.parse().unwrap());
    if day >= death(place, nth) {
        return (StatusCode::NOT_FOUND, "<h1>Not Found</h1>").into_response();
    }
    if scattered(place % HOSTS + day * HOSTS).is_multiple_of(60) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    // One in five is revised from time to time.
    let version = if place.is_multiple_of(5) { day / (200 + place * 13 % 700) } else { 0 };
    page(article(&format!("Reading {place} of generation {nth}"), version), asked)
}

fn page(body: String, asked: &HeaderMap) -> Response {
    let etag = HeaderValue::from_str(&format!(
        "\"{:x}\"",
        body.bytes().fold(7_u64, |h, b| h.wrapping_mul(31) ^ u64::from(b))
    ))
    .unwrap();
    if asked.get(header::IF_NONE_MATCH) == Some(&etag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    let kind = HeaderValue::from_static("text/html");
    ([(header::CONTENT_TYPE, kind), (header::ETAG, etag)], body).into_response()
}

fn page_of(day: usize) -> String {
    let mut page =
        format!("<!doctype html><title>A course</title><h1>A course</h1><p>News of week {}</p><ul>", day / 7);
    for place in 0..LINKS {
        let nth = generation(place, day);
        writeln!(
            page,
            "<li><a href=\"http://h{}.example/{place}-{nth}\">Reading {place} ({nth})</a>",
            place % HOSTS
        )
        .unwrap();
    }
    page + "</ul>"
}

fn article(title: &str, version: usize) -> String {
    let mut page = format!("<!doctype html><title>{title}</title><main><h1>{title}</h1>");
    for line in 0..60 {
        let edition = if line % 2 == 0 { version } else { 0 };
        write!(page, "<p>Paragraph {line} of {title}, edition {edition}, is about scores, gradients, noise {} and samplers.</p>", scattered(line + edition * 100)).unwrap();
    }
    page + "</main>"
}
