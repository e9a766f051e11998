//! Processes that share a bucket and a catalogue, each with a working directory of its own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use onreserve::domain::journal::Entry;
use onreserve::domain::policy::service_role::ServiceRole;
use onreserve::world::archive::{Archive, ArchivePlace, HeadPlace};
use onreserve::world::catalogue::{Catalogue, CatalogueLocation};
use onreserve::world::clock::Clock;
use onreserve::world::fetch::FetchSettings;
use onreserve::world::recording::JournalWriter;
use onreserve::world::{World, machine};
use rustix::process::Signal;
use serde_json::Value;

use crate::harness::Random;
use crate::postgres_server::PostgresServer;
use crate::s3_server::{ACCESS_KEY, FaultyProxy, ProxyFault, S3Server, SECRET_KEY, TestBucket};
use crate::service::pages_of;
use crate::workers::browser::{Browser, get};
use crate::workers::cluster::{Cluster, Different, LEASE, PREFIX};
use crate::workers::{
    a_scheduler_is_killed, a_waiting_scheduler_stops, a_worker_is_frozen, a_worker_is_killed, rounds,
    shared_server, some_requests,
};

/// The servers of the tests; `None` if one is missing, or if the engines of all tests are others.
pub(super) fn servers() -> Option<(&'static PostgresServer, &'static S3Server)> {
    Some((shared_server()?, S3Server::shared()?))
}

