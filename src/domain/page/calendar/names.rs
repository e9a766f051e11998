//! The names of months and days in the languages of course pages, from the CLDR.

use std::collections::HashMap;
use std::sync::OnceLock;

use icu_calendar::{Date, Gregorian};
use icu_datetime::FixedCalendarDateTimeFormatter as Formatter;
use icu_datetime::fieldsets::{E, M, MD};
use icu_datetime::options::Length;
use icu_locale_core::Locale;
use jiff::civil::Weekday;

/// A language, by its ISO 639 code.
pub(in crate::domain::page) type LanguageCode = &'static str;

/// The supported languages, with the regions whose names differ.
const LOCALES: &[(LanguageCode, &[&str])] = &[
    ("en", &["en", "en-GB"]),
    ("de", &["de", "de-AT"]),
    ("fr", &["fr", "fr-CA"]),
    ("es", &["es", "es-MX"]),
    ("it", &["it"]),
    ("pt", &["pt", "pt-PT"]),
    ("nl", &["nl"]),
    ("pl", &["pl"]),
    ("ru", &["ru"]),
    ("tr", &["tr"]),
    ("zh", &["zh", "zh-Hant"]),
    ("ja", &["ja"]),
    ("ko", &["ko"]),
    ("ar", &["ar", "ar-LB", "ar-MA"]),
    ("he", &["he"]),
];

/// The meaning of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain::page) enum Named {
    Month(i8),
    Day(Weekday),
}

#[derive(Clone, Copy, Debug)]
struct NameEntry {
    language: LanguageCode,
    named: Named,
    /// A whole name, not an abbreviation.
    is_whole: bool,
}

#[derive(Debug, Default)]
struct NameTable {
    words: HashMap<String, Vec<NameEntry>>,
}

fn table() -> &'static NameTable {
    static TABLE: OnceLock<NameTable> = OnceLock::new();
    TABLE.get_or_init(NameTable::build)
}

impl NameTable {
    fn build() -> Self {
        let mut table = Self::default();
        for (language, locales) in LOCALES {
            for locale in locales.iter().filter_map(|name| name.parse::<Locale>().ok()) {
                table.add_months(language, &locale);
                table.add_days(language, &locale);
            }
        }
        table
    }

    fn add_months(&mut self, language: LanguageCode, locale: &Locale) {
        for length in [Length::Long, Length::Medium] {
            let alone = Formatter::<Gregorian, M>::try_new(locale.into(), M::for_length(length));
            let in_date = Formatter::<Gregorian, MD>::try_new(locale.into(), MD::for_length(length));
            let (Ok(alone), Ok(in_date)) = (alone, in_date) else { continue };
            for month in 1..=12_u8 {
                let Ok(date) = Date::try_new_gregorian(2023, month, 3) else { continue };
                for text in [alone.format(&date).to_string(), in_date.format(&date).to_string()] {
                    let named = Named::Month(month.cast_signed());
                    self.add(&text, NameEntry { language, named, is_whole: length == Length::Long });
                }
            }
        }
    }

    fn add_days(&mut self, language: LanguageCode, locale: &Locale) {
        for length in [Length::Long, Length::Short] {
            let Ok(formatter) = Formatter::<Gregorian, E>::try_new(locale.into(), E::for_length(length))
            else {
                continue;
            };
            for day in 1..=7_u8 {
                // The first of May 2023 was a Monday.
                let Ok(date) = Date::try_new_gregorian(2023, 5, day) else { continue };
                let Ok(weekday) = Weekday::from_monday_one_offset(day.cast_signed()) else { continue };
                let text = formatter.format(&date).to_string();
                let named = Named::Day(weekday);
                self.add(&text, NameEntry { language, named, is_whole: length == Length::Long });
            }
        }
    }

    /// The significant word of a formatted name: "3 de enero", "terça-feira", "יום שלישי".
    fn add(&mut self, text: &str, entry: NameEntry) {
        const BESIDE: &[&str] = &["de", "feira", "יום"];
        let lower = text.to_lowercase();
        let mut words = lower
            .split(|c: char| !(c.is_alphabetic() || matches!(c, '\u{5f3}' | '\'')))
            .filter(|word| !word.is_empty() && !BESIDE.contains(word));
        let Some(word) = words.next() else { return };
        // Digits with the character for "month" are read as such.
        if matches!(word, "月" | "월") {
            return;
        }
        let entries = self.words.entry(word.to_owned()).or_default();
        let is_known = |known: &NameEntry| known.language == entry.language && known.named == entry.named;
        if !entries.iter().any(is_known) {
            entries.push(entry);
        }
    }
}

/// The possible languages of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::domain::page) struct Languages {
    /// In order of preference; English is always included.
    pub(in crate::domain::page) present: Vec<LanguageCode>,
}

impl Languages {
    /// The declared language of the page, and the languages of whole names in its text.
    pub(in crate::domain::page) fn of(declared: Option<&str>, words: impl Iterator<Item = String>) -> Self {
        let mut present = Vec::new();
        let code = declared.and_then(|tag| tag.split(['-', '_']).next()).map(str::to_ascii_lowercase);
        let known = code.and_then(|code| LOCALES.iter().find(|(language, _)| *language == code));
        present.extend(known.map(|(language, _)| *language));
        for word in words {
            let Some(entries) = table().words.get(&word) else { continue };
            let is_english = entries.iter().any(|entry| entry.language == "en");
            let whole: Vec<&NameEntry> = entries.iter().filter(|entry| entry.is_whole).collect();
            if let ([only], false) = (whole.as_slice(), is_english || word.chars().count() < 4)
                && !present.contains(&only.language)
            {
                present.push(only.language);
            }
        }
        Self { present }
    }

