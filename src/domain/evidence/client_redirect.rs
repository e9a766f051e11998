//! Where a page sends its readers without a redirect status: the markup or a
//! script of the page, or a `Refresh` header, which browsers follow alike.

use crate::domain::address::Address;
use crate::domain::document::html;
use crate::domain::evidence::probe::ProbeResult;

/// An answer with more words than this is read where it stands, whatever its
/// `Refresh` header says.
const NOTICE_WORDS: u32 = 60;

/// The address that the reader of this answer ends up at, where it is another one.
pub(super) fn target(answer: &ProbeResult) -> Option<Address> {
    let by_page = || answer.document.as_ref()?.html.as_ref()?.sends_to.clone();
    let by_header = || {
        let is_notice = answer.document.as_ref().is_none_or(|document| document.words() < NOTICE_WORDS);
        let hop = answer.exchange.last_hop().filter(|hop| is_notice && hop.status < 400)?;
        html::refresh_target(hop.headers.get("refresh")?, &hop.address)
    };
    by_page().or_else(by_header)
}
