//! The versions of an original as a `Link` header, a `TimeMap` and JSON.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::datetime;
use crate::domain::address::Address;
use crate::domain::capture::Stamp;
use crate::serve::base_url::BaseUrl;

/// Proxies and clients may refuse a longer header.
const MAX_FIELD_BYTES: usize = 6000;

/// An original and the times of its versions. There is at least one.
#[derive(Clone, Debug)]
pub(super) struct MementoVersions {
    base: BaseUrl,
    /// The base of the versions themselves, which may have an origin of their own.
    copies_base: BaseUrl,
    original: Address,
    /// Ascending, and not empty.
    times: Vec<Timestamp>,
}

/// The resource whose response has a `Link` header. A resource does not link to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkSource {
    TimeGate,
    Memento,
}

impl MementoVersions {
    /// `None` without any version.
    pub(super) fn new(base: &BaseUrl, original: Address, times: Vec<Timestamp>) -> Option<Self> {
        let versions = Self { base: base.clone(), copies_base: base.clone(), original, times };
        Some(versions).filter(|versions| !versions.times.is_empty())
    }

    pub(super) fn with_copies_at(self, copies_base: &BaseUrl) -> Self {
        Self { copies_base: copies_base.clone(), ..self }
    }

    /// The index of the newest version.
    pub(super) fn newest(&self) -> usize {
        self.times.len() - 1
    }

    #[expect(clippy::indexing_slicing, reason = "every index is that of a version")]
    fn time(&self, index: usize) -> Timestamp {
        self.times[index]
    }

    /// The index of the version that was current at a time: the newest that is
    /// not after it, because a version is captured when the original changes.
    /// Before the first version it is the first.
    pub(super) fn current_at(&self, at: Timestamp) -> usize {
        self.times.partition_point(|time| time.as_second() <= at.as_second()).saturating_sub(1)
    }

    pub(super) fn address_of(&self, index: usize) -> String {
        self.copies_base.absolute(&format!("/web/{}/{}", Stamp::of(self.time(index)), self.original))
    }

    /// The `Link` header for the version at `index`.
    pub(super) fn link_field(&self, index: usize, from: LinkSource) -> String {
        let mut links = vec![format!("<{}>; rel=\"original\"", self.original)];
        if from == LinkSource::Memento {
            links.push(format!("<{}>; rel=\"timegate\"", self.timegate()));
        }
        links.push(format!(
            "<{}>; rel=\"timemap\"; type=\"application/link-format\"{}",
            self.timemap_address("link"),
            self.span()
        ));
        let newest = self.newest();
        let mut linked = vec![0, index.saturating_sub(1), index, (index + 1).min(newest), newest];
        linked.dedup();
        for at in linked {
            links.push(self.link_to(at, &self.relation(at, Some(index))));
        }
        while links.iter().map(String::len).sum::<usize>() > MAX_FIELD_BYTES && links.len() > 1 {
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

    /// The `TimeMap` as JSON, in the format that Memento aggregators use.
    pub(super) fn timemap_json(&self) -> Value {
        let one = |index: usize| {
            let at = self.time(index).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            json!({ "datetime": at, "uri": self.address_of(index) })
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

    fn link_to(&self, index: usize, relation: &str) -> String {
        let at = datetime::format(self.time(index));
        format!("<{}>; rel=\"{relation}\"; datetime=\"{at}\"", self.address_of(index))
    }

    /// The relations of a version, as in "first prev memento".
    fn relation(&self, index: usize, current: Option<usize>) -> String {
        let is = |relation: &'static str, holds: bool| holds.then_some(relation);
        let words = [
            is("first", index == 0),
            is("last", index == self.newest()),
            is("prev", current.is_some_and(|current| index + 1 == current)),
            is("next", current.is_some_and(|current| index == current + 1)),
            Some("memento"),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    fn span(&self) -> String {
        let first = datetime::format(self.time(0));
        let last = datetime::format(self.time(self.newest()));
        format!("; from=\"{first}\"; until=\"{last}\"")
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

    fn versions(seconds: &[i64]) -> MementoVersions {
        let times = seconds.iter().map(|second| Timestamp::from_second(*second).unwrap()).collect();
        let base = "https://links.edu/x".parse().unwrap();
        MementoVersions::new(&base, Address::parse("http://a.edu/b").unwrap(), times).unwrap()
    }

    #[test]
    fn relations_to_one_version_are_merged() {
        let field = versions(&[0]).link_field(0, LinkSource::TimeGate);
        assert!(field.contains("<https://links.edu/x/web/19700101000000/http://a.edu/b>; rel=\"first last memento\"; datetime=\"Thu, 01 Jan 1970 00:00:00 GMT\""), "{field}");
        let field = versions(&[0, 1, 2]).link_field(1, LinkSource::Memento);
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
        let field = versions(&[0, 1, 2, 3, 4]).link_field(2, LinkSource::Memento);
        for relation in
            ["\"first memento\"", "\"prev memento\"", "\"memento\"", "\"next memento\"", "\"last memento\""]
        {
            assert_eq!(field.matches(&format!("rel={relation}")).count(), 1, "{relation} in {field}");
        }
    }

    proptest! {
        #[test]
        fn the_current_version_is_the_newest_not_after(mut seconds in prop::collection::vec(0_i64..1000, 1..20), asked in -5_i64..1005) {
            seconds.sort_unstable();
            seconds.dedup();
            let index = versions(&seconds).current_at(Timestamp::from_second(asked).unwrap());
            if seconds[0] > asked {
                prop_assert_eq!(index, 0);
            } else {
                prop_assert!(seconds[index] <= asked);
                prop_assert!(seconds.get(index + 1).is_none_or(|next| *next > asked));
            }
        }
    }
}
