//! Tables: the row and column of each cell, and the times that these give.

mod cells;

use std::rc::Rc;

use scraper::ElementRef;

use self::cells::{TableCell, TableRow, rows};
use super::calendar::{self, DateExpr, Dating, Label, Meaning, Order};
use super::node_map::NodeMap;
use super::text::unmarked;
use crate::domain::link::Sign;

/// The facts of a table for each of its cells.
#[derive(Clone, Debug, Default)]
pub(super) struct TableTimes {
    pub(super) cells: NodeMap<CellTime>,
}

/// The time of a cell, and the name of its column.
#[derive(Clone, Debug)]
pub(super) struct CellTime {
    pub(super) label: Label,
    pub(super) sign: Sign,
    pub(super) text: Rc<str>,
    pub(super) column: Rc<str>,
}

/// The purpose of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ColumnRole {
    Week,
    Date,
    Deadline,
    /// The day on which an assignment is given out.
    Out,
    Weekday(jiff::civil::Weekday),
    Other,
}

pub(super) fn read(table: ElementRef, dating: &Dating) -> TableTimes {
    let rows = rows(table, dating);
    let width = rows.iter().flatten().map(|cell| cell.column + cell.width).max().unwrap_or(0);
    let head = head(&rows, dating);
    let titles = titles(&rows, head, width);
    let body = &rows[head.min(rows.len())..];
    let columns = roles(&titles, body, dating);
    let orders = orders(&titles, body, dating);
    let mut read = TableReader {
        dating,
        titles,
        columns,
        orders,
        table: TableTimes::default(),
        above: None,
        section: Label::default(),
        days: Vec::new(),
    };
    for row in &rows[..head.min(rows.len())] {
        read.head(row);
    }
    for row in body {
        read.row(row, width);
    }
    read.table
}

/// The number of header rows.
fn head(rows: &[TableRow], dating: &Dating) -> usize {
    let Some(first) = rows.first() else { return 0 };
    let filled: Vec<&TableCell> = first.iter().filter(|cell| !cell.text.is_empty()).collect();
    if filled.is_empty() {
        return 1;
    }
    let is_known = |cell: &&TableCell| {
        let title = unmarked(&cell.text);
        role_of_title(&title, dating) != ColumnRole::Other
    };
    let has_link = |cell: &&TableCell| cell.text.contains(calendar::LINK);
    let are_titles = filled.iter().any(is_known)
        && !filled.iter().any(has_link)
        && filled.len() > 1
        && filled.iter().all(|cell| cell.text.chars().count() < 30 && !cell.times.is_only_time);
    usize::from(rows.len() > 1 && (filled.iter().all(|cell| cell.is_head) || are_titles))
}

fn titles(rows: &[TableRow], head: usize, width: usize) -> Vec<Rc<str>> {
    let mut titles: Vec<Rc<str>> = vec!["".into(); width];
    for cell in rows.iter().take(head).flatten() {
        for title in titles.iter_mut().take(cell.column + cell.width).skip(cell.column) {
            *title = unmarked(&cell.text).to_lowercase().into();
        }
    }
    titles
}

fn role_of_title(title: &str, dating: &Dating) -> ColumnRole {
    let says = |meaning| calendar::title_means(title, meaning);
    if says(Meaning::ColumnOut) {
        ColumnRole::Out
    } else if says(Meaning::Deadline) {
        ColumnRole::Deadline
    } else if says(Meaning::ColumnDate) {
        ColumnRole::Date
    } else if says(Meaning::Week) {
        ColumnRole::Week
    } else if let Some(day) = dating.languages.only_weekday(title) {
        ColumnRole::Weekday(day)
    } else {
        ColumnRole::Other
    }
}

/// The purpose of each column: by its header, otherwise by its cells.
fn roles(titles: &[Rc<str>], body: &[TableRow], dating: &Dating) -> Vec<ColumnRole> {
    let mut roles: Vec<ColumnRole> = titles.iter().map(|title| role_of_title(title, dating)).collect();
    for (column, role) in roles.iter_mut().enumerate() {
        if *role != ColumnRole::Other {
            continue;
        }
        let own = |row: &&TableRow| {
            row.iter().any(|cell| cell.column == column && !cell.text.is_empty() && !cell.is_below)
        };
        let texts =
            body.iter().take(60).filter(own).filter_map(|row| row.iter().find(|cell| cell.column == column));
        let (mut filled, mut dated, mut weeks) = (0, 0, 0);
        for cell in texts {
            filled += 1;
            dated += usize::from(cell.times.is_only_time && !cell.times.dates.is_empty());
            weeks += usize::from(cell.times.week.is_some());
        }
        if dated * 2 > filled {
            *role = ColumnRole::Date;
        } else if weeks * 2 > filled {
            *role = ColumnRole::Week;
        }
    }
    roles
}

