//! Decides whether a night is void because our own network failed.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::evidence::soft_404::same_site;
use crate::domain::evidence::{Evidence, Finding, Reason};

/// A night is void if more than this share of the links newly fails in ways that a fault on our side can cause …
const SHARE: f64 = 0.2;
/// … on more hosts than this, so that one broken host does not void a night.
const HOSTS: usize = 5;
/// A link that failed in this many void nights in a row does not count as a new failure
/// if most other links answer tonight: a page
/// may consist of dead hosts from the first night on.
const VOID_NIGHTS: u32 = 2;

/// Why a night says nothing about the links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Void {
    /// Links that newly failed in ways that a fault on our side causes.
    pub failed: u32,
    pub links: u32,
    /// The number of their hosts.
    pub hosts: u32,
    /// Set if the sentinels failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentinels: Option<Sentinels>,
}

/// Addresses that show whether the web can be reached at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentinels {
    pub asked: u32,
    pub failed: u32,
}

impl Sentinels {
    /// Most of them, because a single one may be down.
    pub fn most_failed(self) -> bool {
        self.failed * 2 > self.asked
    }
}

/// One link's evidence of tonight beside that of its last valid night.
#[derive(Clone, Copy, Debug)]
pub struct LinkResult<'a> {
    pub link: &'a Address,
    pub evidence: &'a Evidence,
    pub before: Option<&'a Evidence>,
    /// The latest void nights in a row on which it failed as well.
    pub failed_void_nights: u32,
}

/// Whether the night says nothing about the links.
pub fn void(night: &[LinkResult], sentinels: Sentinels) -> Option<Void> {
    let portals = captive_portals(night);
    let failing: Vec<_> =
        night.iter().filter(|tonight| is_local_failure(tonight.evidence, &portals)).collect();
    let most_answer = failing.len() * 2 < night.len();
    let is_old = |tonight: &LinkResult| {
        tonight.before.is_some_and(|before| is_local_failure(before, &portals))
            || (most_answer && tonight.failed_void_nights >= VOID_NIGHTS)
    };
    let failed: Vec<_> = failing.into_iter().filter(|tonight| !is_old(tonight)).collect();
    let hosts: HashSet<&str> = failed.iter().map(|tonight| tonight.link.host()).collect();
    let is_mass = hosts.len() > HOSTS && count_f64(failed.len()) > SHARE * count_f64(night.len());
    (is_mass || sentinels.most_failed()).then(|| Void {
        failed: count(failed.len()),
        links: count(night.len()),
        hosts: count(hosts.len()),
        sentinels: sentinels.most_failed().then_some(sentinels),
    })
}

