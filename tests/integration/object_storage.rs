//! The archive in a bucket: whole nights, the commands on it, and a store that fails.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use onreserve::world::archive::Archive;
use tokio::process::Command;

use crate::engines::only_on_sqlite_and_directory;
use crate::fetch::site::Reply;
use crate::harness::{Harness, PROGRAM, article, page_of, run_on, time_of};
use crate::s3_server::{FaultyProxy, ProxyFault, S3Server, StoreProgram, TestBucket};
use crate::service::{Service, pages_of};

/// More than the program sends at once.
const LARGE: usize = (9 << 20) + 17;

async fn harness() -> Harness {
    harness_with(1000).await
}

/// With a reading of this length.
async fn harness_with(length: usize) -> Harness {
    let list = "A long list. ".repeat(length / 13 + 1);
    Harness::start(["course.test", "notes.test"], move |night, seen| match (&*seen.host, &*seen.target) {
        ("course.test", "/") => Reply::page(&page_of(&[
            "http://notes.test/a",
            "http://notes.test/b",
            "http://notes.test/gone",
            "http://notes.test/large.txt",
        ])),
        ("notes.test", "/a") => Reply::page(&article("The quixotic reading")),
        ("notes.test", "/b") => Reply::page(&article(&format!("The reading, version {}", night / 3))),
        ("notes.test", "/gone") if night == 1 => Reply::page(&article("Soon gone")),
        ("notes.test", "/gone") => Reply::new(410, "", ""),
        ("notes.test", "/large.txt") if night > 1 => Reply::new(410, "", ""),
        ("notes.test", "/large.txt") => Reply::new(200, "Content-Type: text/plain\r\n", &list),
        _ => Reply::not_found(),
    })
    .await
}

const COURSE: &str = "[pages]\nlisten = \"127.0.0.1:0\"\n[[course]]\nid = \"c\"\ntitle = \"A course\"\n\
                      page = \"http://course.test/\"\n";

/// Writes the configuration with these keys of a store.
fn configure(harness: &Harness, keys: &str) -> PathBuf {
    let credentials = harness.dir.path().join("credentials");
    fs::write(&credentials, "[default]\naws_access_key_id = AKID\naws_secret_access_key = s3cr3t\n").unwrap();
    let path = harness.configure(COURSE);
    let text = fs::read_to_string(&path).unwrap();
    let keys = format!("[archive]\n{keys}credentials_file = \"{}\"\n", credentials.display());
    fs::write(&path, text.replace("[archive]\n", &keys)).unwrap();
    path
}

async fn run(configuration: &Path, arguments: &[&str]) -> (i32, String) {
    let output =
        Command::new(PROGRAM).args(arguments).arg("--config").arg(configuration).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), text.into_owned())
}

async fn succeeds(configuration: &Path, arguments: &[&str]) -> String {
    let (code, printed) = run(configuration, arguments).await;
    assert_eq!(code, 0, "{arguments:?}: {printed}");
    printed
}

/// The status of all links, and the history of one.
async fn answers(configuration: &Path) -> Vec<String> {
    let mut answers = Vec::new();
    for command in [&["status"][..], &["explain", "notes.test/b"]] {
        answers.push(run(configuration, command).await.1);
    }
    answers
}

