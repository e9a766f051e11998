//! Where the tests keep their archives: each in a directory with a file of `SQLite`, or, with
//! `ONRESERVE_TEST_ENGINES=postgres+s3`, each in a bucket with a database of `PostgreSQL`.
//!
//! A test names an archive by its directory. On `PostgreSQL` and S3 this is the working directory
//! of the archive. A directory that is not prepared here, such as a backup, is an archive by
//! itself on all engines.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use jiff::Timestamp;
use onreserve::config;
use onreserve::domain::capture::Digest;
use onreserve::domain::journal::Entry;
use onreserve::world::archive::{Archive, ArchivePlace};
use onreserve::world::catalogue::{Catalogue, CatalogueLocation};
use onreserve::world::recording::JournalWriter;
use sqlx::postgres::PgRow;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions as _, Connection as _, FromRow};

use crate::fetch::site::Reply;
use crate::harness::{Harness, page_of, run_on};
use crate::postgres_server::PostgresServer;
use crate::s3_server::{ACCESS_KEY, S3Server, SECRET_KEY, TestBucket};

const VARIABLE: &str = "ONRESERVE_TEST_ENGINES";

/// The keys of all objects begin with it.
const PREFIX: &str = "of/a/course";

/// Ends a test on `PostgreSQL` and S3, with the reason why it cannot be about them.
macro_rules! only_on_sqlite_and_directory {
    ($reason:literal) => {
        if $crate::engines::skips($reason) {
            return;
        }
    };
}
pub(crate) use only_on_sqlite_and_directory;

/// The database and the bucket of an archive.
struct Engines {
    /// The name of the database.
    database: String,
    bucket: TestBucket,
    /// A configuration that names them, and nothing else.
    configuration: PathBuf,
}

/// The servers of all archives, and the database that is copied for each.
struct Servers {
    postgres: &'static PostgresServer,
    s3: &'static S3Server,
    template: String,
}

static SERVERS: LazyLock<Servers> = LazyLock::new(|| {
    let (Some(postgres), Some(s3)) = (PostgresServer::shared(), S3Server::shared()) else {
        panic!("{VARIABLE} needs PostgreSQL, and in ONRESERVE_MOTO the path of moto_server");
    };
    let template = wait_for(async {
        let template = postgres.new_database("template1").await;
        let location = CatalogueLocation::Postgres(postgres.url(&template).parse().unwrap());
        Catalogue::open_at(&location).await.unwrap().close().await;
        template
    });
    Servers { postgres, s3, template }
});

/// The engines of the archives that are prepared, by their directories.
static PREPARED: LazyLock<Mutex<HashMap<PathBuf, Arc<Engines>>>> = LazyLock::new(Mutex::default);

pub(crate) fn is_on_others() -> bool {
    match std::env::var(VARIABLE).as_deref() {
        Err(_) | Ok("") => false,
        Ok("postgres+s3") => true,
        Ok(other) => panic!("{VARIABLE} is `{other}`; write postgres+s3, or leave it out"),
    }
}

/// Whether a test that is about `SQLite` and a directory ends here; it says so.
pub(crate) fn skips(reason: &str) -> bool {
    if is_on_others() {
        let test = std::thread::current();
        let skipped = format!("SKIPPED on PostgreSQL and S3: {}: {reason}\n", test.name().unwrap_or("?"));
        std::io::stderr().write_all(skipped.as_bytes()).unwrap();
    }
    is_on_others()
}

/// Runs a future to its end, also within a test that is a future.
fn wait_for<T: Send>(future: impl Future<Output = T> + Send) -> T {
    let run = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future);
    std::thread::scope(|threads| threads.spawn(run).join().unwrap())
}

fn engines_of(dir: &Path) -> Option<Arc<Engines>> {
    PREPARED.lock().unwrap().get(dir).cloned()
}

/// Gives the archive in this directory engines of its own, unless it has them.
pub(crate) fn prepare(dir: &Path) {
    if is_on_others() && engines_of(dir).is_none() {
        prepare_from(dir, &SERVERS.template);
    }
}

/// The same with the rows of another database, which no process may be using.
fn prepare_from(dir: &Path, database: &str) -> Arc<Engines> {
    let database = wait_for(SERVERS.postgres.new_database(database));
    let (bucket, configuration) = (SERVERS.s3.bucket(), dir.with_extension("engines.toml"));
    let credentials = dir.with_extension("credentials");
    fs::write(
        &credentials,
        format!("[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"),
    )
    .unwrap();
    fs::set_permissions(&credentials, fs::Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        "[archive]\ndir = \"{}\"\n{}credentials_file = \"{}\"\n[catalogue]\nurl = \"{}\"\n",
        dir.display(),
        bucket.keys(PREFIX),
        credentials.display(),
        SERVERS.postgres.url(&database),
    );
    fs::write(&configuration, text).unwrap();
    let engines = Arc::new(Engines { database, bucket, configuration });
    PREPARED.lock().unwrap().insert(dir.to_owned(), Arc::clone(&engines));
    engines
}

