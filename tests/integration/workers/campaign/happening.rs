//! Makes each kind of failure happen, and ends it.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use rustix::process::Signal;
use sqlx::{Connection as _, PgConnection};
use tokio::time::{sleep, timeout};

use super::failure::{Failure, StoreFault};
use super::{Campaign, WORKERS, second_scheduler};
use crate::workers::proxy::DatabaseProxy;

/// The requests to a store are repeated for about this time before a batch is given up.
const STORE_RETRIES: Duration = Duration::from_secs(8);

impl Campaign {
    pub(super) async fn fail(&mut self, failure: Failure) {
        let place = self.random.below(WORKERS);
        match failure {
            Failure::WorkerKilled => self.workers[place].kill(&self.cluster).await,
            Failure::WorkerFrozen => {
                let service = &self.workers[place].service;
                service.signal(Signal::STOP);
                sleep(self.lease + Duration::from_secs(1)).await;
                service.signal(Signal::CONT);
            }
            Failure::WorkerWithoutDatabase => {
                let database = &self.workers[place].proxies.database;
                database.cut();
                sleep(self.longer_than_lease()).await;
                database.lead_to(self.server.sockets());
            }
            Failure::WorkerWithoutWeb => self.cut_from_web(place).await,
            Failure::WorkerWithoutStore => {
                let store = self.workers[place].proxies.store.as_ref().unwrap();
                store.cut();
                sleep(self.longer_than_lease()).await;
                store.mend();
            }
            Failure::Store(fault) => self.make_store_fail(place, fault).await,
            Failure::ServerCrash => {
                self.server.crash();
                sleep(Duration::from_millis(500)).await;
                self.server.start_again();
            }
            Failure::Standby | Failure::StandbyBehind => self.replace_server(failure).await,
            Failure::SchedulerKilled => self.kill_scheduler().await,
            Failure::SchedulerFrozen => self.freeze_scheduler().await,
            Failure::Clock => {
                // Other than the one it has: a minute behind, right, or a minute ahead.
                let minutes = (self.workers[place].ahead.as_mins() + 2 + self.below(2)).rem_euclid(3) - 1;
                self.workers[place].ahead = SignedDuration::from_mins(minutes);
                self.begin_anew(place).await;
            }
            Failure::OtherVersion => {
                self.workers[place].is_other_version ^= true;
                self.begin_anew(place).await;
            }
        }
    }

    fn below(&mut self, end: usize) -> i64 {
        i64::try_from(self.random.below(end)).unwrap()
    }

    fn longer_than_lease(&self) -> Duration {
        self.lease + Duration::from_millis(500)
    }

    /// Kills a worker or stops it as a service manager does, and starts it again.
    async fn begin_anew(&mut self, place: usize) {
        if self.random.below(2) == 0 {
            self.workers[place].kill(&self.cluster).await;
        } else {
            self.workers[place].stop(&self.cluster).await;
        }
    }

    /// The web is back when the worker has noticed that it was away. A worker without links notices
    /// nothing.
    async fn cut_from_web(&mut self, place: usize) {
        let worker = &mut self.workers[place];
        let before = worker.noticed_failures();
        worker.proxies.web.cut();
        let noticed = timeout(Duration::from_secs(90), async {
            while worker.noticed_failures() == before {
                sleep(Duration::from_millis(20)).await;
            }
        });
        if noticed.await.is_err() {
            // What it still has must not be believed, so its process ends with its network away.
            worker.kill(&self.cluster).await;
        }
        worker.proxies.web.mend();
    }

    /// Sometimes for longer than the worker repeats a request, sometimes for less.
    async fn make_store_fail(&mut self, place: usize, fault: StoreFault) {
        let is_long = self.random.below(4) == 0;
        let (_, faulty) = self.faulty_stores.iter().find(|(of, _)| *of == fault).unwrap();
        let store = self.workers[place].proxies.store.as_ref().unwrap();
        store.lead_to(faulty.address);
        sleep(if is_long { STORE_RETRIES } else { self.longer_than_lease() }).await;
        store.mend();
    }

    /// The standby begins with all commits; one that lacks the last ones is behind by less than the
    /// leases last.
    async fn replace_server(&mut self, failure: Failure) {
        self.server.begin_standby();
        match failure {
            Failure::Standby => self.server.wait_for_standby(),
            _ => self.server.cut_standby(),
        }
        sleep(Duration::from_millis(200 + 100 * u64::try_from(self.below(15)).unwrap())).await;
        let before = self.visits().await;
        let ways = || self.workers.iter().map(|worker| &worker.proxies.database).chain([&self.database]);
        ways().for_each(DatabaseProxy::cut);
        self.server.crash();
        self.server.promote();
        ways().for_each(|way| way.lead_to(self.server.sockets()));
        self.cluster.database_is_at(self.server.sockets());
        let after = self.visits().await;
        assert!(failure != Failure::Standby || after >= before, "{after} of {before} visits");
        self.lost_visits += before.saturating_sub(after);
    }

    async fn kill_scheduler(&mut self) {
        self.cluster.scheduler.child.kill().await.unwrap();
        self.until_second_has_lease().await;
        self.follow_scheduler().await;
    }

    async fn freeze_scheduler(&mut self) {
        self.cluster.scheduler.signal(Signal::STOP);
        self.until_second_has_lease().await;
        sleep(Duration::from_millis(100 * u64::try_from(self.below(20)).unwrap())).await;
        self.cluster.scheduler.signal(Signal::CONT);
        self.follow_scheduler().await;
    }

    async fn second_has_lease(&self) -> bool {
        let mut catalogue = PgConnection::connect(&self.cluster.database).await.unwrap();
        let lasting = "SELECT count(*) FROM process_lease WHERE role = 'scheduler' \
                       AND lease_until > clock_timestamp() AND name LIKE '%/' || $1";
        let id = self.second.child.id().unwrap().to_string();
        let number: i64 = sqlx::query_scalar(lasting).bind(id).fetch_one(&mut catalogue).await.unwrap();
        catalogue.close().await.unwrap();
        number > 0
    }

    async fn until_second_has_lease(&mut self) {
        let begun = Instant::now();
        loop {
            // As a service manager does: it ends if the database is away when it begins.
            if self.second.child.try_wait().unwrap().is_some() {
                self.second = self.cluster.start_role("scheduler");
            }
            if self.second_has_lease().await {
                return;
            }
            assert!(begun.elapsed() < Duration::from_mins(1), "it does not take over: {}", self.second.log());
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// If the second scheduler has taken over, it is the scheduler, and the one before it waits for its
    /// end, or a new one if that was killed.
    pub(super) async fn follow_scheduler(&mut self) {
        if !self.second_has_lease().await {
            return;
        }
        std::mem::swap(&mut self.cluster.scheduler, &mut self.second);
        if self.second.child.try_wait().unwrap().is_some() {
            self.second = second_scheduler(&self.cluster).await;
        }
    }
}
