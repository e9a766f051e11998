//! The process group of a browser: its command line, its profile, and its end.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, geteuid, kill_process_group, test_kill_process_group};
use tempfile::TempDir;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::{BrowserSettings, Error};
use crate::world::clock::Clock;

/// Chromium reads the protocol from descriptor 3 and writes to descriptor 4. The shell
/// makes them of its standard input and output, without core dumps and with a bound for
/// each file, in blocks of 512 bytes.
const SHELL: &str =
    "exec 3<&0 4>&1 </dev/null >/dev/null; ulimit -c 0; ulimit -f 1048576; exec \"$0\" \"$@\"";

/// Nothing leaves the browser but by an intercepted request. The proxy has no address,
/// also for loopback, which Chromium otherwise reaches directly; names have none either.
const WITHOUT_NETWORK: &[&str] = &[
    "--proxy-server=http://proxy.invalid:9",
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--disable-quic",
    "--dns-prefetch-disable",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-client-side-phishing-detection",
    "--no-pings",
    "--disable-features=MediaRouter,DialMediaRouteProvider,WebRtcHideLocalIpsWithMdns,Translate,\
     OptimizationHints,NetworkPrediction,Prerender2,AsyncDns,DnsOverHttps,CertificateTransparencyComponentUpdater,\
     IsolateOrigins,site-per-process",
];

const OTHER: &[&str] = &[
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-site-isolation-trials",
    "--disable-notifications",
    "--disk-cache-size=1",
    "--hide-scrollbars",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",
    "--window-size=1280,1600",
    "--js-flags=--max-old-space-size=512",
];

/// How often and how long the end of the processes is awaited.
const END_POLL: Duration = Duration::from_millis(20);
const END_POLLS: u32 = 250;

/// A running browser. Dropping it ends the whole process group.
pub(super) struct BrowserProcess {
    child: Child,
    group: Option<Pid>,
    _profile: TempDir,
}

impl BrowserProcess {
    pub(super) fn start(settings: &BrowserSettings) -> Result<Self, Error> {
        let profile =
            tempfile::Builder::new().prefix("onreserve-browser-").tempdir().map_err(Error::Profile)?;
        let child = Command::new("/bin/sh")
            .arg("-c")
            .arg(SHELL)
            .arg(&settings.program)
            .args(arguments(settings, profile.path()))
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", profile.path())
            .env("TMPDIR", profile.path())
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| Error::NotStarted { program: settings.program.clone(), source })?;
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok(Self { child, group, _profile: profile })
    }

    pub(super) fn requests(&mut self) -> Result<ChildStdin, Error> {
        self.child.stdin.take().ok_or(Error::Ended)
    }

    pub(super) fn answers(&mut self) -> Result<ChildStdout, Error> {
        self.child.stdout.take().ok_or(Error::Ended)
    }

    /// Ends the browser and waits until each of its processes has gone, so that its profile
    /// can be removed. A killed process goes within milliseconds, unless a disk holds it.
    pub(super) async fn end(mut self, clock: Clock) {
        self.kill();
        if let Err(error) = self.child.wait().await {
            tracing::warn!(%error, "the browser could not be waited for");
        }
        let Some(group) = self.group else { return };
        for _ in 0..END_POLLS {
            if test_kill_process_group(group).is_err() {
                return;
            }
            clock.sleep(END_POLL).await;
        }
        tracing::warn!("processes of the browser still run");
    }

    fn kill(&self) {
        let Some(group) = self.group else { return };
        match kill_process_group(group, Signal::KILL) {
            Ok(()) => {}
            // It has ended by itself.
            Err(error) if error.raw_os_error() == rustix::io::Errno::SRCH.raw_os_error() => {}
            Err(error) => {
                let error = io::Error::from(error);
                tracing::warn!(%error, "the browser could not be ended");
            }
        }
    }
}

impl Drop for BrowserProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

fn arguments(settings: &BrowserSettings, profile: &Path) -> Vec<OsString> {
    let mut profile_argument = OsString::from("--user-data-dir=");
    profile_argument.push(profile);
    let mut arguments: Vec<OsString> = OTHER.iter().chain(WITHOUT_NETWORK).map(OsString::from).collect();
    arguments.push(format!("--renderer-process-limit={}", settings.limits.renderers.max(1)).into());
    arguments.push(profile_argument);
    // The sandbox of Chromium refuses to run as root.
    if geteuid().is_root() {
        arguments.push("--no-sandbox".into());
    }
    arguments.push("about:blank".into());
    arguments
}
