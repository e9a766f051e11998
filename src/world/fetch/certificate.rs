//! Verifies server certificates as the system does, and recognises a chain that lacks
//! only the certificate between the server's own and a root.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// The object identifier 1.3.6.1.5.5.7.48.2 (`caIssuers`, RFC 5280 section 4.2.2.1) in
/// DER. A certificate that has it names the address of its issuer's certificate.
const CA_ISSUERS: &[u8] = b"\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x02";

/// The TLS settings of a client that trusts the system's roots and `extra`.
///
/// # Errors
/// The system has no roots, and there are no others.
pub(super) fn client_config(
    extra: &[CertificateDer<'static>],
    protocols: &[&[u8]],
) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let system = Verifier::new_with_extra_roots(extra.iter().cloned(), Arc::clone(&provider))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ChainVerifier { system }))
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

/// Whether a verification failed only because an intermediate certificate is missing.
pub(super) fn lacks_intermediate(error: &rustls::CertificateError) -> bool {
    matches!(error, rustls::CertificateError::Other(OtherError(why)) if why.is::<MissingIntermediate>())
}

#[derive(Debug, thiserror::Error)]
#[error("the server does not send an intermediate certificate")]
struct MissingIntermediate;

/// Accepts exactly what the system accepts.
#[derive(Debug)]
struct ChainVerifier {
    system: Verifier,
}

impl ServerCertVerifier for ChainVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified =
            self.system.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let is_alone = intermediates.iter().all(|sent| sent == end_entity);
        let names_issuer = end_entity.windows(CA_ISSUERS.len()).any(|part| part == CA_ISSUERS);
        match verified {
            Err(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer))
                if is_alone && names_issuer =>
            {
                let why = OtherError(Arc::new(MissingIntermediate));
                Err(rustls::Error::InvalidCertificate(rustls::CertificateError::Other(why)))
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.system.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.system.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.system.supported_verify_schemes()
    }
}
