//! What the scripts of some page templates would add: the theme of the page, and the styles
//! of elements that no browser knows.

/// Styles for the elements of Distill articles.
const DISTILL: &str = ":where(d-article,dt-article,d-title,d-appendix,dt-appendix,d-byline){display:block;\
max-width:44rem;margin:0 auto;padding:0 1rem;line-height:1.6;overflow-wrap:anywhere}\
:is(d-code,dt-code)[block]{display:block;white-space:pre-wrap;font-family:monospace;margin:1em 0}\
:is(d-code,dt-code):not([block]){font-family:monospace}\
:is(d-footnote,dt-fn)::before{content:\" (\"}:is(d-footnote,dt-fn)::after{content:\")\"}\
:is(d-footnote,dt-fn){font-size:.85em}:is(d-cite,dt-cite)[key]:empty::after{content:\"[\" attr(key) \"]\"}\
:is(d-math,dt-math)[block]{display:block}d-front-matter,d-bibliography{display:none}";

/// The styles that the elements of a page need.
pub(super) fn style(source: &str) -> &'static str {
    if source.contains("<d-article") || source.contains("<dt-article") { DISTILL } else { "" }
}

/// Whether a script would set the theme of the page. The sheet of such a page has no colours
/// for a page without a theme.
pub(super) fn has_theme(source: &str) -> bool {
    ["dataset.theme", "setAttribute(\"data-theme\"", "setAttribute('data-theme'"]
        .iter()
        .any(|mark| source.contains(mark))
}
