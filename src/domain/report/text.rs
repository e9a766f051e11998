//! A report as plain text: the first part of an email, complete without the HTML.

use crate::domain::report::colour::{Colours, Tone};
use crate::domain::report::compose::ComposedReport;
use crate::domain::report::entry::{ReportEntry, ShownAddress};
use crate::domain::report::section::ReportSection;
use crate::domain::report::wording::sections;

/// The width of an email. Mail programs can quote such lines without breaking them.
pub const COLUMNS: usize = 72;

/// The width of a terminal.
pub const TERMINAL_COLUMNS: usize = 80;

/// The column where the notes of sections without entries start.
const NOTE_COLUMN: usize = 30;

/// The report without its subject. Only an address makes a line longer than [`COLUMNS`].
pub fn render(composed: &ComposedReport) -> String {
    let mut page = TextLayout::new(COLUMNS);
    body(&mut page, composed);
    page.text
}

/// The report between head and foot. `summary` adds its own head and foot.
pub(super) fn body(page: &mut TextLayout, composed: &ComposedReport) {
    page.paragraph(&composed.opening.join(" "));
    let mut number = 1;
    let mut after_line = false;
    for section in &composed.sections {
        let is_line = section.entries.is_empty() && section.unlisted == 0;
        if !(is_line && after_line) {
            page.blank();
        }
        if let Some(note) = section.note.as_ref().filter(|_| is_line) {
            page.labelled(section, note);
        } else {
            page.heading(section);
            for entry in &section.entries {
                page.blank();
                page.entry(number, entry);
                number += 1;
            }
            let unlisted = (section.unlisted > 0).then(|| sections::not_listed(section.unlisted));
            for line in unlisted.iter().chain(&section.note) {
                page.blank();
                page.wrapped("   ", "   ", line);
            }
        }
        page.waiting(section);
        after_line = is_line && section.waiting.is_empty();
    }
    if !composed.closing.is_empty() {
        page.blank();
        page.paragraph(&composed.closing.join(" "));
    }
    for (words, address) in [(sections::ALL_LINKS, &composed.all_links), (sections::STOP, &composed.stop)] {
        if let Some(address) = address {
            page.blank();
            page.paragraph(&format!("{words}:"));
            page.address("", &ShownAddress::Linked(address.clone()));
        }
    }
}

/// A text in lines of 80 columns after `lead`, which indents the lines after the first.
/// Only an address makes a line longer.
pub fn hanging(lead: &str, text: &str) -> String {
    let mut layout = TextLayout::new(TERMINAL_COLUMNS);
    layout.wrapped(lead, &" ".repeat(width(lead)), text);
    layout.text
}

/// The start of a text, with a sign that something is left out if it has more columns.
pub fn shortened(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let (start, _) = cut(text, columns.saturating_sub(1));
    format!("{}…", start.trim_end())
}

pub(super) fn heading(section: &ReportSection) -> String {
    format!("{} ({})", section.name, section.count)
}

/// Builds a text of a given width.
pub(super) struct TextLayout {
    pub(super) text: String,
    columns: usize,
    colours: Colours,
}

impl TextLayout {
    pub(super) fn new(columns: usize) -> Self {
        Self { text: String::new(), columns, colours: Colours::Off }
    }

    /// The width of a terminal, with or without colours.
    pub(super) fn terminal(colours: Colours) -> Self {
        Self { colours, ..Self::new(TERMINAL_COLUMNS) }
    }

    /// A heading on its own line.
    pub(super) fn title(&mut self, text: &str) {
        let start = self.text.len();
        self.wrapped("", "", text);
        self.paint(start, self.text.trim_end().len(), Tone::Heading);
    }

    fn heading(&mut self, section: &ReportSection) {
        let (start, words) = (self.text.len(), heading(section));
        self.wrapped("", "", &words);
        self.paint(start, start + words.len(), section.heading.into());
    }

    /// Colours a part of the text that is laid out already, so that no width includes the colours.
    fn paint(&mut self, start: usize, end: usize, tone: Tone) {
        if let Some(words) = self.text.get(start..end) {
            let painted = self.colours.paint(tone, words);
            self.text.replace_range(start..end, &painted);
        }
    }

