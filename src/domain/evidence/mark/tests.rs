use jiff::Timestamp;

use super::*;
use crate::domain::capture::Digest;
use crate::domain::document::{Citation, Format};
use crate::domain::evidence::ask::Ask;
use crate::domain::visit::{Body, Ending, Exchange, Headers, Hop};

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// An answer that carries nothing but what `change` gives it.
fn answer(status: u16, change: impl FnOnce(&mut Answer)) -> Answer {
    let asked = address("https://plain.edu/a");
    let body = Body { sha256: Digest::of(b"x"), sha1: String::new(), bytes: 1 };
    let mut answer = Answer {
        ask: Ask::Link,
        exchange: Exchange {
            asked: asked.clone(),
            started: Timestamp::UNIX_EPOCH,
            millis: 1,
            hops: vec![Hop { address: asked, status, headers: Headers::default() }],
            ending: Ending::Answered(body),
        },
        document: Some(Document {
            format: Format::Html,
            title: None,
            text: String::new(),
            headings: Vec::new(),
            pages: None,
            citation: Citation::default(),
            html: Some(Html::default()),
            defect: None,
        }),
        is_known: false,
    };
    change(&mut answer);
    answer
}

/// An answer made to carry this mark and no other.
fn carrier(mark: &Mark) -> Answer {
    let status = if mark.when == When::Error { 403 } else { 200 };
    answer(status, |answer| {
        let document = answer.document.as_mut().unwrap();
        match mark.place {
            Place::Header => {
                let (name, value) = mark.text.split_once(": ").unwrap_or((mark.text, "1"));
                answer.exchange.hops[0].headers.0.push((name.to_owned(), value.to_owned()));
            }
            Place::Host => {
                let host = match (mark.text.starts_with('.'), mark.text.ends_with('.')) {
                    (true, _) => format!("x{}", mark.text),
                    (_, true) => format!("{}edu", mark.text),
                    _ => mark.text.to_owned(),
                };
                answer.exchange.hops[0].address = address(&format!("https://{host}/"));
            }
            Place::Path => {
                let path = mark.text.trim_start_matches('/');
                let path = if path.contains('=') && !path.contains('?') {
                    format!("?{path}x")
                } else {
                    path.to_owned()
                };
                answer.exchange.hops[0].address = address(&format!("https://plain.edu/{path}"));
            }
            Place::Title => document.title = Some(format!("Oh, {}", mark.text)),
            Place::Source => document.html.as_mut().unwrap().source = format!("<p>{}</p>", mark.text),
            Place::Text => document.text = format!("Oh, {}.", mark.text),
        }
    })
}

#[test]
fn every_line_of_the_file_is_a_mark_that_is_found() {
    let lines = include_str!("../marks.psv")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .count();
    assert_eq!(MARKS.len(), lines, "a line could not be read");
    for mark in MARKS.iter() {
        assert!(count(mark.what, &carrier(mark)) >= 1, "{mark:?}");
    }
}

#[test]
fn marks_are_written_in_lower_case() {
    for mark in MARKS.iter() {
        assert_eq!(mark.text, mark.text.to_lowercase());
    }
}

#[test]
fn a_plain_page_carries_no_mark() {
    let plain = answer(200, |answer| {
        let document = answer.document.as_mut().unwrap();
        document.title = Some("Attention is all you need".to_owned());
        document.text = "The dominant sequence models are based on networks".to_owned();
    });
    for what in [
        What::BotWall,
        What::Consent,
        What::RateLimited,
        What::Login,
        What::Paywall,
        What::Parked,
        What::Missing,
    ] {
        assert_eq!(count(what, &plain), 0, "{what:?}");
    }
}

#[test]
fn a_long_page_with_a_challenge_script_in_it_is_no_wall() {
    let long = answer(200, |answer| {
        let html = answer.document.as_mut().unwrap().html.as_mut().unwrap();
        html.source = "<script src=/cdn-cgi/challenge-platform/x.js>".to_owned();
        html.words_shown = 2000;
    });
    assert!(!any(What::BotWall, &long));
}

#[test]
fn the_address_that_was_asked_for_is_no_redirect_to_a_login() {
    let asked = answer(200, |answer| {
        answer.exchange.asked = address("https://accounts.google.com/intro");
        answer.exchange.hops[0].address = answer.exchange.asked.clone();
    });
    assert!(!any(What::Login, &asked));
}
