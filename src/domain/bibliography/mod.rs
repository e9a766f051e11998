//! The readings of a course for reference managers: BibTeX, RIS and CSL-JSON.

pub mod bibtex;
pub mod csl;
mod author;
pub mod ris;

use std::collections::HashMap;

use jiff::civil::Date;

use crate::domain::document::Citation;
use crate::domain::document::text::one_line;
use crate::domain::link::Kind;
pub use author::Author;

/// A reading, as a reference manager has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BibliographyEntry {
    /// Unique among the references of a file: letters and digits.
    pub key: String,
    pub kind: Kind,
    pub title: String,
    pub authors: Vec<Author>,
    /// The day of publication, or only its year.
    pub issued: Option<Issued>,
    /// The journal, the proceedings or the book.
    pub container: Option<String>,
    pub doi: Option<String>,
    pub arxiv: Option<String>,
    pub url: String,
    /// The day of our copy, or of the last check.
    pub accessed: Date,
}

/// When a work was published, as far as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issued {
    Year(i16),
    Day(Date),
}

impl Issued {
    /// Reads "2017/06/12", "2017-06-12T…", "2017" and the like.
    pub fn parse(text: &str) -> Option<Self> {
        let numbers: Vec<i16> = text
            .split(|c: char| !c.is_ascii_digit())
            .filter(|part| !part.is_empty())
            .take(3)
            .map_while(|part| part.parse().ok())
            .collect();
        let year = *numbers.first().filter(|year| (1000..=2999).contains(*year))?;
        let day = match numbers.as_slice() {
            [_, month, day] => Date::new(year, i8::try_from(*month).ok()?, i8::try_from(*day).ok()?).ok(),
            _ => None,
        };
        Some(day.map_or(Self::Year(year), Self::Day))
    }

    pub fn year(self) -> i16 {
        match self {
            Self::Year(year) => year,
            Self::Day(day) => day.year(),
        }
    }
}

/// A reading on the course page.
#[derive(Clone, Debug)]
pub struct CitedReading<'a> {
    /// Its words on the course page.
    pub words: String,
    pub kind: Kind,
    pub url: String,
    pub accessed: Date,
    /// The title of our copy.
    pub title: Option<String>,
    /// What our copy or its landing page says of the work.
    pub citation: Option<&'a Citation>,
}

/// The references for readings, each with a key of its own.
pub fn references(readings: &[CitedReading]) -> Vec<BibliographyEntry> {
    let mut entries_by_key: HashMap<String, usize> = HashMap::new();
    let mut references: Vec<BibliographyEntry> = readings.iter().map(reference).collect();
    for reference in &mut references {
        let entries = entries_by_key.entry(reference.key.clone()).or_default();
        *entries += 1;
        if *entries > 1 {
            // Keys have no hyphen of their own.
            reference.key = format!("{}-{entries}", reference.key);
        }
    }
    references
}

fn reference(reading: &CitedReading) -> BibliographyEntry {
    let nothing = Citation::default();
    let citation = reading.citation.unwrap_or(&nothing);
    // A page without authors often has its site in its title.
    let cited = citation.title.clone().filter(|_| !citation.authors.is_empty());
    let title = cited.or_else(|| reading.title.clone());
    let title = one_line(&title.unwrap_or_else(|| reading.words.clone()));
    let authors: Vec<Author> = citation.authors.iter().filter_map(|name| Author::parse(name)).collect();
    let issued = citation.published.as_deref().and_then(Issued::parse);
    BibliographyEntry {
        key: key(&title, &authors, issued),
        kind: reading.kind,
        title,
        authors,
        issued,
        container: citation.container.as_deref().map(one_line),
        doi: citation.doi.as_deref().and_then(doi),
        arxiv: citation.arxiv.clone(),
        url: reading.url.clone(),
        accessed: reading.accessed,
    }
}

/// "vaswani2017attention": the first author, the year and the first long word of the title.
fn key(title: &str, authors: &[Author], issued: Option<Issued>) -> String {
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
    };
    let author = authors.first().map(|author| plain(&author.family)).unwrap_or_default();
    let year = issued.map_or(String::new(), |issued| issued.year().to_string());
    let word = title.split_whitespace().map(plain).find(|word| word.len() > 3).unwrap_or_default();
    let key = format!("{author}{year}{word}");
    if key.is_empty() { "reading".to_owned() } else { key }
}

/// The DOI without its resolver.
fn doi(text: &str) -> Option<String> {
    let at = text.find("10.")?;
    Some(text[at..].trim().to_owned()).filter(|doi| doi.contains('/'))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn example() -> Vec<BibliographyEntry> {
        let paper = Citation {
            title: Some("Attention & {all} 100% you need".to_owned()),
            doi: Some("https://doi.org/10.1/a_b".to_owned()),
            arxiv: Some("1706.03762".to_owned()),
            authors: vec![
                "Vaswani, Ashish".to_owned(),
                "Noam Shazeer".to_owned(),
                "Google\r\nER  - ".to_owned(),
            ],
            published: Some("2017/06/12".to_owned()),
            container: Some("Proceedings of X".to_owned()),
        };
        let reading = |words: &str, citation| CitedReading {
            words: words.to_owned(),
            kind: if words == "Notes" { Kind::Other } else { Kind::Paper },
            url: "https://a.example/1?a=1&b=2".to_owned(),
            accessed: date(2026, 9, 14),
            title: None,
            citation,
        };
        references(&[
            reading("Paper", Some(&paper)),
            reading("Paper again", Some(&paper)),
            reading("Notes", None),
        ])
    }

    #[test]
    fn keys_are_unique() {
        let keys: Vec<String> = example().into_iter().map(|it| it.key).collect();
        assert_eq!(keys, ["vaswani2017attention", "vaswani2017attention-2", "notes"]);
    }

    #[test]
    fn dates_are_read_as_pages_write_them() {
        assert_eq!(Issued::parse("2017/6/12"), Some(Issued::Day(date(2017, 6, 12))));
        assert_eq!(Issued::parse("2017-06-12T10:00:00Z"), Some(Issued::Day(date(2017, 6, 12))));
        assert_eq!(Issued::parse("2017-13-40"), Some(Issued::Year(2017)));
        assert_eq!(Issued::parse("2017"), Some(Issued::Year(2017)));
        assert_eq!(Issued::parse("in June"), None);
    }

    #[test]
    fn each_format() {
        let references = example();
        let texts =
            [bibtex::file(&references), ris::file(&references).replace('\r', ""), csl::file(&references)];
        insta::assert_snapshot!(texts.join("---\n"));
    }
}
