//! Links and embedded readings, each with its words and its position.

use std::sync::Arc;

use scraper::ElementRef;

use super::super::embed::{self, Frame};
use super::super::text::{self, Style, squeezed};
use super::super::{Site, kind, target, template};
use super::Extractor;
use crate::domain::link::{Kind, Mention, Target};

/// Longer words are not the name of a link.
const WORDS_CHARS: usize = 500;

impl Extractor<'_> {
    pub(super) fn link(&mut self, element: ElementRef) {
        let href =
            text::attribute(element.value(), "href").or_else(|| text::attribute(element.value(), "to"));
        let Some(written) = href.filter(|_| !self.dom.is_reopened(element.id())) else { return };
        self.mention(element, written, words(element));
    }

    /// Embedded content, if it is a reading.
    pub(super) fn embed(&mut self, element: ElementRef) {
        let attribute = |name: &str| text::attribute(element.value(), name);
        let address = if element.value().name() == "object" { attribute("data") } else { attribute("src") };
        let Some(written) =
            address.or_else(|| attribute("data-src")).filter(|written| !written.trim().is_empty())
        else {
            return;
        };
        let frame =
            Frame { style: attribute("style"), width: attribute("width"), height: attribute("height") };
        let is_picture = attribute("type").is_some_and(|media| media.starts_with("image/"))
            || (element.value().name() == "source"
                && element
                    .parent()
                    .and_then(ElementRef::wrap)
                    .is_some_and(|parent| parent.value().name() == "picture"));
        if frame.is_hidden() || is_picture || self.dom.is_reopened(element.id()) {
            return;
        }
        self.has_frames |= element.value().name() == "frame";
        let target = self.resolve(written);
        let url = match &target {
            Target::Web { address, .. } => Some(address.url().clone()),
            _ => None,
        };
        if matches!(target, Target::OtherScheme(_) | Target::Nothing | Target::InPage(_)) {
            return;
        }
        let read = url.as_ref().map(embed::reading);
        match read {
            Some(None) => {}
            Some(Some(reading)) if Some(&reading) != url.as_ref() => {
                let reading = String::from(reading);
                self.embedded(element, &reading);
            }
            _ => {
                let written = written.to_owned();
                self.embedded(element, &written);
            }
        }
    }

    fn embedded(&mut self, element: ElementRef, written: &str) {
        let is_inside_same = element.ancestors().filter_map(ElementRef::wrap).take(3).any(|outer| {
            outer.value().name() == "object" && text::attribute(outer.value(), "data") == Some(written)
        });
        if is_inside_same {
            return;
        }
        let name =
            |name: &str| text::attribute(element.value(), name).map(squeezed).filter(|text| !text.is_empty());
        let words =
            name("title").or_else(|| name("aria-label")).or_else(|| name("label")).unwrap_or_default();
        self.mention(element, written, words);
    }

    fn resolve(&self, written: &str) -> Target {
        let is_from_root = written.starts_with('/') && !written.starts_with("//");
        let is_file = self.base.is_some_and(|base| base.file_path().is_some());
        let site = self.context.site.filter(|_| is_from_root && is_file);
        let origin = site.and_then(Site::origin);
        let published = self.context.site.zip(self.base.filter(|_| !is_file));
        let published = published.and_then(|(site, base)| site.published_link(written, base.host()));
        let written = published.as_deref().unwrap_or(written);
        target::resolve(written, origin.as_ref().or(self.base), self.context.base)
    }

    fn mention(&mut self, element: ElementRef, written: &str, words: String) {
        let start = self.dom.start(element.id()).unwrap_or_default();
        let line = self.map.line(start);
        if template::is_unresolved(written) {
            self.page.note_template(line);
            return;
        }
        let words = template::without_placeholders(words);
        let target = self.resolve(written);
        let headings = self.outline.headings();
        let row = self
            .rows
            .last()
            .map(|row| row.text.clone())
            .map(template::without_placeholders)
            .unwrap_or_default();
        let column = self.columns.last().map(|(_, title)| &**title).unwrap_or_default();
        let kind = match &target {
            Target::Web { address, .. } => kind::of(&kind::LinkFeatures {
                address,
                words: &words,
                headings: &headings,
                row: &row,
                column,
                page: self.context.base,
                rules: self.context.kinds,
            }),
            Target::InPage(_) | Target::Nothing | Target::OtherScheme(_) | Target::Malformed(_) => {
                Kind::Other
            }
        };
        let kind = embedded_kind(element.value().name(), kind);
        let timing = self.outline.timing();
        let due = timing.due(&words);
        let due_from = due.map(|(_, from)| Arc::clone(from));
        let due = due.map(|(day, _)| *day);
        self.starts.push(start);
        self.page.mentions.push(Mention {
            written: written.to_owned(),
            target,
            words,
            headings,
            row,
            week: timing.week(),
            due,
            due_from,
            line,
            kind,
            page: None,
        });
    }
}

/// Embedded content has the kind of its element, unless the address shows another kind.
fn embedded_kind(element: &str, kind: Kind) -> Kind {
    match (element, kind) {
        ("video", _) => Kind::Video,
        ("embed" | "object", Kind::Paper) => Kind::Paper,
        (_, kind) => kind,
    }
}

/// The words of a link, or a substitute if it has none.
fn words(element: ElementRef) -> String {
    let shown = |style: Style| Some(text::of(element, style)).filter(|text| !text.is_empty());
    let plain = Style { chars: WORDS_CHARS, ..Style::default() };
    if let Some(text) = shown(plain) {
        return text;
    }
    let attribute =
        |name: &str| text::attribute(element.value(), name).map(squeezed).filter(|text| !text.is_empty());
    let of_inner = |name: &str| {
        let inner = element.descendants().skip(1).take(50).filter_map(ElementRef::wrap);
        inner
            .filter_map(|inner| text::attribute(inner.value(), name).map(squeezed))
            .find(|text| !text.is_empty())
    };
    of_inner("alt")
        .or_else(|| attribute("alt"))
        .or_else(|| attribute("aria-label"))
        .or_else(|| attribute("title"))
        .or_else(|| shown(Style { spoken: true, ..plain }))
        .or_else(|| of_inner("aria-label"))
        .or_else(|| of_inner("title"))
        .unwrap_or_default()
}
