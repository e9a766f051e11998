//! Onreserve keeps the links of a course page.
//!
//! [`domain`] is what we know, [`world`] is what we touch, the rest is what we do.

pub mod cli;
pub mod config;
mod demo;
pub mod domain;
pub mod night;
pub mod world;
