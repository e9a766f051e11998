//! A login that came back from the identity provider, with its secrets.

use crate::domain::capture::Digest;
use crate::domain::course::CourseId;

/// A login whose browser came back.
#[derive(Clone, Debug)]
pub(in crate::serve) struct StartedLogin {
    pub course: CourseId,
    /// The page to go to after the login.
    pub next: String,
    pub secrets: LoginSecrets,
}

/// The secrets of one login. They follow from the cookie of its browser, so that no other place
/// has them.
#[derive(Clone, Debug)]
pub(in crate::serve) struct LoginSecrets {
    pub nonce: String,
    /// The PKCE verifier, which proves to the provider that we started the login (RFC 7636).
    pub verifier: String,
}

impl LoginSecrets {
    /// `browser` is the value of the cookie.
    pub(in crate::serve) fn of(browser: &str) -> Self {
        let secret = |name: &str| Digest::of(format!("{name} {browser}").as_bytes()).to_string();
        Self { nonce: secret("nonce"), verifier: secret("verifier") }
    }
}
