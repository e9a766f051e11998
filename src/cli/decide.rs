//! Decisions on a link: `accept`, `dismiss`, `snooze`, `use-copy`, `replace` and `undo`.
//!
//! They do the same as the buttons on the page of a link in an email. The service
//! may run meanwhile, and shows the decision at once.

use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::civil::Date;

use super::archive_location::OpenArchive;
use super::archive_location::no_night;
use super::{ArchiveLocation, ClockArguments, print};
use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::course::{CourseId, Term};
use crate::domain::decision::{Acceptance, Choice, Decider, Decision, Gist, Until};
use crate::domain::evidence::link_history::LinkHistory;
use crate::domain::journal::Entry;
use crate::domain::report::wording::{self, decision as words};
use crate::domain::report::{CourseFacts, CourseReport};
use crate::domain::verdict::{State, StateName};
use crate::world::clock::Clock;
use crate::world::recording::JournalWriter;

#[derive(Debug, Args)]
pub(super) struct DecisionArguments {
    /// The address of the link, its id, or a part of the address that no other link has.
    #[arg(value_name = "URL")]
    link: String,
    /// The course that the decision is for, if the archive has several.
    #[arg(long, value_name = "ID")]
    course: Option<CourseId>,
    #[command(flatten)]
    location: ArchiveLocation,
    #[command(flatten)]
    clock: ClockArguments,
}

#[derive(Debug, Args)]
pub(super) struct SnoozeArguments {
    #[command(flatten)]
    of: DecisionArguments,
    /// The day on which reports list the link again, such as 2026-10-19; or `next-term`.
    #[arg(long, value_name = "DAY")]
    until: SnoozeUntil,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  onreserve replace papers.example/old.pdf --by https://papers.example/new.pdf

`onreserve patch` then puts the new address on the course page.")]
pub(super) struct ReplaceArguments {
    #[command(flatten)]
    of: DecisionArguments,
    /// The address that the course page gets in its place.
    #[arg(long, value_name = "ADDRESS")]
    by: Address,
}

/// The value of `--until`.
#[derive(Clone, Copy, Debug)]
enum SnoozeUntil {
    Day(Date),
    NextTerm,
}

impl FromStr for SnoozeUntil {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "next-term" => Ok(Self::NextTerm),
            day => day
                .parse()
                .map(Self::Day)
                .map_err(|_| "write a day such as 2026-10-19, or next-term".to_owned()),
        }
    }
}

/// The link of a course that a decision is about, with its state and history.
struct DecisionTarget {
    course: CourseId,
    link: Address,
    state: State,
    history: LinkHistory,
    night: CourseFacts,
    term: Option<Term>,
    opened: OpenArchive,
}

impl DecisionTarget {
    async fn of(arguments: &DecisionArguments) -> anyhow::Result<Self> {
        let opened = arguments.location.open_to_write().await?;
        let link = opened.link(&arguments.link).await?;
        let (course, _) = opened.course(arguments.course.as_ref()).await?;
        let known = opened.catalogue.link_record(&link).await?.context("this link has never been checked")?;
        let state = known
            .verdict
            .context("no night with this link is complete yet; run `onreserve check` first")?
            .state;
        let CourseReport { facts: night, .. } =
            opened.catalogue.last_report(&course).await?.with_context(|| no_night(&course))?;
        if !night.links.iter().any(|link_facts| link_facts.link == link) {
            bail!("the course `{course}` has no link {link}");
        }
        let settings = arguments.location.settings()?;
        let configured = settings.iter().flat_map(|settings| &settings.courses);
        let term = configured.filter(|configured| configured.id == course).find_map(|course| course.term);
        Ok(Self { course, link, state, history: known.history, night, term, opened })
    }

    /// Stores the decision and prints it.
    async fn decide(
        &self,
        arguments: &DecisionArguments,
        choice: Option<Choice>,
    ) -> anyhow::Result<ExitCode> {
        if let Some(choice) = choice.as_ref().filter(|choice| !choice.fits(&self.state)) {
            let choice = words::choice(choice, self.night.today);
            bail!(
                "the decision `{choice}` does not fit {}, whose state is: {}",
                self.link,
                wording::state(&self.state)
            );
        }
        let at = clock(arguments).now();
        let said = match &choice {
            Some(choice) => {
                format!("{}: {}.\n", self.link, words::choice(choice, self.night.today))
            }
            None => format!("{}: decision withdrawn.\n", self.link),
        };
        let about = Gist::of(&self.state);
        let decision = choice.map(|choice| Decision {
            choice,
            about,
            at,
            by: None,
            decider: Some(Decider::CommandLine),
            note: None,
        });
        let (course, link) = (self.course.clone(), self.link.clone());
        self.write(arguments, Entry::Decided { at, course, link, decision }).await?;
        print(&said)?;
        Ok(ExitCode::SUCCESS)
    }

