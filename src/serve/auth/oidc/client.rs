//! The configured client of an identity provider.

use crate::domain::policy::oidc::Issuer;
use crate::world::provider::{ClientSecret, Provider};

/// The path, below the base URL, to which the provider sends browsers back.
pub const CALLBACK: &str = "/oidc/callback";

/// The identity provider, and how this service is registered there.
#[derive(Clone, Debug)]
pub struct OidcClient {
    pub issuer: Issuer,
    pub client_id: String,
    /// `None` for a public client.
    pub client_secret: Option<ClientSecret>,
    /// The requested scopes, separated by spaces.
    pub scopes: String,
    /// The claim with the name of a person.
    pub name_claim: String,
    /// The claim with the groups of a person.
    pub groups_claim: String,
    pub provider: Provider,
}
