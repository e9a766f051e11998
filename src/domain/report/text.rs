//! The report as plain text: the letter, and the summary on a terminal.

use crate::domain::report::digest::{Digest, Entry, Section};

/// Mail is wrapped here; an address is never broken.
const COLUMNS: usize = 72;

/// The letter, without its subject.
pub fn letter(digest: &Digest) -> String {
    let mut text = String::new();
    paragraph(&mut text, &digest.opening.join(" "), "", "");
    let mut number = 1;
    for section in &digest.sections {
        number = section_text(&mut text, section, number);
    }
    if !digest.counts.is_empty() {
        text.push('\n');
    }
    for count in &digest.counts {
        paragraph(&mut text, count, "", "  ");
    }
    text.push('\n');
    paragraph(&mut text, &digest.foot.join(" "), "", "");
    text
}

/// The same for a terminal, under its subject.
pub fn summary(digest: &Digest) -> String {
    format!("{}\n\n{}", digest.subject, letter(digest))
}

fn section_text(text: &mut String, section: &Section, mut number: usize) -> usize {
    text.push_str(&format!("\n{} ({})\n", section.title, section.entries.len() + section.untold));
    for entry in &section.entries {
        text.push('\n');
        entry_text(text, entry, number);
        number += 1;
    }
    if section.untold > 0 {
        text.push_str(&format!("\n   and {} more: onreserve status\n", section.untold));
    }
    number
}

fn entry_text(text: &mut String, entry: &Entry, number: usize) {
    paragraph(text, &entry.name, &format!("{number}. "), "   ");
    let lines = entry.place.iter().chain(&entry.address).chain(&entry.lines);
    for line in lines {
        paragraph(text, line, "   ", "     ");
    }
}

/// Wraps at spaces; a word longer than a line stands alone on one.
fn paragraph(text: &mut String, words: &str, first: &str, further: &str) {
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in words.split_whitespace() {
        let width = line.chars().count() + usize::from(!is_empty) + word.chars().count();
        if width > COLUMNS && !is_empty {
            text.push_str(line.trim_end());
            text.push('\n');
            further.clone_into(&mut line);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    text.push_str(line.trim_end());
    text.push('\n');
}
