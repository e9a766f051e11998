//! Who may read a course's pages and who administers them.
//!
//! The input is what is known of a visitor: a session, or a name from the school's
//! sign-in. The output is the visitor's access level for the course.

use std::collections::BTreeSet;

use super::password::PasswordHash;

/// The access of a visitor to a course, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccessLevel {
    Public,
    Reader,
    /// Staff may do what readers may.
    Staff,
}

/// The role for which a visitor signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    Reader,
    Staff,
}

/// A person as named by the school's sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    pub groups: Vec<String>,
}

/// The longest name of a person or group, in bytes.
const LONGEST_NAME: usize = 200;
const MOST_GROUPS: usize = 200;

/// People by their names or their groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList {
    pub users: BTreeSet<String>,
    pub groups: BTreeSet<String>,
}

/// The readers of a course.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Readers {
    #[default]
    Everyone,
    Password(PasswordHash),
    /// People named by the school's sign-in; with a list, only those on it.
    Named(Option<AllowList>),
    /// People named by the identity provider. No other source of names counts then, also for
    /// staff.
    SignedIn(Option<AllowList>),
}

/// The staff of a course.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staff {
    pub password: Option<PasswordHash>,
    pub list: AllowList,
}

/// The access rules of a course. By default every visitor is a reader and there is no staff.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CourseAccess {
    pub readers: Readers,
    pub staff: Option<Staff>,
}

impl Person {
    /// A person of this name; groups with invalid names are left out.
    pub fn named<'a>(name: &str, groups: impl Iterator<Item = &'a str>) -> Option<Self> {
        if name.is_empty() || name.len() > LONGEST_NAME {
            return None;
        }
        let groups = groups.filter(|group| !group.is_empty() && group.len() <= LONGEST_NAME);
        Some(Self { name: name.to_owned(), groups: groups.take(MOST_GROUPS).map(str::to_owned).collect() })
    }
}

impl AllowList {
    fn written(&self) -> String {
        format!("users {:?} groups {:?}", self.users, self.groups)
    }

    fn has(&self, person: &Person) -> bool {
        self.users.contains(&person.name) || person.groups.iter().any(|group| self.groups.contains(group))
    }
}

impl CourseAccess {
    /// The access level of a visitor; `session` must still be valid.
    pub fn level(&self, session: Option<Role>, person: Option<&Person>) -> AccessLevel {
        let person = person.filter(|_| !self.uses_oidc());
        let is_among = |list: &AllowList| person.is_some_and(|person| list.has(person));
        let is_staff =
            session == Some(Role::Staff) || self.staff.as_ref().is_some_and(|staff| is_among(&staff.list));
        let reads = match &self.readers {
            Readers::Everyone => true,
            Readers::Password(_) | Readers::SignedIn(_) => session.is_some(),
            Readers::Named(None) => person.is_some(),
            Readers::Named(Some(list)) => is_among(list),
        };
        match (is_staff, reads) {
            (true, _) => AccessLevel::Staff,
            (false, true) => AccessLevel::Reader,
            (false, false) => AccessLevel::Public,
        }
    }

    /// The role of a person named by the identity provider; `None` if they are not on the
    /// lists, or the course does not use the provider.
    pub fn role_of(&self, person: &Person) -> Option<Role> {
        let Readers::SignedIn(readers) = &self.readers else { return None };
        if self.staff.as_ref().is_some_and(|staff| staff.list.has(person)) {
            return Some(Role::Staff);
        }
        readers.as_ref().is_none_or(|list| list.has(person)).then_some(Role::Reader)
    }

    pub fn uses_oidc(&self) -> bool {
        matches!(self.readers, Readers::SignedIn(_))
    }

    /// A text that identifies the lists of admitted people. When it changes,
    /// earlier sessions may belong to people who are no longer on them.
    pub fn allow_list_text(&self) -> String {
        let readers = match &self.readers {
            Readers::SignedIn(Some(list)) => list.written(),
            Readers::Everyone | Readers::Password(_) | Readers::Named(_) | Readers::SignedIn(None) => {
                "everybody".to_owned()
            }
        };
        let staff = self.staff.as_ref().map(|staff| staff.list.written()).unwrap_or_default();
        format!("readers {readers} staff {staff}")
    }

