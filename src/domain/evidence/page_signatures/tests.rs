use jiff::Timestamp;

use super::*;
use crate::domain::capture::Digest;
use crate::domain::document::{Citation, Format};
use crate::domain::evidence::probe::Probe;
use crate::domain::evidence::signature_list::FoundSignatures;
use crate::domain::visit::{Body, Exchange, ExchangeEnd, Headers, Hop};

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// A response with nothing but what `change` sets.
fn answer(status: u16, change: impl FnOnce(&mut ProbeResult)) -> ProbeResult {
    let asked = address("https://plain.edu/a");
    let body = Body { sha256: Digest::of(b"x"), sha1: String::new(), bytes: 1 };
    let mut answer = ProbeResult {
        probe: Probe::Link,
        exchange: Exchange {
            asked: asked.clone(),
            started: Timestamp::UNIX_EPOCH,
            millis: 1,
            hops: vec![Hop { address: asked, status, headers: Headers::default(), sent: Headers::default() }],
            ending: ExchangeEnd::Answered(body),
            cut_at: None,
        },
        document: Some(Document {
            format: Format::Html,
            title: None,
            text: String::new(),
            remainder: None,
            headings: Vec::new(),
            pages: None,
            citation: Citation::default(),
            contents: None,
            html: Some(Html::default()),
            defect: None,
        }),
        is_known: false,
        signatures: FoundSignatures::default(),
    };
    change(&mut answer);
    answer
}

/// A response with this signature and no other.
fn carrier(signature: &Signature) -> ProbeResult {
    let status = if matches!(signature.condition, Condition::Error(_)) { 403 } else { 200 };
    answer(status, |answer| {
        let document = answer.document.as_mut().unwrap();
        match signature.field {
            SearchField::Header => {
                let (name, value) = signature.text.split_once(": ").unwrap_or((signature.text, "1"));
                answer.exchange.hops[0].headers.0.push((name.to_owned(), value.to_owned()));
            }
            SearchField::Host => {
                let host = match (signature.text.starts_with('.'), signature.text.ends_with('.')) {
                    (true, _) => format!("x{}", signature.text),
                    (_, true) => format!("{}edu", signature.text),
                    _ => signature.text.to_owned(),
                };
                answer.exchange.hops[0].address = address(&format!("https://{host}/"));
            }
            SearchField::Path => {
                let path = signature.text.trim_start_matches('/');
                let path = if path.contains('=') && !path.contains('?') {
                    format!("?{path}x")
                } else {
                    path.to_owned()
                };
                answer.exchange.hops[0].address = address(&format!("https://plain.edu/{path}"));
            }
            SearchField::Title => document.title = Some(format!("Oh, {}", signature.text)),
            SearchField::Source => {
                document.html.as_mut().unwrap().source = format!("<p>{}</p>", signature.text)
            }
            SearchField::Text => document.text = format!("Oh, {}.", signature.text),
        }
    })
}

#[test]
fn every_signature_of_the_file_is_found() {
    let lines = include_str!("../page_signatures.psv")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .count();
    assert_eq!(SIGNATURES.len(), lines, "a line could not be read");
    for signature in SIGNATURES.iter() {
        assert!(count(signature.kind, &carrier(signature)) >= 1, "{signature:?}");
    }
}

#[test]
fn signatures_are_in_lower_case() {
    for signature in SIGNATURES.iter() {
        assert_eq!(signature.text, signature.text.to_lowercase());
    }
}

#[test]
fn a_plain_page_has_no_signature() {
    let plain = answer(200, |answer| {
        let document = answer.document.as_mut().unwrap();
        document.title = Some("Attention is all you need".to_owned());
        document.text = "The dominant sequence models are based on networks".to_owned();
    });
    for what in [
        SignatureKind::BotWall,
        SignatureKind::Consent,
        SignatureKind::RateLimited,
        SignatureKind::Login,
        SignatureKind::Paywall,
        SignatureKind::Parked,
        SignatureKind::Missing,
    ] {
        assert_eq!(count(what, &plain), 0, "{what:?}");
    }
}

