//! Copies all rows of a catalogue to another one, which may have the other engine.

use sqlx::AssertSqlSafe;

use super::database::{ResultRow, Transaction, query, query_scalar};
use super::texts::{self, DocumentText};
use super::value::{decoded, json};
use super::{Catalogue, Error};
use crate::domain::capture::Digest;
use crate::world::disk::{self, StorageStep};

/// Rows that are in memory at the same time; one may have a report of a megabyte.
const ROWS_AT_ONCE: i64 = 100;

/// A table, in an order in which each refers only to those before it.
struct CopiedTable {
    name: &'static str,
    /// The columns by which its rows are ordered and found again.
    key: &'static [TableColumn],
    columns: &'static [TableColumn],
    /// Whether the engine numbers its rows.
    is_numbered: bool,
}

/// A column, by the type of its values.
#[derive(Clone, Copy)]
enum TableColumn {
    Text(&'static str),
    Number(&'static str),
    Flag(&'static str),
}
use TableColumn::{Flag, Number, Text};

impl TableColumn {
    fn name(self) -> &'static str {
        match self {
            Text(name) | Number(name) | Flag(name) => name,
        }
    }

    /// Its value as a text.
    fn read(self) -> String {
        match self {
            Text(name) => name.to_owned(),
            Number(name) => format!("CAST({name} AS TEXT)"),
            Flag(name) => format!("CASE WHEN {name} THEN '1' ELSE '0' END"),
        }
    }

    fn sql_type(self) -> &'static str {
        match self {
            Text(_) => "TEXT",
            Number(_) => "BIGINT",
            Flag(_) => "BOOLEAN",
        }
    }
}

const fn numbered(name: &'static str, columns: &'static [TableColumn]) -> CopiedTable {
    CopiedTable { name, key: &[Number("id")], columns, is_numbered: true }
}

const fn keyed(
    name: &'static str,
    key: &'static [TableColumn],
    columns: &'static [TableColumn],
) -> CopiedTable {
    CopiedTable { name, key, columns, is_numbered: false }
}

/// All but the texts of documents, which have another index in each engine.
const TABLES: &[CopiedTable] = &[
    numbered(
        "night",
        &[
            Number("id"),
            Text("started"),
            Text("finished"),
            Text("void"),
            Number("requests"),
            Number("bytes"),
            Flag("is_withdrawn"),
        ],
    ),
    numbered("link", &[Number("id"), Text("address")]),
    keyed(
        "visit",
        &[Number("link"), Number("night")],
        &[Number("link"), Number("night"), Text("evidence"), Text("worker"), Number("fence")],
    ),
    keyed(
        "visit_run",
        &[Number("link"), Number("first_night")],
        &[Number("link"), Number("first_night"), Number("last_night"), Text("earlier"), Text("evidence")],
    ),
    numbered(
        "capture",
        &[
            Number("id"),
            Number("link"),
            Text("sha256"),
            Text("captured_at"),
            Text("kept"),
            Number("night"),
            Flag("is_removed"),
        ],
    ),
    keyed("baseline", &[Number("link")], &[Number("link"), Number("capture"), Text("accepted_at")]),
    keyed("verdict", &[Number("link")], &[Number("link"), Text("verdict")]),
    keyed("course", &[Text("id")], &[Text("id"), Text("title")]),
    // The order of the readings is that of their rows.
    keyed(
        "reading",
        &[Number("rowid")],
        &[Text("course"), Text("source"), Text("at"), Text("sha256"), Text("page")],
    ),
    numbered("event", &[Number("id"), Text("course"), Number("night"), Number("link"), Text("event")]),
    keyed("report", &[Text("course"), Number("night")], &[Text("course"), Number("night"), Text("report")]),
    numbered(
        "letter",
        &[
            Number("id"),
            Text("course"),
            Text("recipient"),
            Number("night"),
            Number("first_night"),
            Text("occasion"),
            Text("state"),
            Text("queued_at"),
            Text("content"),
            Number("tries"),
            Text("next_try"),
            Number("is_unanswered"),
            Text("ended_at"),
            Text("answer"),
        ],
    ),
    keyed("course_night", &[Text("course")], &[Text("course"), Text("at"), Flag("is_over")]),
    numbered(
        "decision",
        &[Number("id"), Text("course"), Number("link"), Text("at"), Text("decision"), Flag("lapsed")],
    ),
    keyed("stopped", &[Text("course"), Text("reader")], &[Text("course"), Text("reader"), Text("at")]),
    numbered("takedown", &[Number("id"), Number("link"), Text("at"), Text("undone_at")]),
    keyed(
        "session",
        &[Text("token")],
        &[
            Text("token"),
            Text("family"),
            Text("course"),
            Text("role"),
            Text("password"),
            Text("given_at"),
            Text("until"),
            Text("replaced_at"),
            Text("person"),
        ],
    ),
    keyed("replacement", &[Number("link")], &[Number("link"), Text("sought_at"), Text("found")]),
    keyed(
        "fixity",
        &[Text("sha256")],
        &[Text("sha256"), Text("verified_at"), Flag("is_sound"), Text("loss")],
    ),
    keyed("removal", &[Text("sha256")], &[Text("sha256"), Flag("is_finished")]),
    keyed(
        "feed_token",
        &[Text("token")],
        &[Text("token"), Text("course"), Text("basis"), Text("given_at"), Text("until")],
    ),
    numbered(
        "service_request",
        &[
            Number("id"),
            Text("course"),
            Text("requested_at"),
            Text("taken_at"),
            Text("ended_at"),
            Text("error"),
        ],
    ),
    numbered(
        "decision_history",
        &[Number("id"), Text("course"), Number("link"), Text("at"), Text("decision"), Text("acceptance")],
    ),
];

#[cfg(test)]
pub(super) fn table_names() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|table| table.name)
}

