//! Delivery to a relay that is strict, down, slow, refusing or disconnected. No news is
//! lost, and no email is sent twice unless it is unknown whether the first one arrived.

mod real;
pub(crate) mod relay;
mod webhook;

use std::path::PathBuf;

use crate::fetch::site::Reply;
use crate::harness::{Harness, article, page_of};
use crate::service::{Service, get, pages_of};
use relay::{Behaviour, Relay};

/// A course of two readings: `/a` is gone from night 2 on, `/b` from night 3 on.
async fn rotting() -> Harness {
    Harness::start(["course.test", "notes.test"], |night, seen| match (&*seen.host, &*seen.target, night) {
        ("course.test", "/", _) => {
            Reply::page(&page_of(&["http://notes.test/a", "http://notes.test/b", "http://notes.test/c"]))
        }
        ("notes.test", "/a", 1) | ("notes.test", "/b", 1 | 2) | ("notes.test", "/c", _) => {
            Reply::page(&article(&format!("The reading at http://notes.test{}", seen.target)))
        }
        _ => Reply::not_found(),
    })
    .await
}

/// The nights on which `/a` and `/b` are confirmed dead.
const A_DIES: u32 = 4;
const B_DIES: u32 = 5;

fn by(harness: &Harness, relay: &Relay) {
    by_way_of(harness, relay, "security = \"none\"");
}

fn by_way_of(harness: &Harness, relay: &Relay, more: &str) {
    by_way_of_port(harness, relay.address.port(), more);
}

fn by_way_of_port(harness: &Harness, port: u16, more: &str) {
    harness.configure(&format!(
        "[[course]]\nid = \"c\"\ntitle = \"A course\"\npage = \"http://course.test/\"\n\
         report_to = [\"i@school.test\"]\n\
         [mail]\nfrom = \"o@school.test\"\nhost = \"127.0.0.1\"\nport = {port}\n{more}\n"
    ));
}

