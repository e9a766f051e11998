//! The lease of this process, and the pace of the hosts that it keeps together with others.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::domain::policy::service_role::ServiceRole;
use crate::world::catalogue::{self, Catalogue, HostAvailability, HostLease, ProcessId};
use crate::world::clock::Clock;
use crate::world::fetch::{PacedRequest, SharedPace, SharedTurn, Taken};
use crate::world::machine;

/// A lease is renewed so many times before it is over.
const RENEWALS: u32 = 6;
/// How often and in which intervals a write is tried.
const WRITES: u32 = 600;
const PAUSE: Duration = Duration::from_secs(1);
/// A host that asks for no more requests gets none for this time, which is a night.
const STOP: Duration = Duration::from_hours(6);

/// The lease of this process. While [`Self::keep`] runs, it is renewed; if it is lost, the
/// process gets another one: at once, or when the scheduler ends that has taken over from it.
pub struct ProcessLease {
    catalogue: Catalogue,
    clock: Clock,
    name: String,
    terms: LeaseTerms,
    /// The requests that this process has sent.
    requests: Arc<AtomicU64>,
    /// The visits that it has stored.
    visits: AtomicU64,
    current: watch::Sender<CurrentLease>,
}

/// The lease that a process wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTerms {
    pub role: ServiceRole,
    pub duration: Duration,
    /// Whether it is that of the only process that runs nights.
    pub is_only: bool,
}

