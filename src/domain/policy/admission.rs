//! Who may read what a course shows, and who looks after it.
//!
//! What is known of somebody comes in: a session, a name that the school's
//! sign-in gave. How they stand with the course goes out.

use std::collections::BTreeSet;

use super::password::PasswordHash;

/// What somebody is to a course, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Stranger,
    Reader,
    /// Staff may do what readers may.
    Staff,
}

/// As what somebody signed in with a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    Reader,
    Staff,
}

/// Somebody as the school's own sign-in names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    pub groups: Vec<String>,
}

/// People by their names or their groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circle {
    pub users: BTreeSet<String>,
    pub groups: BTreeSet<String>,
}

/// Who reads a course.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Readers {
    #[default]
    Everybody,
    Password(PasswordHash),
    /// Whom the school's sign-in names, and where a circle is given, only its people.
    Named(Option<Circle>),
}

/// Who looks after a course.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staff {
    pub password: Option<PasswordHash>,
    pub circle: Circle,
}

/// Whom a course lets in. By itself everybody reads, and nobody is staff.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    pub readers: Readers,
    pub staff: Option<Staff>,
}

impl Circle {
    fn has(&self, person: &Person) -> bool {
        self.users.contains(&person.name) || person.groups.iter().any(|group| self.groups.contains(group))
    }
}

impl Admission {
    /// How somebody stands; `session` is one that still holds.
    pub fn standing(&self, session: Option<Role>, person: Option<&Person>) -> Standing {
        let is_among = |circle: &Circle| person.is_some_and(|person| circle.has(person));
        let is_staff =
            session == Some(Role::Staff) || self.staff.as_ref().is_some_and(|staff| is_among(&staff.circle));
        let reads = match &self.readers {
            Readers::Everybody => true,
            Readers::Password(_) => session.is_some(),
            Readers::Named(None) => person.is_some(),
            Readers::Named(Some(circle)) => is_among(circle),
        };
        match (is_staff, reads) {
            (true, _) => Standing::Staff,
            (false, true) => Standing::Reader,
            (false, false) => Standing::Stranger,
        }
    }

    /// What one must be to see how the links are. Where nobody is staff, that
    /// is told to the readers: there is nothing in it that they may not know.
    pub fn needed_for_health(&self) -> Standing {
        if self.staff.is_some() { Standing::Staff } else { Standing::Reader }
    }

    pub fn is_open(&self) -> bool {
        self.readers == Readers::Everybody
    }

    /// The password by which one signs in as this.
    pub fn password(&self, role: Role) -> Option<&PasswordHash> {
        match (role, &self.readers) {
            (Role::Staff, _) => self.staff.as_ref().and_then(|staff| staff.password.as_ref()),
            (Role::Reader, Readers::Password(hash)) => Some(hash),
            (Role::Reader, Readers::Everybody | Readers::Named(_)) => None,
        }
    }

    /// Whether there is anything to type in at the door.
    pub fn has_passwords(&self) -> bool {
        self.password(Role::Staff).is_some() || self.password(Role::Reader).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circle(users: &[&str], groups: &[&str]) -> Circle {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Circle { users: set(users), groups: set(groups) }
    }

    fn person(name: &str, groups: &[&str]) -> Person {
        Person { name: name.to_owned(), groups: groups.iter().map(|group| (*group).to_owned()).collect() }
    }

    #[test]
    fn an_open_course_is_read_by_everybody_and_run_by_its_staff() {
        let bare = Admission::default();
        assert_eq!(bare.standing(None, None), Standing::Reader);
        assert_eq!((bare.is_open(), bare.needed_for_health()), (true, Standing::Reader));
        let staff = Staff { circle: circle(&[], &["teaching"]), ..Staff::default() };
        let staffed = Admission { staff: Some(staff), ..bare };
        assert_eq!(staffed.needed_for_health(), Standing::Staff);
        assert_eq!(staffed.standing(None, Some(&person("ann", &["x", "teaching"]))), Standing::Staff);
        assert_eq!(staffed.standing(None, Some(&person("teaching", &[]))), Standing::Reader);
        assert_eq!(staffed.standing(Some(Role::Staff), None), Standing::Staff);
    }

    #[test]
    fn a_course_of_named_people_knows_nobody_else() {
        let readers = |circle| Admission { readers: Readers::Named(circle), ..Admission::default() };
        let ann = person("ann", &["dgm"]);
        let everyone = readers(None);
        assert_eq!(everyone.standing(None, None), Standing::Stranger);
        assert_eq!(everyone.standing(None, Some(&ann)), Standing::Reader);
        for (circle, standing) in [
            (circle(&["ann"], &[]), Standing::Reader),
            (circle(&[], &["dgm"]), Standing::Reader),
            (circle(&["bob", "Ann"], &["ann"]), Standing::Stranger),
            (circle(&[], &[]), Standing::Stranger),
        ] {
            assert_eq!(readers(Some(circle)).standing(None, Some(&ann)), standing);
        }
    }
}
