//! Posted forms: limited in size and time, and accepted only from pages of the same origin.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{FromRef, FromRequest, Request};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use url::form_urlencoded;

use crate::serve::base_url::BaseUrl;
use crate::serve::error::Error;
use crate::serve::respond;
use crate::serve::settings::ServeSettings;

const MAX_FORM_BYTES: usize = 8 << 10;
/// Enough for the ids of all links of a large course.
const MAX_TICKED_BYTES: usize = 64 << 10;
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The fields of a form.
#[derive(Clone, Debug)]
pub(in crate::serve) struct PostedForm(Vec<(String, String)>);

impl PostedForm {
    /// The value of a field; empty if the form does not have it.
    pub(in crate::serve) fn field(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or("")
    }

    /// All values of a field, as of boxes that are ticked.
    pub(in crate::serve) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl<S> FromRequest<S> for PostedForm
where
    S: Send + Sync,
    Arc<ServeSettings>: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let settings = Arc::<ServeSettings>::from_ref(state);
        read(request, &settings).await.map_err(|rejection| {
            let (title, text) = rejection.message();
            respond::message(&settings.base_url, rejection.status(), title, text)
                .unwrap_or_else(Error::into_response)
        })
    }
}

/// Why a form is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FormRejection {
    OtherOrigin,
    NotAForm,
    TooLong,
    TooSlow,
}

impl FormRejection {
    fn status(self) -> StatusCode {
        match self {
            Self::OtherOrigin => StatusCode::FORBIDDEN,
            Self::NotAForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
        }
    }

    fn message(self) -> (&'static str, &'static str) {
        match self {
            Self::OtherOrigin => (
                "The form was not accepted",
                "It was sent from another website. Please go back, reload the page and try again.",
            ),
            Self::NotAForm => ("The form was not accepted", "This address expects a web form."),
            Self::TooLong => ("The form was not accepted", "The text in the form is too long."),
            Self::TooSlow => ("The form was not accepted", "Sending it took too long. Please try again."),
        }
    }
}

async fn read(request: Request, settings: &ServeSettings) -> Result<PostedForm, FormRejection> {
    if !is_same_origin(request.headers(), &settings.base_url) {
        return Err(FormRejection::OtherOrigin);
    }
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next()).map(str::trim);
    if !essence.is_some_and(|it| it.eq_ignore_ascii_case("application/x-www-form-urlencoded")) {
        return Err(FormRejection::NotAForm);
    }
    let is_about_several = request.uri().path().ends_with("/decide");
    let most = if is_about_several { MAX_TICKED_BYTES } else { MAX_FORM_BYTES };
    let body = to_bytes(request.into_body(), most);
    match tokio::time::timeout(settings.limits.read_timeout, body).await {
        Ok(Ok(body)) => Ok(PostedForm(form_urlencoded::parse(&body).into_owned().collect())),
        Ok(Err(_)) => Err(FormRejection::TooLong),
        Err(_) => Err(FormRejection::TooSlow),
    }
}

/// Whether the browser says that the form comes from a page of this service.
/// Browsers send one of the two headers with every form, and pages cannot change them.
fn is_same_origin(headers: &HeaderMap, base: &BaseUrl) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(SEC_FETCH_SITE), text(header::ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let host = text(header::HOST);
            let is_host = |scheme: &str| host.is_some_and(|host| origin.strip_prefix(scheme) == Some(host));
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
    fn only_forms_of_the_same_origin_are_accepted() {
        let base: BaseUrl = "https://links.a.edu/cs".parse().unwrap();
        let is_ours = |fields: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            headers.insert("host", HeaderValue::from_static("127.0.0.1:8080"));
            for (name, value) in fields {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            is_same_origin(&headers, &base)
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
