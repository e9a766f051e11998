//! Rewrites a page for readers: without scripts and requests to other hosts, and with
//! links to copies.
//!
//! The content security policy of the page forbids the same things. Here the page is
//! rewritten so that readers miss nothing.

mod loads;
mod page;

use std::cell::RefCell;
use std::rc::Rc;

use lol_html::errors::RewritingError;
use lol_html::html_content::{ContentType, Element, TextChunk, TextType};
use lol_html::{RewriteStrSettings, doc_comments, doc_text, element, rewrite_str};

use super::attributes;
use super::deck::{self, Deck};
use super::formulas::{self, Formulas};
use super::macros::Macros;
use super::maths;
use super::source;
use super::unscripted;
use super::{Copies, Destination};
use crate::domain::address::Address;
use crate::domain::document::html::xhtml;
use page::{PageRewriter, fragment_only, missing, set, value};

/// The deepest nesting of pages in `srcdoc` attributes.
const SRCDOC_DEPTH: u32 = 2;
/// Marks links that lead to originals.
const MARKED: &str = "a[data-onreserve-original]::after{content:\"\\2197\";font-size:.75em;text-decoration:none}\
.onreserve-missing{display:inline-block;border:1px dashed;padding:.25em .5em;font-size:.875em}";

/// `KaTeX` and `MathJax` write each formula twice, and their styles hide the `MathML` and lay out
/// the boxes. Without these styles the boxes are illegible and hidden; drawings are not.
const DRAWN_FORMULAS: &str = ":where(.katex-html .base){display:none}\
:where(mjx-container[jax=SVG] mjx-assistive-mml){position:absolute;clip-path:inset(50%);\
width:1px;height:1px;overflow:hidden}";

/// The context of a rewrite.
#[derive(Clone, Copy)]
pub struct RewriteContext<'a, C> {
    /// The address of the page.
    pub address: &'a Address,
    pub content_type: Option<&'a str>,
    pub copies: &'a C,
}

/// The page for readers. `source` is its decoded text; the result is UTF-8.
///
/// # Errors
///
/// The markup is ambiguous, so a browser may read it in another way.
pub fn rewrite<C: Copies>(source: &str, context: &RewriteContext<C>) -> Result<String, RewritingError> {
    rewrite_nested(source, context, 0)
}

fn rewrite_nested<C: Copies>(
    source: &str,
    context: &RewriteContext<C>,
    depth: u32,
) -> Result<String, RewritingError> {
    let source = xhtml::as_html(source, context.content_type);
    let source = source::without_noscript(&source);
    let base = base(&source, context.address);
    let program = deck::of(&source);
    let source = match program {
        Some(_) => deck::expand(&source, &base, |address| context.copies.text(address)),
        None => source.into_owned(),
    };
    let page = PageRewriter {
        address: context.address,
        base: &base,
        copies: context.copies,
        formulas: Formulas::of(&source),
        has_mathml: source.contains("katex-mathml") || source.contains("MJX_Assistive_MathML"),
        deck: program,
        has_theme: unscripted::has_theme(&source),
        depth,
    };
    let state = Rc::new(RefCell::new(RewriteState::default()));
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
    let style = format!(
        "{MARKED}{DRAWN_FORMULAS}{}{}{}",
        maths::STYLE,
        unscripted::style(&source),
        program.map_or("", Deck::style)
    );
    Ok(if depth == 0 { with_style(&out, &style) } else { out })
}

/// Our style comes first, after the doctype. At the end it would become part of an
/// incomplete tag.
fn with_style(page: &str, style: &str) -> String {
    let page = page.trim_start();
    let has_doctype = page.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype"));
    let end = page.find('>').filter(|_| has_doctype).map_or(0, |end| end + 1);
    let (doctype, rest) = page.split_at(end);
    format!("{doctype}<style>{style}</style>{rest}")
}

/// The base of the relative addresses of a page.
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
    // An ambiguity in the markup before a base was found.
    let _ = rewrite_str(source, settings);
    found.into_inner().unwrap_or_else(|| address.clone())
}

/// The state while a page is read.
#[derive(Default)]
struct RewriteState {
    /// Open elements whose text is not prose.
    verbatim: u32,
    in_style: bool,
    /// A TeX formula that is the text of an element, and whether it is a display formula.
    tex: Option<Tex>,
    /// The text node so far.
    pending: String,
}

/// The element with a formula as its text.
#[derive(Clone, Copy)]
enum Tex {
    /// Its text has no character references.
    Script {
        is_display: bool,
    },
    Element {
        is_display: bool,
    },
}

