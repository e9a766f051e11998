//! Access to the outside: one outside thing per module, each with its permit.
//!
//! No module here decides anything about a link. No module uses another, except `clock`
//! (time), `disk` (durable files), `spool` (bodies that are being received) and `operator_http`
//! (addresses that the operator chose). Archive and catalogue meet in `recording`.

pub mod clock;
pub mod random;
pub mod disk;
pub mod spool;
pub mod lock;
pub mod machine;
pub mod read_only;
pub mod page_file;
pub mod terminal;
pub mod site_dir;
pub mod link_farm;
pub mod export_file;
pub mod site_files;
pub mod source_files;
pub mod operator_http;
pub mod ping;
pub mod provider;
pub mod signals;
pub mod systemd;
pub mod fetch;
pub mod document_reader;
pub mod browser;
pub mod archive;
pub mod catalogue;
pub mod recording;
pub mod email;
pub mod webhook;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use jiff::Timestamp;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

use crate::domain::address::Address;
use crate::domain::evidence::bulk_interface::BulkInterface;
use crate::domain::journal::Entry;
use crate::domain::policy::quota::StorageQuotas;
use crate::domain::policy::rota::CrawlBudgets;
use crate::domain::policy::service_role::ServiceRole;

use archive::{Archive, ArchivePlace};
use browser::{Browser, BrowserSettings};
use catalogue::{Catalogue, CatalogueLocation, ProcessFigures};
use clock::Clock;
use document_reader::Reader;
use fetch::{Fetch, InterfaceAccess, SharedPace};
use lock::{LockError, SoleInstance, WorkerLock};
use recording::{BatchPermit, JournalWriter, LockedCaptures};

/// The lock with which a process uses the archive.
#[derive(Debug)]
pub enum InstanceLock {
    Alone(SoleInstance),
    /// Beside other workers and web processes, and the service that admits them.
    Worker(WorkerLock),
}

/// Who visits the links of a night.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crawler {
    ThisProcess,
    /// Other processes, through the catalogue.
    Workers,
}

/// While it lives, a batch is being stored.
pub type StoringGuard = OwnedRwLockReadGuard<()>;

/// All outside things that a run uses, opened once.
pub struct World {
    pub clock: Clock,
    pub fetch: Fetch,
    pub reader: Reader,
    pub archive: Archive,
    pub catalogue: Catalogue,
    /// How many hosts are visited at the same time.
    pub hosts_at_once: usize,
    /// How many links of a host a night visits at most.
    pub crawl_budgets: CrawlBudgets,
    /// Addresses that show whether the web can be reached.
    pub sentinels: Vec<Address>,
    /// The Memento `TimeGate` that is searched for copies of dead links.
    pub timegate: Option<Address>,
    /// Interfaces that list many works at once.
    pub bulk_interfaces: BTreeMap<BulkInterface, InterfaceAccess>,
    /// How much may be stored.
    pub quotas: StorageQuotas,
    /// The browser that opens pages which only scripts make, if there is one.
    pub browser: Option<Browser>,
    /// Who visits the links.
    pub crawler: Crawler,
    /// The pace of the hosts, if several processes send requests.
    pace: Option<Arc<dyn SharedPace>>,
    instance: InstanceLock,
    storing: Arc<RwLock<()>>,
}

/// A stop waits no longer for the batch that is being stored: a service manager waits about ten
/// seconds.
const LAST_BATCH: Duration = Duration::from_secs(5);

impl World {
    /// Opens an archive for writing, as its sole instance, and the fetcher.
    pub async fn open(archive: &Path, fetch: fetch::FetchSettings, clock: Clock) -> anyhow::Result<Self> {
        Self::open_with(&archive.into(), &CatalogueLocation::in_archive(archive), fetch, clock).await
    }

    /// The same with the archive and the catalogue in other places.
    pub async fn open_with(
        archive: &ArchivePlace,
        catalogue: &CatalogueLocation,
        fetch: fetch::FetchSettings,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        Self::open_alone(archive, catalogue, fetch, clock, |_| true).await
    }

    /// The same for a service of one process (role `all`). Beside a bucket it opens also while another
    /// such service has a lease, because it waits for the end of that lease later.
    pub async fn open_service(
        archive: &ArchivePlace,
        catalogue: &CatalogueLocation,
        fetch: fetch::FetchSettings,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let is_in_the_way = |process: &ProcessFigures| !process.has_role(ServiceRole::All);
        Self::open_alone(archive, catalogue, fetch, clock, is_in_the_way).await
    }

