//! What to do about an error of the database, by its result code.

use std::error::Error;
use std::io::ErrorKind;

use sqlx::postgres::PgDatabaseError;

use super::CatalogueLocation;

/// The index of the log cannot grow (`SQLITE_IOERR_SHMSIZE`).
const NO_ROOM_FOR_INDEX: u32 = 4874;

/// The first letters of codes: the connection fails, the server stops or starts, it is read-only,
/// it ended a transaction that did nothing.
const AWAY: [&str; 4] = ["08", "57P0", "25006", "25P03"];

/// What the user does next. Only a damaged database is rebuilt.
pub(super) fn of(error: &(dyn Error + 'static)) -> &'static str {
    if let Some(advice) = of_server(error) {
        return advice;
    }
    // The lower eight bits give the kind of error, the upper ones details.
    match result_code(error).map(|code| if code == NO_ROOM_FOR_INDEX { 13 } else { code & 0xff }) {
        Some(5 | 6) => "another process is writing to it, so run this again in a moment",
        Some(8) => {
            "it is read-only for this user; run this as the owner of the archive, or copy the archive to a writable disk"
        }
        Some(3 | 10 | 14 | 23) => {
            "run this as the user who owns the archive, or look at the permissions of its directory and at its disk"
        }
        Some(13) => "its disk is full, so free some space and run this again",
        Some(11 | 24 | 26) => "run `onreserve rebuild` to rebuild it from the archive",
        Some(_) | None => "run this again; if it fails again, run `onreserve rebuild`",
    }
}

/// The same for a catalogue that cannot be opened.
pub(super) fn of_opening(location: &CatalogueLocation, error: &(dyn Error + 'static)) -> &'static str {
    match (location, of_server(error)) {
        (_, Some(advice)) => advice,
        (CatalogueLocation::Sqlite(_), None) => of(error),
        (CatalogueLocation::Postgres(_), None) => {
            "check that PostgreSQL runs and can be reached at the address in [catalogue]"
        }
    }
}

/// For an error of `PostgreSQL`, by its code
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn of_server(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let error = match cause(error)? {
        sqlx::Error::Io(lost) if is_connection(lost.kind()) => {
            return Some("the connection to the database server was lost, so run this again");
        }
        error => error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?,
    };
    Some(match error.code() {
        "28000" | "28P01" => {
            "correct the user or the password of [catalogue], or let the server accept them in its pg_hba.conf"
        }
        "3D000" => "create the database, with the user of [catalogue] as its owner",
        "42501" => "make the user of [catalogue] the owner of the database and of its tables",
        "53100" => "the disk of the server is full, so free some space and run this again",
        "53300" => {
            "the server has too many connections, so raise its max_connections or run this again later"
        }
        "57P01" | "57P02" | "57P03" => "the server is starting or stopping, so run this again in a moment",
        "25P03" => "this process did nothing for long in the middle of a change, so run this again",
        "40001" | "40P01" => "another process changes the same rows, so run this again",
        "42P01" | "42883" | "42703" => {
            "tables of the catalogue are missing or changed; run `onreserve rebuild` with an empty database"
        }
        _ => "look at the log of the server",
    })
}

/// Whether a query failed because the server cannot be reached, or is starting or stopping, or is a
/// standby, or because this process was frozen for a while.
pub(super) fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        error => {
            let code =
                error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
            code.is_some_and(|error| AWAY.iter().any(|start| error.code().starts_with(start)))
        }
    }
}

fn is_connection(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof
            | ErrorKind::TimedOut
    )
}

fn cause<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e sqlx::Error> {
    match error.downcast_ref() {
        Some(found) => Some(found),
        None => cause(error.source()?),
    }
}

/// The extended result code of `SQLite` (<https://sqlite.org/rescode.html>), if it is its error.
fn result_code(error: &(dyn Error + 'static)) -> Option<u32> {
    cause(error)?.as_database_error()?.code()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::{Catalogue, Error};

    #[tokio::test]
    async fn a_full_disk_is_not_fixed_by_a_rebuild() {
        let dir = tempfile::tempdir().unwrap();
        let catalogue = Catalogue::open(&Catalogue::path_in(dir.path())).await.unwrap();
        let super::super::Pool::Sqlite(pool) = &catalogue.pool else { panic!("it is a file") };
        let mut connection = pool.acquire().await.unwrap();
        let limited =
            "PRAGMA max_page_count = 1; CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(9999999))";
        let full = sqlx::raw_sql(limited).execute(&mut *connection).await.unwrap_err();
        let text = Error::from(full).to_string();
        assert!(text.contains("free some space") && !text.contains("rebuild"), "{text}");
    }

    #[tokio::test]
    async fn only_a_damaged_catalogue_is_rebuilt() {
        let dir = tempfile::tempdir().unwrap();
        let path = Catalogue::path_in(dir.path());
        let missing = Catalogue::open_as_it_is(&path).await.unwrap_err().to_string();
        assert!(!missing.contains("rebuild"), "{missing}");
        std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), &path).unwrap();
        let damaged = Catalogue::open_as_it_is(&path).await.unwrap_err().to_string();
        assert!(damaged.contains("onreserve rebuild"), "{damaged}");
    }
}
