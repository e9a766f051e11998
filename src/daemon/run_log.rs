//! The log of the runs, and the pings to the monitoring service.

use tokio::sync::mpsc::{self, UnboundedSender};

use super::due_runs::DueNight;
use crate::config;
use crate::domain::schedule::RunReason;
use crate::domain::verdict::StateName;
use crate::domain::visit::LocalFault;
use crate::night::{Finished, Rechecked};
use crate::world::archive::FixityResults;
use crate::world::clock::Clock;
use crate::world::operator_http::SecretUrl;
use crate::world::ping::{self, Ping};

/// Pings are sent one after another, so that an end never arrives before its
/// start; no run waits for them.
pub(super) struct PingQueue {
    pings: UnboundedSender<(SecretUrl, Ping)>,
}

impl PingQueue {
    pub(super) fn new(clock: Clock) -> Self {
        let (pings, mut waiting) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some((to, ping)) = waiting.recv().await {
                ping::send(&to, ping, clock).await;
            }
        });
        Self { pings }
    }

    pub(super) fn send(&self, monitor: Option<&SecretUrl>, ping: Ping) {
        if let Some(monitor) = monitor {
            // The receiving task lives as long as the runtime.
            let _ = self.pings.send((monitor.clone(), ping));
        }
    }
}

pub(super) fn begins(due: &[DueNight]) {
    for due in due {
        let course = &due.course;
        match due.reason {
            None => tracing::info!(%course, "resuming an interrupted night"),
            Some(RunReason::Night) => tracing::info!(%course, "night started"),
            Some(RunReason::First) => tracing::info!(%course, "first night of a new course started"),
            Some(RunReason::Requested) => tracing::info!(%course, "night started on request"),
            Some(RunReason::ReadyForTerm { days_before }) => {
                tracing::info!(%course, days_before, "check before the term started");
            }
        }
    }
}

pub(super) fn ended(night: &Finished) {
    for unread in &night.unread {
        tracing::error!(course = %unread.course, problem = %unread.problem, "no page of this course could be read; check its `page` in the configuration");
    }
    for course in &night.courses {
        if let Some(problem) = &course.facts.page_problem {
            tracing::warn!(course = %course.facts.course, ?problem, "the course page could not be read or lacks links; its last good reading is used");
        }
    }
    for (fault, requests) in &night.local_faults {
        let advice = local_fault_advice(*fault);
        tracing::warn!(
            ?fault,
            requests,
            "this machine could not make requests, so their links were not judged; {advice}"
        );
    }
    for blob in &night.lost_copies.new {
        tracing::error!(%blob, "the file of a copy is missing; add it from a backup with `onreserve restore --missing`");
    }
    if night.without_room > 0 {
        tracing::error!(
            copies = night.without_room,
            "the disk of the archive has no room for new copies; no copy was lost, and all links were checked; free some space on it"
        );
    }
    if night.over_quota > 0 {
        tracing::warn!(
            copies = night.over_quota,
            "new copies were not stored, because a quota of [archive] is used up; no copy was lost, and all links were checked"
        );
    }
    for page in &night.unopened {
        let (address, why) = (&page.address, &page.why);
        tracing::warn!(%address, %why, "the browser could not open a page that only its scripts make, so there is no new copy of it");
    }
    if let Some(void) = night.void {
        tracing::warn!(?void, "the network here failed, so this night judges no link");
    }
    tracing::info!(
        night = night.id,
        links = night.courses.iter().map(|course| course.facts.links.len()).sum::<usize>(),
        dead = night.count(StateName::Dead),
        failing = night.count(StateName::Failing),
        changed = night.count(StateName::Changed),
        requests = night.requests,
        bytes = night.bytes,
        lost_copies = night.lost_copies.total,
        seconds = night.finished.duration_since(night.started).as_secs(),
        "night finished"
    );
}

/// What the operator does about a fault of this machine.
fn local_fault_advice(fault: LocalFault) -> &'static str {
    match fault {
        LocalFault::NoRoute => "give it a route to these hosts; some hosts have IPv6 addresses only",
        LocalFault::NoLocalAddress => "lower `hosts_at_once` or widen net.ipv4.ip_local_port_range",
        LocalFault::NoFileDescriptor => "raise LimitNOFILE or lower `hosts_at_once`",
        LocalFault::NoMemory => "give it more memory or lower `hosts_at_once`",
        LocalFault::Forbidden => "allow requests to the web in its firewall and its sandbox",
        LocalFault::DiskFull => "free space on its disk",
        LocalFault::NameService => "correct its name service, for example /etc/resolv.conf",
    }
}

/// A void night, one that could not read a course, one with many faults of this machine,
/// one that finds a copy lost, and one whose new copies have no room are failures.
pub(super) fn ping_for(night: &Finished) -> Ping {
    let is_failure = night.void.is_some()
        || !night.unread.is_empty()
        || night.has_many_local_faults()
        || !night.lost_copies.new.is_empty()
        || night.without_room > 0;
    if is_failure { Ping::Failure } else { Ping::Success }
}

/// Logs the fixity check. Damage is an error: the operator restores the copy from a backup.
pub(super) fn scrubbed(fixity: anyhow::Result<FixityResults>) {
    match fixity {
        Ok(fixity) => {
            for damage in &fixity.damaged {
                tracing::error!(
                    blob = damage.name,
                    moved_to = damage.moved_to,
                    "the bytes of a copy have changed, so it was moved to quarantine; restore it from a backup"
                );
            }
            for fault in &fixity.journal {
                tracing::error!(%fault, "the journal is damaged; restore its lines with `onreserve restore --missing`");
            }
            tracing::info!(
                verified = fixity.sound.len(),
                bytes = fixity.bytes,
                altered = fixity.damaged.len(),
                "fixity check finished"
            );
        }
        Err(error) => tracing::error!(error = %one_line(&error), "the fixity check failed"),
    }
}

pub(super) fn rechecked(rechecked: anyhow::Result<Rechecked>) {
    match rechecked {
        Ok(rechecked) => {
            tracing::info!(links = rechecked.links, cleared = rechecked.cleared, "rechecked failing links");
        }
        // The next night visits the links again and reports them.
        Err(error) => {
            tracing::warn!(error = %one_line(&error), "the daytime recheck failed; the next night checks these links again")
        }
    }
}

pub(super) fn courses(count: usize) -> String {
    if count == 1 { "1 course".to_owned() } else { format!("{count} courses") }
}

/// A configuration that was read again.
pub(super) fn applied(settings: &config::Configuration) {
    tracing::info!(courses = settings.courses.len(), "the new configuration is in force");
}

/// A configuration that cannot be applied on this machine.
pub(super) fn not_applied(error: &anyhow::Error) {
    let error = one_line(error);
    tracing::error!(%error, "the new configuration is not applied; the old one stays");
}

/// An error and its causes in one line.
pub(super) fn one_line(error: &anyhow::Error) -> String {
    format!("{error:#}")
}
