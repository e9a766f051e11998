//! Shows a Jupyter notebook as a page: its text, its code, and the output of the code.
//!
//! Every version of nbformat is read. The result is a page like any other, and `html`
//! removes scripts and requests from it.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::code::CodeMarker;
use super::macros::Macros;
use super::markdown;
use super::terminal;
use crate::domain::nbformat::Notebook;

/// Longer output of a cell is cut, with a note.
const LONGEST_OUTPUT: usize = 200_000;

#[derive(Deserialize)]
struct Cell {
    #[serde(default, rename = "cell_type")]
    kind: String,
    /// `input` in nbformat 3, `code` and `text` in nbformat 1.
    #[serde(default, alias = "input", alias = "code", alias = "text")]
    source: Value,
    /// Of the heading cells of nbformat 3.
    level: Option<u8>,
    #[serde(default)]
    outputs: Vec<Map<String, Value>>,
    #[serde(default)]
    attachments: Map<String, Value>,
    #[serde(alias = "prompt_number")]
    execution_count: Option<i64>,
}

/// The page of a notebook; `None` if it is not a notebook.
pub fn page(bytes: &[u8], title: &str) -> Option<String> {
    let notebook: Notebook<Cell> = serde_json::from_slice(bytes).ok()?;
    let language = language(&notebook.metadata);
    let cells = notebook.into_cells();
    if cells.is_empty() {
        return None;
    }
    let mut body = String::new();
    let mut marker = CodeMarker::new();
    let macros = Macros::of(&texts(&cells));
    for cell in &cells {
        match cell.kind.as_str() {
            "code" => code(cell, &language, &mut marker, &mut body),
            "heading" => {
                let level = cell.level.unwrap_or(1).clamp(1, 6);
                let _ =
                    write!(body, "<h{level}>{}</h{level}>", html_escape::encode_text(&text(&cell.source)));
            }
            "markdown" => {
                let source = with_attachments(&text(&cell.source), &cell.attachments);
                let _ = write!(body, "<section>{}</section>", markdown::html_with(&source, &macros));
            }
            _ => {
                let _ = write!(body, "<pre>{}</pre>", html_escape::encode_text(&text(&cell.source)));
            }
        }
    }
    Some(markdown::page(title, &body))
}

/// The texts of all cells: a cell uses the macros of another.
fn texts(cells: &[Cell]) -> String {
    cells.iter().filter(|cell| cell.kind == "markdown").map(|cell| text(&cell.source) + "\n").collect()
}

fn language(metadata: &Value) -> String {
    let at = |path: [&str; 2]| metadata.get(path[0])?.get(path[1])?.as_str().map(str::to_owned);
    at(["language_info", "name"])
        .or_else(|| at(["kernelspec", "language"]))
        .unwrap_or_else(|| "python".to_owned())
}

fn code(cell: &Cell, language: &str, marker: &mut CodeMarker, body: &mut String) {
    let prompt = cell.execution_count.map_or_else(String::new, |count| format!("[{count}]"));
    let source = text(&cell.source);
    if !source.trim().is_empty() {
        let _ = write!(
            body,
            "<div class=\"cell\"><div class=\"prompt\">{prompt}</div><pre class=\"code\" data-language=\"{}\"><code>{}</code></pre></div>",
            html_escape::encode_double_quoted_attribute(language),
            marker.html(&source, language)
        );
    }
    for output in &cell.outputs {
        let shown = shown(output);
        if !shown.is_empty() {
            let _ = write!(body, "<div class=\"output\">{shown}</div>");
        }
    }
}

