//! Files that hold a secret: the one that the configuration names, else the
//! one that systemd hands the service under a name of ours.

use std::path::{Path, PathBuf};

/// Where systemd says that it put them (systemd.exec(5)).
pub(super) const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// The process's own environment; tests bring another.
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Nothing where none is named and systemd has none.
pub(super) fn file(
    named: Option<&Path>,
    name: &str,
    environment: impl Fn(&str) -> Option<String>,
) -> Option<PathBuf> {
    let handed = || environment(DIRECTORY).map(|dir| Path::new(&dir).join(name)).filter(|path| path.exists());
    named.map(Path::to_owned).or_else(handed)
}

/// The secret without the end of its line.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes the file that is read")]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_goes_before_what_systemd_hands_over() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ours"), "secret\n").unwrap();
        let place = dir.path().display().to_string();
        let environment = |name: &str| (name == DIRECTORY).then(|| place.clone());
        let handed = file(None, "ours", environment).unwrap();
        assert_eq!(read(&handed).unwrap(), "secret");
        assert_eq!(file(Some(Path::new("/named")), "ours", environment).unwrap(), Path::new("/named"));
        assert_eq!(file(None, "other", environment), None);
        assert_eq!(file(None, "ours", |_| None), None);
    }
}
