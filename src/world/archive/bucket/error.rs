//! What a store answers instead of doing what it is asked, and what a person does about it.

use std::error::Error as _;

use object_store::client::{HttpError, HttpErrorKind};

/// A request to a store that failed, also after it was repeated.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    #[error(
        "cannot {doing} {place}: the store has no such bucket; create it, or correct `store` in [archive]"
    )]
    NoBucket { doing: &'static str, place: String },
    #[error(
        "cannot {doing} {place}: the store refuses it ({source}); check the credentials, and that they may list, read, write and delete in this bucket"
    )]
    Refused { doing: &'static str, place: String, source: Box<object_store::Error> },
    #[error(
        "cannot {doing} {place}: the store cannot be reached ({source}); check `endpoint` in [archive] and the network; what is stored is not lost, and this can be run again"
    )]
    Unreachable { doing: &'static str, place: String, source: Box<object_store::Error> },
    #[error("cannot {doing} {place}: {source}; look at the store and its log, and run this again")]
    Failed { doing: &'static str, place: String, source: Box<object_store::Error> },
    #[error(
        "the store does not give back the bytes that were sent to {place}, so they do not count as stored; look at the store and its disks, and run this again"
    )]
    WrongBytes { place: String },
    #[error("cannot reach the store of {place}: {what}; correct [archive] in the configuration")]
    Settings { place: String, what: String },
    #[error("cannot write what the store sends for {place}: {source}")]
    Local { place: String, source: std::io::Error },
    #[error("the request to {place} ended without a result; run this again")]
    Ended { place: String },
}

impl BucketError {
    pub(super) fn of(doing: &'static str, place: String, source: object_store::Error) -> Self {
        if source.to_string().contains("<Code>NoSuchBucket</Code>") {
            return Self::NoBucket { doing, place };
        }
        let source = Box::new(source);
        match &*source {
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                Self::Refused { doing, place, source }
            }
            _ if is_refused_list(&source) => Self::Refused { doing, place, source },
            _ if is_unreachable(&source) => Self::Unreachable { doing, place, source },
            _ => Self::Failed { doing, place, source },
        }
    }

    /// Whether the store may answer later as it should.
    pub(in crate::world::archive) fn is_temporary(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Failed { .. })
    }
}

/// The error of a list has its status in its text alone.
fn is_refused_list(error: &object_store::Error) -> bool {
    let text = error.to_string();
    ["status code: 401", "status code: 403"].iter().any(|status| text.contains(status))
}

fn is_unreachable(error: &object_store::Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<HttpError>() {
            return matches!(
                error.kind(),
                HttpErrorKind::Connect
                    | HttpErrorKind::Timeout
                    | HttpErrorKind::Request
                    | HttpErrorKind::Interrupted
            );
        }
        source = error.source();
    }
    false
}
