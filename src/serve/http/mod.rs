//! The HTTP server under the router, and parts of HTTP that axum lacks.

pub(super) mod connection_slots;
pub(super) mod per_client_limit;
pub(super) mod query;
pub(super) mod range;
pub(super) mod server;
pub(super) mod write_timeout;
