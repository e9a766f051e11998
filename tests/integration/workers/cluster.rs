//! A scheduler and workers, with a simulated web, a relay and a database.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use argon2::password_hash::PasswordHasher as _;
use argon2::{Argon2, Params};
use jiff::{SignedDuration, Timestamp};
use sqlx::{Connection as _, PgConnection};
use tokio::net::TcpSocket;

use crate::delivery::relay::Relay;
use crate::fetch::site::{Reply, Then};
use crate::harness::{Harness, PROGRAM, article, page_of};
use crate::interrupted::RequestCounter;
use crate::postgres_server::PostgresServer;
use crate::s3_server::{ACCESS_KEY, S3Server, SECRET_KEY, TestBucket};
use crate::service::{Service, until};
use crate::workers::outcome::{Outcome, ReadArchive};

/// When the processes start.
const NOW: &str = "2026-09-14T14:00:00Z";
/// The pause between two requests to a host.
pub(super) const PAUSE: Duration = Duration::from_millis(40);
/// The time that each reply takes at least.
pub(super) const REPLY: Duration = Duration::from_millis(8);
/// The lease of a process.
pub(super) const LEASE: Duration = Duration::from_secs(2);
/// The password of staff.
pub(super) const STAFF: &str = "staff password";
/// A host to which links of other hosts redirect.
const HUB: &str = "hub.test";

pub(super) struct Cluster {
    pub(super) harness: Harness,
    pub(super) relay: Relay,
    /// The address of the database.
    pub(super) database: String,
    /// The address at which the processes reach it.
    address: String,
    /// The bucket of the archive; `None` if all processes share its directory.
    pub(super) bucket: Option<TestBucket>,
    pub(super) scheduler: Service,
    pub(super) workers: Vec<Service>,
    counter: Arc<RequestCounter>,
    begun: Instant,
}

/// A number that an environment variable sets.
pub(super) fn setting(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |number| number.parse().unwrap())
}

pub(super) fn links() -> usize {
    setting("ONRESERVE_FAILURE_LINKS", 160)
}

fn hosts() -> usize {
    setting("ONRESERVE_FAILURE_HOSTS", 20)
}

/// Long enough for a busy machine.
pub(super) fn deadline() -> Duration {
    Duration::from_mins(1) + Duration::from_millis(60) * u32::try_from(links()).unwrap()
}

/// What is different for one process.
#[derive(Default)]
pub(super) struct Different<'a> {
    pub(super) program: Option<&'a Path>,
    /// Its clock.
    pub(super) now: Option<&'a str>,
    /// Its way to the database.
    pub(super) database: Option<&'a str>,
    /// Its way to the web.
    pub(super) web: Option<SocketAddr>,
    /// Its way to the store of the bucket.
    pub(super) store: Option<SocketAddr>,
}

/// The key prefix of the archive in its bucket.
pub(super) const PREFIX: &str = "archive";

/// The addresses on the course page.
pub(super) fn addresses() -> Vec<String> {
    let hosts = hosts();
    (0..links()).map(|link| format!("http://h{}.test/{link}", link % hosts)).collect()
}

/// Each reply takes [`REPLY`]. The program needs its last bytes: only replies that it reads to the
/// end have a body.
fn slowly(reply: Reply) -> Reply {
    Reply { then: Then::Drip(2, REPLY / 2), ..reply }
}

async fn harness(counter: Arc<RequestCounter>) -> Harness {
    let hosts = (0..hosts()).map(|n| format!("h{n}.test"));
    let hosts = hosts.chain(["course.test", HUB, "sentinel.test"].map(str::to_owned));
    let addresses = addresses();
    Harness::start(hosts, move |_, seen| {
        counter.count();
        let link = seen.target.trim_start_matches('/').parse::<usize>();
        slowly(match (&*seen.host, &*seen.target, link) {
            ("course.test", "/", _) => {
                Reply::page(&page_of(&addresses.iter().map(String::as_str).collect::<Vec<_>>()))
            }
            ("sentinel.test", "/", _) => Reply::page("here"),
            (HUB, target, Ok(_)) => Reply::page(&article(&format!("The reading at the hub, {target}"))),
            // Few enough for the hub not to bound the night.
            (_, _, Ok(link)) if link % 10 == 3 && link < 400 => Reply::to(&format!("http://{HUB}/{link}")),
            (_, _, Ok(link)) if link % 20 == 7 => Reply::new(410, "", ""),
            (host, target, Ok(_)) => Reply::page(&article(&format!("The reading at http://{host}{target}"))),
            _ => Reply::new(404, "", ""),
        })
    })
    .await
}

