//! The keys `access`, `readers` and `staff` of `[[course]]`: who may read a course.

use std::path::PathBuf;

use serde::Deserialize;

use super::credential;
use super::diagnostics::TableDiagnostics;
use crate::domain::course::CourseId;
use crate::domain::policy::course_access::{AllowList, CourseAccess, Readers, Staff};
use crate::domain::policy::password::PasswordHash;

#[derive(Default)]
pub(super) struct AccessKeys {
    pub access: Access,
    pub readers: Option<PeopleKeys>,
    pub staff: Option<PeopleKeys>,
}

/// How the readers of a course are identified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Access {
    #[default]
    Open,
    Password,
    Header,
    Oidc,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PeopleKeys {
    password_hash: Option<String>,
    password_hash_file: Option<PathBuf>,
    users: Vec<String>,
    groups: Vec<String>,
}

/// The readers and the staff of a course.
pub(super) fn admission(
    id: &CourseId,
    keys: AccessKeys,
    table: &mut TableDiagnostics,
    environment: impl Fn(&str) -> Option<String>,
) -> Option<CourseAccess> {
    let hash = |role, keys: &PeopleKeys, table: &mut TableDiagnostics| {
        let hash = password_hash(id, role, keys, &environment);
        let key = if keys.password_hash_file.is_some() { "password_hash_file" } else { "password_hash" };
        table.inside(role).value(key, hash.map_err(|what| format!("course `{id}`: {role}: {what}")))
    };
    let people = keys.readers.unwrap_or_default();
    let of_readers = hash("readers", &people, table);
    let of_staff = keys.staff.as_ref().map_or(Some(None), |staff| hash("staff", staff, table));
    let staff = keys
        .staff
        .map(|keys| Staff { password: of_staff.clone().flatten(), list: list(keys).unwrap_or_default() });
    if of_staff.is_some() && staff == Some(Staff::default()) {
        let what =
            format!("course `{id}`: staff is empty; add a password_hash, users or groups, or remove it");
        table.missing("staff", what);
    }
    if keys.access == Access::Oidc && of_staff.as_ref().is_some_and(Option::is_some) {
        let what = "with access = \"oidc\" the staff sign in at the identity provider too; list them as users or groups, and remove the password_hash";
        table.error("staff", format!("course `{id}`: {what}"));
    }
    let readers = readers(id, keys.access, of_readers?, list(people), table);
    Some(CourseAccess { readers: readers?, staff })
}

/// Who may see the overview of all courses: a password, or names from the identity provider or
/// else from the proxy.
pub(super) fn admin(
    id: &CourseId,
    keys: PeopleKeys,
    has_oidc: bool,
    table: &mut TableDiagnostics,
    environment: impl Fn(&str) -> Option<String>,
) -> Option<CourseAccess> {
    let hash = password_hash(id, "staff", &keys, &environment);
    let key = if keys.password_hash_file.is_some() { "password_hash_file" } else { "password_hash" };
    let password = table.inside("admin").value(key, hash.map_err(|what| format!("[pages] admin: {what}")))?;
    let list = list(keys);
    let (readers, list) = match (&password, list) {
        (Some(_), Some(_)) => {
            table.error("admin", "[pages] admin has a password and names; keep one of them".to_owned());
            return None;
        }
        (None, None) => {
            let what = "[pages] admin is empty; add a password_hash, users or groups, or remove it";
            table.error("admin", what.to_owned());
            return None;
        }
        (Some(_), None) => (Readers::Named(Some(AllowList::default())), AllowList::default()),
        (None, Some(list)) if has_oidc => (Readers::SignedIn(Some(list.clone())), list),
        (None, Some(list)) => (Readers::Named(Some(list.clone())), list),
    };
    Some(CourseAccess { readers, staff: Some(Staff { password, list }) })
}

fn readers(
    id: &CourseId,
    access: Access,
    hash: Option<PasswordHash>,
    list: Option<AllowList>,
    table: &mut TableDiagnostics,
) -> Option<Readers> {
    match (access, hash, list) {
        (Access::Open, None, None) => Some(Readers::Everyone),
        (Access::Open, ..) => {
            let what = "readers is given, but the course is open to everyone; add access = \"password\", \"header\" or \"oidc\"";
            table.missing("readers", format!("course `{id}`: {what}"));
            None
        }
        (Access::Password, Some(hash), None) => Some(Readers::Password(hash)),
        (Access::Password, None, _) => {
            let what = "access = \"password\" needs a password; make its hash with `onreserve hash-password` and add readers = { password_hash = \"…\" }";
            table.missing("access", format!("course `{id}`: {what}"));
            None
        }
        (Access::Header, None, list) => Some(Readers::Named(list)),
        (Access::Oidc, None, list) => Some(Readers::SignedIn(list)),
        (Access::Password, Some(_), Some(_)) | (Access::Header | Access::Oidc, Some(_), _) => {
            let what = "readers has a password and names; keep only those that access uses";
            table.error("readers", format!("course `{id}`: {what}"));
            None
        }
    }
}

