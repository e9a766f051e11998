//! Finds dates in a text, as people write them. `settle` decides which day of which year
//! is meant.

use jiff::civil::Weekday;

use super::day_parts::{
    DateForm, OF, ORDINALS, TO, Written, is_cjk, is_letter_of_a_day, known, sign_of_a_day, small, year,
    year_in_short,
};
use super::languages::{Languages, may_begin_date};
use super::token::{Token, folded};
use super::vocabulary::{counts_before, tokens};

/// A date in a text, by tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domain::page) struct DateExpr {
    /// The first token, including a weekday before the date.
    pub(super) start: usize,
    /// The position after its last token. A range, a weekday and a time of day belong to the date.
    pub(super) end: usize,
    pub(in crate::domain::page) written: Written,
    pub(in crate::domain::page) year: Option<i16>,
    pub(in crate::domain::page) weekday: Option<Weekday>,
    pub(super) form: DateForm,
}

/// All dates of a text, in order.
pub(super) fn find(tokens: &[Token], languages: &Languages) -> Vec<DateExpr> {
    let mut found = Vec::new();
    if !tokens.iter().any(|token| token.number().is_some()) {
        return found;
    }
    let scan = Scan { tokens, languages };
    let mut at = 0;
    while at < tokens.len() {
        match may_begin_date(tokens, at).then(|| scan.date(at)).flatten() {
            Some(expr) => {
                at = expr.end.max(at + 1);
                found.push(expr);
            }
            None => at += 1,
        }
    }
    found
}

/// All dates of a text that is not parsed otherwise.
pub(in crate::domain::page) fn dates(text: &str, languages: &Languages) -> Vec<DateExpr> {
    let folded = folded(text);
    find(&tokens(&folded), languages)
}

/// A date without the tokens around it.
struct Core {
    end: usize,
    written: Written,
    year: Option<i16>,
    form: DateForm,
}

struct Scan<'a> {
    tokens: &'a [Token<'a>],
    languages: &'a Languages,
}