/// The part of a configuration that says where the archive in this directory is. It begins with
/// the line `[archive]`.
pub(crate) fn keys(dir: &Path) -> String {
    prepare(dir);
    match engines_of(dir) {
        Some(engines) => fs::read_to_string(&engines.configuration).unwrap(),
        None => directory_keys(dir),
    }
}

/// The same for an archive in a directory on all engines.
pub(crate) fn directory_keys(dir: &Path) -> String {
    format!("[archive]\ndir = \"{}\"\n", dir.display())
}

/// The arguments of a command that name the archive in this directory.
pub(crate) fn arguments(dir: &Path) -> [PathBuf; 2] {
    match engines_of(dir) {
        Some(engines) => ["--config".into(), engines.configuration.clone()],
        None => ["--archive".into(), dir.to_owned()],
    }
}

/// Where the archive in this directory and its catalogue are.
pub(crate) fn places(dir: &Path) -> (ArchivePlace, CatalogueLocation) {
    match engines_of(dir) {
        Some(engines) => config::archive_of(&engines.configuration).unwrap(),
        None => (dir.into(), CatalogueLocation::in_archive(dir)),
    }
}

pub(crate) fn open_archive(dir: &Path) -> Archive {
    Archive::open_shared(places(dir).0).unwrap()
}

/// Writes an entry as a process does that is killed before it writes the rows. On `PostgreSQL` and
/// S3 a line counts only with its rows, so they are there too.
pub(crate) async fn append(dir: &Path, at: Timestamp, entry: Entry) {
    let archive = open_archive(dir);
    if is_on_others() {
        let catalogue = open_catalogue(dir).await;
        let writer = JournalWriter { archive: &archive, catalogue: &catalogue, at };
        writer.record(vec![entry]).await.unwrap();
    } else {
        archive.append(at, &[entry]).unwrap();
    }
}

pub(crate) async fn open_catalogue(dir: &Path) -> Catalogue {
    Catalogue::open_at(&places(dir).1).await.unwrap()
}

/// Copies an archive that no process is using, with its catalogue. The working directory of a
/// bucket is not copied: it can be lost.
pub(crate) fn copy(from: &Path, to: &Path) {
    match engines_of(from) {
        Some(engines) => copy_objects(&engines, &prepare_from(to, &engines.database)),
        None => copy_directory(from, to),
    }
}

/// Copies an archive without its catalogue. A process may be using it.
pub(crate) fn copy_without_catalogue(from: &Path, to: &Path) {
    match engines_of(from) {
        Some(engines) => copy_objects(&engines, &prepare_from(to, &SERVERS.template)),
        None => {
            copy_directory(from, to);
            lose_catalogue(to);
        }
    }
}

fn copy_objects(from: &Engines, to: &Engines) {
    for (inside, bytes) in from.bucket.all(PREFIX) {
        to.bucket.put(&key(&inside), &bytes);
    }
}

fn copy_directory(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}

/// Loses an archive that no process is using, with its catalogue.
pub(crate) fn lose(dir: &Path) {
    if let Some(engines) = engines_of(dir) {
        lose_catalogue(dir);
        engines.bucket.list(PREFIX).iter().for_each(|object| engines.bucket.delete(object));
    }
    if dir.exists() {
        fs::remove_dir_all(dir).unwrap();
    }
}

/// Gives an archive that is lost or not there yet the content of the directory `from`, which is
/// an archive by itself. A bucket and a database get it as a user moves it there.
pub(crate) async fn take(dir: &Path, from: &Path) {
    prepare(dir);
    if engines_of(dir).is_some() {
        let (code, printed) = run_on(dir, &["restore", from.to_str().unwrap()]).await;
        assert_eq!(code, 0, "{printed}");
    } else {
        fs::rename(from, dir).unwrap();
    }
}

/// Removes the catalogue of an archive that no process is using.
pub(crate) fn lose_catalogue(dir: &Path) {
    let Some(engines) = engines_of(dir) else {
        for name in ["catalogue.sqlite3", "catalogue.sqlite3-wal", "catalogue.sqlite3-shm"] {
            let _ = fs::remove_file(dir.join(name));
        }
        return;
    };
    let again = format!("CREATE DATABASE {}", engines.database);
    let lost = format!("DROP DATABASE {} WITH (FORCE)", engines.database);
    wait_for(async {
        SERVERS.postgres.execute("postgres", &lost).await;
        SERVERS.postgres.execute("postgres", &again).await;
    });
}

