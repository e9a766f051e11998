//! Decisions on links, and the people who unsubscribed from emails.

use std::collections::HashMap;

use jiff::Timestamp;

use super::database::{Transaction, query, query_scalar};
use super::link_id::link_id;
use super::value::{from_json, json, time, time_from};
use super::{Catalogue, Error};
use crate::domain::address::Address;
use crate::domain::course::{CourseId, EmailAddress};
use crate::domain::decision::{Acceptance, Decision};

/// A stored decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDecision {
    pub decision: Decision,
    /// The result has changed since, so the decision has no effect any more.
    pub has_lapsed: bool,
}

/// A decision of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastDecision {
    pub link: Address,
    pub at: Timestamp,
    pub choice: PastChoice,
}

/// What a person decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PastChoice {
    Decided(Decision),
    Withdrawn,
    /// The new version of a changed link was accepted.
    VersionAccepted(Acceptance),
}

/// A decision that lapsed in a night, because the result of its link changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LapsedDecision {
    pub course: CourseId,
    pub link: Address,
    /// When the decision was made.
    pub decided: Timestamp,
}

impl Catalogue {
    /// The decisions on the links of a course.
    pub async fn decisions(&self, course: &CourseId) -> Result<HashMap<Address, StoredDecision>, Error> {
        let rows = query(
            "SELECT link.address, decision.decision, decision.lapsed FROM decision \
             JOIN link ON link.id = decision.link WHERE course = $1 AND decision.decision IS NOT NULL",
        )
        .bind(course.as_str())
        .fetch_all(&self.pool)
        .await?;
        let mut decisions = HashMap::new();
        for row in rows {
            if let Ok(link) = Address::parse_stored(row.get(0)) {
                let decided = StoredDecision { decision: from_json(row.get(1))?, has_lapsed: row.get(2) };
                decisions.insert(link, decided);
            }
        }
        Ok(decisions)
    }

    /// The newest decisions of a course, also those that are no longer in force.
    pub async fn decision_history(&self, course: &CourseId, most: u32) -> Result<Vec<PastDecision>, Error> {
        let rows = query(
            "SELECT link.address, decision_history.at, decision_history.decision, acceptance FROM decision_history \
             JOIN link ON link.id = decision_history.link WHERE course = $1 \
             ORDER BY decision_history.at DESC, decision_history.id DESC LIMIT $2",
        )
        .bind(course.as_str())
        .bind(most)
        .fetch_all(&self.pool)
        .await?;
        let mut history = Vec::new();
        for row in rows {
            if let Ok(link) = Address::parse_stored(row.get(0)) {
                let text = |column| row.get::<Option<String>>(column);
                let choice = match (text(2), text(3)) {
                    (Some(decision), _) => PastChoice::Decided(from_json(&decision)?),
                    (None, Some(acceptance)) => PastChoice::VersionAccepted(from_json(&acceptance)?),
                    (None, None) => PastChoice::Withdrawn,
                };
                history.push(PastDecision { link, at: time_from(row.get(1))?, choice });
            }
        }
        Ok(history)
    }

    /// The recipients who unsubscribed from the emails of a course.
    pub async fn stopped(&self, course: &CourseId) -> Result<Vec<EmailAddress>, Error> {
        let readers = query_scalar::<String>("SELECT reader FROM stopped WHERE course = $1 ORDER BY reader")
            .bind(course.as_str())
            .fetch_all(&self.pool)
            .await?;
        Ok(readers.iter().filter_map(|reader| reader.parse().ok()).collect())
    }
}

pub(super) async fn decide(
    course: &CourseId,
    link: &Address,
    at: Timestamp,
    decision: Option<&Decision>,
    on: &mut Transaction,
) -> Result<(), Error> {
    let key = DecisionKey { course, link: link_id(link, on).await?, at };
    let decision = decision.map(json).transpose()?;
    replace(&key, decision.as_deref(), false, on).await?;
    add_to_history(&key, decision.as_deref(), None, on).await
}

