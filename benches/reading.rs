//! Reading a course page: the time per link, beside the time in which html5ever alone
//! parses the same HTML in the same run, and the peak memory of each page.
//!
//!     cargo bench --bench reading [-- PAGE]
//!
//! With a file, only that page is measured, as its name says: `.md` is Markdown.

#![expect(clippy::disallowed_methods, reason = "a bench measures time")]
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::unwrap_used, reason = "a failed bench may panic")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use jiff::civil::date;
use onreserve::domain::address::Address;
use onreserve::domain::page::{self, Markup, PageContext};
use pulldown_cmark::Parser;
use scraper::Html;

const LINKS: usize = 10_000;
const MANY_LINKS: usize = 100_000;
/// The fastest counts: other programs only slow a round down.
const ROUNDS: usize = 9;

/// A page, and how many links it has.
struct Subject {
    name: &'static str,
    text: String,
    markup: Markup,
    links: usize,
}

fn main() {
    let subject = |name, text, markup, links| Subject { name, text, markup, links };
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    if let Some(path) = wanted.as_ref().filter(|path| std::path::Path::new(path).is_file()) {
        measure(&of_file(path));
        return;
    }
    for page in [
        subject("HTML, a table", html_table(LINKS), Markup::Html, LINKS),
        subject("HTML, a list", html_list(LINKS), Markup::Html, LINKS),
        subject("Markdown, sections", markdown(LINKS), Markup::Markdown, LINKS),
        subject("HTML, 100,000 links", html_list(MANY_LINKS), Markup::Html, MANY_LINKS),
        subject("HTML, long items", long_items(LINKS), Markup::Html, LINKS),
    ] {
        if wanted.as_ref().is_none_or(|wanted| page.name.contains(wanted.as_str())) {
            measure(&page);
        }
    }
}

fn of_file(path: &str) -> Subject {
    let text = std::fs::read_to_string(path).unwrap();
    let markup = if path.ends_with(".md") { Markup::Markdown } else { Markup::Html };
    let links = read(&text, markup);
    Subject { name: "the page", text, markup, links }
}

/// The number of mentions on a page.
fn read(text: &str, markup: Markup) -> usize {
    let base = Address::parse("https://school.example/course/index.html").unwrap();
    let context =
        PageContext { base: Some(&base), term: None, today: date(2026, 9, 10), kinds: &[], site: None };
    page::read(text, markup, &context).mentions.len()
}

fn measure(page: &Subject) {
    let html = match page.markup {
        Markup::Markdown => {
            let mut html = String::new();
            pulldown_cmark::html::push_html(&mut html, Parser::new(&page.text));
            html
        }
        _ => page.text.clone(),
    };
    let floor = fastest(|| assert!(Html::parse_document(&html).tree.values().count() > 0));
    let before = memory_kib("VmRSS:");
    // Linux counts the peak from here on.
    let is_reset = std::fs::write("/proc/self/clear_refs", "5").is_ok();
    let mut kib = 0;
    let time = fastest(|| {
        assert_eq!(read(&page.text, page.markup), page.links);
        kib = memory_kib("VmHWM:").saturating_sub(before);
    });
    println!(
        "{:<20} {:>5} KiB, {:>6} links: {:>6.1} ms, {:>5.2} us a link, {:.1} times the parser alone ({:.1} ms), {} MiB",
        page.name,
        page.text.len() / 1024,
        page.links,
        time.as_secs_f64() * 1e3,
        time.as_secs_f64() * 1e6 / f64::from(u32::try_from(page.links).unwrap()),
        time.as_secs_f64() / floor.as_secs_f64(),
        floor.as_secs_f64() * 1e3,
        if is_reset { (kib / 1024).to_string() } else { "?".to_owned() },
    );
}

fn fastest(mut work: impl FnMut()) -> Duration {
    let rounds = (0..ROUNDS).map(|_| {
        let started = Instant::now();
        work();
        started.elapsed()
    });
    rounds.min().unwrap()
}

fn html_table(links: usize) -> String {
    let mut text =
        "<!doctype html><title>Sorting, Fall 2026</title><h1>Sorting</h1><table><tr><th>Date<th>Reading</tr>"
            .to_owned();
    for n in 0..links {
        writeln!(text, "<tr><td>9/{}</td><td><a href=\"p{n}.pdf\">Paper {n}</a></td></tr>", 1 + n % 28)
            .unwrap();
    }
    text + "</table>"
}

fn html_list(links: usize) -> String {
    let mut text = "<!doctype html><title>Sorting, Fall 2026</title><h1>Sorting</h1><ul>".to_owned();
    for n in 0..links {
        writeln!(text, "<li>Sep {}: <a href=\"https://h{n}.example/p\">Paper {n}</a></li>", 1 + n % 28)
            .unwrap();
    }
    text + "</ul>"
}

/// Ten megabytes, most of it prose.
fn long_items(links: usize) -> String {
    let mut text = "<!doctype html><title>Sorting, Fall 2026</title><h1>Sorting</h1><ul>".to_owned();
    for n in 0..links {
        let prose = "The runs are merged in pairs until one is left. ".repeat(20);
        writeln!(text, "<li>{prose}<a href=\"https://h{n}.example/p\">Paper {n}</a></li>").unwrap();
    }
    text + "</ul>"
}

fn markdown(links: usize) -> String {
    let mut text = "# Sorting, Fall 2026\n".to_owned();
    for n in 0..links {
        if n % 10 == 0 {
            write!(text, "\n## Week {} (Sep {})\n\n", 1 + n / 10 % 15, 1 + n / 10 % 28).unwrap();
        }
        writeln!(text, "- [Paper {n}](https://h{n}.example/p)").unwrap();
    }
    text
}

/// Memory of the process, as Linux counts it.
fn memory_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or_default()
}
