//! How many bytes the captures of each link need.

use super::database::query;
use super::value::decoded;
use super::{Catalogue, Error};
use crate::domain::address::Address;
use crate::domain::policy::quota::StoredBody;

impl Catalogue {
    /// Every stored body, with the bytes of what its page needs. Removed bodies are left out.
    pub async fn stored_bodies(&self) -> Result<Vec<StoredBody>, Error> {
        let rows = query(
            "SELECT link.address, capture.sha256, CAST(CAST(json_extract(capture.kept, '$.bytes') AS BIGINT) + \
             (SELECT COALESCE(SUM(CAST(json_extract(requisite.value, '$.bytes') AS BIGINT)), 0) \
              FROM json_each(capture.kept, '$.requisites') AS requisite) + \
             COALESCE(CAST(json_extract(capture.kept, '$.rendering.source.bytes') AS BIGINT), 0) + \
             COALESCE(CAST(json_extract(capture.kept, '$.rendering.pdf.bytes') AS BIGINT), 0) AS BIGINT) \
             FROM capture JOIN link ON link.id = capture.link WHERE NOT capture.is_removed",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut bodies = Vec::new();
        for row in rows {
            if let Ok(link) = Address::parse_stored(row.get(0)) {
                let bytes = u64::try_from(row.get::<i64>(2)).unwrap_or(0);
                bodies.push(StoredBody { link, sha256: decoded(row.get(1))?, bytes });
            }
        }
        Ok(bodies)
    }
}
