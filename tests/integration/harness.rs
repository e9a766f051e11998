//! Simulated hosts around one course page, which the real program visits night after night
//! with a simulated clock.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::engines;
use crate::fetch::site::{Reply, Seen, Site};

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_onreserve");

pub(crate) struct Harness {
    pub(crate) dir: TempDir,
    pub(crate) site: Site,
    night: Arc<AtomicU32>,
    hosts: Vec<String>,
}

/// The output of one night's `check`.
pub(crate) struct Night {
    pub(crate) code: i32,
    pub(crate) json: Value,
    pub(crate) errors: String,
}

impl Harness {
    /// Serves `hosts` on one port; `script` answers a request of a night, counted from 1.
    pub(crate) async fn start(
        hosts: impl IntoIterator<Item = impl Into<String>>,
        script: impl Fn(u32, &Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let night = Arc::new(AtomicU32::new(1));
        let tonight = Arc::clone(&night);
        let site = Site::start(move |seen| script(tonight.load(Ordering::SeqCst), seen)).await;
        let hosts = hosts.into_iter().map(Into::into).collect();
        Self { dir: tempfile::tempdir().unwrap(), site, night, hosts }
    }

    pub(crate) fn archive(&self) -> PathBuf {
        self.dir.path().join("archive")
    }

    /// Writes the configuration: `courses` is its `[[course]]` part.
    pub(crate) fn configure(&self, courses: &str) -> PathBuf {
        let resolve: Vec<String> =
            self.hosts.iter().map(|host| format!("\"{host}\" = \"{}\"", self.site.address)).collect();
        let resolve = resolve.join("\n");
        // A test that names a database itself has its archive in a directory.
        let keys = if courses.contains("[catalogue]") { engines::directory_keys } else { engines::keys };
        let text = format!(
            "{}[fetch]\ndelay = \"0s\"\nallow_private_networks = true\n\
             page_timeout = \"10s\"\n[fetch.resolve]\n{resolve}\n{courses}\n",
            keys(&self.archive())
        );
        let path = self.dir.path().join("onreserve.toml");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// One course, its page at `http://course.test/`.
    pub(crate) fn one_course(&self) -> PathBuf {
        self.configure("[[course]]\nid = \"c\"\ntitle = \"A course\"\npage = \"http://course.test/\"\n")
    }

    /// From now on the hosts respond as on this night.
    pub(crate) fn set_night(&self, night: u32) {
        self.night.store(night, Ordering::SeqCst);
    }

    /// The `check` of a night, not started yet.
    pub(crate) fn checking(&self, night: u32) -> Command {
        self.set_night(night);
        let mut command = Command::new(PROGRAM);
        command
            .args(["check", "--format", "json", "--now", &time_of(night), "--config"])
            .arg(self.dir.path().join("onreserve.toml"))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    pub(crate) async fn check(&self, night: u32) -> Night {
        Night::from(self.checking(night).output().await.unwrap())
    }

    /// Runs another command on the archive; returns its exit code and output.
    pub(crate) async fn run(&self, arguments: &[&str]) -> (i32, String) {
        run_on(&self.archive(), arguments).await
    }
}

pub(crate) async fn run_on(archive: &Path, arguments: &[&str]) -> (i32, String) {
    let output =
        Command::new(PROGRAM).args(arguments).args(engines::arguments(archive)).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), text.into_owned())
}

/// Half past two in the morning on the day of the night.
pub(crate) fn time_of(night: u32) -> String {
    let first: jiff::civil::Date = "2026-09-14".parse().unwrap();
    let day = first.checked_add(jiff::Span::new().days(i64::from(night) - 1)).unwrap();
    format!("{day}T02:30:00Z")
}

impl From<Output> for Night {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            json: serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Night {
    /// The link whose address ends with this text.
    pub(crate) fn link(&self, ending: &str) -> &Value {
        self.links()
            .iter()
            .find(|link| link["url"].as_str().unwrap().ends_with(ending))
            .unwrap_or_else(|| panic!("no link …{ending}: {}", self.errors))
    }

    pub(crate) fn links(&self) -> &[Value] {
        self.json["links"].as_array().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn state(&self, ending: &str) -> &str {
        self.link(ending)["state"].as_str().unwrap()
    }

    /// The states of all links, in the order of the page.
    pub(crate) fn states(&self) -> Vec<&str> {
        self.links().iter().map(|link| link["state"].as_str().unwrap()).collect()
    }
}

/// A page with links to these addresses.
pub(crate) fn page_of(links: &[&str]) -> String {
    let items: Vec<String> =
        links.iter().map(|link| format!("<li><a href=\"{link}\">The reading at {link}</a></li>")).collect();
    let items = items.join("\n");
    format!("<!doctype html><title>A course</title><h1>A course</h1><h2>Readings</h2><ul>{items}</ul>")
}

/// An article that is long enough to be judged.
pub(crate) fn article(title: &str) -> String {
    let words = ["matter", "of", "scores", "and", "their", "gradients", "noise", "schedules", "samplers"];
    let seed = title.bytes().map(usize::from).sum::<usize>();
    let text: Vec<String> = (0..40)
        .map(|n| {
            let line: Vec<&str> =
                (0..12).map(|k| words[(seed + n * 7 + k * (n % 5 + 1)) % words.len()]).collect();
            format!("<p>{title} {n}: {}.</p>", line.join(" "))
        })
        .collect();
    format!("<!doctype html><title>{title}</title><main><h1>{title}</h1>{}</main>", text.join("\n"))
}

/// Random choices that are the same in each run, so that a failure can be repeated.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Self {
        Self(0x5eed)
    }

    /// A number below `end` (xorshift64).
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}
