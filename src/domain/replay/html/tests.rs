use super::*;
use crate::domain::replay::RequisiteRole;
use crate::domain::replay::requisites::{self, Requisite};
use proptest::prelude::*;

/// Has a copy of every address at `https://lab.edu/`, and of no other.
struct All;

impl Copies for All {
    fn requisite(&self, address: &Address, _: RequisiteRole) -> Option<String> {
        (address.host() == "lab.edu").then(|| format!("/r{}", address.path()))
    }

    fn link(&self, address: &Address) -> Destination {
        if address.path().starts_with("/kept") {
            Destination::Copy(format!("/copy{}", address.path()))
        } else {
            Destination::Original
        }
    }

    fn text(&self, address: &Address) -> Option<String> {
        (address.path() == "/a/part.md").then(|| "# External".to_owned())
    }
}

fn at() -> Address {
    Address::parse("https://lab.edu/a/page.html").unwrap()
}

fn rewritten(source: &str) -> String {
    let address = at();
    let out =
        rewrite(source, &RewriteContext { address: &address, content_type: None, copies: &All }).unwrap();
    let (start, rest) = out.split_once("<style>a[data-onreserve-original]").unwrap();
    format!("{start}{}", rest.split_once("</style>").unwrap().1)
}

fn needed(source: &str) -> Vec<(String, RequisiteRole)> {
    let found = requisites::of_page(source, &at(), None, |_| None);
    found.into_iter().map(|Requisite { address, role }| (address.as_str().to_owned(), role)).collect()
}

#[test]
fn everything_that_runs_or_sends_is_removed() {
    let hostile = [
        "<script>alert(1)</script>",
        "<script src=x.js></script>",
        "<img src=x.png onerror=alert(1)>",
        "<body onload=alert(1)>",
        "<a href='java&#115;cript:alert(1)'>x</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
        "<svg><script>alert(1)</script><a xlink:href='javascript:alert(1)'>x</a></svg>",
        "<svg><set attributeName=href to='javascript:alert(1)'></set></svg>",
        "<iframe srcdoc='&lt;script&gt;alert(1)&lt;/script&gt;'></iframe>",
        "<iframe src='javascript:alert(1)'></iframe>",
        "<object data='javascript:alert(1)'></object>",
        "<embed src='data:text/html,<script>alert(1)</script>'>",
        "<form action='https://evil.example/'><button formaction='javascript:alert(1)'>x</button></form>",
        "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
        "<base href='https://evil.example/'>",
        "<link rel=preload href='https://evil.example/x'>",
        "<noscript><script>alert(1)</script></noscript>",
        "<!--[if IE]><script>alert(1)</script><![endif]-->",
    ];
    for source in hostile {
        let out = rewritten(source).to_lowercase();
        for mark in ["alert(1)", "javascript:", "evil.example", "http-equiv", "<base"] {
            assert!(!out.contains(mark), "{source} became {out}");
        }
    }
}

#[test]
fn a_page_loads_its_requisites_from_this_service() {
    let out = rewritten(
        r##"<link rel=stylesheet href="/s/main.css"><style>@import "x.css";p{background:url(b.png)}</style>
        <p style="background:url('c.png')"><img src="d.png"><img srcset="e1.png 1x, e2.png 2x" src="e.png">
        <img data-src="f.png" src="data:image/gif;base64,AAAA"><picture><source srcset="g.png"></picture>
        <iframe src="h.html"></iframe><video poster="i.png" src="j.mp4"><track src="k.vtt"></video>
        <svg><image href="l.png"/><use href="#m"/></svg><img src="https://other.org/n.png" alt="A graph">"##,
    );
    for kept in [
        "/r/s/main.css",
        "/r/a/x.css",
        "/r/a/b.png",
        "/r/a/c.png",
        "/r/a/d.png",
        "/r/a/e2.png",
        "/r/a/e.png",
        "src=\"/r/a/f.png\"",
        "/r/a/g.png",
        "/r/a/h.html",
        "/r/a/i.png",
        "/r/a/k.vtt",
        "/r/a/l.png",
        "#m",
    ] {
        assert!(out.contains(kept), "{kept} in {out}");
    }
    for gone in ["j.mp4", "other.org", "e1.png", "data:image/gif"] {
        assert!(!out.contains(gone), "{gone} in {out}");
    }
    assert!(out.contains("The picture “A graph” is not in this copy."), "{out}");
}

#[test]
fn a_slide_is_covered_by_its_picture() {
    let out = rewritten(
        "<section data-background='img/one.png'></section><section data-background-image=two.jpg style='color:red'></section>\
         <section data-background='#fff'></section><section data-background='linear-gradient(.5turn,red,blue)'></section>",
    );
    for shown in ["/r/a/img/one.png", "/r/a/two.jpg", "color:red"] {
        assert!(out.contains(shown), "{shown} in {out}");
    }
    assert_eq!(out.matches("background-size:cover").count(), 2, "{out}");
    assert_eq!(out.matches("style=").count(), 2, "{out}");
}

