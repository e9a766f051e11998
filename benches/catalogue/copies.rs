//! Copies of the rows of one course for many others, by SQL.

use std::path::PathBuf;

use onreserve::world::catalogue::{Catalogue, CatalogueLocation, LastNight};
use sqlx::{AssertSqlSafe, PgPool, Row as _, SqlitePool};

use super::course::{LINKS, SimulatedCourse};

/// The courses whose rows the bench compares with those that the program makes.
const PROVED: u32 = 3;
const PROVED_NIGHTS: u32 = 200;

/// The place of a catalogue: a file, or the URL of a database.
pub(super) enum Place {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Place {
    pub(super) fn location(&self) -> CatalogueLocation {
        match self {
            Self::Sqlite(path) => CatalogueLocation::Sqlite(path.clone()),
            Self::Postgres(url) => CatalogueLocation::Postgres(url.parse().unwrap()),
        }
    }
}

/// The database of a catalogue, beside the program.
pub(super) enum Database {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

pub(super) async fn last_night(catalogue: &Catalogue) -> LastNight {
    LastNight { at: catalogue.last_night().await.unwrap().unwrap().started, is_over: true }
}

impl Database {
    pub(super) async fn open(place: &Place) -> Self {
        match place {
            Place::Sqlite(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
                Self::Sqlite(pool.connect_with(options).await.unwrap())
            }
            Place::Postgres(url) => Self::Postgres(PgPool::connect(url).await.unwrap()),
        }
    }

    async fn run(&self, statement: String) {
        let statement = sqlx::raw_sql(AssertSqlSafe(statement));
        match self {
            Self::Sqlite(pool) => drop(statement.execute(pool).await.unwrap()),
            Self::Postgres(pool) => drop(statement.execute(pool).await.unwrap()),
        }
    }

    async fn number(&self, query: &str) -> i64 {
        let query = AssertSqlSafe(query.to_owned());
        match self {
            Self::Sqlite(pool) => sqlx::query_scalar(query).fetch_one(pool).await.unwrap(),
            Self::Postgres(pool) => sqlx::query_scalar(query).fetch_one(pool).await.unwrap(),
        }
    }

    /// Copies the report of the last night for the hundred nights that have one.
    pub(super) async fn copy_reports(&self) {
        self.run(
            "INSERT INTO report (course, night, report) SELECT course, earlier.id, report FROM report \
             CROSS JOIN (SELECT id FROM night ORDER BY id DESC LIMIT 100) AS earlier \
             WHERE earlier.id <> report.night ORDER BY earlier.id"
                .to_owned(),
        )
        .await;
    }

    /// Copies all rows of the first course for the others, in the order in which nights write them.
    pub(super) async fn copy_courses(&self, courses: u32) {
        let copies = format!(
            "WITH RECURSIVE other (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM other WHERE n + 1 < {courses})"
        );
        let mut statements = tables();
        for last in 1..=self.number("SELECT max(id) FROM night").await {
            let evidence = of("evidence");
            // One statement for each night: a transaction with all reports would not fit on many disks.
            statements.push(format!(
                "report (course, night, report) SELECT {}, night, {} FROM report CROSS JOIN other WHERE course = 'course1000' AND night = {last} ORDER BY n",
                of("course"),
                of("report")
            ));
            statements.push(format!(
                "visit_run (link, first_night, last_night, earlier, evidence) SELECT link + n * {LINKS}, first_night, last_night, earlier, {evidence} FROM visit_run CROSS JOIN other WHERE last_night = {last} AND link <= {LINKS} ORDER BY n, link"
            ));
            statements.push(format!(
                "visit (link, night, evidence) SELECT link + n * {LINKS}, night, {evidence} FROM visit CROSS JOIN other WHERE night = {last} AND link <= {LINKS} ORDER BY n, link"
            ));
        }
        for statement in statements {
            let (table, _) = statement.split_once(' ').unwrap();
            let (columns, select) = statement[table.len()..].split_once(" SELECT ").unwrap();
            let with = format!("INSERT INTO {table}{columns} {copies} SELECT {select}");
            self.run(with).await;
        }
        if let Self::Postgres(_) = self {
            for table in ["link", "capture"] {
                self.run(format!(
                    "SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
                ))
                .await;
            }
            self.run("VACUUM ANALYZE".to_owned()).await;
        }
    }