/// Parts that vendors also put on pages without a wall: status, header, title, words, source.
const NO_WALLS: &[(u16, &str, &str, &str, &str)] = &[
    (
        200,
        "server: cloudflare",
        "Week 3",
        "Read it.",
        "<script>a.src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'",
    ),
    (
        200,
        "server: cloudflare",
        "Week 3",
        "Read it.",
        "<script src=/cdn-cgi/challenge-platform/h/b/scripts/jsd/0a/main.js>",
    ),
    (200, "", "Week 3", "Read it.", "<script src='https://www.google.com/recaptcha/api.js?render=6Lc'>"),
    (200, "x-iinfo: 9-1-0", "Week 3", "Read it.", ""),
    (200, "x-datadome: protected", "Week 3", "Read it.", ""),
    (
        404,
        "server: cloudflare",
        "Page not found",
        "Oops.",
        "<script>a.src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'",
    ),
    (404, "", "Page not found", "Oops.", "<script src='https://www.google.com/recaptcha/api.js?render=6Lc'>"),
    (
        404,
        "",
        "Page not found",
        "Oops.",
        "<script src='https://www.google.com/recaptcha/api.js'></script><div class='g-recaptcha'>",
    ),
    (
        404,
        "",
        "Page not found",
        "Oops.",
        "<script src='https://challenges.cloudflare.com/turnstile/v0/api.js'></script><div class=cf-turnstile>",
    ),
    (404, "", "Page not found", "Oops.", "<script src='https://js.hcaptcha.com/1/api.js'>"),
    (404, "", "Page not found", "Oops. We and our partners store and access information on a device.", ""),
    (
        404,
        "x-iinfo: 9-1-0",
        "Page not found",
        "Oops.",
        "<script src='/_Incapsula_Resource?SWJIYLWA=719d&ns=1'>",
    ),
    (
        404,
        "x-datadome: protected",
        "Page not found",
        "Oops.",
        "<script src='https://js.datadome.co/tags.js'>",
    ),
    (404, "", "Page not found", "Oops.", "<script>window._pxAppId='PX1'"),
    (410, "x-iinfo: 9-1-0", "Gone", "Oops.", "<script src='https://1.token.awswaf.com/2/challenge.js'>"),
    (502, "server: cloudflare", "x.edu | 502: Bad gateway", "Bad gateway", "<div id=cf-error-details>"),
    (
        522,
        "server: cloudflare",
        "x.edu | 522: Connection timed out",
        "Timed out",
        "<div id='cf-error-details'>",
    ),
    (530, "server: cloudflare", "Origin DNS error | x.edu", "Error 1016", "<div id='cf-error-details'>"),
    (
        503,
        "x-iinfo: 9-1-0",
        "Error",
        "The proxy failed to connect to the web server",
        "<iframe src='/_Incapsula_Resource?CWUDNSAI=8'>",
    ),
    (
        503,
        "server: AkamaiGHost",
        "Error",
        "An error occurred. Reference #97.2d",
        "https://errors.edgesuite.net/97.2d",
    ),
    (504, "", "Backend or gateway connection timeout", "Sucuri", "Sucuri WebSite Firewall"),
];

#[test]
fn parts_that_vendors_put_on_every_page_are_no_wall() {
    for row @ (status, header, title, words, source) in NO_WALLS {
        let answer = answer(*status, |answer| {
            let headers = &mut answer.exchange.hops[0].headers.0;
            headers.extend(header.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())));
            let document = answer.document.as_mut().unwrap();
            document.title = Some((*title).to_owned());
            document.text = (*words).to_owned();
            document.html.as_mut().unwrap().source = (*source).to_owned();
        });
        for what in
            [SignatureKind::BotWall, SignatureKind::Consent, SignatureKind::RateLimited, SignatureKind::Login]
        {
            assert!(!has_any(what, &answer), "{what:?} is found in {row:?}");
        }
    }
}

#[test]
fn a_long_page_with_a_challenge_script_in_it_is_no_wall() {
    let long = answer(200, |answer| {
        let html = answer.document.as_mut().unwrap().html.as_mut().unwrap();
        html.source = "<script src=/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1>".to_owned();
        html.words_shown = 2000;
    });
    assert!(!has_any(SignatureKind::BotWall, &long));
}

#[test]
fn the_requested_address_is_no_redirect_to_a_login() {
    let asked = answer(200, |answer| {
        answer.exchange.asked = address("https://accounts.google.com/intro");
        answer.exchange.hops[0].address = answer.exchange.asked.clone();
    });
    assert!(!has_any(SignatureKind::Login, &asked));
}

#[test]
fn a_part_of_a_signature_does_not_count() {
    let parked = |text: &str, source: &str| {
        let answer = answer(200, |answer| {
            let document = answer.document.as_mut().unwrap();
            document.text = text.to_owned();
            document.html.as_mut().unwrap().source = source.to_owned();
        });
        count(SignatureKind::Parked, &answer)
    };
    assert_eq!(parked("Would you like to buy this domain?", ""), 1);
    assert_eq!(parked("", "<script src=https://img.sedoparking.com/x.js>"), 1);
    assert_eq!(
        parked("Would you like to buy this domain?", "<script src=https://img.sedoparking.com/x.js>"),
        2
    );
}

#[test]
fn spam_is_counted_in_whole_words() {
    let page = |source: &str| Document {
        contents: None,
        html: Some(Html { source: source.to_owned(), ..Html::default() }),
        ..Document::bare(Format::Html)
    };
    let clinic = "A specialist and socialist of commercialism. ".repeat(9);
    assert_eq!(spam(&page(&clinic)), SpamCount { in_title: 0, in_source: 0, times: 0 });
    assert_eq!(spam(&page("<a>cialis</a> casino, Casino!")).times, 3);
}
