//! Attributes that load something, by element, and attributes that are removed.

use super::RequisiteRole;

/// The form of the addresses in an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    One,
    /// As in `srcset`.
    Set,
}

/// An attribute that loads a requisite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// The attribute with the address.
    pub from: &'static str,
    /// The attribute that needs the address without scripts.
    pub to: &'static str,
    pub form: Form,
    pub role: RequisiteRole,
}

const fn slot(from: &'static str, to: &'static str, form: Form, role: RequisiteRole) -> Slot {
    Slot { from, to, form, role }
}

/// Attributes with addresses that a script would put into `src`, the best first.
const PICTURE: &[Slot] = &[
    slot("data-src", "src", Form::One, RequisiteRole::Image),
    slot("data-original", "src", Form::One, RequisiteRole::Image),
    slot("data-lazy-src", "src", Form::One, RequisiteRole::Image),
    slot("data-lazy", "src", Form::One, RequisiteRole::Image),
    slot("data-actualsrc", "src", Form::One, RequisiteRole::Image),
    slot("src", "src", Form::One, RequisiteRole::Image),
    slot("data-srcset", "srcset", Form::Set, RequisiteRole::Image),
    slot("data-lazy-srcset", "srcset", Form::Set, RequisiteRole::Image),
    slot("srcset", "srcset", Form::Set, RequisiteRole::Image),
];
const SOURCE: &[Slot] = &[
    slot("data-srcset", "srcset", Form::Set, RequisiteRole::Image),
    slot("data-lazy-srcset", "srcset", Form::Set, RequisiteRole::Image),
    slot("srcset", "srcset", Form::Set, RequisiteRole::Image),
];
const FRAME: &[Slot] = &[
    slot("data-src", "src", Form::One, RequisiteRole::Frame),
    slot("data-lazy-src", "src", Form::One, RequisiteRole::Frame),
    slot("src", "src", Form::One, RequisiteRole::Frame),
];
const OBJECT: &[Slot] = &[slot("data", "src", Form::One, RequisiteRole::Frame)];
const EMBED: &[Slot] = &[slot("src", "src", Form::One, RequisiteRole::Frame)];
const VIDEO: &[Slot] = &[slot("poster", "poster", Form::One, RequisiteRole::Image)];
const TRACK: &[Slot] = &[slot("src", "src", Form::One, RequisiteRole::Captions)];
const INPUT: &[Slot] = &[slot("src", "src", Form::One, RequisiteRole::Image)];
const DRAWN: &[Slot] = &[
    slot("xlink:href", "href", Form::One, RequisiteRole::Image),
    slot("href", "href", Form::One, RequisiteRole::Image),
];
const ANY: &[Slot] = &[slot("background", "background", Form::One, RequisiteRole::Image)];

/// The requisites of an element.
pub(super) fn slots(element: &str) -> &'static [Slot] {
    match element {
        "img" => PICTURE,
        "source" => SOURCE,
        "iframe" | "frame" => FRAME,
        "object" => OBJECT,
        "embed" => EMBED,
        "video" => VIDEO,
        "track" => TRACK,
        "input" => INPUT,
        "image" | "feimage" => DRAWN,
        _ => ANY,
    }
}

/// Backgrounds that a script would set.
pub(super) const BACKGROUNDS: &[&str] =
    &["data-background-image", "data-background", "data-bg", "data-background-src"];

/// Elements that are removed from copies.
pub(super) const DROPPED: &[&str] =
    &["script", "base", "applet", "portal", "fencedframe", "bgsound", "animate", "set", "animatemotion"];

/// Attributes that are removed from copies: they run, send, or load something.
pub(super) fn is_dropped(attribute: &str) -> bool {
    const NAMES: &[&str] = &[
        "action",
        "archive",
        "attributionsrc",
        "autofocus",
        "classid",
        "codebase",
        "crossorigin",
        "dynsrc",
        "formaction",
        "imagesrcset",
        "integrity",
        "is",
        "lowsrc",
        "manifest",
        "nonce",
        "ping",
        "profile",
        "referrerpolicy",
        "sandbox",
    ];
    attribute.starts_with("on") || NAMES.contains(&attribute)
}

/// The `rel` words of `link` elements that stay in a copy.
pub(super) fn link_role(rel: &str) -> Option<RequisiteRole> {
    let words: Vec<String> = rel.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
    let has = |word: &str| words.iter().any(|it| it == word);
    if has("stylesheet") && !has("alternate") {
        Some(RequisiteRole::Sheet)
    } else if has("icon") || has("apple-touch-icon") {
        Some(RequisiteRole::Icon)
    } else {
        None
    }
}
