use std::sync::Arc;

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::domain::address::Address;
use crate::domain::link::Target;

fn read_at(text: &str, markup: Markup) -> Page {
    let base = Address::parse("https://school.edu/course/index.html").unwrap();
    read(
        text,
        markup,
        &PageContext { base: Some(&base), term: None, today: date(2026, 4, 1), kinds: &[], site: None },
    )
}

const HTML: &str = r##"<!doctype html><title>Course</title>
<h1>Generative Models</h1>
<h2 id="calendar">Calendar</h2>
<table><tr><th>Week</th><th>Date</th><th>Topic</th></tr>
<tr><td rowspan="2">1</td><td rowspan="2">Apr 1</td><td><a href="a.pdf">A paper</a></td></tr>
<tr><td><a href="b.pdf">Another   paper</a></td></tr></table>
<h2>Links</h2><h3>Blogs</h3>
<ul><li><a href="https://blog.example/p">A <b>post</b></a> about it
<li><a href="#calendar">up</a> <a href="#nowhere">lost</a> <a href="">empty</a>
<li><a href="mailto:x@y.edu">mail</a> <a href="htps://x.edu">typo</a> <a href="/i"><img alt="An image"></a></ul>"##;

#[test]
fn every_anchor_is_a_mention_in_its_place() {
    let page = read_at(HTML, Markup::Html);
    let found: Vec<_> = page
        .mentions
        .iter()
        .map(|mention| (mention.words.as_str(), mention.headings.join(" > "), mention.line, mention.due))
        .collect();
    let calendar = "Generative Models > Calendar".to_owned();
    let blogs = "Generative Models > Links > Blogs".to_owned();
    assert_eq!(
        found,
        [
            ("A paper", calendar.clone(), 5, Some(date(2026, 4, 1))),
            ("Another paper", calendar, 6, Some(date(2026, 4, 1))),
            ("A post", blogs.clone(), 8, None),
            ("up", blogs.clone(), 9, None),
            ("lost", blogs.clone(), 9, None),
            ("empty", blogs.clone(), 9, None),
            ("mail", blogs.clone(), 10, None),
            ("typo", blogs.clone(), 10, None),
            ("An image", blogs, 10, None),
        ]
    );
    assert_eq!(page.mentions[1].week.as_deref(), Some("Week 1"));
    assert_eq!(page.mentions[2].row, "A post about it");
    assert_eq!(page.title.as_deref(), Some("Course"));
}

#[test]
fn mistakes_of_the_author_are_defects() {
    let page = read_at(HTML, Markup::Html);
    let kinds: Vec<_> = page
        .defects
        .iter()
        .map(|defect| match defect {
            LinkDefect::EmptyLink { words, .. } => format!("empty {words}"),
            LinkDefect::Malformed { written, .. } => format!("malformed {written}"),
            LinkDefect::MissingFile { written, .. } => format!("missing {written}"),
            LinkDefect::BrokenAnchor { anchor, .. } => format!("anchor {anchor}"),
        })
        .collect();
    assert_eq!(kinds, ["anchor nowhere", "empty empty", "malformed htps://x.edu"]);
}

const MARKDOWN: &str = "---\ntitle: x\n---\n# Generative Models\n\n## Calendar\n\n| Week | Date | Topic |\n|--|--|--|\n| 1 | Apr 1 | [A paper](a.pdf){:target=\"_blank\"} |\n\n## Links\n\n### Blogs\n\n* [A *post*](https://blog.example/p){:target=\"_blank\"} about it\n* [up](#calendar) [lost](#nowhere) [empty]()\n* <https://auto.example/x> and <a href=\"/raw\">raw words</a>\n\n[ref]: https://ref.example/\nSee [this][ref].\n";

