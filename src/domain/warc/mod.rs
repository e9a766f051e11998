//! The WARC format, version 1.1 (ISO 28500:2017), and the lines of its index (CDXJ).
//!
//! Only heads and lines are made here. `export` writes them with the bodies.

pub mod exchange_heads;
pub mod http_head;
pub mod index;
pub mod record;
