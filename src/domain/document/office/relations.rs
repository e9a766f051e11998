//! The references between the parts of an Office Open XML package (ECMA-376-2, 6.5).

use std::collections::HashMap;

use crate::domain::document::DocumentDefect;
use crate::domain::document::package::Package;
use crate::domain::document::xml::{Xml, XmlEvent};

/// One reference of a part to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Relation {
    pub(super) id: String,
    /// The last segment of its type: `slide`, `notesSlide`.
    pub(super) kind: String,
    /// The name of the part in the package.
    pub(super) target: String,
}

/// The parts of the package to which a part refers.
pub(super) fn of(package: &mut Package, part: &str) -> Result<Vec<Relation>, DocumentDefect> {
    let (folder, _) = part.rsplit_once('/').unwrap_or(("", part));
    let internal = all(package, part)?.into_iter().filter(|(_, is_external)| !is_external);
    Ok(internal
        .map(|(relation, _)| Relation { target: resolved(folder, &relation.target), ..relation })
        .collect())
}

/// The addresses to which a part links, by the ids of its relations.
pub(super) fn external(package: &mut Package, part: &str) -> Result<HashMap<String, String>, DocumentDefect> {
    let external = all(package, part)?.into_iter().filter(|(_, is_external)| *is_external);
    Ok(external.map(|(relation, _)| (relation.id, relation.target)).collect())
}

/// All relations of a part, their targets as written, and whether each leads out of the package.
fn all(package: &mut Package, part: &str) -> Result<Vec<(Relation, bool)>, DocumentDefect> {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let list = [folder, "_rels", &format!("{name}.rels")];
    let list = list.into_iter().filter(|step| !step.is_empty()).collect::<Vec<_>>().join("/");
    let Some(source) = package.xml(&list)? else { return Ok(Vec::new()) };
    let mut relations = Vec::new();
    let mut xml = Xml::new(&source);
    while let Some(event) = xml.next()? {
        let XmlEvent::Open(tag) = event else { continue };
        let (Some(id), Some(kind), Some(target)) =
            (tag.attribute("Id"), tag.attribute("Type"), tag.attribute("Target"))
        else {
            continue;
        };
        let relation = Relation {
            id: id.to_owned(),
            kind: kind.rsplit('/').next().unwrap_or(kind).to_owned(),
            target: target.to_owned(),
        };
        relations.push((relation, tag.attribute("TargetMode") == Some("External")));
    }
    Ok(relations)
}

/// The part that contains the work.
pub(super) fn main_part(package: &mut Package) -> Result<Option<String>, DocumentDefect> {
    let relations = of(package, "")?;
    Ok(relations
        .into_iter()
        .find(|relation| relation.kind == "officeDocument")
        .map(|relation| relation.target))
}

fn resolved(folder: &str, target: &str) -> String {
    let mut steps: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => folder.split('/').filter(|step| !step.is_empty()).collect(),
    };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_found_from_the_folder_of_their_part() {
        assert_eq!(
            resolved("ppt/slides", "../notesSlides/notesSlide1.xml"),
            "ppt/notesSlides/notesSlide1.xml"
        );
        assert_eq!(resolved("ppt", "/ppt/slides/slide1.xml"), "ppt/slides/slide1.xml");
        assert_eq!(resolved("", "word/document.xml"), "word/document.xml");
    }
}