/// Runs a statement on the catalogue; returns the only column of its rows.
pub(crate) async fn query<T>(dir: &Path, statement: &'static str) -> Vec<T>
where
    T: Send + Unpin,
    (T,): for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow>,
{
    let rows: Vec<(T,)> = match engines_of(dir) {
        Some(engines) => {
            let url = SERVERS.postgres.url(&engines.database);
            let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
            let rows = sqlx::query_as(statement).fetch_all(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            rows
        }
        None => {
            let file = SqliteConnectOptions::new().filename(Catalogue::path_in(dir));
            let mut connection = file.connect().await.unwrap();
            let rows = sqlx::query_as(statement).fetch_all(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            rows
        }
    };
    rows.into_iter().map(|(value,)| value).collect()
}

/// The number that a query of the catalogue gives.
pub(crate) async fn number(dir: &Path, statement: &'static str) -> i64 {
    query(dir, statement).await[0]
}

/// Checks that the file of a catalogue is whole. A server does that by itself.
pub(crate) async fn check_catalogue(dir: &Path) {
    if engines_of(dir).is_none() {
        assert_eq!(query::<String>(dir, "PRAGMA integrity_check").await, ["ok"]);
    }
}

/// The archive as a directory that any tool can read. A bucket is copied down.
pub(crate) fn as_directory(dir: &Path) -> (tempfile::TempDir, PathBuf) {
    let temporary = tempfile::tempdir().unwrap();
    let copy = temporary.path().join("copy");
    match engines_of(dir) {
        Some(engines) => engines.bucket.copy_down(PREFIX, &copy),
        None => std::os::unix::fs::symlink(dir, &copy).unwrap(),
    }
    (temporary, copy)
}

/// The path of a blob within an archive.
pub(crate) fn blob(digest: Digest) -> String {
    let name = digest.to_string();
    format!("blobs/sha256/{}/{}/{name}", &name[..2], &name[2..4])
}

fn key(inside: &str) -> String {
    format!("{PREFIX}/{inside}")
}

/// The path within an archive of a file in its directory.
pub(crate) fn inside<'a>(dir: &Path, path: &'a Path) -> &'a str {
    path.strip_prefix(dir).unwrap_or(path).to_str().unwrap()
}

/// The files of a part of an archive with their bytes, by their paths within the archive.
pub(crate) fn files(dir: &Path, part: &str) -> BTreeMap<String, Vec<u8>> {
    if let Some(engines) = engines_of(dir) {
        let all = engines.bucket.all(&key(part));
        return all.into_iter().map(|(name, bytes)| (format!("{part}/{name}"), bytes)).collect();
    }
    let (mut found, mut left) = (BTreeMap::new(), vec![dir.join(part)]);
    while let Some(at) = left.pop() {
        for entry in fs::read_dir(at).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                found.insert(inside(dir, &path).to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// All lines of the journal.
pub(crate) fn journal(dir: &Path) -> String {
    files(dir, "captures").into_values().map(|bytes| String::from_utf8(bytes).unwrap()).collect()
}

pub(crate) fn has_file(dir: &Path, inside: &str) -> bool {
    match engines_of(dir) {
        Some(engines) => engines.bucket.list(&key(inside)).contains(&key(inside)),
        None => dir.join(inside).exists(),
    }
}

pub(crate) fn read_file(dir: &Path, inside: &str) -> Vec<u8> {
    match engines_of(dir) {
        Some(engines) => engines.bucket.get(&key(inside)),
        None => fs::read(dir.join(inside)).unwrap(),
    }
}

/// Removes a file of an archive. A working directory loses it too.
pub(crate) fn remove_file(dir: &Path, inside: &str) {
    match engines_of(dir) {
        Some(engines) => {
            engines.bucket.delete(&key(inside));
            let _ = fs::remove_file(dir.join(inside));
        }
        None => fs::remove_file(dir.join(inside)).unwrap(),
    }
}

/// Gives a file of an archive other bytes. A working directory loses it.
pub(crate) fn overwrite_file(dir: &Path, inside: &str, bytes: &[u8]) {
    match engines_of(dir) {
        Some(engines) => {
            engines.bucket.put(&key(inside), bytes);
            let _ = fs::remove_file(dir.join(inside));
        }
        None => {
            let path = dir.join(inside);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            fs::write(&path, bytes).unwrap();
        }
    }
}

/// Otherwise all tests could pass on `SQLite` twice.
#[tokio::test]
async fn the_archives_of_the_tests_are_where_the_variable_says() {
    if !is_on_others() {
        let skipped = b"SKIPPED: all other tests use SQLite and directories only; with \
                        ONRESERVE_TEST_ENGINES=postgres+s3 they use PostgreSQL and S3\n";
        std::io::stderr().write_all(skipped).unwrap();
    }
    let mut archives = Vec::new();
    for _ in 0..2 {
        let harness =
            Harness::start(["course.test"], |_, _| Reply::page(&page_of(&["http://course.test/a"]))).await;
        harness.one_course();
        harness.check(1).await;
        archives.push(harness);
    }
    for harness in &archives {
        let dir = harness.archive();
        assert_eq!(number(&dir, "SELECT count(*) FROM night").await, 1);
        assert_eq!(dir.join("catalogue.sqlite3").exists(), !is_on_others());
        assert_eq!(dir.join("blobs/sha256").read_dir().unwrap().count() == 0, is_on_others());
        assert_eq!(engines_of(&dir).is_some(), is_on_others());
        assert_eq!(files(&dir, "blobs").len(), 1, "the course page");
        assert!(journal(&dir).contains("\"kind\":\"finished\""));
    }
}
