//! A mail handed to a program as `sendmail` takes it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::fs::Access;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::{HandOver, OutgoingEmail, said};

/// A program that only queues is done in no time; this one hangs.
const LONGEST: Duration = Duration::from_mins(5);

/// Whether there is a program that we may run.
pub(super) fn is_there(program: &Path) -> Result<(), String> {
    rustix::fs::access(program, Access::EXEC_OK)
        .map_err(|error| format!("cannot run {}: {}", program.display(), std::io::Error::from(error)))
}

pub(super) async fn hand_on(program: &Path, parcel: &OutgoingEmail<'_>) -> HandOver {
    match tokio::time::timeout(LONGEST, run(program, parcel)).await {
        Err(_) => HandOver::Unanswered(format!("{} did not end within 5 minutes", program.display())),
        Ok(Err(error)) => HandOver::NoRelay(format!("cannot run {}: {error}", program.display())),
        Ok(Ok(outcome)) => outcome,
    }
}

async fn run(program: &Path, parcel: &OutgoingEmail<'_>) -> std::io::Result<HandOver> {
    let mut child = Command::new(program)
        .args(["-i", "-f"])
        .arg(&parcel.from.email)
        .arg("--")
        .arg(parcel.to.as_str())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    // A program that ends before it has read everything says why by its exit code.
    if let Some(mut stdin) = child.stdin.take() {
        let lines = String::from_utf8_lossy(parcel.mail).replace("\r\n", "\n");
        let _ = stdin.write_all(lines.as_bytes()).await;
    }
    let output = child.wait_with_output().await?;
    let words = said(&String::from_utf8_lossy(&output.stderr));
    Ok(judge(program, output.status.code(), &words))
}

/// After `sysexits.h`; what a code leaves open is tried again.
fn judge(program: &Path, code: Option<i32>, words: &str) -> HandOver {
    let told = |code: i32| format!("{} ended with {code}: {words}", program.display());
    match code {
        Some(0) => HandOver::Taken(format!("taken by {}", program.display())),
        // EX_DATAERR, EX_NOUSER, EX_NOHOST
        Some(code @ (65 | 67 | 68)) => HandOver::Refused(told(code)),
        // EX_USAGE, EX_NOPERM, EX_CONFIG
        Some(code @ (64 | 77 | 78)) => HandOver::NoRelay(told(code)),
        Some(code) => HandOver::Later(told(code)),
        None => HandOver::Unanswered(format!("{} was killed", program.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_code_says_whether_to_try_again() {
        let judge = |code| judge(Path::new("/usr/sbin/sendmail"), code, "words");
        assert!(matches!(judge(Some(0)), HandOver::Taken(_)));
        assert!(matches!(judge(Some(67)), HandOver::Refused(_)));
        assert!(matches!(judge(Some(75)), HandOver::Later(_)));
        assert!(matches!(judge(Some(1)), HandOver::Later(_)));
        assert!(matches!(judge(Some(78)), HandOver::NoRelay(_)));
        assert!(matches!(judge(None), HandOver::Unanswered(_)));
    }
}