    /// Opens an archive unless it is in a bucket that processes share, and such a process has a lease.
    async fn open_alone(
        place: &ArchivePlace,
        catalogue: &CatalogueLocation,
        fetch: fetch::FetchSettings,
        clock: Clock,
        is_in_the_way: impl Fn(&ProcessFigures) -> bool,
    ) -> anyhow::Result<Self> {
        archive::make_dir(&place.dir)?;
        let alone = SoleInstance::acquire(&place.dir)?;
        let archive = Archive::open(place)?;
        let catalogue = open_catalogue(&archive, catalogue).await?;
        if archive.has_shared_journal() {
            end_process_before(&alone, &catalogue).await?;
            if let Some(by) = process_with_lease(&catalogue, is_in_the_way).await? {
                return Err(LockError::InstanceRunning { dir: place.dir.clone(), by }.into());
            }
        }
        Self::around(archive, catalogue, alone, fetch, clock)
    }

    /// Opens an archive whose links workers visit. Waits until no other service uses it.
    pub async fn open_beside_workers(
        archive: &Path,
        catalogue: &CatalogueLocation,
        fetch: fetch::FetchSettings,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        archive::make_dir(archive)?;
        let mut alone = SoleInstance::wait_beside_workers(archive, clock).await?;
        let archive = if alone.is_without_workers() {
            Archive::open(archive)?
        } else {
            Archive::open_beside_workers(archive)?
        };
        let catalogue = open_catalogue(&archive, catalogue).await?;
        alone.admit_workers();
        let world = Self::around(archive, catalogue, alone, fetch, clock)?;
        Ok(Self { crawler: Crawler::Workers, ..world })
    }

    /// Opens an archive for a worker or a web process, beside the scheduler.
    pub async fn open_beside_scheduler(
        archive: &Path,
        catalogue: &CatalogueLocation,
        fetch: fetch::FetchSettings,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        archive::make_dir(archive)?;
        let lock = WorkerLock::acquire(archive)?;
        let archive = Archive::open_beside_workers(archive)?;
        let catalogue = open_catalogue(&archive, catalogue).await?;
        Self::holding(InstanceLock::Worker(lock), archive, catalogue, fetch, clock)
    }

    /// Opens an archive in a bucket for a process beside others. Each has a working directory of its
    /// own. None but a scheduler, which waits, begins beside a service of one process.
    pub async fn open_in_own_directory(
        role: ServiceRole,
        archive: &ArchivePlace,
        catalogue: &CatalogueLocation,
        fetch: fetch::FetchSettings,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        archive::make_dir(&archive.dir)?;
        let alone = SoleInstance::acquire(&archive.dir)?;
        let archive = Archive::open_beside_others(archive)?;
        let catalogue = open_catalogue(&archive, catalogue).await?;
        end_process_before(&alone, &catalogue).await?;
        let world = Self::around(archive, catalogue, alone, fetch, clock)?;
        if role == ServiceRole::Scheduler {
            return Ok(Self { crawler: Crawler::Workers, ..world });
        }
        match process_with_lease(&world.catalogue, |process| process.has_role(ServiceRole::All)).await? {
            Some(by) => Err(LockError::WithoutWorkers { dir: world.archive.dir().to_owned(), by }.into()),
            None => Ok(world),
        }
    }

    /// The same with an archive and a catalogue that are already open.
    pub fn around(
        archive: Archive,
        catalogue: Catalogue,
        alone: SoleInstance,
        fetch: fetch::FetchSettings,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        Self::holding(InstanceLock::Alone(alone), archive, catalogue, fetch, clock)
    }

