//! The pace of hosts that several processes share. Within a process `host_queue` keeps it.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use crate::world::clock::Clock;

/// Keeps one pace of each host for all processes that send requests.
pub trait SharedPace: fmt::Debug + Send + Sync {
    /// Takes the host for one request if it may get one now. `time` is the longest time until
    /// its response head.
    fn take<'a>(&'a self, request: PacedRequest<'a>) -> Pin<Box<dyn Future<Output = Taken> + Send + 'a>>;

    /// Sends the host no more requests.
    fn stop(&self, host: &str);
}

/// A request that waits for its turn.
#[derive(Clone, Copy, Debug)]
pub struct PacedRequest<'a> {
    pub host: &'a str,
    /// The pause between the requests to the host.
    pub pause: Duration,
    /// The longest time until the response head.
    pub time: Duration,
}

/// Whether a request may be sent.
pub enum Taken {
    Turn(Box<dyn SharedTurn>),
    /// It may be sent after this time at the earliest.
    Later(Duration),
    /// The host asked for no more requests.
    Stopped,
    /// The pace is not known, for this reason.
    Failed(String),
}

/// The right to one request to a host.
pub trait SharedTurn: Send + Sync {
    /// Returns the host, which may get its next request after this pause.
    fn end(self: Box<Self>, pause: Duration);
}

/// The longest pause before the pace is asked again.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The pauses of a request between its attempts to take the host.
#[derive(Debug)]
pub(super) struct RepeatedTake(Duration);

impl Default for RepeatedTake {
    fn default() -> Self {
        Self(Duration::from_millis(20))
    }
}

impl RepeatedTake {
    /// Waits for the time that the pace named, or longer each time if a request is in progress.
    pub(super) async fn wait(&mut self, named: Duration, clock: Clock) {
        let pause = named.max(self.0);
        self.0 = (self.0 * 2).min(LONGEST_PAUSE);
        clock.sleep(pause).await;
    }
}
