//! The last verification of each copy.

use std::collections::HashMap;

use jiff::Timestamp;

use super::database::{query, query_scalar};
use super::value::{decoded, json, time, time_from};
use super::{Catalogue, Error};
use crate::domain::capture::{Digest, Loss, Verified};
use crate::world::disk::{self, StorageStep};

/// The rows that one statement writes.
const ROWS_AT_ONCE: usize = 10_000;

/// The results of the fixity checks of all copies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FixityTotals {
    pub missing: u64,
    pub altered: u64,
    /// The oldest last check of a sound copy.
    pub oldest: Option<Timestamp>,
}

impl Catalogue {
    pub async fn fixity_figures(&self) -> Result<FixityTotals, Error> {
        let row = query(
            "SELECT (SELECT COUNT(*) FROM fixity WHERE NOT is_sound AND loss = 'missing'), \
             (SELECT COUNT(*) FROM fixity WHERE NOT is_sound AND loss = 'altered'), \
             MIN(verified_at) FILTER (WHERE is_sound) FROM fixity",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(FixityTotals {
            missing: row.get::<i64>(0).unsigned_abs(),
            altered: row.get::<i64>(1).unsigned_abs(),
            oldest: row.get::<Option<String>>(2).map(|at| time_from(&at)).transpose()?,
        })
    }

    /// The copies whose bytes are altered or missing, and when that was found.
    pub async fn lost_copies(&self) -> Result<HashMap<Digest, Timestamp>, Error> {
        let rows =
            query("SELECT sha256, verified_at FROM fixity WHERE NOT is_sound").fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((decoded(row.get(0))?, time_from(row.get(1))?))).collect()
    }

    /// The bodies that the archive should have: those of all captures that no takedown
    /// removed.
    pub async fn expected_bodies(&self) -> Result<Vec<Digest>, Error> {
        let rows = query_scalar::<String>("SELECT DISTINCT sha256 FROM capture WHERE NOT is_removed")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|sha256| decoded(sha256)).collect()
    }

    /// The last verification of every verified copy.
    pub async fn verified(&self) -> Result<HashMap<Digest, Verified>, Error> {
        let rows = query("SELECT sha256, verified_at, is_sound FROM fixity").fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let verified = Verified { at: time_from(row.get(1))?, is_sound: row.get(2) };
                Ok((decoded(row.get(0))?, verified))
            })
            .collect()
    }

    /// Records a fixity check: the sound blobs, and those that are lost. A blob that was
    /// altered counts as altered until it is back.
    pub async fn set_verified(
        &self,
        at: Timestamp,
        sound: &[Digest],
        lost: &[(Digest, Loss)],
    ) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        for sound in sound.chunks(ROWS_AT_ONCE) {
            query(
                "INSERT INTO fixity (sha256, verified_at, is_sound, loss) \
                 SELECT value, $1, true, NULL FROM json_each($2) WHERE true \
                 ON CONFLICT (sha256) DO UPDATE SET verified_at = excluded.verified_at, \
                 is_sound = true, loss = NULL",
            )
            .bind(time(at))
            .bind(json(&sound)?)
            .execute(&mut transaction)
            .await?;
        }
        for (sha256, loss) in lost {
            query(
                "INSERT INTO fixity (sha256, verified_at, is_sound, loss) VALUES ($1, $2, false, $3) \
                 ON CONFLICT (sha256) DO UPDATE SET verified_at = excluded.verified_at, \
                 is_sound = false, \
                 loss = CASE WHEN excluded.loss = 'missing' AND fixity.loss = 'altered' THEN fixity.loss \
                 ELSE excluded.loss END",
            )
            .bind(sha256.to_string())
            .bind(time(at))
            .bind(match loss {
                Loss::Altered => "altered",
                Loss::Missing => "missing",
            })
            .execute(&mut transaction)
            .await?;
        }
        Ok(disk::commit(StorageStep::FixityCommit, transaction.commit()).await?)
    }
}
