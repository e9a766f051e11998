//! A full disk stops keeping, not checking.
//!
//! The disk is a small file system in memory, in a separate mount namespace. If the
//! kernel does not allow one for this user, the test prints a message and passes.

use std::path::Path;
use std::process::{Output, Stdio};

use crate::engines::only_on_sqlite_and_directory;
use crate::fetch::site::{Reply, Site};
use crate::harness::{PROGRAM, article};

/// Runs a script where `$1/disk` is a file system of 16 MiB.
async fn on_a_small_disk(dir: &Path, script: &str) -> Output {
    let mounted = format!("set -e; mount -t tmpfs -o size=16m tmpfs disk; set +e; {script}");
    tokio::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &mounted, "sh", PROGRAM])
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap()
}

/// The first night has room. Then the disk is filled up to the last 2 MiB, less than one
/// body needs.
const NIGHTS: &str = r#"
night() {
    echo $1 > night
    "$PROGRAM" check --config c.toml --format json --now 2026-09-1$1T02:00:00Z > out$1 2> err$1
    echo $? > exit$1
}
PROGRAM="$1"
night 1
dd if=/dev/zero of=disk/filler bs=4096 count=$(( ($(df --output=avail -k disk | tail -1) - 2048) / 4 )) 2> /dev/null
for n in 2 3 4; do night $n; done
for command in "rebuild" "report c"; do
    "$PROGRAM" $command --config c.toml > /dev/null 2>> advice
done
rm disk/filler
night 5
"$PROGRAM" verify --config c.toml
"#;

fn read(dir: &Path, name: &str) -> String {
    std::fs::read_to_string(dir.join(name)).unwrap()
}

fn state(dir: &Path, night: u32, link: &str) -> String {
    let text = read(dir, &format!("out{night}"));
    let run: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|_| {
        panic!("night {night}: {text} {}", read(dir, &format!("err{night}")));
    });
    let links = run["links"].as_array().unwrap();
    let found = links.iter().find(|it| it["url"].as_str().unwrap().ends_with(link)).unwrap();
    found["state"].as_str().unwrap().to_owned()
}

#[expect(clippy::print_stderr, reason = "a skipped test must be visible")]
#[tokio::test]
async fn a_night_on_a_full_disk_checks_and_reports_and_says_so() {
    only_on_sqlite_and_directory!("a bucket has no file system");
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().to_owned();
    std::fs::create_dir(dir.join("disk")).unwrap();
    if !on_a_small_disk(&dir, "true").await.status.success() {
        eprintln!("NOT TESTED: an archive on a full disk; it takes `unshare --user --mount`");
        return;
    }
    let night_file = dir.join("night");
    let site = Site::start(move |seen| {
        let night: u32 = std::fs::read_to_string(&night_file).unwrap().trim().parse().unwrap();
        match seen.target.as_str() {
            "/gone.html" if night > 1 => Reply::not_found(),
            "/changed.html" if night > 1 => Reply::page(&article("Quite another work, about rivers")),
            "/large.bin" => Reply::new(200, "content-type: application/octet-stream", vec![7; 3 << 20]),
            "/robots.txt" | "/" => Reply::not_found(),
            page => Reply::page(&article(page)),
        }
    })
    .await;
    let links: String = ["gone.html", "changed.html", "large.bin", "same.html"]
        .map(|page| format!("<li><a href=\"http://{}/{page}\">{page}</a>", site.address))
        .concat();
    std::fs::write(dir.join("page.html"), format!("<h1>A course</h1><ul>{links}</ul>")).unwrap();
    let configuration = "[archive]\ndir = \"disk/archive\"\n[fetch]\nallow_private_networks = true\ndelay = \"0s\"\n\
         [[course]]\nid = \"c\"\npage = \"page.html\"\n";
    std::fs::write(dir.join("c.toml"), configuration).unwrap();
    let verified = on_a_small_disk(&dir, NIGHTS).await;
    assert!(verified.status.success(), "{verified:?}");
    assert_eq!(state(&dir, 2, "gone.html"), "failing");
    assert_eq!(state(&dir, 4, "gone.html"), "dead");
    assert_eq!(state(&dir, 4, "changed.html"), "changed");
    assert_eq!(state(&dir, 4, "same.html"), "ok");
    for night in [2, 3, 4] {
        let said = read(&dir, &format!("err{night}"));
        assert!(said.contains("no room for") && said.contains("free some space"), "{night}: {said}");
    }
    assert!(!read(&dir, "err1").contains("no room"));
    assert!(!read(&dir, "err5").contains("no room"));
    let advice = read(&dir, "advice");
    assert!(advice.lines().all(|line| line.contains("free some space")), "{advice}");
}
