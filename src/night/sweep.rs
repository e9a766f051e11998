//! Every link is visited: hosts side by side, the links of one host one after another.

use std::collections::HashMap;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::domain::address::Address;
use crate::domain::document::Document;
use crate::domain::evidence::Evidence;
use crate::domain::evidence::ask::{Answer, Answers, Subject};
use crate::domain::evidence::keep;
use crate::domain::evidence::memory::Memory;
use crate::domain::evidence::weigh::{Case, next_ask, weigh};
use crate::night::carry::{self, Shared};
use crate::night::keeping::{self, Brought};
use crate::night::record::{self, RunningNight};
use crate::night::{Progress, Watcher};
use crate::world::World;
use crate::world::catalogue::Known;

/// Visits whose results wait to be written; an interruption asks for these again.
const WAITING_TO_BE_WRITTEN: usize = 8;

#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub world: &'a World,
    pub watch: Watcher<'a>,
    pub hosts_at_once: usize,
}

/// Visits every link that tonight has not visited yet, and records each as it comes.
pub(super) async fn all(
    links: &[Subject],
    known: &HashMap<Address, Known>,
    night: &RunningNight,
    around: Around<'_>,
) -> anyhow::Result<HashMap<Address, Evidence>> {
    let mut evidence = around.world.catalogue.visited(night.row.id).await?;
    (around.watch)(Progress::Links { count: links.len(), known: evidence.len() });
    let left: Vec<&Subject> = links.iter().filter(|link| !evidence.contains_key(&link.address)).collect();
    let (sender, receiver) = mpsc::channel(WAITING_TO_BE_WRITTEN);
    let visits = visits(&left, known, around, sender);
    let ((), recorded) = tokio::try_join!(visits, record::each(receiver, night, around))?;
    evidence.extend(recorded);
    Ok(evidence)
}

/// Visits these links, and sends what each brought; the channel closes with the last.
pub(super) async fn visits(
    left: &[&Subject],
    known: &HashMap<Address, Known>,
    around: Around<'_>,
    sender: mpsc::Sender<Brought>,
) -> anyhow::Result<()> {
    let shared = Shared::default();
    let nothing = Known::default();
    stream::iter(by_host(left))
        .map(|links| {
            let (sender, shared, nothing) = (sender.clone(), &shared, &nothing);
            async move {
                for link in links {
                    let memory = &known.get(&link.address).unwrap_or(nothing).memory;
                    let brought = visit(link, memory, shared, around.world).await?;
                    // The recorder ends first only when it failed, and then says why.
                    let _ = sender.send(brought).await;
                }
                anyhow::Ok(())
            }
        })
        .buffer_unordered(around.hosts_at_once)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(())
}

/// The links grouped by host, the groups in the order of their first links;
/// long groups first, because they decide when the night ends.
fn by_host<'a>(links: &[&'a Subject]) -> Vec<Vec<&'a Subject>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<Vec<&Subject>> = Vec::new();
    for link in links {
        let place = *places.entry(link.address.host()).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(link);
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    groups
}

/// Asks about one link until nothing is left to ask, then weighs the answers.
async fn visit(link: &Subject, memory: &Memory, shared: &Shared, world: &World) -> anyhow::Result<Brought> {
    let mut table = Table {
        subject: link.clone(),
        memory: keeping::in_hand(memory, world).into_owned(),
        baseline: None,
        last: None,
        answers: Vec::new(),
        at: world.clock.now(),
    };
    let mut bodies = HashMap::new();
    loop {
        let ask;
        (table, ask) = aside(table, |table| next_ask(&table.case())).await?;
        let Some(ask) = ask else { break };
        let (answer, body) = carry::out(ask, link, &table.memory, shared, world).await?;
        if let Some(body) = body {
            bodies.insert(table.answers.len(), body);
        }
        table.answers.push(answer);
        if table.baseline.is_none() && keep::needs_baseline(&table.memory, &table.answers) {
            table.baseline = keeping::read_again(table.memory.baseline.as_ref(), world).await?;
            if keep::needs_last(&table.memory, table.baseline.as_ref()) {
                table.last = keeping::read_again(table.memory.last.as_ref(), world).await?;
            }
        }
    }
    let weighed = move |table: &Table| {
        let case = table.case();
        keeping::bring(&case, weigh(&case), bodies)
    };
    Ok(aside(table, weighed).await?.1)
}

/// What lies on the table while a link is judged.
struct Table {
    subject: Subject,
    memory: Memory,
    baseline: Option<Document>,
    last: Option<Document>,
    answers: Vec<Answer>,
    at: Timestamp,
}

impl Table {
    fn case(&self) -> Case<'_> {
        Case {
            subject: &self.subject,
            memory: &self.memory,
            baseline: self.baseline.as_ref(),
            last: self.last.as_ref(),
            answers: Answers(&self.answers),
            at: self.at,
        }
    }
}

/// Thinks on a thread of its own: all hosts are visited by one task, and a page
/// of a million words must not keep the others waiting.
async fn aside<T: Send + 'static>(
    table: Table,
    think: impl FnOnce(&Table) -> T + Send + 'static,
) -> anyhow::Result<(Table, T)> {
    let thinking = tokio::task::spawn_blocking(move || {
        let thought = think(&table);
        (table, thought)
    });
    Ok(thinking.await?)
}