async fn check_sums(dir: &Path) {
    let mut command = Command::new("sha256sum");
    command.args(["--quiet", "--strict", "--check", "SHA256SUMS"]).current_dir(dir);
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// The bucket copied down is an archive like any other, with the same verdicts.
async fn is_whole(bucket: &TestBucket, prefix: &str, configuration: &Path) {
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copy");
    bucket.copy_down(prefix, &copy);
    fs::create_dir_all(copy.join("tmp")).unwrap();
    check_sums(&copy).await;
    let (code, printed) = run_on(&copy, &["rebuild"]).await;
    assert_eq!(code, 0, "{printed}");
    let (code, printed) = run_on(&copy, &["verify"]).await;
    assert_eq!(code, 0, "{printed}");
    assert_eq!(run_on(&copy, &["status"]).await, run(configuration, &["status"]).await);
}

fn blob_key(prefix: &str, sha256: &str) -> String {
    format!("{prefix}/blobs/sha256/{}/{}/{sha256}", &sha256[..2], &sha256[2..4])
}

fn digest_of(link: &serde_json::Value) -> String {
    link["capture"]["sha256"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nights_write_a_bucket_that_is_an_archive_when_it_is_copied_down() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some(server) = S3Server::shared() else { return };
    let (harness, bucket) = (harness_with(LARGE).await, server.bucket());
    let configuration = configure(&harness, &bucket.keys("a/b"));
    let first = harness.check(1).await;
    assert_eq!(first.states(), ["ok", "ok", "ok", "ok"], "{}", first.errors);
    let digest = digest_of(first.link("/large.txt"));
    let place = first.link("/large.txt")["capture"]["path"].as_str().unwrap().to_owned();
    assert_eq!(place, format!("s3://{}/{}", bucket.name, blob_key("a/b", &digest)));
    assert!(!harness.archive().join("blobs").join("sha256").join(&digest[..2]).exists(), "nothing was read");
    let second = harness.check(2).await;
    assert_eq!(second.state("/gone"), "failing", "{}", second.errors);
    is_whole(&bucket, "a/b", &configuration).await;
    assert_eq!(bucket.get("a/b/FORMAT"), b"1\n");
    assert!(succeeds(&configuration, &["verify"]).await.contains("SHA-256 checked"));
    assert!(bucket.list("a/b/tmp/").is_empty());

    // A lost working directory is made again.
    let before = answers(&configuration).await;
    fs::remove_dir_all(harness.archive()).unwrap();
    succeeds(&configuration, &["rebuild"]).await;
    assert_eq!(answers(&configuration).await, before);
    assert_eq!(harness.check(3).await.state("/gone"), "dead");
    is_whole(&bucket, "a/b", &configuration).await;

    // Without its configuration the working directory is no archive.
    let (code, printed) = run_on(&harness.archive(), &["verify"]).await;
    assert!(code == 78 && printed.contains(&format!("s3://{}/a/b", bucket.name)), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_serve_ranges_of_copies_in_a_bucket() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some(server) = S3Server::shared() else { return };
    let (harness, bucket) = (harness_with(LARGE).await, server.bucket());
    configure(&harness, &bucket.keys("p"));
    let night = harness.check(1).await;
    let digest = digest_of(night.link("/large.txt"));
    harness.check(2).await;
    assert_eq!(harness.check(3).await.state("/large.txt"), "dead");
    let service = Service::start(&harness, &time_of(3).replace("02:30", "14:00"));
    let at = pages_of(&service).await;
    let path = format!("/blob/{digest}/list.txt");
    for (range, expected) in [("bytes=2-12", "long list. "), ("bytes=9437184-9437200", "")] {
        let answer = tokio::task::spawn_blocking({
            let path = path.clone();
            move || get_range(at, &path, range)
        });
        let answer = answer.await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 206"), "{answer}");
        assert!(answer.ends_with(expected), "{answer}");
    }
    let file = harness.archive().join(blob_key("x", &digest).strip_prefix("x/").unwrap());
    assert!(file.exists(), "a copy that was read stays for a while");

    // An altered file of the working directory is not shown; the bucket has the right one.
    fs::remove_file(&file).unwrap();
    fs::write(&file, "something else").unwrap();
    let answer = crate::service::get(at, &path).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("A long list."), "{}", &answer[..200]);
    service.stop().await;
}

fn get_range(at: std::net::SocketAddr, path: &str, range: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(at).unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nRange: {range}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn altered_and_lost_objects_are_found_and_fetched_again() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some(server) = S3Server::shared() else { return };
    let (harness, bucket) = (harness().await, server.bucket());
    let configuration = configure(&harness, &bucket.keys("v"));
    let night = harness.check(1).await;
    let (altered, lost) = (digest_of(night.link("/a")), digest_of(night.link("/b")));
    let mut bytes = bucket.get(&blob_key("v", &altered));
    bytes[0] ^= 1;
    bucket.put(&blob_key("v", &altered), &bytes);
    bucket.delete(&blob_key("v", &lost));
    // The working directory has a sound copy of each part of the journal.
    let segments = bucket.list("v/captures/");
    let sound = bucket.get(&segments[1]);
    bucket.put(&segments[1], &sound.to_ascii_uppercase());
    bucket.delete(&segments[2]);
    let (code, printed) = run(&configuration, &["verify"]).await;
    assert!(code == 1 && printed.contains(&format!("damaged: {altered}")), "{printed}");
    assert!(printed.contains(&format!("moved to s3://{}/v/quarantine/", bucket.name)), "{printed}");
    assert!(printed.contains("missing: ") && printed.contains(&lost), "{printed}");
    let quarantine = bucket.list("v/quarantine/");
    assert!(
        quarantine.iter().any(|key| key.ends_with(&altered) && bucket.get(key) == bytes),
        "{quarantine:?}"
    );
    assert_eq!(bucket.list("v/captures/"), segments);
    assert_eq!(bucket.get(&segments[1]), sound);
    let audit: Vec<u8> = bucket.all("v/audit").into_values().flatten().collect();
    assert!(String::from_utf8(audit).unwrap().contains("\"found\":\"missing\""));
    harness.check(2).await;
    succeeds(&configuration, &["verify"]).await;
    is_whole(&bucket, "v", &configuration).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_change_on_their_way_from_the_store_move_nothing_to_quarantine() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some(server) = S3Server::shared() else { return };
    let (harness, bucket) = (harness().await, server.bucket());
    configure(&harness, &bucket.keys("w"));
    let digest = digest_of(harness.check(1).await.link("/a"));
    let read = Arc::<Mutex<HashSet<String>>>::default();
    let seen = Arc::clone(&read);
    let proxy = FaultyProxy::start(server, move |method, path| {
        let is_blob = method == "GET" && path.contains("/blobs/sha256/");
        let is_first = is_blob && seen.lock().unwrap().insert(path.to_owned());
        if is_first { ProxyFault::WrongAnswer } else { ProxyFault::None }
    });
    let configuration = configure(&harness, &bucket.keys_at("w", proxy.address));
    let printed = succeeds(&configuration, &["verify"]).await;
    assert!(!printed.contains("damaged"), "{printed}");
    assert!(read.lock().unwrap().iter().any(|path| path.contains(&digest)), "it was read");
    read.lock().unwrap().clear();
    fs::remove_dir_all(harness.archive().join("blobs")).unwrap();
    let archive = Archive::open(onreserve::config::archive_of(&configuration).unwrap().0).unwrap();
    archive.open_blob(digest.parse().unwrap()).unwrap();
    assert!(read.lock().unwrap().iter().any(|path| path.contains(&digest)), "it was read");
    assert_eq!(bucket.list("w/quarantine/"), Vec::<String>::new());
    is_whole(&bucket, "w", &configuration).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takedown_removes_the_object_and_what_was_read_of_it() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some(server) = S3Server::shared() else { return };
    let (harness, bucket) = (harness().await, server.bucket());
    let configuration = configure(&harness, &bucket.keys("t"));
    let night = harness.check(1).await;
    let digest = digest_of(night.link("/a"));
    let opened = succeeds(&configuration, &["open", "notes.test/a"]).await;
    assert!(fs::read_to_string(opened.trim()).unwrap().contains("quixotic"));
    let taken = succeeds(&configuration, &["takedown", "notes.test/a", "--reason", "asked", "--yes"]).await;
    assert!(taken.contains("1 body removed"), "{taken}");
    assert!(!bucket.list("t/").iter().any(|key| key.ends_with(&digest)));
    assert!(fs::read_to_string(opened.trim()).is_err(), "no file of it is left");
    let sums = String::from_utf8(bucket.get("t/SHA256SUMS")).unwrap();
    assert!(!sums.contains(&digest) && sums.contains("blobs/sha256/"));
    harness.check(2).await;
    assert!(!bucket.list("t/").iter().any(|key| key.ends_with(&digest)), "it is not stored again");
    is_whole(&bucket, "t", &configuration).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_a_directory_and_a_directory_is_restored_to_a_bucket() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some(server) = S3Server::shared() else { return };
    let (harness, bucket) = (harness().await, server.bucket());
    let configuration = configure(&harness, &bucket.keys("one"));
    harness.check(1).await;
    let second = harness.check(2).await;
    let backup = harness.dir.path().join("backup");
    let printed = succeeds(&configuration, &["backup", backup.to_str().unwrap()]).await;
    assert!(printed.contains("copied, with the catalogue"), "{printed}");
    check_sums(&backup).await;
    let before = answers(&configuration).await;
    assert_eq!(run_on(&backup, &["status"]).await.1, before[0]);

    // What the bucket loses comes back from it.
    let lost = blob_key("one", &digest_of(second.link("/a")));
    let bytes = bucket.get(&lost);
    bucket.delete(&lost);
    let (code, _) = run(&configuration, &["verify"]).await;
    assert_eq!(code, 1);
    let printed = succeeds(&configuration, &["restore", backup.to_str().unwrap(), "--missing"]).await;
    assert!(printed.contains("1 file restored"), "{printed}");
    assert_eq!(bucket.get(&lost), bytes);
    succeeds(&configuration, &["verify"]).await;

    // A restore fills an empty prefix only; it is also the way of a directory into a bucket.
    let (code, printed) = run(&configuration, &["restore", backup.to_str().unwrap()]).await;
    assert!(code == 1 && printed.contains("has an archive already"), "{printed}");
    let other = configure(&harness, &bucket.keys("two"));
    let (code, printed) = run(&other, &["status"]).await;
    assert!(code == 78 && printed.contains("/one"), "it is the working directory of another: {printed}");
    fs::remove_dir_all(harness.archive()).unwrap();
    let damaged = harness.dir.path().join("damaged");
    let (code, _) = run_on(&damaged, &["restore", backup.to_str().unwrap()]).await;
    assert_eq!(code, 0);
    let inside = lost.strip_prefix("one/").unwrap();
    fs::remove_file(damaged.join(inside)).unwrap();
    fs::write(damaged.join(inside), "something else").unwrap();
    let third = configure(&harness, &bucket.keys("three"));
    let (code, printed) = run(&third, &["restore", damaged.to_str().unwrap()]).await;
    assert!(code == 1 && printed.contains("damaged: "), "{printed}");
    assert!(!bucket.list("three/").contains(&format!("three/{inside}")), "altered bytes were sent");
    let other = configure(&harness, &bucket.keys("two"));
    fs::remove_dir_all(harness.archive()).unwrap();
    let printed = succeeds(&other, &["restore", backup.to_str().unwrap()]).await;
    assert!(printed.contains("restored with the right SHA-256"), "{printed}");
    assert_eq!(answers(&other).await, before);
    assert_eq!(harness.check(3).await.state("/gone"), "dead");
    is_whole(&bucket, "two", &other).await;
}

/// Runs the first night behind a proxy that fails while `is_faulty`, then once more without.
async fn night_behind(fault: impl Fn(&str, &str) -> ProxyFault + Send + Sync + 'static, says: Option<&str>) {
    let Some(server) = S3Server::shared() else { return };
    let (harness, bucket) = (harness().await, server.bucket());
    let is_faulty = Arc::new(AtomicBool::new(true));
    let faulty = Arc::clone(&is_faulty);
    let proxy = FaultyProxy::start(server, move |method, path| {
        if faulty.load(Ordering::SeqCst) { fault(method, path) } else { ProxyFault::None }
    });
    let configuration = configure(&harness, &bucket.keys_at("f", proxy.address));
    let night = harness.check(1).await;
    if let Some(says) = says {
        assert!(night.code == 1 && night.errors.contains(says), "{}: {}", night.code, night.errors);
        assert!(!night.errors.contains("s3cr3t"), "{}", night.errors);
        is_faulty.store(false, Ordering::SeqCst);
        let again = harness.check(1).await;
        assert_eq!(again.states(), ["ok", "ok", "ok", "ok"], "{}", again.errors);
    } else {
        assert_eq!(night.states(), ["ok", "ok", "ok", "ok"], "{}", night.errors);
    }
    is_faulty.store(false, Ordering::SeqCst);
    succeeds(&configuration, &["verify"]).await;
    is_whole(&bucket, "f", &configuration).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_store_is_asked_again() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let count = AtomicU32::new(0);
    let is_third = move || count.fetch_add(1, Ordering::SeqCst).is_multiple_of(3);
    let fault = move |_: &str, _: &str| if is_third() { ProxyFault::Status(503) } else { ProxyFault::None };
    night_behind(fault, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_lose_and_double_nothing() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let count = AtomicU32::new(0);
    let fault = move |method: &str, _: &str| match (method, count.fetch_add(1, Ordering::SeqCst) % 4) {
        ("PUT", 0) => ProxyFault::AnswerLost,
        (_, 1) => ProxyFault::Cut,
        _ => ProxyFault::None,
    };
    night_behind(fault, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_alters_bytes_ends_the_night() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let fault = |method: &str, path: &str| match (method, path.contains("/blobs/")) {
        ("PUT", true) => ProxyFault::WrongBytes,
        _ => ProxyFault::None,
    };
    let is_sum_checked = S3Server::shared().is_some_and(|server| server.program == StoreProgram::S3sFs);
    let says = if is_sum_checked { "cannot write s3://" } else { "does not give back the bytes" };
    night_behind(fault, Some(says)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_a_segment_ends_the_night() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let fault = |method: &str, path: &str| match (method, path.contains("/captures/")) {
        ("PUT", true) => ProxyFault::Status(403),
        _ => ProxyFault::None,
    };
    night_behind(fault, Some("check the credentials")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_a_list_ends_the_night() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let fault = |_: &str, path: &str| {
        if path.contains("list-type") { ProxyFault::Status(403) } else { ProxyFault::None }
    };
    night_behind(fault, Some("check the credentials")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_and_a_missing_bucket_are_named() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some(server) = S3Server::shared() else { return };
    let (harness, bucket) = (harness().await, server.bucket());
    let nowhere = "127.0.0.1:1".parse().unwrap();
    configure(&harness, &bucket.keys_at("n", nowhere));
    let night = harness.check(1).await;
    assert!(night.code == 1 && night.errors.contains("cannot be reached"), "{}", night.errors);
    let keys = bucket.keys("n");
    let wrong = configure(&harness, &keys.replace(&bucket.name, "no-such-bucket"));
    fs::remove_dir_all(harness.archive()).unwrap();
    let mut checking = Command::new(PROGRAM);
    let checked = checking.args(["check-config", "--online"]).arg(wrong).output().await.unwrap();
    let printed = String::from_utf8_lossy(&checked.stdout);
    assert!(printed.contains("no such bucket"), "{printed}");
    if server.program != StoreProgram::S3sFs {
        let night = harness.check(1).await;
        assert!(night.code == 1 && night.errors.contains("no such bucket"), "{}", night.errors);
        fs::remove_dir_all(harness.archive()).unwrap();
    }

    // Pages go on while the store is away, with what was read.
    configure(&harness, &keys);
    harness.check(1).await;
    configure(&harness, &bucket.keys_at("n", nowhere));
    let service = Service::start(&harness, &time_of(1).replace("02:30", "14:00"));
    service.logs("nights and new decisions wait").await;
    let list = crate::service::get(pages_of(&service).await, "/c/c/").await;
    assert!(list.starts_with("HTTP/1.1 200") && list.contains("http://notes.test/a"), "{list}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_blob_segment_and_row_loses_nothing() {
    only_on_sqlite_and_directory!("it chooses its engines itself");
    let Some(server) = S3Server::shared() else { return };
    let bucket = server.bucket();
    // A segment is named in the head before it is sent, and written here after it.
    for step in ["journal-head-turn", "journal-write", "entries-commit"] {
        let harness = harness().await;
        let configuration = configure(&harness, &bucket.keys(step));
        let fault = format!("{step}:3:crash");
        let crashed = harness.checking(1).env("ONRESERVE_FAULT", fault).output().await.unwrap();
        assert_eq!(crashed.status.code(), None, "{step}");
        let again = harness.check(1).await;
        assert_eq!(again.states(), ["ok", "ok", "ok", "ok"], "{step}: {}", again.errors);
        is_whole(&bucket, step, &configuration).await;
    }
}
