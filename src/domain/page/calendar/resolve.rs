//! Turns a written date into a day: decides the order of its numbers and its year, and
//! checks its weekday.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::date::DateExpr;
use super::day_parts::Written;
use super::languages::Languages;
use crate::domain::course::Term;

/// The position of the day among two numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::domain::page) enum Order {
    #[default]
    MonthFirst,
    DayFirst,
    /// Both orders are used, so neither is reliable.
    Mixed,
}

/// What the whole page shows about its dates.
#[derive(Clone, Debug)]
pub(in crate::domain::page) struct Dating {
    pub(in crate::domain::page) term: Option<Term>,
    pub(in crate::domain::page) today: Date,
    pub(in crate::domain::page) languages: Languages,
    pub(in crate::domain::page) order: Order,
}

impl Dating {
    /// The day of a date; `None` if the signs disagree.
    pub(in crate::domain::page) fn day(&self, expr: &DateExpr) -> Option<Date> {
        self.day_in(expr, self.order)
    }

    pub(in crate::domain::page) fn day_in(&self, expr: &DateExpr, order: Order) -> Option<Date> {
        let (month, day) = match (expr.written, order) {
            (Written::Day { month, day }, _) => (month, day),
            (Written::Pair(month, day), Order::MonthFirst) | (Written::Pair(day, month), Order::DayFirst) => {
                (month, day)
            }
            (Written::Pair(..), Order::Mixed) => return None,
        };
        let agrees = |date: &Date| expr.weekday.is_none_or(|weekday| weekday == date.weekday());
        if let Some(year) = expr.year {
            return Date::new(year, month, day).ok().filter(agrees);
        }
        let middle = self.middle();
        let mut years = (-1..=1).filter_map(|years| Date::new(middle.year() + years, month, day).ok());
        if self.term.is_some() {
            return years.min_by_key(|date| distance(*date, middle)).filter(agrees);
        }
        // Without a term the weekday helps to determine the year.
        let nearest = years.clone().min_by_key(|date| distance(*date, middle))?;
        if agrees(&nearest) { Some(nearest) } else { years.find(agrees) }
    }

    fn middle(&self) -> Date {
        self.term.map_or(self.today, |term| {
            let half = term.last.since(term.first).map_or(0, |span| span.get_days()) / 2;
            term.first.checked_add(half.days()).unwrap_or(term.first)
        })
    }

    /// Whether a date with a written year is outside the time of the course.
    pub(in crate::domain::page) fn is_of_another_time(&self, date: Date) -> bool {
        self.term.is_some() && distance(date, self.middle()) > 240
    }

    /// The order of the numbers in the dates of a column or page: by numbers that can only be
    /// a day, by weekdays, by the language and by the term.
    pub(in crate::domain::page) fn order_of<'a>(
        &self,
        dates: impl Iterator<Item = &'a DateExpr> + Clone,
        otherwise: Order,
    ) -> Order {
        let pairs = dates.clone().filter_map(|expr| match expr.written {
            Written::Pair(a, b) => Some((a, b)),
            Written::Day { .. } => None,
        });
        let is_first = pairs.clone().any(|(first, second)| first > 12 && second <= 12);
        let is_second = pairs.clone().any(|(first, second)| second > 12 && first <= 12);
        match (is_first, is_second) {
            (true, false) => return Order::DayFirst,
            (false, true) => return Order::MonthFirst,
            (true, true) => return Order::Mixed,
            (false, false) if pairs.count() == 0 => return otherwise,
            (false, false) => {}
        }
        let pairs = dates.filter(|expr| matches!(expr.written, Written::Pair(..)));
        let fits = |order| self.fitting(pairs.clone(), order);
        let (by_month, by_day) = (fits(Order::MonthFirst), fits(Order::DayFirst));
        match otherwise {
            Order::MonthFirst if by_day > by_month => Order::DayFirst,
            Order::DayFirst if by_month > by_day => Order::MonthFirst,
            Order::MonthFirst | Order::DayFirst | Order::Mixed => otherwise,
        }
    }

    /// The number of dates that are days of the term with the written weekday.
    fn fitting<'a>(&self, dates: impl Iterator<Item = &'a DateExpr>, order: Order) -> usize {
        let is_in_term = |date: Date| {
            self.term.is_none_or(|term| {
                let (first, last) = (term.first.checked_sub(14.days()), term.last.checked_add(14.days()));
                first.is_ok_and(|first| first <= date) && last.is_ok_and(|last| date <= last)
            })
        };
        dates.filter_map(|expr| self.day_in(expr, order)).filter(|date| is_in_term(*date)).count()
    }
}

fn distance(one: Date, other: Date) -> i32 {
    one.since(other).map_or(i32::MAX, |span| span.get_days().abs())
}
