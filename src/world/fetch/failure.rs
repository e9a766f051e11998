//! Classifies how a request failed, by the types in its chain of errors and never by their messages.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, PeerIncompatible};

use super::resolver::ResolveError;
use super::{certificate, local_fault};
use crate::domain::visit::{CertificateError, ExchangeEnd, Failure, LocalFault, NotSent};

/// The stage at which a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Before the end of the response head.
    Head,
    Body,
}

/// What a failed DNS lookup means for the link.
pub(super) fn resolve_ending(why: ResolveError) -> ExchangeEnd {
    match why {
        ResolveError::NoSuchHost => ExchangeEnd::Failed(Failure::NoSuchHost),
        ResolveError::NameServer => ExchangeEnd::Failed(Failure::NameServer),
        ResolveError::Internal => ExchangeEnd::NotSent(NotSent::InternalAddress),
        ResolveError::Local(fault) => local(fault),
    }
}

/// A fault of this machine ended the exchange.
pub(super) fn local(fault: LocalFault) -> ExchangeEnd {
    ExchangeEnd::NotSent(NotSent::LocalFault(fault))
}

/// The ending of a request that failed.
pub(super) fn ending(error: &reqwest::Error, stage: Stage) -> ExchangeEnd {
    let (connecting, timed_out) = (error.is_connect(), error.is_timeout());
    known_ending(error, stage, connecting).unwrap_or(ExchangeEnd::Failed(if connecting {
        Failure::Connect
    } else if timed_out {
        Failure::TimedOut
    } else {
        Failure::Protocol
    }))
}

/// The ending by the causes of an error; `None` if no cause has a known type.
fn known_ending(error: &(dyn Error + 'static), stage: Stage, connecting: bool) -> Option<ExchangeEnd> {
    let mut link = Some(error);
    let mut found = None;
    while let Some(error) = link {
        if let Some(why) = error.downcast_ref::<ResolveError>() {
            return Some(resolve_ending(*why));
        }
        if let Some(fault) = error.downcast_ref::<io::Error>().and_then(local_fault::of_io) {
            return Some(local(fault));
        }
        // The innermost cause that is known is the most precise.
        found = failure_of(error, stage, connecting).or(found);
        link = wrapped_source(error);
    }
    found.map(ExchangeEnd::Failed)
}

/// `io::Error::source` skips the error that it wraps, so that error is taken first.
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
    let why = match error {
        rustls::Error::InvalidCertificate(why) => why,
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
        | rustls::Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13) => {
            return Failure::TlsVersion;
        }
        rustls::Error::AlertReceived(
            AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity,
        )
        | rustls::Error::PeerIncompatible(_) => return Failure::TlsCipher,
        _ => return Failure::Tls,
    };
    Failure::Certificate(match why {
        rustls::CertificateError::Expired
        | rustls::CertificateError::ExpiredContext { .. }
        | rustls::CertificateError::NotValidYet
        | rustls::CertificateError::NotValidYetContext { .. } => CertificateError::Expired,
        rustls::CertificateError::NotValidForName
        | rustls::CertificateError::NotValidForNameContext { .. } => CertificateError::WrongName,
        rustls::CertificateError::UnknownIssuer => CertificateError::UnknownIssuer,
        why if certificate::lacks_intermediate(why) => CertificateError::MissingIntermediate,
        _ => CertificateError::Other,
    })
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    /// How a connection with this error ends, below the errors of the HTTP client.
    fn connection(errno: Errno) -> Option<ExchangeEnd> {
        let wrapped = io::Error::other(io::Error::from(errno));
        known_ending(&wrapped, Stage::Head, true)
    }

    #[test]
    fn old_encryption_is_judged_as_browsers_handle_it() {
        let alert = |alert| tls(&rustls::Error::AlertReceived(alert));
        assert_eq!(alert(AlertDescription::ProtocolVersion), Failure::TlsVersion);
        assert_eq!(alert(AlertDescription::HandshakeFailure), Failure::TlsCipher);
        assert_eq!(alert(AlertDescription::InternalError), Failure::Tls);
    }

    #[test]
    fn a_fault_of_this_machine_is_not_a_failure_of_the_link() {
        let faults = [
            (Errno::NETUNREACH, LocalFault::NoRoute),
            (Errno::ADDRNOTAVAIL, LocalFault::NoLocalAddress),
            (Errno::MFILE, LocalFault::NoFileDescriptor),
            (Errno::NOBUFS, LocalFault::NoMemory),
            (Errno::PERM, LocalFault::Forbidden),
            (Errno::NOSPC, LocalFault::DiskFull),
        ];
        for (errno, fault) in faults {
            assert_eq!(connection(errno), Some(local(fault)), "{errno:?}");
        }
        for errno in [Errno::CONNREFUSED, Errno::HOSTUNREACH] {
            assert_eq!(connection(errno), Some(ExchangeEnd::Failed(Failure::Connect)), "{errno:?}");
        }
    }
}
