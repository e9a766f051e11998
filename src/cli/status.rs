//! `onreserve status`: the links of a course with their states.

use std::collections::HashMap;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use jiff::civil::Date;

use super::archive_location::no_night;
use super::{ArchiveLocation, OutputFormat, email, print, report};
use crate::domain::address::Address;
use crate::domain::course::CourseId;
use crate::domain::report::wording::{revisit, student};
use crate::domain::report::{CourseFacts, CourseReport, LinkFacts, placement, plain, text, wording};
use crate::domain::verdict::StateName;
use crate::world::catalogue::StoredDecision;
use crate::world::terminal;

#[derive(Debug, Args)]
pub(super) struct StatusArguments {
    /// The course, if the archive has several.
    course: Option<CourseId>,
    /// Show only links in this state, such as dead or changed.
    #[arg(long, value_name = "STATE", value_parser = state_named)]
    state: Option<StateName>,
    /// Show only links with these words in their text or address.
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    /// Show only links that the class needs within so many days.
    #[arg(long, value_name = "DAYS")]
    due: Option<u16>,
    /// Show only links that need a decision: dead, changed, moved or restricted, and not decided.
    #[arg(long)]
    undecided: bool,
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    #[command(flatten)]
    location: ArchiveLocation,
}

fn state_named(text: &str) -> Result<StateName, String> {
    let known = StateName::ALL.map(StateName::as_str);
    let named = StateName::ALL.into_iter().find(|state| state.as_str() == text);
    named.ok_or_else(|| format!("the states are {}", known.join(", ")))
}

pub(super) async fn run(arguments: StatusArguments) -> anyhow::Result<ExitCode> {
    let opened = arguments.location.open().await?;
    let (course, _) = opened.course(arguments.course.as_ref()).await?;
    let CourseReport { facts: mut night, .. } =
        opened.catalogue.last_report(&course).await?.with_context(|| no_night(&course))?;
    let lost = opened.catalogue.lost_copies().await?;
    for link_facts in &mut night.links {
        link_facts.set_lost(&lost);
        // A recheck by day may have found a failing link to work again.
        if let Some(verdict) =
            opened.catalogue.link_record(&link_facts.link).await?.and_then(|known| known.verdict)
        {
            link_facts.verdict = verdict;
        }
    }
    let decisions = opened.catalogue.decisions(&course).await?;
    filter(&arguments, &mut night, &decisions);
    if arguments.format == OutputFormat::Json {
        return report::print_json(&night, &opened);
    }
    let finished = night.finished.strftime("%Y-%m-%d %H:%M UTC");
    let mut out = email::problems(&opened.catalogue.outbox().await?, &course);
    for reader in opened.catalogue.stopped(&course).await? {
        out.push_str(&format!("{reader} has unsubscribed from the reports of this course.\n\n"));
    }
    let title = plain::visible(&night.title);
    out.push_str(&text::hanging("", &format!("{title} ({course}), {finished}")));
    out.push('\n');
    if let Some(problem) = &night.page_problem {
        out.push_str(&text::hanging("", &wording::page_problem(problem)));
    }
    for link_facts in &night.links {
        out.push_str(&lines(link_facts, decisions.get(&link_facts.link), night.today));
    }
    print(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// Keeps the links that the arguments ask for.
fn filter(
    arguments: &StatusArguments,
    night: &mut CourseFacts,
    decisions: &HashMap<Address, StoredDecision>,
) {
    let words: Vec<String> =
        arguments.search.iter().flat_map(|words| words.split_whitespace()).map(str::to_lowercase).collect();
    let links = std::mem::take(&mut night.links);
    let is_wanted = |link_facts: &LinkFacts| {
        let name = student::name_of(link_facts);
        let text = format!("{name} {}", link_facts.link).to_lowercase();
        let days = placement::due(night, link_facts).map(|due| placement::days_until(night, due));
        let is_due = |within: u16| days.is_some_and(|days| (0..=i32::from(within)).contains(&days));
        let is_decided = decisions.get(&link_facts.link).is_some_and(|decided| !decided.has_lapsed);
        arguments.state.is_none_or(|state| link_facts.verdict.state.name() == state)
            && words.iter().all(|word| text.contains(word.as_str()))
            && arguments.due.is_none_or(is_due)
            && (!arguments.undecided || waits(link_facts.verdict.state.name()) && !is_decided)
    };
    let links = links.into_iter().filter(is_wanted).collect();
    night.links = links;
}

/// Whether a person decides about a link in this state.
fn waits(state: StateName) -> bool {
    match state {
        StateName::Dead | StateName::Changed | StateName::Moved | StateName::Restricted => true,
        StateName::Ok | StateName::Failing | StateName::Unverifiable => false,
    }
}

/// State and link text on one line, then the address, then what else is known of the link.
/// Only an address is longer than 80 columns, so that it can be copied.
fn lines(link_facts: &LinkFacts, decided: Option<&StoredDecision>, today: Date) -> String {
    let words = link_facts.mentions.first().map(|mention| plain::visible(&mention.words)).unwrap_or_default();
    let copy = match (&link_facts.copy, link_facts.is_copy_lost()) {
        (Some(_), false) => "copy",
        (Some(_), true) => "lost",
        (None, _) => "",
    };
    let reason = link_facts.verdict.state.reason().map(|reason| {
        if link_facts.awaits_first_visit() {
            format!("({})", revisit::NOT_VISITED_YET)
        } else {
            format!("({})", wording::reason(reason, link_facts.status))
        }
    });
    let decided = decided.map(|decided| {
        let lapsed = if decided.has_lapsed { ", lapsed: the result is a new one" } else { "" };
        format!("[{}{lapsed}]", wording::decision::choice(&decided.decision.choice, today))
    });
    let state = link_facts.verdict.state.name();
    let shown =
        text::shortened(&format!("{:<12} {copy:<4}  {words}", state.as_str()), text::TERMINAL_COLUMNS);
    let after = shown.strip_prefix(state.as_str()).unwrap_or_default();
    let painted = terminal::colours().paint(state.into(), state.as_str());
    let details: Vec<String> = reason.into_iter().chain(decided).collect();
    let details = details.join("  ");
    let on_one_line = format!("  {}  {details}", link_facts.link);
    let below = if text::width(&on_one_line) <= text::TERMINAL_COLUMNS {
        format!("{}\n", on_one_line.trim_end())
    } else if details.is_empty() {
        format!("  {}\n", link_facts.link)
    } else {
        format!("  {}\n{}", link_facts.link, text::hanging("    ", &details))
    };
    format!("{painted}{after}\n{below}")
}
