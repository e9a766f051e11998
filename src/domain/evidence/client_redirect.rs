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
        let is_notice = answer.document.as_ref().is_none_or(|document| document.words() < NOTICE_WORDS);
        let hop = answer.exchange.last_hop().filter(|hop| is_notice && hop.status < 400)?;
        html::refresh_target(hop.headers.get("refresh")?, &hop.address)
    };
    by_page().or_else(by_header)
}
