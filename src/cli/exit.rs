//! Exit codes, after `sysexits.h`.

use std::io::ErrorKind;
use std::process::ExitCode;

use crate::config;
use crate::world::{archive, catalogue, disk, email, fetch, lock};

pub(super) const FAILURE: u8 = 1;
pub(super) const DEAD_LINKS: u8 = 2;
const USAGE: u8 = 64;
const ANOTHER_INSTANCE: u8 = 75;
const PERMISSION: u8 = 77;
pub(super) const CONFIGURATION: u8 = 78;

/// Prints the message of clap. A request for help is not an error.
pub(super) fn of_usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

/// The error and its causes in one line, with what to do about a disk that is full or
/// read-only and about lost permissions, if no error says it.
pub(super) fn message(error: &anyhow::Error) -> String {
    let message = causes(error);
    let kinds = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    match kinds.filter_map(|cause| disk::for_kind(cause.kind())).next_back() {
        Some(advice) if !says_what_to_do(&message) => format!("{message}; {advice}"),
        Some(_) | None => message,
    }
}

/// Whether an error has its own advice, which follows a semicolon.
fn says_what_to_do(message: &str) -> bool {
    message.contains("; ")
}

/// The error and its causes. Many errors include the text of their cause, which is then not
/// repeated.
fn causes(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |message, cause| {
        if message.is_empty() {
            cause
        } else if message.contains(cause.trim_end()) {
            message
        } else {
            format!("{message}: {cause}")
        }
    })
}

/// The exit code for an error, by the type of any error in its chain.
pub(super) fn of_error(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(error.chain().find_map(code).unwrap_or(FAILURE))
}

fn code(cause: &(dyn std::error::Error + 'static)) -> Option<u8> {
    let is_no_setting =
        |error: &fetch::Error| matches!(error, fetch::Error::Spool(_) | fetch::Error::SharedPace { .. });
    if cause.is::<config::Error>()
        || cause.downcast_ref::<fetch::Error>().is_some_and(|error| !is_no_setting(error))
    {
        return Some(CONFIGURATION);
    }
    if cause.is::<email::relay::Error>() {
        return Some(CONFIGURATION);
    }
    if let Some(held) = cause.downcast_ref::<lock::LockError>() {
        return match held {
            lock::LockError::InstanceRunning { .. }
            | lock::LockError::WorkersRunning { .. }
            | lock::LockError::WithoutWorkers { .. }
            | lock::LockError::CapturesLocked { .. } => Some(ANOTHER_INSTANCE),
            lock::LockError::Impossible { source, .. } => match source.kind() {
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Some(PERMISSION),
                _ => None,
            },
        };
    }
    if let Some(fault) = cause.downcast_ref::<archive::Error>() {
        return match fault {
            archive::Error::NotWritable { .. } | archive::Error::OtherOwner { .. } => Some(PERMISSION),
            archive::Error::Io { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
                Some(PERMISSION)
            }
            archive::Error::Newer { .. }
            | archive::Error::InBucket { .. }
            | archive::Error::NotInBucket { .. } => Some(CONFIGURATION),
            _ => None,
        };
    }
    if let Some(
        catalogue::Error::Newer { .. }
        | catalogue::Error::Older { .. }
        | catalogue::Error::OlderAtWork { .. }
        | catalogue::Error::Outdated,
    ) = cause.downcast_ref()
    {
        return Some(CONFIGURATION);
    }
    None
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    #[test]
    fn a_lock_without_permission_is_not_another_instance() {
        let held = |kind: std::io::ErrorKind| {
            let held = super::lock::LockError::Impossible { dir: "archive".into(), source: kind.into() };
            super::code(&held)
        };
        assert_eq!(held(std::io::ErrorKind::PermissionDenied), Some(super::PERMISSION));
        assert_eq!(held(std::io::ErrorKind::ReadOnlyFilesystem), Some(super::PERMISSION));
        assert_eq!(held(std::io::ErrorKind::Other), None);
    }

    #[test]
    fn a_cause_is_printed_once() {
        let disk = std::io::Error::other("no space left");
        let error = anyhow::Error::new(disk).context("cannot write x: no space left; free some");
        assert_eq!(super::message(&error), "cannot write x: no space left; free some");
        let error = Err::<(), _>(error).context("the night failed").unwrap_err();
        assert_eq!(super::message(&error), "the night failed: cannot write x: no space left; free some");
    }
}
