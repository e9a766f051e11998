//! The index over the journal of the archive, in `SQLite` or `PostgreSQL`. It can always be
//! rebuilt.
//!
//! One file per subject. Every value that is more than a number or a name is stored as
//! JSON and converted to its type in `value`. No query decides anything about a link.

#![expect(clippy::disallowed_methods, reason = "this module opens the database")]

mod decisions;
mod activity;
mod apply;
mod bulk;
mod capture_lock;
mod cluster;
mod compaction;
mod database;
mod feed_tokens;
mod ordered_batch;
mod fixity;
mod host_pace;
mod journal_head;
mod emails;
mod full_text_postgres;
mod full_text_sqlite;
mod link_id;
mod links;
mod list_plan;
mod login_counts;
mod location;
mod night_ref;
mod nights;
mod pending_logins;
mod postgres;
mod process_leases;
mod read_only;
mod rechecks;
mod remembered_visits;
mod removals;
mod replacements;
mod course_nights;
mod advice;
mod advisory_lock;
mod copying;
mod schema;
mod relevance;
mod search_hit;
mod search_text;
mod service_requests;
mod server_start;
mod sessions;
mod shards;
mod snippet;
mod storage_use;
mod views;
mod visit_runs;
mod visits;
mod takedowns;
mod withdrawals;
mod texts;
mod value;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tempfile::TempDir;
use tokio::sync::{Mutex, Notify};

use crate::world::disk;
use crate::world::read_only::is_read_only;

use cluster::CountedRequests;
use database::Pool;
use postgres::Tables;

pub use capture_lock::CaptureTurn;
pub use cluster::{BusyHost, ClusterFigures, ProcessFigures};
pub use course_nights::LastNight;
pub use decisions::{LapsedDecision, PastChoice, PastDecision, StoredDecision};
pub use emails::{
    DeliveryResult, EmailHistory, FailedEmail, FailureState, NewEmail, OutboxChanges, OutboxStatus,
    QueuedEmail, UnsentEmail,
};
pub use feed_tokens::FeedToken;
pub use fixity::FixityTotals;
pub use host_pace::{HostAvailability, HostLease};
pub use journal_head::KnownJournalEnd;
pub use links::LinkRecord;
pub use location::{CatalogueLocation, PostgresUrl, PostgresUrlError};
pub use night_ref::NightRef;
pub use nights::{EndedNight, NightRecord};
pub use ordered_batch::OrderedBatch;
pub use pending_logins::PendingLogin;
pub use process_leases::ProcessId;
pub use rechecks::{RecheckId, RecheckProgress, WaitingRecheck};
pub use replacements::ReplacementSearch;
pub use search_hit::{PassageId, SearchHit, SnippetPart};
pub use server_start::ServerStart;
pub use service_requests::{RequestProgress, ServiceRequest, ServiceRequestId, ServiceTask};
pub use sessions::Session;
pub use shards::{LeasedShard, ShardLease, ShardProgress};
pub use texts::DocumentText;
pub use views::{CaptureSize, CourseRevision, FinishedNight};
pub use visits::StoredVisit;

/// A catalogue that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("a newer version of onreserve wrote the catalogue {location}; install the newer version")]
    Newer { location: Box<CatalogueLocation> },
    #[error(
        "the catalogue {location} is of an older version of onreserve; run `onreserve migrate` while the service is stopped, or start the service, which migrates it"
    )]
    Older { location: Box<CatalogueLocation> },
    #[error(
        "processes of an older version of onreserve use the catalogue {location}, and could not go on after its migration to this version: {processes}; stop them, then start this version"
    )]
    OlderAtWork { location: Box<CatalogueLocation>, processes: String },
    #[error(
        "a newer version of onreserve has changed the catalogue, and this version cannot use it; install the newer version"
    )]
    Outdated,
    #[error(
        "the server of the catalogue was restarted or replaced, and rows that it had may be lost; the journal has them, so run this again"
    )]
    ServerRestarted,
    #[error(
        "the lease of this scheduler is over, and another one may have its work; this one goes on when it has a lease again"
    )]
    LeaseOver,
    #[error("cannot open the catalogue {location}: {source}; {}", advice::of_opening(location, source.as_ref()))]
    Unusable { location: Box<CatalogueLocation>, source: Box<dyn std::error::Error + Send + Sync> },
    #[error(
        "the catalogue contains a value that cannot be read ({0}); run `onreserve rebuild` to rebuild it from the archive"
    )]
    Value(#[from] serde_json::Error),
    #[error("a query of the catalogue failed: {0}; {advice}", advice = advice::of(.0))]
    Query(#[from] sqlx::Error),
}

impl Error {
    /// Whether the database server cannot be reached now, or is starting or stopping, or ended a
    /// transaction in which this process was frozen, or this process waits for its lease. It may be
    /// back in a moment.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Query(error) => advice::is_away(error),
            Self::LeaseOver => true,
            Self::Newer { .. }
            | Self::Older { .. }
            | Self::OlderAtWork { .. }
            | Self::Outdated
            | Self::ServerRestarted
            | Self::Unusable { .. }
            | Self::Value(_) => false,
        }
    }
}

