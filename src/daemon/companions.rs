//! What runs beside the nights for as long as the service does: the pages, the outbox.

use std::future::pending;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

/// How long companions may take to end once they are told.
const FAREWELL: Duration = Duration::from_secs(5);

/// Tasks that end only when they are told to. One that ends before ends the service.
#[derive(Debug)]
pub(super) struct Companions {
    tasks: JoinSet<(&'static str, anyhow::Result<()>)>,
    stop: watch::Sender<bool>,
}

/// Comes when a companion is to end.
#[derive(Clone, Debug)]
pub(super) struct Stopping(watch::Receiver<bool>);

impl Stopping {
    /// Returns once the service stops.
    pub(super) async fn told(mut self) {
        // The sender is gone only when the service is.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

impl Default for Companions {
    fn default() -> Self {
        Self { tasks: JoinSet::new(), stop: watch::Sender::new(false) }
    }
}

impl Companions {
    /// Starts one; `name` is what it is called when it fails.
    pub(super) fn add<F>(&mut self, name: &'static str, task: impl FnOnce(Stopping) -> F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let task = task(Stopping(self.stop.subscribe()));
        self.tasks.spawn(async move { (name, task.await) });
    }

    /// Returns when one ended that was not told to, and why.
    pub(super) async fn ended(&mut self) -> anyhow::Error {
        match self.tasks.join_next().await {
            None => pending().await,
            Some(ended) => why(ended),
        }
    }

    /// Tells all to end, and cuts off those that do not.
    pub(super) async fn stop(&mut self) {
        self.stop.send_replace(true);
        let all = async {
            while let Some(ended) = self.tasks.join_next().await {
                if let Ok((name, Err(error))) = ended {
                    tracing::warn!(name, %error, "did not end well");
                }
            }
        };
        if tokio::time::timeout(FAREWELL, all).await.is_err() {
            tracing::warn!("some work beside the nights was cut off");
            self.tasks.abort_all();
        }
    }
}

fn why(ended: Result<(&'static str, anyhow::Result<()>), JoinError>) -> anyhow::Error {
    match ended {
        Ok((name, Ok(()))) => anyhow::anyhow!("{name} ended although the service goes on; this is a bug"),
        Ok((name, Err(error))) => error.context(format!("{name} failed")),
        Err(error) => anyhow::Error::new(error).context("work beside the nights broke down"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_companion_that_ends_early_is_a_failure() {
        let mut companions = Companions::default();
        companions.add("the pages", |stop| async move {
            stop.told().await;
            Ok(())
        });
        companions.add("the outbox", |_| async { anyhow::bail!("the relay exploded") });
        let why = format!("{:#}", companions.ended().await);
        assert_eq!(why, "the outbox failed: the relay exploded");
        companions.stop().await;
        assert!(companions.tasks.is_empty());
    }

    #[tokio::test]
    async fn a_companion_that_breaks_down_is_a_failure() {
        let mut companions = Companions::default();
        companions.add("the pages", |_| async { panic!("oh") });
        assert!(format!("{:#}", companions.ended().await).contains("broke down"));
    }
}
