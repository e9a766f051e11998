//! A copied page as a reader sees it: with its own requisites, without scripts,
//! and with links that lead to copies where there are any.
//!
//! One set of rules finds what a page needs (`requisites`) and rewrites the
//! page (`html`, `css`). Which copies exist, and at which addresses they open,
//! the caller says through `Copies`.

mod attributes;
pub mod css;
pub mod deck;
mod formulas;
pub mod html;
pub mod markdown;
pub mod maths;
pub mod notebook;
pub mod requisites;
pub mod source;
pub mod srcset;

use crate::domain::address::Address;

/// What a page needs a requisite for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RequisiteRole {
    Sheet,
    Frame,
    /// Text that a script would have put into the page: the slides of a deck.
    Text,
    Image,
    Font,
    Captions,
    Icon,
}

/// Where a link of a copied page leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To our copy, at this address of ours.
    Copy(String),
    /// To the original.
    Original,
}

/// The copies that a page is shown with.
pub trait Copies {
    /// Where our copy of a requisite opens; `None` where none is kept.
    fn requisite(&self, address: &Address, role: RequisiteRole) -> Option<String>;
    /// Where a link leads.
    fn link(&self, address: &Address) -> Destination;
    /// The text of a requisite that becomes part of the page.
    fn text(&self, address: &Address) -> Option<String>;
}
