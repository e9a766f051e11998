//! A page rewritten for its readers: no scripts, no requests to other hosts,
//! links to copies.
//!
//! The policy that a browser gets with the page forbids the same things once
//! more. What is rewritten here is what a reader would miss.

use std::cell::RefCell;
use std::rc::Rc;

use lol_html::errors::RewritingError;
use lol_html::html_content::{ContentType, Element, TextChunk, TextType};
use lol_html::{RewriteStrSettings, doc_comments, doc_text, element, rewrite_str};

use super::attributes::{self, Form, Slot};
use super::css;
use super::deck;
use super::formulas;
use super::maths::Delimiters;
use super::requisites::load_role;
use super::source;
use super::srcset;
use super::{Copies, Destination, Role};
use crate::domain::address::Address;

/// Pages inside attributes of pages.
const SRCDOC_DEPTH: u32 = 2;
/// Marks a link that leaves the copies.
const MARKED: &str = "a[data-onreserve-original]::after{content:\"\\2197\";font-size:.75em;text-decoration:none}\
.onreserve-missing{display:inline-block;border:1px dashed;padding:.25em .5em;font-size:.875em}";

/// What a page is rewritten with.
#[derive(Clone, Copy)]
pub struct Context<'a, C> {
    /// Where the page came from.
    pub address: &'a Address,
    pub content_type: Option<&'a str>,
    pub copies: &'a C,
}

/// The page for a reader. `source` is its text, decoded; the result is UTF-8.
///
/// # Errors
///
/// Where the markup is such that a browser may read it in another way.
pub fn rewrite<C: Copies>(source: &str, context: &Context<C>) -> Result<String, RewritingError> {
    rewrite_nested(source, context, 0)
}

fn rewrite_nested<C: Copies>(
    source: &str,
    context: &Context<C>,
    depth: u32,
) -> Result<String, RewritingError> {
    let expanded;
    let mut source = source;
    if source::is_xml(source, context.content_type) {
        expanded = source::expand_short_tags(source);
        source = &expanded;
    }
    let source = source::without_noscript(source);
    let base = base(&source, context.address);
    let program = deck::of(&source);
    let source = match program {
        Some(_) => deck::expand(&source, &base, |address| context.copies.text(address)),
        None => source.into_owned(),
    };
    let page = Page {
        address: context.address,
        base: &base,
        copies: context.copies,
        formulas: formulas::delimiters(&source),
        has_mathml: source.contains("katex-mathml") || source.contains("MJX_Assistive_MathML"),
        depth,
    };
    let state = Rc::new(RefCell::new(State::default()));
    let in_element = Rc::clone(&state);
    let in_text = Rc::clone(&state);
    let settings = RewriteStrSettings::new()
        .append_element_content_handler(element!("*", |element| {
            page.element(element, &in_element);
            Ok(())
        }))
        .append_document_content_handler(doc_comments!(|comment| {
            comment.remove();
            Ok(())
        }))
        .append_document_content_handler(doc_text!(|chunk| {
            page.text(chunk, &mut in_text.borrow_mut());
            Ok(())
        }));
    let out = rewrite_str(&source, settings)?;
    let style = format!("{MARKED}{}", program.map_or("", deck::Deck::style));
    Ok(if depth == 0 { with_style(&out, &style) } else { out })
}

/// Our style comes first, after the doctype: at the end it would become part of
/// a tag that is not complete.
fn with_style(page: &str, style: &str) -> String {
    let page = page.trim_start();
    let has_doctype = page.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype"));
    let end = page.find('>').filter(|_| has_doctype).map_or(0, |end| end + 1);
    let (doctype, rest) = page.split_at(end);
    format!("{doctype}<style>{style}</style>{rest}")
}

/// Where relative addresses of a page begin.
fn base(source: &str, address: &Address) -> Address {
    let found = RefCell::new(None);
    let settings =
        RewriteStrSettings::new().append_element_content_handler(element!("base[href]", |element| {
            let href = value(element, "href").and_then(|href| address.join(&href).ok());
            if found.borrow().is_none() {
                *found.borrow_mut() = href;
            }
            Ok(())
        }));
    // Only where no base is found before the markup ends being readable.
    let _ = rewrite_str(source, settings);
    found.into_inner().unwrap_or_else(|| address.clone())
}

/// What one page is rewritten by.
struct Page<'a, C> {
    address: &'a Address,
    base: &'a Address,
    copies: &'a C,
    formulas: Option<Delimiters>,
    /// Its formulas stand there as `MathML` too, beside what a script drew.
    has_mathml: bool,
    depth: u32,
}

/// What is open while a page is read.
#[derive(Default)]
struct State {
    /// Elements whose text is no prose.
    verbatim: u32,
    in_style: bool,
    /// A TeX formula in a script element, and whether it is a display.
    tex: Option<bool>,
    /// The text node so far.
    pending: String,
}

