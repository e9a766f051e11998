//! A catalogue after many nights: its size, and the times of a night's writes, of reports and of
//! pages, after 100 and after 1,000 nights, in `SQLite` and in `PostgreSQL`.
//!
//!     cargo bench --bench catalogue            # COURSES=1000 for a large one
//!
//! Each course has 150 links. The program makes the first course, night after night, and SQL
//! copies its rows for the others. Of a small catalogue the bench checks that this gives the rows
//! that the program makes. Then eight more nights of all courses are written, of which one
//! compacts the visits of a week.

#![expect(clippy::unwrap_used, reason = "a failed bench may panic")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time and starts programs")]
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod copies;
mod course;
mod service;
#[expect(dead_code, reason = "only the integration tests stop and replace servers")]
#[path = "../../tests/integration/postgres_server.rs"]
mod postgres_server;

use std::path::Path;
use std::time::{Duration, Instant};

use onreserve::domain::address::Address;
use onreserve::domain::journal::Entry;
use onreserve::night::rebuilt_reports;
use onreserve::world::World;
use onreserve::world::catalogue::{Catalogue, NightRecord, OutboxChanges};
use onreserve::world::clock::Clock;
use onreserve::world::fetch::FetchSettings;

use copies::{Database, Place};
use course::{LINKS, SimulatedCourse, night};

/// Nights that are written at the end: one of them compacts.
const NIGHTS_MORE: u32 = 8;
/// Visits of a batch, as of a night.
const BATCH: usize = 128;
/// Courses whose reports and pages are made.
const SAMPLE: u32 = 20;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(all());
}

async fn all() {
    let courses = number("COURSES").unwrap_or(100);
    let lengths = number("NIGHTS").map_or_else(|| vec![100, 1000], |nights| vec![nights]);
    let server = postgres_server::PostgresServer::shared();
    copies::prove().await;
    println!("{courses} courses of {LINKS} links");
    println!("{}", Figures::HEAD);
    for engine in ["SQLite", "PostgreSQL"] {
        let mut made: Vec<Figures> = Vec::new();
        for nights in &lengths {
            let dir = tempfile::tempdir().unwrap();
            let place = match (engine, server) {
                ("SQLite", _) => Place::Sqlite(Catalogue::path_in(&dir.path().join("archive"))),
                (_, Some(server)) => Place::Postgres(server.database().await),
                (_, None) => continue,
            };
            let figures = measure(dir.path(), &place, courses, *nights).await;
            println!("{engine:<10} {nights:>6}  {}", figures.line());
            made.push(figures);
        }
        if let [first, .., last] = made.as_slice() {
            println!("{engine:<10}  ratio  {}", last.ratios(first));
        }
    }
}

fn number(name: &str) -> Option<u32> {
    std::env::var(name).ok()?.parse().ok()
}

#[derive(Clone, Debug)]
struct Figures {
    bytes: u64,
    bytes_without_reports: u64,
    visits: Duration,
    end: Duration,
    compaction: Duration,
    history: Duration,
    report: Duration,
    list: Duration,
    history_command: Duration,
}

impl Figures {
    const HEAD: &str = "                        size  without reports   visits of a night   end of a night   compaction (1 night of 8)   history of a link   report   list   onreserve history";

    fn values(&self) -> [f64; 9] {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        #[expect(clippy::cast_precision_loss, reason = "a size in MiB")]
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        [
            mib(self.bytes),
            mib(self.bytes_without_reports),
            ms(self.visits),
            ms(self.end),
            ms(self.compaction),
            ms(self.history) * 1e3,
            ms(self.report),
            ms(self.list),
            ms(self.history_command),
        ]
    }

    fn line(&self) -> String {
        let [size, rest, visits, end, compaction, history, report, list, command] = self.values();
        format!(
            "{size:>7.0} MiB {rest:>7.0} MiB {visits:>11.0} ms {end:>11.0} ms {compaction:>11.0} ms {history:>11.0} µs {report:>9.1} ms {list:>7.1} ms {command:>7.1} ms"
        )
    }

    /// Each figure as a multiple of the other one's, and the writes of an average night.
    fn ratios(&self, other: &Self) -> String {
        let ratios: Vec<String> =
            self.values().iter().zip(other.values()).map(|(of, to)| format!("{:.2}", of / to)).collect();
        let night = |it: &Self| {
            (it.visits + it.end).as_secs_f64() + it.compaction.as_secs_f64() / f64::from(NIGHTS_MORE)
        };
        format!("{}; writes of an average night {:.2}", ratios.join("  "), night(self) / night(other))
    }
}

