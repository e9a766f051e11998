//! A `PostgreSQL` server in a directory of its own, which the tests start.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex};

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

/// Creates and starts a server, and runs the functions whose names it reads. It stops the server
/// when its input ends: also if the test is killed.
const SCRIPT: &str = r#"
set -e
for bin in /usr/lib/postgresql/*/bin "$(dirname "$(command -v postgres || echo /none/x)")"; do
    if [ -x "$bin/initdb" ] && [ -x "$bin/postgres" ]; then PATH=$bin:$PATH; fi
done
command -v initdb >/dev/null && command -v pg_isready >/dev/null || exit 3
dir=$(mktemp -d)
cd "$dir"
initdb -D data -U onreserve --auth=trust -E UTF8 --locale=C --no-sync >log 2>&1 || { cat log >&2; exit 1; }
server= standby= standbys=0
# Where the server has its data and its socket.
data=data sockets=$dir
trap 'for one in $server $standby; do kill -QUIT $one; wait $one; done; rm -rf "$dir"' EXIT
# The number of the new server of this directory is in $begun.
begin() {
    postgres -D "$1" -c listen_addresses= -c "unix_socket_directories=$2" -c fsync=off -c max_connections=300 >>log 2>&1 &
    begun=$!
    until pg_isready -q -h "$2"; do kill -0 $begun || return 1; sleep 0.05; done
}
start() {
    begin "$data" "$sockets" && server=$begun
}
crash() {
    kill -QUIT $server; wait $server || true; server=
}
begin_standby() {
    standbys=$((standbys + 1))
    mkdir "standby$standbys"
    pg_basebackup -h "$sockets" -U onreserve -D "copy$standbys" -R -X stream -c fast --no-sync || return 1
    begin "copy$standbys" "$dir/standby$standbys" && standby=$begun
}
# From now on the server confirms no commit that the standby does not have.
wait_for_standby() {
    psql -h "$sockets" -U onreserve -d postgres -c "ALTER SYSTEM SET synchronous_standby_names = '*'" -c "SELECT pg_reload_conf()"
    until psql -h "$sockets" -U onreserve -d postgres -Atc "SELECT sync_state FROM pg_stat_replication" | grep -qx sync; do sleep 0.05; done
}
cut_standby() {
    psql -h "$dir/standby$standbys" -U onreserve -d postgres -c "ALTER SYSTEM SET primary_conninfo = ''" -c "SELECT pg_reload_conf()"
    while psql -h "$dir/standby$standbys" -U onreserve -d postgres -Atc "SELECT 1 FROM pg_stat_wal_receiver" | grep -q 1; do sleep 0.05; done
}
promote() {
    pg_ctl promote -D "copy$standbys" -w || return 1
    server=$standby standby=
    rm -rf "$data"
    data=copy$standbys sockets=$dir/standby$standbys
}
start
echo "$dir"
while read -r name; do
    if "$name" >>log 2>&1; then echo "done $sockets"; else echo failed; tail -n 20 log >&2; fi
done
"#;

/// A server; it is stopped with this value.
pub(crate) struct PostgresServer {
    /// The directory of its sockets.
    sockets: String,
    databases: AtomicU32,
    /// The server runs until this is closed.
    script: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
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
        let mut sockets = String::new();
        let mut output = BufReader::new(process.stdout.take()?);
        output.read_line(&mut sockets).ok()?;
        let sockets = sockets.trim().to_owned();
        let input = process.stdin.take()?;
        if sockets.is_empty() {
            let code = process.wait().unwrap().code();
            assert_eq!(code, Some(3), "PostgreSQL is installed and does not start");
            return None;
        }
        Some(Self {
            sockets,
            databases: AtomicU32::new(0),
            script: Mutex::new((input, output)),
            _process: process,
        })
    }

    /// The directory of its sockets.
    pub(crate) fn sockets(&self) -> &Path {
        Path::new(&self.sockets)
    }

    /// Stops the server as if it had crashed. It confirms nothing more.
    pub(crate) fn crash(&self) {
        self.run("crash");
    }

    pub(crate) fn start_again(&self) {
        self.run("start");
    }

    /// Starts a standby, which gets each commit soon after it.
    pub(crate) fn begin_standby(&self) {
        self.run("begin_standby");
    }

    /// From now on the server confirms no commit that the standby does not have.
    pub(crate) fn wait_for_standby(&self) {
        self.run("wait_for_standby");
    }

    /// From now on the standby gets no commits.
    pub(crate) fn cut_standby(&self) {
        self.run("cut_standby");
    }

    /// The standby becomes the server, which has crashed.
    pub(crate) fn promote(&mut self) {
        self.sockets = self.run("promote");
    }

    /// Runs a function of the script, and returns the directory of the server's sockets.
    fn run(&self, function: &str) -> String {
        let answer = tokio::task::block_in_place(|| {
            let mut script = self.script.lock().unwrap();
            writeln!(script.0, "{function}").unwrap();
            let mut answer = String::new();
            script.1.read_line(&mut answer).unwrap();
            answer
        });
        let sockets = answer.strip_prefix("done ").unwrap_or_else(|| panic!("{function} has failed"));
        sockets.trim_end().to_owned()
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
        format!("postgres://onreserve@localhost/{database}?host={}", self.sockets)
    }

    pub(crate) async fn execute(&self, database: &str, statement: &str) {
        let options: sqlx::postgres::PgConnectOptions = self.url(database).parse().unwrap();
        let mut connection = options.connect().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}
