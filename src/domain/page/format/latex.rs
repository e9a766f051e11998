//! LaTeX: sections, items, tables, and the links of hyperref.

use crate::domain::page::source_map::Made;

/// The most commands of a page; a longer source is a book.
const DEPTH_AT_MOST: usize = 200;

pub(in crate::domain::page) fn made(source: &str) -> Made {
    let start = source.find("\\begin{document}").map_or(0, |at| at + "\\begin{document}".len());
    let end = source.find("\\end{document}").unwrap_or(source.len()).max(start);
    let mut reader =
        LatexReader { source, made: Made::new(source), at: start, end, depth: 0, lists: 0, tables: 0 };
    if let Some(title) = source.find("\\title{").map(|at| at + "\\title".len()) {
        reader.at = title;
        let (from, to) = reader.group();
        reader.made.markup("<title>", from);
        reader.made.text(&plain(&source[from..to]), from);
        reader.made.markup("</title>", from);
        reader.at = start;
    }
    reader.read(end);
    reader.made
}

struct LatexReader<'a> {
    source: &'a str,
    made: Made,
    at: usize,
    end: usize,
    depth: usize,
    lists: usize,
    /// Within a table, `&` and `\\` separate cells and rows.
    tables: usize,
}

impl LatexReader<'_> {
    fn read(&mut self, end: usize) {
        self.depth += 1;
        while self.at < end.min(self.end) && self.depth < DEPTH_AT_MOST {
            let rest = &self.source[self.at..end];
            let next = rest.find(['\\', '%', '&', '{', '}', '~', '\n', '$']).unwrap_or(rest.len());
            self.made.text(&rest[..next], self.at);
            self.at += next;
            let Some(c) = self.source[self.at..end].chars().next() else { break };
            match c {
                '\\' => self.command(end),
                '%' => self.at += self.source[self.at..end].find('\n').unwrap_or(end - self.at),
                '&' if self.tables > 0 => {
                    self.made.markup("</td><td>", self.at);
                    self.at += 1;
                }
                '\n' if self.source[self.at + 1..end].starts_with('\n') && self.tables == 0 => {
                    self.made.markup("<p>", self.at);
                    self.at += 2;
                }
                c => {
                    self.made.text(if matches!(c, '{' | '}') { "" } else { " " }, self.at);
                    self.at += c.len_utf8();
                }
            }
        }
        self.at = self.at.max(end.min(self.end));
        self.depth -= 1;
    }

    fn command(&mut self, end: usize) {
        let start = self.at;
        let rest = &self.source[start + 1..end];
        let length = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let name = &rest[..length];
        self.at = start + 1 + length;
        if self.source[self.at..end].starts_with('*') && length > 0 {
            self.at += 1;
        }
        match name {
            "" => self.sign(start, end),
            "href" => self.href(start),
            "url" | "nolinkurl" => {
                let (from, to) = self.group();
                let address = address(&self.source[from..to]);
                if name == "url" {
                    self.made.link(&address, &address, start)
                } else {
                    self.made.text(&address, start)
                }
            }
            "chapter" | "section" => self.heading(1, start),
            "subsection" => self.heading(2, start),
            "subsubsection" => self.heading(3, start),
            "paragraph" => self.heading(4, start),
            "item" => self.made.markup(if self.lists > 0 { "<li>" } else { " " }, start),
            "begin" => self.environment(true, start),
            "end" => self.environment(false, start),
            "textbf" | "emph" | "textit" => {
                let (from, to) = self.group();
                let after = self.at;
                self.made.markup("<b>", start);
                self.at = from;
                self.read(to);
                self.at = after;
                self.made.markup("</b>", start);
            }
            "newcommand" | "renewcommand" | "label" | "ref" | "cite" | "vspace" | "hspace"
            | "includegraphics" | "input" | "setlength" => {
                self.skip_groups();
            }
            "textendash" | "ldots" => self.made.text(" ", start),
            _ => {}
        }
    }

    /// `\\`, `\%` and the like.
    fn sign(&mut self, start: usize, end: usize) {
        let Some(sign) = self.source[self.at..end].chars().next() else { return };
        self.at += sign.len_utf8();
        match sign {
            '\\' if self.tables > 0 => self.made.markup("</td></tr><tr><td>", start),
            '\\' => self.made.markup("<br>", start),
            sign if "%&#_{}$".contains(sign) => self.made.text(&sign.to_string(), start),
            _ => self.made.text(" ", start),
        }
    }

    fn href(&mut self, start: usize) {
        let (from, to) = self.group();
        let address = address(&self.source[from..to]);
        let (from, to) = self.group();
        self.made.link(&address, &plain(&self.source[from..to]), start);
    }

    fn heading(&mut self, level: u8, start: usize) {
        let (from, to) = self.group();
        let after = self.at;
        self.made.markup(&format!("<h{level}>"), start);
        self.at = from;
        self.read(to);
        self.at = after;
        self.made.markup(&format!("</h{level}>"), start);
    }

    fn environment(&mut self, is_begin: bool, start: usize) {
        let (from, to) = self.group();
        let name = self.source[from..to].trim_end_matches('*');
        match (name, is_begin) {
            ("itemize" | "enumerate" | "description", true) => {
                self.lists += 1;
                self.made.markup("<ul>", start);
            }
            ("itemize" | "enumerate" | "description", false) => {
                self.lists = self.lists.saturating_sub(1);
                self.made.markup("</ul>", start);
            }
            ("tabular" | "tabularx" | "longtable" | "tabulary", true) => {
                self.skip_groups();
                self.tables += 1;
                self.made.markup("<table><tr><td>", start);
            }
            ("tabular" | "tabularx" | "longtable" | "tabulary", false) => {
                self.tables = self.tables.saturating_sub(1);
                self.made.markup("</td></tr></table>", start);
            }
            ("verbatim" | "lstlisting" | "comment" | "minted", true) => {
                let close = format!("\\end{{{name}}}");
                self.at = self.source[self.at..self.end]
                    .find(&close)
                    .map_or(self.end, |at| self.at + at + close.len());
            }
            _ => {}
        }
    }

    /// The inner range of the next `{…}`; the position moves to its end.
    fn group(&mut self) -> (usize, usize) {
        let rest = &self.source[self.at..self.end];
        let open = self.at + (rest.len() - rest.trim_start().len());
        if !self.source[open..self.end].starts_with('{') {
            return (self.at, self.at);
        }
        let mut depth = 0_u32;
        let mut is_escaped = false;
        for (at, c) in self.source[open..self.end].char_indices() {
            match c {
                '{' if !is_escaped => depth += 1,
                '}' if !is_escaped => depth = depth.saturating_sub(1),
                _ => {}
            }
            is_escaped = c == '\\' && !is_escaped;
            if depth == 0 {
                self.at = open + at + 1;
                return (open + 1, open + at);
            }
        }
        self.at = self.end;
        (open + 1, self.end)
    }

    fn skip_groups(&mut self) {
        loop {
            let rest = &self.source[self.at..self.end];
            if rest.starts_with('[') {
                self.at += rest.find(']').map_or(rest.len(), |at| at + 1);
            } else if rest.starts_with('{') {
                self.group();
            } else {
                return;
            }
        }
    }
}

fn address(text: &str) -> String {
    let mut plain = text.trim().replace("\\~{}", "~").replace("\\textasciitilde", "~");
    for sign in ["%", "#", "&", "_", "~", "{", "}"] {
        plain = plain.replace(&format!("\\{sign}"), sign);
    }
    plain
}

/// Text without commands.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.peek() {
                Some(next) if next.is_ascii_alphabetic() => {
                    while chars.peek().is_some_and(char::is_ascii_alphabetic) {
                        chars.next();
                    }
                }
                _ => plain.extend(chars.next()),
            },
            '{' | '}' => {}
            '~' => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain
}
