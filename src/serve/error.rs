//! What can fail on our side while a request is handled, and the response for it.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::world::random;
use crate::world::{archive, catalogue};

/// A failure on our side. The client did nothing wrong.
#[derive(Debug, thiserror::Error)]
pub(in crate::serve) enum Error {
    #[error(transparent)]
    Catalogue(#[from] catalogue::Error),
    #[error(transparent)]
    Archive(#[from] archive::Error),
    #[error("{0:#}")]
    NotRecorded(#[source] anyhow::Error),
    #[error("cannot render a page: {0}")]
    Template(#[from] askama::Error),
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("cannot read a copy: {0}")]
    ReadCopy(#[source] std::io::Error),
    #[error("cannot create a random token: {0}")]
    Random(#[from] random::Error),
    #[error("the system gave no random numbers at the start, so forms have no token; restart the service")]
    NoFormToken,
    #[error("a session began for a course without a login; please report this as a defect")]
    NoLogin,
    #[error("a background task failed: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// What a request handler returns.
pub(in crate::serve) type RouteResult = Result<Response, Error>;

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        tracing::error!(error = %self, "a request failed");
        let text = "Something went wrong on our side. The error was logged. Please try again later.\n";
        (StatusCode::INTERNAL_SERVER_ERROR, [(header::CACHE_CONTROL, "no-store")], text).into_response()
    }
}
