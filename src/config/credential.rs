//! Reads secrets from files: the file given in the configuration, or else a
//! systemd credential.

use std::path::{Path, PathBuf};

/// The variable in which systemd gives the directory of the credentials (systemd.exec(5)).
pub(super) const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// A variable of the process's environment. Tests use another function.
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The path of the secret, if the configuration gives one or systemd has one.
pub(super) fn file(
    named: Option<&Path>,
    name: &str,
    environment: impl Fn(&str) -> Option<String>,
) -> Option<PathBuf> {
    let credential =
        || environment(DIRECTORY).map(|dir| Path::new(&dir).join(name)).filter(|path| path.exists());
    named.map(Path::to_owned).or_else(credential)
}

/// The secret without its line ending.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read the file {}: {error}", path.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes the file that is read")]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_the_configuration_precedes_a_credential() {
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
