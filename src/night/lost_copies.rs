//! Checks every night that the files of all copies exist, so that a loss is reported.
//!
//! It looks for the files only; `scrub` hashes them.

use std::collections::HashSet;

use anyhow::Context as _;

use crate::domain::capture::{Digest, Loss};
use crate::world::World;
use crate::world::archive;

/// What a night's look found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LostCopies {
    /// Missing now, and not known to be lost before.
    pub new: Vec<Digest>,
    /// All copies that are missing or altered.
    pub total: usize,
}

/// Checks that the files of all copies exist, and stores the differences.
///
/// # Errors
///
/// The archive cannot be read, or the catalogue cannot be used.
pub(super) async fn look(world: &World) -> anyhow::Result<LostCopies> {
    let expected = world.catalogue.expected_bodies().await?;
    let known: HashSet<Digest> = world.catalogue.lost_copies().await?.into_keys().collect();
    let (archive, lost) = (world.archive.clone(), known.clone());
    let looking = tokio::task::spawn_blocking(move || {
        let mut found = Vec::new();
        for digest in lost {
            if archive.has_blob(digest)? {
                found.push(digest);
            }
        }
        Ok::<_, archive::Error>((archive.without_file(&expected)?, found))
    });
    let (missing, found) = looking.await.context("the files of the copies could not be looked for")??;
    let new: Vec<Digest> = missing.into_iter().filter(|digest| !known.contains(digest)).collect();
    let total = known.len() - found.len() + new.len();
    if !new.is_empty() || !found.is_empty() {
        let lost: Vec<_> = new.iter().map(|digest| (*digest, Loss::Missing)).collect();
        world.catalogue.set_verified(world.clock.now(), &found, &lost).await?;
    }
    Ok(LostCopies { new, total })
}
