//! The versions of an original, and how they are told: as a field, a list, JSON.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::datetime;
use crate::domain::address::Address;
use crate::domain::capture::Stamp;
use crate::serve::settings::BaseUrl;

/// A field longer than this is cut off by servers and clients on the way.
const LONGEST_FIELD: usize = 6000;

/// An original and the moments of its versions, oldest first, at least one.
#[derive(Clone, Debug)]
pub(super) struct Versions {
    base: BaseUrl,
    /// Where the versions themselves are.
    kept_at: BaseUrl,
    original: Address,
    times: Vec<Timestamp>,
}

/// Who sends a `Link` field; a resource does not link to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    TimeGate,
    Memento,
}

impl Versions {
    pub(super) fn new(base: &BaseUrl, original: Address, times: Vec<Timestamp>) -> Self {
        Self { base: base.clone(), kept_at: base.clone(), original, times }
    }

    pub(super) fn kept_at(self, origin: &BaseUrl) -> Self {
        Self { kept_at: origin.clone(), ..self }
    }

    pub(super) fn newest(&self) -> usize {
        self.times.len().saturating_sub(1)
    }

    /// The version that stood at a moment: the newest one not after it. A
    /// version is kept when the original changes, so that is what a reader
    /// would have seen. Before the first there is only the first.
    pub(super) fn standing_at(&self, at: Timestamp) -> usize {
        self.times.partition_point(|time| time.as_second() <= at.as_second()).saturating_sub(1)
    }

    pub(super) fn address_of(&self, place: usize) -> String {
        let stamp = self.times.get(place).map(|at| Stamp::of(*at).to_string()).unwrap_or_default();
        self.kept_at.absolute(&format!("/web/{stamp}/{}", self.original))
    }

    /// The `Link` field beside the version at `place`.
    pub(super) fn link_field(&self, place: usize, from: From) -> String {
        let mut links = vec![format!("<{}>; rel=\"original\"", self.original)];
        if from == From::Memento {
            links.push(format!("<{}>; rel=\"timegate\"", self.timegate()));
        }
        links.push(format!(
            "<{}>; rel=\"timemap\"; type=\"application/link-format\"{}",
            self.timemap_address("link"),
            self.span()
        ));
        let newest = self.newest();
        let mut places = vec![0, place.saturating_sub(1), place, (place + 1).min(newest), newest];
        places.dedup();
        for at in places {
            links.push(self.link_to(at, &self.relation(at, Some(place))));
        }
        while links.iter().map(String::len).sum::<usize>() > LONGEST_FIELD && links.len() > 1 {
            links.pop();
        }
        links.join(", ")
    }

    /// The `TimeMap` in link format (section 5.1).
    pub(super) fn timemap(&self) -> String {
        let mut links = vec![
            format!("<{}>; rel=\"original\"", self.original),
            format!(
                "<{}>; rel=\"self\"; type=\"application/link-format\"{}",
                self.timemap_address("link"),
                self.span()
            ),
            format!("<{}>; rel=\"timegate\"", self.timegate()),
        ];
        links.extend((0..self.times.len()).map(|at| self.link_to(at, &self.relation(at, None))));
        links.join(",\n") + "\n"
    }

    /// The same as JSON, in the form aggregators of time maps use.
    pub(super) fn timemap_json(&self) -> Value {
        let one = |place: usize| {
            let at = self.times.get(place).map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
            json!({ "datetime": at, "uri": self.address_of(place) })
        };
        json!({
            "original_uri": self.original,
            "self": self.timemap_address("json"),
            "timegate_uri": self.timegate(),
            "timemap_uri": {
                "link_format": self.timemap_address("link"),
                "json_format": self.timemap_address("json"),
            },
            "mementos": {
                "first": one(0),
                "last": one(self.newest()),
                "list": (0..self.times.len()).map(one).collect::<Vec<_>>(),
            },
        })
    }

    fn link_to(&self, place: usize, relation: &str) -> String {
        let at = self.times.get(place).map(|at| datetime::write(*at)).unwrap_or_default();
        format!("<{}>; rel=\"{relation}\"; datetime=\"{at}\"", self.address_of(place))
    }

    /// "first memento", "prev memento" and so on; relations that meet are merged.
    fn relation(&self, place: usize, beside: Option<usize>) -> String {
        let is = |relation: &'static str, holds: bool| holds.then_some(relation);
        let words = [
            is("first", place == 0),
            is("last", place == self.newest()),
            is("prev", beside.is_some_and(|beside| place + 1 == beside)),
            is("next", beside.is_some_and(|beside| place == beside + 1)),
            Some("memento"),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    fn span(&self) -> String {
        match (self.times.first(), self.times.last()) {
            (Some(first), Some(last)) => {
                format!("; from=\"{}\"; until=\"{}\"", datetime::write(*first), datetime::write(*last))
            }
            _ => String::new(),
        }
    }

    fn timegate(&self) -> String {
        self.base.absolute(&format!("/timegate/{}", self.original))
    }

    fn timemap_address(&self, form: &str) -> String {
        self.base.absolute(&format!("/timemap/{form}/{}", self.original))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn versions(seconds: &[i64]) -> Versions {
        let times = seconds.iter().map(|second| Timestamp::from_second(*second).unwrap()).collect();
        let base = "https://links.edu/x".parse().unwrap();
        Versions::new(&base, Address::parse("http://a.edu/b").unwrap(), times)
    }

    #[test]
    fn relations_that_meet_are_merged() {
        let field = versions(&[0]).link_field(0, From::TimeGate);
        assert!(field.contains("<https://links.edu/x/web/19700101000000/http://a.edu/b>; rel=\"first last memento\"; datetime=\"Thu, 01 Jan 1970 00:00:00 GMT\""), "{field}");
        let field = versions(&[0, 1, 2]).link_field(1, From::Memento);
        for relation in [
            "\"original\"",
            "\"timegate\"",
            "\"timemap\"",
            "\"first prev memento\"",
            "\"memento\"",
            "\"last next memento\"",
        ] {
            assert_eq!(field.matches(&format!("rel={relation}")).count(), 1, "{relation} in {field}");
        }
        let field = versions(&[0, 1, 2, 3, 4]).link_field(2, From::Memento);
        for relation in
            ["\"first memento\"", "\"prev memento\"", "\"memento\"", "\"next memento\"", "\"last memento\""]
        {
            assert_eq!(field.matches(&format!("rel={relation}")).count(), 1, "{relation} in {field}");
        }
    }

    proptest! {
        #[test]
        fn the_version_that_stood_is_the_newest_not_after(mut seconds in prop::collection::vec(0_i64..1000, 1..20), asked in -5_i64..1005) {
            seconds.sort_unstable();
            seconds.dedup();
            let place = versions(&seconds).standing_at(Timestamp::from_second(asked).unwrap());
            if seconds[0] > asked {
                prop_assert_eq!(place, 0);
            } else {
                prop_assert!(seconds[place] <= asked);
                prop_assert!(seconds.get(place + 1).is_none_or(|next| *next > asked));
            }
        }
    }
}
