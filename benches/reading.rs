//! Reading a course page with 10,000 links, in HTML and in Markdown: the time per link, and
//! the peak memory.
//!
//!     cargo bench --bench reading

#![expect(clippy::disallowed_methods, reason = "a bench measures time")]
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::unwrap_used, reason = "a failed bench may panic")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use jiff::civil::date;
use onreserve::domain::address::Address;
use onreserve::domain::page::{self, Markup, PageContext};

const LINKS: usize = 10_000;
const ROUNDS: usize = 5;

fn main() {
    let base = Address::parse("https://school.example/course/index.html").unwrap();
    let context =
        PageContext { base: Some(&base), term: None, today: date(2026, 9, 10), kinds: &[], site: None };
    for (name, text, markup) in [
        ("HTML, a table", html_table(), Markup::Html),
        ("HTML, a list", html_list(), Markup::Html),
        ("Markdown, sections", markdown(), Markup::Markdown),
    ] {
        let mut times: Vec<Duration> = (0..ROUNDS)
            .map(|_| {
                let started = Instant::now();
                assert_eq!(page::read(&text, markup, &context).mentions.len(), LINKS);
                started.elapsed()
            })
            .collect();
        times.sort();
        let median = times[ROUNDS / 2];
        println!(
            "{name:<20} {} KiB, {LINKS} links: {:.1} ms, {:.2} us a link",
            text.len() / 1024,
            median.as_secs_f64() * 1e3,
            (median / u32::try_from(LINKS).unwrap()).as_secs_f64() * 1e6
        );
    }
    if let Some(peak) = peak_kib() {
        println!("most memory of the process: {} MiB", peak / 1024);
    }
}

fn html_table() -> String {
    let mut text =
        "<!doctype html><title>Sorting, Fall 2026</title><h1>Sorting</h1><table><tr><th>Date<th>Reading</tr>"
            .to_owned();
    for n in 0..LINKS {
        writeln!(text, "<tr><td>9/{}</td><td><a href=\"p{n}.pdf\">Paper {n}</a></td></tr>", 1 + n % 28)
            .unwrap();
    }
    text + "</table>"
}

fn html_list() -> String {
    let mut text = "<!doctype html><title>Sorting, Fall 2026</title><h1>Sorting</h1><ul>".to_owned();
    for n in 0..LINKS {
        writeln!(text, "<li>Sep {}: <a href=\"https://h{n}.example/p\">Paper {n}</a></li>", 1 + n % 28)
            .unwrap();
    }
    text + "</ul>"
}

fn markdown() -> String {
    let mut text = "# Sorting, Fall 2026\n".to_owned();
    for n in 0..LINKS {
        if n % 10 == 0 {
            write!(text, "\n## Week {} (Sep {})\n\n", 1 + n / 10 % 15, 1 + n / 10 % 28).unwrap();
        }
        writeln!(text, "- [Paper {n}](https://h{n}.example/p)").unwrap();
    }
    text
}

/// The peak memory of the process, as Linux counts it.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
