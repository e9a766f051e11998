//! The journal entered into the catalogue: what a crash left out, or all of it.
//!
//! Entering a line twice changes nothing, so it does not matter where one begins.

use jiff::SignedDuration;

use crate::domain::journal::Entry;
use crate::world::World;
use crate::world::archive;
use crate::world::catalogue::{Catalogue, NightRef};

/// A night cut short is gone on with, if it is not older than this; after
/// that its visits say little about the links any more.
const RESUMED_WITHIN: SignedDuration = SignedDuration::from_hours(12);

/// Entries entered in one transaction.
const BATCH: usize = 1000;

/// Enters what was written down since the last night and may not have been
/// entered: a crash came between journal and catalogue, or a power cut took the
/// catalogue's last commits back. Gives the night that was cut short, if one was.
///
/// # Errors
///
/// The catalogue cannot be used, or the journal of a night cut short cannot be read.
pub async fn catch_up(world: &World) -> anyhow::Result<Option<NightRef>> {
    let now = world.clock.now();
    let since = now.saturating_sub(RESUMED_WITHIN)?;
    // A clock that was set back a little must not hide the night.
    let until = now.saturating_add(RESUMED_WITHIN)?;
    let unfinished = world.catalogue.unfinished(since).await?.filter(|night| night.started <= until);
    let told = world.catalogue.last_told().await?;
    let Some(since) = told.into_iter().chain(unfinished.map(|night| night.started)).min() else {
        return Ok(None);
    };
    // A line that says this night is over has lost what was to be entered with
    // it, so the night ends once more.
    let is_own_end = |entry: &Entry| match entry {
        Entry::Finished { night, .. } | Entry::Lapsed { night, .. } => {
            unfinished.is_some_and(|unfinished| unfinished.started == *night)
        }
        Entry::Night { .. }
        | Entry::Capture(_)
        | Entry::Visit { .. }
        | Entry::Page { .. }
        | Entry::Accepted { .. }
        | Entry::Decided { .. }
        | Entry::EmailSubscription { .. }
        | Entry::TakenDown { .. }
        | Entry::Reinstated { .. }
        | Entry::Reread { .. }
        | Entry::ReplacementSearched { .. } => false,
    };
    let entries = world.archive.entries_since(since)?;
    let entries = entries.filter(|entry| !entry.as_ref().is_ok_and(is_own_end));
    match enter_all(entries, &world.catalogue).await {
        // A new night needs none of it.
        Err(error) if unfinished.is_none() => {
            tracing::error!(error = %format!("{error:#}"), "the journal was not looked through for what the catalogue lacks");
        }
        entered => _ = entered?,
    }
    Ok(unfinished)
}

/// Enters all of these, in their order; how many they were.
///
/// # Errors
///
/// A line cannot be read, or the catalogue cannot be used.
pub async fn enter_all(
    entries: impl Iterator<Item = Result<Entry, archive::Error>>,
    catalogue: &Catalogue,
) -> anyhow::Result<usize> {
    let mut count = 0;
    let mut batch: Vec<Entry> = Vec::new();
    for entry in entries {
        batch.push(entry?);
        count += 1;
        if batch.len() == BATCH {
            catalogue.apply(&batch).await?;
            batch.clear();
        }
    }
    catalogue.apply(&batch).await?;
    Ok(count)
}
