//! Where a page sends its readers without a redirect status: the markup or a
//! script of the page, or a `Refresh` header, which browsers follow alike.

use crate::domain::address::Address;
use crate::domain::document::html;
use crate::domain::evidence::probe::ProbeResult;

/// The address that the reader of this answer ends up at, where it is another one.
pub(super) fn target(answer: &ProbeResult) -> Option<Address> {
    let by_page = || answer.document.as_ref()?.html.as_ref()?.sends_to.clone();
    let by_header = || {
        let hop = answer.exchange.last_hop().filter(|hop| hop.status < 400)?;
        html::refresh_target(hop.headers.get("refresh")?, &hop.address)
    };
    by_page().or_else(by_header)
}
