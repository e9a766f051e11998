//! `[mail]`: from whom, and by which way. The password is read here and printed nowhere.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::Deserialize;

use crate::outbox::Sender;
use crate::world::mail::Mailbox;
use crate::world::mail::dkim::Signer;
use crate::world::mail::relay::{Login, Password, Relay, Security, Server, Unusable, Way};

/// The file in systemd's credentials directory that holds the relay's password.
const CREDENTIAL: &str = "smtp-password";
pub(super) const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";
const VARIABLE: &str = "ONRESERVE_SMTP_PASSWORD";

/// The same for the key that signs mails.
const DKIM_CREDENTIAL: &str = "dkim-key";

/// How letters leave.
#[derive(Clone, Debug)]
pub struct Mail {
    pub from: Mailbox,
    pub way: Way,
    pub signer: Option<Signer>,
    pub unsubscribe_url: Option<String>,
}

impl Mail {
    /// Letters without links to act on, until it is known where they lead.
    pub fn sender(&self) -> Result<Sender, Unusable> {
        Ok(Sender {
            from: self.from.clone(),
            relay: Relay::new(&self.way)?,
            signer: self.signer.clone(),
            unsubscribe_url: self.unsubscribe_url.clone(),
            pages: None,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MailKeys {
    from: String,
    host: Option<String>,
    port: Option<u16>,
    security: Option<Security>,
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
struct DkimKeys {
    selector: String,
    domain: Option<String>,
    key_file: Option<PathBuf>,
}

/// The process's environment; tests bring their own.
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

pub(super) fn mail(keys: MailKeys, environment: impl Fn(&str) -> Option<String>) -> Result<Mail, String> {
    let from: Mailbox = keys.from.parse().map_err(|error| {
        format!("[mail] from: `{}` is no mail address ({error}); write for example \"Onreserve <onreserve@school.edu>\"", keys.from)
    })?;
    if !from.email.to_string().is_ascii() {
        return Err("[mail] from: an address in ASCII is needed; write the host as xn--…".to_owned());
    }
    if keys.unsubscribe_url.as_ref().is_some_and(|url| !url.starts_with("https://")) {
        return Err(
            "[mail] unsubscribe_url must begin with https://, else no mail program offers it".to_owned()
        );
    }
    let unsubscribe_url = keys.unsubscribe_url.clone();
    let signer = keys.dkim.as_ref().map(|keys| signer(keys, &from, &environment)).transpose()?;
    Ok(Mail { from, way: way(keys, environment)?, signer, unsubscribe_url })
}

fn signer(
    keys: &DkimKeys,
    from: &Mailbox,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Signer, String> {
    let is_name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
    };
    let domain = keys.domain.clone().unwrap_or_else(|| from.email.domain().to_owned());
    if !is_name(&domain) || !is_name(&keys.selector) {
        return Err(
            "[mail.dkim] the key is looked for at SELECTOR._domainkey.DOMAIN; write both as in the DNS"
                .to_owned(),
        );
    }
    let credential =
        || environment(CREDENTIALS_DIRECTORY).map(|dir| PathBuf::from(dir).join(DKIM_CREDENTIAL));
    let Some(file) = keys.key_file.clone().or_else(|| credential().filter(|path| path.exists())) else {
        return Err(format!(
            "[mail.dkim] has no key; name a key_file, or set the systemd credential {DKIM_CREDENTIAL}"
        ));
    };
    Signer::read(domain, keys.selector.clone(), &file).map_err(|error| error.to_string())
}

fn way(keys: MailKeys, environment: impl Fn(&str) -> Option<String>) -> Result<Way, String> {
    match (&keys.host, &keys.sendmail, &keys.directory) {
        (Some(host), None, None) => {
            let host = host.clone();
            server(host, keys, environment).map(Way::Smtp)
        }
        (None, Some(program), None) => Ok(Way::Sendmail { program: program.clone() }),
        (None, None, Some(dir)) => Ok(Way::Directory { dir: dir.clone() }),
        (None, None, None) => {
            Err("[mail] has no way out; add host = \"smtp.school.edu\", or sendmail = \"/usr/sbin/sendmail\""
                .to_owned())
        }
        _ => Err("[mail] has several ways out; keep one of host, sendmail and directory".to_owned()),
    }
}

fn server(
    host: String,
    keys: MailKeys,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Server, String> {
    let security = keys.security.unwrap_or(Security::StartTls);
    if security == Security::None && !is_this_machine(&host) {
        return Err(format!(
            "[mail] security = \"none\" would send passwords and reports to {host} in the open; use \"starttls\" or \"tls\""
        ));
    }
    let login = match &keys.user {
        None => None,
        Some(user) => Some(Login { user: user.clone(), password: password(&keys, environment)? }),
    };
    Ok(Server {
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

/// From the file named in the configuration, else from systemd, else from the environment.
fn password(keys: &MailKeys, environment: impl Fn(&str) -> Option<String>) -> Result<Password, String> {
    let credential = || environment(CREDENTIALS_DIRECTORY).map(|dir| PathBuf::from(dir).join(CREDENTIAL));
    let file = keys.password_file.clone().or_else(|| credential().filter(|path| path.exists()));
    let text = match (file, environment(VARIABLE)) {
        (Some(path), _) => std::fs::read_to_string(&path)
            .map_err(|error| format!("[mail] cannot read the password file {}: {error}", path.display()))?,
        (None, Some(text)) => text,
        (None, None) => {
            return Err(format!(
                "[mail] user is given without a password; name a password_file, or set the systemd credential {CREDENTIAL} or the variable {VARIABLE}"
            ));
        }
    };
    let text = text.trim_end_matches(['\r', '\n']).to_owned();
    if text.is_empty() { Err("[mail] the password is empty".to_owned()) } else { Ok(Password(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(keys: &str, environment: &[(&str, &str)]) -> Result<Mail, String> {
        let keys = toml::from_str(&format!("from = \"Onreserve <o@school.edu>\"\n{keys}")).unwrap();
        let lookup = |name: &str| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        mail(keys, lookup)
    }

    fn server(mail: Mail) -> Server {
        match mail.way {
            Way::Smtp(server) => server,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_relay_is_asked_for_tls_unless_it_is_on_this_machine() {
        let usual = server(read("host = \"smtp.school.edu\"", &[]).unwrap());
        assert_eq!((usual.port, usual.security), (587, Security::StartTls));
        let wrapped = server(read("host = \"smtp.school.edu\"\nsecurity = \"tls\"", &[]).unwrap());
        assert_eq!(wrapped.port, 465);
        assert!(read("host = \"localhost\"\nsecurity = \"none\"", &[]).is_ok());
        let open = read("host = \"smtp.school.edu\"\nsecurity = \"none\"", &[]).unwrap_err();
        assert!(open.contains("in the open"), "{open}");
    }

    #[test]
    fn a_password_comes_from_a_file_a_credential_or_the_environment() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::File::create_new(dir.path().join(CREDENTIAL)).unwrap();
        let keys = "host = \"smtp.school.edu\"\nuser = \"o\"";
        let missing = read(keys, &[]).unwrap_err();
        assert!(missing.contains("password_file") && missing.contains(VARIABLE), "{missing}");
        let mail = read(keys, &[(VARIABLE, "geheim")]).unwrap();
        assert!(!format!("{mail:?}").contains("geheim"));
        assert_eq!(server(mail).login.unwrap().password.0, "geheim");
        let path = dir.path().to_str().unwrap();
        let empty = read(keys, &[(CREDENTIALS_DIRECTORY, path), (VARIABLE, "x")]).unwrap_err();
        assert!(empty.contains("empty"), "the credential goes first: {empty}");
        let file = read(&format!("{keys}\npassword_file = \"{path}/none\""), &[]).unwrap_err();
        assert!(file.contains("/none"), "{file}");
    }

    #[test]
    fn a_key_signs_for_the_domain_of_the_sender_unless_told_otherwise() {
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
        let mail = read(keys, &[(CREDENTIALS_DIRECTORY, path)]).unwrap();
        assert_eq!(format!("{:?}", mail.signer.unwrap()), "Signer(reserve at school.edu)");
        let broken = read(&format!("{keys}\nkey_file = \"{path}/none\""), &[]).unwrap_err();
        assert!(broken.contains("/none") && broken.contains("PEM"), "{broken}");
        assert!(read("sendmail = \"/s\"\n[dkim]\nselector = \"a; b\"", &[]).unwrap_err().contains("DNS"));
    }

    #[test]
    fn there_is_exactly_one_way_out() {
        assert!(read("", &[]).unwrap_err().contains("no way out"));
        assert!(read("host = \"a.edu\"\ndirectory = \"d\"", &[]).unwrap_err().contains("keep one"));
        assert!(matches!(read("sendmail = \"/s\"", &[]).unwrap().way, Way::Sendmail { .. }));
        assert!(read("directory = \"d\"\nunsubscribe_url = \"http://x\"", &[]).is_err());
    }
}
