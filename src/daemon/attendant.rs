//! Who listens while the work goes on: to the operator's signals, the
//! supervisor's watchdog, and the companions.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use super::beside::Beside;
use super::tidings;
use crate::config;
use crate::world::clock::Clock;
use crate::world::signals::{OperatorSignal, Signals};
use crate::world::systemd::ServiceManager;

/// Without a watchdog nobody waits for a sign of life.
const NO_WATCHDOG: Duration = Duration::from_mins(1);

const REFUSED: &str = "the new configuration was refused; the old one is in force";

/// Why [`Attendant::attend`] came back.
#[derive(Debug)]
pub(super) enum Outcome<T> {
    Done(T),
    /// The configuration was read again, with or without success; the work
    /// goes on when it is attended to again.
    Reloaded,
    Stop,
}

pub(super) struct Attendant {
    file: PathBuf,
    archive: PathBuf,
    clock: Clock,
    signals: Signals,
    service_manager: ServiceManager,
    pub(super) beside: Beside,
    /// A good configuration that is not in force yet.
    read: Option<config::Settings>,
    /// The one on the disk is not.
    is_refused: bool,
}

impl Attendant {
    pub(super) fn new(
        file: &Path,
        settings: &config::Settings,
        clock: Clock,
        beside: Beside,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            file: file.to_owned(),
            archive: settings.archive.clone(),
            clock,
            signals: Signals::listen().context("cannot listen to signals")?,
            service_manager: ServiceManager::find(),
            beside,
            read: None,
            is_refused: false,
        })
    }

    pub(super) fn ready(&self, status: &str) {
        self.service_manager.ready(status);
    }

    pub(super) fn status(&self, status: &str) {
        if self.is_refused {
            self.service_manager.status(&format!("{status}; {REFUSED}"));
        } else {
            self.service_manager.status(status);
        }
    }

    /// Lets work go on until it is done or something else is to be done first.
    ///
    /// # Errors
    ///
    /// A companion ended early.
    pub(super) async fn attend<F: Future + Unpin>(
        &mut self,
        work: &mut F,
    ) -> anyhow::Result<Outcome<F::Output>> {
        loop {
            // Before each wait and not after it: work that ends as often as a
            // sign of life is due would leave out every one.
            self.service_manager.ping_watchdog();
            tokio::select! {
                biased;
                call = self.signals.next() => match call {
                    OperatorSignal::Stop => return Ok(Outcome::Stop),
                    OperatorSignal::Reload => {
                        self.reload();
                        return Ok(Outcome::Reloaded);
                    }
                },
                early = self.beside.companions.ended() => return Err(early),
                done = &mut *work => return Ok(Outcome::Done(done)),
                () = self.clock.sleep(self.service_manager.watchdog_interval.unwrap_or(NO_WATCHDOG)) => {}
            }
        }
    }

    /// The configuration that was read since this was asked last.
    pub(super) fn taken(&mut self) -> Option<config::Settings> {
        self.read.take()
    }

    /// Reads the configuration again; a bad one is reported, and nothing changes.
    fn reload(&mut self) {
        self.service_manager.reloading();
        let read = config::read(&self.file).and_then(|settings| settings.only(None, &self.file));
        let status = match read {
            Ok(settings) if settings.archive != self.archive => {
                tracing::error!(
                    "archive.dir cannot change while running, so the old configuration stays; restart to change it"
                );
                REFUSED
            }
            Ok(settings) => {
                self.read = Some(settings);
                "the new configuration is in force from the next night on"
            }
            Err(mistake) => {
                let mistake = tidings::told(&mistake.into());
                tracing::error!(%mistake, "the new configuration is not taken; the old one stays");
                REFUSED
            }
        };
        self.is_refused = status == REFUSED;
        self.service_manager.ready(status);
    }

    pub(super) async fn stop(&mut self) {
        self.service_manager.stopping();
        self.beside.companions.stop().await;
    }
}