impl Scan<'_> {
    fn date(&self, start: usize) -> Option<DateExpr> {
        let mut at = start;
        let mut weekday = None;
        if let Some(word) = self.word(at) {
            weekday = self.weekday(at);
            if weekday.is_some() || is_letter_of_a_day(word) {
                at += 1;
                while self.sign_in(at, ".,():;") || self.is_marker(at) {
                    at += 1;
                }
                if let (Some(_), true) = (self.word(at), self.core(at).is_none()) {
                    at = self.past_words_of_a_day(at);
                }
            }
        }
        let core = self.core(at).or_else(|| {
            // "mar 8" may be a month if no date follows a weekday.
            at = start;
            weekday = None;
            self.core(at)
        })?;
        let end = self.past_range(core.end, &core);
        let (end, behind) = self.past_weekday(end);
        let end = self.past_time(end);
        Some(DateExpr {
            start,
            end,
            written: core.written,
            year: core.year.or_else(|| self.year_of_range(core.end, end)),
            weekday: weekday.or(behind),
            form: if weekday.or(behind).is_some() { DateForm::Sure } else { core.form },
        })
    }

    /// "曜日" after the character of a day, "den" after a German day.
    fn past_words_of_a_day(&self, mut at: usize) -> usize {
        while self
            .word(at)
            .is_some_and(|word| matches!(word, "曜" | "日" | "den" | "the" | "期" | "feira" | "le"))
        {
            at += 1;
            while self.sign_in(at, ",)") {
                at += 1;
            }
        }
        at
    }

    fn core(&self, at: usize) -> Option<Core> {
        if self.word(at).is_some() {
            return self.month_first(at);
        }
        let (value, digits) = self.tokens.get(at)?.number()?;
        if self.continues_a_number(at) {
            return None;
        }
        if digits == 4 {
            return self.year_first(at, value);
        }
        self.ideographs(at, value)
            .or_else(|| self.day_first(at, value))
            .or_else(|| self.dotted(at, value))
            .or_else(|| self.slashed(at, value))
    }

    /// "Week7", "v3", "1.2": a date does not begin within another word or number.
    fn continues_a_number(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1).filter(|_| self.tokens[at].is_glued) else { return false };
        let token = &self.tokens[before];
        token.word().is_some_and(|word| word.chars().all(char::is_alphanumeric) && !word.ends_with(is_cjk))
            || (token.is_sign("/.-–")
                && before > 0
                && self.tokens[before].is_glued
                && self.tokens[before - 1].number().is_some())
    }

    /// `2026-09-08`, `2026/09/08`, `2026.9.8`, `2026年9月8日`.
    fn year_first(&self, at: usize, value: u32) -> Option<Core> {
        let year = year(value, 4)?;
        if let Some(word) = self.word(at + 1).filter(|word| matches!(*word, "年" | "년")) {
            debug_assert!(!word.is_empty());
            let (month, _) = self.number(at + 2)?;
            return self.ideographs(at + 2, month).map(|core| Core { year: Some(year), ..core });
        }
        let sign = self.tokens.get(at + 1)?.sign().filter(|sign| "-/.".contains(*sign))?;
        let (month, _) = self.number(at + 2)?;
        if self.tokens.get(at + 3)?.sign() != Some(sign) {
            return None;
        }
        let (day, _) = self.number(at + 4)?;
        Some(Core { end: at + 5, written: known(month, day)?, year: Some(year), form: DateForm::Sure })
    }

    /// `9月8日`, `9월 8일`.
    fn ideographs(&self, at: usize, value: u32) -> Option<Core> {
        self.word(at + 1).filter(|word| matches!(*word, "月" | "월"))?;
        let (day, _) = self.number(at + 2)?;
        let ends = self.word(at + 3).is_some_and(|word| word.starts_with(['日', '号', '號', '일']));
        Some(Core {
            end: at + 3 + usize::from(ends),
            written: known(value, day)?,
            year: None,
            form: DateForm::Sure,
        })
    }

    /// `8 Sep`, `8th of September`, `8-Sep-26`, `8.–10. September`.
    fn day_first(&self, at: usize, day: u32) -> Option<Core> {
        let mut next = self.past_ordinal(at + 1);
        let mut named = self.month_after(next);
        if named.is_none() && !counts_before(self.tokens, at) {
            // The days of a range or pair share the month. "Lecture 1 — 3 September" is no range.
            let (behind, _) = self.second_day(next)?;
            next = behind;
            named = self.month_after(next);
        }
        let (end, month) = named?;
        let has_word_before =
            at > 0 && self.weekday(at - 1).is_none() && self.word(at - 1).is_some_and(|word| word.len() > 1)
                || (at > 1 && self.sign_in(at - 1, "#"));
        let is_day_of_next = self.number(end).is_some_and(|(value, digits)| digits <= 2 && value <= 31);
        if has_word_before && is_day_of_next {
            // "Week 7 Sep 8"
            return None;
        }
        let (end, year) = self.past_year(end);
        Some(Core { end, written: known(month, day)?, year, form: DateForm::Sure })
    }

    /// A month by name at a place, and where it ends.
    fn month_after(&self, mut at: usize) -> Option<(usize, u32)> {
        if self.sign_in(at, "-–") {
            at += 1;
        }
        while self.word(at).is_some_and(|word| OF.contains(&word)) || self.sign_in(at, "'’") {
            at += 1;
        }
        let month = self.month(at)?;
        let end = at + 1 + usize::from(self.sign_in(at + 1, "."));
        Some((end, u32::try_from(month).ok()?))
    }

    /// `Sep 8`, `Sept. 8th, 2026`, `Sep-8`.
    fn month_first(&self, at: usize) -> Option<Core> {
        let month = u32::try_from(self.month(at)?).ok()?;
        let mut next = at + 1;
        while self.sign_in(next, ".-–") || self.word(next) == Some("the") {
            next += 1;
        }
        let (day, digits) = self.number(next)?;
        let end = self.past_ordinal(next + 1);
        let is_time = self.sign_in(end, ":")
            && self.number(end + 1).is_some_and(|(_, digits)| digits == 2)
            && self.tokens[end + 1].is_glued;
        if digits > 2 || is_time {
            return None;
        }
        let (end, year) = self.past_year(end);
        Some(Core { end, written: known(month, day)?, year, form: DateForm::Sure })
    }

    /// `8.9.`, `08.09.2026`, `8.9.26`, and `5.–9.10.`.
    fn dotted(&self, at: usize, day: u32) -> Option<Core> {
        if !self.sign_in(at + 1, ".") || !self.tokens[at + 1].is_glued {
            return None;
        }
        let is_range = self.sign_in(at + 2, "-–/");
        let mut next = at + 2;
        if is_range {
            let dots = self.number(at + 3).is_some() && self.sign_in(at + 4, ".");
            next = if dots { at + 5 } else { return None };
        }
        let (month, _) = self.number(next)?;
        let end = next + 1;
        if !self.sign_in(end, ".") || !self.tokens[next].is_glued {
            return None;
        }
        let year = self.number(end + 1).filter(|_| self.tokens[end + 1].is_glued);
        let year = year.and_then(|(value, digits)| year_in_short(value, digits));
        let end = end + 1 + usize::from(year.is_some());
        let is_padded = |at: usize| self.number(at).is_some_and(|(value, digits)| digits == 2 && value < 10);
        let is_sure = year.is_some() || is_padded(at) || is_padded(next);
        let form = if is_sure { DateForm::Sure } else { DateForm::Dotted };
        Some(Core { end, written: known(month, day)?, year, form })
    }

    /// `9/8`, `9/8/26`, `08-09-2026`.
    fn slashed(&self, at: usize, first: u32) -> Option<Core> {
        let sign = self.tokens.get(at + 1)?.sign().filter(|sign| "/-".contains(*sign))?;
        let (second, digits) = self.number(at + 2)?;
        if digits > 2 || !self.tokens[at + 1].is_glued || !self.tokens[at + 2].is_glued {
            return None;
        }
        let pair = Written::Pair(small(first, 31)?, small(second, 31)?);
        let has_third =
            self.tokens.get(at + 3).and_then(Token::sign) == Some(sign) && self.tokens[at + 3].is_glued;
        let year = if has_third { self.number(at + 4) } else { None };
        let year = year.and_then(|(value, digits)| year_in_short(value, digits));
        match (year, sign) {
            (None, '-') => None,
            (None, _) if has_third && self.number(at + 4).is_some() => None,
            (None, _) => Some(Core { end: at + 3, written: pair, year, form: DateForm::Slashed }),
            (Some(_), _) => Some(Core { end: at + 5, written: pair, year, form: DateForm::Sure }),
        }
    }

    fn past_ordinal(&self, at: usize) -> usize {
        let is_ordinal =
            self.word(at).is_some_and(|word| ORDINALS.contains(&word)) && self.tokens[at].is_glued;
        at + usize::from(is_ordinal || self.sign_in(at, ".º°"))
    }

    /// `- 11`, `& 10th`, `to 12`: the second day, and its end.
    fn second_day(&self, at: usize) -> Option<(usize, u32)> {
        let joins = self.sign_in(at, "-–—/&,+") || self.word(at).is_some_and(|word| TO.contains(&word));
        let (value, digits) = self.number(at + 1).filter(|_| joins)?;
        let is_time =
            self.sign_in(at + 2, ":h") || self.word(at + 2).is_some_and(|word| matches!(word, "am" | "pm"));
        (digits <= 2 && (1..=31).contains(&value) && !is_time).then(|| (self.past_ordinal(at + 2), value))
    }

    /// The last day of a range belongs to the date.
    fn past_range(&self, at: usize, core: &Core) -> usize {
        let joins = self.sign_in(at, "-–—/&,+") || self.word(at).is_some_and(|word| TO.contains(&word));
        if !joins {
            return at;
        }
        let mut next = at + 1;
        if self.weekday(next).is_some() {
            next += 1 + usize::from(self.sign_in(next + 1, ".,"));
        }
        let is_list = self.sign_in(at, ",");
        match self.core(next) {
            Some(other) if !is_list => return other.end,
            _ => {}
        }
        let is_named = core.form == DateForm::Sure;
        self.second_day(at).filter(|_| is_named).map_or(at, |(end, _)| self.past_year(end).0)
    }

    /// "Sep 7 - 11, 2026": the year is after the range.
    fn year_of_range(&self, from: usize, to: usize) -> Option<i16> {
        (from..to).find_map(|at| {
            self.number(at).and_then(|(value, digits)| (digits == 4).then(|| year(value, 4))?)
        })
    }

    fn past_year(&self, at: usize) -> (usize, Option<i16>) {
        let mut next = at;
        while self.sign_in(next, ",-'’")
            || self.word(next).is_some_and(|word| matches!(word, "de" | "del" | "г"))
        {
            next += 1;
        }
        // "8-Sep-26" and "Sep '26" have a year; "Sep 7 - 11" has none.
        let has_mark = next > at
            && (self.sign_in(next - 1, "'’")
                || (self.sign_in(next - 1, "-") && self.tokens[next - 1].is_glued))
            && self.tokens.get(next).is_some_and(|token| token.is_glued);
        let found = self.number(next).and_then(|(value, digits)| match digits {
            4 => year(value, 4),
            2 if has_mark => year_in_short(value, 2),
            _ => None,
        });
        if found.is_some() { (next + 1, found) } else { (at, None) }
    }

    /// "(Tue)", "(火)", ", Tuesday".
    fn past_weekday(&self, at: usize) -> (usize, Option<Weekday>) {
        let is_open = self.sign_in(at, "(（[");
        let next = at + usize::from(is_open || self.sign_in(at, ","));
        let Some(word) = self.word(next) else { return (at, None) };
        let day = self.weekday(next).or_else(|| sign_of_a_day(word));
        let is_letter = is_letter_of_a_day(word);
        if !is_open && (is_letter || self.core(next).is_some() || word.chars().count() < 2) {
            return (at, None);
        }
        let mut end = next + 1;
        while is_open && !self.sign_in(end, ")）]") && end < next + 4 && end < self.tokens.len() {
            end += 1;
        }
        let is_closed = !is_open || self.sign_in(end, ")）]");
        match (day, is_closed) {
            (Some(day), true) => (end + usize::from(is_open), Some(day)),
            (None, true) if is_letter => (end + 1, None),
            _ => (at, None),
        }
    }

    /// A time of day is part of the date: "4pm", "at 10:15", "T10:15".
    fn past_time(&self, at: usize) -> usize {
        let mut next = at;
        while self.sign_in(next, ",@")
            || self.word(next).is_some_and(|word| matches!(word, "t" | "at" | "um" | "à" | "by"))
        {
            next += 1;
        }
        let Some((hour, digits)) = self.number(next) else { return at };
        let has_minutes = self.sign_in(next + 1, ":h") && self.number(next + 2).is_some();
        let end = if has_minutes { next + 3 } else { next + 1 };
        let half = self.word(end).is_some_and(|word| matches!(word, "am" | "pm" | "uhr" | "h"));
        if hour > 24 || digits > 2 || !(has_minutes || half) { at } else { end + usize::from(half) }
    }

    fn weekday(&self, at: usize) -> Option<Weekday> {
        self.tokens.get(at).and_then(|token| self.languages.weekday(token))
    }

    fn month(&self, at: usize) -> Option<i8> {
        self.tokens.get(at).and_then(|token| self.languages.month(token))
    }

    fn word(&self, at: usize) -> Option<&str> {
        self.tokens.get(at).and_then(Token::word)
    }

    fn number(&self, at: usize) -> Option<(u32, usize)> {
        self.tokens.get(at).and_then(Token::number)
    }

    fn sign_in(&self, at: usize, signs: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is_sign(signs))
    }

    fn is_marker(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(Token::is_marker)
    }
}
