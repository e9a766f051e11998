//! A static site: the readings, the pages of the copies, and the files, for a
//! plain web server. All links are relative.

use std::io::Read as _;
use std::sync::Arc;

use anyhow::Context as _;
use askama::Template as _;

use super::static_html;
use crate::domain::capture::CaptureId;
use crate::domain::course::CourseId;
use crate::domain::document::html;
use crate::domain::evidence::link_history::StoredCapture;
use crate::serve::auth::visitor::Visitor;
use crate::serve::base_url::BaseUrl;
use crate::serve::library::Library;
use crate::serve::library::blob::{self, OpenBlob, Unreadable};
use crate::serve::library::course::{CourseView, LinkView};
use crate::serve::library::{page_files, printed_page};
use crate::serve::respond::STYLE;
use crate::serve::routes::copy::copy_page;
use crate::serve::routes::course::{CourseSearch, course_page, courses_page};
use crate::world::site_dir::SiteDir;

/// A larger web page is left out, because browsers hardly show it.
const MAX_PAGE_BYTES: u64 = 32 << 20;

/// The contents of a site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteSummary {
    pub courses: usize,
    pub copies: usize,
    /// Copies whose file is missing or altered in the archive; the site lacks them.
    pub unreadable: Vec<CaptureId>,
    /// The lines of `SHA256SUMS`.
    sums: String,
}

/// Writes one course, or all that everyone may read. The base URL of the
/// library must be that of a static site.
///
/// # Errors
///
/// The catalogue or the archive cannot be read, or the directory cannot be written.
pub async fn site(
    library: &Library,
    course: Option<&CourseId>,
    dir: &SiteDir,
) -> anyhow::Result<SiteSummary> {
    let mut summary = SiteSummary::default();
    let visitor = Visitor::anonymous();
    let is_wanted = |view: &Arc<CourseView>| {
        course.is_none_or(|wanted| *wanted == view.night.course) && visitor.may_read(&view.rules)
    };
    let courses: Vec<Arc<CourseView>> = library.courses().await?.into_iter().filter(is_wanted).collect();
    let index = courses_page(&BaseUrl::static_site(0), &courses).render()?;
    dir.write("index.html", index.as_bytes())?;
    dir.write("style.css", STYLE.as_bytes())?;
    for course in &courses {
        let page = course_page(library, &visitor, course, CourseSearch::default()).render()?;
        dir.write(&format!("c/{}/index.html", course.night.course), page.as_bytes())?;
        write_copies(library, course, dir, &mut summary).await?;
        summary.courses += 1;
    }
    dir.write("SHA256SUMS", summary.sums.as_bytes())?;
    Ok(summary)
}

/// Writes all versions of the copies that open, each with its page.
async fn write_copies(
    library: &Library,
    course: &Arc<CourseView>,
    dir: &SiteDir,
    summary: &mut SiteSummary,
) -> anyhow::Result<()> {
    for link in course.links(&Visitor::anonymous()).filter(|link| library.may_open(link).is_ok()) {
        for kept in library.captures(&link.facts().link).await? {
            let written = write_copy(library, &link, &kept, dir, &mut summary.sums)
                .await
                .with_context(|| format!("cannot write the copy {}", kept.capture.id()))?;
            match written {
                Ok(()) => summary.copies += 1,
                Err(_) => summary.unreadable.push(kept.capture.id()),
            }
        }
    }
    Ok(())
}

async fn write_copy(
    library: &Library,
    link: &LinkView,
    kept: &StoredCapture,
    dir: &SiteDir,
    sums: &mut String,
) -> anyhow::Result<Result<(), Unreadable>> {
    let capture = &kept.capture;
    let page = copy_page(library, link, kept).await?.render()?;
    dir.write(&format!("a/{}/index.html", capture.id()), page.as_bytes())?;
    let blob = blob::open(library, link, capture, kept.title.as_deref()).await?;
    let OpenBlob { mut file, delivery } = match blob {
        Ok(blob) => blob,
        Err(unreadable) => return Ok(Err(unreadable)),
    };
    let path = format!("blob/{}/{}", capture.sha256, blob::file_name(library, &delivery));
    if !delivery.content_type.starts_with("text/html") {
        if dir.copy(&path, &mut file)? {
            sums.push_str(&format!("{}  {path}\n", capture.sha256));
        }
        return Ok(Ok(()));
    }
    if let Some(pdf) = printed_page::of(kept)
        && let Some(mut file) = printed_page::open(library, pdf).await?
    {
        let path = format!("blob/{}/{}", pdf.sha256, printed_page::name(link, kept));
        if dir.copy(&path, &mut file)? {
            sums.push_str(&format!("{}  {path}\n", pdf.sha256));
        }
    }
    if capture.bytes <= MAX_PAGE_BYTES {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        if let Some(page) = page_files::page(library, kept, &bytes, "../../files/") {
            dir.write(&path, page.as_bytes())?;
            for requisite in &kept.requisites {
                if let Some((name, bytes)) = page_files::requisite(library, kept, requisite)? {
                    dir.write(&format!("files/{name}"), &bytes)?;
                }
            }
            return Ok(Ok(()));
        }
        let source = html::decode(&bytes, Some(&capture.media_type));
        dir.write(&path, static_html::without_scripts(&source).as_bytes())?;
    }
    Ok(Ok(()))
}
