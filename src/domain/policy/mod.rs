//! Rules of conduct: which addresses are never contacted, what a host permits, how soon it
//! may be requested again, who may open a copy, which identity tokens are accepted.

pub mod copy_access;
pub mod course_access;
pub mod disclosure;
pub mod oidc;
pub mod ip_filter;
pub mod network;
pub mod night_plan;
pub mod politeness;
pub mod password;
pub mod quota;
pub mod robots;
pub mod rota;
pub mod service_role;
pub mod shard;
pub mod client_network;
pub mod device_token;
pub mod login_throttle;
