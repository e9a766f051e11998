//! `/c/<course>/<file>`: a course to take away. Its readings for reference managers, its due
//! dates for calendars, its changes for feed readers, and all copies in one file.

pub(in crate::serve) mod calendar;
pub(in crate::serve) mod changes;
mod feed_course;
pub(in crate::serve) mod readings_zip;
pub(in crate::serve) mod references;
pub(in crate::serve) mod subscribe;
