//! The row of a link; every other table refers to it.

use super::Error;
use super::database::{Transaction, query, query_scalar};
use crate::domain::address::Address;

/// The row of a link, which is inserted if it is new.
pub(super) async fn link_id(link: &Address, on: &mut Transaction) -> Result<i64, Error> {
    query("INSERT INTO link (address) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(link.as_str())
        .execute(&mut *on)
        .await?;
    Ok(query_scalar("SELECT id FROM link WHERE address = $1").bind(link.as_str()).fetch_one(&mut *on).await?)
}
