//! `[mail]`: the sender of emails and how they are sent. The password is never printed.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::Deserialize;

use super::credential;
use super::diagnostics::TableDiagnostics;
use crate::outbox::EmailSender;
use crate::world::email::Mailbox;
use crate::world::email::dkim::DkimSigner;
use crate::world::email::relay::{
    self, Relay, RelayConfig, SmtpLogin, SmtpPassword, SmtpSecurity, SmtpServer,
};

/// The systemd credential with the password for the relay.
const CREDENTIAL: &str = "smtp-password";
/// The environment variable that may hold it.
const PASSWORD_VARIABLE: &str = "ONRESERVE_SMTP_PASSWORD";

/// The systemd credential with the key that signs emails.
const DKIM_CREDENTIAL: &str = "dkim-key";

/// How emails are sent.
#[derive(Clone, Debug)]
pub struct MailSettings {
    pub from: Mailbox,
    pub way: RelayConfig,
    pub signer: Option<DkimSigner>,
    pub unsubscribe_url: Option<String>,
    /// Other processes of the user can read such a password.
    pub is_password_in_environment: bool,
}

impl MailSettings {
    /// A sender of emails without action links; the address of the pages is not known here.
    pub fn sender(&self) -> Result<EmailSender, relay::Error> {
        Ok(EmailSender {
            from: self.from.clone(),
            relay: Relay::new(&self.way)?,
            signer: self.signer.clone(),
            unsubscribe_url: self.unsubscribe_url.clone(),
            pages: None,
        })
    }

