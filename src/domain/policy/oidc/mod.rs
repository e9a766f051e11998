//! Checks of an identity provider's answers (`OpenID Connect Core 1.0`).
//!
//! Pure values: the provider's metadata, its keys, and its tokens about a
//! person. The requests are in `world::provider`.

mod issuer;
mod jwks;
mod id_token;

pub use id_token::{Claims, ExpectedToken, IdTokenError, MissingName, verify};
pub use issuer::{InvalidIssuer, InvalidMetadata, Issuer, ProviderEndpoints};
pub use jwks::{InvalidKeySet, KeySet};
