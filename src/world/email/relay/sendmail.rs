//! Sending through a program with the interface of `sendmail`.

#![expect(clippy::disallowed_methods, reason = "this module starts the local mail program")]

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::fs::Access;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::{OutgoingEmail, SendResult, one_line};

/// A program that runs longer is stopped. Queueing an email takes seconds.
const LONGEST: Duration = Duration::from_mins(5);

/// Checks that the program exists and may be run.
pub(super) fn is_there(program: &Path) -> Result<(), String> {
    rustix::fs::access(program, Access::EXEC_OK)
        .map_err(|error| format!("cannot run {}: {}", program.display(), std::io::Error::from(error)))
}

pub(super) async fn send(program: &Path, outgoing: &OutgoingEmail<'_>) -> SendResult {
    match tokio::time::timeout(LONGEST, run(program, outgoing)).await {
        Err(_) => SendResult::Unanswered(format!("{} did not end within 5 minutes", program.display())),
        Ok(Err(error)) => SendResult::NoRelay(format!("cannot run {}: {error}", program.display())),
        Ok(Ok(outcome)) => outcome,
    }
}

async fn run(program: &Path, outgoing: &OutgoingEmail<'_>) -> std::io::Result<SendResult> {
    let mut child = Command::new(program)
        .args(["-i", "-f"])
        .arg(&outgoing.from.email)
        .arg("--")
        .arg(outgoing.to.as_str())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    // A program that ends early fails this write; its exit code has the reason.
    if let Some(mut stdin) = child.stdin.take() {
        let lines = String::from_utf8_lossy(outgoing.mail).replace("\r\n", "\n");
        let _ = stdin.write_all(lines.as_bytes()).await;
    }
    let output = child.wait_with_output().await?;
    let words = one_line(&String::from_utf8_lossy(&output.stderr));
    Ok(judge(program, output.status.code(), &words))
}

/// Reads an exit code of `sysexits.h`. After any other code the email is tried again.
fn judge(program: &Path, code: Option<i32>, words: &str) -> SendResult {
    let answer = |code: i32| format!("{} ended with {code}: {words}", program.display());
    match code {
        Some(0) => SendResult::Accepted(format!("taken by {}", program.display())),
        // EX_DATAERR, EX_NOUSER, EX_NOHOST
        Some(code @ (65 | 67 | 68)) => SendResult::Refused(answer(code)),
        // EX_USAGE, EX_NOPERM, EX_CONFIG
        Some(code @ (64 | 77 | 78)) => SendResult::NoRelay(answer(code)),
        Some(code) => SendResult::Deferred(answer(code)),
        None => SendResult::Unanswered(format!("{} was killed", program.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_decides_whether_to_try_again() {
        let judge = |code| judge(Path::new("/usr/sbin/sendmail"), code, "words");
        assert!(matches!(judge(Some(0)), SendResult::Accepted(_)));
        assert!(matches!(judge(Some(67)), SendResult::Refused(_)));
        assert!(matches!(judge(Some(75)), SendResult::Deferred(_)));
        assert!(matches!(judge(Some(1)), SendResult::Deferred(_)));
        assert!(matches!(judge(Some(78)), SendResult::NoRelay(_)));
        assert!(matches!(judge(None), SendResult::Unanswered(_)));
    }
}
