//! Replacements of dead links, and links with the same document.

use jiff::Timestamp;

use super::database::{Transaction, query, query_scalar};
use super::link_id::link_id;
use super::value::{from_json, json, time, time_from};
use super::{Catalogue, Error};
use crate::domain::address::Address;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::replacement::Replacement;

/// A search for a replacement, and its result.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplacementSearch {
    pub at: Timestamp,
    pub found: Option<Replacement>,
}

impl Catalogue {
    /// The last search for a link's replacement.
    pub async fn replacement_search(&self, link: &Address) -> Result<Option<ReplacementSearch>, Error> {
        let row = query(
            "SELECT sought_at, found FROM replacement JOIN link ON link.id = replacement.link WHERE link.address = $1",
        )
        .bind(link.as_str())
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            let found = row.get::<Option<String>>(1).map(|text| from_json(&text)).transpose()?;
            Ok(ReplacementSearch { at: time_from(row.get(0))?, found })
        })
        .transpose()
    }

    /// Other links that ever returned the same bytes or the same text.
    pub async fn links_with_same_document(&self, kept: &StoredCapture) -> Result<Vec<Address>, Error> {
        let rows = query_scalar::<String>(
            "SELECT DISTINCT link.address FROM capture JOIN link ON link.id = capture.link \
             WHERE (capture.sha256 = $1 OR json_extract(capture.kept, '$.text.digest') = $2) AND link.address <> $3 \
             ORDER BY link.address",
        )
        .bind(kept.capture.sha256.to_string())
        .bind(kept.text.digest.to_string())
        .bind(kept.capture.link.as_str())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().filter_map(|text| Address::parse_stored(text).ok()).collect())
    }
}

/// Stores a search; of two searches the one that is stored last counts.
pub(super) async fn set_replacement_search(
    at: Timestamp,
    link: &Address,
    found: Option<&Replacement>,
    on: &mut Transaction,
) -> Result<(), Error> {
    query(
        "INSERT INTO replacement (link, sought_at, found) VALUES ($1, $2, $3) \
         ON CONFLICT (link) DO UPDATE SET sought_at = excluded.sought_at, found = excluded.found",
    )
    .bind(link_id(link, on).await?)
    .bind(time(at))
    .bind(found.map(json).transpose()?)
    .execute(&mut *on)
    .await?;
    Ok(())
}