/// The pages of the log after which they are moved to the file of the catalogue: 16 MiB. A
/// night changes the same pages of the full-text index many times, and each move is two syncs.
const LOG_PAGES: &str = "4096";

/// What a write to the catalogue changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalState {
    /// The write-ahead log, where every write of any process goes first.
    Log { bytes: u64, at: SystemTime },
    /// The number of writes of this process.
    Writes(u64),
}

/// The open catalogue.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// Its write-ahead log, if it is a file.
    log: Option<Arc<Path>>,
    pool: Pool,
    outbox: Arc<Outbox>,
    /// One batch of this process at a time has a connection and waits for those of others.
    batches: Arc<Mutex<()>>,
    /// The lease without which this process may not do the work of a scheduler.
    duty: Arc<Duty>,
    /// The requests of all processes, as this one counted them last.
    counted_requests: Arc<Mutex<Option<CountedRequests>>>,
    /// The directory of the temporary copy that is open instead; it is removed with this value.
    _copy: Option<Arc<TempDir>>,
}

/// What the parts of a process that queue and deliver emails share.
#[derive(Debug, Default)]
struct Outbox {
    lock: Mutex<()>,
    /// Emails were queued since they were last looked for.
    queued: Notify,
}

/// The lease of the only scheduler, if this process is it.
type Duty = std::sync::Mutex<Option<ProcessId>>;

/// How the file of a catalogue is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OpenMode {
    Create,
    /// It must exist.
    Existing,
    /// It must exist, and no process can change it.
    Immutable,
}

impl Catalogue {
    /// The path of the catalogue in an archive.
    pub fn path_in(archive: &Path) -> PathBuf {
        archive.join("catalogue.sqlite3")
    }

    /// Opens the catalogue in a file or a database; creates or migrates it if needed.
    pub async fn open_at(location: &CatalogueLocation) -> Result<Self, Error> {
        match location {
            CatalogueLocation::Sqlite(path) => Self::open(path).await,
            CatalogueLocation::Postgres(url) => Box::pin(postgres::open(url, Tables::Migrate)).await,
        }
    }

    /// Opens a catalogue that a service may be using: it is neither created nor migrated.
    pub async fn open_at_as_it_is(location: &CatalogueLocation) -> Result<Self, Error> {
        match location {
            CatalogueLocation::Sqlite(path) => Self::open_as_it_is(path).await,
            CatalogueLocation::Postgres(url) => Box::pin(postgres::open(url, Tables::AsTheyAre)).await,
        }
    }

    /// Opens the catalogue in a file; creates or migrates it if needed.
    ///
    /// The journal is synced before any row is written. A commit that a power cut loses
    /// is applied again at the next start, so `synchronous = NORMAL` is enough.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let pool = connect(path, OpenMode::Create).await?;
        schema::migrate(&pool, path).await?;
        Ok(Self::in_file(path, pool))
    }

    /// Opens a catalogue that a service may be using: it is neither created nor migrated.
    /// It may be on a read-only file system.
    pub async fn open_as_it_is(path: &Path) -> Result<Self, Error> {
        if path.parent().is_some_and(is_read_only) {
            return Self::open_unchangeable(path).await;
        }
        let pool = connect(path, OpenMode::Existing).await?;
        schema::check(&pool, path).await?;
        Ok(Self::in_file(path, pool))
    }

    fn in_file(path: &Path, pool: SqlitePool) -> Self {
        let log: Arc<Path> = log_of(path).into();
        Self {
            log: Some(log),
            pool: Pool::Sqlite(pool),
            outbox: Arc::default(),
            batches: Arc::default(),
            duty: Arc::default(),
            counted_requests: Arc::default(),
            _copy: None,
        }
    }

    /// A value that changes after every write, up to the resolution of the file system's
    /// clock (some milliseconds); in `PostgreSQL` after every write of this process. It
    /// needs no query.
    pub fn wal_state(&self) -> Option<WalState> {
        if let Pool::Postgres(pool) = &self.pool {
            return Some(WalState::Writes(pool.writes.load(Ordering::Acquire)));
        }
        let log = std::fs::metadata(self.log.as_ref()?).ok()?;
        Some(WalState::Log { bytes: log.len(), at: log.modified().ok()? })
    }

    pub async fn close(self) {
        self.pool.close().await;
    }
}

async fn connect(path: &Path, mode: OpenMode) -> Result<SqlitePool, Error> {
    let options =
        SqliteConnectOptions::new().filename(path).foreign_keys(true).busy_timeout(Duration::from_secs(10));
    let options = match mode {
        OpenMode::Immutable => options.read_only(true).immutable(true),
        OpenMode::Create | OpenMode::Existing => options
            .create_if_missing(mode == OpenMode::Create)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .pragma("wal_autocheckpoint", LOG_PAGES),
    };
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        .connect_with(options)
        .await
        .map_err(|error| unusable(path, error.into()))?;
    disk::has_log(&log_of(path));
    Ok(pool)
}

/// A file that is no catalogue, or cannot be read.
fn unusable(path: &Path, source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Unusable { location: CatalogueLocation::Sqlite(path.to_owned()).into(), source }
}

/// The write-ahead log of a catalogue.
fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

#[cfg(test)]
mod each_engine;
#[cfg(test)]
mod tests;