/// The value of an attribute, character references decoded.
fn value(element: &Element<'_, '_>, name: &str) -> Option<String> {
    let raw = element.get_attribute(name)?;
    Some(html_escape::decode_html_entities(&raw).trim().to_owned())
}

fn set(element: &mut Element<'_, '_>, name: &str, text: &str) {
    // The names are ours and valid.
    let _ = element.set_attribute(name, &html_escape::encode_double_quoted_attribute(text));
}

impl<C: Copies> Page<'_, C> {
    fn element(&self, element: &mut Element<'_, '_>, state: &Rc<RefCell<State>>) {
        let name = element.tag_name();
        if self.is_left_out(element, &name, state) {
            return;
        }
        let dropped: Vec<String> = element
            .attributes()
            .iter()
            .map(lol_html::html_content::Attribute::name)
            .filter(|attribute| attributes::is_dropped(attribute))
            .collect();
        for attribute in dropped {
            element.remove_attribute(&attribute);
        }
        if let Some(style) = value(element, "style") {
            set(element, "style", &self.sheet(&style));
        }
        match name.as_str() {
            "a" | "area" => self.link(element),
            "link" => self.linked(element),
            "meta" => meta(element),
            "iframe" | "frame" | "object" | "embed" => self.frame(element, &name),
            "use" => fragment_only(element),
            "input" if value(element, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("password")) => {
                set(element, "disabled", "");
            }
            "audio" => element.replace(&missing("A recording", None), ContentType::Html),
            _ => self.fill(element, &name),
        }
        self.background(element);
        open(element, &name, state);
    }

    /// What no copy shows, and the drawings of formulas that stand there as `MathML` too.
    fn is_left_out(&self, element: &mut Element<'_, '_>, name: &str, state: &Rc<RefCell<State>>) -> bool {
        if name == "script" {
            let kind = value(element, "type").unwrap_or_default().to_ascii_lowercase();
            if kind.starts_with("math/tex") && !self.has_mathml {
                state.borrow_mut().tex = Some(kind.contains("mode=display"));
                element.remove_and_keep_content();
            } else {
                element.remove();
            }
            return true;
        }
        if attributes::DROPPED.contains(&name) {
            element.remove();
            return true;
        }
        let class = value(element, "class").unwrap_or_default();
        let has = |word: &str| class.split_ascii_whitespace().any(|it| it == word);
        if has("MathJax_Preview") || (self.has_mathml && has("katex-html")) {
            element.remove();
            return true;
        }
        if has("katex-mathml") || has("MJX_Assistive_MathML") {
            element.remove_attribute("class");
        }
        if name == "mjx-assistive-mml" {
            element.remove_and_keep_content();
            return true;
        }
        false
    }

    fn link(&self, element: &mut Element<'_, '_>) {
        for attribute in ["href", "xlink:href"] {
            let Some(href) = value(element, attribute) else { continue };
            if let Some(fragment) = self.fragment(&href) {
                set(element, attribute, &fragment);
                continue;
            }
            let Ok(address) = self.base.join(&href) else {
                let is_harmless = ["mailto:", "tel:"].iter().any(|scheme| href.starts_with(scheme));
                if !is_harmless {
                    element.remove_attribute(attribute);
                }
                continue;
            };
            let fragment =
                href.split_once('#').map(|(_, fragment)| format!("#{fragment}")).unwrap_or_default();
            match self.copies.link(&address) {
                Destination::Copy(ours) => set(element, attribute, &format!("{ours}{fragment}")),
                Destination::Original => {
                    set(element, attribute, &format!("{address}{fragment}"));
                    set(element, "data-onreserve-original", "");
                }
            }
            set(element, "rel", "noopener noreferrer");
        }
    }

    /// A place in this page, if the reference is to one.
    fn fragment(&self, href: &str) -> Option<String> {
        if href.starts_with('#') {
            return Some(href.to_owned());
        }
        let (_, fragment) = href.split_once('#')?;
        (self.base.join(href).ok()? == *self.address).then(|| format!("#{fragment}"))
    }

    /// A `link` element: the sheet or icon that is kept, or nothing.
    fn linked(&self, element: &mut Element<'_, '_>) {
        let role = value(element, "rel").as_deref().and_then(attributes::link_role);
        let href = value(element, "href");
        let kept = role.zip(href).and_then(|(role, href)| self.kept(&href, role));
        match kept {
            Some(kept) => set(element, "href", &kept),
            None => element.remove(),
        }
    }

    fn frame(&self, element: &mut Element<'_, '_>, name: &str) {
        if let Some(srcdoc) = value(element, "srcdoc") {
            let context = Context { address: self.address, content_type: None, copies: self.copies };
            let inner = (self.depth < SRCDOC_DEPTH)
                .then(|| rewrite_nested(&srcdoc, &context, self.depth + 1).ok())
                .flatten();
            element.remove_attribute("src");
            set(element, "srcdoc", &inner.unwrap_or_default());
            return;
        }
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
                element.replace(&missing("A part of this page", address.as_ref()), ContentType::Html);
            }
        }
    }

    /// Puts the addresses of copies where the page loads something.
    fn fill(&self, element: &mut Element<'_, '_>, name: &str) {
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

    fn kept_set(&self, written: &str, role: Role) -> Option<String> {
        let candidates = srcset::parse(written);
        // One is kept, the sharpest: the others show the same.
        let best = srcset::best(&candidates)?;
        self.kept(&best.address, role)
    }

    fn kept(&self, reference: &str, role: Role) -> Option<String> {
        let is_place = reference.is_empty() || reference.starts_with('#') || reference.starts_with("data:");
        let address = self.base.join(reference).ok().filter(|_| !is_place)?;
        self.copies.requisite(&address, role)
    }

    fn background(&self, element: &mut Element<'_, '_>) {
        for attribute in attributes::BACKGROUNDS {
            let Some(written) = value(element, attribute) else { continue };
            let plain = written.trim_start_matches("url(").trim_end_matches(')').trim_matches(['"', '\'']);
            let is_picture = plain.contains('.') || plain.contains('/');
            let Some(kept) = self.kept(plain, Role::Image).filter(|_| is_picture) else { continue };
            let style = value(element, "style").unwrap_or_default();
            let image = css::rewrite("background-image:url(x)", |_, _| Some(kept.clone()));
            set(
                element,
                "style",
                &format!("{image};background-size:contain;background-repeat:no-repeat;{style}"),
            );
        }
    }

    fn sheet(&self, text: &str) -> String {
        css::rewrite(text, |reference, load| {
            if reference.starts_with('#') || reference.starts_with("data:") {
                return Some(reference.to_owned());
            }
            self.kept(reference, load_role(load))
        })
    }

    fn text(&self, chunk: &mut TextChunk<'_>, state: &mut State) {
        let is_style = state.in_style;
        let is_prose = state.verbatim == 0 && chunk.text_type() == TextType::Data && self.formulas.is_some();
        if !is_style && !is_prose && state.tex.is_none() {
            return;
        }
        state.pending.push_str(chunk.as_str());
        if !chunk.last_in_text_node() {
            chunk.remove();
            return;
        }
        let text = std::mem::take(&mut state.pending);
        let made = if let Some(is_display) = state.tex.take() {
            super::maths::mathml(&text, is_display)
                .or_else(|| Some(html_escape::encode_text(&text).into_owned()))
        } else if is_style {
            state.in_style = false;
            // An end tag in a sheet would end it.
            Some(self.sheet(&text).replace("</", "<\\/"))
        } else {
            self.formulas.and_then(|delimiters| formulas::draw(&text, delimiters))
        };
        chunk.replace(made.as_deref().unwrap_or(&text), ContentType::Html);
    }
}

