//! The links that were taken down.

use super::{Catalogue, Error};
use crate::domain::address::Address;
use crate::domain::capture::Digest;

impl Catalogue {
    /// The links that are taken down.
    pub async fn taken_down(&self) -> Result<Vec<Address>, Error> {
        let links = sqlx::query_scalar::<_, String>(
            "SELECT link.address FROM takedown JOIN link ON link.id = takedown.link WHERE undone_at IS NULL",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(links.iter().filter_map(|link| Address::parse_stored(link).ok()).collect())
    }

    /// Whether a link that is taken down has this body.
    pub async fn is_taken_down(&self, sha256: Digest) -> Result<bool, Error> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM capture JOIN takedown ON takedown.link = capture.link \
             WHERE capture.sha256 = ? AND undone_at IS NULL)",
        )
        .bind(sha256.to_string())
        .fetch_one(&self.pool)
        .await?)
    }
}
