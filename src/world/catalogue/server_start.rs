//! When the server of the catalogue started. It needs `PostgreSQL`.
//!
//! A server that was restarted or replaced by its standby has another start. Commits that it
//! confirmed before may be lost then: leases, the pace of the hosts, and rows whose lines the
//! journal has.

use super::database::{Pool, Transaction, query_scalar};
use super::{Catalogue, Error};

/// Microseconds since the epoch by the clock of the server. Two servers do not have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerStart(pub(super) i64);

/// The start of the server that runs a statement, in SQL.
macro_rules! server_start {
    () => {
        "CAST(extract(epoch FROM pg_postmaster_start_time()) * 1000000 AS BIGINT)"
    };
}
pub(super) use server_start;

impl Catalogue {
    /// When the server started; `None` for a catalogue in a file.
    pub async fn server_start(&self) -> Result<Option<ServerStart>, Error> {
        let Pool::Postgres(_) = self.pool else { return Ok(None) };
        let start = query_scalar(concat!("SELECT ", server_start!())).fetch_one(&self.pool).await?;
        Ok(Some(ServerStart(start)))
    }
}

/// Fails if a transaction is on another server than this one.
pub(super) async fn check(expected: Option<ServerStart>, on: &mut Transaction) -> Result<(), Error> {
    let Some(expected) = expected else { return Ok(()) };
    let start: i64 = query_scalar(concat!("SELECT ", server_start!())).fetch_one(on).await?;
    if ServerStart(start) == expected { Ok(()) } else { Err(Error::ServerRestarted) }
}
