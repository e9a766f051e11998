//! How we behave as a guest: whom we refuse to dial, what a host permits, how soon we may ask again.

pub mod internal;
pub mod pace;
pub mod robots;
