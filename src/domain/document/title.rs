//! The title of a document in any format.

use super::text;

const LONGEST_TITLE: usize = 200;

/// The title on one line of at most 200 characters, cut between words.
pub(super) fn one_line(text: &str) -> String {
    let line = text::one_line(text);
    if line.chars().count() <= LONGEST_TITLE {
        return line;
    }
    let cut: String = line.chars().take(LONGEST_TITLE).collect();
    cut.rsplit_once(' ').map_or(cut.clone(), |(whole, _)| whole.to_owned())
}

/// The title in a file's metadata, unless it is useless: word processors and converters
/// put the name of a file, of the program or of a template there.
pub(super) fn own(title: &str) -> Option<String> {
    Some(one_line(title)).filter(|title| is_plausible(title))
}

fn is_plausible(title: &str) -> bool {
    const NAMES_OF_FILES: &[&str] = &[
        ".dvi", ".tex", ".doc", ".docx", ".ppt", ".pptx", ".indd", ".qxd", ".pdf", ".ps", ".eps", ".rtf",
        ".odt", ".odp", ".key", ".xls", ".xlsx", ".html", ".htm", ".txt", ".md", ".fm", ".p65",
    ];
    const MADE_UP: &[&str] = &[
        "untitled",
        "powerpoint presentation",
        "powerpoint-präsentation",
        "présentation powerpoint",
        "slide 1",
        "title",
        "document",
        "no title",
        "(anonymous)",
    ];
    let folded = title.to_lowercase();
    letters(title) >= 3
        && !title.contains('\u{fffd}')
        && !folded.starts_with("microsoft ")
        && !folded.starts_with("untitled")
        && !NAMES_OF_FILES.iter().any(|end| folded.ends_with(end))
        && !MADE_UP.contains(&folded.as_str())
}

pub(super) fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphabetic()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line_of_at_most_200_characters() {
        let title = own(&"word \n".repeat(100)).unwrap();
        assert!(title.chars().count() <= LONGEST_TITLE && title.ends_with("word"), "{title}");
    }

    #[test]
    fn names_of_files_and_templates_are_no_titles() {
        for made_up in
            ["main.dvi", "Microsoft Word - paper.doc", "12", "PowerPoint Presentation", "Untitled 3"]
        {
            assert_eq!(own(made_up), None, "{made_up}");
        }
        assert_eq!(own("On  flows").as_deref(), Some("On flows"));
    }
}
