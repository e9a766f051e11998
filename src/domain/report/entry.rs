//! One link becomes one entry: its name, its place, what happened, our copy.

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::domain::evidence::Reason;
use crate::domain::link::Mention;
use crate::domain::report::digest::Entry;
use crate::domain::report::plain::{counted, day, local_day, size, tame};
use crate::domain::report::{Item, Night, wording};
use crate::domain::verdict::State;

/// A link due within this many days matters before it is confirmed dead.
const DUE_WITHIN_DAYS: i64 = 7;
/// So many links of a host, and so large a share of them, failing alike are one event.
const HOST_LINKS: usize = 3;

pub(super) fn due(item: &Item) -> Option<Date> {
    item.mentions.iter().filter_map(|mention| mention.due).min()
}

pub(super) fn is_due(item: &Item, today: Date) -> bool {
    let last = today.checked_add(DUE_WITHIN_DAYS.days()).unwrap_or(today);
    item.mentions.iter().filter_map(|mention| mention.due).any(|due| (today..=last).contains(&due))
}

pub(super) fn entry(item: &Item, night: &Night) -> Entry {
    let mention = item.mentions.first();
    let words = mention.map(|mention| tame(&mention.words)).filter(|words| !words.is_empty());
    let kind = item
        .copy
        .as_ref()
        .filter(|copy| copy.media_type.contains("pdf"))
        .map(|_| " (PDF)")
        .unwrap_or_default();
    Entry {
        name: words.map_or_else(|| "A link without words".to_owned(), |words| format!("\"{words}\"{kind}")),
        place: mention.map(|mention| place(mention, night.today)),
        address: Some(item.link.to_string()),
        lines: lines(item, night),
    }
}

/// Where a link stands: week, day, headings, line.
fn place(mention: &Mention, today: Date) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(mention.week.as_ref().map(|week| tame(week)));
    parts.extend(mention.due.map(|due| day(due, today)));
    let headings: Vec<String> =
        mention.headings.iter().rev().take(2).rev().map(|heading| tame(heading)).collect();
    if !headings.is_empty() {
        parts.push(headings.join(" > "));
    }
    parts.push(format!("line {}", mention.line));
    parts.join(", ")
}

fn lines(item: &Item, night: &Night) -> Vec<String> {
    let since = |at| local_day(at, &night.time_zone, night.today);
    let nights = match item.verdict.nights {
        0 | 1 => String::new(),
        nights => format!(", {nights} nights running"),
    };
    let mut lines = Vec::new();
    match &item.verdict.state {
        State::Changed { change, reason, .. } => {
            let lead = if *reason == Reason::Replaced { "Another document since" } else { "Different since" };
            lines.push(format!("{lead} {}: {}.", since(item.verdict.since), wording::change(change)));
            lines.push("Both versions are kept. To take the new one as right: onreserve accept".to_owned());
        }
        State::Moved { to } => lines.push(format!("Now at {to}")),
        State::Ok => lines.push("Works again.".to_owned()),
        State::Failing { reason, .. }
        | State::Dead { reason }
        | State::Restricted { reason }
        | State::Unverifiable { reason } => {
            let seen = wording::reason(*reason, item.status);
            let last = item.last_ok.map(|at| format!("; last worked {}", since(at))).unwrap_or_default();
            lines.push(format!("What happened: {seen}{nights}, since {}{last}.", since(item.verdict.since)));
            if let Some(ended_at) = item
                .ended_at
                .as_ref()
                .filter(|_| matches!(reason, Reason::OtherPage | Reason::FrontPage | Reason::Login))
            {
                lines.push(format!("Leads to {ended_at}"));
            }
            lines.push(copy_line(item, night));
        }
    }
    lines.extend(item.notes.iter().map(|note| format!("Note: {}.", wording::note(note))));
    lines
}

fn copy_line(item: &Item, night: &Night) -> String {
    let Some(copy) = &item.copy else { return "Our copy: none.".to_owned() };
    let pages =
        item.copy_pages.map(|pages| format!(", {}", counted(pages as usize, "page"))).unwrap_or_default();
    format!(
        "Our copy: {}{pages}, {}.",
        local_day(copy.captured_at, &night.time_zone, night.today),
        size(copy.bytes)
    )
}

/// Links of one host that fail alike are one event.
pub(super) fn grouped(items: &[&Item], night: &Night) -> Vec<Entry> {
    let mut by_host: Vec<(&str, Vec<&Item>)> = Vec::new();
    for item in items {
        match by_host.iter_mut().find(|(host, _)| *host == item.link.host()) {
            Some((_, group)) => group.push(item),
            None => by_host.push((item.link.host(), vec![item])),
        }
    }
    let mut entries = Vec::new();
    for (host, group) in by_host {
        let of_host = night.items.iter().filter(|item| item.link.host() == host).count();
        let reason = group[0].verdict.state.reason();
        let alike = group.iter().all(|item| item.verdict.state.reason() == reason);
        if group.len() >= HOST_LINKS && group.len() * 10 >= of_host * 6 && alike {
            let since = group.iter().map(|item| item.verdict.since).min().unwrap_or(night.started);
            let seen = wording::reason(reason.unwrap_or(Reason::NotAnswering), group[0].status);
            entries.push(Entry {
                name: format!("{} of {host}", counted(group.len(), "link")),
                place: None,
                address: None,
                lines: vec![format!(
                    "What happened: {seen}, since {}.",
                    local_day(since, &night.time_zone, night.today)
                )],
            });
        } else {
            entries.extend(group.iter().map(|item| entry(item, night)));
        }
    }
    entries
}
