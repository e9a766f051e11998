//! The file name of a copy: the name given by its host, else the last part of its
//! address, else its title; always with the extension of its format.

mod disposition;

pub use disposition::{attachment, given};

use percent_encoding::percent_decode_str;

use crate::domain::address::Address;

/// The most bytes of a name without its extension; file systems allow 255 in all.
const LONGEST: usize = 150;
/// Names of programs that serve many files from one address.
const HANDLERS: &[&str] = &[
    "download",
    "view",
    "edit",
    "pdf",
    "export",
    "uc",
    "file",
    "files",
    "get",
    "raw",
    "open",
    "document",
    "fulltext",
    "content",
    "blob",
    "attachment",
    "viewcontent",
    "show",
    "index",
    "main",
    "media",
    "bitstream",
];
/// Extensions of programs on a server, never of a document.
const PROGRAMS: &[&str] = &["php", "asp", "aspx", "jsp", "cgi", "cfm", "do", "action", "ashx"];

/// The facts about a copy that its name can be made of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// `Content-Disposition` as sent.
    pub disposition: Option<&'a str>,
    /// The addresses of the redirect chain, the last one first.
    pub addresses: &'a [&'a Address],
    /// The document's own title.
    pub title: Option<&'a str>,
    /// The words of the link.
    pub words: Option<&'a str>,
    /// The extension of the body's format, without the dot.
    pub ending: Option<&'a str>,
}

/// The best name for these facts.
pub fn best(facts: &Facts) -> String {
    let by_host = facts.disposition.and_then(given);
    let name = by_host
        .as_deref()
        .and_then(clean)
        .or_else(|| facts.addresses.iter().find_map(|address| of_address(address, facts.ending)))
        .or_else(|| facts.title.filter(|title| is_title(title)).and_then(clean))
        .or_else(|| facts.words.and_then(clean))
        .or_else(|| facts.addresses.iter().find_map(|address| clean(last_part(address).as_str())))
        .unwrap_or_else(|| "document".to_owned());
    with_ending(&name, facts.ending)
}

/// The name with a number before its extension, so that two readings never have one name.
pub fn numbered(name: &str, number: usize) -> String {
    match split(name) {
        Some((stem, ending)) => format!("{stem} ({number}).{ending}"),
        None => format!("{name} ({number})"),
    }
}

/// The name in its address, unless it is the name of a program.
fn of_address(address: &Address, ending: Option<&str>) -> Option<String> {
    let last = last_part(address);
    let name = clean(&last)?;
    let (stem, has) = split(&name).unwrap_or((&name, ""));
    let is_handler = HANDLERS.contains(&stem.to_ascii_lowercase().as_str());
    let is_program = PROGRAMS.contains(&has.to_ascii_lowercase().as_str());
    let is_of_its_kind = ending.is_none_or(|ending| is_ending_of(has, ending));
    let is_name = !is_handler && !is_program;
    (is_name && ((is_of_its_kind && !has.is_empty()) || is_descriptive(stem))).then_some(name)
}

/// Words that a person may have chosen, or the number of a preprint; no other identifier.
fn is_descriptive(stem: &str) -> bool {
    let letters = stem.chars().filter(|c| c.is_alphabetic()).count();
    let has_digits = stem.bytes().any(|byte| byte.is_ascii_digit());
    let is_identifier = has_digits && stem.len() > 8 && !stem.contains(['-', '_', ' ']);
    (letters >= 3 && !is_identifier) || is_preprint(stem)
}

/// `2101.00001` or `2101.00001v2`.
fn is_preprint(stem: &str) -> bool {
    let Some((month, number)) = stem.split_once('.') else { return false };
    let number = number.split('v').next().unwrap_or(number);
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    month.len() == 4 && is_digits(month) && matches!(number.len(), 4 | 5) && is_digits(number)
}

fn last_part(address: &Address) -> String {
    let last = address.path().rsplit('/').find(|part| !part.is_empty()).unwrap_or_default();
    percent_decode_str(last).decode_utf8_lossy().into_owned()
}

