//! A course whose links behave as those of many courses do.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use onreserve::domain::address::Address;
use onreserve::domain::capture::{Capture, CaptureReason, Digest};
use onreserve::domain::course::{Course, PageSource};
use onreserve::domain::document::Fingerprint;
use onreserve::domain::evidence::comparison::ComparedBy;
use onreserve::domain::evidence::link_history::StoredCapture;
use onreserve::domain::evidence::{Drift, Evidence, Finding, Reason, SeenVersion, TextChange, Weight};
use onreserve::domain::journal::Entry;
use onreserve::domain::page::PageInput;
use onreserve::domain::visit::Validators;
use onreserve::night::rejudge::rejudge;
use onreserve::world::catalogue::Catalogue;

pub(super) const LINKS: u32 = 150;

/// The start of a night.
pub(super) fn night(n: u32) -> Timestamp {
    let first: Timestamp = "2023-01-01T02:30:00Z".parse().unwrap();
    first + SignedDuration::from_hours(24 * i64::from(n))
}

pub(super) struct SimulatedCourse {
    /// Addresses of courses have the same length, so that SQL can copy rows.
    name: String,
}

impl SimulatedCourse {
    pub(super) fn new(n: u32) -> Self {
        Self { name: format!("course{}", 1000 + n) }
    }

    pub(super) fn course(&self) -> Course {
        let page = PageSource::parse("http://127.0.0.1:9/").unwrap();
        Course::unconfigured(self.name.parse().unwrap(), "A course".to_owned(), vec![page])
    }

    pub(super) fn link(&self, place: u32) -> Address {
        Address::parse(&format!(
            "https://h{}.example/{}/articles/reading-{place}.html",
            place % 40,
            self.name
        ))
        .unwrap()
    }

    pub(super) fn links(&self) -> impl Iterator<Item = Address> {
        (0..LINKS).map(|place| self.link(place))
    }

    pub(super) fn visits(&self, n: u32) -> impl Iterator<Item = Entry> {
        (0..LINKS).map(move |place| Entry::Visit {
            night: night(n),
            link: self.link(place),
            evidence: evidence(&self.link(place), place, n),
            by: None,
        })
    }

    /// The entries of a night.
    pub(super) fn entries(&self, n: u32) -> Vec<Entry> {
        let mut entries = vec![Entry::Night { started: night(n) }];
        if n == 0 {
            entries.push(self.page());
            entries.extend((0..LINKS).map(|place| first_capture(self.link(place), place)));
        }
        entries.extend(self.visits(n));
        let at = night(n) + SignedDuration::from_hours(3);
        entries.push(Entry::Finished { night: night(n), at, void: None });
        entries
    }

    /// Enters some nights as the program does.
    pub(super) async fn enter(&self, catalogue: &Catalogue, nights: u32) {
        for n in 0..nights {
            catalogue.apply(&self.entries(n)).await.unwrap();
            catalogue.compact_visits().await.unwrap();
        }
    }

    pub(super) async fn judge(&self, catalogue: &Catalogue) {
        rejudge(&self.links().collect::<Vec<_>>(), night(0), catalogue).await.unwrap();
    }

    fn page(&self) -> Entry {
        let mut html = "<!doctype html><title>A course</title><h1>A course</h1>".to_owned();
        for (link, place) in self.links().zip(0..) {
            if place % 15 == 0 {
                write!(html, "<h2>Week {}</h2>", place / 15 + 1).unwrap();
            }
            write!(
                html,
                "<p>For Tuesday read <a href=\"{link}\">Reading number {place} about scores</a>.</p>"
            )
            .unwrap();
        }
        let course = self.course();
        let input = PageInput {
            content_type: Some("text/html".to_owned()),
            name: "index.html".to_owned(),
            base: Address::parse("http://127.0.0.1:9/").ok(),
            term: None,
            today: "2023-01-01".parse().unwrap(),
            kinds: Vec::new(),
            site: None,
        };
        let page = input.read_html(&html);
        assert_eq!(page.mentions.len(), usize::try_from(LINKS).unwrap());
        let (at, sha256) = (night(0), Digest::of(html.as_bytes()));
        let source = course.pages[0].clone();
        Entry::Page { at, course: course.id, title: course.title, source, sha256, page }
    }
}

fn text(place: u32, version: u32) -> Fingerprint {
    Fingerprint { version: 1, digest: Digest::of(format!("{place} {version}").as_bytes()) }
}

/// A number that looks random.
fn scattered(n: u64) -> u64 {
    let x = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb) >> 20
}

/// Of 150 links 105 are not modified, 30 have other bytes each night, 4 other words each night, 6
/// fail one night in ten, and 5 are dead.
fn evidence(link: &Address, place: u32, n: u32) -> Evidence {
    let offset = scattered(u64::from(place) << 32 | u64::from(n)) % 10_000_000_000;
    let at = night(n) + SignedDuration::from_micros(offset.cast_signed());
    let healthy = |drift| Finding::Healthy { drift, moved_to: None };
    let gone = Finding::Gone { reason: Reason::NotFound, weight: Weight::Strong };
    let (mut status, mut compared_by, mut seen) = (Some(304), Some(ComparedBy::Validators), None);
    let finding = match place % 150 {
        0..105 => healthy(Drift::Same),
        105..135 => {
            (status, compared_by) = (Some(200), Some(ComparedBy::Text));
            let sha256 = text(place, n).digest;
            let validators = Validators { etag: Some(format!("W/\"{offset:x}\"")), last_modified: None };
            seen = Some(Box::new(SeenVersion {
                asked: link.clone(),
                at: link.clone(),
                sha256,
                text: text(place, 0),
                validators,
            }));
            healthy(Drift::Same)
        }
        135..139 => {
            (status, compared_by) = (Some(200), Some(ComparedBy::Text));
            healthy(Drift::Small(change(place, n)))
        }
        139..145 if !offset.is_multiple_of(10) => healthy(Drift::Same),
        _ => {
            (status, compared_by) = (Some(404), None);
            gone
        }
    };
    Evidence {
        at,
        status,
        ended_at: None,
        finding,
        compared_by,
        notes: Vec::new(),
        seen,
        is_listed: false,
        listed_version: None,
    }
}

fn change(place: u32, n: u32) -> TextChange {
    TextChange {
        similarity: 0.984_375,
        compared_by: ComparedBy::Text,
        words_changed: n % 7 + 1,
        words_before: 1200,
        words_after: 1200 + n % 5,
        pages_before: None,
        pages_after: None,
        section: Some("News".to_owned()),
        alarm: None,
        seen_twice: false,
        is_noise: true,
        text: text(place, n),
    }
}

fn first_capture(link: Address, place: u32) -> Entry {
    // SQL cannot compute the digests of other courses.
    let sha256 = text(place, 0).digest;
    let capture = Capture {
        document: link.clone(),
        sha256,
        sha1: "2QKCZYHDZBMPWLPTL7QXPXBAZJ2MGWCP".to_owned(),
        bytes: 13_000,
        media_type: "text/html".to_owned(),
        captured_at: night(0) + SignedDuration::from_mins(30),
        why: CaptureReason::First,
        head: None,
        content_disposition: None,
        chain: vec![link.clone()],
        shortfall: None,
        link,
    };
    let kept = StoredCapture {
        capture,
        text: Fingerprint { version: 1, digest: sha256 },
        title: Some("Reading about scores, gradients and samplers".to_owned()),
        words: 1200,
        pages: None,
        validators: None,
        is_baseline: true,
        requisites: Vec::new(),
        rendering: None,
        citation: None,
    };
    Entry::Capture { kept: Box::new(kept), heads: None }
}
