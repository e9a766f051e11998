//! Writes the fractions of plain TeX (`{a \over b}`) with commands that stand before their
//! parts (`\frac{a}{b}`).

/// An open group: where its content begins in the result, and the command in it.
#[derive(Default)]
struct Group {
    from: usize,
    command: Option<(usize, &'static str)>,
}

/// The formula without such commands.
pub(super) fn as_prefix(tex: &str) -> String {
    if !["\\over", "\\choose"].iter().any(|command| tex.contains(command)) {
        return tex.to_owned();
    }
    let mut out = String::with_capacity(tex.len());
    let mut open = vec![Group::default()];
    let mut rest = tex;
    while let Some(at) = rest.find(['\\', '{', '}']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = match rest.strip_prefix('\\') {
            Some(after) => match after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len()) {
                0 => 1 + after.chars().next().map_or(0, char::len_utf8),
                letters => 1 + letters,
            },
            None => 1,
        };
        let (token, after) = rest.split_at(end);
        rest = after;
        match token {
            "\\over" | "\\choose" => {
                if let Some(group) = open.last_mut().filter(|group| group.command.is_none()) {
                    let meant = if token == "\\over" { "\\frac" } else { "\\binom" };
                    group.command = Some((out.len(), meant));
                }
                continue;
            }
            "}" | "\\right" => close(&mut open, &mut out),
            _ => {}
        }
        out.push_str(token);
        if token == "\\left" {
            // The delimiter is before the content of the group.
            let delimiter = rest.trim_start();
            let skipped = rest.len() - delimiter.len();
            let length = delimiter.chars().next().map_or(0, |c| match c {
                '\\' => 1 + delimiter[1..].find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(0).max(1),
                _ => c.len_utf8(),
            });
            let end = (skipped + length).min(rest.len());
            if rest.is_char_boundary(end) {
                out.push_str(&rest[..end]);
                rest = &rest[end..];
            }
        }
        if matches!(token, "{" | "\\left") {
            open.push(Group { from: out.len(), command: None });
        }
    }
    out.push_str(rest);
    while !open.is_empty() {
        close(&mut open, &mut out);
    }
    out
}

/// Ends the innermost group.
fn close(open: &mut Vec<Group>, out: &mut String) {
    if let Some(Group { from, command: Some((at, meant)) }) = open.pop() {
        let right = out.split_off(at);
        let left = out.split_off(from);
        out.push_str(&format!("{meant}{{{}}}{{{}}}", left.trim(), right.trim()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_of_plain_tex_become_commands() {
        for (tex, expected) in [
            (r"{n \choose k}", r"{\binom{n}{k}}"),
            (r"\sin\left( {\pi} \over N \right)", r"\sin\left(\frac{{\pi}}{N}\right)"),
            (r"\left\{ a \over b \right\}", r"\left\{\frac{a}{b}\right\}"),
            (r"a \over {b \over c}", r"\frac{a}{{\frac{b}{c}}}"),
            (r"\overline{x} \over y", r"\frac{\overline{x}}{y}"),
        ] {
            assert_eq!(as_prefix(tex), expected, "{tex}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(tex in "(\\\\over|\\\\left|\\\\right|[{}a\u{e9} ]|\\\\){0,30}") {
            let _ = as_prefix(&tex);
        }
    }
}