    fn holding(
        instance: InstanceLock,
        archive: Archive,
        catalogue: Catalogue,
        fetch: fetch::FetchSettings,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            fetch: Fetch::new(&fetch, archive.spool(), clock)?,
            reader: Reader::new(std::env::current_exe()?),
            hosts_at_once: fetch.limits.hosts_at_once,
            crawl_budgets: fetch.crawl_budgets,
            sentinels: fetch.sentinels,
            timegate: fetch.timegate,
            bulk_interfaces: fetch.bulk_interfaces,
            clock,
            archive,
            catalogue,
            quotas: StorageQuotas::default(),
            browser: None,
            crawler: Crawler::ThisProcess,
            pace: None,
            instance,
            storing: Arc::default(),
        })
    }

    /// Writes entries of this time to the journal and the catalogue.
    pub async fn record(&self, at: Timestamp, entries: Vec<Entry>) -> anyhow::Result<()> {
        self.journal_writer(at).record(entries).await
    }

    /// Writes entries of this time with what else belongs to them.
    pub fn journal_writer(&self, at: Timestamp) -> JournalWriter<'_> {
        JournalWriter { archive: &self.archive, catalogue: &self.catalogue, at }
    }

    /// Marks that a batch is being stored on threads of its own.
    pub async fn storing(&self) -> StoringGuard {
        Arc::clone(&self.storing).read_owned().await
    }

    /// Waits until no batch is being stored: threads go on when their night is cancelled.
    pub async fn nothing_is_stored(&self) {
        drop(self.storing.write().await);
    }

    /// Marks this process as the service, which answers requests in the catalogue.
    pub fn set_service(&mut self) -> Result<(), LockError> {
        match &mut self.instance {
            InstanceLock::Alone(alone) => alone.set_service(self.archive.dir()),
            InstanceLock::Worker(_) => Ok(()),
        }
    }

    /// Keeps the pace of the hosts together with other processes, from the next
    /// [`Self::renew_fetch`] on.
    pub fn set_shared_pace(&mut self, pace: Arc<dyn SharedPace>) {
        self.pace = Some(pace);
    }

    /// Waits until a worker may store visits.
    pub async fn batch_permit(&self) -> anyhow::Result<BatchPermit> {
        BatchPermit::wait(&self.archive, &self.catalogue, self.clock).await
    }

    /// Waits for the lock on the captures.
    pub async fn capture_lock(&self) -> anyhow::Result<LockedCaptures> {
        LockedCaptures::wait(&self.archive, &self.catalogue, self.clock).await
    }

    /// Closes the catalogue, once the batch that is being stored is written. The instance lock lasts
    /// as long as the returned value.
    pub async fn close(self) -> InstanceLock {
        tokio::select! {
            () = self.nothing_is_stored() => {}
            () = self.clock.sleep(LAST_BATCH) => tracing::warn!("the store is slow, so the last visits before the stop may be made again"),
        }
        self.catalogue.close().await;
        self.instance
    }

    /// From now on copies have these quotas, and this browser opens pages.
    pub fn set_capture_settings(&mut self, quotas: StorageQuotas, browser: Option<&BrowserSettings>) {
        self.quotas = quotas;
        self.browser = browser.map(|settings| Browser::new(settings.clone(), self.clock));
    }

    /// Uses new fetch settings, with empty counters and no memory of the hosts. If
    /// they cannot be used, nothing changes.
    pub fn renew_fetch(&mut self, fetch: &fetch::FetchSettings) -> Result<(), fetch::Error> {
        self.fetch = Fetch::new(fetch, self.archive.spool(), self.clock)?.with_shared_pace(self.pace.clone());
        self.hosts_at_once = fetch.limits.hosts_at_once;
        self.crawl_budgets.clone_from(&fetch.crawl_budgets);
        self.sentinels.clone_from(&fetch.sentinels);
        self.timegate.clone_from(&fetch.timegate);
        self.bulk_interfaces.clone_from(&fetch.bulk_interfaces);
        Ok(())
    }
}

/// Ends what the process held that used this working directory before, if it has crashed.
async fn end_process_before(alone: &SoleInstance, catalogue: &Catalogue) -> Result<(), catalogue::Error> {
    // The number may be that of a new process.
    match alone.process_before().filter(|process| machine::is_gone(*process)) {
        Some(process) => catalogue.end_service(&machine::name_of_process(process)).await,
        None => Ok(()),
    }
}

/// The name of a process of this kind that has a lease.
async fn process_with_lease(
    catalogue: &Catalogue,
    is_meant: impl Fn(&ProcessFigures) -> bool,
) -> anyhow::Result<Option<String>> {
    let found = catalogue.processes().await?.into_iter().find(is_meant);
    Ok(found.map(|process| process.name))
}

/// Opens the catalogue of an archive. One that was not moved to a database yet is not ignored.
async fn open_catalogue(archive: &Archive, location: &CatalogueLocation) -> anyhow::Result<Catalogue> {
    let opened = Catalogue::open_at(location).await?;
    let file = Catalogue::path_in(archive.dir());
    if matches!(location, CatalogueLocation::Postgres(_)) && file.exists() && opened.is_empty().await? {
        bail!(
            "the catalogue of this archive is still {}; run `onreserve migrate --to {location}` to move it",
            file.display()
        );
    }
    Ok(opened)
}