    pub(in crate::domain::page) fn add(&mut self, language: &str) {
        let known = LOCALES.iter().find(|(code, _)| *code == language).map(|(code, _)| *code);
        if let Some(code) = known.filter(|code| !self.present.contains(code)) {
            self.present.push(code);
        }
    }

    /// The meaning of a word in lower case, if all possible languages agree.
    pub(in crate::domain::page) fn month(&self, word: &str) -> Option<i8> {
        self.named(word, |named| if let Named::Month(month) = named { Some(month) } else { None })
    }

    pub(in crate::domain::page) fn weekday(&self, word: &str) -> Option<Weekday> {
        let day = self.named(word, |named| if let Named::Day(day) = named { Some(day) } else { None });
        day.or_else(|| shortened(word))
    }

    fn named<T: Copy + PartialEq>(&self, word: &str, wanted: impl Fn(Named) -> Option<T>) -> Option<T> {
        let entries = table().words.get(word)?;
        let of = |language: LanguageCode| {
            entries.iter().filter(|entry| entry.language == language).find_map(|entry| wanted(entry.named))
        };
        if let Some(found) = self.present.iter().chain(&["en"]).find_map(|language| of(language)) {
            return Some(found);
        }
        // A whole name is understood in any language, unless the word has two meanings.
        let mut whole = entries.iter().filter(|entry| entry.is_whole).filter_map(|entry| wanted(entry.named));
        let first = whole.next()?;
        (whole.all(|other| other == first) && word.chars().count() > 3 || !word.is_ascii()).then_some(first)
    }

    /// Whether a date of two numbers begins with the day, as in the first language.
    pub(in crate::domain::page) fn is_day_first(&self, tag: Option<&str>) -> bool {
        let locale = match (tag, self.present.first()) {
            (Some(tag), _) => tag.parse::<Locale>().ok(),
            (None, Some(language)) => language.parse::<Locale>().ok(),
            (None, None) => None,
        };
        let date = Date::try_new_gregorian(2023, 11, 22).ok();
        let written = locale.zip(date).and_then(|(locale, date)| {
            let formatter = Formatter::<Gregorian, MD>::try_new((&locale).into(), MD::short()).ok()?;
            Some(formatter.format(&date).to_string())
        });
        written.is_some_and(|text| text.find("22") < text.find("11"))
    }

    /// Whether dates with dots are written in one of the languages.
    pub(in crate::domain::page) fn write_dots(&self) -> bool {
        self.present.iter().any(|language| matches!(*language, "de" | "pl" | "ru" | "tr" | "he" | "ko"))
    }
}

/// Shorter English forms beside a date: "Tu", "Thurs".
fn shortened(word: &str) -> Option<Weekday> {
    const DAYS: [(&str, Weekday); 7] = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    let found = DAYS.iter().find(|(name, _)| word.len() >= 2 && name.starts_with(word));
    found.map(|(_, day)| *day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_cldr_in_all_languages() {
        let none = Languages::default();
        for (word, month) in [
            ("september", 9),
            ("sept", 9),
            ("sep", 9),
            ("september", 9),
            ("septembre", 9),
            ("septiembre", 9),
            ("settembre", 9),
            ("setembro", 9),
            ("сентября", 9),
            ("сентябрь", 9),
            ("września", 9),
            ("eylül", 9),
            ("سبتمبر", 9),
            ("أيلول", 9),
            ("בספטמבר", 9),
            ("maart", 3),
            ("jänner", 1),
            ("août", 8),
        ] {
            assert_eq!(none.month(word), Some(month), "{word}");
        }
        for (word, day) in [
            ("tuesday", Weekday::Tuesday),
            ("tues", Weekday::Tuesday),
            ("dienstag", Weekday::Tuesday),
            ("mardi", Weekday::Tuesday),
            ("terça", Weekday::Tuesday),
            ("вторник", Weekday::Tuesday),
            ("שלישי", Weekday::Tuesday),
            ("الثلاثاء", Weekday::Tuesday),
        ] {
            assert_eq!(none.weekday(word), Some(day), "{word}");
        }
    }

    #[test]
    fn a_short_name_of_another_language_needs_a_page_in_it() {
        let none = Languages::default();
        assert_eq!((none.month("set"), none.month("out"), none.month("ara")), (None, None, None));
        let portuguese = Languages::of(Some("pt-BR"), std::iter::empty());
        assert_eq!((portuguese.month("set"), portuguese.month("out")), (Some(9), Some(10)));
        let italian = Languages::of(None, ["mercoledì".to_owned()].into_iter());
        assert_eq!(italian.present, ["it"]);
        assert_eq!(italian.month("set"), Some(9));
    }

    #[test]
    fn the_language_says_which_number_is_the_day() {
        let order = |tag| Languages::of(Some(tag), std::iter::empty()).is_day_first(Some(tag));
        assert!(!order("en") && !order("en-US") && order("en-GB") && order("fr") && order("de"));
    }
}