impl LeaseTerms {
    /// Begins a lease; `None` while another scheduler has it.
    async fn begin(self, name: &str, catalogue: &Catalogue) -> Result<Option<ProcessId>, catalogue::Error> {
        if self.is_only {
            return catalogue.begin_only_scheduler(name, self.role, self.duration).await;
        }
        catalogue.begin_lease(name, self.role, self.duration).await.map(Some)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CurrentLease {
    process: ProcessId,
    /// Until then it lasts for certain, by the clock of this process.
    until: Instant,
    /// From then on the process sends requests.
    requests_from: Instant,
    /// Another scheduler has taken over, so this one waits for another lease.
    is_lost: bool,
}

impl ProcessLease {
    /// Begins the lease. That of the only process that runs nights begins when no other one lasts.
    ///
    /// # Errors
    ///
    /// The catalogue cannot be used.
    pub async fn begin(catalogue: Catalogue, clock: Clock, terms: LeaseTerms) -> anyhow::Result<Arc<Self>> {
        let name = machine::process_name();
        let mut waits = false;
        let (asked, process) = loop {
            let asked = clock.instant();
            match terms.begin(&name, &catalogue).await {
                Ok(Some(process)) => break (asked, process),
                Ok(None) if waits => {}
                Ok(None) => tracing::info!("waiting until the other scheduler ends"),
                // It waits for the other scheduler all the same.
                Err(error) if waits && error.is_away() => {
                    tracing::warn!(%error, "the catalogue is away; this scheduler goes on waiting");
                }
                Err(error) => return Err(error.into()),
            }
            waits = true;
            clock.sleep(PAUSE).await;
        };
        let until = asked + terms.duration;
        let current =
            watch::Sender::new(CurrentLease { process, until, requests_from: asked, is_lost: false });
        Ok(Arc::new(Self {
            catalogue,
            clock,
            name,
            terms,
            requests: Arc::default(),
            visits: AtomicU64::default(),
            current,
        }))
    }

    /// The name of this process.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of requests that this process has sent; it goes on counting.
    pub fn requests(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.requests)
    }

    /// The number of visits that this process has stored; it goes on counting.
    pub fn visits(&self) -> u64 {
        self.visits.load(Ordering::Relaxed)
    }

    pub(super) fn count_visits(&self, stored: usize) {
        self.visits.fetch_add(stored as u64, Ordering::Relaxed);
    }

    pub fn process(&self) -> ProcessId {
        self.current.borrow().process
    }

    /// Renews the lease for as long as the future is polled. Returns only if this program can
    /// have no lease, because a newer version has changed the catalogue.
    pub async fn keep(&self) -> catalogue::Error {
        loop {
            let (is_lost, interval) = (self.is_lost(), self.terms.duration / RENEWALS);
            self.clock.sleep(if is_lost { interval.min(PAUSE) } else { interval }).await;
            match if is_lost { self.replace().await } else { self.renew().await } {
                Ok(()) if is_lost => tracing::info!("the other scheduler has ended, so this one goes on"),
                Ok(()) => {}
                Err(error @ catalogue::Error::Outdated) => return error,
                Err(catalogue::Error::LeaseOver) if is_lost => {}
                Err(catalogue::Error::LeaseOver) => {
                    tracing::warn!(
                        "another scheduler has taken over, because the lease of this one was over; waiting until the other scheduler ends"
                    );
                    self.current.send_modify(|current| current.is_lost = true);
                }
                Err(error) => tracing::warn!(%error, "the lease of this process cannot be renewed now"),
            }
        }
    }

    fn is_lost(&self) -> bool {
        self.current.borrow().is_lost
    }

    async fn renew(&self) -> Result<(), catalogue::Error> {
        let (process, asked) = (self.process(), self.clock.instant());
        if self.catalogue.renew_lease(process, self.terms.duration).await? {
            self.current.send_modify(|current| {
                if current.process == process {
                    current.until = asked + self.terms.duration;
                }
            });
        } else if self.process() == process {
            self.replace().await?;
            tracing::warn!("the lease of this process was over, so others have its shards; it has a new one");
        }
        Ok(())
    }

    /// Ends the lease, and begins another one: what the old one held is free.
    ///
    /// A server that was restarted or replaced may not know of the last requests of other processes,
    /// so this one sends none until every lease of the server before is over.
    pub async fn replace(&self) -> Result<(), catalogue::Error> {
        let before = self.process();
        self.catalogue.return_shards(before).await?;
        self.catalogue.end_lease(before).await?;
        let asked = self.clock.instant();
        let begun = self.terms.begin(&self.name, &self.catalogue).await?;
        let process = begun.ok_or(catalogue::Error::LeaseOver)?;
        let mut requests_from = self.current.borrow().requests_from;
        if process.server() != before.server() {
            requests_from = asked + self.terms.duration;
        }
        self.current.send_replace(CurrentLease {
            process,
            until: asked + self.terms.duration,
            requests_from,
            is_lost: false,
        });
        Ok(())
    }

    /// Returns when another scheduler has taken over from this one.
    pub async fn lost_to_another(&self) {
        // The sender is a part of this value.
        let _ = self.current.subscribe().wait_for(|current| current.is_lost).await;
    }

    /// Returns when this process has its lease.
    pub async fn held(&self) {
        let _ = self.current.subscribe().wait_for(|current| !current.is_lost).await;
    }

    /// Returns when the process has another lease than this one.
    pub async fn replaced(&self, process: ProcessId) {
        // The sender is a part of this value.
        let _ = self.current.subscribe().wait_for(|current| current.process != process).await;
    }

    /// Gives back all that the process holds.
    pub async fn end(&self) -> Result<(), catalogue::Error> {
        self.catalogue.return_shards(self.process()).await?;
        self.catalogue.end_lease(self.process()).await
    }

    /// The process, if its lease outlives a request of this time by the clock of this process:
    /// a process that was stopped does not know how late it is for the server.
    fn outliving(&self, time: Duration) -> Option<ProcessId> {
        let CurrentLease { process, until, .. } = *self.current.borrow();
        let left = until.saturating_duration_since(self.clock.instant());
        (left >= time.min(self.terms.duration / 2)).then_some(process)
    }

    async fn taken(&self, request: PacedRequest<'_>) -> Taken {
        let renewal = self.terms.duration / RENEWALS / 2;
        let requests_from = self.current.borrow().requests_from;
        let wait = requests_from.saturating_duration_since(self.clock.instant());
        if !wait.is_zero() {
            return Taken::Later(wait);
        }
        let Some(process) = self.outliving(request.time) else { return Taken::Later(renewal) };
        match self.leased(request, process).await {
            Ok(Ok(host)) => {
                if self.outliving(request.time) == Some(process) {
                    self.requests.fetch_add(1, Ordering::Relaxed);
                    return Taken::Turn(Box::new(host));
                }
                Taken::Later(renewal)
            }
            Ok(Err(HostAvailability::Paused(pause))) => Taken::Later(pause),
            Ok(Err(HostAvailability::LeaseOver)) => Taken::Later(renewal),
            Ok(Err(HostAvailability::Stopped)) => Taken::Stopped,
            Ok(Err(HostAvailability::Busy | HostAvailability::Free(_))) => Taken::Later(Duration::ZERO),
            Err(error) if error.downcast_ref().is_some_and(catalogue::Error::is_away) => Taken::Later(PAUSE),
            Err(error) => Taken::Failed(error.to_string()),
        }
    }

    /// Takes the host, or returns why another process has it. The request to the catalogue runs
    /// in a task of its own: if the caller is cancelled meanwhile, the host is given back.
    async fn leased(
        &self,
        request: PacedRequest<'_>,
        process: ProcessId,
    ) -> anyhow::Result<Result<LeasedHost, HostAvailability>> {
        let (catalogue, clock) = (self.catalogue.clone(), self.clock);
        let (host, pause) = (request.host.to_owned(), request.pause);
        let question = tokio::spawn(async move {
            Ok(match catalogue.lease_host(&host, process, pause).await? {
                HostAvailability::Free(lease) => {
                    Ok(LeasedHost { lease: Some(lease), pause: Duration::ZERO, catalogue, clock })
                }
                not_free => Err(not_free),
            })
        });
        question.await?
    }
}

impl SharedPace for ProcessLease {
    fn take<'a>(&'a self, request: PacedRequest<'a>) -> Pin<Box<dyn Future<Output = Taken> + Send + 'a>> {
        Box::pin(self.taken(request))
    }

