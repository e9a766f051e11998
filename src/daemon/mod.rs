//! The service that runs by itself: waits for the next night, runs it, and stops when told.
//!
//! Everything happens in one loop, so that a night and a look never overlap and
//! the supervisor's watchdog sees the loop itself. What is due is decided in
//! `agenda`; signals, the watchdog and the companions are heard in `attendant`.

mod agenda;
mod attendant;
mod beside;
mod companions;
mod courtesy;
mod tidings;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::pin::pin;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tracing::Instrument as _;

use self::agenda::{Agenda, Due};
use self::attendant::{Attendant, Outcome};
use self::beside::Beside;
use self::courtesy::{Courtesy, Errand};
use self::tidings::Tidings;
use crate::config;
use crate::domain::course::{Course, CourseId};
use crate::domain::schedule::Schedule;
use crate::night;
use crate::serve::{Bell, Call, Listener};
use crate::world::World;
use crate::world::catalogue::LastNight;
use crate::world::fetch::Fetch;
use crate::world::ping::{Ping, PingUrl};

/// The clock is looked at this often at least: it may have been set, or the
/// machine have slept, while we waited.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// After our own side failed, as when the disk was full, a night is gone on
/// with after this pause; the engine takes up one that is younger than 12 hours.
const REST: Duration = Duration::from_mins(30);

/// When what is done.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// When each course has its nights.
    pub nights: BTreeMap<CourseId, Schedule>,
    /// When its failing links are looked at by day.
    pub looks: BTreeMap<CourseId, Schedule>,
    /// Who sounds the alarm when nights stay away.
    pub ping: Option<PingUrl>,
}

/// Runs until it is told to stop.
///
/// # Errors
///
/// The catalogue cannot be used, a signal cannot be heard, or a companion
/// ended early. A night that failed is tried again instead.
pub async fn run(file: &Path, settings: config::Settings, world: World) -> anyhow::Result<()> {
    // What was decided just before a power cut is shown from the start.
    night::replay::catch_up(&world).await?;
    let (bell, listener) = Bell::hung();
    let mut beside = Beside::new(bell);
    beside.set_up(&settings, &world).await?;
    let attendant = Attendant::new(file, &settings, world.clock, beside)?;
    let tidings = Tidings::new(world.clock);
    let mut daemon = Daemon {
        settings,
        world,
        attendant,
        tidings,
        listener,
        looked: HashMap::new(),
        courtesy: Courtesy::default(),
        rests_until: None,
    };
    let ended = daemon.work().await;
    daemon.attendant.stop().await;
    daemon.world.close().await;
    ended
}

struct Daemon {
    settings: config::Settings,
    world: World,
    attendant: Attendant,
    tidings: Tidings,
    /// Hears those who ask on a page for a look at a link.
    listener: Listener,
    /// The last look of each course; a restart forgets it, and misses one look.
    looked: HashMap<CourseId, Timestamp>,
    courtesy: Courtesy,
    /// Nights that our own failing cut short are left alone until then.
    rests_until: Option<Instant>,
}

/// The daemon was told to stop.
struct Stopped;

impl Daemon {
    async fn work(&mut self) -> anyhow::Result<()> {
        self.attendant.ready("waiting for the first night");
        loop {
            let agenda = self.agenda().await?;
            let stopped = if !agenda.nights.is_empty() {
                self.night(&agenda.nights).await?
            } else if !agenda.looks.is_empty() {
                self.look(&agenda.looks).await?
            } else {
                self.wait(agenda.wake).await?
            };
            if let Some(Stopped) = stopped {
                tracing::info!("stopping; a night under way is gone on with at the next start");
                return Ok(());
            }
            if let Some(settings) = self.attendant.taken() {
                self.take_over(settings).await;
            }
        }
    }

    /// Takes over a configuration that was read without a mistake; what it asks
    /// of this machine may still fail.
    async fn take_over(&mut self, settings: config::Settings) {
        let taken = async {
            Fetch::new(&settings.fetch, self.world.archive.spool(), self.world.clock)?;
            self.attendant.beside.set_up(&settings, &self.world).await
        };
        match taken.await {
            Ok(()) => {
                tracing::info!(courses = settings.courses.len(), "the new configuration is in force");
                self.settings = settings;
                self.courtesy = Courtesy::default();
            }
            Err(error) => {
                let error = tidings::told(&error);
                tracing::error!(%error, "the new configuration is not taken; the old one stays");
            }
        }
    }

    /// What is due now, after courses seen for the first time were written down.
    async fn agenda(&mut self) -> anyhow::Result<Agenda> {
        let now = self.world.clock.now();
        let mut nights = self.world.catalogue.last_nights().await?;
        let first_seen = LastNight { at: now, is_over: true };
        let unseen: Vec<CourseId> = self
            .settings
            .daemon
            .nights
            .keys()
            .filter(|course| !nights.contains_key(course))
            .cloned()
            .collect();
        if !unseen.is_empty() {
            self.world.catalogue.set_last_nights(&unseen, first_seen).await?;
            nights.extend(unseen.into_iter().map(|course| (course, first_seen)));
        }
        for course in self.settings.daemon.looks.keys() {
            self.looked.entry(course.clone()).or_insert(now);
        }
        let is_resting = self.rests_until.is_some_and(|until| self.world.clock.instant() < until);
        Ok(Agenda::of(
            &self.settings.daemon,
            agenda::Past { nights: &nights, looks: &self.looked, is_resting },
            now,
        ))
    }