#[test]
fn markdown_reads_as_html_does() {
    let page = read_at(MARKDOWN, Markup::Markdown);
    let found: Vec<_> = page
        .mentions
        .iter()
        .map(|mention| (mention.words.as_str(), mention.headings.last().map(String::as_str), mention.line))
        .collect();
    assert_eq!(
        found,
        [
            ("A paper", Some("Calendar"), 10),
            ("A post", Some("Blogs"), 16),
            ("up", Some("Blogs"), 17),
            ("lost", Some("Blogs"), 17),
            ("empty", Some("Blogs"), 17),
            ("https://auto.example/x", Some("Blogs"), 18),
            ("raw words", Some("Blogs"), 18),
            ("this", Some("Blogs"), 21),
        ]
    );
    assert_eq!(page.mentions[0].due, Some(date(2026, 4, 1)));
    assert_eq!(page.mentions[1].row, "A post about it");
    assert_eq!(page.defects.len(), 2, "{:?}", page.defects);
}

#[test]
fn a_base_element_changes_the_base_of_references() {
    let page = read_at("<base href='/other/'><a href=a.pdf>a</a><a href=#x>x</a>", Markup::Html);
    assert_eq!(page.mentions[0].address().map(Address::as_str), Some("https://school.edu/other/a.pdf"));
    assert!(matches!(page.mentions[1].target, Target::Web { .. }));
}

#[test]
fn deeply_nested_markup_is_read_to_its_end() {
    let deep = format!("{}<a href=x>end</a>", "<div>".repeat(5_000));
    assert_eq!(read_at(&deep, Markup::Html).mentions.len(), 1);
    let deep = format!("{}[end](x)", "> ".repeat(500));
    read_at(&deep, Markup::Markdown);
}

#[test]
fn the_markup_is_known_by_header_name_and_content() {
    for (media, name, head, markup) in [
        (Some("text/html"), "/x", Some("<p>"), Ok(Markup::Html)),
        (None, "page.md", Some("# x"), Ok(Markup::Markdown)),
        (None, "page.html", Some("x"), Ok(Markup::Html)),
        (Some("text/plain"), "/readme", Some("[a](b)"), Ok(Markup::Markdown)),
        (Some("text/plain"), "/course.org", Some("* x"), Ok(Markup::Org)),
        (Some("text/html"), "/course.org", Some("<html>"), Ok(Markup::Html)),
        (None, "page.rst", Some("x"), Ok(Markup::ReStructuredText)),
        (Some("application/pdf"), "/x.pdf", Some("%PDF-1.7"), Err(UnreadFormat::Pdf)),
        (None, "page.docx", None, Err(UnreadFormat::WordDocument)),
        (Some("image/png"), "/x", None, Err(UnreadFormat::Other)),
    ] {
        assert_eq!(markup_of(media, name, head), markup, "{name}");
    }
}

#[test]
fn losing_half_of_the_links_is_not_an_edit() {
    assert!(shrunken(100, 50) && shrunken(3, 0));
    assert!(!shrunken(100, 51) && !shrunken(4, 2) && !shrunken(0, 0));
}

proptest! {
    #[test]
    fn reading_never_fails(text in "\\PC{0,300}|[<>/a-z =\"#\\[\\]()|*\n-]{0,300}") {
        read_at(&text, Markup::Html);
        read_at(&text, Markup::Markdown);
    }
}

#[test]
fn a_term_that_the_page_names_gives_the_year() {
    let context = PageContext { base: None, term: None, today: date(2026, 11, 23), kinds: &[], site: None };
    let pages = [
        ("# Models, Spring 2026\n\n- Apr 15: [a paper](https://a.edu/p.pdf)\n", Markup::Markdown),
        (
            "<title>Models</title><h1>Models, Spring 2026</h1><ul><li>Apr 15: <a href=https://a.edu/p.pdf>a paper</a></ul>",
            Markup::Html,
        ),
    ];
    for (text, markup) in pages {
        assert_eq!(read(text, markup, &context).mentions[0].due, Some(date(2026, 4, 15)), "{text}");
    }
}

/// A section of a course page, by its number: a heading and dated items.
fn section(number: usize) -> String {
    let day = 1 + number % 27;
    match number % 5 {
        0 => format!(
            "## Week {number} (Sep {day})\n\n- [a{number}](https://a.example/{number}) and https://b.example/{number}\n"
        ),
        1 => format!(
            "## Notes {number}\n\n- Sep {day}: [a{number}](https://a.example/{number})\n- [b{number}](https://b.example/{number})\n"
        ),
        2 => format!(
            "## Part {number}\n\n| Date | Topic |\n|---|---|\n| 9/{day} | [a{number}](https://a.example/{number}) |\n| | [b{number}](https://b.example/{number}) |\n"
        ),
        3 => format!(
            "## Lecture {number} (September {day})\n\n<p><a\nhref=\"https://a.example/{number}\">a{number}</a>\n<b>x</p>\n"
        ),
        _ => format!(
            "## Further reading {number}\n\n1. [a{number}](https://a.example/{number})\n   - https://b.example/{number}\n"
        ),
    }
}

