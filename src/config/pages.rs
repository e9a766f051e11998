//! `[pages]`: the web pages, their addresses and who may see them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use super::access::{self, PeopleKeys};
use super::credential;
use super::diagnostics::TableDiagnostics;
use super::oidc::{OidcKeys, oidc};
use crate::domain::action_token::SigningKey;
use crate::domain::course::{Course, EmailAddress};
use crate::domain::policy::course_access::{AllowList, CourseAccess, Readers, Role};
use crate::domain::policy::network::Network;
use crate::domain::policy::night_plan::NightPace;
use crate::outbox;
use crate::serve::{self, ADMIN, BaseUrl, CourseRules};
use crate::world::archive::{self, Archive};
use crate::world::fetch::FetchSettings;

/// The settings of the web pages.
#[derive(Clone, Debug)]
pub struct PagesSettings {
    pub listen: SocketAddr,
    pub serve: serve::ServeSettings,
    /// The pages have a public address that emails can link to.
    has_address: bool,
    /// The key of the configuration. Without it the archive's own key is used.
    key: Option<SigningKey>,
}

/// The systemd credential with the signing key.
const CREDENTIAL: &str = "signing-key";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PagesKeys {
    #[serde(default = "this_machine")]
    listen: SocketAddr,
    base_url: Option<String>,
    copies_origin: Option<String>,
    copyright_contact: Option<EmailAddress>,
    library_proxy: Option<String>,
    #[serde(default)]
    trusted_proxies: Vec<String>,
    #[serde(default)]
    monitors: Vec<String>,
    user_header: Option<String>,
    groups_header: Option<String>,
    key_file: Option<PathBuf>,
    oidc: Option<OidcKeys>,
    admin: Option<PeopleKeys>,
}

/// By default only this machine can reach the pages.
fn this_machine() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

/// The keys of a course about its web pages.
pub(super) struct CourseWebKeys {
    pub origins: Vec<String>,
    pub contact: Option<EmailAddress>,
}

pub(super) fn pages(
    keys: PagesKeys,
    table: &mut TableDiagnostics,
    environment: impl Fn(&str) -> Option<String>,
) -> Option<PagesSettings> {
    let base_url = match &keys.base_url {
        Some(text) => {
            let read = text.parse().map_err(|error| format!("[pages] base_url: {error}"));
            table.value("base_url", read)
        }
        None => Some(BaseUrl::default()),
    };
    if keys.library_proxy.as_ref().is_some_and(|proxy| !proxy.starts_with("https://")) {
        let what = "[pages] library_proxy must be a web address that begins with https://; write it as in \
                    \"https://login.proxy.school.edu/login?url=\"";
        table.error("library_proxy", what.to_owned());
    }
    let copies_origin = copies_origin(&keys, table);
    let proxies = proxies(&keys, table);
    let monitors = networks("monitors", &keys.monitors, monitor, table);
    if keys.oidc.is_some() && keys.base_url.is_none() {
        let what = format!(
            "[pages.oidc] needs base_url in [pages], because the provider sends readers back to it; add it, and register it at the provider with {} appended",
            serve::CALLBACK
        );
        table.missing("oidc", what);
    }
    let oidc = keys.oidc.map(|keys| oidc(keys, &environment));
    let oidc = oidc.map_or(Some(None), |read| table.value("oidc", read).map(Some));
    let admin = keys.admin.map(|people| admin(people, oidc.as_ref(), proxies.as_ref(), table));
    let key = table.value("key_file", signing_key(keys.key_file, environment));
    Some(PagesSettings {
        listen: keys.listen,
        has_address: keys.base_url.is_some(),
        key: key?,
        serve: serve::ServeSettings {
            base_url: base_url?,
            courses: Vec::new(),
            admin: admin.flatten(),
            pace: NightPace::default(),
            list_hosts: BTreeMap::new(),
            copyright_contact: keys.copyright_contact.map(String::from),
            library_proxy: keys.library_proxy,
            copies_origin,
            only_always_open_copies: false,
            proxies: proxies?,
            monitors: monitors?,
            oidc: oidc?,
            limits: serve::ServeLimits::default(),
            signing_key: None,
        },
    })
}

