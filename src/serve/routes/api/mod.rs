//! `/api/v1`, and the script for course pages.

pub(in crate::serve) mod captures;
pub(in crate::serve) mod course_json;
pub(in crate::serve) mod description;
pub(in crate::serve) mod links;
mod parameters;
pub(in crate::serve) mod search;
