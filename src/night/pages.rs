//! The pages of the courses: read with their sub-pages, stored when they changed,
//! and not accepted when half of their links are missing at once.

use std::collections::{BTreeMap, HashSet, VecDeque};

use jiff::tz::TimeZone;

use crate::domain::address::Address;
use crate::domain::course::{Course, CourseId, PageSource};
use crate::domain::evidence::Reason;
use crate::domain::evidence::probe::CheckedLink;
use crate::domain::link::{Kind, Mention, Target};
use crate::domain::page::{self, Page};
use crate::domain::report::plain::visible;
use crate::domain::report::{self, PageDefect, PageOmission, PageProblem};
use crate::night::one_page::{self, NotRead};
use crate::night::record::{self, RunningNight};
use crate::world::World;

/// The most pages that are read for one course.
const PAGES_AT_MOST: usize = 200;
/// The links whose records are in memory at the same time.
pub(super) const LINKS_AT_ONCE: usize = 200;

/// Tonight's reading of a course's pages.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub course: Course,
    pub pages: Vec<(PageSource, Page)>,
    pub problem: Option<PageProblem>,
    /// The page with the problem was never read.
    pub page_never_read: bool,
    /// The course was never read before.
    pub is_first: bool,
}

impl Reading {
    fn new(course: &Course) -> Self {
        Self {
            course: course.clone(),
            pages: Vec::new(),
            problem: None,
            page_never_read: false,
            is_first: true,
        }
    }

    /// A course without a configuration has the address of its page as its title, until the page
    /// gives one.
    fn take_title(&mut self, source: &PageSource, page: &Page) {
        let is_unnamed = self.course.title == source.to_string();
        if let Some(title) =
            page.title.as_deref().map(visible).filter(|title| is_unnamed && !title.is_empty())
        {
            self.course.title = title;
        }
    }

