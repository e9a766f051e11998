//! The endpoints for monitors.

use super::{Server, course, password_login, settings};

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
