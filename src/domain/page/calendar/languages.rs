//! The languages that a page may be in, and what they call months and days.

use icu_calendar::{Date, Gregorian};
use icu_datetime::FixedCalendarDateTimeFormatter as Formatter;
use icu_datetime::fieldsets::MD;
use icu_locale_core::Locale;
use jiff::civil::Weekday;

use super::day_parts::is_letter_of_a_day;
use super::meaning::{LanguageCode, Meaning, NameEntry, Named};
use super::names::LOCALES;
use super::token::{Token, folded};
use super::vocabulary::{language_of, tokens};

/// The possible languages of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::domain::page) struct Languages {
    /// In order of preference; English is always included.
    pub(in crate::domain::page) present: Vec<LanguageCode>,
}

impl Languages {
    /// The declared language of the page, and the languages of names and words of
    /// calendars in a folded sample of its text.
    pub(in crate::domain::page) fn of(declared: Option<&str>, sample: &str) -> Self {
        let mut languages = Self::default();
        let code = declared.and_then(|tag| tag.split(['-', '_']).next()).map(str::to_ascii_lowercase);
        let known = code.and_then(|code| LOCALES.iter().find(|(language, _)| *language == code));
        languages.present.extend(known.map(|(language, _)| *language));
        let tokens = tokens(sample);
        for token in tokens.iter().filter(|token| !token.meaning.names.is_empty()) {
            let entries = &token.meaning.names;
            let is_short = token.word().is_some_and(|word| word.chars().count() < 4);
            let is_english = entries.iter().any(|entry| entry.language == "en");
            let whole: Vec<&NameEntry> = entries.iter().filter(|entry| entry.is_whole).collect();
            if let ([only], false) = (whole.as_slice(), is_english || is_short) {
                languages.add(only.language);
            }
        }
        for token in &tokens {
            for wanted in [Meaning::Week, Meaning::Deadline, Meaning::ColumnDate] {
                if let Some(language) = language_of(token.meaning, wanted) {
                    languages.add(language);
                }
            }
        }
        languages
    }

    pub(in crate::domain::page) fn add(&mut self, language: &str) {
        let known = LOCALES.iter().find(|(code, _)| *code == language).map(|(code, _)| *code);
        if let Some(code) = known.filter(|code| !self.present.contains(code)) {
            self.present.push(code);
        }
    }

    /// The meaning of a word in lower case, if all possible languages agree.
    pub(super) fn month(&self, token: &Token) -> Option<i8> {
        self.named(token, |named| if let Named::Month(month) = named { Some(month) } else { None })
    }

    pub(super) fn weekday(&self, token: &Token) -> Option<Weekday> {
        let day = self.named(token, |named| if let Named::Day(day) = named { Some(day) } else { None });
        day.or_else(|| token.word().and_then(shortened))
    }

    /// The day that a text of one word names.
    pub(in crate::domain::page) fn only_weekday(&self, text: &str) -> Option<Weekday> {
        let folded = folded(text);
        let tokens = tokens(&folded);
        let mut words = tokens.iter().filter(|token| token.word().is_some());
        let (only, None) = (words.next()?, words.next()) else { return None };
        self.weekday(only)
    }

    fn named<T: Copy + PartialEq>(&self, token: &Token, wanted: impl Fn(Named) -> Option<T>) -> Option<T> {
        let (word, entries) = (token.word()?, &token.meaning.names);
        if entries.is_empty() {
            return None;
        }
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
    // Most words begin with another letter.
    if word.len() < 2 || !matches!(word.as_bytes()[0], b'm' | b't' | b'w' | b'f' | b's') {
        return None;
    }
    let found = DAYS.iter().find(|(name, _)| name.starts_with(word));
    found.map(|(_, day)| *day)
}

/// Whether a date can begin at a place. Most words are no names, and most numbers stand alone.
pub(super) fn may_begin_date(tokens: &[Token], at: usize) -> bool {
    let token = &tokens[at];
    let is_name =
        |word| !token.meaning.names.is_empty() || is_letter_of_a_day(word) || shortened(word).is_some();
    match token.number() {
        Some(_) => tokens.get(at + 1).is_some_and(|next| !next.is_marker()),
        None => token.word().is_some_and(is_name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(languages: &Languages, word: &str) -> Option<i8> {
        languages.month(&tokens(word)[0])
    }

    #[test]
    fn dates_begin_with_names_of_days_and_months_and_with_numbers() {
        let begins = |text: &str| may_begin_date(&tokens(text), 0);
        for text in ["thurs 9/8", "thursda 9/8", "th 9/8", "september 8", "9/8", "8 september"] {
            assert!(begins(text), "{text}");
        }
        for text in ["paper 9/8", "/8", "8", "8\u{2}"] {
            assert!(!begins(text), "{text}");
        }
    }

    #[test]
    fn names_come_from_the_cldr_in_all_languages() {
        let none = Languages::default();
        for (word, number) in [
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
            assert_eq!(month(&none, word), Some(number), "{word}");
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
            assert_eq!(none.only_weekday(word), Some(day), "{word}");
        }
    }

    #[test]
    fn a_short_name_of_another_language_needs_a_page_in_it() {
        let none = Languages::default();
        assert_eq!((month(&none, "set"), month(&none, "out"), month(&none, "ara")), (None, None, None));
        let portuguese = Languages::of(Some("pt-BR"), "");
        assert_eq!((month(&portuguese, "set"), month(&portuguese, "out")), (Some(9), Some(10)));
        let italian = Languages::of(None, "mercoledì");
        assert_eq!(italian.present, ["it"]);
        assert_eq!(month(&italian, "set"), Some(9));
    }

    #[test]
    fn the_language_says_which_number_is_the_day() {
        let order = |tag| Languages::of(Some(tag), "").is_day_first(Some(tag));
        assert!(!order("en") && !order("en-US") && order("en-GB") && order("fr") && order("de"));
    }
}