    fn add_never_read(&mut self, source: &PageSource, not_read: &NotRead) {
        if self.problem.is_none() {
            self.problem = Some(first_problem(source, not_read));
            self.page_never_read = true;
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Readings {
    /// One of each course. If its pages were never read, it has none here.
    pub read: Vec<Reading>,
    pub unread: Vec<NoPage>,
}

/// A course whose pages were never read, so that it has no links to visit.
#[derive(Clone, Debug, thiserror::Error)]
#[error("course `{course}`: {problem}")]
pub struct NoPage {
    pub course: CourseId,
    pub problem: NotRead,
}

pub(super) async fn read_all(
    courses: &[Course],
    world: &World,
    night: &RunningNight,
) -> anyhow::Result<Readings> {
    let mut readings = Readings::default();
    for course in courses {
        let (reading, unread) = read_course(course, world, night).await?;
        let is_never_read = reading.pages.is_empty();
        if let Some(problem) = unread.filter(|_| is_never_read) {
            readings.unread.push(NoPage { course: course.id.clone(), problem });
        }
        // A misspelt page of a single check is reported by its error alone, and leaves no course.
        let has_readers = !course.recipients().is_empty() || course.copies.is_some();
        if !is_never_read || has_readers {
            readings.read.push(reading);
        }
    }
    Ok(readings)
}

/// Reads the pages of a course; with the reason if one of its configured pages was never read.
async fn read_course(
    course: &Course,
    world: &World,
    night: &RunningNight,
) -> anyhow::Result<(Reading, Option<NotRead>)> {
    let mut reading = Reading::new(course);
    let mut never_read = None;
    let mut queue: VecDeque<(PageSource, u32)> = course.pages.iter().map(|page| (page.clone(), 0)).collect();
    let mut queued: HashSet<PageSource> = course.pages.iter().cloned().collect();
    while let Some((source, depth)) = queue.pop_front() {
        let is_configured = depth == 0;
        let before = world.catalogue.last_reading(&course.id, &source).await?;
        reading.is_first &= before.is_none();
        let fresh = one_page::read(course, &source, night.row.started, &world.fetch, &world.reader).await?;
        let fresh = if before.is_some() { fresh } else { fresh.and_then(one_page::linked) };
        let is_doubted = match (&fresh, &before) {
            (Ok(read), Some((_, before))) => is_doubted(course, &source, before, &read.page, world).await?,
            (Ok(_) | Err(_), _) => false,
        };
        let page = match (fresh, before) {
            (Ok(one_page::Read { page, .. }), Some((_, before))) if is_doubted => {
                reading.problem.get_or_insert(PageProblem::Shrunken {
                    page: source.to_string(),
                    before: count(before.mentions.len()),
                    after: count(page.mentions.len()),
                });
                before
            }
            (Ok(one_page::Read { page, bytes, .. }), before) => {
                reading.take_title(&source, &page);
                let course = &reading.course;
                night
                    .keep_page(
                        record::PageRead { course, source: &source, page: &page, bytes: &bytes },
                        before.as_ref(),
                        world,
                    )
                    .await?;
                page
            }
            (Err(not_read), Some((_, before))) => {
                reading.problem.get_or_insert(problem(&source, &not_read));
                before
            }
            (Err(not_read), None) if is_configured => {
                reading.add_never_read(&source, &not_read);
                never_read.get_or_insert(not_read);
                continue;
            }
            (Err(_), None) => continue,
        };
        for next in followed(course, &page, depth) {
            if queued.len() < PAGES_AT_MOST && queued.insert(next.clone()) {
                queue.push_back((next, depth + 1));
            }
        }
        reading.take_title(&source, &page);
        reading.pages.push((source, page));
    }
    Ok((reading, never_read))
}

/// Whether a page lost so many links at once that it is probably broken. If it
/// stays so for some nights, it is accepted.
async fn is_doubted(
    course: &Course,
    source: &PageSource,
    before: &Page,
    now: &Page,
    world: &World,
) -> anyhow::Result<bool> {
    let links = now.mentions.len();
    if !page::shrunken(before.mentions.len(), links) {
        return Ok(false);
    }
    let last: Option<report::CourseReport> = world.catalogue.last_report(&course.id).await?;
    Ok(!last.is_some_and(|last| last.facts.accepts(&source.to_string(), links)))
}

/// The last stored readings of the courses, without a request.
pub(super) async fn remembered(courses: &[Course], world: &World) -> anyhow::Result<Vec<Reading>> {
    let mut readings = Vec::new();
    for course in courses {
        let mut reading = Reading { is_first: false, ..Reading::new(course) };
        let mut queue: VecDeque<(PageSource, u32)> =
            course.pages.iter().map(|page| (page.clone(), 0)).collect();
        let mut queued: HashSet<PageSource> = course.pages.iter().cloned().collect();
        while let Some((source, depth)) = queue.pop_front() {
            let Some((_, page)) = world.catalogue.last_reading(&course.id, &source).await? else { continue };
            for next in followed(course, &page, depth) {
                if queued.len() < PAGES_AT_MOST && queued.insert(next.clone()) {
                    queue.push_back((next, depth + 1));
                }
            }
            reading.pages.push((source, page));
        }
        readings.push(reading);
    }
    Ok(readings)
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The sub-pages that a page links to and that the course wants followed.
fn followed(course: &Course, page: &Page, depth: u32) -> Vec<PageSource> {
    let Some(follow) = course.follow.as_ref().filter(|follow| depth < follow.depth) else {
        return Vec::new();
    };
    page.mentions
        .iter()
        .filter(|mention| mention.kind == Kind::CoursePage)
        .filter_map(Mention::address)
        .filter(|address| address.as_str().starts_with(follow.prefix.as_str()))
        .map(|address| PageSource::Web(address.clone()))
        .collect()
}

fn problem(source: &PageSource, not_read: &NotRead) -> PageProblem {
    let page = source.to_string();
    match not_read {
        NotRead::Unreachable { why, status, .. } => {
            PageProblem::Unreachable { page, why: *why, status: *status }
        }
        NotRead::Internal { .. } => {
            PageProblem::Unreachable { page, why: Reason::InternalAddress, status: None }
        }
        NotRead::AsksForAccount { .. } | NotRead::NotAPage { .. } => {
            PageProblem::NotThePage { page, title: None }
        }
        NotRead::TooCostly { .. } => PageProblem::Unreachable { page, why: Reason::Unreadable, status: None },
        NotRead::NoLinks { .. } => PageProblem::Unreachable { page, why: Reason::Empty, status: None },
        NotRead::File(_) => PageProblem::Unreachable { page, why: Reason::NotFound, status: None },
    }
}

/// The problem of a page that was never read.
fn first_problem(source: &PageSource, not_read: &NotRead) -> PageProblem {
    let page = source.to_string();
    match not_read {
        NotRead::AsksForAccount { .. } => PageProblem::AsksForAccount { page },
        NotRead::NotAPage { format, .. } => PageProblem::NotAPage { page, format: *format },
        NotRead::NoLinks { .. } => PageProblem::NoLinks { page },
        NotRead::Unreachable { .. }
        | NotRead::Internal { .. }
        | NotRead::TooCostly { .. }
        | NotRead::File(_) => problem(source, not_read),
    }
}

/// The distinct links of all pages, in the order of their first mentions.
pub(super) fn links(readings: &[Reading]) -> Vec<CheckedLink> {
    let mut order: Vec<Address> = Vec::new();
    let mut subjects: BTreeMap<Address, CheckedLink> = BTreeMap::new();
    let mentions = readings.iter().flat_map(|reading| &reading.pages).flat_map(|(_, page)| &page.mentions);
    for mention in mentions {
        let Target::Web { address, fragment } = &mention.target else { continue };
        let subject = subjects.entry(address.clone()).or_insert_with(|| {
            order.push(address.clone());
            CheckedLink {
                address: address.clone(),
                words: Vec::new(),
                kind: mention.kind,
                fragments: Vec::new(),
                listed_version: None,
            }
        });
        if !mention.words.is_empty() && !subject.words.contains(&mention.words) {
            subject.words.push(mention.words.clone());
        }
        if let Some(fragment) = fragment.as_ref().filter(|fragment| !subject.fragments.contains(fragment)) {
            subject.fragments.push(fragment.clone());
        }
    }
    order.iter().filter_map(|address| subjects.remove(address)).collect()
}

/// All defects of a course's pages, in order.
pub(super) fn defects(reading: &Reading) -> Vec<PageDefect> {
    let has_several = reading.pages.len() > 1;
    let of_page = |(source, page): &(PageSource, Page)| {
        let name = has_several.then(|| source.to_string());
        let found = move |defect| PageDefect { page: name.clone(), defect };
        page.defects.clone().into_iter().map(found).collect::<Vec<_>>()
    };
    reading.pages.iter().flat_map(of_page).collect()
}

/// The parts of a course's pages that are not read, in order.
pub(super) fn omissions(reading: &Reading) -> Vec<PageOmission> {
    let has_several = reading.pages.len() > 1;
    let of_page = |(source, page): &(PageSource, Page)| {
        let name = has_several.then(|| source.to_string());
        let found = move |omission| PageOmission { page: name.clone(), omission };
        page.omissions.clone().into_iter().map(found).collect::<Vec<_>>()
    };
    reading.pages.iter().flat_map(of_page).collect()
}

/// The local day of the night for a course.
pub(super) fn local_day(started: jiff::Timestamp, zone: &TimeZone) -> jiff::civil::Date {
    started.to_zoned_datetime(zone.clone()).date()
}
