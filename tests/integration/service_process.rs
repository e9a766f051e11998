//! The service in its own process, with a simulated service manager.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::UnixDatagram;
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::harness::{Harness, PROGRAM};

/// Long enough for a busy machine. A successful test never waits so long.
const DEADLINE: Duration = Duration::from_mins(1);

/// The service with a simulated service manager.
pub(crate) struct Service {
    pub(crate) child: Child,
    /// What it has said to the service manager, and nobody has heard yet.
    said: tokio::sync::Mutex<UnboundedReceiver<String>>,
    log: Arc<Mutex<String>>,
    _dir: tempfile::TempDir,
}

impl Service {
    pub(crate) fn start(harness: &Harness, now: &str) -> Self {
        Self::start_with(harness, now, |_| {})
    }

    pub(crate) fn start_with(harness: &Harness, now: &str, change: impl FnOnce(&mut Command)) -> Self {
        Self::by(&harness.dir.path().join("onreserve.toml"), now, change)
    }

    /// With this configuration.
    pub(crate) fn by(configuration: &Path, now: &str, change: impl FnOnce(&mut Command)) -> Self {
        Self::of_program(Path::new(PROGRAM), configuration, now, change)
    }

    pub(crate) fn of_program(
        program: &Path,
        configuration: &Path,
        now: &str,
        change: impl FnOnce(&mut Command),
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("notify");
        let supervisor = UnixDatagram::bind(&socket).unwrap();
        let mut command = Command::new(program);
        command
            .args(["serve", "--log-format", "json", "--now", now, "--config"])
            .arg(configuration)
            .env("NOTIFY_SOCKET", &socket)
            .env_remove("WATCHDOG_USEC")
            .env_remove("ONRESERVE_LOG")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let log = Arc::<Mutex<String>>::default();
        let (lines, kept) = (child.stderr.take().unwrap(), Arc::clone(&log));
        tokio::spawn(async move {
            let mut lines = BufReader::new(lines).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let mut kept = kept.lock().unwrap();
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        let (messages, said) = unbounded_channel();
        // As a service manager it reads at once: a process that is not heard waits for it.
        tokio::spawn(async move {
            let mut message = vec![0; 4096];
            while let Ok(length) = supervisor.recv(&mut message).await {
                if messages.send(String::from_utf8_lossy(&message[..length]).into_owned()).is_err() {
                    return;
                }
            }
        });
        Self { child, said: said.into(), log, _dir: dir }
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits for a message to the service manager, and returns all messages until then.
    pub(crate) async fn says(&self, word: &str) -> String {
        self.says_within(DEADLINE, word).await
    }

    pub(crate) async fn says_within(&self, deadline: Duration, word: &str) -> String {
        let mut said = String::new();
        let heard = tokio::time::timeout(deadline, async {
            let mut messages = self.said.lock().await;
            while !said.contains(word) {
                said.push_str(&messages.recv().await.unwrap());
                said.push('\n');
            }
        });
        assert!(heard.await.is_ok(), "never said {word}: {said}\n{}", self.log());
        said
    }

    pub(crate) async fn logs(&self, word: &str) {
        until(|| self.log().contains(word), || format!("never logged {word}: {}", self.log())).await;
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(i32::try_from(self.child.id().unwrap()).unwrap()).unwrap();
        kill_process(id, signal).unwrap();
    }

    /// Stops it as a service manager does; it must end within ten seconds.
    pub(crate) async fn stop(mut self) -> String {
        self.end().await;
        self.log()
    }

    /// The same with a process that is started again afterwards.
    pub(crate) async fn end(&mut self) {
        self.signal(Signal::TERM);
        let ended = tokio::time::timeout(Duration::from_secs(10), self.child.wait()).await;
        let status = ended.unwrap_or_else(|_| panic!("still there after 10 s: {}", self.log())).unwrap();
        assert_eq!(status.code(), Some(0), "{}", self.log());
        self.says("STOPPING=1").await;
    }
}

/// Checks a condition repeatedly, up to a deadline.
pub(crate) async fn until(is_so: impl Fn() -> bool, otherwise: impl Fn() -> String) {
    let looked = tokio::time::timeout(DEADLINE, async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(looked.await.is_ok(), "{}", otherwise());
}