    /// Whether there is any way to sign in to this course.
    pub fn has_sign_in(&self) -> bool {
        self.has_passwords() || self.uses_oidc()
    }

    /// The role that may see link health. Without staff, the readers see it, because it shows
    /// nothing that they may not know.
    pub fn required_for_health(&self) -> AccessLevel {
        if self.staff.is_some() { AccessLevel::Staff } else { AccessLevel::Reader }
    }

    pub fn is_open(&self) -> bool {
        self.readers == Readers::Everyone
    }

    /// The password for signing in with this role.
    pub fn password(&self, role: Role) -> Option<&PasswordHash> {
        match (role, &self.readers) {
            (Role::Staff, _) => self.staff.as_ref().and_then(|staff| staff.password.as_ref()),
            (Role::Reader, Readers::Password(hash)) => Some(hash),
            (Role::Reader, Readers::Everyone | Readers::Named(_) | Readers::SignedIn(_)) => None,
        }
    }

    /// Whether the login page asks for a password.
    pub fn has_passwords(&self) -> bool {
        self.password(Role::Staff).is_some() || self.password(Role::Reader).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(users: &[&str], groups: &[&str]) -> AllowList {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        AllowList { users: set(users), groups: set(groups) }
    }

    fn person(name: &str, groups: &[&str]) -> Person {
        Person { name: name.to_owned(), groups: groups.iter().map(|group| (*group).to_owned()).collect() }
    }

    #[test]
    fn an_open_course_has_all_visitors_as_readers() {
        let bare = CourseAccess::default();
        assert_eq!(bare.level(None, None), AccessLevel::Reader);
        assert_eq!((bare.is_open(), bare.required_for_health()), (true, AccessLevel::Reader));
        let staff = Staff { list: list(&[], &["teaching"]), ..Staff::default() };
        let staffed = CourseAccess { staff: Some(staff), ..bare };
        assert_eq!(staffed.required_for_health(), AccessLevel::Staff);
        assert_eq!(staffed.level(None, Some(&person("ann", &["x", "teaching"]))), AccessLevel::Staff);
        assert_eq!(staffed.level(None, Some(&person("teaching", &[]))), AccessLevel::Reader);
        assert_eq!(staffed.level(Some(Role::Staff), None), AccessLevel::Staff);
    }

    #[test]
    fn a_course_of_named_people_admits_no_others() {
        let readers = |list| CourseAccess { readers: Readers::Named(list), ..CourseAccess::default() };
        let ann = person("ann", &["dgm"]);
        let everyone = readers(None);
        assert_eq!(everyone.level(None, None), AccessLevel::Public);
        assert_eq!(everyone.level(None, Some(&ann)), AccessLevel::Reader);
        for (list, standing) in [
            (list(&["ann"], &[]), AccessLevel::Reader),
            (list(&[], &["dgm"]), AccessLevel::Reader),
            (list(&["bob", "Ann"], &["ann"]), AccessLevel::Public),
            (list(&[], &[]), AccessLevel::Public),
        ] {
            assert_eq!(readers(Some(list)).level(None, Some(&ann)), standing);
        }
    }

    #[test]
    fn a_course_with_a_provider_ignores_other_names() {
        let staff = Staff { list: list(&[], &["teaching"]), ..Staff::default() };
        let course =
            CourseAccess { readers: Readers::SignedIn(Some(list(&["ann"], &[]))), staff: Some(staff) };
        let (ann, bob) = (person("ann", &[]), person("bob", &["teaching"]));
        assert_eq!(course.role_of(&ann), Some(Role::Reader));
        assert_eq!(course.role_of(&bob), Some(Role::Staff));
        assert_eq!(course.role_of(&person("eve", &["ann"])), None);
        for named_elsewhere in [&ann, &bob] {
            assert_eq!(course.level(None, Some(named_elsewhere)), AccessLevel::Public);
        }
        assert_eq!(course.level(Some(Role::Reader), Some(&bob)), AccessLevel::Reader);
        assert_eq!(course.level(Some(Role::Staff), None), AccessLevel::Staff);
        let everyone = CourseAccess { readers: Readers::SignedIn(None), ..CourseAccess::default() };
        assert_eq!(everyone.role_of(&person("eve", &[])), Some(Role::Reader));
        assert_eq!(CourseAccess::default().role_of(&ann), None, "it uses no provider");
    }
}