fn list(keys: PeopleKeys) -> Option<AllowList> {
    let list =
        AllowList { users: keys.users.into_iter().collect(), groups: keys.groups.into_iter().collect() };
    (list != AllowList::default()).then_some(list)
}

/// The hash from the configuration, from the file given there, or from the
/// systemd credential `<course>-<role>`.
fn password_hash(
    id: &CourseId,
    role: &str,
    keys: &PeopleKeys,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Option<PasswordHash>, String> {
    let named = match (&keys.password_hash, &keys.password_hash_file) {
        (Some(_), Some(_)) => {
            return Err("both password_hash and password_hash_file are given; keep one".to_owned());
        }
        (Some(hash), None) => return hash_of(hash).map(Some),
        (None, named) => named.as_deref(),
    };
    let Some(path) = credential::file(named, &format!("{id}-{role}"), environment) else { return Ok(None) };
    let text = credential::read(&path)?;
    hash_of(&text).map(Some).map_err(|what| format!("{}: {what}", path.display()))
}

fn hash_of(text: &str) -> Result<PasswordHash, String> {
    text.trim().parse().map_err(|what: crate::domain::policy::password::InvalidPasswordHash| what.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::diagnostics::Diagnostics;
    use super::*;

    const HASH: &str =
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$ZMqbqJXnXtcYqtXIzNjbJdBuzkCvK9yaBGYFoMmHQws";

    fn read(access: Access, readers: &str, staff: &str) -> Result<CourseAccess, String> {
        let people = |keys: &str| (!keys.is_empty()).then(|| toml::from_str(keys).unwrap());
        admitted(AccessKeys { access, readers: people(readers), staff: people(staff) }, |_| None)
    }

    fn admitted(
        keys: AccessKeys,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<CourseAccess, String> {
        let mut found = Diagnostics::default();
        let admission =
            admission(&"dgm".parse().unwrap(), keys, &mut found.table(0, &["course", "0"]), environment);
        let message = found.messages();
        if message.is_empty() { Ok(admission.unwrap()) } else { Err(message) }
    }

    #[test]
    fn each_access_accepts_only_its_own_keys() {
        let password = format!("password_hash = \"{HASH}\"");
        assert_eq!(read(Access::Open, "", "").unwrap(), CourseAccess::default());
        assert!(matches!(read(Access::Password, &password, "").unwrap().readers, Readers::Password(_)));
        assert_eq!(read(Access::Header, "", "").unwrap().readers, Readers::Named(None));
        assert_eq!(read(Access::Oidc, "", "").unwrap().readers, Readers::SignedIn(None));
        let named = read(Access::Header, "groups = [\"dgm\"]", "users = [\"ann\"]").unwrap();
        assert!(matches!(named.readers, Readers::Named(Some(_))) && named.staff.is_some());
        for (access, readers, staff, message) in [
            (Access::Open, password.as_str(), "", "open to everyone"),
            (Access::Password, "", "", "onreserve hash-password"),
            (Access::Password, "users = [\"ann\"]", "", "needs a password"),
            (Access::Password, "password_hash = \"hunter22\"", "", "not an argon2id hash"),
            (Access::Header, password.as_str(), "", "a password and names"),
            (Access::Oidc, password.as_str(), "", "a password and names"),
            (Access::Oidc, "", password.as_str(), "at the identity provider too"),
            (Access::Open, "", "users = []", "staff is empty"),
        ] {
            let mistake = read(access, readers, staff).unwrap_err();
            assert!(mistake.contains(message) && mistake.contains("`dgm`"), "{mistake}");
            assert!(!mistake.contains("hunter22"), "{mistake}");
        }
    }

    #[test]
    fn a_hash_may_be_in_a_file_or_a_credential() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dgm-readers");
        std::io::Write::write_all(
            &mut std::fs::File::create_new(&path).unwrap(),
            format!("{HASH}\n").as_bytes(),
        )
        .unwrap();
        let keys = |file| AccessKeys {
            access: Access::Password,
            readers: Some(PeopleKeys { password_hash_file: file, ..PeopleKeys::default() }),
            staff: None,
        };
        let directory = dir.path().to_str().unwrap().to_owned();
        assert!(admitted(keys(Some(path)), |_| None).unwrap().has_passwords());
        assert!(admitted(keys(None), |_| Some(directory.clone())).unwrap().has_passwords());
        let missing = admitted(keys(Some(dir.path().join("none"))), |_| None).unwrap_err();
        assert!(missing.contains("/none"), "{missing}");
    }
}
