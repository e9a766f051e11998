//! Is it the web that failed tonight, or are we the ones without a network?

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::evidence::missing::same_site;
use crate::domain::evidence::{Evidence, Finding, Reason};

/// More than this share of the links, newly bad in ways our own side can cause …
const SHARE: f64 = 0.2;
/// … on more hosts than this: one broken host is its own affair.
const HOSTS: usize = 5;

/// Why a night says nothing about the links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Void {
    /// Links that newly failed in ways our own side can cause.
    pub failed: u32,
    pub links: u32,
    /// On so many hosts.
    pub hosts: u32,
}

/// One link's evidence of tonight beside that of its last valid night.
#[derive(Clone, Copy, Debug)]
pub struct Tonight<'a> {
    pub link: &'a Address,
    pub evidence: &'a Evidence,
    pub before: Option<&'a Evidence>,
}

/// Whether the night says nothing about the links.
pub fn void(night: &[Tonight]) -> Option<Void> {
    let portals = portals(night);
    let failed: Vec<_> = night
        .iter()
        .filter(|tonight| is_ours(tonight.evidence, &portals))
        .filter(|tonight| !tonight.before.is_some_and(|before| is_ours(before, &portals)))
        .collect();
    let hosts: HashSet<&str> = failed.iter().map(|tonight| tonight.link.host()).collect();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    (hosts.len() > HOSTS && count_f64(failed.len()) > SHARE * count_f64(night.len())).then(|| Void {
        failed: count(failed.len()),
        links: count(night.len()),
        hosts: count(hosts.len()),
    })
}

fn count_f64(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// Whether our own side can have caused it: name resolution, connecting, TLS,
/// or a portal that stands before every host.
pub fn is_ours(evidence: &Evidence, portals: &HashSet<String>) -> bool {
    match &evidence.finding {
        Finding::Gone { reason, .. } => matches!(
            reason,
            Reason::NoSuchHost | Reason::NameServer | Reason::NotAnswering | Reason::Certificate
        ),
        Finding::Healthy { .. }
        | Finding::Restricted { .. }
        | Finding::Refused { .. }
        | Finding::Unclear { .. } => {
            evidence.ended_at.as_ref().is_some_and(|address| portals.contains(address.host()))
        }
    }
}

/// Hosts to which links of many unrelated sites were led tonight.
pub fn portals(night: &[Tonight]) -> HashSet<String> {
    let mut led_from: HashMap<&str, HashSet<&str>> = HashMap::new();
    for tonight in night {
        let portal = tonight.evidence.ended_at.as_ref().filter(|end| !same_site(end, tonight.link));
        if let Some(portal) = portal
            .filter(|_| tonight.before.is_none_or(|before| before.ended_at != tonight.evidence.ended_at))
        {
            led_from.entry(portal.host()).or_default().insert(tonight.link.host());
        }
    }
    led_from.into_iter().filter(|(_, from)| from.len() > HOSTS).map(|(host, _)| host.to_owned()).collect()
}
