//! `[pages.oidc]`: the identity provider for courses with `access = "oidc"`.

use std::path::PathBuf;

use serde::Deserialize;

use super::credential;
use crate::serve::OidcClient;
use crate::world::provider::{ClientSecret, Provider};

/// The systemd credential with the client secret.
const CREDENTIAL: &str = "oidc-client-secret";
/// The scope that makes a provider issue an ID token, which names the reader.
const OPENID: &str = "openid";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OidcKeys {
    issuer: String,
    client_id: String,
    client_secret_file: Option<PathBuf>,
    #[serde(default = "name_claim")]
    name_claim: String,
    #[serde(default = "groups_claim")]
    groups_claim: String,
    #[serde(default = "scopes")]
    scopes: Vec<String>,
    extra_ca: Option<PathBuf>,
}

fn name_claim() -> String {
    "preferred_username".to_owned()
}

fn groups_claim() -> String {
    "groups".to_owned()
}

fn scopes() -> Vec<String> {
    [OPENID, "profile", "email"].map(str::to_owned).to_vec()
}

pub(super) fn oidc(
    keys: OidcKeys,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<OidcClient, String> {
    let issuer = keys.issuer.parse().map_err(|error| format!("[pages.oidc] issuer: {error}"))?;
    if keys.client_id.is_empty() {
        return Err("[pages.oidc] client_id is empty; give the id under which this service is registered at the provider"
            .to_owned());
    }
    if !keys.scopes.iter().any(|scope| scope == OPENID) {
        return Err(format!(
            "[pages.oidc] scopes lacks \"{OPENID}\", which every provider needs to name the reader; add it"
        ));
    }
    if let Some(scope) = keys.scopes.iter().find(|scope| !is_scope(scope)) {
        return Err(format!("[pages.oidc] scopes: `{scope}` is not a scope; give one word per entry"));
    }
    let client_secret = client_secret(keys.client_secret_file, environment)?;
    let provider =
        Provider::new(keys.extra_ca.as_deref()).map_err(|unfit| format!("[pages.oidc] {unfit}"))?;
    Ok(OidcClient {
        issuer,
        client_id: keys.client_id,
        client_secret,
        scopes: keys.scopes.join(" "),
        name_claim: keys.name_claim,
        groups_claim: keys.groups_claim,
        provider,
    })
}

fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\')
}

/// From the file given in the configuration, or else from systemd. A public client has none.
fn client_secret(
    named: Option<PathBuf>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Option<ClientSecret>, String> {
    let Some(path) = credential::file(named.as_deref(), CREDENTIAL, environment) else { return Ok(None) };
    let text = credential::read(&path).map_err(|why| format!("[pages.oidc] client secret: {why}"))?;
    if text.is_empty() {
        return Err(format!("[pages.oidc] the file of the client secret, {}, is empty", path.display()));
    }
    Ok(Some(ClientSecret(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(keys: &str, credentials: Option<&str>) -> Result<OidcClient, String> {
        let keys = format!("issuer = \"https://login.edu\"\nclient_id = \"reserve\"\n{keys}");
        let lookup = |name: &str| (name == credential::DIRECTORY).then(|| credentials.map(str::to_owned))?;
        oidc(toml::from_str(&keys).unwrap(), lookup)
    }

    #[test]
    fn the_defaults_fit_most_providers() {
        let oidc = read("", None).unwrap();
        assert_eq!((oidc.name_claim.as_str(), oidc.groups_claim.as_str()), ("preferred_username", "groups"));
        assert_eq!((oidc.scopes.as_str(), oidc.client_secret), ("openid profile email", None));
    }

    #[test]
    fn the_secret_comes_from_a_file_or_a_credential_and_is_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_str().unwrap();
        std::io::Write::write_all(
            &mut std::fs::File::create_new(dir.path().join(CREDENTIAL)).unwrap(),
            b"geheim\n",
        )
        .unwrap();
        let file = format!("client_secret_file = \"{path}/{CREDENTIAL}\"");
        for oidc in [read(&file, None).unwrap(), read("", Some(path)).unwrap()] {
            assert!(!format!("{oidc:?}").contains("geheim"));
            assert_eq!(oidc.client_secret.unwrap().0, "geheim");
        }
        let missing = read(&format!("client_secret_file = \"{path}/none\""), None).unwrap_err();
        assert!(missing.contains("/none"), "{missing}");
    }

    #[test]
    fn an_error_says_what_to_do() {
        for (keys, message) in [
            ("scopes = [\"profile\"]", "lacks \"openid\""),
            ("scopes = [\"openid\", \"a b\"]", "one word"),
            ("extra_ca = \"/nowhere/ca.pem\"", "PEM"),
        ] {
            let error = read(keys, None).unwrap_err();
            assert!(error.contains("[pages.oidc]") && error.contains(message), "{error}");
        }
        for (issuer, client, message) in [
            ("http://login.edu", "reserve", "https address"),
            ("https://login.edu", "", "client_id is empty"),
        ] {
            let keys = format!("issuer = \"{issuer}\"\nclient_id = \"{client}\"");
            let error = oidc(toml::from_str(&keys).unwrap(), |_| None).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
