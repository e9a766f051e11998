//! Replaces what the elements of a page load: with our copy, or with a note that it is missing.

use lol_html::html_content::{ContentType, Element};

use super::page::{PageRewriter, missing, set, value};
use crate::domain::replay::attributes::{self, Form, Slot};
use crate::domain::replay::{Copies, Destination, RequisiteRole, css, deck, srcset};

/// The layer that lets the background of a deck shine through a picture.
fn veil(opacity: &str) -> Option<String> {
    let opacity: f64 = opacity.parse().ok().filter(|opacity| (0.0..1.0).contains(opacity))?;
    let percent = (100.0 * (1.0 - opacity)).round();
    let colour = format!("color-mix(in srgb,var(--r-background-color,#fff) {percent}%,transparent)");
    Some(format!("linear-gradient({colour},{colour}),"))
}

impl<C: Copies> PageRewriter<'_, C> {
    /// A `link` element: with the stored sheet or icon, or removed.
    pub(super) fn linked(&self, element: &mut Element<'_, '_>) {
        let role = value(element, "rel").as_deref().and_then(attributes::link_role);
        let href = value(element, "href");
        let kept = role.zip(href).and_then(|(role, href)| self.kept(&href, role));
        match kept {
            Some(kept) => set(element, "href", &kept),
            None => element.remove(),
        }
    }

    pub(super) fn frame(&self, element: &mut Element<'_, '_>, name: &str) {
        let slot = attributes::slots(name).iter().find_map(|slot| {
            let href = value(element, slot.from).filter(|href| !href.is_empty())?;
            Some((href, slot.role))
        });
        let Some((href, role)) = slot else { return };
        match (self.kept(&href, role), name) {
            (Some(kept), "iframe" | "frame") => set(element, "src", &kept),
            (Some(kept), _) => {
                let frame = format!(
                    "<iframe src=\"{}\" width=\"100%\" height=\"600\"></iframe>",
                    html_escape::encode_double_quoted_attribute(&kept)
                );
                element.replace(&frame, ContentType::Html);
            }
            (None, "frame") => element.remove_attribute("src"),
            (None, _) => {
                let address = self.base.join(&href).ok();
                let note = match address.as_ref().map(|address| (address, self.copies.link(address))) {
                    // A document that no browser shows in a frame of such a page.
                    Some((_, Destination::Copy(copy))) => {
                        let href = html_escape::encode_double_quoted_attribute(&copy);
                        format!(
                            "<a class=\"onreserve-missing\" href=\"{href}\">Open this part of the page</a>"
                        )
                    }
                    _ => missing("A part of this page", address.as_ref()),
                };
                element.replace(&note, ContentType::Html);
            }
        }
    }

    /// Replaces the addresses that the page loads.
    pub(super) fn fill(&self, element: &mut Element<'_, '_>, name: &str) {
        let mut filled: Vec<&str> = Vec::new();
        let mut is_wanted = false;
        for Slot { from, to, form, role } in attributes::slots(name) {
            let Some(written) = value(element, from) else { continue };
            let kept = match form {
                Form::One if written.starts_with("data:image/") => Some(written.clone()),
                Form::One => self.kept(&written, *role),
                Form::Set => self.kept_set(&written, *role),
            };
            is_wanted = true;
            match kept {
                Some(kept) if !filled.contains(to) => {
                    set(element, to, &kept);
                    filled.push(to);
                }
                _ if from == to && filled.contains(to) => {}
                _ => element.remove_attribute(from),
            }
        }
        if name == "img" && is_wanted && filled.is_empty() {
            let alt = value(element, "alt").unwrap_or_default();
            let what =
                if alt.is_empty() { "A picture".to_owned() } else { format!("The picture “{alt}”") };
            element.replace(&missing(&what, None), ContentType::Html);
        }
        if matches!(name, "source" | "video") {
            element.remove_attribute("src");
            element.remove_attribute("autoplay");
        }
        if name == "video" {
            element.after(&missing("The recording itself", None), ContentType::Html);
        }
    }

    fn kept_set(&self, written: &str, role: RequisiteRole) -> Option<String> {
        let candidates = srcset::parse(written);
        // Only the sharpest image is stored; the others show the same.
        let best = srcset::best(&candidates)?;
        self.kept(&best.address, role)
    }

    fn kept(&self, reference: &str, role: RequisiteRole) -> Option<String> {
        let is_place = reference.is_empty() || reference.starts_with('#') || reference.starts_with("data:");
        let address = self.base.join(reference).ok().filter(|_| !is_place)?;
        self.copies.requisite(&address, role)
    }

    pub(super) fn background(&self, element: &mut Element<'_, '_>) {
        for attribute in attributes::BACKGROUNDS {
            let Some(written) = value(element, attribute) else { continue };
            let plain = written.trim_start_matches("url(").trim_end_matches(')').trim_matches(['"', '\'']);
            // A slide may have a colour or a gradient in its place.
            let is_picture = (plain.contains('.') || plain.contains('/')) && !plain.contains('(');
            let Some(kept) = self.kept(plain, RequisiteRole::Image).filter(|_| is_picture) else { continue };
            let style = value(element, "style").unwrap_or_default();
            let image = css::rewrite("url(x)", |_, _| Some(kept.clone()));
            let veil = value(element, "data-background-opacity").as_deref().and_then(veil);
            let image = format!("background-image:{}{image}", veil.unwrap_or_default());
            // Slides are covered by their pictures.
            let size = if element.tag_name() == "section" { "cover" } else { "contain" };
            let style = format!(
                "{image};background-size:{size};background-position:center;background-repeat:no-repeat;{style}"
            );
            set(element, "style", &style);
        }
    }

    /// Removes the addresses of backgrounds. A style sheet may ask whether there is a picture.
    pub(super) fn forget_backgrounds(element: &mut Element<'_, '_>) {
        let names: Vec<String> =
            element.attributes().iter().map(lol_html::html_content::Attribute::name).collect();
        for name in names.iter().filter(|name| name.starts_with("data-background")) {
            if name == "data-background-image" {
                set(element, name, "");
            } else {
                element.remove_attribute(name);
            }
        }
    }

    /// A slide with its own background, or code in a slide, as the script of the deck shows it.
    pub(super) fn slide(&self, element: &mut Element<'_, '_>, name: &str) {
        let class = value(element, "class").unwrap_or_default();
        if name == "code" && (class.contains("language-") || element.has_attribute("data-trim")) {
            set(element, "class", &format!("{class} hljs"));
        }
        if name != "section" {
            return;
        }
        let Some((background, brightness)) = deck::background(|name| value(element, name)) else { return };
        let style = value(element, "style").unwrap_or_default();
        set(element, "style", &format!("{}{style}", self.sheet(&background)));
        if let Some(brightness) = brightness {
            set(element, "class", format!("{class} {brightness}").trim());
        }
    }

    pub(super) fn sheet(&self, text: &str) -> String {
        css::rewrite(text, |reference, load| {
            if reference.starts_with('#') || reference.starts_with("data:") {
                return Some(reference.to_owned());
            }
            self.kept(reference, load.role())
        })
    }
}
