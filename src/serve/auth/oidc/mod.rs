//! Login with the school's identity provider: `OpenID Connect` with the
//! authorization code flow, PKCE (S256), state and nonce.
//!
//! The request handlers are in `routes::oidc`. After the login a visitor has
//! the same kind of session as after a login with a password.

pub(in crate::serve) mod client;
pub(in crate::serve) mod flow;
pub(in crate::serve) mod provider_cache;
pub(in crate::serve) mod started_login;