    async fn wait(&mut self, wake: Option<Timestamp>) -> anyhow::Result<Option<Stopped>> {
        let zone = |at: Timestamp| at.strftime("%F %H:%M UTC").to_string();
        self.attendant.status(&wake.map_or_else(
            || "no night to come; all terms are over".to_owned(),
            |wake| format!("waiting until {}", zone(wake)),
        ));
        let left = wake.map(|wake| wake.duration_since(self.world.clock.now()));
        let left = left.map_or(LONGEST_WAIT, |left| Duration::try_from(left).unwrap_or(Duration::ZERO));
        let (clock, listener) = (self.world.clock, &mut self.listener);
        let heard = {
            let mut idle = pin!(async {
                tokio::select! {
                    () = clock.sleep(left.min(LONGEST_WAIT)) => None,
                    call = listener.next() => Some(call),
                }
            });
            self.attendant.attend(&mut idle).await?
        };
        match heard {
            Outcome::Done(Some(call)) => self.answer(call).await,
            Outcome::Done(None) | Outcome::Reloaded => Ok(None),
            Outcome::Stop => Ok(Some(Stopped)),
        }
    }

    /// Looks at the one link that someone asks for.
    async fn answer(&mut self, call: Call) -> anyhow::Result<Option<Stopped>> {
        let Some(course) = self.courses([&call.course].into_iter()).pop() else { return Ok(None) };
        self.courtesy.begin(Errand::Look, &mut self.world, &self.settings.fetch);
        let span = tracing::info_span!("look", run = %self.world.clock.now());
        let look = night::recheck_link(&course, &call.link, &self.world).instrument(span.clone());
        let Some(looked) = attended(&mut self.attendant, look).await? else { return Ok(Some(Stopped)) };
        let _entered = span.enter();
        let is_cleared = looked.as_ref().is_ok_and(|looked| looked.cleared > 0);
        tidings::looked(looked);
        call.answer(self.world.clock.now(), is_cleared);
        Ok(None)
    }

    async fn night(&mut self, due: &[Due]) -> anyhow::Result<Option<Stopped>> {
        let started = self.world.clock.now();
        let courses = self.courses(due.iter().map(|due| &due.course));
        let ids: Vec<CourseId> = courses.iter().map(|course| course.id.clone()).collect();
        let begun: Vec<CourseId> =
            due.iter().filter(|due| !due.is_resumed).map(|due| due.course.clone()).collect();
        self.world.catalogue.set_last_nights(&begun, LastNight { at: started, is_over: false }).await?;
        self.courtesy.begin(Errand::Night, &mut self.world, &self.settings.fetch);
        let ping = self.settings.daemon.ping.clone();
        let span = tracing::info_span!("night", run = %started);
        span.in_scope(|| tidings::begins(due));
        self.tidings.tell(ping.as_ref(), Ping::Start);
        self.attendant.status(&format!("a night of {}", tidings::courses(ids.len())));
        let night = night::run(&courses, &self.world, &|_| ()).instrument(span.clone());
        let Some(finished) = attended(&mut self.attendant, night).await? else { return Ok(Some(Stopped)) };
        match finished {
            Ok(finished) => {
                self.rests_until = None;
                let over = LastNight { at: started.max(self.world.clock.now()), is_over: true };
                self.world.catalogue.set_last_nights(&ids, over).await?;
                span.in_scope(|| tidings::ended(&finished));
                self.tidings.tell(ping.as_ref(), tidings::ping_for(&finished));
                let scrub = night::scrub::scrub(&self.world).instrument(span.clone());
                let Some(fixity) = attended(&mut self.attendant, scrub).await? else {
                    return Ok(Some(Stopped));
                };
                span.in_scope(|| tidings::scrubbed(fixity));
            }
            Err(error) => {
                self.rests_until = Some(self.world.clock.instant() + REST);
                span.in_scope(|| tracing::error!(error = %tidings::told(&error), "the night failed; it is gone on with in half an hour"));
                self.tidings.tell(ping.as_ref(), Ping::Failure);
            }
        }
        Ok(None)
    }

    async fn look(&mut self, due: &[CourseId]) -> anyhow::Result<Option<Stopped>> {
        let now = self.world.clock.now();
        self.looked.extend(due.iter().map(|course| (course.clone(), now)));
        self.courtesy.begin(Errand::Look, &mut self.world, &self.settings.fetch);
        let courses = self.courses(due.iter());
        let span = tracing::info_span!("look", run = %now);
        let look = night::recheck(&courses, &self.world).instrument(span.clone());
        let Some(looked) = attended(&mut self.attendant, look).await? else { return Ok(Some(Stopped)) };
        let _entered = span.enter();
        tidings::looked(looked);
        Ok(None)
    }

    fn courses<'a>(&self, ids: impl Iterator<Item = &'a CourseId>) -> Vec<Course> {
        let ids: Vec<&CourseId> = ids.collect();
        self.settings.courses.iter().filter(|course| ids.contains(&&course.id)).cloned().collect()
    }
}

/// What came of some work; `None` where we were told to stop before it was done.
async fn attended<T>(attendant: &mut Attendant, work: impl Future<Output = T>) -> anyhow::Result<Option<T>> {
    let mut work = pin!(work);
    loop {
        match attendant.attend(&mut work).await? {
            Outcome::Done(done) => return Ok(Some(done)),
            Outcome::Reloaded => {}
            Outcome::Stop => return Ok(None),
        }
    }
}
