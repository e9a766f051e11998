//! The state of a page while it is rewritten, and access to its attributes.

use lol_html::html_content::Element;

use crate::domain::address::Address;
use crate::domain::replay::deck::Deck;
use crate::domain::replay::formulas::Formulas;

/// The context of one page.
pub(super) struct PageRewriter<'a, C> {
    pub address: &'a Address,
    pub base: &'a Address,
    pub copies: &'a C,
    pub formulas: Option<Formulas>,
    /// Its formulas exist as `MathML`, beside the drawings of a script.
    pub has_mathml: bool,
    pub deck: Option<Deck>,
    /// A script would set the theme.
    pub has_theme: bool,
    pub depth: u32,
}

/// The value of an attribute, with character references decoded.
pub(super) fn value(element: &Element<'_, '_>, name: &str) -> Option<String> {
    let raw = element.get_attribute(name)?;
    Some(html_escape::decode_html_entities(&raw).trim().to_owned())
}

pub(super) fn set(element: &mut Element<'_, '_>, name: &str, text: &str) {
    // The names are constants and valid.
    let _ = element.set_attribute(name, &html_escape::encode_double_quoted_attribute(text));
}

/// A `use` of a drawing in this page stays; one of another file is removed.
pub(super) fn fragment_only(element: &mut Element<'_, '_>) {
    for attribute in ["href", "xlink:href"] {
        if value(element, attribute).is_some_and(|href| !href.starts_with('#')) {
            element.remove_attribute(attribute);
        }
    }
}

/// A note in place of something that is not stored.
pub(super) fn missing(what: &str, original: Option<&Address>) -> String {
    let what = html_escape::encode_text(what);
    let link = original.map_or_else(String::new, |address| {
        let href = html_escape::encode_double_quoted_attribute(address.as_str());
        format!(
            " <a href=\"{href}\" rel=\"noopener noreferrer\" data-onreserve-original=\"\">Open the original</a>"
        )
    });
    format!("<span class=\"onreserve-missing\">{what} is not in this copy.{link}</span>")
}
