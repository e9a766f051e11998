//! The links that were taken down.

use std::collections::HashSet;

use super::database::query_scalar;
use super::value::{decoded, json};
use super::{Catalogue, Error};
use crate::domain::address::Address;
use crate::domain::capture::Digest;

impl Catalogue {
    /// The links that are taken down.
    pub async fn taken_down(&self) -> Result<Vec<Address>, Error> {
        let links = query_scalar::<String>(
            "SELECT link.address FROM takedown JOIN link ON link.id = takedown.link WHERE undone_at IS NULL",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(links.iter().filter_map(|link| Address::parse_stored(link).ok()).collect())
    }

    /// Those of some bodies that a link which is taken down has.
    pub async fn taken_down_among(&self, bodies: &[Digest]) -> Result<HashSet<Digest>, Error> {
        let bodies = query_scalar::<String>(
            "SELECT DISTINCT capture.sha256 FROM takedown CROSS JOIN capture \
             WHERE capture.link = takedown.link AND undone_at IS NULL AND capture.sha256 IN (SELECT value FROM json_each($1))",
        )
        .bind(json(&bodies)?)
        .fetch_all(&self.pool)
        .await?;
        bodies.iter().map(|body| decoded(body)).collect()
    }
}