/// Adds an accepted version to the history.
pub(super) async fn version_accepted(
    acceptance: &Acceptance,
    link: &Address,
    at: Timestamp,
    on: &mut Transaction,
) -> Result<(), Error> {
    let key = DecisionKey { course: &acceptance.course, link: link_id(link, on).await?, at };
    add_to_history(&key, None, Some(&json(acceptance)?), on).await
}

/// A decision to use our copy stays in force; every other decision ends.
pub(super) async fn lapse(lapse: &LapsedDecision, on: &mut Transaction) -> Result<(), Error> {
    let link = link_id(&lapse.link, on).await?;
    let standing = query_scalar::<Option<String>>(
        "SELECT decision FROM decision WHERE course = $1 AND link = $2 AND at = $3",
    )
    .bind(lapse.course.as_str())
    .bind(link)
    .bind(time(lapse.decided))
    .fetch_optional(&mut *on)
    .await?
    .flatten();
    let Some(standing) = standing else { return Ok(()) };
    let stays = from_json::<Decision>(&standing)?.our_copy().is_some();
    let key = DecisionKey { course: &lapse.course, link, at: lapse.decided };
    replace(&key, stays.then_some(standing.as_str()), true, on).await
}

/// Which decision a row holds.
struct DecisionKey<'a> {
    course: &'a CourseId,
    link: i64,
    at: Timestamp,
}

/// Replaces the decision on a link. The new row has the greatest id, by which readers
/// notice the change.
async fn replace(
    key: &DecisionKey<'_>,
    decision: Option<&str>,
    has_lapsed: bool,
    on: &mut Transaction,
) -> Result<(), Error> {
    query("DELETE FROM decision WHERE course = $1 AND link = $2")
        .bind(key.course.as_str())
        .bind(key.link)
        .execute(&mut *on)
        .await?;
    query("INSERT INTO decision (course, link, at, decision, lapsed) VALUES ($1, $2, $3, $4, $5)")
        .bind(key.course.as_str())
        .bind(key.link)
        .bind(time(key.at))
        .bind(decision)
        .bind(has_lapsed)
        .execute(&mut *on)
        .await?;
    Ok(())
}

/// Of two entries of one time the later one in the journal counts.
async fn add_to_history(
    key: &DecisionKey<'_>,
    decision: Option<&str>,
    acceptance: Option<&str>,
    on: &mut Transaction,
) -> Result<(), Error> {
    query("DELETE FROM decision_history WHERE course = $1 AND link = $2 AND at = $3")
        .bind(key.course.as_str())
        .bind(key.link)
        .bind(time(key.at))
        .execute(&mut *on)
        .await?;
    query(
        "INSERT INTO decision_history (course, link, at, decision, acceptance) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(key.course.as_str())
    .bind(key.link)
    .bind(time(key.at))
    .bind(decision)
    .bind(acceptance)
    .execute(&mut *on)
    .await?;
    Ok(())
}

/// Stores whether a recipient wants the emails of a course. Emails that wait for a
/// recipient who unsubscribes are not sent.
pub(super) async fn letters(
    course: &CourseId,
    reader: &EmailAddress,
    at: Timestamp,
    wanted: bool,
    on: &mut Transaction,
) -> Result<(), Error> {
    if wanted {
        query("DELETE FROM stopped WHERE course = $1 AND reader = $2")
            .bind(course.as_str())
            .bind(reader.as_str())
            .execute(&mut *on)
            .await?;
        return Ok(());
    }
    query("INSERT INTO stopped (course, reader, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(course.as_str())
        .bind(reader.as_str())
        .bind(time(at))
        .execute(&mut *on)
        .await?;
    // If the entry is applied again after a crash, emails that were queued later stay.
    query(
        "UPDATE letter SET state = 'superseded', content = NULL, ended_at = $1 \
         WHERE course = $2 AND recipient = $3 AND state <> 'told' AND queued_at <= $4",
    )
    .bind(time(at))
    .bind(course.as_str())
    .bind(reader.as_str())
    .bind(time(at))
    .execute(&mut *on)
    .await?;
    Ok(())
}
