//! Requests to the identity provider: discovery documents, keys, and codes for tokens.
//!
//! The operator chooses the address, so neither the guard against internal addresses
//! nor the pacing of `world::fetch` applies. Redirects are not followed, and no
//! message contains request or response bodies.

#![expect(clippy::disallowed_methods, reason = "this module requests the operator's own provider")]

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Certificate, Client, ClientBuilder, RequestBuilder};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use url::{Url, form_urlencoded};

/// For one request: a person waits for it to sign in.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Discovery documents, keys and tokens take a few KiB.
const MAX_BYTES: usize = 256 << 10;

/// The HTTP client for the provider.
#[derive(Clone, Debug)]
pub struct Provider(Client);

/// The client secret that the provider issued; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(pub String);

/// What the provider answered.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderResponse {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Why a request has no usable response.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the identity provider cannot be reached: {}", causes(.0))]
    Unreachable(reqwest::Error),
    #[error("the response of the identity provider is larger than {MAX_BYTES} bytes")]
    TooLong,
}

/// A client that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("cannot use extra_ca {}: {why}; name a file of certificates in PEM format", path.display())]
    ExtraCa { path: PathBuf, why: String },
    #[error("the HTTP client for the identity provider cannot be set up: {0}")]
    Client(reqwest::Error),
}

impl Provider {
    /// `extra_ca` is trusted in addition to the certificates of the system.
    pub fn new(extra_ca: Option<&Path>) -> Result<Self, SetupError> {
        // A crypto provider that is installed already serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let extra = extra_ca.map(certificates).transpose()?.unwrap_or_default();
        let builder = || {
            ClientBuilder::new()
                .user_agent(concat!("Onreserve/", env!("CARGO_PKG_VERSION")))
                .timeout(TIMEOUT)
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
        };
        // A system without root certificates may have its provider on this machine.
        let client = builder().tls_certs_merge(extra.clone()).build();
        let client = client.or_else(|_| builder().tls_certs_only(extra).build());
        client.map(Self).map_err(SetupError::Client)
    }

    pub async fn get(&self, url: &Url) -> Result<ProviderResponse, Error> {
        read(self.0.get(url.clone()).header("accept", "application/json")).await
    }

    /// Posts a form, with client authentication if there is a secret.
    pub async fn post(
        &self,
        url: &Url,
        login: Option<(&str, &ClientSecret)>,
        fields: &[(&str, &str)],
    ) -> Result<ProviderResponse, Error> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut request = self
            .0
            .post(url.clone())
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        if let Some((id, secret)) = login {
            // Both are encoded as in a form first (RFC 6749 section 2.3.1).
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let both = format!("{}:{}", encoded(id), encoded(&secret.0));
            request = request.header("authorization", format!("Basic {}", STANDARD.encode(both)));
        }
        read(request).await
    }
}

async fn read(request: RequestBuilder) -> Result<ProviderResponse, Error> {
    let unreachable = |error: reqwest::Error| Error::Unreachable(error.without_url());
    let mut response = request.send().await.map_err(unreachable)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(Error::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(ProviderResponse { status: response.status().as_u16(), body })
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, SetupError> {
    let unfit = |why: String| SetupError::ExtraCa { path: path.to_owned(), why };
    let mut certificates = Vec::new();
    let all = CertificateDer::pem_file_iter(path).map_err(|error| unfit(error.to_string()))?;
    for der in all {
        let der = der.map_err(|error| unfit(error.to_string()))?;
        RootCertStore::empty().add(der.clone()).map_err(|error| unfit(error.to_string()))?;
        certificates.push(Certificate::from_der(&der).map_err(|error| unfit(error.to_string()))?);
    }
    if certificates.is_empty() {
        Err(unfit("it contains no certificate".to_owned()))
    } else {
        Ok(certificates)
    }
}

/// An error with its causes: the innermost one is usually the reason.
fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut beneath = std::error::Error::source(error);
    while let Some(cause) = beneath {
        text.push_str(&format!(": {cause}"));
        beneath = cause.source();
    }
    text
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}

/// The body may contain tokens.
impl fmt::Debug for ProviderResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProviderResponse({}, {} bytes)", self.status, self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let reply = ProviderResponse { status: 200, body: b"token".to_vec() };
        assert_eq!(
            format!("{:?} {reply:?}", ClientSecret("geheim".to_owned())),
            "ClientSecret(…) ProviderResponse(200, 5 bytes)"
        );
    }

    #[test]
    fn certificates_that_cannot_be_used_are_named() {
        let message = Provider::new(Some(Path::new("/nowhere/ca.pem"))).unwrap_err().to_string();
        assert!(message.contains("/nowhere/ca.pem") && message.contains("PEM"), "{message}");
    }
}
