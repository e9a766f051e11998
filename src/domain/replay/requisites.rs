//! Finds the requisites of a page or a style sheet, the most important first.

use std::cell::RefCell;

use super::css;
use super::{Copies, Destination, RequisiteRole, html};
use crate::domain::address::Address;

/// One requisite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requisite {
    pub address: Address,
    pub role: RequisiteRole,
}

/// The requisites of a page with this source, each once: the most important for
/// the reader first. `text` returns texts that are already known, so that their requisites
/// are found too.
pub fn of_page(
    source: &str,
    address: &Address,
    content_type: Option<&str>,
    text: impl Fn(&Address) -> Option<String>,
) -> Vec<Requisite> {
    let recorder = Recorder { found: RefCell::default(), text };
    let context = html::RewriteContext { address, content_type, copies: &recorder };
    // If the page cannot be read to its end, the requisites found so far are used.
    let _ = html::rewrite(source, &context);
    let mut found = recorder.found.into_inner();
    found.sort_by_key(|requisite| requisite.role);
    found
}

/// The requisites of a style sheet.
pub fn of_sheet(sheet: &str, address: &Address) -> Vec<Requisite> {
    let mut found: Vec<Requisite> = Vec::new();
    for (reference, load) in css::loads(sheet) {
        let Some(requisite) = requisite(address, &reference, load.role()) else { continue };
        if !found.contains(&requisite) {
            found.push(requisite);
        }
    }
    found
}

fn requisite(base: &Address, reference: &str, role: RequisiteRole) -> Option<Requisite> {
    let is_fragment = reference.trim_start().starts_with('#');
    (!is_fragment).then(|| base.join(reference).ok()).flatten().map(|address| Requisite { address, role })
}

/// Records the requested addresses, and has no copies.
struct Recorder<T> {
    found: RefCell<Vec<Requisite>>,
    text: T,
}

impl<T: Fn(&Address) -> Option<String>> Copies for Recorder<T> {
    fn requisite(&self, address: &Address, role: RequisiteRole) -> Option<String> {
        let requisite = Requisite { address: address.clone(), role };
        let mut found = self.found.borrow_mut();
        if !found.iter().any(|other| other.address == requisite.address) {
            found.push(requisite);
        }
        None
    }

    fn link(&self, _: &Address) -> Destination {
        Destination::Original
    }

    fn text(&self, address: &Address) -> Option<String> {
        let text = (self.text)(address);
        if text.is_none() {
            self.requisite(address, RequisiteRole::Text);
        }
        text
    }
}
