//! Bulk interfaces: their tokens, and requests that only they get.

use std::fmt;

use reqwest::header::{HeaderName, HeaderValue};

use crate::domain::address::Address;
use crate::domain::evidence::bulk_interface::{BulkInterface, ListRequest};

/// A key or token for an interface; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct InterfaceToken(String);

/// A text that cannot be a token; the message does not repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is empty or has characters that no token has; write the token alone, in one line")]
pub struct InvalidInterfaceToken;

/// An interface that is switched on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceAccess {
    pub address: Address,
    /// `None` for an interface that needs none.
    pub token: Option<InterfaceToken>,
}

/// The parts of a request that only an interface gets.
pub(super) struct InterfaceCall {
    pub(super) json: Option<String>,
    pub(super) token: Option<(HeaderName, HeaderValue)>,
}

impl InterfaceToken {
    pub fn parse(text: &str) -> Result<Self, InvalidInterfaceToken> {
        let is_token = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_token { Ok(Self(text.to_owned())) } else { Err(InvalidInterfaceToken) }
    }
}

impl fmt::Debug for InterfaceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InterfaceToken(…)")
    }
}

impl InterfaceCall {
    /// The token goes to the configured origin alone.
    pub(super) fn new(interface: BulkInterface, access: &InterfaceAccess, request: &ListRequest) -> Self {
        let is_its_own = request.address.url().origin() == access.address.url().origin();
        let token = access.token.as_ref().filter(|_| is_its_own);
        let header = token.and_then(|InterfaceToken(token)| {
            let (name, value) = interface.token_header(token)?;
            let mut value = HeaderValue::try_from(value).ok()?;
            // Logs of the HTTP client do not show it.
            value.set_sensitive(true);
            Some((HeaderName::from_static(name), value))
        });
        Self { json: request.body.clone(), token: header }
    }

    /// A token and a body are for one address.
    pub(super) fn follows_redirects(&self) -> bool {
        self.token.is_none() && self.json.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(interface: BulkInterface, to: &str) -> InterfaceCall {
        let address = |text| Address::parse(text).unwrap();
        let token = Some(InterfaceToken::parse("0123").unwrap());
        let access = InterfaceAccess { address: address("https://api.example/list"), token };
        InterfaceCall::new(interface, &access, &ListRequest { address: address(to), body: None })
    }

    #[test]
    fn only_the_host_of_the_interface_gets_the_token() {
        let (name, value) = call(BulkInterface::Youtube, "https://api.example/list?id=1").token.unwrap();
        assert_eq!((name.as_str(), value.as_bytes()), ("x-goog-api-key", &b"0123"[..]));
        assert!(value.is_sensitive());
        let (name, value) = call(BulkInterface::Github, "https://api.example/list").token.unwrap();
        assert_eq!((name.as_str(), value.as_bytes()), ("authorization", &b"Bearer 0123"[..]));
        for other in ["https://other.example/list", "http://api.example/list", "https://api.example:8/list"] {
            assert!(call(BulkInterface::Github, other).token.is_none(), "{other}");
        }
        assert!(call(BulkInterface::Arxiv, "https://api.example/list").token.is_none());
    }

    #[test]
    fn a_token_is_one_word_and_never_printed() {
        assert!(!format!("{:?}", InterfaceToken::parse("0123").unwrap()).contains("0123"));
        for wrong in ["", "0123 4567", "0123\nx: y", "01\u{e9}"] {
            let error = InterfaceToken::parse(wrong).unwrap_err();
            assert!(!error.to_string().contains("0123"));
        }
    }
}
