//! Runs a test with an empty catalogue of each engine.

use super::{Catalogue, CatalogueLocation};

#[expect(dead_code, reason = "only the integration tests stop and replace servers")]
#[path = "../../../tests/integration/postgres_server.rs"]
mod postgres_server;

/// An empty catalogue in `SQLite`.
pub(super) async fn in_sqlite() -> (tempfile::TempDir, Catalogue) {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::open(&Catalogue::path_in(dir.path())).await.unwrap();
    (dir, catalogue)
}

/// The place of a new database of `PostgreSQL`; `None` if this machine has none.
pub(super) async fn new_database() -> Option<CatalogueLocation> {
    let server = postgres_server::PostgresServer::shared()?;
    Some(CatalogueLocation::Postgres(server.database().await.parse().unwrap()))
}

pub(super) async fn on_each_engine(test: impl AsyncFn(Catalogue)) {
    let (_dir, catalogue) = in_sqlite().await;
    test(catalogue).await;
    if let Some(location) = new_database().await {
        test(Catalogue::open_at(&location).await.unwrap()).await;
    }
}