impl Catalogue {
    /// Replaces all rows by those of another catalogue, in one transaction. The other one
    /// is read as it is at one moment, and may be in use.
    ///
    /// # Errors
    ///
    /// One of the two cannot be used. Then nothing has changed.
    pub async fn take_all_from(&self, other: &Self) -> Result<(), Error> {
        let mut from = other.pool.begin().await?;
        if let Transaction::Postgres { .. } = from {
            query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(&mut from).await?;
        }
        let mut to = self.pool.begin().await?;
        // Each waits while the other one works through all rows of a table.
        from.set_default_limit().await?;
        to.set_default_limit().await?;
        query("DELETE FROM document_text").execute(&mut to).await?;
        for table in TABLES.iter().rev() {
            query(AssertSqlSafe(format!("DELETE FROM {}", table.name))).execute(&mut to).await?;
        }
        for table in TABLES {
            table.copy(&mut from, &mut to).await?;
        }
        copy_texts(&mut from, &mut to).await?;
        if let Transaction::Postgres { .. } = to {
            // The rows may be those of another end of the journal, which is found again.
            query("DELETE FROM journal_head").execute(&mut to).await?;
            query("DELETE FROM pending_segment").execute(&mut to).await?;
            for table in TABLES.iter().filter(|table| table.is_numbered) {
                query(AssertSqlSafe(table.continue_numbers())).execute(&mut to).await?;
            }
        }
        Ok(disk::commit(StorageStep::EntriesCommit, to.commit()).await?)
    }

    /// Whether no night began yet.
    pub async fn is_empty(&self) -> Result<bool, Error> {
        Ok(query_scalar("SELECT NOT EXISTS (SELECT 1 FROM night)").fetch_one(&self.pool).await?)
    }
}

impl CopiedTable {
    async fn copy(&self, from: &mut Transaction, to: &mut Transaction) -> Result<(), Error> {
        let (read, insert) = (self.select(), self.insert());
        let width = self.columns.len();
        let mut last: Vec<String> = Vec::new();
        loop {
            let is_first = last.is_empty();
            let mut page = query(AssertSqlSafe(if is_first { read.0.clone() } else { read.1.clone() }))
                .bind(ROWS_AT_ONCE);
            for value in std::mem::take(&mut last) {
                page = page.bind(value);
            }
            let rows = page.fetch_all(&mut *from).await?;
            let Some(end) = rows.last() else { return Ok(()) };
            last = (width..width + self.key.len()).map(|column| end.get(column)).collect();
            let values =
                |row: &ResultRow| (0..width).map(|column| row.get(column)).collect::<Vec<Option<String>>>();
            let values: Vec<_> = rows.iter().map(values).collect();
            query(AssertSqlSafe(insert.clone())).bind(json(&values)?).execute(&mut *to).await?;
        }
    }

    /// The query of the first rows, and that of the rows after a key. The key has the name
    /// of its table, because a result column of the same name would be a text.
    fn select(&self) -> (String, String) {
        let columns: Vec<String> = self.columns.iter().chain(self.key).map(|column| column.read()).collect();
        let key =
            self.key.iter().map(|column| format!("{}.{}", self.name, column.name())).collect::<Vec<_>>();
        let key = key.join(", ");
        let after: Vec<String> = (2..)
            .zip(self.key)
            .map(|(place, column)| format!("CAST(${place} AS {})", column.sql_type()))
            .collect();
        let (columns, name) = (columns.join(", "), self.name);
        (
            format!("SELECT {columns} FROM {name} ORDER BY {key} LIMIT $1"),
            format!(
                "SELECT {columns} FROM {name} WHERE ({key}) > ({}) ORDER BY {key} LIMIT $1",
                after.join(", ")
            ),
        )
    }

    fn insert(&self) -> String {
        let names = self.columns.iter().map(|column| column.name()).collect::<Vec<_>>().join(", ");
        let values: Vec<String> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| format!("CAST(entered.value ->> {at} AS {})", column.sql_type()))
            .collect();
        format!(
            "INSERT INTO {} ({names}) SELECT {} FROM json_each($1) AS entered WHERE true ORDER BY entered.rowid",
            self.name,
            values.join(", ")
        )
    }

    /// `PostgreSQL` does not notice numbers that it did not give.
    fn continue_numbers(&self) -> String {
        let name = self.name;
        format!(
            "SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name})) \
             WHERE EXISTS (SELECT 1 FROM {name})"
        )
    }
}

/// A text keeps the version of the extraction that read it.
async fn copy_texts(from: &mut Transaction, to: &mut Transaction) -> Result<(), Error> {
    let documents = query("SELECT sha256, CAST(extraction AS TEXT) FROM document_text ORDER BY id")
        .fetch_all(&mut *from)
        .await?;
    let mut extractions = Vec::new();
    for document in &documents {
        let (sha256, extraction): (String, String) = (document.get(0), document.get(1));
        let digest: Digest = decoded(&sha256)?;
        let passages = texts::of(digest, &mut *from).await?.unwrap_or_default();
        texts::enter(&[DocumentText { sha256: digest, passages }], to).await?;
        extractions.push((sha256, extraction));
    }
    query(
        "UPDATE document_text SET extraction = CAST(entered.value ->> 1 AS BIGINT) \
         FROM json_each($1) AS entered WHERE document_text.sha256 = entered.value ->> 0",
    )
    .bind(json(&extractions)?)
    .execute(&mut *to)
    .await?;
    Ok(())
}