/// An output in the richest form that needs no script.
fn shown(output: &Map<String, Value>) -> String {
    let kind = output.get("output_type").and_then(Value::as_str).unwrap_or_default();
    match kind {
        "stream" => {
            let stream = ["name", "stream"].iter().find_map(|name| output.get(*name)?.as_str());
            let class = if stream == Some("stderr") { "error" } else { "" };
            preformatted(&text(output.get("text").unwrap_or(&Value::Null)), class)
        }
        "error" | "pyerr" => {
            let trace = output
                .get("traceback")
                .and_then(Value::as_array)
                .map(|lines| lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"));
            preformatted(
                &trace.unwrap_or_else(|| text(output.get("evalue").unwrap_or(&Value::Null))),
                "error",
            )
        }
        // Before nbformat 4 the forms were beside the kind.
        _ => rich(output.get("data").and_then(Value::as_object).unwrap_or(output)),
    }
}

fn rich(data: &Map<String, Value>) -> String {
    let get = |names: [&str; 2]| {
        names.iter().find_map(|name| data.get(*name)).map(text).filter(|it| !it.is_empty())
    };
    if let Some(html) = get(["text/html", "html"]) {
        return html.get(..html.floor_char_boundary(LONGEST_OUTPUT)).map(str::to_owned).unwrap_or(html);
    }
    for (names, kind) in
        [(["image/png", "png"], "png"), (["image/jpeg", "jpeg"], "jpeg"), (["image/gif", "gif"], "gif")]
    {
        if let Some(picture) = get(names) {
            return image(kind, &picture);
        }
    }
    if let Some(drawing) = get(["image/svg+xml", "svg"]) {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(drawing);
        return image("svg+xml", &encoded);
    }
    if let Some(tex) = get(["text/latex", "latex"]) {
        return markdown::html(&tex);
    }
    if let Some(source) = get(["text/markdown", "markdown"]) {
        return markdown::html(&source);
    }
    preformatted(&get(["text/plain", "text"]).unwrap_or_default(), "")
}

/// The longest output that is shown, with its colours.
fn preformatted(text: &str, class: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let end = text.floor_char_boundary(LONGEST_OUTPUT);
    let more = if end < text.len() { "\n… more output is in the file itself" } else { "" };
    format!("<pre class=\"{class}\">{}{more}</pre>", terminal::html(&text[..end]))
}

fn image(kind: &str, base64: &str) -> String {
    let data: String = base64.chars().filter(|c| c.is_ascii_alphanumeric() || "+/=".contains(*c)).collect();
    format!("<img src=\"data:image/{kind};base64,{data}\" alt=\"Output\">")
}

/// A string, or the lines of one.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}

/// Pictures inside a cell (`attachment:name.png`).
fn with_attachments(source: &str, attachments: &Map<String, Value>) -> String {
    let mut source = source.to_owned();
    for (name, forms) in attachments {
        let Some((kind, data)) = forms.as_object().and_then(|forms| forms.iter().next()) else { continue };
        if let Some(data) = data.as_str().filter(|_| kind.starts_with("image/")) {
            let data: String = data.chars().filter(|c| !c.is_whitespace()).collect();
            source = source.replace(&format!("attachment:{name}"), &format!("data:{kind};base64,{data}"));
        }
    }
    source
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_of_the_format_is_shown() {
        let four = br#"{"nbformat":4,"cells":[{"cell_type":"markdown","source":["Hello *there* $x_1$"]},
            {"cell_type":"code","execution_count":3,"source":"import numpy","outputs":[
              {"output_type":"stream","text":["\u001b[31mred\u001b[0m"]},
              {"output_type":"display_data","data":{"image/png":"AAAA\n","text/plain":"<Figure>"}}]}]}"#;
        let page = page(four, "N").unwrap();
        for part in [
            "<em>there</em>",
            "<math",
            "<span class=\"hl-k\">import numpy</span>",
            "[3]",
            "<span class=\"tc1\">red</span>",
            "data:image/png;base64,AAAA\"",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        let three =
            br#"{"nbformat":3,"worksheets":[{"cells":[{"cell_type":"heading","level":2,"source":"Top"},
            {"cell_type":"code","input":"1+1","outputs":[{"output_type":"pyout","text":["2"]}]}]}]}"#;
        let page = super::page(three, "N").unwrap();
        for part in ["<h2>Top</h2>", "1+1", "<pre class=\"\">2</pre>"] {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert_eq!(super::page(b"{\"a\": 1}", "N"), None);
        assert_eq!(super::page(b"not json", "N"), None);
    }

    #[test]
    fn code_and_text_add_no_markup() {
        let hostile = br#"{"cells":[{"cell_type":"code","source":"<script>","outputs":[{"output_type":"stream","text":"<script>"}]},
            {"cell_type":"raw","source":"<script>"}]}"#;
        assert!(!page(hostile, "<script>").unwrap().contains("<script"));
    }
}
