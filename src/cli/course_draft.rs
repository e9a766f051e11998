//! A course drafted from its page, for `init` and `add`.

use anyhow::Context as _;
use clap::Args;
use jiff::tz::TimeZone;

use super::check;
use crate::domain::course::{Course, CourseId, EmailAddress, PageSource, Term};
use crate::domain::page::Page;
use crate::domain::report::plain::visible;
use crate::night::one_page;
use crate::world::clock::Clock;
use crate::world::document_reader::Reader;
use crate::world::fetch::{Fetch, FetchSettings};
use crate::world::spool::Spool;

/// What a person says about a course when it is drafted.
#[derive(Debug, Args)]
pub(super) struct DraftArguments {
    /// The id of the course [default: from the address of its page].
    #[arg(long, value_name = "ID")]
    pub id: Option<CourseId>,
    /// The address that gets the reports.
    #[arg(long, value_name = "ADDRESS")]
    pub mail: Option<EmailAddress>,
    /// The time zone of the course, such as America/Chicago [default: that of this machine].
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<String>,
}

/// A course with the proposals that its page gives.
#[derive(Debug)]
pub(super) struct CourseDraft {
    pub course: Course,
    source: PageSource,
    pub links: usize,
    /// The first and the last date on the page.
    pub term: Option<Term>,
    time_zone: String,
}

/// Reads a page and drafts its course.
pub(super) async fn draft(
    page: &str,
    said: &DraftArguments,
    fetch: &FetchSettings,
) -> anyhow::Result<CourseDraft> {
    let mut course = check::single(page, None)?;
    let time_zone = said.time_zone.clone().unwrap_or_else(machine_zone);
    course.time_zone = TimeZone::get(&time_zone)
        .with_context(|| format!("`{time_zone}` is not a time zone; use a name such as America/Chicago"))?;
    if let Some(id) = &said.id {
        course.id = id.clone();
    }
    course.report_to = said.mail.iter().cloned().collect();
    let clock = Clock::system();
    let bodies = tempfile::tempdir().context("cannot make a temporary directory; check TMPDIR")?;
    let fetch = Fetch::new(fetch, Spool::new(bodies.path().to_owned()), clock)?;
    let reader = Reader::new(std::env::current_exe()?);
    let source = course.pages.first().context("the course has no page")?.clone();
    let read = one_page::read(&course, &source, clock.now(), &fetch, &reader).await?;
    let page = read.and_then(one_page::linked)?.page;
    if let Some(title) = page.title.as_deref().map(visible).filter(|title| !title.is_empty()) {
        course.title = title;
    }
    Ok(CourseDraft { source, links: page.mentions.len(), term: term(&page), course, time_zone })
}

/// "UTC" if the machine does not say.
fn machine_zone() -> String {
    TimeZone::system().iana_name().unwrap_or("UTC").to_owned()
}

/// The span of the dates on the page.
fn term(page: &Page) -> Option<Term> {
    let days = || page.mentions.iter().filter_map(|mention| mention.due);
    let term = Term { first: days().min()?, last: days().max()? };
    (term.first < term.last).then_some(term)
}

impl CourseDraft {
    /// The course as a part of a configuration.
    pub(super) fn to_toml(&self) -> String {
        let course = &self.course;
        let mut text = format!(
            "[[course]]\nid = {}\ntitle = {}\npage = {}\ntime_zone = {}\n",
            quoted(course.id.as_str()),
            quoted(&course.title),
            quoted(&self.source.to_string()),
            quoted(&self.time_zone),
        );
        if let Some(term) = self.term {
            text.push_str("# The first and the last date on the page. Nights run only during the term.\n");
            text.push_str(&format!("term = {{ first = {}, last = {} }}\n", term.first, term.last));
        }
        if let Some(to) = course.report_to.first() {
            text.push_str(&format!("report_to = [{}]\n", quoted(to.as_str())));
        }
        text
    }
}

/// A TOML string.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
