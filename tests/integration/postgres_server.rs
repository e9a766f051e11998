//! A `PostgreSQL` server in a directory of its own, which the tests start.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

/// Creates and starts a server, and stops it when its input ends: also if the test is killed.
const SCRIPT: &str = r#"
set -e
for bin in /usr/lib/postgresql/*/bin "$(dirname "$(command -v postgres || echo /none/x)")"; do
    if [ -x "$bin/initdb" ] && [ -x "$bin/postgres" ]; then PATH=$bin:$PATH; fi
done
command -v initdb >/dev/null && command -v pg_isready >/dev/null || exit 3
dir=$(mktemp -d)
cd "$dir"
initdb -D data -U onreserve --auth=trust -E UTF8 --locale=C --no-sync >log 2>&1 || { cat log >&2; exit 1; }
postgres -D data -c listen_addresses= -c "unix_socket_directories=$dir" -c fsync=off -c max_connections=300 >>log 2>&1 &
server=$!
trap 'kill -QUIT $server; wait $server; rm -rf "$dir"' EXIT
until pg_isready -q -h "$dir"; do kill -0 $server; sleep 0.05; done
echo "$dir"
read -r _ || true
"#;

/// A server; it is stopped with this value.
pub(crate) struct PostgresServer {
    dir: String,
    databases: AtomicU32,
    /// The server runs until this is closed.
    _input: ChildStdin,
    _process: Child,
}

static SHARED: LazyLock<Option<PostgresServer>> = LazyLock::new(PostgresServer::start);

impl PostgresServer {
    /// The server of all tests in this process; `None` if this machine has none,
    /// which is printed.
    pub(crate) fn shared() -> Option<&'static Self> {
        if SHARED.is_none() {
            let skipped = b"SKIPPED: PostgreSQL is not installed, so this was tested with SQLite only\n";
            std::io::stderr().write_all(skipped).unwrap();
        }
        SHARED.as_ref()
    }

    /// A server of its own.
    pub(crate) fn start() -> Option<Self> {
        let mut command = if rustix::process::geteuid().is_root() {
            // It refuses to run as root.
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        let mut process = command
            .args(["-c", SCRIPT])
            .env_remove("TMPDIR")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut dir = String::new();
        BufReader::new(process.stdout.take()?).read_line(&mut dir).ok()?;
        let dir = dir.trim().to_owned();
        let input = process.stdin.take()?;
        if dir.is_empty() {
            let code = process.wait().unwrap().code();
            assert_eq!(code, Some(3), "PostgreSQL is installed and does not start");
            return None;
        }
        Some(Self { dir, databases: AtomicU32::new(0), _input: input, _process: process })
    }

    /// The address of a new database.
    pub(crate) async fn database(&self) -> String {
        self.url(&self.new_database("template1").await)
    }

    /// The name of a new database with the rows of another one, which no process may be using.
    pub(crate) async fn new_database(&self, template: &str) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        name
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://onreserve@localhost/{database}?host={}", self.dir)
    }

    pub(crate) async fn execute(&self, database: &str, statement: &str) {
        let options: sqlx::postgres::PgConnectOptions = self.url(database).parse().unwrap();
        let mut connection = options.connect().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}
