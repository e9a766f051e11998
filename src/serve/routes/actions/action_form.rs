//! The form posted to a signed link, limited in size and time.
//!
//! The token in the address grants the right to act, so it does not matter
//! which page sent the form. Mail programs post to it without any page.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use url::form_urlencoded;

const MAX_FORM_BYTES: usize = 8 << 10;
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The fields of a form. A form that is broken, slow or too long has none.
#[derive(Clone, Debug, Default)]
pub(super) struct ActionForm(Vec<(String, String)>);

impl ActionForm {
    pub(super) async fn read(body: Body) -> Self {
        match tokio::time::timeout(READ_TIMEOUT, to_bytes(body, MAX_FORM_BYTES)).await {
            Ok(Ok(bytes)) => Self(form_urlencoded::parse(&bytes).into_owned().collect()),
            Ok(Err(_)) | Err(_) => Self::default(),
        }
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
