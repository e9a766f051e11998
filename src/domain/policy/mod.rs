//! How we behave: whom we refuse to dial, what a host permits, how soon we may ask again,
//! whom we show a copy, whom we believe.

pub mod access;
pub mod admission;
pub mod discretion;
pub mod identity;
pub mod internal;
pub mod network;
pub mod pace;
pub mod password;
pub mod robots;
pub mod throttle;