/// Who may see the overview of all courses.
fn admin(
    keys: PeopleKeys,
    oidc: Option<&Option<serve::OidcClient>>,
    proxies: Option<&serve::TrustedProxies>,
    table: &mut TableDiagnostics,
) -> Option<CourseRules> {
    let id = ADMIN.parse().ok()?;
    let has_oidc = oidc.is_some_and(Option::is_some);
    let admission = access::admin(&id, keys, has_oidc, table, credential::environment)?;
    let is_unnamed = proxies.is_some_and(|proxies| proxies.trusted.is_empty());
    if admission.password(Role::Staff).is_none() && !admission.uses_oidc() && is_unnamed {
        let what = "[pages] admin identifies people by the headers of a proxy, but no proxy is trusted; add its address to trusted_proxies, or [pages.oidc], or give a password_hash";
        table.error("admin", what.to_owned());
    }
    let title = "the overview of all courses".to_owned();
    Some(CourseRules { title, admission, ..CourseRules::new(id) })
}

/// An origin without a path that differs from the origin of the pages.
fn copies_origin(keys: &PagesKeys, table: &mut TableDiagnostics) -> Option<BaseUrl> {
    let text = keys.copies_origin.as_ref()?;
    let read = text.parse::<BaseUrl>().map_err(|error| format!("[pages] copies_origin: {error}"));
    let origin = table.value("copies_origin", read)?;
    let base = keys.base_url.as_ref().and_then(|text| text.parse::<BaseUrl>().ok());
    let wrong = match &base {
        _ if !origin.prefix().is_empty() => {
            "it has a path; give only scheme and host, as in https://copies.school.edu"
        }
        None => "it needs base_url, which is missing; add it",
        Some(base) if base.origin() == origin.origin() => "it has the origin of base_url; give another host",
        Some(_) => return Some(origin),
    };
    table.error("copies_origin", format!("[pages] copies_origin: {wrong}"));
    None
}

fn proxies(keys: &PagesKeys, table: &mut TableDiagnostics) -> Option<serve::TrustedProxies> {
    let mut proxies = serve::TrustedProxies::default();
    let trusted = networks("trusted_proxies", &keys.trusted_proxies, proxy, table);
    let mut header = |key: &str, text: &Option<String>| match text {
        None => Some(None),
        Some(text) => {
            let read = text.parse().map_err(|_| {
                format!("[pages] {key}: `{text}` is not a header name; write it as in \"Remote-User\"")
            });
            table.value(key, read).map(Some)
        }
    };
    let user = header("user_header", &keys.user_header);
    let groups = header("groups_header", &keys.groups_header);
    proxies.trusted = trusted?;
    proxies.user = user?.unwrap_or(proxies.user);
    proxies.groups = groups?.unwrap_or(proxies.groups);
    Some(proxies)
}

/// All entries of a list, if none has an error.
fn networks(
    key: &str,
    texts: &[String],
    read: fn(&str) -> Result<Network, String>,
    table: &mut TableDiagnostics,
) -> Option<Vec<Network>> {
    let mut table = table.inside(key);
    let read: Vec<Option<Network>> =
        texts.iter().enumerate().map(|(at, text)| table.value(&at.to_string(), read(text))).collect();
    read.into_iter().collect()
}

fn monitor(text: &str) -> Result<Network, String> {
    text.parse().map_err(|error| format!("[pages] monitors: {error}"))
}

fn proxy(text: &str) -> Result<Network, String> {
    let network: Network = text.parse().map_err(|error| format!("[pages] trusted_proxies: {error}"))?;
    if network.is_everything() {
        return Err(format!(
            "[pages] trusted_proxies: {network} contains every address, so any reader could claim any name; give the address of the proxy"
        ));
    }
    Ok(network)
}

/// Whether a course identifies people by the headers of a proxy.
fn needs_names(admission: &CourseAccess) -> bool {
    let names_staff = admission.staff.as_ref().is_some_and(|staff| staff.list != AllowList::default());
    match admission.readers {
        Readers::Named(_) => true,
        Readers::Everyone | Readers::Password(_) => names_staff,
        Readers::SignedIn(_) => false,
    }
}

