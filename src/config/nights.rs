//! `[service]` and the `schedule` of each course: when nights and rechecks run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::credential;
use super::diagnostics::TableDiagnostics;
use super::duration::DurationKey;
use crate::domain::course::CourseId;
use crate::domain::schedule::{self, Schedule};
use crate::world::operator_http::{InvalidSecretUrl, SecretUrl};

/// The systemd credential that may hold the ping URL.
const CREDENTIAL: &str = "ping-url";
/// The value of `look` that turns the daytime recheck off.
const NEVER: &str = "never";
/// The default lease of a process.
const LEASE: Duration = Duration::from_mins(1);
const SHORTEST_LEASE: Duration = Duration::from_secs(1);
const LONGEST_LEASE: Duration = Duration::from_hours(1);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ServiceKeys {
    spread: DurationKey,
    look: String,
    lease: DurationKey,
    ping_url: Option<String>,
    ping_url_file: Option<PathBuf>,
}

impl Default for ServiceKeys {
    fn default() -> Self {
        Self {
            spread: DurationKey(Duration::from_mins(15)),
            look: "13:00".to_owned(),
            lease: DurationKey(LEASE),
            ping_url: None,
            ping_url_file: None,
        }
    }
}

/// The checked values of `[service]`.
pub(super) struct ServiceSettings {
    spread: SignedDuration,
    look: Option<Time>,
    pub lease: Duration,
    pub ping: Option<SecretUrl>,
}

/// When the service runs.
#[derive(Clone, Debug)]
pub struct DaemonSettings {
    /// When each course has its nights.
    pub nights: BTreeMap<CourseId, Schedule>,
    /// When the failing links of a course are rechecked by day.
    pub rechecks: BTreeMap<CourseId, Schedule>,
    /// The monitoring service that raises an alarm when nights do not happen.
    pub ping: Option<SecretUrl>,
    /// After this time without a sign of life a process beside others is lost.
    pub lease: Duration,
}

impl Default for DaemonSettings {
    fn default() -> Self {
        Self { nights: BTreeMap::new(), rechecks: BTreeMap::new(), ping: None, lease: LEASE }
    }
}

/// When a course has its nights and its daytime rechecks.
pub(super) struct CourseSchedules {
    pub nights: Schedule,
    pub rechecks: Option<Schedule>,
}

pub(super) fn service(
    keys: &ServiceKeys,
    table: &mut TableDiagnostics,
    environment: impl Fn(&str) -> Option<String>,
) -> ServiceSettings {
    let spread = SignedDuration::try_from(keys.spread.0).unwrap_or(SignedDuration::MAX);
    if spread > SignedDuration::from_hours(12) {
        table.error("spread", format!("spread is {spread:#}; give a value from 0s to 12h"));
    }
    if keys.lease.0 < SHORTEST_LEASE || keys.lease.0 > LONGEST_LEASE {
        let lease = SignedDuration::try_from(keys.lease.0).unwrap_or(SignedDuration::MAX);
        table.error("lease", format!("lease is {lease:#}; give a value from 1s to 1h"));
    }
    let key = if keys.ping_url_file.is_some() { "ping_url_file" } else { "ping_url" };
    ServiceSettings {
        spread,
        look: table.value("look", look(&keys.look)).flatten(),
        lease: keys.lease.0,
        ping: table.value(key, ping(keys, environment)).flatten(),
    }
}

/// The schedules of a course. `expression` is its own `schedule`, if it has one.
pub(super) fn schedules(
    expression: Option<&str>,
    course: &CourseId,
    zone: TimeZone,
    service: &ServiceSettings,
    table: &mut TableDiagnostics,
) -> Option<CourseSchedules> {
    let of_course = |what: schedule::InvalidSchedule| format!("course `{course}`: {what}");
    let nights = Schedule::parse(expression.unwrap_or(schedule::DEFAULT), zone.clone()).map_err(of_course);
    let rechecks = service.look.map(|at| Schedule::daily(at, zone)).transpose().map_err(of_course);
    let nights = table.value("schedule", nights)?.spread(course, service.spread);
    Some(CourseSchedules { nights, rechecks: table.value("schedule", rechecks)? })
}

fn look(text: &str) -> Result<Option<Time>, String> {
    if text == NEVER {
        return Ok(None);
    }
    match text.parse::<Time>() {
        Ok(time) => Ok(Some(time)),
        Err(_) => Err(format!("look is `{text}`; give a time of day such as \"13:00\", or \"{NEVER}\"")),
    }
}

/// The ping URL. It works like a password, as requests to it stop the alarm, so
/// errors do not show it.
fn ping(
    keys: &ServiceKeys,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Option<SecretUrl>, String> {
    let named = match (&keys.ping_url, &keys.ping_url_file) {
        (Some(_), Some(_)) => {
            return Err("both ping_url and ping_url_file are given; keep one".to_owned());
        }
        (Some(url), None) => return ping_url(url).map(Some),
        (None, named) => named.as_deref(),
    };
    let Some(path) = credential::file(named, CREDENTIAL, environment) else { return Ok(None) };
    ping_url(&credential::read(&path)?).map(Some)
}

fn ping_url(text: &str) -> Result<SecretUrl, String> {
    text.parse().map_err(|error: InvalidSecretUrl| format!("ping_url: {error}"))
}
