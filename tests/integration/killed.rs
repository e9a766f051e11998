//! The service is killed at fifty points of its nights, also while it sends emails:
//! nothing is lost, nothing is doubled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::delivery::relay::Relay;
use crate::engines;
use crate::fetch::site::Reply;
use crate::harness::{Harness, Random, article, page_of, time_of};
use crate::interrupted::RequestCounter;
use crate::service::Service;

const LINKS: u32 = 24;
const KILLS: usize = 50;
/// The link of this number is gone from the second night on, the next one from the third on …
const FIRST_DEATH: u32 = 2;
const DEATHS: u32 = 8;
/// Nights until a page that is not found is dead.
const CONFIRMED_AFTER: u32 = 2;
/// At least this many nights; more until it was killed often enough.
const NIGHTS: u32 = FIRST_DEATH + DEATHS + CONFIRMED_AFTER;

fn address(link: u32) -> String {
    format!("http://h{}.test/{link}-", link % 6)
}

async fn harness(counter: Arc<RequestCounter>, relay: &Relay) -> Harness {
    let hosts = (0..6).map(|n| format!("h{n}.test")).chain(["course.test".to_owned()]);
    let links: Vec<String> = (0..LINKS).map(address).collect();
    let harness = Harness::start(hosts, move |night, seen| {
        counter.count();
        if (&*seen.host, &*seen.target) == ("course.test", "/") {
            return Reply::page(&page_of(&links.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        let link = seen.target.trim_matches(['/', '-']).parse::<u32>();
        match link.ok().filter(|link| *link >= DEATHS || night < FIRST_DEATH + link) {
            Some(link) => Reply::page(&article(&format!("The reading at {}", address(link)))),
            None => Reply::not_found(),
        }
    })
    .await;
    harness.configure(&format!(
        "[service]\nspread = \"0s\"\nlook = \"never\"\n\
         [[course]]\nid = \"c\"\ntitle = \"A course\"\npage = \"http://course.test/\"\n\
         report_to = [\"i@school.test\"]\n\
         [mail]\nfrom = \"o@school.test\"\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\n",
        relay.address.port()
    ));
    harness
}

async fn count(harness: &Harness, query: &'static str) -> i64 {
    engines::number(&harness.archive(), query).await
}

/// The service, and when it is killed.
struct KilledService<'a> {
    harness: &'a Harness,
    counter: &'a RequestCounter,
    random: Random,
    killed: usize,
}

impl KilledService<'_> {
    /// Runs the service once, to the end of the night or until it is killed: shortly after a
    /// number of requests and relay commands. The runs get longer, so that each night ends in
    /// one of them. Returns whether the night ended.
    async fn run_once(&mut self, night: u32, run: usize, is_to_deliver: bool) -> bool {
        assert!(run < 30, "night {night} never ended");
        // Every start is a little later in the same night.
        let now = time_of(night).replace(":30:00", &format!(":{}:00", 30 + run));
        if self.killed < KILLS {
            self.counter.notify_after(1 + self.random.below(15 + 8 * run));
        }
        let mut service = Service::start(self.harness, &now);
        let end = async {
            if is_to_deliver {
                service.logs("email sent").await
            } else {
                drop(service.says("waiting until").await)
            }
        };
        tokio::select! {
            () = self.counter.reached.notified() => {
                sleep(Duration::from_micros(self.random.below(20_000) as u64)).await;
                service.child.kill().await.unwrap();
                self.killed += 1;
                false
            }
            () = end => {
                service.stop().await;
                true
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_killed_fifty_times_loses_and_doubles_nothing() {
    let counter = Arc::new(RequestCounter::default());
    let seen = Arc::clone(&counter);
    let relay = Relay::calling(move || seen.count());
    let harness = harness(Arc::clone(&counter), &relay).await;
    // A new course waits for a scheduled night that is near.
    let service = Service::start(&harness, "2026-09-14T02:20:00Z");
    service.says("waiting until 2026-09-14 02:30 UTC").await;
    service.stop().await;

    let mut killed_service =
        KilledService { harness: &harness, counter: &counter, random: Random::new(), killed: 0 };
    let mut nights = 0;
    while nights < NIGHTS || killed_service.killed < KILLS {
        nights += 1;
        let night = nights;
        harness.set_night(night);
        let mut runs = 0..;
        while !killed_service.run_once(night, runs.next().unwrap(), false).await {}
        while count(&harness, "SELECT count(*) FROM letter WHERE state = 'waiting'").await > 0 {
            killed_service.run_once(night, runs.next().unwrap(), true).await;
        }
    }
    nights_are_whole(&harness, nights).await;
    emails_are_sent_once(&harness, &relay).await;
    let (code, delivered) = harness.run(&["verify"]).await;
    assert_eq!(code, 0, "{delivered}");
    let (_, before) = harness.run(&["history", "h0.test/0-"]).await;
    let (code, delivered) = harness.run(&["rebuild"]).await;
    assert_eq!(code, 0, "{delivered}");
    let (_, after) = harness.run(&["history", "h0.test/0-"]).await;
    assert_eq!(after, before, "the journal contains everything");
}

/// The events with the numbers of their nights, counted from 1: ids may be skipped.
const NUMBERED: &str = "SELECT (SELECT count(*) FROM night WHERE night.id <= event.night) || ' ' || event \
                        FROM event ORDER BY id";

async fn nights_are_whole(harness: &Harness, nights: u32) {
    assert_eq!(count(harness, "SELECT count(*) FROM night").await, i64::from(nights));
    assert_eq!(
        count(harness, "SELECT count(*) FROM night WHERE finished IS NULL OR void IS NOT NULL").await,
        0
    );
    assert_eq!(count(harness, "SELECT count(*) FROM visit").await, i64::from(nights * LINKS));
    assert_eq!(count(harness, "SELECT count(*) FROM capture").await, i64::from(LINKS));
    engines::check_catalogue(&harness.archive()).await;
    // Each dead link has two events: its failure, and its confirmation.
    let rows = engines::query::<String>(&harness.archive(), NUMBERED).await;
    let mut events: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
    for row in rows {
        let (night, event) = row.split_once(' ').unwrap();
        let event: serde_json::Value = serde_json::from_str(event).unwrap();
        let after = event["after"]["state"].as_str().unwrap().to_owned();
        events
            .entry(event["link"].as_str().unwrap().to_owned())
            .or_default()
            .push((night.parse().unwrap(), after));
    }
    let expected = (0..DEATHS).map(|link| {
        let first = i64::from(FIRST_DEATH + link);
        let dead = first + i64::from(CONFIRMED_AFTER);
        (address(link), vec![(first, "failing".to_owned()), (dead, "dead".to_owned())])
    });
    assert_eq!(events, expected.collect());
}

/// An email may come twice if a kill left open whether it had come. Then it has the same
/// Message-ID and the same bytes.
async fn emails_are_sent_once(harness: &Harness, relay: &Relay) {
    let mut emails: BTreeMap<String, String> = BTreeMap::new();
    for sent in relay.taken() {
        let id = sent.header("Message-ID").to_owned();
        let first = emails.entry(id).or_insert_with(|| sent.mail.clone());
        assert_eq!(*first, sent.mail, "one Message-ID, one email");
    }
    for link in 0..DEATHS {
        let reports: BTreeSet<&String> = emails
            .iter()
            .filter(|(_, mail)| {
                mail.contains("newly dead") && mail.contains(&format!("   {}", address(link)))
            })
            .map(|(id, _)| id)
            .collect();
        assert_eq!(reports.len(), 1, "dead link {link} is in {reports:?}");
    }
    let delivered = count(harness, "SELECT count(*) FROM letter WHERE state = 'told'").await;
    assert_eq!(delivered, i64::try_from(emails.len()).unwrap());
}
