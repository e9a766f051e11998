//! The layers around every request, from the outside in: security headers, the
//! separate origin of copies, and the identification of the visitor.

pub(super) mod copies_origin;
pub(super) mod identify;
pub(super) mod security_headers;