#[test]
fn requisites_are_found_in_order_of_importance() {
    let found = needed(
        r#"<link rel=icon href=i.ico><img src=a.png><link rel=stylesheet href=m.css><base href="/b/">
        <iframe src=f.html></iframe><div class=reveal><div class=slides><section data-markdown=part.md>"#,
    );
    let at = |path: &str, role| (format!("https://lab.edu/b/{path}"), role);
    assert_eq!(
        found,
        [
            at("m.css", RequisiteRole::Sheet),
            at("f.html", RequisiteRole::Frame),
            at("part.md", RequisiteRole::Text),
            at("a.png", RequisiteRole::Image),
            at("i.ico", RequisiteRole::Icon)
        ]
    );
}

#[test]
fn links_lead_to_copies_or_to_marked_originals() {
    let out = rewritten(
        r##"<a href="#x">1</a><a href="/a/page.html#y">2</a><a href="/kept/p.html#z" target=_blank>3</a>
        <a href="part2.html?a=1&amp;b=2">4</a><a href="mailto:a@b.edu">5</a>"##,
    );
    assert!(out.contains(r##"<a href="#x">1"##) && out.contains(r##"<a href="#y">2"##), "{out}");
    assert!(out.contains(r#"href="/copy/kept/p.html#z" target=_blank rel="noopener noreferrer">3"#), "{out}");
    assert!(out.contains(r#"href="https://lab.edu/a/part2.html?a=1&amp;b=2""#), "{out}");
    assert!(out.contains("data-onreserve-original") && out.contains("mailto:a@b.edu"), "{out}");
}

#[test]
fn formulas_are_drawn_once() {
    let out = rewritten(r"<script src=mathjax.js></script><p>So \(x &lt; y\) and <code>\(z\)</code></p>");
    assert!(out.contains("<math") && out.contains(r"<code>\(z\)</code>"), "{out}");
    // The sheet of KaTeX hides the `MathML`; without it, our style hides the boxes.
    let katex = "<span class=katex><span class=katex-mathml><math><mi>x</mi></math></span>\
                 <span class=katex-html><span class=base>x</span></span></span>";
    assert_eq!(rewritten(katex), katex);
    let mathjax = "<mjx-container jax=SVG><svg></svg><mjx-assistive-mml><math></math></mjx-assistive-mml></mjx-container>";
    assert_eq!(rewritten(mathjax), mathjax);
    for formula in [".katex-html .base", "mjx-container[jax=SVG] mjx-assistive-mml"] {
        assert!(DRAWN_FORMULAS.contains(&format!(":where({formula})")));
    }
    let old = rewritten("<script type='math/tex; mode=display'>x^2 < 3</script>");
    assert!(old.contains("<math") && old.contains("display=\"block\""), "{old}");
    assert_eq!(rewritten("<p>It costs $5 and $6.</p>"), "<p>It costs $5 and $6.</p>");
}

#[test]
fn formulas_without_delimiters_are_drawn_with_the_macros_of_the_page() {
    let out = rewritten(
        r#"<script src=katex.min.js></script><script>options = {macros: {"\\RR": "\\mathbb{R}"}}</script>
        <p>\[\newcommand{\half}{\tfrac12}\]</p><span class="math inline">x \in \RR &lt; \half</span>
        <span class="math display">E = mc^2</span><d-math block="">a_1</d-math> <b>prose</b>
        <span class="math inline">\(b\)</span>"#,
    );
    assert_eq!(out.matches("<math").count(), 4, "{out}");
    assert_eq!(out.matches("display=\"block\"").count(), 2, "{out}");
    assert!(out.contains("\u{211d}") && out.contains("<b>prose</b>") && !out.contains('\\'), "{out}");
}

#[test]
fn a_deck_is_shown_slide_after_slide() {
    let address = at();
    let source = "<div class=reveal><div class=slides><section data-markdown=part.md></section></div></div>";
    let out =
        rewrite(source, &RewriteContext { address: &address, content_type: None, copies: &All }).unwrap();
    assert!(
        out.contains("<h1>External</h1>") && out.contains(".reveal .slides section{position:static"),
        "{out}"
    );
}

#[test]
fn xhtml_does_not_end_at_its_first_script() {
    let out = rewritten(
        "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><script src='x.js' /><p>words</p></html>",
    );
    assert!(out.contains("<p>words</p>"), "{out}");
}

proptest! {
    #[test]
    fn no_page_has_an_event_handler_or_a_script(
        source in "(<[a-z]{1,6}( (on[a-z]{3,6}|src|href|style)=[\"']?[a-z:(/1)]{0,12}[\"']?)*>|</?(script|style|svg|math|title|textarea|noscript|template|select|table)>|<!--|-->|[a-z ]){0,12}"
    ) {
        let address = at();
        let Ok(out) = rewrite(&source, &RewriteContext { address: &address, content_type: None, copies: &All }) else {
            return Ok(());
        };
        let tree = scraper::Html::parse_document(&out);
        for element in tree.tree.nodes().filter_map(scraper::ElementRef::wrap) {
            prop_assert!(element.value().name() != "script", "{out}");
            let runs = element.value().attrs().any(|(name, value)| name.starts_with("on") || value.contains("javascript:"));
            prop_assert!(!runs, "{out}");
        }
    }
}
