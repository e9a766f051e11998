//! What to do about an error of the database, by its result code.

use std::error::Error;

/// The index of the log cannot grow (`SQLITE_IOERR_SHMSIZE`).
const NO_ROOM_FOR_INDEX: u32 = 4874;

/// What the user does next. Only a damaged database is rebuilt.
pub(super) fn of(error: &(dyn Error + 'static)) -> &'static str {
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

/// The extended result code of `SQLite` (<https://sqlite.org/rescode.html>), if it is its error.
fn result_code(error: &(dyn Error + 'static)) -> Option<u32> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error) {
            return error.code()?.parse().ok();
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::{Catalogue, Error};

    #[tokio::test]
    async fn a_full_disk_is_not_fixed_by_a_rebuild() {
        let dir = tempfile::tempdir().unwrap();
        let catalogue = Catalogue::open(&Catalogue::path_in(dir.path())).await.unwrap();
        let mut connection = catalogue.pool.acquire().await.unwrap();
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
