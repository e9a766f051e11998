//! How we behave: whom we refuse to dial, what a host permits, how soon we may ask again, whom we show a copy.

pub mod access;
pub mod internal;
pub mod pace;
pub mod robots;
