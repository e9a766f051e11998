//! Marks the words of code with classes, for notebooks, Markdown and code files.
//!
//! Only classes are added, so the policy of the page stays, and the colours follow the
//! colour scheme of the reader. Code beyond the bounds is shown without marks.

use synoptic::{Highlighter, TokOpt};

/// The most bytes and lines of a page, and the bytes of a line, that are marked.
const MOST_BYTES: usize = 256 << 10;
const MOST_LINES: usize = 5000;
const LONGEST_LINE: usize = 1000;
/// Stands for a tab, which the highlighter would expand; it is white space of one column.
const TAB: &str = "\u{2003}";

/// The colours of the classes, each with enough contrast on the background of code.
pub(super) const STYLE: &str = ".hl-c{color:#57606a;font-style:italic}.hl-s{color:#0a5c2b}.hl-k{color:#8a1c7c}\
.hl-n{color:#0a4fa3}.hl-f{color:#7a3e00}@media (prefers-color-scheme:dark){.hl-c{color:#9aa4af}\
.hl-s{color:#8ddb8c}.hl-k{color:#e3a2f0}.hl-n{color:#8cc2ff}.hl-f{color:#f2b880}}";

/// Languages by their names in notebooks and Markdown, and by the endings of files.
const LANGUAGES: &[(&str, &[&str])] = &[
    ("py", &["python", "python3", "ipython", "ipython3", "pyw"]),
    ("r", &["ir", "rproj"]),
    ("rs", &["rust"]),
    ("js", &["javascript", "mjs", "jsx"]),
    ("ts", &["typescript", "tsx"]),
    ("c", &["h"]),
    ("cpp", &["c++", "cc", "cxx", "hpp", "cu", "cuda"]),
    ("cs", &["c#", "csharp"]),
    ("java", &[]),
    ("kt", &["kotlin"]),
    ("scala", &[]),
    ("swift", &[]),
    ("go", &["golang"]),
    ("rb", &["ruby"]),
    ("lua", &[]),
    ("php", &[]),
    ("hs", &["haskell"]),
    ("m", &["matlab", "octave"]),
    ("sh", &["bash", "shell", "zsh"]),
    ("sql", &[]),
    ("tex", &["latex", "sty", "bib"]),
    ("json", &[]),
    ("toml", &[]),
    ("yaml", &["yml"]),
    ("css", &[]),
    ("html", &["xml"]),
    ("diff", &["patch"]),
];

/// The endings of files that are shown as code.
const FILES: &[&str] = &[
    "py", "pyw", "r", "rs", "js", "mjs", "ts", "tsx", "c", "h", "cpp", "cc", "cxx", "hpp", "cu", "cs",
    "java", "kt", "scala", "swift", "go", "rb", "lua", "php", "hs", "m", "sh", "bash", "sql", "tex", "sty",
    "bib", "toml", "yaml", "yml", "diff", "patch", "jl",
];

/// The ending of a path, if it is that of a file with code.
pub fn file_ending(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (_, ending) = name.rsplit_once('.')?;
    FILES.iter().any(|known| ending.eq_ignore_ascii_case(known)).then_some(ending)
}

/// Marks the code of one page, within its bounds.
#[derive(Debug)]
pub(super) struct CodeMarker {
    bytes: usize,
    lines: usize,
}

impl CodeMarker {
    pub(super) fn new() -> Self {
        Self { bytes: MOST_BYTES, lines: MOST_LINES }
    }

    /// The code as HTML, with the words marked if the language is known.
    pub(super) fn html(&mut self, source: &str, language: &str) -> String {
        let plain = || html_escape::encode_text(source).into_owned();
        let Some(highlighter) = highlighter(language) else { return plain() };
        let lines: Vec<String> = source.split('\n').map(|line| line.replace('\t', TAB)).collect();
        let fits = source.len() <= self.bytes
            && lines.len() <= self.lines
            && !source.contains(TAB)
            && lines.iter().all(|line| line.len() <= LONGEST_LINE);
        if !fits {
            return plain();
        }
        self.bytes -= source.len();
        self.lines -= lines.len();
        marked(highlighter, &lines).unwrap_or_else(plain)
    }
}

/// `None` if the highlighter has lost or added characters.
fn marked(mut highlighter: Highlighter, lines: &[String]) -> Option<String> {
    highlighter.run(lines);
    let mut out = String::new();
    for (number, line) in lines.iter().enumerate() {
        let words = highlighter.line(number, line);
        if words.iter().map(|word| word.text().as_str()).collect::<String>() != *line {
            return None;
        }
        if number > 0 {
            out.push('\n');
        }
        for (text, class) in with_modules(words) {
            let text = text.replace(TAB, "\t");
            let text = html_escape::encode_text(&text);
            match class {
                Some(class) => out.push_str(&format!("<span class=\"{class}\">{text}</span>")),
                None => out.push_str(&text),
            }
        }
    }
    Some(out)
}

