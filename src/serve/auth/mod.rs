//! Who a visitor is, and how visitors log in.

pub(super) mod cookie;
pub(super) mod csrf;
pub(super) mod feed_token;
pub(super) mod form;
pub(super) mod login;
pub(super) mod login_limiter;
pub(super) mod login_state;
pub(super) mod oidc;
pub(super) mod password_check;
pub(super) mod proxy;
pub(super) mod session;
pub(super) mod visitor;
