//! Where the catalogue is: in the archive, or in a database of a `PostgreSQL` server.

use std::path::PathBuf;

use serde::Deserialize;

use super::credential;
use crate::world::catalogue::PostgresUrl;

const CREDENTIAL: &str = "catalogue-password";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CatalogueKeys {
    url: Option<String>,
    password_file: Option<PathBuf>,
}

/// A key with a wrong value, and what is wrong.
pub(super) struct WrongKey {
    pub key: &'static str,
    pub what: String,
}

/// The database, with its password; `None` for the file in the archive.
pub(super) fn database(
    keys: &CatalogueKeys,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Option<PostgresUrl>, WrongKey> {
    let Some(url) = &keys.url else {
        let what = "there is no url to which the password belongs; add one".to_owned();
        let has_password = keys.password_file.is_some();
        return if has_password { Err(WrongKey { key: "password_file", what }) } else { Ok(None) };
    };
    let url: PostgresUrl =
        url.parse().map_err(|error| WrongKey { key: "url", what: format!("[catalogue] url: {error}") })?;
    let Some(file) = credential::file(keys.password_file.as_deref(), CREDENTIAL, environment) else {
        return Ok(Some(url));
    };
    let password = credential::read(&file)
        .map_err(|why| WrongKey { key: "password_file", what: format!("[catalogue] password: {why}") })?;
    Ok(Some(url.with_password(&password)))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes the file that is read")]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<String>, String> {
        let keys: CatalogueKeys = toml::from_str(text).unwrap();
        match database(&keys, |_| None) {
            Ok(url) => Ok(url.map(|url| url.to_string())),
            Err(wrong) => Err(format!("{}: {}", wrong.key, wrong.what)),
        }
    }

    #[test]
    fn the_catalogue_is_a_file_unless_a_database_is_named() {
        assert_eq!(read(""), Ok(None));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("password");
        std::fs::write(&file, "secret\n").unwrap();
        let named = format!("url = \"postgres://on@db/reserve\"\npassword_file = \"{}\"", file.display());
        assert_eq!(read(&named).unwrap().unwrap(), "postgres://on@db/reserve");
        assert!(read("url = \"db\"").unwrap_err().contains("write postgres://"));
        assert!(read("password_file = \"x\"").unwrap_err().contains("no url"));
        let missing = read("url = \"postgres://on@db/reserve\"\npassword_file = \"/none\"").unwrap_err();
        assert!(missing.contains("/none"), "{missing}");
    }
}
