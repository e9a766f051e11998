//! The endpoints for monitors.

use onreserve::serve::{CourseRules, ServeSettings};

use super::{Server, course, password_login, settings};
use crate::fetch::site::Reply;
use crate::harness::{Harness, time_of};

#[tokio::test]
async fn monitors_get_health_readiness_and_metrics() {
    let server = Server::start().await;
    assert_eq!(server.get("/healthz").await.status, 200);
    let ready = server.get("/readyz").await;
    let response: serde_json::Value = serde_json::from_slice(&ready.body).unwrap();
    assert_eq!((ready.status, &response["ready"], &response["catalogue"]), (200, &true.into(), &"ok".into()));
    let age = response["last_night_age_seconds"].as_i64().unwrap();
    assert!((86_000..=86_400 + 60).contains(&age), "{age}");

    let metrics = server.get("/metrics").await.text();
    for line in [
        "onreserve_links{course=\"dgm\",state=\"dead\"} 5",
        "onreserve_links{course=\"dgm\",state=\"failing\"} 1",
        "onreserve_links{course=\"dgm\",state=\"changed\"} 2",
        "# TYPE onreserve_captures gauge",
        "onreserve_last_night_void 0",
        "onreserve_copies_opened_total 0",
        "onreserve_outbox_waiting 0",
        "onreserve_outbox_oldest_seconds 0",
        "onreserve_outbox_refused 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }
    let ended = metrics
        .lines()
        .find_map(|line| line.strip_prefix("onreserve_last_success_timestamp_seconds{course=\"dgm\"} "));
    let ended: i64 = ended.expect("a success").parse().unwrap();
    assert!((0..60).contains(&(ended - course::start_of(course::NIGHTS).as_second())), "{ended}");
}

/// A course whose page was never readable is not silent.
#[tokio::test]
async fn a_course_that_was_never_read_is_reported_to_monitors_and_readers() {
    let harness = Harness::start(["course.test"], |_, _| Reply::not_found()).await;
    harness.configure("[pages]\n[[course]]\nid = \"c\"\npage = \"http://course.test/\"\n");
    harness.checking(1).output().await.unwrap();
    let settings = ServeSettings {
        courses: vec![CourseRules::new("c".parse().unwrap()), CourseRules::new("new".parse().unwrap())],
        ..ServeSettings::default()
    };
    let now = time_of(1).parse::<jiff::Timestamp>().unwrap() + jiff::SignedDuration::from_hours(1);
    let server = Server::over(&harness.archive(), settings, now).await;
    assert_eq!(server.get("/readyz").await.status, 200);
    let strict = server.get("/readyz?strict").await;
    let response: serde_json::Value = serde_json::from_slice(&strict.body).unwrap();
    assert_eq!((strict.status, &response["courses_never_read"]), (503, &1.into()));
    let metrics = server.get("/metrics").await.text();
    for line in [
        "onreserve_last_success_timestamp_seconds{course=\"c\"} 0",
        "onreserve_last_success_timestamp_seconds{course=\"new\"} 0",
        "onreserve_page_readable{course=\"c\"} 0",
        "onreserve_links{course=\"c\",state=\"dead\"} 0",
        "onreserve_links{course=\"new\",state=\"dead\"} 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }
    for page in ["/c/c/", "/c/c/health"] {
        let page = server.get(page).await;
        let text = page.text();
        assert!(page.status == 200 && text.contains("could not be read: not found (404)"), "{text}");
        assert!(!text.contains("tonight"), "{text}");
    }
    let unchecked = server.get("/c/new/").await.text();
    assert!(unchecked.contains("Not checked yet") && !unchecked.contains("tonight"), "{unchecked}");
}

/// Strangers must not see that a restricted course exists.
#[tokio::test]
async fn a_restricted_course_is_shown_only_to_configured_monitors() {
    let mut closed = settings();
    closed.courses[0].admission = password_login::closed_admission();
    for (monitors, is_named) in [(vec![], false), (vec!["192.0.2.1"], false), (vec!["127.0.0.0/8"], true)] {
        closed.monitors = monitors.iter().map(|network| network.parse().unwrap()).collect();
        let server = Server::with(closed.clone(), course::start_of(course::NIGHTS + 1)).await;
        let metrics = server.get("/metrics").await.text();
        assert!(metrics.contains("onreserve_captures "), "{metrics}");
        assert_eq!(metrics.contains("course=\"dgm\""), is_named, "{monitors:?}: {metrics}");
    }
}

#[tokio::test]
async fn a_late_night_is_reported_but_pages_are_served() {
    let server = Server::with(settings(), course::start_of(course::NIGHTS + 9)).await;
    let ready = server.get("/readyz").await;
    let response: serde_json::Value = serde_json::from_slice(&ready.body).unwrap();
    assert_eq!((ready.status, &response["last_night_is_late"]), (200, &true.into()));
    let strict = server.get("/readyz?strict").await;
    assert_eq!(strict.status, 503, "{}", strict.text());
}

#[tokio::test]
async fn header_names_are_sent_in_title_case() {
    let server = Server::start().await;
    let reply = server.get("/healthz").await;
    assert!(reply.headers.iter().any(|(name, _)| name == "X-Content-Type-Options"), "{:?}", reply.headers);
}
