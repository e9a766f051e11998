//! Where the catalogue of an archive is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use url::{Url, form_urlencoded};

/// A file in the archive, or a database of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogueLocation {
    Sqlite(PathBuf),
    Postgres(PostgresUrl),
}

/// The address of a database: `postgres://USER@HOST/DATABASE`. It may have a password, which
/// is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(Url);

/// A text that is no address of a database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostgresUrlError {
    #[error("it is not an address: {0}; write postgres://USER@HOST/DATABASE")]
    Url(#[from] url::ParseError),
    #[error("its scheme is `{0}`; write postgres://USER@HOST/DATABASE")]
    Scheme(String),
    #[error("it names no database; write postgres://USER@HOST/DATABASE")]
    Database,
    #[error(
        "one of its parameters has an unknown value; the PostgreSQL manual lists them under \"Connection URIs\""
    )]
    Parameter,
}

impl CatalogueLocation {
    /// The file in an archive.
    pub fn in_archive(archive: &Path) -> Self {
        Self::Sqlite(archive.join("catalogue.sqlite3"))
    }

    /// Whether there may be a catalogue: a file is there, or a server can be asked.
    pub fn may_exist(&self) -> bool {
        match self {
            Self::Sqlite(path) => path.exists(),
            Self::Postgres(_) => true,
        }
    }
}

impl fmt::Display for CatalogueLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

impl PostgresUrl {
    /// The same address with this password.
    pub fn with_password(self, password: &str) -> Self {
        let mut url = self.0;
        // Only an address without a host has no password, and that of a socket is a parameter.
        if url.set_password(Some(password)).is_err() {
            url.query_pairs_mut().append_pair("password", password);
        }
        Self(url)
    }

    /// How to connect. What the address leaves out, such as the password, comes from the
    /// variables and the password file of `PostgreSQL` (`PGPASSWORD`, `PGPASSFILE`).
    pub(super) fn options(&self) -> Result<PgConnectOptions, sqlx::Error> {
        // A pooler in transaction mode accepts no such settings.
        Ok(self.0.as_str().parse::<PgConnectOptions>()?.extra_float_digits(None).statement_cache_capacity(0))
    }
}

#[cfg(test)]
impl PostgresUrl {
    /// The directory of the socket, if the address has one.
    pub(super) fn socket(&self) -> String {
        self.0.query_pairs().find(|(key, _)| key == "host").map(|(_, dir)| dir.into_owned()).unwrap()
    }
}

impl FromStr for PostgresUrl {
    type Err = PostgresUrlError;

    fn from_str(text: &str) -> Result<Self, PostgresUrlError> {
        let url = Url::parse(text)?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(PostgresUrlError::Scheme(url.scheme().to_owned()));
        }
        let is_named = url.path().len() > 1 || url.query_pairs().any(|(key, _)| key == "dbname");
        if !is_named {
            return Err(PostgresUrlError::Database);
        }
        let url = Self(url);
        url.options().map_err(|_| PostgresUrlError::Parameter)?;
        Ok(url)
    }
}

/// Without a password, also among the parameters.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.clone();
        let _has_password = shown.set_password(None);
        let is_shown = |parameter: &&str| {
            form_urlencoded::parse(parameter.as_bytes()).all(|(key, _)| !key.contains("password"))
        };
        let parameters: Vec<&str> =
            self.0.query().into_iter().flat_map(|query| query.split('&')).filter(is_shown).collect();
        shown.set_query((!parameters.is_empty()).then(|| parameters.join("&")).as_deref());
        shown.set_fragment(None);
        shown.fmt(f)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let url: PostgresUrl =
            "postgres://on:secret@db.school.test:5433/onreserve?password=secret".parse().unwrap();
        assert_eq!(url.to_string(), "postgres://on@db.school.test:5433/onreserve");
        assert!(!format!("{url:?}").contains("secret"));
        let url: PostgresUrl =
            "postgres:///onreserve?host=/run/postgresql&p%61ssword=secret&sslmode=disable".parse().unwrap();
        assert_eq!(url.to_string(), "postgres:///onreserve?host=/run/postgresql&sslmode=disable");
    }

    #[test]
    fn what_is_no_database_is_refused() {
        let refused = |text: &str| text.parse::<PostgresUrl>().unwrap_err().to_string();
        assert!(refused("db.school.test").contains("write postgres://"));
        assert!(refused("mysql://db/onreserve").contains("`mysql`"));
        assert!(refused("postgres://db.school.test").contains("no database"));
        assert!(refused("postgres://db/onreserve?sslmode=often").contains("parameters"));
    }
}
