//! A form that was posted: read with patience and room for a form, and only
//! where a page of ours sent it.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use url::form_urlencoded;

use crate::serve::answer::{self, Fault};
use crate::serve::desk::Desk;
use crate::serve::settings::{BaseUrl, Settings};

const LONGEST: usize = 8 << 10;
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The fields of a form.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Form(Vec<(String, String)>);

impl Form {
    /// The field of this name; empty where there is none.
    pub(in crate::serve) fn field(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

impl FromRequest<Arc<Desk>> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, desk: &Arc<Desk>) -> Result<Self, Response> {
        let read = read(request, &desk.settings).await;
        read.map_err(|unfit| {
            let (status, title, text) = unfit.told();
            answer::message(desk, status, title, text).unwrap_or_else(Fault::into_response)
        })
    }
}

/// Why a form is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unfit {
    NotFromUs,
    NoForm,
    TooLong,
    TooSlow,
}

impl Unfit {
    fn told(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::NotFromUs => (
                StatusCode::FORBIDDEN,
                "This form was not taken",
                "It was sent from a page that is not ours. Please go back, load the page anew, and try again.",
            ),
            Self::NoForm => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "This is no form", "A form was expected here.")
            }
            Self::TooLong => {
                (StatusCode::PAYLOAD_TOO_LARGE, "This is too long", "No form of ours has so much room.")
            }
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "This took too long", "Please try again."),
        }
    }
}

async fn read(request: Request, settings: &Settings) -> Result<Form, Unfit> {
    if !is_from_us(request.headers(), &settings.base_url) {
        return Err(Unfit::NotFromUs);
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let essence = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Unfit::NoForm);
    }
    let body = to_bytes(request.into_body(), LONGEST);
    match tokio::time::timeout(settings.limits.head, body).await {
        Ok(Ok(body)) => Ok(Form(form_urlencoded::parse(&body).map(owned).collect())),
        Ok(Err(_)) => Err(Unfit::TooLong),
        Err(_) => Err(Unfit::TooSlow),
    }
}

fn owned((key, value): (Cow<'_, str>, Cow<'_, str>)) -> (String, String) {
    (key.into_owned(), value.into_owned())
}

/// Whether a browser says that a page of ours sent this. Browsers send the one
/// field or the other with every form; a page elsewhere can change neither.
fn is_from_us(headers: &HeaderMap, base: &BaseUrl) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(SEC_FETCH_SITE), text(header::ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let host = text(header::HOST).unwrap_or_default();
            let is_host = |scheme: &str| origin.strip_prefix(scheme).is_some_and(|of| of == host);
            origin == base.origin() || is_host("https://") || is_host("http://")
        }
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::HeaderValue;

    #[test]
    fn only_a_page_of_ours_sends_forms() {
        let base: BaseUrl = "https://links.a.edu/cs".parse().unwrap();
        let is_ours = |fields: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            headers.insert("host", HeaderValue::from_static("127.0.0.1:8080"));
            for (name, value) in fields {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            is_from_us(&headers, &base)
        };
        for ours in [
            &[("sec-fetch-site", "same-origin"), ("origin", "null")][..],
            &[("origin", "https://links.a.edu")],
            &[("origin", "http://127.0.0.1:8080")],
        ] {
            assert!(is_ours(ours), "{ours:?}");
        }
        for foreign in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "http://links.a.edu")],
            &[("origin", "https://evil.a.edu")],
            &[("origin", "http://127.0.0.1:8081")],
            &[("sec-fetch-site", "same-site"), ("origin", "https://links.a.edu")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "none")],
            &[("referer", "https://links.a.edu/cs/")],
        ] {
            assert!(!is_ours(foreign), "{foreign:?}");
        }
    }
}
