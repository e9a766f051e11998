//! The report as one self-contained page: for a browser, and for the mail's HTML part.

use askama::Template;

use crate::domain::report::digest::{Digest, Entry};

/// One column, the reader's own fonts and colours, nothing from elsewhere.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{ digest.subject }}</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 42em; margin: 0 auto; padding: 1em; overflow-wrap: anywhere }
h1 { font-size: 1.3em } h2 { font-size: 1.05em; margin: 1.8em 0 0 }
ol { padding-left: 1.6em } li { margin: 1em 0 } p { margin: .3em 0 }
.foot { margin-top: 2em; font-size: .9em }
</style>
</head>
<body>
<h1>{{ digest.subject }}</h1>
<p>{{ digest.opening.join(" ") }}</p>
{%- for (section, start) in sections %}
<h2>{{ section.title }} ({{ section.entries.len() + section.untold }})</h2>
<ol start="{{ start }}">
{%- for entry in section.entries %}
<li><strong>{{ entry.name }}</strong>
{%- if let Some(place) = entry.place %}<p>{{ place }}</p>{% endif %}
{%- if let Some(address) = entry.address %}<p><a href="{{ address }}" rel="noreferrer">{{ address }}</a></p>{% endif %}
{%- for line in entry.lines %}<p>{{ line }}</p>{% endfor %}</li>
{%- endfor %}
</ol>
{%- if section.untold > 0 %}<p>and {{ section.untold }} more</p>{% endif %}
{%- endfor %}
{%- for count in digest.counts %}
<p>{{ count }}</p>
{%- endfor %}
<p class="foot">{{ digest.foot.join(" ") }}</p>
</body>
</html>
"#
)]
struct Page<'a> {
    digest: &'a Digest,
    /// Each section with the number of its first entry.
    sections: Vec<(&'a crate::domain::report::digest::Section, usize)>,
}

/// The whole page. Everything that came from a page is escaped by the template.
pub fn page(digest: &Digest) -> String {
    let mut number = 1;
    let sections = digest
        .sections
        .iter()
        .map(|section| {
            let start = number;
            number += section.entries.iter().map(|_: &Entry| 1).sum::<usize>();
            (section, start)
        })
        .collect();
    // Rendering into memory fails only if a value's own formatting does, and none here can.
    Page { digest, sections }.render().unwrap_or_default()
}
