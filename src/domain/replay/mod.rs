//! Shows a copied page to a reader: with its requisites, without scripts, and with links
//! to copies if there are any.
//!
//! The same rules find the requisites of a page (`requisites`) and rewrite the page
//! (`html`, `css`). The caller provides the copies and their addresses through
//! `Copies`.

mod attributes;
pub mod code;
pub mod css;
pub mod deck;
mod formulas;
pub mod html;
mod infix;
mod macros;
pub mod markdown;
pub mod maths;
pub mod notebook;
pub mod office;
pub mod requisites;
pub mod source;
pub mod srcset;
mod terminal;
mod unscripted;

use crate::domain::address::Address;

/// The role of a requisite in a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RequisiteRole {
    Sheet,
    Frame,
    /// Text that a script would put into the page: the slides of a deck.
    Text,
    Image,
    Font,
    Captions,
    Icon,
}

/// The target of a link in a copied page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Our copy, at this address.
    Copy(String),
    /// The original.
    Original,
}

/// The copies for a page.
pub trait Copies {
    /// The address of our copy of a requisite; `None` if there is none.
    fn requisite(&self, address: &Address, role: RequisiteRole) -> Option<String>;
    /// The target of a link.
    fn link(&self, address: &Address) -> Destination;
    /// The text of a requisite that becomes part of the page.
    fn text(&self, address: &Address) -> Option<String>;
}
