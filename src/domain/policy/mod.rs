//! How we behave: whom we refuse to dial, what a host permits, how soon we may ask again,
//! whom we show a copy, whom we believe.

pub mod copy_access;
pub mod course_access;
pub mod disclosure;
pub mod oidc;
pub mod ip_filter;
pub mod network;
pub mod politeness;
pub mod password;
pub mod robots;
pub mod login_throttle;