/// A `use` of a drawing in this page stays; one of another file loads nothing.
fn fragment_only(element: &mut Element<'_, '_>) {
    for attribute in ["href", "xlink:href"] {
        if value(element, attribute).is_some_and(|href| !href.starts_with('#')) {
            element.remove_attribute(attribute);
        }
    }
}

/// Remembers elements whose text is not prose until they end.
fn open(element: &mut Element<'_, '_>, name: &str, state: &Rc<RefCell<State>>) {
    if name == "style" {
        state.borrow_mut().in_style = true;
        let state = Rc::clone(state);
        on_end(element, move || state.borrow_mut().in_style = false);
        return;
    }
    if !matches!(name, "pre" | "code" | "kbd" | "samp" | "math" | "svg") {
        return;
    }
    let ending = Rc::clone(state);
    let can_end = on_end(element, move || {
        let mut state = ending.borrow_mut();
        state.verbatim = state.verbatim.saturating_sub(1);
    });
    if can_end {
        state.borrow_mut().verbatim += 1;
    }
}

/// Whether the element can end at all.
fn on_end(element: &mut Element<'_, '_>, then: impl FnOnce() + 'static) -> bool {
    let handler = Box::new(move |_: &mut lol_html::html_content::EndTag<'_>| {
        then();
        Ok(())
    });
    match element.end_tag_handlers() {
        Some(handlers) => {
            handlers.push(handler);
            true
        }
        None => false,
    }
}

/// The charset is ours now; nothing else that stands for a header stays.
fn meta(element: &mut Element<'_, '_>) {
    if element.has_attribute("http-equiv") || element.has_attribute("charset") {
        element.remove();
    }
}

/// A note in the place of something that is not kept.
fn missing(what: &str, original: Option<&Address>) -> String {
    let what = html_escape::encode_text(what);
    let link = original.map_or_else(String::new, |address| {
        let href = html_escape::encode_double_quoted_attribute(address.as_str());
        format!(
            " <a href=\"{href}\" rel=\"noopener noreferrer\" data-onreserve-original=\"\">Open the original</a>"
        )
    });
    format!("<span class=\"onreserve-missing\">{what} is not in this copy.{link}</span>")
}

#[cfg(test)]
mod tests;
