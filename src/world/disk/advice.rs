//! What a person does when a file system refuses a file.

use std::io;

/// What to do about an error of a file system, without a full stop.
pub fn advice(error: &io::Error) -> &'static str {
    advice_or(error, "look at the disk and the permissions, and run this again")
}

/// What to do about an error of a file system; the second text for all other errors.
pub fn advice_or(error: &io::Error, otherwise: &'static str) -> &'static str {
    for_kind(error.kind()).unwrap_or(otherwise)
}

/// The same, if the kind of error says enough.
pub fn for_kind(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::StorageFull => Some("the disk is full, so free some space on it and run this again"),
        io::ErrorKind::QuotaExceeded => {
            Some("the disk quota of this user is used up, so delete some files or raise the quota")
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            Some("the file system is read-only, so use a place on a writable disk")
        }
        io::ErrorKind::PermissionDenied => {
            Some("run this as the user who owns it, or let this user in with chmod or chown")
        }
        _ => None,
    }
}
