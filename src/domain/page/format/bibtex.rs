//! Bibliographies in BibTeX: each entry is an item with its title and address.

use crate::domain::page::source_map::Made;

pub(in crate::domain::page) fn made(source: &str) -> Made {
    let mut made = Made::new(source);
    made.markup("<ul>", 0);
    let mut from = 0;
    while let Some(at) = source[from..].find('@').map(|at| from + at) {
        from = at + 1;
        let rest = source[from..].trim_start();
        let length = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let kind = rest[..length].to_ascii_lowercase();
        let behind = rest[length..].trim_start();
        let open = source.len() - behind.len();
        let is_entry = length > 0 && behind.starts_with('{');
        if !is_entry || matches!(kind.as_str(), "comment" | "string" | "preamble") {
            continue;
        }
        let end = closing(source, open).unwrap_or(source.len());
        entry(source, open + 1, end, &mut made);
        from = end;
    }
    made.markup("</ul>", source.len());
    made
}

fn entry(source: &str, start: usize, end: usize, made: &mut Made) {
    let fields = fields(source, start, end);
    let field = |name: &str| fields.iter().find(|field| field.name == name);
    let title = field("title").map(|field| plain(&field.value)).unwrap_or_default();
    let addresses = ["url", "doi", "howpublished", "pdf", "link", "note"];
    for field in addresses.iter().filter_map(|name| field(name)) {
        let address = match field.name.as_str() {
            "doi" if !field.value.starts_with("http") => {
                Some(format!("https://doi.org/{}", field.value.trim()))
            }
            _ => address_in(&field.value),
        };
        if let Some(address) = address {
            made.markup("<li>", field.start);
            made.link(&address, &title, field.start);
            made.markup("</li>", field.start);
        }
    }
}

struct Field {
    name: String,
    value: String,
    start: usize,
}

/// `name = {value}`, `name = "value"` and `name = value`.
fn fields(source: &str, start: usize, end: usize) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut at = start;
    while let Some(equals) = source[at..end].find('=').map(|found| at + found) {
        let before = &source[at..equals];
        let name =
            before.rsplit_once([',', '\n']).map_or(before, |(_, name)| name).trim().to_ascii_lowercase();
        let rest = &source[equals + 1..end];
        let value_at = equals + 1 + (rest.len() - rest.trim_start().len());
        let value_end = match source[value_at..end].chars().next() {
            Some('{') => closing(source, value_at).unwrap_or(end).min(end),
            Some('"') => source[value_at + 1..end].find('"').map_or(end, |quote| value_at + 1 + quote),
            _ => source[value_at..end].find([',', '\n']).map_or(end, |comma| value_at + comma),
        };
        let value = source[value_at..value_end].trim_matches(['{', '}', '"', ' ', '\n']).to_owned();
        fields.push(Field { name, value, start: value_at });
        at = value_end.max(equals + 1);
    }
    fields
}

/// The position of the closing brace.
fn closing(source: &str, open: usize) -> Option<usize> {
    let mut depth = 0_u32;
    for (at, c) in source[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(open + at);
                }
            }
            _ => {}
        }
    }
    None
}

fn address_in(value: &str) -> Option<String> {
    let plain = value
        .replace("\\_", "_")
        .replace("\\%", "%")
        .replace("\\&", "&")
        .replace("\\#", "#")
        .replace("\\~{}", "~");
    let start = plain.find("http://").or_else(|| plain.find("https://"))?;
    let end = plain[start..]
        .find(|c: char| c.is_whitespace() || "{}\",".contains(c))
        .map_or(plain.len(), |end| start + end);
    Some(plain[start..end].to_owned())
}

fn plain(value: &str) -> String {
    value.chars().filter(|c| !matches!(c, '{' | '}' | '\\')).collect()
}
