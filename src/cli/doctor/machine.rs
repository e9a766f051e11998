//! The machine: permissions and the disk.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::cli::checklist::{Checklist, ChecklistResult};
use crate::config::{self, Configuration};
use crate::domain::report::figures::{count, size};
use crate::world::archive::{self, Archive, ArchivePlace};

/// Less than this is soon full.
const LITTLE_SPACE: u64 = 1 << 30;

pub(super) fn examine(file: &Path, settings: &Configuration, list: &mut Checklist) -> anyhow::Result<()> {
    list.report("permissions", permissions(file))?;
    secrets(file, &settings.archive, list)?;
    list.report("archive", usable(&settings.archive_place()))?;
    if archive::exists(&settings.archive_place()).unwrap_or(false) {
        list.report("disk", disk(&settings.archive_place()))?;
    }
    Ok(())
}

/// A person who can change the configuration chooses where emails and requests go.
fn permissions(file: &Path) -> ChecklistResult {
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    match std::fs::metadata(file) {
        Ok(found) if found.permissions().mode() & WRITABLE_BY_OTHERS != 0 => ChecklistResult::Problem(
            format!("other users can change {0}; run chmod go-w {0}", file.display()),
        ),
        Ok(_) => ChecklistResult::Fine(format!("only its owner can change {}", file.display())),
        Err(error) => ChecklistResult::Problem(format!("cannot look at {}: {error}", file.display())),
    }
}

/// The files with secrets are for the user of the service alone, or with its group.
fn secrets(file: &Path, archive: &Path, list: &mut Checklist) -> anyhow::Result<()> {
    const OPEN_TO_OTHERS: u32 = 0o007;
    let mut checked = 0;
    let mut are_safe = true;
    let key = archive.join("signing-key");
    let own = key.exists().then_some(key);
    for secret in config::secret_files(file)?.into_iter().chain(own) {
        // A file that cannot be read is an error of the configuration already.
        let Ok(found) = std::fs::metadata(&secret) else { continue };
        checked += 1;
        if found.permissions().mode() & OPEN_TO_OTHERS != 0 {
            are_safe = false;
            let words = format!("other users can read {0}; run chmod o-rwx {0}", secret.display());
            list.report("secrets", ChecklistResult::Problem(words))?;
        }
    }
    if are_safe && checked > 0 {
        let words = format!("other users cannot read {} with a secret", count(checked, "file"));
        list.report("secrets", ChecklistResult::Fine(words))?;
    }
    Ok(())
}

fn usable(place: &ArchivePlace) -> ChecklistResult {
    let usable = archive::check_writable(place).and_then(|()| {
        if archive::is_there(&place.dir)? { Archive::open_shared(place)?.check_owner() } else { Ok(()) }
    });
    match usable {
        Ok(()) => ChecklistResult::Fine(format!("{place} can be written")),
        Err(error) => ChecklistResult::Problem(error.to_string()),
    }
}

fn disk(place: &ArchivePlace) -> ChecklistResult {
    let archive = Archive::open_shared(place);
    let measured = archive.and_then(|archive| Ok((archive.free_bytes()?, archive.has_room()?)));
    match measured {
        Ok((free, false)) => ChecklistResult::Problem(format!(
            "only {} are free, so new copies are not stored; free some space, or move the archive to a larger disk",
            size(free)
        )),
        Ok((free, true)) if free < LITTLE_SPACE => ChecklistResult::Warning(format!(
            "{} are free; new copies are not stored when it is full, so free some space soon",
            size(free)
        )),
        Ok((free, true)) => ChecklistResult::Fine(format!("{} are free", size(free))),
        Err(error) => ChecklistResult::Problem(error.to_string()),
    }
}
