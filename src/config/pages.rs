//! `[pages]`: what students and monitors are shown, and where.

use std::net::SocketAddr;

use serde::Deserialize;
use url::Url;

use crate::domain::course::{Course, MailAddress};
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
    Ok(Pages {
        listen: keys.listen,
        serve: serve::Settings {
            base_url,
            courses: Vec::new(),
            copyright_contact: keys.copyright_contact.map(String::from),
            library_proxy: keys.library_proxy,
            limits: serve::Limits::default(),
        },
    })
}

impl Pages {
    /// Shows one more course.
    pub(super) fn add(
        &mut self,
        course: &Course,
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
        self.serve.courses.push(CourseRules {
            copies: course.copies.clone().unwrap_or_default(),
            term: course.term,
            origins,
            contact: contact.map(String::from),
            ..CourseRules::new(course.id.clone())
        });
        Ok(())
    }
}
