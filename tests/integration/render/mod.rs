//! Pages that a browser opens, in a real Chromium.
//!
//! Without Chromium these tests print a message and pass, unless `ONRESERVE_BROWSER` is set.

mod hostile;
pub(crate) mod nights;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

/// A Chromium whose processes can be told from those of other tests.
pub(crate) struct TestBrowser {
    dir: TempDir,
    mark: String,
    _turn: MutexGuard<'static, ()>,
}

/// The limits of time are for one browser at a time.
static TURN: Mutex<()> = Mutex::const_new(());

impl TestBrowser {
    #[expect(clippy::print_stderr, reason = "a skipped test must be visible")]
    async fn find() -> Option<Self> {
        let Some(chromium) = chromium() else {
            assert!(
                std::env::var_os("ONRESERVE_BROWSER").is_none(),
                "ONRESERVE_BROWSER is set without Chromium"
            );
            eprintln!("NOT TESTED: pages in a browser; it takes Chromium");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        let mark = format!("--mark={}", dir.path().display());
        let script = format!("#!/bin/sh\nexec {} \"$@\" {mark}\n", chromium.display());
        let program = dir.path().join("browser");
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Some(Self { dir, mark, _turn: TURN.lock().await })
    }

    fn program(&self) -> PathBuf {
        self.dir.path().join("browser")
    }

    /// The command lines of its processes that still run.
    fn processes(&self) -> Vec<String> {
        let mut running = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            if command.contains(&self.mark) {
                running.push(command);
            }
        }
        running
    }
}

fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let find = |name: &str| {
        std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file: &PathBuf| Path::is_file(file))
    };
    find("chromium").or_else(|| find("chromium-browser")).or_else(|| find("google-chrome"))
}
