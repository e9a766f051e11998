//! Feeds: the due dates of a course as iCalendar, and its changes as Atom.

pub mod atom;
pub mod icalendar;
