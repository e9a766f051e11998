//! Full disks, read-only file systems and lost permissions: each command says what to do.
//!
//! The file systems need a mount namespace, and lost permissions a user other than root. If
//! this machine has none, the test prints a message and passes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::engines::only_on_sqlite_and_directory;
use crate::first_version::unpack;
use crate::harness::PROGRAM;

const LINK: &str = "http://papers.example/normalizing-flows.pdf";

/// Commands that only read, and work.
const READING: [&str; 8] = [
    "status --archive medium/archive",
    "history LINK --archive medium/archive",
    "explain LINK --archive medium/archive",
    "open LINK --archive medium/archive",
    "report --archive medium/archive",
    "export data --archive medium/archive",
    "export redirects --for nginx --archive medium/archive",
    "doctor --offline --config medium/c.toml",
];

/// Commands that write to the medium, and fail.
const WRITING: [&str; 24] = [
    "check --config medium/c.toml",
    "serve --config medium/c.toml",
    "accept LINK --archive medium/archive",
    "dismiss LINK --archive medium/archive",
    "snooze LINK --until 2030-01-01 --archive medium/archive",
    "use-copy LINK --archive medium/archive",
    "undo LINK --archive medium/archive",
    "takedown LINK --reason asked --yes --archive medium/archive",
    "withdraw-night 2026-09-15 --archive medium/archive",
    "rebuild --archive medium/archive",
    "migrate --archive medium/archive",
    "repair --archive medium/archive",
    "restore backup --missing --archive medium/archive",
    "restore backup --archive medium/new",
    "backup medium/backup --archive source",
    "export site medium/site --archive source",
    "export links medium/links --archive source",
    "export warc medium/a.warc.gz --archive source",
    "export wacz medium/a.wacz --archive source",
    "manual medium",
    "init medium/new.toml",
    "add page.html --config medium/c.toml",
    "demo --fast --dir medium/demo",
    "check page.html --archive medium/other",
];

/// A directory with an archive below `medium`, another one, its backup, and a course page.
fn prepare(dir: &Path) {
    fs::create_dir(dir.join("medium")).unwrap();
    unpack(&dir.join("medium"));
    unpack(dir);
    fs::rename(dir.join("archive"), dir.join("source")).unwrap();
    for archive in ["medium/archive", "source"] {
        assert!(run(dir, &[PROGRAM, "migrate", "--archive", archive]).status.success());
    }
    assert!(run(dir, &[PROGRAM, "backup", "backup", "--archive", "source"]).status.success());
    fs::write(dir.join("page.html"), "<h1>A course</h1><a href=\"http://127.0.0.1:1/a\">A reading</a>")
        .unwrap();
    let page = dir.join("page.html");
    let configuration = format!(
        "[archive]\ndir = \"medium/archive\"\n[pages]\nlisten = \"127.0.0.1:0\"\n[[course]]\nid = \"dgm\"\npage = \"{}\"\n",
        page.display()
    );
    fs::write(dir.join("medium/c.toml"), configuration).unwrap();
}

fn run(dir: &Path, command: &[&str]) -> Output {
    let (program, arguments) = command.split_first().unwrap();
    Command::new(program).args(arguments).current_dir(dir).stdin(Stdio::null()).output().unwrap()
}

/// The exit code and everything that is printed, in one line.
fn outcome(output: &Output) -> (i32, String) {
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Runs each command by `start`. Those that fail give one of the reasons.
fn each(commands: &[&str], is_reading: bool, reasons: &[&str], start: impl Fn(&str) -> Output) {
    let mut wrong = Vec::new();
    for command in commands {
        let (code, printed) = outcome(&start(&command.replace("LINK", LINK)));
        let says_why = reasons.iter().any(|reason| printed.contains(reason));
        let is_right = if is_reading { code == 0 || says_why } else { code != 0 && says_why };
        if !is_right || printed.contains("panicked") {
            wrong.push(format!("{command}: {code}: {printed}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A shell script in a mount namespace of its own; `$1` is the program.
fn in_namespace(dir: &Path, script: &str) -> Output {
    run(dir, &["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", PROGRAM])
}

#[expect(clippy::print_stderr, reason = "a skipped test must be visible")]
#[test]
fn a_read_only_file_system_is_named() {
    only_on_sqlite_and_directory!("a bucket has no file system");
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path());
    let mount = "set -e; mount --bind medium medium; mount -o remount,bind,ro medium; set +e";
    if !in_namespace(dir.path(), mount).status.success() {
        eprintln!("NOT TESTED: commands on a read-only file system; it takes `unshare --user --mount`");
        return;
    }
    let start = |command: &str| in_namespace(dir.path(), &format!("{mount}; timeout 60 \"$1\" {command}"));
    each(&WRITING, false, &["writable disk"], start);
    each(&READING, true, &["writable disk"], start);
}

#[expect(clippy::print_stderr, reason = "a skipped test must be visible")]
#[test]
fn a_full_disk_is_named() {
    only_on_sqlite_and_directory!("a bucket has no file system");
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path());
    fs::rename(dir.path().join("medium"), dir.path().join("kept")).unwrap();
    fs::create_dir(dir.path().join("medium")).unwrap();
    let mount = "set -e; mount -t tmpfs -o size=16m tmpfs medium; cp -a kept/. medium/; set +e; \
                 cat /dev/zero > medium/filler 2> /dev/null; cat /dev/zero >> medium/filler 2> /dev/null; export TMPDIR=$PWD";
    if !in_namespace(dir.path(), &format!("{mount}; test -s medium/filler")).status.success() {
        eprintln!("NOT TESTED: commands on a full disk; it takes `unshare --user --mount`");
        return;
    }
    let start = |command: &str| in_namespace(dir.path(), &format!("{mount}; timeout 60 \"$1\" {command}"));
    // A night goes on without new copies, and a file that needs no block is still made.
    let nights =
        ["check --config", "serve --config", "export links", "migrate", "repair", "restore backup --missing"];
    let writing: Vec<&str> = WRITING
        .into_iter()
        .filter(|command| !nights.iter().any(|night| command.starts_with(night)))
        .collect();
    each(&writing, false, &["free some space"], start);
    each(&READING, true, &["free some space"], start);
}

#[expect(clippy::print_stderr, reason = "a skipped test must be visible")]
#[test]
fn lost_permissions_are_named() {
    only_on_sqlite_and_directory!("a bucket has no file system");
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path());
    let is_root = run(dir.path(), &["id", "-u"]).stdout == b"0\n";
    let other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    assert!(run(dir.path(), &["chmod", "-R", "a+rX", "."]).status.success());
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    if is_root && !run(dir.path(), &[&other[..], &[PROGRAM, "--version"]].concat()).status.success() {
        eprintln!(
            "NOT TESTED: commands without permissions; root needs `setpriv` and a program that others may run"
        );
        return;
    }
    let start = |command: &str| {
        let user = if is_root { &other[..] } else { &[] };
        let words: Vec<&str> = command.split(' ').collect();
        run(dir.path(), &[user, &["timeout", "60", PROGRAM], &words].concat())
    };
    let reasons = ["run this as the user", "run this as the owner"];
    assert!(run(dir.path(), &["chmod", "-R", "a-w", "medium"]).status.success());
    each(&WRITING, false, &reasons, start);
    each(&READING, true, &reasons, start);
    assert!(run(dir.path(), &["chmod", "-R", "a-rwx", "medium/archive"]).status.success());
    each(&WRITING[..12], false, &reasons, start);
    each(&READING, true, &reasons, start);
    assert!(run(dir.path(), &["chmod", "-R", "u+rwX", "."]).status.success());
}
