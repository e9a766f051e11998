//! Quotas: the most bytes that the copies of a link, of a course and of the archive may have.
//! A copy that does not fit is not stored. None is ever deleted for a new one.

use std::collections::{HashMap, HashSet};

use crate::domain::address::Address;
use crate::domain::capture::Digest;

/// The most bytes of all versions together; `None` for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StorageQuotas {
    pub archive: Option<u64>,
    /// Of each course.
    pub course: Option<u64>,
    /// Of each link.
    pub link: Option<u64>,
}

impl StorageQuotas {
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }
}

/// A stored body of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBody {
    pub link: Address,
    pub sha256: Digest,
    /// With what a page needs.
    pub bytes: u64,
}

/// How much is stored. Equal bodies are counted once for the archive and for each course.
#[derive(Debug, Default)]
pub struct StorageUse {
    archive: Holder,
    courses: Vec<(HashSet<Address>, Holder)>,
    links: HashMap<Address, Holder>,
}

#[derive(Debug, Default)]
struct Holder {
    bodies: HashSet<Digest>,
    bytes: u64,
}

impl Holder {
    fn has_room(&self, body: &StoredBody, quota: Option<u64>) -> bool {
        self.bodies.contains(&body.sha256)
            || quota.is_none_or(|quota| self.bytes.saturating_add(body.bytes) <= quota)
    }

    fn add(&mut self, body: &StoredBody) {
        if self.bodies.insert(body.sha256) {
            self.bytes = self.bytes.saturating_add(body.bytes);
        }
    }
}

impl StorageUse {
    /// The use by these bodies, of courses with these links.
    pub fn new(courses: Vec<HashSet<Address>>, bodies: &[StoredBody]) -> Self {
        let courses = courses.into_iter().map(|links| (links, Holder::default())).collect();
        let mut used = Self { courses, ..Self::default() };
        for body in bodies {
            used.add(body);
        }
        used
    }

    /// Adds a new body if every quota has room for it; otherwise nothing changes. A body of a
    /// link in several courses needs room in one of them.
    pub fn try_add(&mut self, body: &StoredBody, quotas: &StorageQuotas) -> bool {
        let mut courses = self.courses.iter().filter(|(links, _)| links.contains(&body.link)).peekable();
        let has_room_in_course =
            courses.peek().is_none() || courses.any(|(_, course)| course.has_room(body, quotas.course));
        let link = self.links.get(&body.link);
        let fits_link = link.map_or_else(
            || Holder::default().has_room(body, quotas.link),
            |link| link.has_room(body, quotas.link),
        );
        let fits = has_room_in_course && fits_link && self.archive.has_room(body, quotas.archive);
        if fits {
            self.add(body);
        }
        fits
    }

    /// The bytes that a link may still store; `u64::MAX` without a quota. A link of several
    /// courses has the room of the one with most.
    pub fn left(&self, link: &Address, quotas: &StorageQuotas) -> u64 {
        let left = |quota: Option<u64>, used: u64| quota.map_or(u64::MAX, |quota| quota.saturating_sub(used));
        let courses = self.courses.iter().filter(|(links, _)| links.contains(link));
        let of_courses = courses.map(|(_, course)| left(quotas.course, course.bytes)).max();
        left(quotas.archive, self.archive.bytes)
            .min(of_courses.unwrap_or(u64::MAX))
            .min(left(quotas.link, self.links.get(link).map_or(0, |link| link.bytes)))
    }

    /// Adds a body that is stored already.
    pub fn add(&mut self, body: &StoredBody) {
        self.archive.add(body);
        for (_, course) in self.courses.iter_mut().filter(|(links, _)| links.contains(&body.link)) {
            course.add(body);
        }
        self.links.entry(body.link.clone()).or_default().add(body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(link: &str, content: &str, bytes: u64) -> StoredBody {
        let link = Address::parse(&format!("https://a.example/{link}")).unwrap();
        StoredBody { link, sha256: Digest::of(content.as_bytes()), bytes }
    }

    fn used(bodies: &[StoredBody]) -> StorageUse {
        let links = |names: &[&str]| names.iter().map(|name| body(name, "", 0).link).collect();
        StorageUse::new(vec![links(&["a", "b"]), links(&["b", "c"])], bodies)
    }

    #[test]
    fn each_quota_refuses_what_does_not_fit() {
        let stored = [body("a", "one", 60)];
        let fits = |quotas: StorageQuotas, new: &StoredBody| used(&stored).try_add(new, &quotas);
        let none = StorageQuotas::default();
        let (link, course, archive) = (
            StorageQuotas { link: Some(100), ..none },
            StorageQuotas { course: Some(100), ..none },
            StorageQuotas { archive: Some(100), ..none },
        );
        for quotas in [link, course, archive] {
            assert!(fits(quotas, &body("a", "two", 40)), "{quotas:?}");
            assert!(!fits(quotas, &body("a", "two", 41)), "{quotas:?}");
            assert!(fits(quotas, &body("a", "one", 60)), "equal bytes need no room");
        }
        assert!(fits(link, &body("c", "two", 41)));
        assert!(fits(course, &body("c", "two", 41)) && fits(course, &body("b", "two", 41)));
        assert!(!fits(archive, &body("c", "two", 41)));
        assert!(fits(none, &body("a", "two", u64::MAX)));
    }

    #[test]
    fn what_is_left_is_the_least_of_the_quotas() {
        let used = used(&[body("a", "one", 60), body("b", "two", 10)]);
        let left = |link: &str, quotas: StorageQuotas| used.left(&body(link, "", 0).link, &quotas);
        let none = StorageQuotas::default();
        assert_eq!(left("a", none), u64::MAX);
        assert_eq!(left("a", StorageQuotas { link: Some(100), ..none }), 40);
        assert_eq!(left("a", StorageQuotas { course: Some(100), ..none }), 30);
        assert_eq!(left("b", StorageQuotas { course: Some(100), ..none }), 90);
        assert_eq!(left("c", StorageQuotas { archive: Some(75), course: Some(100), link: Some(9) }), 5);
        assert_eq!(left("a", StorageQuotas { link: Some(50), ..none }), 0);
    }

    #[test]
    fn what_is_added_counts_and_what_is_refused_does_not() {
        let quotas = StorageQuotas { link: Some(100), ..StorageQuotas::default() };
        let mut used = used(&[]);
        assert!(!used.try_add(&body("a", "large", 101), &quotas));
        assert!(used.try_add(&body("a", "one", 100), &quotas));
        assert!(!used.try_add(&body("a", "two", 1), &quotas));
    }
}