    /// The bytes of the catalogue, with and without its reports.
    pub(super) async fn size(&self) -> (u64, u64) {
        let (all, reports) = match self {
            Self::Sqlite(_) => {
                self.run("PRAGMA wal_checkpoint(TRUNCATE)".to_owned()).await;
                let pages = self
                    .number("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
                    .await;
                (
                    pages,
                    self.number("SELECT coalesce(sum(length(CAST(report AS BLOB))), 0) FROM report").await,
                )
            }
            Self::Postgres(_) => (
                self.number("SELECT pg_database_size(current_database())").await,
                self.number("SELECT pg_total_relation_size('report')").await,
            ),
        };
        (all.unsigned_abs(), (all - reports).unsigned_abs())
    }

    async fn rows(&self, query: &str) -> Vec<Vec<String>> {
        let Self::Sqlite(pool) = self else { return Vec::new() };
        let rows = sqlx::query(AssertSqlSafe(query.to_owned())).fetch_all(pool).await.unwrap();
        let row = |row: &sqlx::sqlite::SqliteRow| {
            (0..row.len()).map(|at| row.get_unchecked::<Option<String>, _>(at).unwrap_or_default()).collect()
        };
        rows.iter().map(row).collect()
    }
}

/// A value with the name of another course.
fn of(text: &str) -> String {
    format!("replace({text}, 'course1000', 'course' || CAST(1000 + n AS TEXT))")
}

/// What is inserted into the tables without visits.
fn tables() -> Vec<String> {
    let first = format!("link <= {LINKS}");
    vec![
        format!(
            "link (id, address) SELECT id + n * {LINKS}, {} FROM link CROSS JOIN other WHERE id <= {LINKS} ORDER BY n, id",
            of("address")
        ),
        format!(
            "verdict (link, verdict) SELECT link + n * {LINKS}, verdict FROM verdict CROSS JOIN other WHERE {first} ORDER BY n, link"
        ),
        format!(
            "capture (id, link, sha256, captured_at, kept, night, is_removed) SELECT id + n * {LINKS}, link + n * {LINKS}, sha256, captured_at, {}, night, is_removed FROM capture CROSS JOIN other WHERE {first} ORDER BY n, id",
            of("kept")
        ),
        format!(
            "baseline (link, capture, accepted_at) SELECT link + n * {LINKS}, capture + n * {LINKS}, accepted_at FROM baseline CROSS JOIN other WHERE {first} ORDER BY n, link"
        ),
        format!(
            "course (id, title) SELECT {}, title FROM course CROSS JOIN other WHERE id = 'course1000'",
            of("id")
        ),
        format!(
            "reading (course, source, at, sha256, page) SELECT {}, source, at, sha256, {} FROM reading CROSS JOIN other WHERE course = 'course1000' ORDER BY n",
            of("course"),
            of("page")
        ),
    ]
}

/// Compares the copies with the rows that the program makes for several courses.
pub(super) async fn prove() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (dir.path().join("one"), dir.path().join("other"));
    let (made, copied) = (Catalogue::open(&one).await.unwrap(), Catalogue::open(&other).await.unwrap());
    let courses: Vec<SimulatedCourse> = (0..PROVED).map(SimulatedCourse::new).collect();
    for n in 0..PROVED_NIGHTS {
        for course in &courses {
            made.apply(&course.entries(n)).await.unwrap();
        }
        made.compact_visits().await.unwrap();
    }
    courses[0].enter(&copied, PROVED_NIGHTS).await;
    let [made_rows, copied_rows] =
        [Database::open(&Place::Sqlite(one)).await, Database::open(&Place::Sqlite(other)).await];
    for course in &courses {
        course.judge(&made).await;
    }
    courses[0].judge(&copied).await;
    copied_rows.copy_courses(PROVED).await;
    for table in ["visit", "visit_run", "capture", "baseline", "verdict"] {
        let rows = format!(
            "SELECT link.address, {table}.* FROM {table} JOIN link ON link.id = {table}.link ORDER BY 1, 2, 3"
        );
        // Links and captures have other numbers.
        let plain = |rows: Vec<Vec<String>>| -> Vec<Vec<String>> {
            let numbers = if matches!(table, "capture" | "baseline") { 3 } else { 2 };
            rows.into_iter()
                .map(|mut row| {
                    row.drain(1..numbers);
                    row
                })
                .collect()
        };
        let (made, copied) = (plain(made_rows.rows(&rows).await), plain(copied_rows.rows(&rows).await));
        assert!(!made.is_empty());
        assert_eq!(made.len(), copied.len(), "{table}");
        for (made, copied) in made.iter().zip(&copied) {
            assert_eq!(made, copied, "{table}");
        }
    }
    for link in courses.iter().flat_map(SimulatedCourse::links) {
        let history = async |catalogue: &Catalogue| catalogue.link_record(&link).await.unwrap().unwrap();
        assert_eq!(history(&made).await, history(&copied).await);
    }
}
