//! Integration tests with real sockets and real files, in one binary.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "tests read the files and start the program")]

mod actions;
mod archive;
mod archive_readme;
mod backup;
mod bodies;
mod cli;
mod clocks;
mod crash_points;
mod delivery;
mod deployment;
mod document_reader;
mod doctor;
mod documentation;
mod drift;
mod engines;
mod fetch;
mod first_version;
mod full_disk;
mod harness;
mod heads_in_blobs;
mod interrupted;
mod killed;
mod lost_copies;
mod nights;
mod object_storage;
mod page_files;
mod pages;
mod postgres;
mod postgres_server;
mod read_only;
mod refused_files;
mod render;
mod replacements;
mod s3_server;
mod scenarios;
mod serve;
mod service;
mod service_process;
mod terminal;
mod tidy;
mod unread_pages;
mod web_archive;
mod workers;
