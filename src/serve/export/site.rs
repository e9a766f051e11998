//! A whole site of files: lists of readings, pages of copies and the documents,
//! for a plain web server that knows nothing of us. All links are relative.

use std::io::Read as _;
use std::sync::Arc;

use anyhow::Context as _;
use askama::Template as _;

use super::harmless;
use crate::domain::course::CourseId;
use crate::domain::document::html;
use crate::domain::evidence::link_history::StoredCapture;
use crate::serve::answer;
use crate::serve::copy;
use crate::serve::copy::document;
use crate::serve::desk::{Desk, Found, Shelf};
use crate::serve::list;
use crate::serve::settings::BaseUrl;
use crate::serve::visitor::Visitor;
use crate::world::site_dir::SiteDir;

/// A page larger than this is left out: it is no page for people.
const LARGEST_PAGE: u64 = 32 << 20;

/// What a site came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub courses: usize,
    pub copies: usize,
}

/// Writes one course, or all that strangers may read. The desk's base URL must be that of a
/// site of files.
///
/// # Errors
///
/// The catalogue, the archive or the directory fails us.
pub async fn site(desk: &Desk, course: Option<&CourseId>, dir: &SiteDir) -> anyhow::Result<Written> {
    let mut written = Written::default();
    let mut sums = String::new();
    let shelves = desk.shelves().await?;
    let visitor = Visitor::stranger();
    let is_wanted = |shelf: &Arc<Shelf>| {
        course.is_none_or(|wanted| *wanted == shelf.night.course) && visitor.may_read(&shelf.rules)
    };
    let shelves: Vec<Arc<Shelf>> = shelves.into_iter().filter(is_wanted).collect();
    dir.write("index.html", list::contents(&BaseUrl::filed(0), &shelves).render()?.as_bytes())?;
    dir.write("style.css", answer::STYLE.as_bytes())?;
    for shelf in &shelves {
        let page = list::readings(desk, &visitor, shelf, String::new(), Vec::new()).render()?;
        dir.write(&format!("c/{}/index.html", shelf.night.course), page.as_bytes())?;
        written.copies += copies(desk, shelf, dir, &mut sums).await?;
        written.courses += 1;
    }
    dir.write("SHA256SUMS", sums.as_bytes())?;
    Ok(written)
}

/// The copies of a course that open, each version with its page.
async fn copies(desk: &Desk, shelf: &Arc<Shelf>, dir: &SiteDir, sums: &mut String) -> anyhow::Result<usize> {
    let mut count = 0;
    for found in shelf.all(&Visitor::stranger()).filter(|found| desk.may_open(found).is_ok()) {
        for kept in desk.captures(&found.item().link).await? {
            one(desk, &found, &kept, dir, sums)
                .await
                .with_context(|| format!("cannot write the copy {}", kept.capture.id()))?;
            count += 1;
        }
    }
    Ok(count)
}

async fn one(
    desk: &Desk,
    found: &Found,
    kept: &StoredCapture,
    dir: &SiteDir,
    sums: &mut String,
) -> anyhow::Result<()> {
    let capture = &kept.capture;
    let page = copy::laid_out(desk, found, kept).await?.render()?;
    dir.write(&format!("a/{}/index.html", capture.id()), page.as_bytes())?;
    let Some((mut file, manner)) = document::open(desk, capture)? else { return Ok(()) };
    let path = format!("blob/{}/{}", capture.sha256, document::file_name(desk, &manner));
    if !manner.content_type.starts_with("text/html") {
        if dir.copy(&path, &mut file)? {
            sums.push_str(&format!("{}  {path}\n", capture.sha256));
        }
        return Ok(());
    }
    if capture.bytes <= LARGEST_PAGE {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let source = html::decode(&bytes, Some(&capture.media_type));
        dir.write(&path, harmless::page(&source).as_bytes())?;
    }
    Ok(())
}