    pub(super) fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.wrapped("", "", text);
    }

    fn entry(&mut self, number: usize, entry: &ReportEntry) {
        let lead = format!("{number}. ");
        let indent = " ".repeat(lead.len());
        let deeper = format!("{indent}  ");
        self.wrapped(&lead, &deeper, &entry.title);
        for line in &entry.place {
            self.wrapped(&indent, &deeper, line);
        }
        if let Some(address) = &entry.address {
            self.address(&indent, address);
        }
        for fact in &entry.facts {
            self.wrapped(&indent, &deeper, format!("{}: {}", fact.label, fact.text).trim_end());
            if let Some(address) = &fact.address {
                self.address(&deeper, address);
            }
        }
        if let Some(action) = &entry.action {
            self.wrapped(&indent, &deeper, &format!("{}:", entry.offer));
            self.address(&deeper, &ShownAddress::Linked(action.clone()));
        }
    }

    /// The links that wait for a person, each with its action page.
    fn waiting(&mut self, section: &ReportSection) {
        for waiting in &section.waiting {
            self.wrapped("   - ", "     ", &waiting.name);
            if let Some(action) = &waiting.action {
                self.address("     ", &ShownAddress::Linked(action.clone()));
            }
        }
        if section.more_waiting > 0 {
            self.wrapped("   ", "   ", &sections::not_listed(section.more_waiting));
        }
    }

    /// Writes an address on its own line, unbroken.
    fn address(&mut self, indent: &str, address: &ShownAddress) {
        match address {
            ShownAddress::Linked(text) | ShownAddress::Unlinked(text) => {
                self.text.push_str(indent);
                self.text.push_str(text);
                self.text.push('\n');
            }
            ShownAddress::Described(text) => self.wrapped(indent, indent, text),
        }
    }

    /// "STILL DEAD (3)                oldest since ...", with the second column indented.
    fn labelled(&mut self, section: &ReportSection, text: &str) {
        let (start, label) = (self.text.len(), heading(section));
        let gap = NOTE_COLUMN.saturating_sub(width(&label)).max(2);
        let hanging = " ".repeat(NOTE_COLUMN);
        self.wrapped(&format!("{label}{}", " ".repeat(gap)), &hanging, text);
        self.paint(start, start + label.len(), section.heading.into());
    }

    /// Fills words into lines. A word longer than a line is cut.
    fn wrapped(&mut self, first: &str, rest: &str, text: &str) {
        let mut line = first.to_owned();
        let mut used = width(first);
        let mut is_start = true;
        for word in words(text) {
            let mut word = word;
            if !is_start && used + 1 + width(word) > self.columns {
                self.line(&line);
                (line, used, is_start) = (rest.to_owned(), width(rest), true);
            }
            // `plain` removes "://" from foreign text, so this word is one of our own addresses.
            while used + width(word) > self.columns && !word.contains("://") {
                let (head, tail) = cut(word, self.columns.saturating_sub(used).max(2));
                line.push_str(head);
                self.line(&line);
                (line, used) = (rest.to_owned(), width(rest));
                word = tail;
            }
            if !is_start {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += width(word);
            is_start = false;
        }
        self.line(&line);
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}

/// The words of a line. A number stays with its unit ("6 Oct", "219 KB").
pub(super) fn words(text: &str) -> Vec<&str> {
    const LONGEST_UNIT: usize = 8;
    let mut words = Vec::new();
    let mut rest = text.trim_start_matches(' ');
    while !rest.is_empty() {
        let end = rest.find(' ').unwrap_or(rest.len());
        let is_number =
            rest.get(..end).is_some_and(|word| word.chars().all(|c| c.is_ascii_digit() || c == ','));
        let unit = rest.get(end + 1..).unwrap_or("");
        let unit = unit.find(' ').unwrap_or(unit.len());
        let end = if is_number && unit > 0 && unit <= LONGEST_UNIT { end + 1 + unit } else { end };
        let (word, after) = rest.split_at(end);
        words.push(word);
        rest = after.trim_start_matches(' ');
    }
    words
}

fn cut(word: &str, columns: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in word.char_indices() {
        used += width_of(c);
        if used > columns && at > 0 {
            return word.split_at(at);
        }
    }
    (word, "")
}

/// The columns of a text. Wide East Asian characters and pictographs take two.
pub fn width(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

fn width_of(c: char) -> usize {
    match u32::from(c) {
        0x1100..=0x115F
        | 0x2E80..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1FAFF
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}