fn file_in(harness: &Harness, name: &str, text: &str) -> PathBuf {
    let path = harness.dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// Runs the nights, and returns their standard error.
async fn nights(harness: &Harness, nights: std::ops::RangeInclusive<u32>) -> String {
    let mut errors = String::new();
    for night in nights {
        let night = harness.check(night).await;
        assert!(matches!(night.code, 0 | 2), "{}", night.errors);
        errors.push_str(&night.errors);
    }
    errors
}

/// Runs the service at this time until it has tried the outbox.
async fn later(harness: &Harness, now: &str, word: &str) {
    let service = Service::start(harness, now);
    service.logs(word).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_relay_gets_the_email_over_tls_with_the_password() {
    let harness = rotting().await;
    let (relay, authority) = Relay::strict();
    let authority = file_in(&harness, "authority.pem", &authority);
    let password = file_in(&harness, "password", "wrong horse\n");
    let way = format!("user = \"{}\"\npassword_file = {password:?}\nextra_ca = {authority:?}", relay::USER);
    by_way_of(&harness, &relay, &way);
    let errors = nights(&harness, 1..=1).await;
    assert!(errors.contains("wrong password") && !errors.contains("horse"), "{errors}");
    assert_eq!(relay.sent().len(), 0);

    file_in(&harness, "password", &format!("{}\n", relay::PASSWORD));
    later(&harness, "2026-09-14T02:36:00Z", "email sent").await;
    let taken = relay.taken();
    assert_eq!(taken.len(), 1);
    assert!(taken[0].was_private && taken[0].to == "i@school.test", "{:?}", taken[0]);
    assert!(taken[0].mail.contains("First check: 3 links"), "{}", taken[0].mail);

    // A server without a valid certificate gets neither the password nor the email.
    let other = file_in(&harness, "authority.pem", &relay::certificate().2);
    assert!(other.exists());
    let errors = nights(&harness, 2..=A_DIES).await;
    assert!(errors.contains("not sent yet") && errors.to_lowercase().contains("certificate"), "{errors}");
    assert_eq!(relay.sent().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_of_nights_without_a_relay_become_one_email() {
    let harness = rotting().await;
    let relay = Relay::down();
    by(&harness, &relay);
    let errors = nights(&harness, 1..=1).await;
    assert!(errors.contains("not sent yet"), "{errors}");
    let (_, status) = harness.run(&["status"]).await;
    assert!(status.contains("EMAIL WAITING") && status.contains("tried 1 time"), "{status}");

    let relay = relay.opened();
    nights(&harness, 2..=2).await;
    let first = relay.taken();
    assert_eq!(first.len(), 1);
    assert!(first[0].mail.contains("First check: 3 links"), "{}", first[0].mail);

    // Two nights with news, and the relay refuses both emails.
    relay.set_behaviour(Behaviour::ToRecipient("451 4.3.0 come back later"));
    nights(&harness, 3..=B_DIES).await;
    assert_eq!(relay.taken().len(), 1);
    relay.set_behaviour(Behaviour::Take);
    nights(&harness, B_DIES + 1..=B_DIES + 2).await;
    let taken = relay.taken();
    assert_eq!(taken.len(), 2, "one email for both nights: {taken:#?}");
    let news = &taken[1].mail;
    assert!(news.contains("2 of 3 links are newly dead"), "{news}");
    assert!(news.contains("notes.test/a") && news.contains("notes.test/b"), "{news}");
    let (_, status) = harness.run(&["status"]).await;
    assert!(!status.contains("EMAIL"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_email_is_sent_again_unchanged() {
    let harness = rotting().await;
    let relay = Relay::up();
    by(&harness, &relay);
    relay.set_behaviour(Behaviour::ToMail("451 4.7.1 greylisted, come back later"));
    let errors = nights(&harness, 1..=1).await;
    assert!(errors.contains("greylisted"), "{errors}");
    relay.set_behaviour(Behaviour::Take);
    // It is not sent before its time.
    let service = Service::start(&harness, "2026-09-14T02:33:00Z");
    service.says("waiting until").await;
    service.stop().await;
    assert_eq!(relay.sent().len(), 1);
    later(&harness, "2026-09-14T02:36:00Z", "email sent").await;
    nights(&harness, 2..=3).await;
    let sent = relay.sent();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].mail, sent[1].mail, "byte for byte");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_sees_a_refusal_and_the_next_report_has_its_news() {
    let harness = rotting().await;
    let relay = Relay::up();
    by(&harness, &relay);
    nights(&harness, 1..=A_DIES - 1).await;
    relay.set_behaviour(Behaviour::ToRecipient("550 5.1.1 no such user"));
    let errors = nights(&harness, A_DIES..=A_DIES).await;
    assert!(errors.contains("REFUSED") && errors.contains("no such user"), "{errors}");
    let (_, status) = harness.run(&["status"]).await;
    assert!(status.contains("EMAIL REFUSED") && status.contains("5.1.1 no such user"), "{status}");
    // It is not tried again.
    let service = Service::start(&harness, "2026-09-17T12:00:00Z");
    service.says("waiting until").await;
    service.stop().await;
    assert_eq!(relay.sent().len(), 1, "the first night's");
    relay.set_behaviour(Behaviour::Take);
    nights(&harness, B_DIES..=B_DIES + 2).await;
    let taken = relay.taken();
    assert_eq!(taken.len(), 2);
    assert!(taken[1].mail.contains("2 of 3 links are newly dead"), "{}", taken[1].mail);
    let (_, status) = harness.run(&["status"]).await;
    assert!(!status.contains("EMAIL"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_recipient_has_no_failed_email() {
    let harness = rotting().await;
    let relay = Relay::up();
    by(&harness, &relay);
    relay.set_behaviour(Behaviour::ToRecipient("550 5.1.1 no such user"));
    nights(&harness, 1..=1).await;
    assert!(harness.run(&["status"]).await.1.contains("EMAIL REFUSED"));
    let path = harness.dir.path().join("onreserve.toml");
    let configuration = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, configuration.replace("i@school.test", "j@school.test")).unwrap();
    relay.set_behaviour(Behaviour::Take);
    nights(&harness, 2..=2).await;
    let (_, status) = harness.run(&["status"]).await;
    assert!(!status.contains("EMAIL"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_email_that_may_have_arrived_is_repeated_with_its_message_id() {
    let harness = rotting().await;
    let relay = Relay::up();
    by(&harness, &relay);
    nights(&harness, 1..=A_DIES - 1).await;
    relay.set_behaviour(Behaviour::HangUp);
    nights(&harness, A_DIES..=A_DIES).await;
    assert_eq!((relay.sent().len(), relay.taken().len()), (2, 1));
    relay.set_behaviour(Behaviour::Take);
    // The next night has its own news, and the unanswered email is not part of it.
    nights(&harness, B_DIES..=B_DIES + 2).await;
    let sent = relay.sent();
    assert_eq!(sent.len(), 4, "{sent:#?}");
    assert_eq!(sent[1].mail, sent[2].mail, "the same Message-ID, the same bytes");
    assert_ne!(sent[2].header("Message-ID"), sent[3].header("Message-ID"));
    assert!(sent[1].mail.contains("1 of 3 links is newly dead"), "{}", sent[1].mail);
    assert!(sent[3].mail.contains("1 of 3 links is newly dead"), "{}", sent[3].mail);
}

#[tokio::test(flavor = "multi_thread")]
async fn monitors_see_waiting_and_refused_emails() {
    let harness = rotting().await;
    let relay = Relay::up();
    by_way_of(&harness, &relay, "security = \"none\"\n[pages]\nlisten = \"127.0.0.1:0\"");
    relay.set_behaviour(Behaviour::ToRecipient("450 4.2.1 mailbox busy"));
    nights(&harness, 1..=1).await;
    let figures = async |now: &str| {
        let service = Service::start(&harness, now);
        service.says("waiting until").await;
        let at = pages_of(&service).await;
        let figures = get(at, "/metrics").await;
        let ready = (get(at, "/readyz").await, get(at, "/readyz?strict").await);
        service.stop().await;
        (figures, ready)
    };
    let (early, ready) = figures("2026-09-14T02:33:00Z").await;
    assert!(early.contains("\nonreserve_outbox_waiting 1\n"), "{early}");
    let waits = early.lines().find_map(|line| line.strip_prefix("onreserve_outbox_oldest_seconds ")).unwrap();
    assert!((170..600).contains(&waits.parse::<u32>().unwrap()), "about three minutes: {waits}");
    assert!(ready.0.starts_with("HTTP/1.1 200") && ready.1.starts_with("HTTP/1.1 200"), "{ready:?}");
    // The email of the second night replaces the first one, but its news is as old.
    let (_, ready) = figures("2026-09-15T16:00:00Z").await;
    assert!(ready.0.starts_with("HTTP/1.1 200") && ready.0.contains("\"outbox_is_stuck\":true"), "{ready:?}");
    assert!(ready.1.starts_with("HTTP/1.1 503"), "{ready:?}");

    relay.set_behaviour(Behaviour::ToRecipient("550 5.1.1 no such user"));
    later(&harness, "2026-09-15T17:00:00Z", "the next report carries its news").await;
    let (refused, ready) = figures("2026-09-15T17:01:00Z").await;
    assert!(refused.contains("\nonreserve_outbox_refused 1\n"), "{refused}");
    assert!(ready.1.starts_with("HTTP/1.1 503"), "{ready:?}");
}