impl Cluster {
    /// Starts a scheduler, which begins a night at once, and workers.
    pub(super) async fn start(server: &PostgresServer, workers: usize) -> Self {
        Self::start_with(server, None, workers).await
    }

    /// The same with processes that reach the database at another address, and have another lease.
    pub(super) async fn start_on(url: String, address: String, workers: usize, lease: Duration) -> Self {
        Self::start_after(url, address, workers, lease, async |_| ()).await
    }

    /// The same with a scheduler that starts later than the workers, after `ready`.
    pub(super) async fn start_after(
        url: String,
        address: String,
        workers: usize,
        lease: Duration,
        ready: impl AsyncFnOnce(&[Service]),
    ) -> Self {
        Self::start_in(None, (url, address), workers, lease, ready).await
    }

    /// The same; with a store the archive is in a bucket, and each process has a working directory.
    pub(super) async fn start_with(
        server: &PostgresServer,
        store: Option<&'static S3Server>,
        workers: usize,
    ) -> Self {
        let url = server.database().await;
        let bucket = store.map(S3Server::bucket);
        Self::start_in(bucket, (url.clone(), url), workers, LEASE, async |_| ()).await
    }

    /// The same in a bucket, if there is one.
    pub(super) async fn start_in(
        bucket: Option<TestBucket>,
        (url, address): (String, String),
        workers: usize,
        lease: Duration,
        ready: impl AsyncFnOnce(&[Service]),
    ) -> Self {
        let begun = Instant::now();
        let counter = Arc::new(RequestCounter::default());
        let relay = Relay::up();
        let harness = harness(Arc::clone(&counter)).await;
        let path = configure(&harness, &address, &relay, lease, bucket.as_ref());
        let other = |variable| std::env::var_os(variable).map_or(PROGRAM.into(), PathBuf::from);
        let start = |program: &Path, role| start_program(program, &own(&path, bucket.as_ref()), NOW, role);
        let one = (workers > 0).then(|| start(&other("ONRESERVE_OTHER_PROGRAM"), "worker"));
        let others = (1..workers).map(|_| start(Path::new(PROGRAM), "worker"));
        let workers: Vec<Service> = one.into_iter().chain(others).collect();
        ready(&workers).await;
        let scheduler = start(&other("ONRESERVE_OTHER_SCHEDULER"), "scheduler");
        Self { harness, relay, database: url, address, bucket, scheduler, workers, counter, begun }
    }

    pub(super) fn configuration(&self) -> PathBuf {
        self.harness.dir.path().join("onreserve.toml")
    }

    /// The configuration of a new process.
    fn own_configuration(&self) -> PathBuf {
        own(&self.configuration(), self.bucket.as_ref())
    }

    pub(super) fn start_role(&self, role: &str) -> Service {
        start_role(&self.own_configuration(), role)
    }

    /// A process without pages that answers monitors.
    pub(super) fn start_monitored(&self, role: &str) -> Service {
        Service::by(&self.own_configuration(), NOW, |command| {
            command.args(["--role", role, "--listen", "127.0.0.1:0"]);
        })
    }

