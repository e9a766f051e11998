//! The end of the journal of an archive in a bucket. It needs `PostgreSQL`.
//!
//! It is written in the transaction of the rows, so a segment of the journal counts exactly if its
//! rows do. The name of a segment is written before the segment, in a transaction of its own: while
//! it is here, the segment does not count.

use super::database::{ResultRow, query, query_scalar};
use super::ordered_batch::OrderedBatch;
use super::server_start::server_start;
use super::value::json;
use super::{Catalogue, Error};
use crate::domain::journal::chain::LineSeal;

/// The end of the journal as the catalogue knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownJournalEnd {
    pub last: LineSeal,
    /// Whether it was written on another server: this one may lack the rows of later lines.
    pub is_of_other_server: bool,
}

const SELECT: &str = concat!("SELECT number, sum, server <> ", server_start!(), " FROM journal_head");

impl Catalogue {
    /// `None` before the first line that this catalogue knows.
    pub async fn journal_end(&self) -> Result<Option<KnownJournalEnd>, Error> {
        query(SELECT).fetch_optional(&self.pool).await?.map(|row| end_in(&row)).transpose()
    }

    /// Names a segment before it is written.
    pub async fn name_segment(&self, segment: &str) -> Result<(), Error> {
        query("INSERT INTO pending_segment (segment) VALUES ($1)").bind(segment).execute(&self.pool).await?;
        Ok(())
    }
}

impl OrderedBatch {
    /// `None` before the first line that this catalogue knows.
    pub async fn journal_end(&mut self) -> Result<Option<KnownJournalEnd>, Error> {
        query(SELECT).fetch_optional(&mut self.transaction).await?.map(|row| end_in(&row)).transpose()
    }

    /// The segments that were named and do not count.
    pub async fn pending_segments(&mut self) -> Result<Vec<String>, Error> {
        Ok(query_scalar("SELECT segment FROM pending_segment ORDER BY segment")
            .fetch_all(&mut self.transaction)
            .await?)
    }

    /// Sets the end of the journal. These segments are pending no more.
    pub async fn set_journal_end(&mut self, last: &LineSeal, settled: &[String]) -> Result<(), Error> {
        query("DELETE FROM pending_segment WHERE segment IN (SELECT value FROM json_each($1))")
            .bind(json(&settled)?)
            .execute(&mut self.transaction)
            .await?;
        query(concat!(
            "INSERT INTO journal_head (id, number, sum, server) VALUES (1, $1, $2, ",
            server_start!(),
            ") ON CONFLICT (id) DO UPDATE \
             SET number = excluded.number, sum = excluded.sum, server = excluded.server"
        ))
        .bind(last.seq.cast_signed())
        .bind(last.sum.to_string())
        .execute(&mut self.transaction)
        .await?;
        Ok(())
    }
}

fn end_in(row: &ResultRow) -> Result<KnownJournalEnd, Error> {
    let sum: String = row.get(1);
    let sum = sum.parse().map_err(|error| Error::Query(sqlx::Error::Decode(Box::new(error))))?;
    let last = LineSeal { seq: row.get::<i64>(0).cast_unsigned(), sum };
    Ok(KnownJournalEnd { last, is_of_other_server: row.get(2) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::catalogue::each_engine::new_database;

    #[tokio::test]
    async fn a_segment_is_pending_until_the_end_of_the_journal_is_set_beyond_it() {
        let Some(location) = new_database().await else { return };
        let catalogue = Catalogue::open_at(&location).await.unwrap();
        assert_eq!(catalogue.journal_end().await.unwrap(), None);
        let (_, last) = LineSeal::default().seal_next(br#"{"kind":"night"}"#);

        // A writer that is lost before its commit.
        let mut uncommitted = catalogue.begin_ordered().await.unwrap();
        catalogue.name_segment("one").await.unwrap();
        uncommitted.set_journal_end(&last, &["one".to_owned()]).await.unwrap();
        drop(uncommitted);
        assert_eq!(catalogue.journal_end().await.unwrap(), None);

        let mut batch = catalogue.begin_ordered().await.unwrap();
        catalogue.name_segment("two").await.unwrap();
        let pending = batch.pending_segments().await.unwrap();
        assert_eq!(pending, ["one", "two"], "it is seen by the transaction that began before");
        batch.set_journal_end(&last, &pending).await.unwrap();
        batch.commit().await.unwrap();
        let end = catalogue.journal_end().await.unwrap().unwrap();
        assert_eq!(end, KnownJournalEnd { last, is_of_other_server: false });
        assert_eq!(catalogue.begin_ordered().await.unwrap().pending_segments().await.unwrap(), [""; 0]);
    }
}