async fn measure(dir: &Path, place: &Place, courses: u32, nights: u32) -> Figures {
    let archive = dir.join("archive");
    let clock = Clock::pretending(night(nights - 1) + jiff::SignedDuration::from_hours(2));
    let archive = archive.as_path().into();
    let world = World::open_with(&archive, &place.location(), FetchSettings::default(), clock).await.unwrap();
    let first = SimulatedCourse::new(0);
    first.enter(&world.catalogue, nights).await;
    first.judge(&world.catalogue).await;
    rebuilt_reports::all(&[first.course()], &world).await.unwrap();
    let database = Database::open(place).await;
    database.copy_reports().await;
    database.copy_courses(courses).await;
    // Making the rows of a large catalogue takes minutes, and other work does not matter until here.
    println!("the rows of {nights} nights are made; the measurements begin");
    let newest_night = copies::last_night(&world.catalogue).await;
    let (visits, end, compaction) = write_nights(&world.catalogue, courses, nights).await;
    let (bytes, bytes_without_reports) = database.size().await;
    let history = read_histories(&world.catalogue, courses).await;
    let sample: Vec<_> = (0..SAMPLE.min(courses)).map(|n| SimulatedCourse::new(n).course()).collect();
    let started = Instant::now();
    rebuilt_reports::all(&sample, &world).await.unwrap();
    let report = started.elapsed() / SAMPLE.min(courses);
    world
        .catalogue
        .set_last_nights(&sample.iter().map(|course| course.id.clone()).collect::<Vec<_>>(), newest_night)
        .await
        .unwrap();
    drop(world.close().await);
    let (list, history_command) = service::measure(dir, place, &sample, night(nights + NIGHTS_MORE));
    Figures { bytes, bytes_without_reports, visits, end, compaction, history, report, list, history_command }
}

/// The averages of the visits and of the end of a night, and the time of its one compaction.
async fn write_nights(catalogue: &Catalogue, courses: u32, before: u32) -> (Duration, Duration, Duration) {
    let courses: Vec<SimulatedCourse> = (0..courses).map(SimulatedCourse::new).collect();
    let links: Vec<Address> = courses.iter().flat_map(SimulatedCourse::links).collect();
    let verdict = catalogue.verdict(&links[0]).await.unwrap().unwrap();
    let mut reports = Vec::new();
    for course in &courses {
        reports.push(catalogue.last_report(&course.course().id).await.unwrap().unwrap());
    }
    let (mut visits, mut end, mut compaction, mut compactions) =
        (Duration::ZERO, Duration::ZERO, Duration::ZERO, 0);
    for n in before..before + NIGHTS_MORE {
        let entries: Vec<Entry> = courses.iter().flat_map(|course| course.visits(n)).collect();
        let started = Instant::now();
        catalogue.apply(&[Entry::Night { started: night(n) }]).await.unwrap();
        for batch in entries.chunks(BATCH) {
            catalogue.apply(batch).await.unwrap();
        }
        visits += started.elapsed();
        let record = NightRecord {
            night: catalogue.night(night(n)).await.unwrap(),
            server: None,
            finished: night(n) + jiff::SignedDuration::from_hours(3),
            void: None,
            verdicts: links.iter().map(|link| (link, &verdict)).collect(),
            events: Vec::new(),
            reports: &reports,
            outbox: OutboxChanges::default(),
            lapsed: Vec::new(),
            requests: 0,
            bytes: 0,
        };
        let started = Instant::now();
        catalogue.finish_night(&record).await.unwrap();
        end += started.elapsed();
        let started = Instant::now();
        if catalogue.compact_visits().await.unwrap() > 0 {
            compactions += 1;
            compaction += started.elapsed();
        }
    }
    assert_eq!(compactions, 1);
    (visits / NIGHTS_MORE, end / NIGHTS_MORE, compaction)
}

/// The time that the history of one link takes, as a night reads it.
async fn read_histories(catalogue: &Catalogue, courses: u32) -> Duration {
    let links: Vec<Address> =
        (0..courses.min(SAMPLE)).flat_map(|n| SimulatedCourse::new(n).links().collect::<Vec<_>>()).collect();
    let started = Instant::now();
    for links in links.chunks(200) {
        assert_eq!(catalogue.link_records(links).await.unwrap().len(), links.len());
    }
    started.elapsed() / u32::try_from(links.len()).unwrap()
}
