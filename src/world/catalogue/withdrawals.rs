//! Nights that a person withdrew, and the removal of their results.

use jiff::Timestamp;

use super::database::{Transaction, query, query_scalar};
use super::nights::night_ref;
use super::value::time;
use super::{Catalogue, Error, NightRef};

impl Catalogue {
    /// The nights whose start begins with this text, such as `2026-09-14T02:30`; the last
    /// one first.
    pub async fn nights_that_began(&self, start: &str) -> Result<Vec<NightRef>, Error> {
        let rows =
            query("SELECT id, started FROM night WHERE substr(started, 1, length($1)) = $1 ORDER BY id DESC")
                .bind(start)
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(night_ref).collect()
    }
}

/// Withdraws a night or undoes that. Its reports and events are removed, and its emails that
/// wait are not sent; they do not come back.
pub(super) async fn set(night: Timestamp, is_withdrawn: bool, on: &mut Transaction) -> Result<(), Error> {
    let id = query_scalar::<i64>("UPDATE night SET is_withdrawn = $1 WHERE started = $2 RETURNING id")
        .bind(is_withdrawn)
        .bind(time(night))
        .fetch_optional(&mut *on)
        .await?;
    let Some(id) = id.filter(|_| is_withdrawn) else { return Ok(()) };
    for statement in [
        "DELETE FROM report WHERE night = $1",
        "DELETE FROM event WHERE night = $1",
        "UPDATE letter SET state = 'superseded', content = NULL WHERE night = $1 AND state = 'waiting'",
    ] {
        query(statement).bind(id).execute(&mut *on).await?;
    }
    Ok(())
}
