//! An archive on a read-only file system: commands that read work, others say why they do not.
//!
//! A read-only mount needs a mount namespace. If the kernel does not allow one for this
//! user, the test prints a message and passes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::engines::only_on_sqlite_and_directory;
use crate::first_version::unpack;
use crate::harness::PROGRAM;

const LINK: &str = "http://papers.example/normalizing-flows.pdf";

/// Runs a script in a separate mount namespace, where `$1/medium` is a read-only mount of `$1/archive`.
fn on_read_only_medium(dir: &Path, script: &str) -> Output {
    let mounted = format!(
        "set -e; mount --bind \"$1/archive\" \"$1/medium\"; mount -o remount,bind,ro \"$1/medium\"; set +e; {script}"
    );
    Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &mounted, "sh"])
        .arg(dir)
        .arg(PROGRAM)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn has_namespaces(dir: &Path) -> bool {
    on_read_only_medium(dir, "true").status.success()
}

/// The exit code and everything that a command prints.
fn run(dir: &Path, arguments: &str) -> (i32, String) {
    let output = on_read_only_medium(dir, &format!("\"$2\" {arguments} --archive medium"));
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), text.into_owned())
}

#[expect(clippy::print_stderr, reason = "a skipped test must be visible")]
#[test]
fn commands_that_read_work_and_others_explain_why_not() {
    only_on_sqlite_and_directory!("a bucket has no file system");
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    unpack(dir);
    fs::create_dir(dir.join("medium")).unwrap();
    if !has_namespaces(dir) {
        eprintln!("NOT TESTED: an archive on a read-only file system; it takes `unshare --user --mount`");
        return;
    }
    // The catalogue of the first version is copied and migrated; then the current one is opened in place.
    for migrates in [false, true] {
        if migrates {
            let migrated = Command::new(PROGRAM)
                .args(["migrate", "--archive", "archive"])
                .current_dir(dir)
                .output()
                .unwrap();
            assert!(migrated.status.success(), "{migrated:?}");
        }
        let before = listing(&dir.join("archive"));
        for arguments in [
            "status",
            &format!("history {LINK}"),
            &format!("explain {LINK}"),
            &format!("open {LINK}"),
            "report",
            "verify",
            "export data",
            &format!("export site site-{migrates}"),
            &format!("backup backup-{migrates}"),
        ] {
            let (code, printed) = run(dir, arguments);
            assert_eq!(code, 0, "{arguments}: {printed}");
        }
        for arguments in [format!("accept {LINK}"), "rebuild".to_owned()] {
            let (code, printed) = run(dir, &arguments);
            assert!(code != 0 && printed.contains("read-only"), "{arguments}: {printed}");
            assert!(printed.contains("writable disk"), "{arguments}: {printed}");
        }
        assert_eq!(listing(&dir.join("archive")), before, "nothing is written");
    }
}

/// The files of a directory, without those that `SQLite` leaves beside a catalogue.
fn listing(dir: &Path) -> Vec<String> {
    let found =
        Command::new("find").arg(dir).args(["-type", "f", "-not", "-name", "*-shm"]).output().unwrap();
    let mut files: Vec<String> = String::from_utf8_lossy(&found.stdout).lines().map(str::to_owned).collect();
    files.sort();
    files
}