    /// Makes the newest capture the one that later nights are compared with.
    async fn accept_version(&self, arguments: &DecisionArguments) -> anyhow::Result<ExitCode> {
        let newest = self.history.last.as_ref();
        let newest = newest.with_context(|| format!("the archive has no copy of {} to accept", self.link))?;
        let sha256 = newest.capture.sha256;
        if self.history.baseline.as_ref().is_some_and(|baseline| baseline.capture.sha256 == sha256) {
            print("The newest version has been accepted already.\n")?;
            return Ok(ExitCode::SUCCESS);
        }
        let at = clock(arguments).now();
        let acceptance =
            Acceptance { course: self.course.clone(), by: None, decider: Some(Decider::CommandLine) };
        let entry = Entry::Accepted { at, link: self.link.clone(), sha256, acceptance: Some(acceptance) };
        self.write(arguments, entry).await?;
        print(&format!(
            "Accepted the version of {}; later nights compare with it.\n",
            newest.capture.captured_at.strftime("%Y-%m-%d %H:%M UTC")
        ))?;
        Ok(ExitCode::SUCCESS)
    }

    async fn write(&self, arguments: &DecisionArguments, entry: Entry) -> anyhow::Result<()> {
        let OpenArchive { archive, catalogue } = &self.opened;
        JournalWriter { archive, catalogue, at: clock(arguments).now() }.record(vec![entry]).await
    }

    /// The copy that students are given: for a changed link, the version before the change.
    fn our_copy(&self) -> Option<Digest> {
        let is_changed = self.state.name() == StateName::Changed;
        let kept = if is_changed { self.history.baseline.as_ref() } else { self.history.current() };
        kept.map(|kept| kept.capture.sha256)
    }
}

fn clock(arguments: &DecisionArguments) -> Clock {
    arguments.clock.clock()
}

/// Accepts the new version of a changed link, or accepts that a link is dead.
pub(super) async fn accept(arguments: DecisionArguments) -> anyhow::Result<ExitCode> {
    let target = DecisionTarget::of(&arguments).await?;
    match target.state.name() {
        StateName::Dead => target.decide(&arguments, Some(Choice::AcceptedDead)).await,
        StateName::Ok
        | StateName::Moved
        | StateName::Changed
        | StateName::Restricted
        | StateName::Unverifiable
        | StateName::Failing => target.accept_version(&arguments).await,
    }
}

pub(super) async fn dismiss(arguments: DecisionArguments) -> anyhow::Result<ExitCode> {
    DecisionTarget::of(&arguments).await?.decide(&arguments, Some(Choice::NotBroken)).await
}

pub(super) async fn snooze(SnoozeArguments { of, until }: SnoozeArguments) -> anyhow::Result<ExitCode> {
    let target = DecisionTarget::of(&of).await?;
    let until = match (until, target.term) {
        (SnoozeUntil::Day(day), _) => Until::Day(day),
        (SnoozeUntil::NextTerm, Some(term)) => Until::TermAfter(term.last),
        (SnoozeUntil::NextTerm, None) => {
            bail!(
                "the course has no term in the configuration; give --config with a term, or a day such as 2026-10-19"
            )
        }
    };
    let today = clock(&of).now().to_zoned_datetime(target.night.time_zone.clone()).date();
    if until.is_over(today, target.term) {
        bail!("that day is over; give one after {today}");
    }
    target.decide(&of, Some(Choice::Snoozed(until))).await
}

pub(super) async fn replace(ReplaceArguments { of, by }: ReplaceArguments) -> anyhow::Result<ExitCode> {
    DecisionTarget::of(&of).await?.decide(&of, Some(Choice::ReplacedBy(by))).await
}

pub(super) async fn use_copy(arguments: DecisionArguments) -> anyhow::Result<ExitCode> {
    let target = DecisionTarget::of(&arguments).await?;
    let sha256 = target.our_copy().with_context(|| format!("the archive has no copy of {}", target.link))?;
    target.decide(&arguments, Some(Choice::OurCopy(sha256))).await
}

pub(super) async fn undo(arguments: DecisionArguments) -> anyhow::Result<ExitCode> {
    DecisionTarget::of(&arguments).await?.decide(&arguments, None).await
}