#[tokio::test(flavor = "multi_thread")]
async fn three_workers_share_a_night_without_a_shared_directory() {
    let Some((server, store)) = servers() else { return };
    let cluster = Cluster::start_with(server, Some(store), 3).await;
    let web = cluster.start_role("web");
    let at = pages_of(&web).await;
    cluster.night_ends().await;

    let list = get(at, "/c/c/").await;
    assert!(list.text.contains("The reading at http://h0.test/0"), "{}", list.text);
    let links: Value = serde_json::from_str(&get(at, "/api/v1/courses/c/links").await.text).unwrap();
    let links = links["links"].as_array().unwrap();
    let copy = links.iter().find_map(|link| link["copy"]["page"].as_str()).unwrap();
    let copy = get(at, url::Url::parse(copy).unwrap().path()).await;
    assert_eq!(copy.status, 200, "{}", copy.text);
    let gone = links.iter().find(|link| link["url"].as_str() == Some("http://h7.test/7")).unwrap();
    let gone = gone["id"].as_str().unwrap();

    let browser = Browser::signed_in(at).await;
    let token = browser.form_token(at).await;
    let form =
        [("form_token", &*token), ("link", gone), ("choice", "replace-by"), ("to", "http://h1.test/1")];
    assert_eq!(browser.post(at, "/c/c/decide", &form).await.status, 303);
    let other = cluster.start_role("web");
    let page = browser.get(pages_of(&other).await, &format!("/c/c/links/{gone}")).await.text;
    assert!(page.contains("value=\"undo\""), "{page}");
    web.stop().await;
    other.stop().await;

    let outcome = cluster.outcome().await;
    assert!(outcome.workers > 1, "several workers have visited links");
    outcome.assert_requested_once();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_beside_a_bucket_is_killed() {
    let Some((server, store)) = servers() else { return };
    a_worker_is_killed(server, Some(store)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_beside_a_bucket_is_frozen_past_its_lease() {
    let Some((server, store)) = servers() else { return };
    a_worker_is_frozen(server, Some(store)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_scheduler_beside_a_bucket_goes_on_when_the_first_is_lost() {
    let Some((server, store)) = servers() else { return };
    a_scheduler_is_killed(server, Some(store)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_that_waits_beside_a_bucket_stops_in_order() {
    let Some((server, store)) = servers() else { return };
    a_waiting_scheduler_stops(server, Some(store)).await;
}

/// A worker whose way to the store fails as `fault` says while the value is true.
async fn with_faulty_store(
    cluster: &mut Cluster,
    store: &'static S3Server,
    is_faulty: &Arc<AtomicBool>,
    fault: impl Fn(&str, &str) -> ProxyFault + Send + Sync + 'static,
) -> FaultyProxy {
    let faulty = Arc::clone(is_faulty);
    let proxy = FaultyProxy::start(store, move |method, path| {
        if faulty.load(Ordering::SeqCst) { fault(method, path) } else { ProxyFault::None }
    });
    let different = Different { store: Some(proxy.address), ..Different::default() };
    cluster.workers.push(cluster.start_different(&different));
    cluster.workers.last().unwrap().logs("service started").await;
    proxy
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_cut_from_the_store() {
    let Some((server, store)) = servers() else { return };
    let mut random = Random::new();
    for _ in 0..rounds() {
        let mut cluster = Cluster::start_with(server, Some(store), 2).await;
        let is_cut = Arc::new(AtomicBool::new(false));
        let _proxy = with_faulty_store(&mut cluster, store, &is_cut, |_, _| ProxyFault::Cut).await;
        cluster.after_requests(some_requests(&mut random, 40)).await;
        is_cut.store(true, Ordering::SeqCst);
        tokio::time::sleep(LEASE + Duration::from_secs(1)).await;
        is_cut.store(false, Ordering::SeqCst);
        cluster.night_ends().await;
        drop(cluster.outcome().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_is_slow_and_fails_now_and_then() {
    let Some((server, store)) = servers() else { return };
    for _ in 0..rounds() {
        let mut cluster = Cluster::start_with(server, Some(store), 1).await;
        let is_faulty = Arc::new(AtomicBool::new(true));
        let count = AtomicUsize::new(0);
        let fault = move |method: &str, _: &str| match (method, count.fetch_add(1, Ordering::SeqCst) % 7) {
            (_, 0) => ProxyFault::Status(500),
            (_, 1 | 2) => ProxyFault::Late(Duration::from_millis(300)),
            ("PUT", 3) => ProxyFault::AnswerLost,
            _ => ProxyFault::None,
        };
        let _proxy = with_faulty_store(&mut cluster, store, &is_faulty, fault).await;
        cluster.night_ends().await;
        drop(cluster.outcome().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_alters_what_a_worker_sends() {
    let Some((server, store)) = servers() else { return };
    for _ in 0..rounds() {
        let mut cluster = Cluster::start_with(server, Some(store), 1).await;
        let is_faulty = Arc::new(AtomicBool::new(true));
        let (segments, blobs) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let fault = move |method: &str, path: &str| {
            let count = if path.contains("/captures/") { &segments } else { &blobs };
            let is_one = path.contains("/captures/") || path.contains("/blobs/");
            let is_altered = is_one && method == "PUT" && count.fetch_add(1, Ordering::SeqCst) % 8 == 1;
            if is_altered { ProxyFault::WrongBytes } else { ProxyFault::None }
        };
        let _proxy = with_faulty_store(&mut cluster, store, &is_faulty, fault).await;
        cluster.night_ends().await;
        drop(cluster.outcome().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_down_on_another_machine_during_a_night() {
    let Some((server, store)) = servers() else { return };
    let cluster = Cluster::start_with(server, Some(store), 1).await;
    // The tables are there by then.
    cluster.after_requests(1).await;
    cluster.until("SELECT count(*) FROM link WHERE address = 'http://h0.test/0'", 1).await;
    let arguments = ["takedown", "http://h0.test/0", "--reason", "asked", "--yes"];
    let (code, printed) = cluster.run(&arguments).await;
    assert_eq!(code, 75, "{printed}");
    for command in [&["check", "--strict"][..], &["rebuild"], &["migrate"]] {
        let (code, printed) = cluster.run(command).await;
        assert!(code == 75 && printed.contains("uses the archive"), "{printed}");
    }
    cluster.night_ends().await;
    let (code, printed) = cluster.run(&arguments).await;
    assert!(code == 0 && printed.contains("1 body removed"), "{printed}");
    let (code, printed) = cluster.run(&["verify"]).await;
    assert_eq!(code, 0, "{printed}");
    drop(cluster.outcome().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_find_the_scheduler_on_another_machine() {
    let Some((server, store)) = servers() else { return };
    let cluster = Cluster::start_with(server, Some(store), 1).await;
    cluster.night_ends().await;
    let (code, printed) = cluster.run(&["check"]).await;
    assert!(code == 0 && printed.contains("the service runs, so it checks 1 course"), "{printed}");
    assert_eq!(cluster.number("SELECT count(*) FROM night").await, 2, "the scheduler had another night");
    let (_, printed) = cluster.run(&["doctor", "--offline"]).await;
    assert!(printed.contains("it runs ("), "{printed}");
    let page = cluster.configuration().with_file_name("other.html");
    std::fs::write(&page, "<title>Another course</title><p><a href=http://h0.test/0>A link</a>").unwrap();
    let (code, printed) = cluster.run(&["add", page.to_str().unwrap(), "--mail", "i@school.test"]).await;
    assert!(code == 0 && printed.contains("has read its configuration again"), "{printed}");

    let Cluster { scheduler, workers, .. } = cluster;
    for process in workers.into_iter().chain([scheduler]) {
        process.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn services_of_one_process_beside_a_bucket_are_kept_apart() {
    const SERVICES: &str =
        "SELECT count(*) FROM process_lease WHERE role = 'all' AND lease_until > clock_timestamp()";
    let Some((server, store)) = servers() else { return };
    let mut cluster = Cluster::start_with(server, Some(store), 0).await;
    cluster.scheduler.says("READY=1").await;
    cluster.scheduler.signal(Signal::TERM);
    cluster.scheduler.child.wait().await.unwrap();
    let mut first = cluster.start_role("all");
    cluster.until(SERVICES, 1).await;
    let second = cluster.start_role("all");
    second.logs("waiting until the other scheduler ends").await;
    let mut worker = cluster.start_role("worker");
    assert_eq!(worker.child.wait().await.unwrap().code(), Some(75), "{}", worker.log());
    worker.logs("alone; start the service with --role scheduler").await;

    first.child.kill().await.unwrap();
    second.says("READY=1").await;
    assert_eq!(cluster.number(SERVICES).await, 1);
    second.stop().await;
    assert_eq!(cluster.number(SERVICES).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_crashed_does_not_keep_its_machine_waiting() {
    const MINUTE: Duration = Duration::from_mins(1);
    let Some((server, store)) = servers() else { return };
    let (bucket, url, dir) = (store.bucket(), server.database().await, tempfile::tempdir().unwrap());
    let (place, location) = places(dir.path(), "one", &bucket, &url);
    let (other, _) = places(dir.path(), "other", &bucket, &url);
    let open =
        async |place| World::open_with(place, &location, FetchSettings::default(), Clock::system()).await;
    let mut crashed = open(&place).await.unwrap();
    crashed.set_service().unwrap();
    let begun =
        crashed.catalogue.begin_only_scheduler(&machine::process_name(), ServiceRole::All, MINUTE).await;
    assert!(begun.unwrap().is_some());
    crashed.catalogue.lock_captures(&machine::process_name(), MINUTE).await.unwrap().unwrap();
    drop(crashed);
    let refused = open(&other).await.map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("uses the archive"), "{refused}");
    open(&place).await.unwrap();
    let world = open(&other).await.unwrap();
    world.catalogue.lock_captures("another", MINUTE).await.unwrap().unwrap();
}

/// The archive in a bucket with this working directory, and its catalogue.
fn places(dir: &Path, name: &str, bucket: &TestBucket, url: &str) -> (ArchivePlace, CatalogueLocation) {
    let credentials = dir.join("credentials");
    let keys = format!("aws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n");
    std::fs::write(&credentials, format!("[default]\n{keys}")).unwrap();
    let text = format!(
        "[archive]\ndir = \"{}\"\n{}credentials_file = \"{}\"\n[catalogue]\nurl = \"{url}\"\n",
        dir.join(name).display(),
        bucket.keys(PREFIX),
        credentials.display()
    );
    let path = dir.join(format!("{name}.toml"));
    std::fs::write(&path, text).unwrap();
    onreserve::config::archive_of(&path).unwrap()
}

/// A writer that is frozen writes its segment after another one has taken its place.
#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_comes_too_late_does_not_count() {
    let Some((server, store)) = servers() else { return };
    let (bucket, url, dir) = (store.bucket(), server.database().await, tempfile::tempdir().unwrap());
    let (place, location) = places(dir.path(), "one", &bucket, &url);
    let one = Archive::open(place).unwrap();
    let other = Archive::open(places(dir.path(), "other", &bucket, &url).0).unwrap();
    let catalogue = Catalogue::open_at(&location).await.unwrap();
    let night = |n: i64| Entry::Night { started: Timestamp::from_second(n).unwrap() };
    let at = Timestamp::UNIX_EPOCH;
    let record = async |archive: &Archive, n| {
        let writer = JournalWriter { archive, catalogue: &catalogue, at };
        writer.record(vec![night(n)]).await.unwrap();
    };
    record(&one, 1).await;

    let mut batch = catalogue.begin_ordered().await.unwrap();
    let end = batch.journal_end().await.unwrap().unwrap().last;
    let late = other.name_of_segment(at, &end).unwrap();
    catalogue.name_segment(&late).await.unwrap();
    other.write_segment(&late, &end, &[night(2), night(20)]).unwrap();
    assert_eq!(other.entries().count(), 2 + 1, "nothing is in its place yet");
    drop(batch);
    record(&one, 3).await;
    assert!(!bucket.list(PREFIX).contains(&format!("{PREFIX}/{late}")), "it is removed");
    other.write_segment(&late, &end, &[night(2), night(20)]).unwrap();
    record(&other, 4).await;

    let dropped = Entry::SegmentsDropped { at, segments: vec![late] };
    let expected = [night(1), dropped, night(3), night(4)];
    let copy = dir.path().join("copy");
    bucket.copy_down(PREFIX, &copy);
    for archive in [&one, &other, &Archive::open(&copy).unwrap()] {
        let mut entries = archive.entries();
        assert_eq!(entries.by_ref().map(Result::unwrap).collect::<Vec<_>>(), expected);
        assert_eq!(entries.faults(), []);
    }
}

/// The archive had one process, whose end of the journal is in its working directory.
#[tokio::test(flavor = "multi_thread")]
async fn the_journal_of_one_process_goes_on_with_several() {
    let Some((server, store)) = servers() else { return };
    let (bucket, url, dir) = (store.bucket(), server.database().await, tempfile::tempdir().unwrap());
    let (place, location) = places(dir.path(), "one", &bucket, &url);
    let mut single = place.clone();
    single.bucket.as_mut().unwrap().journal_head = HeadPlace::WorkingDirectory;
    let night = |n: i64| Entry::Night { started: Timestamp::from_second(n).unwrap() };
    let at = Timestamp::UNIX_EPOCH;
    Archive::open(single).unwrap().append(at, &[night(1)]).unwrap();
    // The working directory of the next process is empty.
    let other = Archive::open(places(dir.path(), "other", &bucket, &url).0).unwrap();
    let catalogue = Catalogue::open_at(&location).await.unwrap();
    for (archive, n) in [(&other, 2), (&Archive::open(place).unwrap(), 3)] {
        let writer = JournalWriter { archive, catalogue: &catalogue, at };
        writer.record(vec![night(n)]).await.unwrap();
    }
    let mut entries = other.entries();
    assert_eq!(entries.by_ref().map(Result::unwrap).collect::<Vec<_>>(), [night(1), night(2), night(3)]);
    assert_eq!(entries.faults(), []);
}