impl<C: Copies> PageRewriter<'_, C> {
    fn element(&self, element: &mut Element<'_, '_>, state: &Rc<RefCell<RewriteState>>) {
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
            "html" if self.has_theme && !element.has_attribute("data-theme") => {
                set(element, "data-theme", "light");
            }
            "a" | "area" => self.link(element),
            "link" => self.linked(element),
            "meta" => meta(element),
            "iframe" if element.has_attribute("srcdoc") => self.page_inside(element),
            "iframe" | "frame" | "object" | "embed" => self.frame(element, &name),
            "use" => fragment_only(element),
            "input" if value(element, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("password")) => {
                set(element, "disabled", "");
            }
            "audio" => element.replace(&missing("A recording", None), ContentType::Html),
            "image" | "feimage" => self.fill(element, &name),
            _ => {
                // Every element of MathML can be a link, and drawings refer to parts of themselves.
                fragment_only(element);
                self.fill(element, &name);
            }
        }
        if self.deck == Some(Deck::Reveal) {
            self.slide(element, &name);
        }
        self.background(element);
        Self::forget_backgrounds(element);
        self.formula(element, &name, state);
        open(element, &name, state);
    }

    /// An element whose text is a formula for a script.
    fn formula(&self, element: &mut Element<'_, '_>, name: &str, state: &Rc<RefCell<RewriteState>>) {
        let class = value(element, "class").unwrap_or_default();
        let Some(is_display) = formulas::element(name, &class, element.has_attribute("block")) else {
            return;
        };
        if self.formulas.is_none() {
            return;
        }
        state.borrow_mut().tex = Some(Tex::Element { is_display });
        let state = Rc::clone(state);
        on_end(element, move || state.borrow_mut().tex = None);
    }

    /// A page in the `srcdoc` attribute of a frame.
    fn page_inside(&self, element: &mut Element<'_, '_>) {
        let source = value(element, "srcdoc").filter(|_| self.depth < SRCDOC_DEPTH);
        let context = RewriteContext { address: self.address, content_type: None, copies: self.copies };
        let inner = source.and_then(|source| rewrite_nested(&source, &context, self.depth + 1).ok());
        element.remove_attribute("src");
        set(element, "srcdoc", inner.as_deref().unwrap_or(""));
    }

    /// Removes elements, and the drawings of formulas that also exist as `MathML`.
    fn is_left_out(
        &self,
        element: &mut Element<'_, '_>,
        name: &str,
        state: &Rc<RefCell<RewriteState>>,
    ) -> bool {
        if name == "script" {
            let kind = value(element, "type").unwrap_or_default().to_ascii_lowercase();
            if kind.starts_with("math/tex") && !self.has_mathml {
                let is_display = kind.contains("mode=display");
                state.borrow_mut().tex = Some(Tex::Script { is_display });
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
        if has("MathJax_Preview") {
            element.remove();
            return true;
        }
        if has("MJX_Assistive_MathML") {
            element.remove_attribute("class");
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

    fn text(&self, chunk: &mut TextChunk<'_>, state: &mut RewriteState) {
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
        let formulas = self.formulas.as_ref();
        let made = if let Some(tex) = state.tex.take() {
            Some(match tex {
                Tex::Script { is_display } => {
                    let macros = formulas.map(|formulas| &formulas.macros);
                    maths::mathml(&text, is_display, macros.unwrap_or(&Macros::default()))
                        .unwrap_or_else(|| html_escape::encode_text(&text).into_owned())
                }
                Tex::Element { is_display } => {
                    formulas.map_or_else(|| text.clone(), |formulas| formulas.draw_whole(&text, is_display))
                }
            })
        } else if is_style {
            state.in_style = false;
            // An end tag inside a sheet would end the sheet.
            Some(self.sheet(&text).replace("</", "<\\/"))
        } else {
            formulas.and_then(|formulas| formulas.draw(&text))
        };
        chunk.replace(made.as_deref().unwrap_or(&text), ContentType::Html);
    }
}

/// Records elements whose text is not prose until they end.
fn open(element: &mut Element<'_, '_>, name: &str, state: &Rc<RefCell<RewriteState>>) {
    if name == "style" {
        state.borrow_mut().in_style = true;
        let state = Rc::clone(state);
        on_end(element, move || state.borrow_mut().in_style = false);
        return;
    }
    if !matches!(name, "pre" | "code" | "kbd" | "samp" | "math" | "svg" | "mjx-container") {
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

/// Whether the element can have an end tag.
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

/// The charset is UTF-8 now; other elements in place of headers are removed.
fn meta(element: &mut Element<'_, '_>) {
    if element.has_attribute("http-equiv") || element.has_attribute("charset") {
        element.remove();
    }
}

#[cfg(test)]
mod tests;
