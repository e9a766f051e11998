//! `onreserve check --strict`: judges the links by tonight alone, for CI.

use crate::domain::address::Address;
use crate::domain::course::Course;
use crate::domain::report::figures::count;
use crate::domain::report::placement::fails_tonight;
use crate::domain::report::{CourseFacts, LinkFacts, plain, wording};
use crate::domain::verdict::State;
use crate::night::{self, Finished};
use crate::world::World;

/// Asks the links that fail definitely a second time. Those that fail again count as dead in the
/// outputs of this run; the archive keeps their real state. Returns the number of failures, with
/// the defects of the pages.
pub(super) async fn judge(night: &mut Finished, courses: &[Course], world: &World) -> anyhow::Result<usize> {
    if night.void.is_none() && night.courses.iter().any(|course| failing(&course.facts).next().is_some()) {
        night::recheck(courses, world).await?;
        update_verdicts(night, world).await?;
    }
    let mut failures = 0;
    for course in &mut night.courses {
        // In a void night the network here failed, so no link can be judged.
        let failed: Vec<usize> = match night.void {
            Some(_) => Vec::new(),
            None => failing(&course.facts).map(|(at, _)| at).collect(),
        };
        for at in &failed {
            if let Some(link_facts) = course.facts.links.get_mut(*at)
                && let State::Failing { reason, .. } = link_facts.verdict.state
            {
                link_facts.verdict.state = State::Dead { reason };
            }
        }
        failures += failed.len() + course.facts.defects.len();
    }
    Ok(failures)
}

/// Takes over what the second requests found. A link that works was not asked again.
async fn update_verdicts(night: &mut Finished, world: &World) -> anyhow::Result<()> {
    let links = night.courses.iter_mut().flat_map(|course| &mut course.facts.links);
    let mut asked: Vec<&mut LinkFacts> = links.filter(|it| it.verdict.state != State::Ok).collect();
    let addresses: Vec<Address> = asked.iter().map(|link_facts| link_facts.link.clone()).collect();
    let records = world.catalogue.link_records(&addresses).await?;
    for link_facts in &mut asked {
        // A link of two courses is updated in both.
        if let Some(verdict) = records.get(&link_facts.link).and_then(|record| record.verdict.clone()) {
            link_facts.verdict = verdict;
        }
    }
    Ok(())
}

/// The links that fail if tonight alone counts, each with its place in the list.
fn failing(course: &CourseFacts) -> impl Iterator<Item = (usize, &LinkFacts)> {
    course.links.iter().enumerate().filter(|(_, link_facts)| fails_tonight(course, link_facts))
}

/// The failures after the report on a terminal.
pub(super) fn summary(night: &Finished) -> String {
    let mut lines = Vec::new();
    for course in &night.courses {
        for (_, link_facts) in failing(&course.facts).filter(|_| night.void.is_none()) {
            let reason = link_facts.verdict.state.reason();
            let reason = reason.map(|reason| wording::reason(reason, link_facts.status)).unwrap_or_default();
            lines.push(format!("  {}: {reason}\n", plain::visible(link_facts.link.as_str())));
        }
        lines.extend(course.facts.defects.iter().map(|defect| {
            let (title, text) = wording::defect(defect);
            format!("  {title} ({}): {text}\n", wording::place_of_defect(defect))
        }));
    }
    match lines.len() {
        0 => "\nStrict check: nothing fails tonight.\n".to_owned(),
        n => format!("\nStrict check: {} tonight.\n{}", count(n, "failure"), lines.concat()),
    }
}
