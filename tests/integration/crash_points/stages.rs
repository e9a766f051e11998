//! The life of a small archive in stages: nights, a decision, a takedown, backups and repairs.

use std::fs;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::fetch::site::Reply;
use crate::first_version;
use crate::harness::{Harness, PROGRAM, article, page_of, time_of};

pub(super) const NIGHTS: u32 = 3;
const PAGE: &str = "http://notes.test/page";
const DYING: &str = "http://notes.test/dying";
const LATE: &str = "http://blog.test/late";
const GONE: &str = "http://blog.test/gone";

/// A part of the life of an archive: one run of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Night(u32),
    Dismiss,
    Withdraw,
    Takedown,
    Backup,
    /// An altered copy is found.
    Verify,
    /// Lost files and lost lines of the journal come back from the backup.
    RestoreMissing,
    Restore,
    Rebuild,
    /// Of an archive that the first version wrote.
    Migrate,
}

impl Stage {
    pub(super) const ALL: [Self; 12] = [
        Self::Night(1),
        Self::Night(2),
        Self::Night(3),
        Self::Dismiss,
        Self::Withdraw,
        Self::Takedown,
        Self::Backup,
        Self::Verify,
        Self::RestoreMissing,
        Self::Restore,
        Self::Rebuild,
        Self::Migrate,
    ];

    /// The archive that the stage changes.
    pub(super) fn archive(self, dir: &Path) -> PathBuf {
        dir.join(match self {
            Self::Backup => "backup",
            Self::Restore => "restored",
            Self::Migrate => "first/archive",
            _ => "archive",
        })
    }

    /// The exit code of a run without a fault.
    pub(super) fn code(self) -> i32 {
        match self {
            Self::Night(night) if night == NIGHTS => 2,
            Self::Verify => 1,
            _ => 0,
        }
    }

    /// What happens to the archive before the stage.
    pub(super) fn prepare(self, dir: &Path) {
        match self {
            Self::Verify => alter(&blob_of(dir, LATE)),
            Self::RestoreMissing => {
                fs::remove_file(blob_of(dir, DYING)).unwrap();
                fs::remove_file(dir.join("archive/captures/2026/09/15.jsonl")).unwrap();
                let damaged = dir.join("archive/captures/2026/09/14.jsonl");
                let text = fs::read_to_string(&damaged).unwrap();
                fs::write(&damaged, text.replacen("\"visit\"", "\"v\0sit\"", 1)).unwrap();
            }
            Self::Migrate => {
                fs::create_dir_all(dir.join("first")).unwrap();
                first_version::unpack(&dir.join("first"));
            }
            _ => {}
        }
    }

    /// What a person does before the command is run again after an interruption.
    pub(super) fn clear_for_retry(self, dir: &Path) {
        if self == Self::Restore {
            let _ = fs::remove_dir_all(dir.join("restored"));
        }
    }

    pub(super) fn command(self, dir: &Path) -> Command {
        let configuration = dir.join("onreserve.toml");
        let mut command = Command::new(PROGRAM);
        command.stdin(std::process::Stdio::null()).kill_on_drop(true).current_dir(dir);
        let config = |command: &mut Command| _ = command.arg("--config").arg(&configuration);
        match self {
            Self::Night(night) => {
                command.args(["check", "--format", "json", "--now", &time_of(night)]);
                config(&mut command);
            }
            Self::Dismiss => {
                command.args(["dismiss", GONE, "--now", "2026-09-16T12:00:00Z"]);
                config(&mut command);
            }
            Self::Withdraw => {
                command.args(["withdraw-night", "2026-09-15T02:30", "--now", "2026-09-16T13:00:00Z"]);
                config(&mut command);
            }
            Self::Takedown => {
                command.args([
                    "takedown",
                    PAGE,
                    "--reason",
                    "asked",
                    "--yes",
                    "--now",
                    "2026-09-16T14:00:00Z",
                ]);
                config(&mut command);
            }
            Self::Backup => {
                command.args(["backup", "backup"]);
                config(&mut command);
            }
            Self::Verify => {
                command.arg("verify");
                config(&mut command);
            }
            Self::RestoreMissing => {
                command.args(["restore", "backup", "--missing"]);
                config(&mut command);
            }
            Self::Restore => _ = command.args(["restore", "backup", "--archive", "restored"]),
            Self::Rebuild => {
                command.arg("rebuild");
                config(&mut command);
            }
            Self::Migrate => _ = command.args(["migrate", "--archive", "first/archive"]),
        }
        command
    }
}

/// The hosts of the course. They answer by the night that is set.
pub(super) async fn harness() -> Harness {
    Harness::start(["course.test", "notes.test", "blog.test"], |night, seen| {
        match (&*seen.host, &*seen.target) {
            ("course.test", "/") if night < 2 => Reply::page(&page_of(&[PAGE, DYING, GONE])),
            ("course.test", "/") => Reply::page(&page_of(&[PAGE, DYING, GONE, LATE])),
            ("notes.test", "/page") => Reply::page(&article(&format!("The reading at {PAGE}")).replace(
                "<main>",
                "<link rel=stylesheet href=/style.css><img src=/figure.png alt=\"A figure\"><main>",
            )),
            ("notes.test", "/style.css") => Reply::new(200, "content-type: text/css", "main { margin: 1em }"),
            ("notes.test", "/figure.png") => {
                Reply::new(200, "content-type: image/png", b"\x89PNG\r\n\x1a\n and some pixels")
            }
            ("notes.test", "/dying") if night < 2 => {
                Reply::page(&article(&format!("The reading at {DYING}")))
            }
            ("blog.test", "/late") => Reply::page(&article(&format!("The reading at {LATE}"))),
            _ => Reply::not_found(),
        }
    })
    .await
}

/// Writes the configuration of a directory.
pub(super) fn configure(harness: &Harness, dir: &Path) {
    let text = fs::read_to_string(harness.configure(&format!(
        "[mail]\nfrom = \"o@school.test\"\ndirectory = \"{0}/emails\"\n\
         [pages]\nlisten = \"127.0.0.1:0\"\nbase_url = \"https://reserve.school.test\"\n\
         [[course]]\nid = \"c\"\ntitle = \"A course\"\npage = \"http://course.test/\"\n\
         report_to = [\"i@school.test\"]\n",
        dir.display()
    )));
    let archive = harness.archive().display().to_string();
    let text = text.unwrap().replace(&archive, &dir.join("archive").display().to_string());
    fs::write(dir.join("onreserve.toml"), text).unwrap();
}

fn blob_of(dir: &Path, link: &str) -> PathBuf {
    let archive = onreserve::world::archive::Archive::open_shared(&dir.join("archive")).unwrap();
    let digest = archive.entries().find_map(|entry| match entry.unwrap() {
        onreserve::domain::journal::Entry::Capture { kept, .. } if kept.capture.link.as_str() == link => {
            Some(kept.capture.sha256)
        }
        _ => None,
    });
    archive.place_of(digest.unwrap()).into()
}

fn alter(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mut bytes = fs::read(path).unwrap();
    bytes[0] ^= 1;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(path, bytes).unwrap();
}