/// Titles that programs put into files and that are useless.
fn is_title(title: &str) -> bool {
    let title = title.trim().to_lowercase();
    let is_name_of_program =
        ["microsoft word - ", "microsoft powerpoint - ", "untitled", "powerpoint presentation"]
            .iter()
            .any(|start| title.starts_with(start));
    title.chars().filter(|c| c.is_alphabetic()).count() >= 3 && !is_name_of_program
}

/// A name that is safe in a header, a shell and every file system, in any script; `None`
/// if nothing is left.
fn clean(name: &str) -> Option<String> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let mut out = String::new();
    for c in name.chars() {
        let c = if c.is_control() || c.is_whitespace() || "<>:\"|?*".contains(c) { ' ' } else { c };
        // Characters that change the direction of a text can hide an extension.
        let is_hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if is_hidden || (c == ' ' && out.ends_with(' ')) {
            continue;
        }
        out.push(c);
    }
    let out = out.trim_matches([' ', '.', '-']);
    let end = match split(out) {
        Some((stem, ending)) if out.len() > LONGEST => {
            return clean(&stem[..stem.floor_char_boundary(LONGEST - ending.len())])
                .map(|stem| format!("{stem}.{ending}"));
        }
        _ => out.floor_char_boundary(LONGEST),
    };
    let out = out[..end].trim_end();
    let is_device = ["con", "prn", "aux", "nul"]
        .contains(&out.split('.').next().unwrap_or(out).to_ascii_lowercase().as_str());
    (!out.is_empty() && !is_device).then(|| out.to_owned())
}

/// Stem and extension, if the extension looks like one.
fn split(name: &str) -> Option<(&str, &str)> {
    let (stem, ending) = name.rsplit_once('.')?;
    let is_ending = (1..=5).contains(&ending.len())
        && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && ending.bytes().any(|byte| byte.is_ascii_alphabetic());
    (is_ending && !stem.is_empty()).then_some((stem, ending))
}

fn with_ending(name: &str, ending: Option<&str>) -> String {
    let Some(ending) = ending else { return name.to_owned() };
    match split(name) {
        Some((_, has)) if is_ending_of(has, ending) => name.to_owned(),
        // An unpacked `four.ps.gz` is not a `.gz`; `s1.slides` lacks its extension.
        Some((stem, has))
            if is_packing(has) && split(stem).is_some_and(|(_, has)| is_ending_of(has, ending)) =>
        {
            stem.to_owned()
        }
        Some((stem, has)) if is_known(has) => format!("{stem}.{ending}"),
        Some(_) | None => format!("{name}.{ending}"),
    }
}

fn is_packing(ending: &str) -> bool {
    matches!(ending.to_ascii_lowercase().as_str(), "gz" | "bz2" | "xz" | "z" | "zst")
}

fn is_known(ending: &str) -> bool {
    let ending = ending.to_ascii_lowercase();
    PROGRAMS.contains(&ending.as_str())
        || ["html", "htm", "pdf", "txt", "bin", "ps", "doc", "docx", "ppt", "pptx", "ipynb"]
            .contains(&ending.as_str())
}

fn is_ending_of(has: &str, ending: &str) -> bool {
    let alike: &[&[&str]] = &[
        &["html", "htm", "xhtml", "xht"],
        &["jpg", "jpeg"],
        &[
            "txt", "md", "csv", "tex", "py", "rst", "log", "json", "bib", "r", "jl", "c", "h", "cpp", "java",
            "m", "js",
        ],
        &["gz", "tgz"],
        &["tif", "tiff"],
        &["zip", "jar", "whl", "npz"],
        &["ps", "eps"],
        &["mp4", "m4v"],
    ];
    let (has, ending) = (has.to_ascii_lowercase(), ending.to_ascii_lowercase());
    has == ending
        || alike.iter().any(|group| group.contains(&has.as_str()) && group.contains(&ending.as_str()))
}

#[cfg(test)]
mod tests;