/// The order of the numbers in each column's dates.
fn orders(titles: &[Rc<str>], body: &[TableRow], dating: &Dating) -> Vec<Order> {
    let mut dates: Vec<Vec<&DateExpr>> = vec![Vec::new(); titles.len()];
    for cell in body.iter().flatten().filter(|cell| !cell.is_below) {
        if let Some(own) = dates.get_mut(cell.column) {
            own.extend(&cell.times.dates);
        }
    }
    dates.iter().map(|dates| dating.order_of(dates.iter().copied(), dating.order)).collect()
}

struct TableReader<'a> {
    dating: &'a Dating,
    titles: Vec<Rc<str>>,
    columns: Vec<ColumnRole>,
    orders: Vec<Order>,
    table: TableTimes,
    /// The time of the row above: calendars leave repeated cells blank.
    above: Option<RowTime>,
    /// The time of a full-width row, for the rows below.
    section: Label,
    /// The days of columns with one day each.
    days: Vec<Option<jiff::civil::Date>>,
}

#[derive(Clone, Debug, Default)]
struct RowTime {
    label: Label,
    text: Rc<str>,
}

impl TableReader<'_> {
    /// Days may be in the header: one for each column.
    fn head(&mut self, row: &TableRow) {
        self.days = vec![None; self.columns.len()];
        let dated: Vec<&TableCell> = row.iter().filter(|cell| cell.times.is_only_time).collect();
        for cell in dated {
            let day = cell.times.dates.first().and_then(|expr| self.dating.day(expr));
            for column in cell.column..(cell.column + cell.width).min(self.days.len()) {
                self.days[column] = day;
            }
        }
        for cell in row.iter().filter(|cell| !cell.is_below) {
            let column = self.titles.get(cell.column).cloned().unwrap_or_default();
            let own = CellTime { label: Label::default(), sign: Sign::Cell, text: "".into(), column };
            self.table.cells.insert(cell.id, own);
        }
    }

    fn row(&mut self, row: &TableRow, width: usize) {
        let filled: Vec<&TableCell> = row.iter().filter(|cell| !cell.text.is_empty()).collect();
        let is_whole_width = matches!(filled.as_slice(), [only] if only.width >= width && width > 1);
        if is_whole_width {
            self.section = filled
                .first()
                .map(|cell| calendar::heading(&unmarked(&cell.text), self.dating))
                .unwrap_or_default();
            self.above = None;
        }
        let is_of_days = filled.len() > 1
            && filled.iter().filter(|cell| cell.times.dates.len() == 1 && cell.times.is_only_time).count()
                > 1
            && !filled.iter().any(|cell| cell.text.contains(calendar::LINK));
        if is_of_days && self.has_day_columns() {
            self.head(row);
            return;
        }
        let time = if is_whole_width {
            RowTime { label: self.section.clone(), text: "".into() }
        } else {
            self.time_of(row)
        };
        for cell in row.iter().filter(|cell| !cell.is_below) {
            let own = self.cell(cell, &time);
            self.table.cells.insert(cell.id, own);
        }
        if !is_whole_width {
            self.above = Some(time);
        }
    }

    fn has_day_columns(&self) -> bool {
        self.columns.iter().filter(|role| matches!(role, ColumnRole::Weekday(_))).count() > 1
            || self.days.iter().flatten().count() > 1
            || self.columns.iter().filter(|role| **role == ColumnRole::Date).count() > 2
    }

    fn first_day(&self, cell: &TableCell) -> Option<jiff::civil::Date> {
        let order = self.orders.get(cell.column).copied().unwrap_or_default();
        cell.times.dates.first().and_then(|expr| self.dating.day_in(expr, order))
    }

    fn role(&self, cell: &TableCell) -> ColumnRole {
        self.columns.get(cell.column).copied().unwrap_or(ColumnRole::Other)
    }

    /// The week and the day of a row, from its columns or from the row above.
    fn time_of(&self, row: &TableRow) -> RowTime {
        let of = |role: ColumnRole| row.iter().filter(move |cell| self.role(cell) == role);
        let dated = of(ColumnRole::Date).find(|cell| !cell.text.is_empty());
        let due = of(ColumnRole::Deadline).find(|cell| !cell.text.is_empty());
        let week = of(ColumnRole::Week)
            .find_map(|cell| self.week_of(cell))
            .or_else(|| row.iter().take(2).find_map(|cell| cell.times.week));
        let own = Label {
            week,
            day: match dated {
                Some(cell) => self.first_day(cell),
                None => of(ColumnRole::Week).find_map(|cell| self.first_day(cell)),
            },
            deadline: due.and_then(|cell| self.first_day(cell)),
        };
        let is_blank = |role: ColumnRole| of(role).all(|cell| cell.text.is_empty());
        let has_columns = of(ColumnRole::Date).next().is_some() || of(ColumnRole::Week).next().is_some();
        let above = self
            .above
            .as_ref()
            .filter(|_| has_columns || row.first().is_some_and(|cell| cell.text.is_empty()));
        let leaves_week_blank =
            of(ColumnRole::Week).next().is_some() || row.first().is_some_and(|cell| cell.text.is_empty());
        let above_week = above
            .and_then(|above| above.label.week)
            .filter(|_| leaves_week_blank && is_blank(ColumnRole::Week));
        let week = own.week.or(above_week).or(self.section.week);
        let above_day = above
            .filter(|above| {
                is_blank(ColumnRole::Date) && (own.week.is_none() || own.week == above.label.week)
            })
            .and_then(|above| above.label.day);
        let day = own.day.or(above_day).or(self.section.day.filter(|_| dated.is_none()));
        let text = dated.or(due).map(|cell| Rc::clone(&cell.text));
        let text = text.or_else(|| self.above.as_ref().map(|above| Rc::clone(&above.text)));
        let text = text.unwrap_or_default();
        RowTime { label: Label { week, day, deadline: own.deadline }, text }
    }

    fn week_of(&self, cell: &TableCell) -> Option<u32> {
        let text = unmarked(&cell.text);
        // "3", "3.", "3 (Sep 14)"
        let alone = text.split(['(', '[', ':', ',']).next().unwrap_or(&text).trim_end();
        let number = alone.trim_end_matches('.').parse::<u32>().ok().filter(|week| (1..=60).contains(week));
        number.or_else(|| calendar::heading(&unmarked(&cell.text), self.dating).week)
    }

    /// The time of one cell: its own day, that of its column, or that of the row.
    fn cell(&self, cell: &TableCell, row: &RowTime) -> CellTime {
        let column = self.titles.get(cell.column).cloned().unwrap_or_default();
        let role = self.role(cell);
        let order = self.orders.get(cell.column).copied().unwrap_or_default();
        let own = cell.times.leads.days(self.dating, order);
        let of_column = self.days.get(cell.column).copied().flatten();
        let mut label = row.label.clone();
        let (mut sign, mut text) = (Sign::Row, Rc::clone(&row.text));
        if role == ColumnRole::Deadline {
            let day = self.first_day(cell);
            label = Label { day: day.or(label.day), deadline: day.or(label.deadline), ..label };
        } else if let Some(day) = own.day.filter(|_| role != ColumnRole::Out) {
            label = Label { week: label.week, day: Some(day), deadline: own.deadline };
            (sign, text) = (Sign::Cell, Rc::clone(&cell.text));
        } else if let Some(day) = of_column {
            label = Label { week: label.week, day: Some(day), deadline: None };
            (sign, text) = (Sign::Column, Rc::clone(&column));
        } else if let ColumnRole::Weekday(weekday) = role {
            label.day = label.day.and_then(|day| on_weekday(day, weekday));
            (sign, text) = (Sign::Column, Rc::clone(&column));
        } else if self.has_days_of_its_own(cell) {
            label.day = None;
        } else if own.deadline.is_some() {
            label.deadline = own.deadline;
        }
        CellTime { label, sign, text, column }
    }

    /// In a row with several days, a cell without a day belongs to none of them.
    fn has_days_of_its_own(&self, cell: &TableCell) -> bool {
        self.role(cell) == ColumnRole::Date
            && self.columns.iter().filter(|role| **role == ColumnRole::Date).count() > 2
    }
}

/// The day of a week that begins with a day.
fn on_weekday(first: jiff::civil::Date, weekday: jiff::civil::Weekday) -> Option<jiff::civil::Date> {
    let days = i64::from(weekday.to_monday_zero_offset() - first.weekday().to_monday_zero_offset());
    first.checked_add(jiff::Span::new().days(days)).ok()
}
