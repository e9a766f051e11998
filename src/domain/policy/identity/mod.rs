//! Whom an identity provider vouches for, and whether it is believed (`OpenID Connect Core 1.0`).
//!
//! Pure values: what the provider says of itself, its keys, and what it says of
//! somebody. How it is asked is in `world::provider`.

mod issuer;
mod keys;
mod token;

pub use issuer::{Discovery, Issuer, NotADiscovery, NotAnIssuer};
pub use keys::{KeySet, NotAKeySet};
pub use token::{Claims, Expected, NoName, Refusal, believed};
