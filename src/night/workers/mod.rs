//! Nights whose links are visited by workers: other processes on this or other machines.
//!
//! The scheduler divides the links of a night into shards of hosts, in the catalogue
//! (`crawl`). Each worker leases shards and visits their links ([`work`]). A worker whose
//! lease is over is lost, and another one visits what is left of its shards. The fence of a
//! shard refuses what a lost worker still stores. [`ProcessLease`] is the lease of a process,
//! and with it the pace of the hosts is that of all processes.

mod lease;
mod schedule;
mod session;
mod store;
mod totals;

pub use lease::{LeaseTerms, ProcessLease};
pub use session::{WorkerSession, work};

pub(super) use schedule::crawl;