    /// Runs a command as on a machine of its own.
    pub(super) async fn run(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = tokio::process::Command::new(PROGRAM);
        let output = command.args(arguments).arg("--config").arg(self.own_configuration()).output();
        let output = output.await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap_or(-1), text.into_owned())
    }

    /// One number from the catalogue.
    pub(super) async fn number(&self, query: &'static str) -> i64 {
        let mut catalogue = PgConnection::connect(&self.database).await.unwrap();
        let number = sqlx::query_scalar(query).fetch_one(&mut catalogue).await.unwrap();
        catalogue.close().await.unwrap();
        number
    }

    /// The time of a clock that is ahead of those of the processes that began with the cluster.
    pub(super) fn now(&self, ahead: SignedDuration) -> String {
        let now: Timestamp = NOW.parse().unwrap();
        (now + self.begun.elapsed() + ahead).to_string()
    }

    /// The database has moved to the server with these sockets.
    pub(super) fn database_is_at(&mut self, sockets: &Path) {
        let (start, _) = self.database.split_once("?host=").unwrap();
        self.database = format!("{start}?host={}", sockets.display());
    }

    pub(super) fn start_role_at(&self, now: &str, role: &str) -> Service {
        start_program(Path::new(PROGRAM), &self.own_configuration(), now, role)
    }

    /// A worker that differs from the others.
    pub(super) fn start_different(&self, different: &Different) -> Service {
        let configuration = self.own_configuration();
        let mut text = std::fs::read_to_string(&configuration).unwrap();
        if let (Some(address), Some(bucket)) = (different.store, &self.bucket) {
            text = text.replace(&bucket.keys(PREFIX), &bucket.keys_at(PREFIX, address));
        }
        if let Some(address) = different.database {
            text = text.replace(&self.address, address);
        }
        if let Some(address) = different.web {
            text = text.replace(&self.harness.site.address.to_string(), &address.to_string());
        }
        let path = configuration.with_extension(format!("different-{}.toml", next_number()));
        std::fs::write(&path, text).unwrap();
        let program = different.program.unwrap_or(Path::new(PROGRAM));
        start_program(program, &path, different.now.unwrap_or(NOW), "worker")
    }

    /// A worker whose requests nobody answers, and the socket that keeps others from answering.
    pub(super) fn start_without_network(&self) -> (Service, TcpSocket) {
        let closed = TcpSocket::new_v4().unwrap();
        closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let web = Some(closed.local_addr().unwrap());
        (self.start_different(&Different { web, ..Different::default() }), closed)
    }

    /// Waits until the scheduler has ended the night.
    pub(super) async fn night_ends(&self) {
        self.scheduler.says_within(deadline(), "waiting until").await;
    }

    /// Waits until a number in the catalogue has a value.
    pub(super) async fn until(&self, query: &'static str, value: i64) {
        let reached = tokio::time::timeout(Duration::from_mins(1), async {
            while self.number(query).await != value {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        assert!(reached.await.is_ok(), "{query} is never {value}: {}", self.scheduler.log());
    }

    /// Returns after this many requests from now on.
    pub(super) async fn after_requests(&self, count: usize) {
        self.counter.notify_after(count);
        let reached = tokio::time::timeout(deadline(), self.counter.reached.notified());
        assert!(reached.await.is_ok(), "there were no {count} requests: {}", self.scheduler.log());
    }

    /// Stops all processes, and reads what they have left.
    pub(super) async fn outcome(self) -> Outcome {
        self.outcome_with(0).await
    }

    /// The same after a process was frozen: it may have sent each host one request too late, with
    /// a short pause before it and after it.
    pub(super) async fn outcome_of_frozen(self) -> Outcome {
        self.outcome_with(2).await
    }

    /// The same with so many short pauses before the requests to each host.
    pub(super) async fn outcome_with(self, short_pauses: usize) -> Outcome {
        until(|| !self.relay.taken().is_empty(), || format!("there is no email: {}", self.scheduler.log()))
            .await;
        let configuration = self.configuration();
        let Self { harness, relay, database, bucket, scheduler, workers, .. } = self;
        for mut process in workers.into_iter().chain([scheduler]) {
            if process.child.try_wait().unwrap().is_none() {
                process.stop().await;
            }
        }
        let archive = match &bucket {
            None => ReadArchive { dir: harness.archive(), configuration, database: database.clone() },
            Some(bucket) => copied_down(bucket, &configuration, &database).await,
        };
        Outcome::read(harness, &relay, &database, &archive, short_pauses).await
    }
}

/// The archive of a bucket as a directory, with a new database.
async fn copied_down(bucket: &TestBucket, configuration: &Path, database: &str) -> ReadArchive {
    let dir = configuration.with_extension("copy");
    bucket.copy_down(PREFIX, &dir);
    let mut server = PgConnection::connect(database).await.unwrap();
    let name: String = sqlx::query_scalar("SELECT current_database()").fetch_one(&mut server).await.unwrap();
    let copy = format!("{name}_rebuilt");
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {copy}"))).execute(&mut server).await.unwrap();
    server.close().await.unwrap();
    let database = database.replace(&format!("/{name}?"), &format!("/{copy}?"));
    let text = format!("[archive]\ndir = \"{}\"\n[catalogue]\nurl = \"{database}\"\n", dir.display());
    let configuration = configuration.with_extension("copy.toml");
    std::fs::write(&configuration, text).unwrap();
    ReadArchive { dir, configuration, database }
}

/// A number that no other process of a test has.
fn next_number() -> usize {
    static PROCESSES: AtomicUsize = AtomicUsize::new(0);
    PROCESSES.fetch_add(1, Ordering::Relaxed)
}

/// The configuration of a new process, which has a working directory of its own beside a bucket.
fn own(configuration: &Path, bucket: Option<&TestBucket>) -> PathBuf {
    if bucket.is_none() {
        return configuration.to_owned();
    }
    let number = next_number();
    let text = std::fs::read_to_string(configuration).unwrap();
    let dir = configuration.with_file_name("archive");
    let (shared, own) =
        (format!("dir = \"{}\"", dir.display()), format!("dir = \"{}-{number}\"", dir.display()));
    assert!(text.contains(&shared), "{text}");
    let path = configuration.with_extension(format!("{number}.toml"));
    std::fs::write(&path, text.replace(&shared, &own)).unwrap();
    path
}

fn start_role(configuration: &Path, role: &str) -> Service {
    start_program(Path::new(PROGRAM), configuration, NOW, role)
}

fn start_program(program: &Path, configuration: &Path, now: &str, role: &str) -> Service {
    Service::of_program(program, configuration, now, |command| {
        command.args(["--role", role]);
    })
}

/// The hash of the password of staff, with a low cost.
fn staff_hash() -> String {
    let cheap = Argon2::from(Params::new(8, 1, 1, None).unwrap());
    cheap.hash_password_with_salt(STAFF.as_bytes(), b"somesaltsomesalt").unwrap().to_string()
}

fn configure(
    harness: &Harness,
    url: &str,
    relay: &Relay,
    lease: Duration,
    bucket: Option<&TestBucket>,
) -> PathBuf {
    let path = harness.configure(&format!(
        "[catalogue]\nurl = \"{url}\"\n\
         [service]\nspread = \"0s\"\nlook = \"never\"\nlease = \"{}s\"\n\
         [[course]]\nid = \"c\"\ntitle = \"A course\"\npage = \"http://course.test/\"\n\
         report_to = [\"i@school.test\"]\ncopies = \"open\"\nstaff = {{ password_hash = \"{}\" }}\n\
         [pages]\nlisten = \"127.0.0.1:0\"\nmonitors = [\"127.0.0.0/8\"]\n\
         [mail]\nfrom = \"o@school.test\"\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\n",
        lease.as_secs(),
        staff_hash(),
        relay.address.port()
    ));
    let text = std::fs::read_to_string(&path).unwrap();
    let fetching = format!(
        "delay = \"{}ms\"\nhosts_at_once = 5\nsentinels = [\"http://sentinel.test/\"]",
        PAUSE.as_millis()
    );
    let mut text = text.replace("delay = \"0s\"", &fetching);
    if let Some(bucket) = bucket {
        let credentials = harness.dir.path().join("credentials");
        let keys = format!("aws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n");
        std::fs::write(&credentials, format!("[default]\n{keys}")).unwrap();
        let file = format!("credentials_file = \"{}\"\n", credentials.display());
        text = text.replace("[archive]\n", &format!("[archive]\n{}{file}", bucket.keys(PREFIX)));
    }
    std::fs::write(&path, text).unwrap();
    path
}