    fn stop(&self, host: &str) {
        let (catalogue, host) = (self.catalogue.clone(), host.to_owned());
        in_background(self.clock, move || {
            let (catalogue, host) = (catalogue.clone(), host.clone());
            async move { catalogue.stop_host(&host, STOP).await }
        });
    }
}

impl fmt::Debug for ProcessLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessLease").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A host that this process may send one request. It is given back with this value.
struct LeasedHost {
    /// Set until it is given back.
    lease: Option<HostLease>,
    /// The pause until its next request.
    pause: Duration,
    catalogue: Catalogue,
    clock: Clock,
}

impl SharedTurn for LeasedHost {
    fn end(mut self: Box<Self>, pause: Duration) {
        self.pause = pause;
    }
}

impl Drop for LeasedHost {
    fn drop(&mut self) {
        let Some(lease) = self.lease.take() else { return };
        let (catalogue, pause) = (self.catalogue.clone(), self.pause);
        in_background(self.clock, move || {
            let (catalogue, lease) = (catalogue.clone(), lease.clone());
            async move { catalogue.return_host(&lease, pause).await }
        });
    }
}

/// Writes to the catalogue after a request, again and again if it is away. Without it a host
/// would wait until the lease of this process is over.
fn in_background<W>(clock: Clock, write: impl Fn() -> W + Send + 'static)
where
    W: Future<Output = Result<(), catalogue::Error>> + Send,
{
    // Without a runtime the process ends.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        for _ in 0..WRITES {
            let Err(error) = write().await else { return };
            tracing::debug!(%error, "the pace of a host cannot be written now");
            clock.sleep(PAUSE).await;
        }
        tracing::warn!("the pace of a host could not be written to the catalogue");
    });
}
