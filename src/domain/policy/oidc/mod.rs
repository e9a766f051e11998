//! Whom an identity provider vouches for, and whether it is believed (`OpenID Connect Core 1.0`).
//!
//! Pure values: what the provider says of itself, its keys, and what it says of
//! somebody. How it is asked is in `world::provider`.

mod issuer;
mod jwks;
mod id_token;

pub use id_token::{Claims, ExpectedToken, IdTokenError, MissingName, verify};
pub use issuer::{InvalidIssuer, InvalidMetadata, Issuer, ProviderEndpoints};
pub use jwks::{InvalidKeySet, KeySet};
