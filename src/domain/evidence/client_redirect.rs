//! The target of a redirect without a redirect status: by the markup or a script of the
//! page, or by a `Refresh` header. Browsers follow all three.

use crate::domain::address::Address;
use crate::domain::document::html;
use crate::domain::evidence::probe::ProbeResult;

/// A response with more words than this is read itself, even if it has a `Refresh`
/// header.
const NOTICE_WORDS: u32 = 60;

/// The address to which a browser goes on from this response, if there is one.
pub(super) fn target(answer: &ProbeResult) -> Option<Address> {
    let by_page = || answer.document.as_ref()?.html.as_ref()?.sends_to.clone();
    let by_header = || {
        let hop = answer.exchange.last_hop().filter(|hop| hop.status < 400)?;
        let refresh = hop.headers.get("refresh")?;
        let is_notice = answer.document.as_ref().is_none_or(|document| !document.has_words(NOTICE_WORDS));
        if is_notice { html::refresh_target(refresh, &hop.address) } else { None }
    };
    by_page().or_else(by_header)
}
