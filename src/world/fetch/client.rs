//! The HTTP clients: certificates, proxy, user agent and protocols.

#![expect(clippy::disallowed_methods, reason = "this module is where the client is built")]

use std::path::{Path, PathBuf};

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, ClientBuilder, Proxy};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::resolver::Resolver;
use super::{Error, FetchSettings, certificate};

const HEADER_BYTES: u32 = 128 << 10;
const HEADERS: usize = 256;

/// The two HTTP clients.
pub(super) struct Clients {
    /// Uses HTTP/2 where possible and keeps its connections.
    pub(super) usual: Client,
    /// Uses HTTP/1.1 on a new connection each time, for an independent second attempt.
    pub(super) fresh: Client,
    /// The headers of every request.
    pub(super) headers: HeaderMap,
    /// Without root certificates every `https` host would appear untrusted.
    pub(super) has_roots: bool,
}

impl Clients {
    pub(super) fn build(settings: &FetchSettings, resolver: &Resolver) -> Result<Self, Error> {
        // A provider that is installed already works as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let extra = settings.extra_ca.as_deref().map(read_bundle).transpose()?.unwrap_or_default();
        let has_roots = certificate::client_config(&extra, &[]).is_ok();
        let headers = default_headers(settings)?;
        let common = |protocols: &[&[u8]]| {
            let builder = start(settings, resolver, headers.clone())?;
            // The configuration reads the system store; without a store, `http` still works.
            Ok(match certificate::client_config(&extra, protocols) {
                Ok(config) => builder.tls_backend_preconfigured(config),
                Err(_) => builder.tls_certs_only(Vec::new()),
            })
        };
        let (usual, fresh) = (common(&[b"h2", b"http/1.1"])?, common(&[b"http/1.1"])?.http1_only());
        Ok(Self {
            usual: usual.pool_max_idle_per_host(1).build().map_err(Error::Client)?,
            fresh: fresh.pool_max_idle_per_host(0).build().map_err(Error::Client)?,
            headers,
            has_roots,
        })
    }
}

fn default_headers(settings: &FetchSettings) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    headers.insert("user-agent", user_agent(settings.contact.as_deref())?);
    headers.insert("accept-language", HeaderValue::from_static("en"));
    // The stored bytes are then those of the content.
    headers.insert("accept-encoding", HeaderValue::from_static("identity"));
    Ok(headers)
}

fn start(settings: &FetchSettings, resolver: &Resolver, headers: HeaderMap) -> Result<ClientBuilder, Error> {
    let mut builder = ClientBuilder::new()
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .dns_resolver(resolver.clone())
        .connect_timeout(settings.limits.connect)
        .http1_max_headers(HEADERS)
        .http1_ignore_invalid_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http2_max_header_list_size(HEADER_BYTES);
    if let Some(proxy) = &settings.proxy {
        let proxy = Proxy::all(proxy).map_err(|why| Error::Proxy { proxy: proxy.clone(), why })?;
        builder = builder.proxy(proxy);
    }
    Ok(builder)
}

/// Names the program and a contact. It avoids words by which firewalls block
/// robots, such as "link".
fn user_agent(contact: Option<&str>) -> Result<HeaderValue, Error> {
    let Some(contact) = contact else {
        return Ok(HeaderValue::from_static(concat!(
            "Onreserve/",
            env!("CARGO_PKG_VERSION"),
            " (no contact given)"
        )));
    };
    HeaderValue::from_str(&format!("Onreserve/{} (+{contact})", env!("CARGO_PKG_VERSION")))
        .map_err(|_| Error::Contact(contact.to_owned()))
}

/// Skips certificates that cannot be roots, as system stores do.
fn read_bundle(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let fault = |why: String| Error::ExtraCa { path: PathBuf::from(path), why };
    let pem = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
    let mut usable = Vec::new();
    let mut unusable = 0_usize;
    for der in CertificateDer::pem_slice_iter(&pem) {
        let der = der.map_err(|error| fault(error.to_string()))?;
        match RootCertStore::empty().add(der.clone()) {
            Ok(()) => usable.push(der),
            Err(_) => unusable += 1,
        }
    }
    if usable.is_empty() {
        return Err(fault(format!("none of its {unusable} certificates can be a root")));
    }
    if unusable > 0 {
        tracing::warn!(path = %path.display(), unusable, "some certificates in extra_ca are not usable as roots and are skipped");
    }
    Ok(usable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_agent_has_no_word_that_firewalls_refuse() {
        for contact in [None, Some("instructor@school.edu"), Some("https://school.edu/reserve")] {
            let agent = user_agent(contact).unwrap();
            let agent = agent.to_str().unwrap().to_lowercase();
            for word in ["link", "check", "crawl", "spider", "scan", "bot"] {
                assert!(!agent.contains(word), "{agent}");
            }
        }
        assert!(user_agent(Some("a\nb")).is_err());
    }
}
