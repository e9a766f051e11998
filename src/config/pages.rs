//! `[pages]`: what students and monitors are shown, and where.

use std::net::SocketAddr;

use serde::Deserialize;
use url::Url;

use crate::domain::course::{Course, MailAddress};
use crate::domain::policy::admission::{Admission, Circle, Readers};
use crate::domain::policy::network::Network;
use crate::serve::{self, BaseUrl, CourseRules};

/// What is shown, and where.
#[derive(Clone, Debug)]
pub struct Pages {
    pub listen: SocketAddr,
    pub serve: serve::Settings,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PagesKeys {
    #[serde(default = "this_machine")]
    listen: SocketAddr,
    base_url: Option<String>,
    copyright_contact: Option<MailAddress>,
    library_proxy: Option<String>,
    #[serde(default)]
    trusted_proxies: Vec<String>,
    user_header: Option<String>,
    groups_header: Option<String>,
}

/// Whoever wants more than this machine to see the pages says so.
fn this_machine() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

pub(super) fn pages(keys: PagesKeys) -> Result<Pages, String> {
    let base_url = match &keys.base_url {
        Some(text) => text.parse().map_err(|error| format!("[pages] base_url: {error}"))?,
        None => BaseUrl::default(),
    };
    if keys.library_proxy.as_ref().is_some_and(|proxy| !proxy.starts_with("https://")) {
        return Err("[pages] library_proxy is put before the address of a licensed link; write for example \
                    \"https://login.proxy.school.edu/login?url=\""
            .to_owned());
    }
    let proxies = proxies(&keys)?;
    Ok(Pages {
        listen: keys.listen,
        serve: serve::Settings {
            base_url,
            courses: Vec::new(),
            copyright_contact: keys.copyright_contact.map(String::from),
            library_proxy: keys.library_proxy,
            proxies,
            limits: serve::Limits::default(),
        },
    })
}

fn proxies(keys: &PagesKeys) -> Result<serve::Proxies, String> {
    let mut proxies = serve::Proxies::default();
    for text in &keys.trusted_proxies {
        let network: Network = text.parse().map_err(|error| format!("[pages] trusted_proxies: {error}"))?;
        if network.is_everything() {
            return Err(format!(
                "[pages] trusted_proxies: {network} would let anybody be whoever they say; name the proxy's own address"
            ));
        }
        proxies.trusted.push(network);
    }
    let header = |key: &str, text: &str| {
        text.parse()
            .map_err(|_| format!("[pages] {key}: `{text}` is no header; write for example \"Remote-User\""))
    };
    if let Some(text) = &keys.user_header {
        proxies.user = header("user_header", text)?;
    }
    if let Some(text) = &keys.groups_header {
        proxies.groups = header("groups_header", text)?;
    }
    Ok(proxies)
}

/// Whether a course relies on the names that a proxy gives.
fn needs_names(admission: &Admission) -> bool {
    matches!(admission.readers, Readers::Named(_))
        || admission.staff.as_ref().is_some_and(|staff| staff.circle != Circle::default())
}

impl Pages {
    /// Shows one more course.
    pub(super) fn add(
        &mut self,
        course: &Course,
        admission: Admission,
        origins: Vec<String>,
        contact: Option<MailAddress>,
    ) -> Result<(), String> {
        for origin in &origins {
            let is_origin = Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == *origin);
            if !is_origin {
                return Err(format!(
                    "course `{}`: `{origin}` is no origin; write for example \"https://school.edu\"",
                    course.id
                ));
            }
        }
        if needs_names(&admission) && self.serve.proxies.trusted.is_empty() {
            return Err(format!(
                "course `{}`: it lets in people by the names that a proxy gives them, but no proxy is believed; add its address to [pages] trusted_proxies",
                course.id
            ));
        }
        self.serve.courses.push(CourseRules {
            admission,
            title: course.title.clone(),
            copies: course.copies.clone().unwrap_or_default(),
            term: course.term,
            origins,
            contact: contact.map(String::from),
            ..CourseRules::new(course.id.clone())
        });
        Ok(())
    }
}