    /// A setting that works but that the administrator should change.
    pub fn warning(&self) -> Option<String> {
        let warning = || {
            format!(
                "the email password is in the variable {PASSWORD_VARIABLE}, which other programs can read; use the systemd credential {CREDENTIAL} or password_file instead"
            )
        };
        self.is_password_in_environment.then(warning)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MailKeys {
    from: String,
    host: Option<String>,
    port: Option<u16>,
    security: Option<SmtpSecurity>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    extra_ca: Option<PathBuf>,
    sendmail: Option<PathBuf>,
    directory: Option<PathBuf>,
    unsubscribe_url: Option<String>,
    dkim: Option<DkimKeys>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DkimKeys {
    selector: String,
    domain: Option<String>,
    key_file: Option<PathBuf>,
}

/// Checks `[mail]`.
pub(super) fn mail(
    keys: MailKeys,
    table: &mut TableDiagnostics,
    environment: impl Fn(&str) -> Option<String>,
) -> Option<MailSettings> {
    let from = table.value("from", sender(&keys.from));
    if keys.unsubscribe_url.as_ref().is_some_and(|url| !url.starts_with("https://")) {
        let what = "[mail] unsubscribe_url must begin with https://, as mail programs accept no other";
        table.error("unsubscribe_url", what.to_owned());
    }
    let unsubscribe_url = keys.unsubscribe_url.clone();
    let own_domain = from.as_ref().map(|from| from.email.domain());
    let signer = match &keys.dkim {
        None => Some(None),
        Some(keys) => signer(keys, own_domain, &mut table.inside("dkim"), &environment).map(Some),
    };
    let is_password_in_environment = keys.user.is_some() && password_file(&keys, &environment).is_none();
    let way = way(keys, table, environment);
    Some(MailSettings {
        from: from?,
        way: way?,
        signer: signer?,
        unsubscribe_url,
        is_password_in_environment,
    })
}

fn sender(text: &str) -> Result<Mailbox, String> {
    let from: Mailbox = text.parse().map_err(|error| {
        format!("[mail] from: `{text}` is not an email address ({error}); write it as in \"Onreserve <onreserve@school.edu>\"")
    })?;
    if !from.email.to_string().is_ascii() {
        return Err("[mail] from: the address must be ASCII; write the domain as xn--…".to_owned());
    }
    Ok(from)
}

/// Signs for `domain` if it is given, or else for `own_domain`, the domain of the sender.
fn signer(
    keys: &DkimKeys,
    own_domain: Option<&str>,
    table: &mut TableDiagnostics,
    environment: impl Fn(&str) -> Option<String>,
) -> Option<DkimSigner> {
    let is_name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
    };
    let domain = keys.domain.clone().or_else(|| own_domain.map(str::to_owned));
    for (key, name) in [("domain", domain.as_deref()), ("selector", Some(keys.selector.as_str()))] {
        if name.is_some_and(|name| !is_name(name)) {
            let what = "[mail.dkim] domain and selector must be DNS names, because receivers look up the key at SELECTOR._domainkey.DOMAIN";
            table.error(key, what.to_owned());
        }
    }
    let Some(file) = credential::file(keys.key_file.as_deref(), DKIM_CREDENTIAL, environment) else {
        let what =
            format!("[mail.dkim] has no key; add key_file, or set the systemd credential {DKIM_CREDENTIAL}");
        table.missing("key_file", what);
        return None;
    };
    table.value("key_file", DkimSigner::read(domain?, keys.selector.clone(), &file))
}

fn way(
    keys: MailKeys,
    table: &mut TableDiagnostics,
    environment: impl Fn(&str) -> Option<String>,
) -> Option<RelayConfig> {
    match (&keys.host, &keys.sendmail, &keys.directory) {
        (Some(host), None, None) => {
            let host = host.clone();
            server(host, keys, table, environment).map(RelayConfig::Smtp)
        }
        (None, Some(program), None) => Some(RelayConfig::Sendmail { program: program.clone() }),
        (None, None, Some(dir)) => Some(RelayConfig::Directory { dir: dir.clone() }),
        (None, None, None) => {
            let what = "[mail] does not say how to send; add host = \"smtp.school.edu\", or sendmail = \"/usr/sbin/sendmail\"";
            table.missing("host", what.to_owned());
            None
        }
        (host, sendmail, directory) => {
            let ways = [
                ("host", host.is_some()),
                ("sendmail", sendmail.is_some()),
                ("directory", directory.is_some()),
            ];
            for (key, _) in ways.into_iter().filter(|(_, is_given)| *is_given).skip(1) {
                let what = "[mail] has more than one of host, sendmail and directory; keep one of them";
                table.error(key, what.to_owned());
            }
            None
        }
    }
}

fn server(
    host: String,
    keys: MailKeys,
    table: &mut TableDiagnostics,
    environment: impl Fn(&str) -> Option<String>,
) -> Option<SmtpServer> {
    let security = keys.security.unwrap_or(SmtpSecurity::StartTls);
    if security == SmtpSecurity::None && !is_this_machine(&host) {
        let what = format!(
            "[mail] security = \"none\" would send passwords and reports to {host} without encryption; use \"starttls\" or \"tls\""
        );
        table.error("security", what);
    }
    let login = match &keys.user {
        None => None,
        Some(user) => Some(SmtpLogin { user: user.clone(), password: password(&keys, table, environment)? }),
    };
    Some(SmtpServer {
        port: keys.port.unwrap_or(security.usual_port()),
        host,
        security,
        login,
        extra_ca: keys.extra_ca,
    })
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The file given in the configuration, or else the systemd credential.
fn password_file(keys: &MailKeys, environment: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    credential::file(keys.password_file.as_deref(), CREDENTIAL, environment)
}

/// The password from a file, or else from the environment.
fn password(
    keys: &MailKeys,
    table: &mut TableDiagnostics,
    environment: impl Fn(&str) -> Option<String>,
) -> Option<SmtpPassword> {
    let text = match (password_file(keys, &environment), environment(PASSWORD_VARIABLE)) {
        (Some(path), _) => {
            let read = credential::read(&path).map_err(|why| format!("[mail] password: {why}"));
            table.value("password_file", read)?
        }
        (None, Some(text)) => text.trim_end_matches(['\r', '\n']).to_owned(),
        (None, None) => {
            let what = format!(
                "[mail] user has no password; add password_file, or set the systemd credential {CREDENTIAL} or the variable {PASSWORD_VARIABLE}"
            );
            table.missing("user", what);
            return None;
        }
    };
    if text.is_empty() {
        table.error("password_file", "[mail] the password is empty".to_owned());
        return None;
    }
    Some(SmtpPassword(text))
}

#[cfg(test)]
mod tests {
    use super::super::diagnostics::Diagnostics;
    use super::*;

    fn read(keys: &str, environment: &[(&str, &str)]) -> Result<MailSettings, String> {
        let keys = toml::from_str(&format!("from = \"Onreserve <o@school.edu>\"\n{keys}")).unwrap();
        let lookup = |name: &str| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let mut found = Diagnostics::default();
        let mail = mail(keys, &mut found.table(0, &["mail"]), lookup);
        let message = found.messages();
        if message.is_empty() { Ok(mail.unwrap()) } else { Err(message) }
    }

    fn server(mail: MailSettings) -> SmtpServer {
        match mail.way {
            RelayConfig::Smtp(server) => server,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn tls_is_required_except_for_a_relay_on_this_machine() {
        let usual = server(read("host = \"smtp.school.edu\"", &[]).unwrap());
        assert_eq!((usual.port, usual.security), (587, SmtpSecurity::StartTls));
        let wrapped = server(read("host = \"smtp.school.edu\"\nsecurity = \"tls\"", &[]).unwrap());
        assert_eq!(wrapped.port, 465);
        assert!(read("host = \"localhost\"\nsecurity = \"none\"", &[]).is_ok());
        let open = read("host = \"smtp.school.edu\"\nsecurity = \"none\"", &[]).unwrap_err();
        assert!(open.contains("without encryption"), "{open}");
    }

    #[test]
    fn a_password_comes_from_a_file_a_credential_or_the_environment() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::File::create_new(dir.path().join(CREDENTIAL)).unwrap();
        let keys = "host = \"smtp.school.edu\"\nuser = \"o\"";
        let missing = read(keys, &[]).unwrap_err();
        assert!(missing.contains("password_file") && missing.contains(PASSWORD_VARIABLE), "{missing}");
        let mail = read(keys, &[(PASSWORD_VARIABLE, "geheim")]).unwrap();
        assert!(!format!("{mail:?}").contains("geheim"));
        assert!(mail.is_password_in_environment);
        assert_eq!(server(mail).login.unwrap().password.0, "geheim");
        let path = dir.path().to_str().unwrap();
        let empty = read(keys, &[(credential::DIRECTORY, path), (PASSWORD_VARIABLE, "x")]).unwrap_err();
        assert!(empty.contains("empty"), "the credential precedes the variable: {empty}");
        let file = read(&format!("{keys}\npassword_file = \"{path}/none\""), &[]).unwrap_err();
        assert!(file.contains("/none"), "{file}");
    }

    #[test]
    fn a_key_signs_for_the_domain_of_the_sender_by_default() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_str().unwrap();
        let keys = "sendmail = \"/s\"\n[dkim]\nselector = \"reserve\"";
        let missing = read(keys, &[]).unwrap_err();
        assert!(missing.contains("key_file") && missing.contains(DKIM_CREDENTIAL), "{missing}");
        std::io::Write::write_all(
            &mut std::fs::File::create_new(dir.path().join(DKIM_CREDENTIAL)).unwrap(),
            rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().serialize_pem().as_bytes(),
        )
        .unwrap();
        let mail = read(keys, &[(credential::DIRECTORY, path)]).unwrap();
        assert_eq!(format!("{:?}", mail.signer.unwrap()), "Signer(reserve at school.edu)");
        let broken = read(&format!("{keys}\nkey_file = \"{path}/none\""), &[]).unwrap_err();
        assert!(broken.contains("/none") && broken.contains("PEM"), "{broken}");
        assert!(read("sendmail = \"/s\"\n[dkim]\nselector = \"a; b\"", &[]).unwrap_err().contains("DNS"));
    }

    #[test]
    fn there_is_exactly_one_way_to_send() {
        assert!(read("", &[]).unwrap_err().contains("does not say how to send"));
        assert!(read("host = \"a.edu\"\ndirectory = \"d\"", &[]).unwrap_err().contains("keep one"));
        let three = read("host = \"a.edu\"\nsendmail = \"/s\"\ndirectory = \"d\"", &[]).unwrap_err();
        assert_eq!(three.matches("keep one").count(), 2, "one error for each key too many: {three}");
        assert!(matches!(read("sendmail = \"/s\"", &[]).unwrap().way, RelayConfig::Sendmail { .. }));
        assert!(read("directory = \"d\"\nunsubscribe_url = \"http://x\"", &[]).is_err());
    }
}