/// From the file given in the configuration, or else from systemd.
fn signing_key(
    named: Option<PathBuf>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Option<SigningKey>, String> {
    let Some(path) = credential::file(named.as_deref(), CREDENTIAL, environment) else { return Ok(None) };
    let text = credential::read(&path).map_err(|why| format!("[pages] signing key: {why}"))?;
    let key = SigningKey::parse(&text).map_err(|error| format!("[pages] {}: {error}", path.display()))?;
    Ok(Some(key))
}

impl PagesSettings {
    /// The settings of the pages with the signing key. The archive makes one if none is configured.
    pub fn serve(&self, archive: &Archive) -> Result<serve::ServeSettings, archive::Error> {
        Ok(serve::ServeSettings { signing_key: Some(self.key(archive)?), ..self.serve.clone() })
    }

    /// A setting that works but that the administrator should change.
    pub fn warning(&self) -> Option<String> {
        let is_behind_proxy = self.serve.base_url.is_secure() && self.listen.ip().is_loopback();
        (is_behind_proxy && self.serve.proxies.trusted.is_empty()).then(|| {
            format!(
                "base_url begins with https:// and the pages listen on {}, so a proxy is probably in front, but trusted_proxies is empty: all readers then count as one client, and one who guesses passwords slows down all; add trusted_proxies = [\"{}\"] to [pages]",
                self.listen,
                self.listen.ip()
            )
        })
    }

    /// The public address of the pages, if it is configured.
    pub fn address(&self) -> Option<String> {
        self.has_address.then(|| self.serve.base_url.absolute("/"))
    }

    /// The action links of emails. There are none without a public address.
    pub fn behind_emails(&self, archive: &Archive) -> Result<Option<outbox::ActionLinks>, archive::Error> {
        if self.address().is_none() {
            return Ok(None);
        }
        let base = self.serve.base_url.absolute("");
        Ok(Some(outbox::ActionLinks { base, key: self.key(archive)? }))
    }

    fn key(&self, archive: &Archive) -> Result<SigningKey, archive::Error> {
        self.key.clone().map_or_else(|| archive.signing_key(), Ok)
    }

    /// The pace and the lists of the nights, which the overview shows.
    pub(super) fn set_plan(&mut self, fetch: &FetchSettings) {
        self.serve.pace = fetch.pace();
        self.serve.list_hosts = fetch.list_hosts();
    }

    /// Adds the pages of a course.
    pub(super) fn add(
        &mut self,
        course: &Course,
        admission: CourseAccess,
        web: CourseWebKeys,
        table: &mut TableDiagnostics,
    ) {
        let id = &course.id;
        for (at, origin) in web.origins.iter().enumerate() {
            let is_origin = Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == *origin);
            if !is_origin {
                let what = format!("`{origin}` is not an origin; write it as in \"https://school.edu\"");
                table.inside("origins").error(&at.to_string(), format!("course `{id}`: {what}"));
            }
        }
        if self.serve.admin.as_ref().is_some_and(|admin| admin.id == *id) {
            let what = "the id `admin` belongs to the overview of [pages] admin; give the course another id";
            table.error("id", what.to_owned());
        }
        if needs_names(&admission) && self.serve.proxies.trusted.is_empty() {
            let key = if matches!(admission.readers, Readers::Named(_)) { "access" } else { "staff" };
            let what = "it identifies people by the headers of a proxy, but no proxy is trusted; add its address to trusted_proxies in [pages]";
            table.error(key, format!("course `{id}`: {what}"));
        }
        if admission.uses_oidc() && self.serve.oidc.is_none() {
            let what = "access = \"oidc\" needs an identity provider; add [pages.oidc]";
            table.missing("access", format!("course `{id}`: {what}"));
        }
        self.serve.courses.push(CourseRules {
            admission,
            title: course.title.clone(),
            copies: course.copies.clone().unwrap_or_default(),
            term: course.term,
            origins: web.origins,
            contact: web.contact.map(String::from),
            readers: course.report_to.clone(),
            ..CourseRules::new(course.id.clone())
        });
    }
}
