//! A data file for site generators (`_data/` of Jekyll, `data/` of Hugo): every
//! link of a course by its address. JSON, which is YAML too.

use serde_json::{Map, Value, json};

use crate::domain::course::CourseId;
use crate::serve::Desk;
use crate::serve::api;
use crate::serve::visitor::Visitor;

/// The links of one course, or of all of them, by course and address.
///
/// # Errors
///
/// The catalogue cannot be read.
pub async fn data(desk: &Desk, course: Option<&CourseId>) -> anyhow::Result<Value> {
    let mut courses = Map::new();
    let visitor = Visitor::stranger();
    for shelf in desk.shelves().await? {
        let id = &shelf.night.course;
        if course.is_some_and(|wanted| wanted != id) {
            continue;
        }
        // Whoever reads the site it ends up on is told no more than by the service.
        let tell = if visitor.may_read(&shelf.rules) { api::link } else { api::trace };
        let links: Map<String, Value> =
            shelf.all(&visitor).map(|found| (found.item().link.to_string(), tell(desk, &found))).collect();
        let told = json!({ "title": shelf.night.title, "checked_at": shelf.night.finished, "links": links });
        courses.insert(id.to_string(), told);
    }
    Ok(json!({ "courses": courses }))
}