/// The words with their classes. `import` and the module that it names are one phrase, with
/// one mark.
fn with_modules(words: Vec<TokOpt>) -> Vec<(String, Option<&'static str>)> {
    let mut classed: Vec<(String, Option<&'static str>)> = Vec::new();
    for word in words {
        let (mut text, class) = match word {
            TokOpt::Some(text, kind) => (text, class(&kind)),
            TokOpt::None(text) => (text, None),
        };
        if class.is_none()
            && let Some((before, Some(_))) = classed.last_mut()
            && before == "import"
        {
            let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
            let start = text.len() - text.trim_start().len();
            let end = text[start..].find(|c| !is_name(c)).map_or(text.len(), |end| start + end);
            before.push_str(&text[..end]);
            text.drain(..end);
        }
        classed.push((text, class));
    }
    classed.retain(|(text, _)| !text.is_empty());
    classed
}

fn highlighter(language: &str) -> Option<Highlighter> {
    let language = language.trim().to_ascii_lowercase();
    let (ending, _) =
        LANGUAGES.iter().find(|(ending, names)| *ending == language || names.contains(&language.as_str()))?;
    synoptic::from_extension(ending, 1)
}

/// The class for a kind of word. Operators have none.
fn class(kind: &str) -> Option<&'static str> {
    match kind {
        "comment" | "quote" | "deletion" => Some("hl-c"),
        "string" | "character" | "math" | "insertion" => Some("hl-s"),
        "keyword" | "boolean" | "tag" => Some("hl-k"),
        "digit" => Some("hl-n"),
        "function" | "struct" | "attribute" | "namespace" | "macro" | "key" | "header" | "table" => {
            Some("hl-f")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn html(source: &str, language: &str) -> String {
        CodeMarker::new().html(source, language)
    }

    /// The characters of the code, without our marks.
    fn shown(html: &str) -> String {
        let fragment = scraper::Html::parse_fragment(&format!("<pre>\n{html}</pre>"));
        fragment.root_element().text().collect()
    }

    #[test]
    fn words_of_code_are_marked() {
        let code = "def f(x):\n\treturn 'a<b' + str(1)  # why\n";
        let marked = html(code, "Python");
        for part in [
            "<span class=\"hl-k\">def</span>",
            "<span class=\"hl-f\">f</span>",
            "\t<span class=\"hl-k\">return</span>",
            "<span class=\"hl-s\">'a&lt;b'</span>",
            "<span class=\"hl-n\">1</span>",
            "<span class=\"hl-c\"># why</span>",
        ] {
            assert!(marked.contains(part), "{part} in {marked}");
        }
        assert_eq!(shown(&marked), code);
        let imports = html("import numpy as np", "python");
        assert!(imports.starts_with("<span class=\"hl-k\">import numpy</span> "), "{imports}");
        assert_eq!(html("x <- 1", "unknown"), "x &lt;- 1");
    }

    #[test]
    fn every_language_of_the_list_is_marked() {
        for (ending, names) in LANGUAGES {
            for name in names.iter().chain([ending]) {
                let marked = html("\"text\" if else 12 <a> {} [x] // # % -- key: = true\n+new", name);
                assert!(marked.contains("<span"), "{name}: {marked}");
            }
        }
    }

    #[test]
    fn code_beyond_the_bounds_is_shown_without_marks() {
        for code in ["x".repeat(LONGEST_LINE + 1), "x = 1\n".repeat(MOST_LINES), "x\u{2003}= 'a'".to_owned()]
        {
            assert!(!html(&code, "python").contains("<span"));
        }
        let mut page = CodeMarker::new();
        let cell = "x = 'a' # b\n".repeat(400);
        let marked = (0..20).filter(|_| page.html(&cell, "python").contains("<span")).count();
        assert_eq!(marked, 12, "the cells of a notebook share the bounds");
    }

    #[test]
    fn files_of_code_are_known_by_their_endings() {
        assert_eq!(file_ending("/lab/Flow.PY"), Some("PY"));
        assert_eq!(file_ending("/lab.py/notes.txt"), None);
        assert_eq!(file_ending("/lab/py"), None);
    }

    proptest! {
        #[test]
        fn no_code_is_changed_or_becomes_markup(
            source in "(\"{3}|['\"`#/*\\\\{}()<>&$=-]|/\\*|\\*/|<!--|-->|[a-z0-9]{1,4}|[\u{301}\u{65e5}\u{200b}\u{1f469}]| |\t|\n){0,40}",
            language in prop::sample::select(LANGUAGES),
        ) {
            let marked = html(&source, language.0);
            prop_assert_eq!(shown(&marked), source);
            let tags = marked.matches('<').count();
            let ours = marked.matches("<span class=\"hl-").count() + marked.matches("</span>").count();
            prop_assert_eq!(tags, ours);
        }
    }
}
