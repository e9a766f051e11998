//! Integration tests with real sockets and real files, in one binary.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "tests read the files and start the program")]

mod actions;
mod archive;
mod backup;
mod bodies;
mod cli;
mod clocks;
mod drift;
mod fetch;
mod first_version;
mod interrupted;
mod killed;
mod lost_copies;
mod mending;
mod nights;
mod pages;
mod delivery;
mod read_only;
mod scenarios;
mod serve;
mod tidy;
mod harness;
mod service;
