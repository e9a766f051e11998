//! The names of months and days in the languages of course pages, from the CLDR.

use icu_calendar::{Date, Gregorian};
use icu_datetime::FixedCalendarDateTimeFormatter as Formatter;
use icu_datetime::fieldsets::{E, M, MD};
use icu_datetime::options::Length;
use icu_locale_core::Locale;
use jiff::civil::Weekday;

use super::meaning::{LanguageCode, NameEntry, Named};

/// The supported languages, with the regions whose names differ.
pub(super) const LOCALES: &[(LanguageCode, &[&str])] = &[
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

/// Passes on each name with its language, once.
pub(super) fn each(take: impl FnMut(String, NameEntry)) {
    let mut names = Names { take, known: Vec::new() };
    for (language, locales) in LOCALES {
        names.known.clear();
        for locale in locales.iter().filter_map(|name| name.parse::<Locale>().ok()) {
            names.add_months(language, &locale);
            names.add_days(language, &locale);
        }
    }
}

struct Names<T> {
    take: T,
    /// The names of the language so far.
    known: Vec<(String, Named)>,
}

impl<T: FnMut(String, NameEntry)> Names<T> {
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
        if !self.known.iter().any(|(known, named)| known == word && *named == entry.named) {
            self.known.push((word.to_owned(), entry.named));
            (self.take)(word.to_owned(), entry);
        }
    }
}
