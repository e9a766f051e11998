//! The background tasks of the service: serving the pages, delivering emails.
//!
//! They run beside the nights and end when the service stops.

use std::future::pending;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

/// Tasks that end only at the stop signal. A task that ends earlier ends the service.
#[derive(Debug)]
pub(super) struct BackgroundTasks {
    tasks: JoinSet<(&'static str, anyhow::Result<()>)>,
    stop: watch::Sender<bool>,
}

/// The signal for a task to end.
#[derive(Clone, Debug)]
pub(super) struct StopSignal(watch::Receiver<bool>);

impl StopSignal {
    /// Returns once the service stops.
    pub(super) async fn wait(mut self) {
        // The sender is gone only when the service is.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

impl Default for BackgroundTasks {
    fn default() -> Self {
        Self { tasks: JoinSet::new(), stop: watch::Sender::new(false) }
    }
}

impl BackgroundTasks {
    /// Starts a task; errors contain its `name`.
    pub(super) fn add<F>(&mut self, name: &'static str, task: impl FnOnce(StopSignal) -> F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let task = task(StopSignal(self.stop.subscribe()));
        self.tasks.spawn(async move { (name, task.await) });
    }

    /// Returns when a task ends without the stop signal, with the reason.
    pub(super) async fn ended(&mut self) -> anyhow::Error {
        match self.tasks.join_next().await {
            None => pending().await,
            Some(ended) => why(ended),
        }
    }

    /// Sends the stop signal, and aborts the tasks that do not end within this time.
    pub(super) async fn stop(&mut self, timeout: Duration) {
        self.stop.send_replace(true);
        let all = async {
            while let Some(ended) = self.tasks.join_next().await {
                if let Ok((name, Err(error))) = ended {
                    tracing::warn!(name, %error, "a background task failed while it stopped");
                }
            }
        };
        if tokio::time::timeout(timeout, all).await.is_err() {
            tracing::warn!(
                seconds = timeout.as_secs(),
                "background tasks did not stop in time and were aborted"
            );
            self.tasks.abort_all();
        }
    }
}

fn why(ended: Result<(&'static str, anyhow::Result<()>), JoinError>) -> anyhow::Error {
    match ended {
        Ok((name, Ok(()))) => {
            anyhow::anyhow!("{name} ended although the service is running; please report this bug")
        }
        Ok((name, Err(error))) => error.context(format!("{name} failed")),
        Err(error) => anyhow::Error::new(error).context("a background task panicked"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_ends_early_is_a_failure() {
        let mut tasks = BackgroundTasks::default();
        tasks.add("the pages", |stop| async move {
            stop.wait().await;
            Ok(())
        });
        tasks.add("the outbox", |_| async { anyhow::bail!("the relay is unreachable") });
        let why = format!("{:#}", tasks.ended().await);
        assert_eq!(why, "the outbox failed: the relay is unreachable");
        tasks.stop(Duration::from_secs(5)).await;
        assert!(tasks.tasks.is_empty());
    }

    #[tokio::test]
    async fn a_task_that_panics_is_a_failure() {
        let mut tasks = BackgroundTasks::default();
        tasks.add("the pages", |_| async { panic!("oh") });
        assert!(format!("{:#}", tasks.ended().await).contains("panicked"));
    }
}
