//! The last verification of each copy.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::Row as _;

use super::value::{decoded, time, time_from};
use super::{Catalogue, Error};
use crate::domain::capture::{Digest, Verified};

impl Catalogue {
    /// The last verification of every verified copy.
    pub async fn verified(&self) -> Result<HashMap<Digest, Verified>, Error> {
        let rows =
            sqlx::query("SELECT sha256, verified_at, is_sound FROM fixity").fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let verified = Verified { at: time_from(row.get(1))?, is_sound: row.get(2) };
                Ok((decoded(row.get(0))?, verified))
            })
            .collect()
    }

    /// Stores a fixity check: the sound blobs, and the damaged or missing ones.
    pub async fn set_verified(
        &self,
        at: Timestamp,
        sound: &[Digest],
        unsound: &[Digest],
    ) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        let both = sound.iter().map(|it| (it, true)).chain(unsound.iter().map(|it| (it, false)));
        for (sha256, is_sound) in both {
            sqlx::query("INSERT OR REPLACE INTO fixity (sha256, verified_at, is_sound) VALUES (?, ?, ?)")
                .bind(sha256.to_string())
                .bind(time(at))
                .bind(is_sound)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }
}
