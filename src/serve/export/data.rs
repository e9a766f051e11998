//! A data file for site generators (`_data/` of Jekyll, `data/` of Hugo): every
//! link of a course by its address, as JSON.

use serde_json::{Map, Value, json};

use crate::domain::course::CourseId;
use crate::serve::auth::visitor::Visitor;
use crate::serve::library::Library;
use crate::serve::routes::api::course_json;

/// The links of one course, or of all, by course and address.
///
/// # Errors
///
/// The catalogue cannot be read.
pub async fn data(library: &Library, course: Option<&CourseId>) -> anyhow::Result<Value> {
    let mut courses = Map::new();
    let visitor = Visitor::anonymous();
    for view in library.courses().await? {
        let id = &view.night.course;
        if course.is_some_and(|wanted| wanted != id) {
            continue;
        }
        // The generated site shows no more than the service shows to strangers.
        let is_public = visitor.may_read(&view.rules);
        let to_json = if is_public { course_json::link } else { course_json::link_for_stranger };
        let links: Map<String, Value> = view
            .links(&visitor)
            .map(|link| (link.facts().link.to_string(), to_json(library, &link)))
            .collect();
        let data = json!({ "title": view.night.title, "checked_at": view.night.finished, "links": links });
        courses.insert(id.to_string(), data);
    }
    Ok(json!({ "courses": courses }))
}
