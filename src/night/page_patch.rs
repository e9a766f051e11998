//! The patch of a course's pages: which new addresses go in, and where the sources have the old ones.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::domain::address::Address;
use crate::domain::course::PageSource;
use crate::domain::patch::{self, AddressChange, PageSourceFile, PatchPlan};
use crate::domain::replacement::Ground;
use crate::domain::report::{CourseFacts, LinkFacts, PagePatch};
use crate::domain::verdict::State;
use crate::world::source_files::{self, SourceTree};

/// A longer diff is left to `onreserve patch`: it would be stored every night.
const LONGEST_DIFF: usize = 64 << 10;

/// What a patch changes, and in which files.
#[derive(Clone, Debug, Default)]
pub struct PlannedPatch {
    pub fixes: Vec<AddressChange>,
    pub plan: PatchPlan,
    pub tree: SourceTree,
}

/// Plans the patch of a night's report; `dir` is where the sources lie, if not
/// in the pages' own files. `None` where no sources are known.
pub fn plan(night: &CourseFacts, dir: Option<&Path>) -> Result<Option<PlannedPatch>, source_files::Error> {
    let pages: Vec<PathBuf> = night.pages.iter().filter_map(file).map(|(path, _)| path.clone()).collect();
    if pages.is_empty() && dir.is_none() {
        return Ok(None);
    }
    let fixes: Vec<AddressChange> = night.items.iter().filter_map(fix).collect();
    if fixes.is_empty() {
        return Ok(Some(PlannedPatch::default()));
    }
    let tree = source_files::read(&pages, dir)?;
    let links: HashSet<Address> = night.items.iter().map(|item| item.link.clone()).collect();
    let sources: Vec<PageSourceFile> = tree
        .files
        .iter()
        .map(|file| PageSourceFile {
            name: file.name.clone(),
            text: file.text.clone(),
            base: base(night, &file.path),
        })
        .collect();
    let plan = patch::plan(&fixes, &links, &sources);
    Ok(Some(PlannedPatch { fixes, plan, tree }))
}

/// The patch as the night's report keeps it. Sources that cannot be read are
/// the operator's affair, and no reason to lose a night.
pub(super) async fn of(night: &CourseFacts, dir: Option<&Path>) -> Option<PagePatch> {
    let (night, dir) = (night.clone(), dir.map(Path::to_owned));
    let course = night.course.clone();
    // Reads many files, and strangers' markup with libraries that may panic.
    let planned = tokio::task::spawn_blocking(move || plan(&night, dir.as_deref())).await;
    match planned {
        Ok(Ok(planned)) => planned.filter(|planned| !planned.fixes.is_empty()).map(kept),
        Ok(Err(fault)) => {
            tracing::warn!(course = course.as_str(), "no patch: {fault}");
            None
        }
        Err(error) => {
            tracing::warn!(course = course.as_str(), "no patch: {error}");
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

/// Where a link has moved, or what stands in for it and was proven to.
fn fix(item: &LinkFacts) -> Option<AddressChange> {
    if let State::Moved { to } = &item.verdict.state {
        return Some(AddressChange { from: item.link.clone(), to: to.clone(), keeps_fragment: true });
    }
    let found = item.replacement.as_ref().filter(|found| found.is_verified())?;
    let keeps_fragment = match found.ground {
        Ground::Moved | Ground::OwnLink | Ground::Memento(_) => true,
        Ground::Arxiv(_) | Ground::Doi(_) => false,
    };
    Some(AddressChange { from: item.link.clone(), to: found.address.clone(), keeps_fragment })
}

fn file(page: &PageSource) -> Option<(&PathBuf, Option<&Address>)> {
    match page {
        PageSource::File { path, published_at } => Some((path, published_at.as_ref())),
        PageSource::Web(_) => None,
    }
}

/// Where the relative links of a page's own file start.
fn base(night: &CourseFacts, path: &Path) -> Option<Address> {
    let own = night.pages.iter().filter_map(file);
    own.filter(|(page, _)| path.ends_with(page)).find_map(|(_, published_at)| published_at.cloned())
}
