//! What is news, for an instructor, in which order and how much of it.

use std::collections::HashMap;

use jiff::civil::Date;

use crate::domain::evidence::{Reason, Weight};
use crate::domain::report::entry::{due, entry, grouped, is_due};
use crate::domain::report::plain::{counted, day, local_day, size};
use crate::domain::report::{Item, Night, wording};
use crate::domain::verdict::{State, StateName};

/// Items told one by one; the rest is counted, so that a mail stays a mail.
const TOLD_AT_MOST: usize = 40;
/// A host that does not answer is worth a line from this night on.
const NIGHTS_BEFORE_A_LINE: u32 = 3;

/// A report as values: what is said, before it is laid out.
#[derive(Clone, Debug, PartialEq)]
pub struct Digest {
    pub subject: String,
    /// What is broken, what students get, what to do.
    pub opening: Vec<String>,
    pub sections: Vec<Section>,
    /// Standing counts, one line each.
    pub counts: Vec<String>,
    /// How much was checked, when.
    pub foot: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    pub title: &'static str,
    pub entries: Vec<Entry>,
    /// Entries beyond the cap.
    pub untold: usize,
}

/// One thing to tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub name: String,
    /// Where it stands and when it is due.
    pub place: Option<String>,
    pub address: Option<String>,
    /// Further lines, most important first.
    pub lines: Vec<String>,
}

/// Turns a night into what is told of it.
pub fn compose(night: &Night) -> Digest {
    let sorted = Sorted::new(night);
    let mut told = 0;
    let mut sections = Vec::new();
    for (title, entries) in sorted.sections(night) {
        if entries.is_empty() {
            continue;
        }
        let room = TOLD_AT_MOST.saturating_sub(told);
        let untold = entries.len().saturating_sub(room);
        told += entries.len() - untold;
        sections.push(Section { title, entries: entries.into_iter().take(room).collect(), untold });
    }
    Digest {
        subject: subject(night, &sorted),
        opening: opening(night, &sorted),
        sections,
        counts: sorted.counts(night),
        foot: foot(night),
    }
}

/// The items by what is to be said of them.
#[derive(Default)]
struct Sorted<'a> {
    needs_you: Vec<&'a Item>,
    covered: Vec<&'a Item>,
    changed: Vec<&'a Item>,
    moved: Vec<&'a Item>,
    due: Vec<&'a Item>,
    failing: Vec<&'a Item>,
    fixed: Vec<&'a Item>,
    still_dead: Vec<&'a Item>,
    unchecked: Vec<&'a Item>,
    noted: Vec<&'a Item>,
}

impl<'a> Sorted<'a> {
    fn new(night: &'a Night) -> Self {
        let mut sorted = Self::default();
        if night.void.is_some() && !night.is_first {
            return sorted;
        }
        for item in in_order(night) {
            sorted.put(item, night);
        }
        sorted
    }

    fn put(&mut self, item: &'a Item, night: &Night) {
        let is_news = item.before.as_ref().map(State::name) != Some(item.verdict.state.name());
        match &item.verdict.state {
            State::Dead { .. } if !is_news => self.still_dead.push(item),
            State::Dead { .. } | State::Restricted { .. } if is_news && item.copy.is_none() => {
                self.needs_you.push(item)
            }
            State::Dead { .. } => self.covered.push(item),
            State::Restricted { .. } if is_news => self.covered.push(item),
            State::Restricted { .. } | State::Unverifiable { .. } => self.unchecked.push(item),
            State::Changed { .. } if is_news => self.changed.push(item),
            State::Moved { .. } if is_news => self.moved.push(item),
            State::Failing { weight, .. } => {
                let is_told = *weight > Weight::Weak || item.verdict.nights >= NIGHTS_BEFORE_A_LINE;
                if is_due(item, night.today) {
                    self.due.push(item);
                } else if is_told {
                    self.failing.push(item);
                }
            }
            State::Ok | State::Changed { .. } | State::Moved { .. } => {
                if matches!(
                    item.before.as_ref().map(State::name),
                    Some(StateName::Dead | StateName::Restricted)
                ) {
                    self.fixed.push(item);
                } else if !item.notes.is_empty() && (is_news || night.is_first) {
                    self.noted.push(item);
                }
            }
        }
    }

    fn sections(&self, night: &Night) -> Vec<(&'static str, Vec<Entry>)> {
        let entries = |items: &[&Item]| items.iter().map(|item| entry(item, night)).collect::<Vec<_>>();
        let mut page: Vec<Entry> = Vec::new();
        if let Some(trouble) = &night.page_trouble {
            page.push(Entry {
                name: wording::page_trouble(trouble),
                place: None,
                address: None,
                lines: Vec::new(),
            });
        }
        if night.is_first || night.page_trouble.is_some() {
            let plain = |defect| Entry {
                name: wording::defect(defect),
                place: None,
                address: None,
                lines: Vec::new(),
            };
            page.extend(night.defects.iter().map(plain));
        }
        vec![
            ("NEEDS YOU", entries(&self.needs_you)),
            ("NOT CONFIRMED YET, BUT DUE SOON", entries(&self.due)),
            ("NEWLY DEAD, STUDENTS COVERED", entries(&self.covered)),
            ("CHANGED", entries(&self.changed)),
            ("MOVED", entries(&self.moved)),
            ("THE COURSE PAGE", page),
            ("NOT WORKING, NOT CONFIRMED YET", grouped(&self.failing, night)),
            ("FIXED SINCE LAST REPORT", entries(&self.fixed)),
            ("WORTH A LOOK", entries(&self.noted)),
        ]
    }

