use super::*;
use crate::domain::patch::SourceLocation;
use crate::domain::report::due::{self, LastSent, PendingReport};
use crate::domain::report::tests::{kept, ok, report, three_dead_two_changed_one_moved, with};
use crate::domain::report::{CourseReport, PagePatch, html, text};

const TERM: Term = Term { first: jiff::civil::date(2026, 9, 21), last: jiff::civil::date(2026, 12, 11) };

fn mailbox() -> Mailbox {
    "Onreserve <onreserve@courses.example.edu>".parse().unwrap()
}

/// The email of a report, and its head and text part for reading.
fn mail(report: &CourseReport) -> (String, String) {
    let (whole, head, _) = mail_and_html(report);
    (whole, head)
}

/// The same, with the source of its HTML part.
fn mail_and_html(report: &CourseReport) -> (String, String, String) {
    let due = due::report_due(report, Some(TERM), LastSent::default(), report.facts.today).unwrap();
    let mut composed = PendingReport::new(report.clone(), due, Some(TERM)).compose();
    let signed = |what: &str| format!("https://reserve.example.edu/{what}/AQnhjOr7ewNW8QqfVnHUUbHe");
    for entry in composed.sections.iter_mut().flat_map(|section| &mut section.entries) {
        entry.action = (!entry.links.is_empty()).then(|| signed("act"));
    }
    composed.all_links = Some("https://reserve.example.edu/c/dgm/health".to_owned());
    composed.stop = Some(signed("letters"));
    let page = html::page(&composed).unwrap();
    let email = Email {
        from: &mailbox(),
        to: &"instructor@example.edu".parse().unwrap(),
        reply_to: Some(&"ta@example.edu".parse().unwrap()),
        course: &report.facts.course,
        title: &report.facts.title,
        term: Some(TERM),
        night: report.facts.started,
        date: report.facts.finished,
        subject: &composed.subject,
        text: &text::render(&composed),
        html: &page,
        patch: report.facts.patch.as_ref().and_then(|patch| patch.diff.as_deref()),
        unsubscribe: Some("https://reserve.example.edu/u/dgm"),
    };
    let mail = String::from_utf8(email.format().unwrap()).unwrap();
    assert!(mail.is_ascii() && mail.lines().all(|line| line.len() <= 998));
    let (head, html) = mail.split_once("Content-Type: text/html").unwrap();
    assert!(html.len() < 102_000);
    let sent: String =
        html.split_once("\r\n\r\n").unwrap().1.replace("=\r\n", "").replace("\r\n", "\n").replace("=3D", "=");
    assert!(sent.contains(page.lines().rfind(|line| line.contains("<a href")).unwrap()), "{sent}");
    let head = head.replace("\r\n", "\n");
    (mail, head, page)
}

#[test]
fn the_email_of_a_night_with_three_dead_two_changed_one_moved() {
    let (_, head, html) = mail_and_html(&three_dead_two_changed_one_moved());
    insta::assert_snapshot!("news", head);
    insta::assert_snapshot!("news_html", html);
}

#[test]
fn the_email_of_a_quiet_week() {
    let items = (0..143).map(|i| kept(ok("A paper", &format!("https://h{i}.example/p.pdf")), 9, 90_000));
    let (_, head, html) = mail_and_html(&report(items.collect()));
    insta::assert_snapshot!("quiet", head);
    insta::assert_snapshot!("quiet_html", html.split_once("<main>").unwrap().1);
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let report = three_dead_two_changed_one_moved();
    assert_eq!(mail(&report).0, mail(&report).0);
}

/// An email with foreign text in every field.
fn hostile(words: &str) -> String {
    let email = Email {
        from: &mailbox(),
        to: &"instructor@example.edu".parse().unwrap(),
        reply_to: None,
        course: &"dgm".parse().unwrap(),
        title: words,
        term: None,
        night: Timestamp::UNIX_EPOCH,
        date: Timestamp::UNIX_EPOCH,
        subject: words,
        text: words,
        html: words,
        patch: None,
        unsubscribe: Some(words),
    };
    String::from_utf8(email.format().unwrap()).unwrap()
}

fn headers(mail: &str) -> Vec<&str> {
    let (head, _) = mail.split_once("\r\n\r\n").unwrap();
    let starts = head.lines().filter(|line| !line.starts_with(' '));
    starts.filter_map(|line| line.split(':').next()).collect()
}

#[test]
fn foreign_text_never_becomes_a_header() {
    for words in ["x\r\nBcc: spy@evil.example\r\n\r\nbody", "x\nBcc: y@evil.example", "https://a/\r\nBcc: y"]
    {
        assert_eq!(headers(&hostile(words)), headers(&hostile("words")));
    }
}

#[test]
fn no_control_or_direction_mark_is_sent() {
    let mail = hostile("a\u{202e}b\u{0}c\u{1b}[31md\u{2028}e\u{200b}f");
    assert!(mail.contains("Subject: ab c [31md ef"), "{mail}");
    assert!(mail.contains("\r\n\r\nabc[31mdef\r\n"), "{mail}");
}

#[test]
fn one_click_is_offered_only_for_https() {
    assert!(!hostile("http://plain.example/u").contains("List-Unsubscribe-Post"));
    assert!(
        hostile("https://reserve.example/u").contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    );
}

#[test]
fn a_patch_is_attached_byte_for_byte() {
    let diff = "--- a/x.md\n+++ b/x.md\n@@ -1 +1 @@\n-caf\u{e9} http://a.example/\r\n+caf\u{e9} https://a.example/\r\n";
    let spot = SourceLocation { name: "x.md".into(), line: 1 };
    let link = "http://a.example/".parse().unwrap();
    let patch = PagePatch { diff: Some(diff.into()), spots: vec![(link, vec![spot])] };
    let report = with(three_dead_two_changed_one_moved(), |report| {
        report.facts.patch = Some(patch);
    });
    let (whole, head) = mail(&report);
    assert!(head.contains("Content-Type: multipart/mixed;"), "{head}");
    assert!(head.contains("The attached patch puts new addresses in 1 place of the sources"), "{head}");
    let (_, attached) = whole.split_once("Content-Disposition: attachment; filename=\"dgm.patch\"").unwrap();
    assert!(attached.contains("Content-Type: text/x-diff; charset=utf-8"), "{attached}");
    let (_, body) = attached.split_once("\r\n\r\n").unwrap();
    let base64: String = body.split("\r\n--").next().unwrap().split_whitespace().collect();
    assert_eq!(decoded(&base64), diff.as_bytes());
    assert_eq!(whole, mail(&report).0, "the same report gives the same bytes");
}

/// Base 64 (RFC 4648 section 4).
fn decoded(text: &str) -> Vec<u8> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut held, mut bits) = (0_u32, 0);
    for c in text.chars().filter(|c| *c != '=') {
        held = held << 6 | u32::try_from(ALPHABET.find(c).unwrap()).unwrap();
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).unwrap());
        }
    }
    bytes
}
