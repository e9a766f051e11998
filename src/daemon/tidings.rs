//! What the service says of its nights: to the log, and to the outside watcher.

use tokio::sync::mpsc::{self, UnboundedSender};

use super::agenda::Due;
use crate::domain::schedule::Occasion;
use crate::domain::verdict::StateName;
use crate::night::{Finished, Rechecked};
use crate::world::archive::FixityResults;
use crate::world::clock::Clock;
use crate::world::ping::{self, Ping, PingUrl};

/// Pings leave one after another, so that an end is never told before its
/// start, and nothing waits for them.
pub(super) struct Tidings {
    pings: UnboundedSender<(PingUrl, Ping)>,
}

impl Tidings {
    pub(super) fn new(clock: Clock) -> Self {
        let (pings, mut waiting) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some((to, ping)) = waiting.recv().await {
                ping::send(&to, ping, clock).await;
            }
        });
        Self { pings }
    }

    pub(super) fn tell(&self, watcher: Option<&PingUrl>, ping: Ping) {
        if let Some(watcher) = watcher {
            // The task ends only with us.
            let _ = self.pings.send((watcher.clone(), ping));
        }
    }
}

pub(super) fn begins(due: &[Due]) {
    for due in due {
        let course = &due.course;
        match due.occasion {
            None => tracing::info!(%course, "going on with a night that was cut short"),
            Some(Occasion::Night) => tracing::info!(%course, "the night begins"),
            Some(Occasion::ReadyForTerm { days_before }) => {
                tracing::info!(%course, days_before, "the check before the term begins");
            }
        }
    }
}

pub(super) fn ended(night: &Finished) {
    for unread in &night.unread {
        tracing::error!(course = %unread.course, trouble = %unread.trouble, "no page of the course could be read");
    }
    for course in &night.courses {
        if let Some(trouble) = &course.page_trouble {
            tracing::warn!(course = %course.course, ?trouble, "the course page was not read as it is");
        }
    }
    if let Some(void) = night.void {
        tracing::warn!(?void, "our own side failed, so the night says nothing");
    }
    tracing::info!(
        night = night.id,
        links = night.courses.iter().map(|course| course.items.len()).sum::<usize>(),
        dead = night.count(StateName::Dead),
        failing = night.count(StateName::Failing),
        changed = night.count(StateName::Changed),
        requests = night.requests,
        bytes = night.bytes,
        seconds = night.finished.duration_since(night.started).as_secs(),
        "the night is over"
    );
}

/// A night that says nothing, or nothing of some course, is one to be alarmed at.
pub(super) fn ping_for(night: &Finished) -> Ping {
    if night.void.is_some() || !night.unread.is_empty() { Ping::Failure } else { Ping::Success }
}

/// What hashing some of the copies again came to. Damage is for whoever has the backups.
pub(super) fn scrubbed(fixity: anyhow::Result<FixityResults>) {
    match fixity {
        Ok(fixity) => {
            for damage in &fixity.damaged {
                let moved_to = damage.moved_to.display();
                tracing::error!(blob = damage.name, %moved_to, "a copy is altered and was set aside; restore it from a backup");
            }
            tracing::info!(
                verified = fixity.sound.len(),
                bytes = fixity.bytes,
                altered = fixity.damaged.len(),
                "copies were hashed again"
            );
        }
        Err(error) => tracing::error!(error = %told(&error), "copies could not be hashed again"),
    }
}

pub(super) fn looked(looked: anyhow::Result<Rechecked>) {
    match looked {
        Ok(looked) => {
            tracing::info!(links = looked.links, cleared = looked.cleared, "looked at failing links");
        }
        // The night will look again; the failing is told then.
        Err(error) => tracing::warn!(error = %told(&error), "the look by day failed"),
    }
}

pub(super) fn courses(count: usize) -> String {
    if count == 1 { "1 course".to_owned() } else { format!("{count} courses") }
}

/// An error with its causes, in one line.
pub(super) fn told(error: &anyhow::Error) -> String {
    format!("{error:#}")
}
