//! The fields of what is posted to a signed link, read with little patience.
//!
//! The link itself is what lets its bearer act, so it does not matter who sent
//! the form: a mail program stops letters without having seen any page of ours.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use url::form_urlencoded;

/// No form of ours is longer.
const LONGEST: usize = 8 << 10;
const PATIENCE: Duration = Duration::from_secs(10);

/// The fields of a form; one that came broken, late or too long has none.
#[derive(Clone, Debug, Default)]
pub(in crate::serve) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(in crate::serve) async fn read(body: Body) -> Self {
        match tokio::time::timeout(PATIENCE, to_bytes(body, LONGEST)).await {
            Ok(Ok(bytes)) => Self(form_urlencoded::parse(&bytes).into_owned().collect()),
            Ok(Err(_)) | Err(_) => Self::default(),
        }
    }

    pub(in crate::serve) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
