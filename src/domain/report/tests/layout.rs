//! Whole reports: the first night, quiet nights, void nights and problems of the page.

use super::*;
use crate::domain::report::colour::Colours;

#[test]
fn a_night_with_three_dead_two_changed_one_moved() {
    let report = three_dead_two_changed_one_moved();
    insta::assert_snapshot!("news", rendered(&report));
    insta::assert_snapshot!("news_html", html::page(&compose(&report)).unwrap());
    insta::assert_snapshot!("news_terminal", summary::render(&report.facts, &compose(&report), Colours::Off));
}

#[test]
fn a_report_says_that_students_get_copies_only_if_they_do() {
    let report = with(three_dead_two_changed_one_moved(), |report| {
        report.facts.students_get_copies = true;
    });
    let text = rendered(&report);
    assert!(
        text.replace('\n', " ").contains("Students already get our copies of 2 of the 3 newly dead."),
        "{text}"
    );
    assert!(text.contains("NEWLY DEAD, STUDENTS COVERED (2)"), "{text}");
    assert!(!rendered(&three_dead_two_changed_one_moved()).contains("tudents already"));
}

#[test]
fn a_quiet_night() {
    let fine: Vec<TestLink> =
        (0..143).map(|i| kept(ok("A paper", &format!("https://h{i}.example/p.pdf")), 9, 90_000)).collect();
    let mut report = report(fine);
    let mut text = rendered(&report);
    assert!(!compose(&report).is_news);
    report.facts.links.truncate(140);
    let mut not_working = three_dead_two_changed_one_moved();
    report.facts.links.extend(not_working.facts.links.drain(147..));
    report.earlier.links.extend(not_working.earlier.links);
    text.push_str("\n=======\n");
    text.push_str(&rendered(&report));
    insta::assert_snapshot!("quiet", text);
}

fn first() -> CourseReport {
    let mut items: Vec<TestLink> =
        (0..150).map(|i| kept(ok("A paper", &format!("https://h{i}.example/p.pdf")), 9, 90_000)).collect();
    let own = |words: &str, file: &str| {
        let link_facts = ok(words, &format!("https://courses.example.edu/dgm/{file}"));
        let state = State::Failing { reason: Reason::NotFound, weight: Weight::Strong };
        link_with(in_state(link_facts, None, state, 1), |link| {
            link.facts.status = Some(404);
            link.facts.last_ok = None;
        })
    };
    let failing = |link_facts: TestLink, reason, status, weight| {
        link_with(in_state(link_facts, None, State::Failing { reason, weight }, 1), |link| {
            link.facts.status = status;
            link.facts.last_ok = None;
        })
    };
    let mut short = own("pdf", "papers/wavenet.pdf");
    if let Some(mention) = short.mentions.first_mut() {
        mention.row = "WaveNet: A Generative Model for Raw Audio (van den Oord et al., 2016) [pdf]".into();
    }
    items.extend([
        short,
        at(own("Slides: Autoencoders", "lecture4.pdf"), "Week 5", date(2026, 10, 7), 203),
        failing(ok("GAN lab", "https://ganlab.example/"), Reason::NotAnswering, None, Weight::Weak),
        at(
            failing(
                ok("VAE tutorial", "https://vae.example/t.pdf"),
                Reason::NotFound,
                Some(404),
                Weight::Strong,
            ),
            "Week 6",
            date(2026, 10, 12),
            210,
        ),
        in_state(
            ok("Deep learning", "https://journal.example/deep"),
            None,
            State::Restricted { reason: Reason::Paywall },
            1,
        ),
        in_state(
            ok("Sora explained", "https://news.example/sora"),
            None,
            State::Unverifiable { reason: Reason::BotWall },
            1,
        ),
    ]);
    for copy in items.iter_mut().filter_map(|link_facts| link_facts.copy.as_mut()) {
        copy.captured_at = tonight() + 3.minutes();
    }
    let forum = |i| ok("Question", &format!("https://forum.example/t/{i}"));
    items.extend((0..5).map(|i| failing(forum(i), Reason::ServerError, Some(503), Weight::Weak)));
    with(report(items), |report| {
        report.facts.is_first = true;
        report.facts.defects = vec![
            of_the_page(LinkDefect::EmptyLink { words: "Notebook 3".into(), line: 96 }),
            of_the_page(back_to_top()),
        ];
    })
}

#[test]
fn the_first_night_is_a_baseline() {
    insta::assert_snapshot!("first", rendered(&first()));
}

#[test]
fn a_void_night_is_one_sentence() {
    let void = Some(Void { failed: 120, links: 169, hosts: 34, sentinels: None });
    let report = with(first(), |report| {
        report.facts.void = void;
        report.facts.is_first = false;
    });
    insta::assert_snapshot!(rendered(&report), @"
    Subject: [DGM] Links not checked on Mon 5 Oct

    No link was judged on Mon 5 Oct: 120 of 169 links on 34 hosts failed
    together, so the problem is probably our own network and not the links.
    ");
}

#[test]
fn a_void_first_night_lists_the_links_that_answered() {
    let void = Some(Void { failed: 9, links: 11, hosts: 9, sentinels: None });
    let mut report = with(first(), |report| {
        report.facts.void = void;
        report.facts.defects = vec![];
    });
    report.facts.links = report.facts.links.drain(150..152).collect();
    let unchecked = State::Unverifiable { reason: Reason::NotChecked };
    let far = |i| in_state(ok("Far", &format!("https://far{i}.example/")), None, unchecked.clone(), 0);
    report.extend((0..9).map(far));
    insta::assert_snapshot!("void_first", rendered(&report));
}

#[test]
fn a_title_that_is_an_address_stays_whole() {
    let page = "https://courses.example.edu/dgm/index.html";
    assert_eq!(
        compose(&with(report(vec![]), |report| {
            report.facts.title = page.into();
        }))
        .title,
        page
    );
}

#[test]
fn a_problem_of_the_page_comes_first() {
    let problem = PageProblem::Unreachable {
        page: "https://courses.example.edu/dgm/index.html".into(),
        why: Reason::ServerError,
        status: Some(503),
    };
    let mut report = with(report(vec![ok("A", "https://a.example/")]), |report| {
        report.facts.page_problem = Some(problem);
        report.facts.page_problem_nights = 2;
    });
    let forum = |i| {
        let link_facts = ok("Question", &format!("https://forum.example/t/{i}"));
        let state = State::Failing { reason: Reason::NotAnswering, weight: Weight::Weak };
        in_state(link_facts, None, state, 3)
    };
    report.extend((0..4).map(forum));
    report.add(at(
        in_state(
            ok("VAE tutorial", "https://vae.example/t.pdf"),
            Some(State::Ok),
            State::Failing { reason: Reason::Soft404, weight: Weight::Inferred },
            1,
        ),
        "Week 6",
        date(2026, 10, 12),
        210,
    ));
    let wrong = ok("The proof", "https://notes.example/n.pdf");
    report.add(link_with(wrong, |link| {
        link.facts.notes = vec![Note::PageBeyondEnd { page: 31, pages: 12 }];
    }));
    insta::assert_snapshot!("page_problem", rendered(&report));
}
