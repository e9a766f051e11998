//! Durations in the configuration: `2s`, `15m`, `1h 30m`.

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

/// A duration of zero or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DurationKey(pub Duration);

impl<'de> Deserialize<'de> for DurationKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(DurationVisitor)
    }
}

struct DurationVisitor;

impl Visitor<'_> for DurationVisitor {
    type Value = DurationKey;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as \"2s\"")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<DurationKey, E> {
        DurationKey::try_from(text.to_owned()).map_err(E::custom)
    }
}

impl TryFrom<String> for DurationKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let duration =
            text.parse::<SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
        duration
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a duration; write it as in \"2s\", \"15m\" or \"12h\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_with_its_unit() {
        let read = |text: &str| DurationKey::try_from(text.to_owned());
        assert_eq!(read("1h 30m").unwrap().0, Duration::from_mins(90));
        for wrong in ["2", "2d", "-2s", "soon", ""] {
            let error = read(wrong).unwrap_err();
            assert!(error.contains("not a duration") && error.contains("\"15m\""), "{error}");
        }
    }
}
