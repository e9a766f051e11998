//! The unified diff of a patch plan, in the form of `patch -p1` and `git apply`.

use similar::TextDiff;

use super::EditedFile;

/// The diff of all files; empty if nothing changes.
pub fn unified(files: &[EditedFile]) -> String {
    files.iter().map(of_file).collect()
}

fn of_file(file: &EditedFile) -> String {
    // Only a line feed ends a line, as in the programs that apply the diff.
    let before: Vec<&str> = file.before.split_inclusive('\n').collect();
    let after: Vec<&str> = file.after.split_inclusive('\n').collect();
    TextDiff::configure()
        .newline_terminated(true)
        .diff_slices(&before, &after)
        .unified_diff()
        .header(&labelled("a", &file.name), &labelled("b", &file.name))
        .to_string()
}

/// A file name in a header: quoted as git does where it must be, and ended by
/// a tab where a space would end it.
fn labelled(side: &str, name: &str) -> String {
    let is_plain = |c: char| !c.is_control() && c != '"' && c != '\\';
    if name.chars().all(is_plain) {
        let tab = if name.contains(' ') { "\t" } else { "" };
        return format!("{side}/{name}{tab}");
    }
    let escaped: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' => format!("\\{c}"),
            '\n' => "\\n".to_owned(),
            '\t' => "\\t".to_owned(),
            c if c.is_control() && c.is_ascii() => format!("\\{:03o}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("\"{side}/{escaped}\"")
}
