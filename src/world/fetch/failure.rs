//! Classifies how a request failed, by the types in its chain of errors and never by their texts.

use std::error::Error;
use std::io;

use super::resolver::ResolveError;
use crate::domain::visit::{CertificateError, ExchangeEnd, Failure, NotSent};

/// The stage at which a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Up to the end of the response head.
    Head,
    Body,
}

/// What a failed DNS lookup means for the link.
pub(super) fn resolve_ending(why: ResolveError) -> ExchangeEnd {
    match why {
        ResolveError::NoSuchHost => ExchangeEnd::Failed(Failure::NoSuchHost),
        ResolveError::NameServer => ExchangeEnd::Failed(Failure::NameServer),
        ResolveError::Internal => ExchangeEnd::NotSent(NotSent::InternalAddress),
    }
}

/// The ending of a request that failed.
pub(super) fn ending(error: &reqwest::Error, stage: Stage) -> ExchangeEnd {
    let mut link: Option<&(dyn Error + 'static)> = Some(error);
    let connecting = error.is_connect();
    let mut found = None;
    while let Some(error) = link {
        if let Some(why) = error.downcast_ref::<ResolveError>() {
            return resolve_ending(*why);
        }
        // The innermost cause that is known is the most precise.
        found = failure_of(error, stage, connecting).or(found);
        link = wrapped_source(error);
    }
    ExchangeEnd::Failed(found.unwrap_or_else(|| {
        if connecting {
            Failure::Connect
        } else if error.is_timeout() {
            Failure::TimedOut
        } else {
            Failure::Protocol
        }
    }))
}

/// `io::Error::source` skips the error that it wraps, so that one is taken first.
fn wrapped_source<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    if let Some(wrapped) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        return Some(wrapped);
    }
    error.source()
}

fn failure_of(error: &(dyn Error + 'static), stage: Stage, connecting: bool) -> Option<Failure> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(tls(error));
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return io_kind(error.kind(), stage, connecting);
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return hyper_kind(error, stage);
    }
    let error = error.downcast_ref::<h2::Error>()?;
    if error.is_library() {
        Some(Failure::Protocol)
    } else if error.is_reset() || error.is_go_away() {
        Some(Failure::Reset)
    } else {
        error.get_io().and_then(|error| io_kind(error.kind(), stage, connecting))
    }
}

fn hyper_kind(error: &hyper::Error, stage: Stage) -> Option<Failure> {
    if error.is_parse() {
        Some(Failure::Protocol)
    } else if error.is_incomplete_message() {
        Some(if stage == Stage::Body { Failure::Truncated } else { Failure::Reset })
    } else if error.is_canceled() || error.is_closed() {
        Some(Failure::Reset)
    } else if error.is_timeout() {
        Some(Failure::TimedOut)
    } else {
        None
    }
}

fn io_kind(kind: io::ErrorKind, stage: Stage, connecting: bool) -> Option<Failure> {
    use io::ErrorKind as Kind;
    match kind {
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::NotConnected => {
            Some(Failure::Reset)
        }
        Kind::UnexpectedEof if stage == Stage::Body => Some(Failure::Truncated),
        // Before the connection is established, only the TLS handshake exchanges data.
        Kind::UnexpectedEof if connecting => Some(Failure::Tls),
        Kind::UnexpectedEof => Some(Failure::Reset),
        _ if connecting => Some(Failure::Connect),
        Kind::TimedOut => Some(Failure::TimedOut),
        _ => None,
    }
}

fn tls(error: &rustls::Error) -> Failure {
    let rustls::Error::InvalidCertificate(why) = error else {
        return Failure::Tls;
    };
    Failure::Certificate(match why {
        rustls::CertificateError::Expired
        | rustls::CertificateError::ExpiredContext { .. }
        | rustls::CertificateError::NotValidYet
        | rustls::CertificateError::NotValidYetContext { .. } => CertificateError::Expired,
        rustls::CertificateError::NotValidForName
        | rustls::CertificateError::NotValidForNameContext { .. } => CertificateError::WrongName,
        rustls::CertificateError::UnknownIssuer => CertificateError::UnknownIssuer,
        _ => CertificateError::Other,
    })
}