/// The facts read of a link: the written address, words, headings, week and due date.
type ReadMention = (String, String, Arc<[String]>, Option<String>, Option<Date>);

/// The facts of each link, without its line.
fn readings(numbers: &[usize]) -> Vec<ReadMention> {
    let text = numbers.iter().map(|number| section(*number)).collect::<Vec<_>>().join("\n");
    let page = read_at(&format!("# Sorting, Fall 2026\n\n{text}"), Markup::Markdown);
    let reading =
        |mention: Mention| (mention.written, mention.words, mention.headings, mention.week, mention.due);
    page.mentions.into_iter().map(reading).collect()
}

proptest! {
    #[test]
    fn sections_in_another_order_have_the_same_links(numbers in prop::collection::hash_set(1_usize..60, 1..8)) {
        let numbers: Vec<usize> = numbers.into_iter().collect();
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        let (mut one, mut other) = (readings(&numbers), readings(&sorted));
        one.sort();
        other.sort();
        prop_assert_eq!(one, other);
    }

    #[test]
    fn a_section_does_not_change_the_one_before_it(
        numbers in prop::collection::hash_set(1_usize..60, 2..8),
    ) {
        let numbers: Vec<usize> = numbers.into_iter().collect();
        let all = readings(&numbers);
        let before = readings(&numbers[..numbers.len() - 1]);
        prop_assert_eq!(&all[..before.len()], &before[..]);
    }

    #[test]
    fn any_text_is_read_in_any_format(text in "[\\\\{}%&$~\\[\\]<>|=+_*`:.@a-z0-9 \"'\n#-]{0,200}") {
        for markup in [
            Markup::ReStructuredText, Markup::Org, Markup::Latex, Markup::Bibtex, Markup::Data, Markup::Csv,
            Markup::Notebook,
        ] {
            read_at(&text, markup);
        }
    }
}

#[test]
fn large_pages_are_read_to_their_end() {
    let many = (0..20_000).fold(String::new(), |mut many, n| {
        many.push_str(&format!("<li>9/8: <a href=x{n}>y</a>\n"));
        many
    });
    assert_eq!(read_at(&format!("<ul>{many}</ul>"), Markup::Html).mentions.len(), 20_000);
    let unclosed = format!("{}<a href=end>z", "<b><i><table><tr><td>".repeat(300));
    assert_eq!(read_at(&unclosed, Markup::Html).mentions.len(), 1);
    let long = format!("<a title=\"{}\" href=x>y</a>", "z".repeat(1 << 20));
    assert_eq!(read_at(&long, Markup::Html).mentions[0].words, "y");
}

#[test]
fn the_links_that_are_more_than_are_checked_are_counted() {
    let page = read_at("<ul><li><a href=a>a</a><li><a href=b>b</a><li><a href=c>c</a></ul>", Markup::Html);
    assert_eq!(page.clone().bounded(3), page);
    let bounded = page.bounded(2);
    assert_eq!(bounded.mentions.len(), 2);
    assert_eq!(bounded.omissions, [Omission::TooManyLinks { read: 2, found: 3 }]);
}

#[test]
fn a_stray_nul_becomes_a_replacement_character() {
    let source = "<h1>Readings</h1><p>Week\0 one: <a href=\"https://a.example/x\">A read\0ing</a></p>";
    let text = without_stray_nuls(source.to_owned());
    assert_eq!(read_at(&text, Markup::Html).mentions[0].words, "A read\u{fffd}ing");
    for binary in ["PK\x03\x04\x14\0\0\0\x08\0", "\x7fELF\x02\x01\x01\0\0\0\0\0 and more"] {
        assert_eq!(without_stray_nuls(binary.to_owned()), binary);
    }
}
