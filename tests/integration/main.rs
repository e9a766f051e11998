//! The parts against real sockets and real files, in one binary.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod fetch;
mod tidy;
