//! Reports with hostile and with random text.

use super::*;

fn hostile_words() -> &'static str {
    "</a><script>alert(1)</script> \u{202e}fdp\u{202c}\r\nBcc: all@evil.com\u{0}\u{1b}[31m visit https://evil.com now"
}

fn hostile() -> CourseReport {
    let link = "https://h.example/%3Cscript%3E?a=%22&b='x'";
    let mut link_facts = newly_dead(ok(hostile_words(), link), Reason::NotFound, Some(404));
    for mention in &mut link_facts.mentions {
        mention.headings = [hostile_words().into()].into();
        mention.week = Some(hostile_words().into());
    }
    let parked = newly_dead(ok("Blog", "https://parked.example/x"), Reason::Parked, Some(200));
    with(report(vec![link_facts, parked]), |report| {
        report.facts.title = hostile_words().into();
        report.facts.defects = vec![of_the_page(LinkDefect::Malformed {
            words: hostile_words().into(),
            written: "ht!tp:\u{200b}//<b>".into(),
            line: 3,
            why: "no\nhost".into(),
        })];
        report.facts.page_problem =
            Some(PageProblem::NotThePage { page: "index.html".into(), title: Some(hostile_words().into()) });
        report.facts.page_problem_nights = 2;
    })
}

#[test]
fn hostile_words_are_harmless() {
    insta::assert_snapshot!("hostile", rendered(&hostile()));
    let html = html::page(&compose(&hostile())).unwrap();
    assert!(!html.contains("<script"));
    assert!(!html.contains("href=\"https://evil"));
    assert!(!html.contains("evil.com"));
    let text = rendered(&hostile());
    assert!(!html.contains("://parked") && !text.contains("://parked"), "a lapsed domain is not linked");
    assert!(!text.contains("parked.example"), "mail programs link bare host names too: {text}");
    insta::assert_snapshot!("hostile_html", html.split("<main>").nth(1).unwrap());
}

fn any_reason() -> impl Strategy<Value = Reason> {
    prop::sample::select(vec![
        Reason::NotFound,
        Reason::NoSuchHost,
        Reason::Certificate,
        Reason::Parked,
        Reason::OtherPage,
        Reason::Login,
        Reason::InternalAddress,
    ])
}

fn any_state() -> impl Strategy<Value = State> {
    let change = (0.0..1.0, 0..5000u32, "\\PC{0,80}").prop_map(|(share, words, section)| State::Changed {
        reason: Reason::Revised,
        change: revision(share, words, Some((3, 5)), Some(&section)),
    });
    prop_oneof![
        Just(State::Ok),
        any_reason().prop_map(|reason| State::Dead { reason }),
        any_reason().prop_map(|reason| State::Failing { reason, weight: Weight::Weak }),
        any_reason().prop_map(|reason| State::Restricted { reason }),
        any_reason().prop_map(|reason| State::Unverifiable { reason }),
        Just(State::Moved { to: address("https://to.example/a") }),
        change,
    ]
}

/// Controls, direction marks and line breaks among ordinary words.
fn any_text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        '\r', '\n', '\0', '\u{1b}', '\u{85}', '\u{202e}', '\u{2067}', '\u{200b}', ' ',
    ]);
    let c = prop_oneof![any::<char>(), odd, "[a-z .:/@]".prop_map(|s| s.chars().next().unwrap_or(' '))];
    prop::collection::vec(c, 0..150).prop_map(String::from_iter)
}

fn any_item() -> impl Strategy<Value = TestLink> {
    let when = prop::option::of((-300..300i32).prop_map(|days| date(2026, 10, 5) + days.days()));
    (
        any_text(),
        any_text(),
        any_text(),
        any_state(),
        prop::option::of(any_state()),
        when,
        (0..4u32, 1..9u32, any::<bool>()),
    )
        .prop_map(|(words, heading, week, state, before, due, (host, nights, copy))| {
            let link_facts = ok(&words, &format!("https://h{host}.example/{nights}/{}", words.len()));
            let mut link_facts = in_state(link_facts, before, state, nights);
            for mention in &mut link_facts.mentions {
                mention.headings = [heading.clone()].into();
                mention.week = Some(week.clone());
                mention.row.clone_from(&heading);
                mention.due = due;
            }
            if copy { kept(link_facts, 3, 4000) } else { link_facts }
        })
}

fn is_unwanted(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_line_is_too_long_and_no_control_gets_through(
        items in prop::collection::vec(any_item(), 0..30), title in any_text(), is_first in any::<bool>(),
    ) {
        let report = with(report(items), |report| {report.facts.title = title;report.facts.is_first = is_first;});
        let composed = compose(&report);
        let text = text::render(&composed);
        for line in text.lines() {
            prop_assert!(text::width(line) <= text::COLUMNS || line.trim_start().starts_with("https"), "{line}");
        }
        let html = html::page(&composed).unwrap();
        prop_assert!(!text.contains(is_unwanted) && !html.contains(is_unwanted));
        prop_assert!(!composed.subject.contains(is_unwanted) && composed.subject.len() <= 60, "{}", composed.subject);
        prop_assert_eq!(&composed, &compose(&report));
    }

    #[test]
    fn the_order_of_the_night_does_not_matter(items in prop::collection::vec(any_item(), 0..20), seed in any::<u64>()) {
        let mut seen = std::collections::BTreeSet::new();
        let items: Vec<TestLink> = items.into_iter().filter(|link_facts| seen.insert(link_facts.link.clone())).collect();
        let mut other = items.clone();
        let by = usize::try_from(seed % 7).unwrap_or_default().min(other.len());
        other.rotate_left(by);
        prop_assert_eq!(compose(&report(items)), compose(&report(other)));
    }
}