    fn counts(&self, night: &Night) -> Vec<String> {
        let mut counts = Vec::new();
        if let Some(oldest) = self.still_dead.iter().map(|item| item.verdict.since).min() {
            let covered = self.still_dead.iter().filter(|item| item.copy.is_some()).count();
            let since = local_day(oldest, &night.time_zone, night.today);
            counts.push(format!(
                "STILL DEAD ({}): the oldest since {since}; {covered} covered by a copy.",
                self.still_dead.len()
            ));
        }
        if !self.unchecked.is_empty() {
            let mut reasons: HashMap<String, usize> = HashMap::new();
            for item in &self.unchecked {
                let reason = item.verdict.state.reason().unwrap_or(Reason::NotChecked);
                *reasons.entry(wording::reason(reason, None)).or_default() += 1;
            }
            let mut reasons: Vec<(String, usize)> = reasons.into_iter().collect();
            reasons.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
            let said: Vec<String> =
                reasons.into_iter().map(|(reason, count)| format!("{count}: {reason}")).collect();
            counts.push(format!("COULD NOT CHECK ({}). {}.", self.unchecked.len(), said.join("; ")));
        }
        counts
    }

    fn next_due(&self, today: Date) -> Option<Date> {
        let broken = self.needs_you.iter().chain(&self.covered).chain(&self.due);
        broken.filter_map(|item| due(item)).filter(|due| *due >= today).min()
    }
}

/// Due soonest first, then what is past or undated, in the order of the page.
fn in_order(night: &Night) -> Vec<&Item> {
    let mut items: Vec<&Item> = night.items.iter().collect();
    items.sort_by_key(|item| {
        due(item).filter(|due| *due >= night.today).map_or((1, night.today), |due| (0, due))
    });
    items
}

fn subject(night: &Night, sorted: &Sorted) -> String {
    let tag = night.course.as_str().to_uppercase();
    let broken = sorted.needs_you.len() + sorted.covered.len();
    let due = sorted
        .next_due(night.today)
        .map(|due| format!(", 1 due {}", day(due, night.today)))
        .unwrap_or_default();
    if night.void.is_some() && !night.is_first {
        format!("[{tag}] No check last night")
    } else if night.is_first {
        format!("[{tag}] First check of {}", counted(night.items.len(), "link"))
    } else if broken > 0 {
        format!("[{tag}] {}{due}", counted(broken, "new dead link"))
    } else if !sorted.due.is_empty() {
        format!("[{tag}] {} may be down{due}", counted(sorted.due.len(), "link"))
    } else if !sorted.changed.is_empty() {
        format!("[{tag}] {}", counted(sorted.changed.len(), "changed document"))
    } else if !sorted.moved.is_empty() {
        format!("[{tag}] {}", counted(sorted.moved.len(), "moved link"))
    } else if sorted.fixed.is_empty() {
        format!("[{tag}] No news of {}", counted(night.items.len(), "link"))
    } else {
        format!(
            "[{tag}] {} again",
            counted(sorted.fixed.len(), "link works")
                .replace("works", "work")
                .replace("1 link work", "1 link works")
                .replace("link workss", "links work")
        )
    }
}

fn opening(night: &Night, sorted: &Sorted) -> Vec<String> {
    let links = counted(night.items.len(), "link");
    if let Some(void) = &night.void {
        return vec![wording::void(void)];
    }
    if night.is_first {
        let broken = sorted.needs_you.len() + sorted.failing.len() + sorted.due.len();
        return vec![
            format!("This is the first check of {links}: where things stand, not news."),
            if broken == 0 {
                "All that could be checked works.".to_owned()
            } else {
                format!("{broken} of them did not work; the coming nights will tell whether they are dead.")
            },
        ];
    }
    let broken = sorted.needs_you.len() + sorted.covered.len();
    if broken == 0 {
        return vec![match (sorted.changed.len(), sorted.moved.len()) {
            (0, 0) => format!("No link of {links} is newly dead, changed or moved. Nothing to do."),
            (changed, moved) => {
                format!("No link of {links} is newly dead. {changed} changed, {moved} moved.")
            }
        }];
    }
    let verb = if broken == 1 { "is" } else { "are" };
    vec![
        format!("{broken} of {links} {verb} newly dead."),
        match sorted.covered.len() {
            0 => "Of none do we have a copy for your students.".to_owned(),
            covered if covered == broken => "Of all of them we have a copy for your students.".to_owned(),
            covered => format!("Of {covered} we have a copy for your students."),
        },
        match sorted.needs_you.len() {
            0 => "Nothing to do today.".to_owned(),
            1 => "One needs you.".to_owned(),
            needs => format!("{needs} need you."),
        },
    ]
}

fn foot(night: &Night) -> Vec<String> {
    let at = |timestamp: jiff::Timestamp| timestamp.to_zoned_datetime(night.time_zone.clone());
    let (from, to) = (at(night.started), at(night.finished));
    vec![
        format!(
            "{} checked {}, {}-{}.",
            counted(night.items.len(), "link"),
            day(from.date(), night.today),
            from.strftime("%H:%M"),
            to.strftime("%H:%M %Z")
        ),
        format!(
            "{} stored; {} received in {}.",
            counted_copies(night),
            size(night.bytes),
            counted(usize::try_from(night.requests).unwrap_or(usize::MAX), "request")
        ),
    ]
}

fn counted_copies(night: &Night) -> String {
    if night.copies_kept == 1 { "1 copy".to_owned() } else { format!("{} copies", night.copies_kept) }
}
