//! The patch of a course's pages: it puts new addresses into their sources.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::domain::address::Address;
use crate::domain::course::PageSource;
use crate::domain::decision::Decision;
use crate::domain::patch::{self, AddressChange, PageSourceFile, PatchPlan};
use crate::domain::replacement::Ground;
use crate::domain::report::{CourseFacts, LinkFacts, PagePatch};
use crate::domain::verdict::State;
use crate::world::source_files::{self, SourceTree};

/// A longer diff is not stored with the report; `onreserve patch` prints it.
const LONGEST_DIFF: usize = 64 << 10;

/// The changes of a patch, and the files that it changes.
#[derive(Clone, Debug, Default)]
pub struct PlannedPatch {
    pub fixes: Vec<AddressChange>,
    pub plan: PatchPlan,
    pub tree: SourceTree,
}

/// Plans the patch of a report. `dir` has the sources, if the pages are not files
/// themselves; `None` if no sources are known.
pub fn plan(course: &CourseFacts, dir: Option<&Path>) -> Result<Option<PlannedPatch>, source_files::Error> {
    let pages: Vec<PathBuf> = course.pages.iter().filter_map(file).map(|(path, _)| path.clone()).collect();
    if pages.is_empty() && dir.is_none() {
        return Ok(None);
    }
    let fixes: Vec<AddressChange> = course.links.iter().filter_map(fix).collect();
    if fixes.is_empty() {
        return Ok(Some(PlannedPatch::default()));
    }
    let tree = source_files::read(&pages, dir)?;
    let links: HashSet<Address> = course.links.iter().map(|link_facts| link_facts.link.clone()).collect();
    let sources: Vec<PageSourceFile> = tree
        .files
        .iter()
        .map(|file| PageSourceFile {
            name: file.name.clone(),
            text: file.text.clone(),
            base: base(course, &file.path),
        })
        .collect();
    let plan = patch::plan(&fixes, &links, &sources);
    Ok(Some(PlannedPatch { fixes, plan, tree }))
}

/// The patch as the report stores it. If the sources cannot be read, the reason is
/// logged and the night goes on without a patch.
pub(super) async fn of(course: &CourseFacts, dir: Option<&Path>) -> Option<PagePatch> {
    let (facts, dir) = (course.clone(), dir.map(Path::to_owned));
    let course = course.course.clone();
    // This reads many files, and a parser may panic on foreign markup.
    let planned = tokio::task::spawn_blocking(move || plan(&facts, dir.as_deref())).await;
    match planned {
        Ok(Ok(planned)) => planned.filter(|planned| !planned.fixes.is_empty()).map(kept),
        Ok(Err(fault)) => {
            tracing::warn!(course = course.as_str(), "no patch, because the sources cannot be read: {fault}");
            None
        }
        Err(error) => {
            tracing::warn!(course = course.as_str(), "no patch, because making it failed: {error}");
            None
        }
    }
}

fn kept(planned: PlannedPatch) -> PagePatch {
    let diff = patch::unified(&planned.plan.files);
    PagePatch {
        diff: (diff.len() <= LONGEST_DIFF).then_some(diff),
        spots: planned.fixes.into_iter().map(|fix| fix.from).zip(planned.plan.spots).collect(),
    }
}

/// The new address of a link: the one that a person decided on, or where it has moved, or its
/// verified replacement.
fn fix(link_facts: &LinkFacts) -> Option<AddressChange> {
    if let Some(to) = link_facts.decision.as_ref().and_then(Decision::replaced_by) {
        return Some(AddressChange { from: link_facts.link.clone(), to: to.clone(), keeps_fragment: false });
    }
    if let State::Moved { to } = &link_facts.verdict.state {
        return Some(AddressChange { from: link_facts.link.clone(), to: to.clone(), keeps_fragment: true });
    }
    let found = link_facts.replacement.as_ref().filter(|found| found.is_verified())?;
    let keeps_fragment = match found.ground {
        Ground::Moved | Ground::OwnLink | Ground::Memento(_) => true,
        Ground::Arxiv(_) | Ground::Doi(_) => false,
    };
    Some(AddressChange { from: link_facts.link.clone(), to: found.address.clone(), keeps_fragment })
}

fn file(page: &PageSource) -> Option<(&PathBuf, Option<&Address>)> {
    match page {
        PageSource::File { path, published_at } => Some((path, published_at.as_ref())),
        PageSource::Web(_) => None,
    }
}

/// The base address for relative links in a file.
fn base(course: &CourseFacts, path: &Path) -> Option<Address> {
    let own = course.pages.iter().filter_map(file);
    own.filter(|(page, _)| path.ends_with(page)).find_map(|(_, published_at)| published_at.cloned())
}
