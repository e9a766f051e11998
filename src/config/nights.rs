//! The part of the configuration that says when: `[service]` and each course's `schedule`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::SignedDuration;
use jiff::civil::Time;
use serde::Deserialize;

use crate::daemon;
use crate::domain::course::{Course, CourseId};
use crate::domain::schedule::{self, Schedule};
use crate::world::ping::PingUrl;

/// The value of `look` that means none.
const NEVER: &str = "never";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ServiceKeys {
    spread: SignedDuration,
    look: String,
    ping_url: Option<String>,
    ping_url_file: Option<PathBuf>,
}

impl Default for ServiceKeys {
    fn default() -> Self {
        Self {
            spread: SignedDuration::from_mins(15),
            look: "13:00".to_owned(),
            ping_url: None,
            ping_url_file: None,
        }
    }
}

/// When what is done; `expressions` holds what each course says itself.
pub(super) fn settings(
    keys: &ServiceKeys,
    courses: &[Course],
    expressions: &BTreeMap<CourseId, String>,
) -> Result<daemon::Settings, String> {
    if keys.spread.is_negative() || keys.spread > SignedDuration::from_hours(12) {
        return Err(format!("spread is {:#}; it can be from 0s to 12h", keys.spread));
    }
    let look = look(&keys.look)?;
    let mut settings = daemon::Settings { ping: ping(keys)?, ..daemon::Settings::default() };
    for course in courses {
        let of_course = |what: schedule::NotASchedule| format!("course `{}`: {what}", course.id);
        let expression = expressions.get(&course.id).map_or(schedule::DEFAULT, String::as_str);
        let nights = Schedule::parse(expression, course.time_zone.clone()).map_err(of_course)?;
        settings.nights.insert(course.id.clone(), nights.within(course.term).spread(&course.id, keys.spread));
        if let Some(look) = look {
            let look = Schedule::daily(look, course.time_zone.clone()).map_err(of_course)?;
            settings.looks.insert(course.id.clone(), look.within(course.term));
        }
    }
    Ok(settings)
}

fn look(text: &str) -> Result<Option<Time>, String> {
    if text == NEVER {
        return Ok(None);
    }
    match text.parse::<Time>() {
        Ok(time) => Ok(Some(time)),
        Err(_) => Err(format!("look is `{text}`; write a time of day such as \"13:00\", or \"{NEVER}\"")),
    }
}

/// The address is as good as a password for whoever wants to silence the
/// alarm, so no message repeats it.
fn ping(keys: &ServiceKeys) -> Result<Option<PingUrl>, String> {
    let text = match (&keys.ping_url, &keys.ping_url_file) {
        (Some(_), Some(_)) => {
            return Err("there are both ping_url and ping_url_file; keep one".to_owned());
        }
        (Some(url), None) => url.clone(),
        (None, Some(path)) => std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read ping_url_file {}: {error}", path.display()))?,
        (None, None) => return Ok(None),
    };
    text.trim().parse().map(Some).map_err(|error: crate::world::ping::NotAPingUrl| error.to_string())
}