/// How many of the latest void nights in a row a link failed on in ways that
/// our own side can cause; newest first.
pub fn failed_void_nights(voids: &[Evidence]) -> u32 {
    let no_portals = HashSet::new();
    count(voids.iter().take_while(|evidence| is_local_failure(evidence, &no_portals)).count())
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn count_f64(n: usize) -> f64 {
    f64::from(count(n))
}

/// Whether a fault on our side caused it or can have caused it: a fault of this machine,
/// name resolution, connecting, TLS, or a captive portal in front of every host.
pub fn is_local_failure(evidence: &Evidence, portals: &HashSet<String>) -> bool {
    match &evidence.finding {
        Finding::Gone { reason, .. } => matches!(
            reason,
            Reason::NoSuchHost | Reason::NameServer | Reason::NotAnswering | Reason::Certificate
        ),
        Finding::Unclear { reason: Reason::NotChecked } => true,
        Finding::Healthy { .. }
        | Finding::Restricted { .. }
        | Finding::Refused { .. }
        | Finding::Unclear { .. } => {
            evidence.ended_at.as_ref().is_some_and(|address| portals.contains(address.host()))
        }
    }
}

/// Hosts to which links of many unrelated sites were redirected tonight.
pub fn captive_portals(night: &[LinkResult]) -> HashSet<String> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::evidence::{Drift, Weight};

    fn address(n: usize) -> Address {
        Address::parse(&format!("https://h{n}.example/x")).unwrap()
    }

    fn evidence(finding: Finding) -> Evidence {
        Evidence {
            at: jiff::Timestamp::UNIX_EPOCH,
            status: None,
            ended_at: None,
            compared_by: None,
            seen: None,
            finding,
            notes: Vec::new(),
            is_listed: false,
            listed_version: None,
        }
    }

    fn fine() -> Evidence {
        evidence(Finding::Healthy { drift: Drift::Same, moved_to: None })
    }

    fn silent() -> Evidence {
        evidence(Finding::Gone { reason: Reason::NotAnswering, weight: Weight::Weak })
    }

    fn missing() -> Evidence {
        evidence(Finding::Gone { reason: Reason::NotFound, weight: Weight::Strong })
    }

    /// A night of a hundred hosts of which the first `bad` show `evidence`.
    fn is_void(bad: usize, worse: &Evidence, before: Option<&Evidence>, failed_void_nights: u32) -> bool {
        let links: Vec<Address> = (0..100).map(address).collect();
        let fine = fine();
        let night: Vec<LinkResult> = links
            .iter()
            .enumerate()
            .map(|(n, link)| LinkResult {
                link,
                evidence: if n < bad { worse } else { &fine },
                before,
                failed_void_nights,
            })
            .collect();
        void(&night, Sentinels::default()).is_some()
    }

    #[test]
    fn many_silent_hosts_void_the_night() {
        assert!(!is_void(20, &silent(), Some(&fine()), 0));
        assert!(is_void(21, &silent(), Some(&fine()), 0));
        assert!(is_void(100, &silent(), None, 0), "on the first night as well");
    }

    #[test]
    fn failures_that_only_the_web_can_cause_void_nothing() {
        assert!(!is_void(100, &missing(), Some(&fine()), 0));
        assert!(!is_void(100, &silent(), Some(&silent()), 0), "they were silent before");
    }

    #[test]
    fn many_faults_of_this_machine_void_the_night() {
        let fault = evidence(Finding::Unclear { reason: Reason::NotChecked });
        assert!(is_void(21, &fault, Some(&fine()), 0));
        assert!(!is_void(20, &fault, Some(&fine()), 0));
        assert!(!is_void(100, &fault, Some(&fault), 0), "this machine never has a route to them");
    }

    #[test]
    fn a_page_of_dead_hosts_is_judged_in_the_end() {
        assert!(is_void(40, &silent(), None, 1));
        assert!(!is_void(40, &silent(), None, 2));
        assert!(is_void(60, &silent(), None, 9), "but not while most links are silent");
    }

    #[test]
    fn most_sentinels_decide() {
        let night = |asked, failed| void(&[], Sentinels { asked, failed }).is_some();
        assert!(!night(0, 0) && !night(3, 1) && !night(2, 1));
        assert!(night(3, 2) && night(1, 1));
    }

    #[test]
    fn void_nights_count_back_to_the_first_answer() {
        assert_eq!(failed_void_nights(&[silent(), silent(), missing(), silent()]), 2);
    }

    proptest! {
        #[test]
        fn the_order_of_links_does_not_matter(
            (sorted, mixed) in prop::collection::vec(0..4_usize, 1..60)
                .prop_flat_map(|kinds| {
                    let numbered: Vec<(usize, usize)> = kinds.into_iter().enumerate().collect();
                    (Just(numbered.clone()), Just(numbered).prop_shuffle())
                })
        ) {
            let kinds = [fine(), silent(), missing(), silent()];
            let result = |order: &[(usize, usize)]| {
                let links: Vec<Address> = order.iter().map(|(n, _)| address(*n)).collect();
                let night: Vec<LinkResult> = order
                    .iter()
                    .zip(&links)
                    .map(|((_, kind), link)| LinkResult { link, evidence: &kinds[*kind], before: (*kind == 3).then_some(&kinds[1]), failed_void_nights: 0 })
                    .collect();
                (void(&night, Sentinels::default()), captive_portals(&night))
            };
            prop_assert_eq!(result(&sorted), result(&mixed));
        }
    }
}
