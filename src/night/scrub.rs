//! Fixity checks after a night: a part of the archive is hashed again, all of it
//! within a month.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;

use crate::domain::capture::Digest;
use crate::world::World;
use crate::world::archive::FixityResults;

/// The most time of one night. The next night continues.
const LONGEST: Duration = Duration::from_mins(10);

/// Verifies a night's part of the archive and stores the results.
///
/// It reads on a blocking thread. If the future is dropped, it ends at the next
/// file.
///
/// # Errors
///
/// The archive cannot be read, or the catalogue cannot be used.
pub async fn scrub(world: &World) -> anyhow::Result<FixityResults> {
    world.capture_lock().await?.held_for(Box::pin(verify_part(world))).await
}

async fn verify_part(world: &World) -> anyhow::Result<FixityResults> {
    let now = world.clock.now();
    let verified = world.catalogue.verified().await?;
    let last: HashMap<Digest, Timestamp> = verified
        .into_iter()
        .filter(|(_, last)| last.is_sound)
        .map(|(digest, last)| (digest, last.at))
        .collect();
    let (archive, clock) = (world.archive.clone(), world.clock);
    let until = clock.instant() + LONGEST;
    let waited_for = Arc::new(());
    let waits = Arc::downgrade(&waited_for);
    let is_enough = move || waits.strong_count() == 0 || clock.instant() >= until;
    let hashing = tokio::task::spawn_blocking(move || archive.scrub(now, &last, is_enough));
    let fixity = hashing.await.context("the copies could not be hashed again")??;
    drop(waited_for);
    world.catalogue.set_verified(now, &fixity.sound, &fixity.lost()).await?;
    Ok(fixity)
}
