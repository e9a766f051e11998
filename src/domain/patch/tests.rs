use proptest::prelude::*;

use super::*;
use crate::domain::page::PageContext;

const OLD: &str = "http://old.example/a.pdf";
const NEW: &str = "https://new.example/b.pdf";

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn fix(from: &str, to: &str) -> AddressChange {
    AddressChange { from: address(from), to: address(to), keeps_fragment: true }
}

fn source(name: &str, text: &str) -> PageSourceFile {
    PageSourceFile { name: name.into(), text: text.into(), base: None }
}

fn patched_with(fix: AddressChange, source: &PageSourceFile) -> String {
    let links = HashSet::from([fix.from.clone(), address("http://old.example/other")]);
    let plan = plan(&[fix], &links, std::slice::from_ref(source));
    plan.files.into_iter().next().map_or_else(|| source.text.clone(), |file| file.after)
}

fn patched(name: &str, text: &str) -> String {
    patched_with(fix(OLD, NEW), &source(name, text))
}

/// Each line has the old address in a place where it is replaced, and possibly in one where it is not.
#[test]
fn an_address_is_replaced_in_each_syntax() {
    for (name, before, after) in [
        (
            "a.html",
            r#"<a class=x HREF = "http://old.example/a.pdf#page=3" id=y>"#,
            r#"<a class=x HREF = "https://new.example/b.pdf#page=3" id=y>"#,
        ),
        ("a.html", "<area href=http://old.example/a.pdf>", "<area href=https://new.example/b.pdf>"),
        (
            "a.html",
            "<a href='\n http://old.example/a.pdf '>http://old.example/a.pdf</a>",
            "<a href='\n https://new.example/b.pdf '>http://old.example/a.pdf</a>",
        ),
        (
            "a.html",
            "---\npdf: http://old.example/a.pdf\n---\n<p>",
            "---\npdf: https://new.example/b.pdf\n---\n<p>",
        ),
        ("a.md", "[a](http://old.example/a.pdf)", "[a](https://new.example/b.pdf)"),
        (
            "a.md",
            "[a [b]](  <http://old.example/a.pdf>\n \"t](x)\")",
            "[a [b]](  <https://new.example/b.pdf>\n \"t](x)\")",
        ),
        (
            "a.md",
            "[![](http://old.example/a.pdf)](http://old.example/a.pdf)",
            "[![](http://old.example/a.pdf)](https://new.example/b.pdf)",
        ),
        ("a.md", "See <http://old.example/a.pdf>.", "See <https://new.example/b.pdf>."),
        (
            "a.md",
            "[a][1] `http://old.example/a.pdf`\n\n[1]: http://old.example/a.pdf 'T'",
            "[a][1] `http://old.example/a.pdf`\n\n[1]: https://new.example/b.pdf 'T'",
        ),
        (
            "a.md",
            "---\nurl: http://old.example/a.pdf\n---\n\n[a](x)",
            "---\nurl: https://new.example/b.pdf\n---\n\n[a](x)",
        ),
        (
            "a.md",
            "| a |\n|---|\n| <a href=\"http://old.example/a.pdf\">x</a> |",
            "| a |\n|---|\n| <a href=\"https://new.example/b.pdf\">x</a> |",
        ),
        ("a.yml", "- url: http://old.example/a.pdf # note", "- url: https://new.example/b.pdf # note"),
        ("a.yml", "- {t: 'x', u: http://old.example/a.pdf}", "- {t: 'x', u: https://new.example/b.pdf}"),
        ("a.yml", "- 'see [a](http://old.example/a.pdf), ok'", "- 'see [a](https://new.example/b.pdf), ok'"),
        ("a.csv", "x,http://old.example/a.pdf,y", "x,https://new.example/b.pdf,y"),
        ("a.json", r#"{"u":"http://old.example/a.pdf"}"#, r#"{"u":"https://new.example/b.pdf"}"#),
    ] {
        assert_eq!(patched(name, before), after, "{name}");
    }
}

#[test]
fn similar_text_stays() {
    for (name, text) in [
        (
            "a.html",
            "<!-- <a href=\"http://old.example/a.pdf\"> --><script>'<a href=\"http://old.example/a.pdf\">'</script>",
        ),
        ("a.html", "<a href=\"http://old.example/a.pdf?v=2\"><a href=\"http://old.example/a.pdfx\">"),
        ("a.html", "<a href=\"https://web.archive.org/web/2020/http://old.example/a.pdf\">"),
        ("a.html", "<a data-href=\"http://old.example/a.pdf\" href=\"/x\">"),
        ("a.md", "[a](https://proxy.example/login?url=http://old.example/a.pdf)"),
        ("a.md", "    [a](http://old.example/a.pdf)\n"),
        ("a.yml", "u: https://web.archive.org/web/http://old.example/a.pdf"),
        ("a.yml", "u: http://old.example/a.pdf{{ page.query }}"),
        ("a.yml", "u: http://old.example/a.pdf/more"),
        ("a.yml", "u: http://old.example/other/"),
    ] {
        assert_eq!(patched(name, text), text, "{name}");
    }
}

#[test]
fn variants_of_an_address_are_replaced_unless_they_are_another_link() {
    for text in
        ["u: https://old.example/a.pdf", "u: http://old.example/%61.pdf", "u: http://OLD.example/a.pdf/"]
    {
        assert_eq!(patched("a.yml", text), format!("u: {NEW}"), "{text}");
    }
    let links = HashSet::from([address(OLD), address("https://old.example/a.pdf")]);
    let both = source("a.yml", "- http://old.example/a.pdf\n- https://old.example/a.pdf\n");
    let plan = plan(&[fix(OLD, NEW)], &links, &[both]);
    assert_eq!(plan.files[0].after, format!("- {NEW}\n- https://old.example/a.pdf\n"));
    assert_eq!(plan.spots[0], [SourceLocation { name: "a.yml".into(), line: 1 }]);
}

#[test]
fn a_page_with_an_address_has_relative_links() {
    let page = PageSourceFile {
        base: Some(address("https://school.edu/course/")),
        ..source("page.md", "[a](notes/a.pdf#x) [b](../notes/a.pdf)")
    };
    let moved = fix("https://school.edu/course/notes/a.pdf", "https://school.edu/course/new/a.pdf");
    assert_eq!(patched_with(moved, &page), "[a](https://school.edu/course/new/a.pdf#x) [b](../notes/a.pdf)");
}

#[test]
fn an_address_is_escaped_for_its_place() {
    let odd = "https://new.example/it's_(b)_c)?x=1&y=2;|";
    let with = |name: &str, text: &str| {
        let fix = AddressChange { keeps_fragment: false, ..fix(OLD, odd) };
        patched_with(fix, &source(name, text))
    };
    assert_eq!(
        with("a.html", "<a href='http://old.example/a.pdf#x'>"),
        "<a href='https://new.example/it&#39;s_(b)_c)?x=1&amp;y=2;|'>"
    );
    assert_eq!(
        with("a.md", "[a](http://old.example/a.pdf#x)"),
        "[a](https://new.example/it's_%28b%29_c%29?x=1&amp;y=2;%7C)"
    );
    assert_eq!(
        with("a.yml", "u: 'http://old.example/a.pdf'"),
        "u: 'https://new.example/it%27s_(b)_c)?x=1&y=2;%7C'"
    );
}

#[test]
fn a_diff_names_files_and_keeps_line_ends() {
    let text = "one\r\nu: http://old.example/a.pdf\r\nlone\rcr, no end";
    let plan = plan(&[fix(OLD, NEW)], &HashSet::new(), &[source("_data/week 1.yml", text)]);
    insta::assert_snapshot!(unified(&plan.files).replace('\r', "␍").replace('\t', "␉"));
    assert_eq!(unified(&[]), "");
}

/// A piece of a page, and whether the address in it is a link.
fn piece() -> impl Strategy<Value = (&'static str, bool)> {
    prop::sample::select(vec![
        ("[words](@)", true),
        ("[*words*](<@> \"title\")", true),
        ("<@>", true),
        ("<a href=\"@\" title='x'>words</a>", true),
        ("* [words](@#page=2)", true),
        ("> quoted [words](@)", true),
        ("![alt](@)", false),
        ("`@`", false),
        ("Words about @ and more.", true),
        ("[words](@/deeper)", false),
        ("[words](@?q=@)", false),
        ("[words](https://web.archive.org/web/2020/@)", false),
        ("<!-- <a href=\"@\">words</a> -->", false),
        ("# Heading", false),
        ("Ünïcödé ünd ẅörds", false),
    ])
}

proptest! {
    #[test]
    fn nothing_changes_but_the_bytes_of_those_addresses(pieces in prop::collection::vec(piece(), 0..12)) {
        let page = |changed: &str| {
            let piece = |(text, is_link): &(&str, bool)| text.replace('@', if *is_link { changed } else { OLD });
            pieces.iter().map(piece).collect::<Vec<_>>().join("\n\n")
        };
        prop_assert_eq!(patched("a.md", &page(OLD)), page(NEW));
        let after = page(NEW);
        prop_assert_eq!(patched("a.md", &after), after.clone(), "a second time changes nothing");
    }

    /// With any new address, every link is read as before, or as the new one.
    #[test]
    fn the_page_reads_as_before_with_the_new_address(
        pieces in prop::collection::vec(piece(), 1..8),
        tail in "[a-z()'&;,|*_!~\\[\\]]{0,8}",
        is_html: bool,
    ) {
        let to = address(&format!("https://new.example/b{tail}?q={tail}"));
        let text = pieces.iter().map(|(text, _)| text.replace('@', OLD)).collect::<Vec<_>>().join("\n\n");
        let (name, markup) = if is_html { ("a.html", Markup::Html) } else { ("a.md", Markup::Markdown) };
        let after = patched_with(fix(OLD, to.as_str()), &source(name, &text));
        let context = PageContext { base: None, term: None, today: jiff::civil::date(2026, 10, 5), kinds: &[], site: None };
        let read = |text: &str| page::read(text, markup, &context).mentions;
        let (before, after) = (read(&text), read(&after));
        prop_assert_eq!(before.len(), after.len());
        for (before, after) in before.iter().zip(&after) {
            let (before, after) = (before.address().unwrap(), after.address().unwrap());
            if *before == address(OLD) {
                prop_assert_eq!(address_syntax::decoded(after), address_syntax::decoded(&to));
            } else {
                prop_assert_eq!(before, after);
            }
        }
    }

    #[test]
    fn any_text_can_be_patched(text in any::<String>(), name in prop::sample::select(vec!["a.md", "a.html", "a.yml"])) {
        let text = format!("{text}{OLD}{text}<a href={OLD}>{text}]({OLD}");
        patched(name, &text);
    }
}
