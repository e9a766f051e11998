use super::*;
use proptest::prelude::*;

fn name(address: &str, disposition: Option<&str>, title: Option<&str>, ending: &str) -> String {
    let address = Address::parse(address).unwrap();
    best(&Facts {
        disposition,
        addresses: &[&address],
        title,
        words: Some("Lecture four"),
        ending: Some(ending),
    })
}

#[test]
fn the_name_of_the_host_comes_first() {
    for (header, expected) in [
        ("attachment; filename=\"lecture 4.pdf\"", "lecture 4.pdf"),
        ("inline; filename=plain.pdf; size=3", "plain.pdf"),
        ("attachment; filename=\"x.pdf\"; filename*=UTF-8''Travaux_%C3%A9t%C3%A9.pdf", "Travaux_été.pdf"),
        ("attachment; filename*=iso-8859-1''caf%E9.pdf", "café.pdf"),
        ("attachment; filename*=UTF-8''%E5%BD%92%E4%B8%80.pdf", "归一.pdf"),
        ("attachment; filename=\"a\\\"b.pdf\"", "a b.pdf"),
        ("attachment; filename=\"caf\u{c3}\u{a9}.pdf\"", "café.pdf"),
        ("attachment; filename=\"=?utf-8?B?Y2Fmw6kucGRm?=\"", "café.pdf"),
        ("attachment; filename=\"My%20file.pdf\"", "My file.pdf"),
        ("attachment; filename=\"../../etc/passwd\"", "passwd.pdf"),
        ("ATTACHMENT;FileName = \"x.pdf\"", "x.pdf"),
    ] {
        assert_eq!(name("https://a.edu/uc?id=1", Some(header), None, "pdf"), expected, "{header}");
    }
}

#[test]
fn then_come_the_address_the_title_and_the_words_of_the_link() {
    for (address, title, ending, expected) in [
        ("https://a.edu/slides/s14a.pdf", None, "pdf", "s14a.pdf"),
        ("https://a.edu/%E8%AE%B2%E4%B9%89.pdf", None, "pdf", "讲义.pdf"),
        ("https://arxiv.org/pdf/2101.00001", Some("Flows"), "pdf", "2101.00001.pdf"),
        ("https://a.edu/pdf?id=AbC123", Some("Flows on trees"), "pdf", "Flows on trees.pdf"),
        ("https://a.edu/getPDF.jsp?arnumber=5", Some("Flows"), "pdf", "Flows.pdf"),
        ("https://a.edu/download/5/9", None, "pdf", "Lecture four.pdf"),
        ("https://a.edu/uc", Some("untitled"), "ipynb", "Lecture four.ipynb"),
        ("https://a.edu/four.ps.gz", None, "ps", "four.ps"),
        ("https://a.edu/notes.txt", None, "txt", "notes.txt"),
        ("https://a.edu/README.md", None, "txt", "README.md"),
        ("https://a.edu/old.htm", None, "html", "old.htm"),
    ] {
        assert_eq!(name(address, None, title, ending), expected, "{address}");
    }
}

#[test]
fn the_extension_is_that_of_the_format() {
    assert_eq!(name("https://a.edu/deck.php", None, None, "pdf"), "Lecture four.pdf");
    assert_eq!(name("https://a.edu/x", Some("attachment; filename=deck.html"), None, "pdf"), "deck.pdf");
    assert_eq!(name("https://a.edu/x", Some("attachment; filename=v1.2"), None, "pdf"), "v1.2.pdf");
}

#[test]
fn a_second_one_has_a_number() {
    assert_eq!(numbered("slides.pdf", 2), "slides (2).pdf");
    assert_eq!(numbered("README", 3), "README (3)");
}

#[test]
fn a_name_is_sent_in_both_forms() {
    assert_eq!(attachment("a b.pdf", true), "inline; filename=\"a b.pdf\"");
    assert_eq!(
        attachment("é\"讲.pdf", false),
        "attachment; filename=\"___.pdf\"; filename*=UTF-8''%C3%A9%22%E8%AE%B2.pdf"
    );
}

proptest! {
    #[test]
    fn a_name_is_harmless(given in ".{0,300}", title in ".{0,50}") {
        let address = Address::parse("https://a.edu/uc").unwrap();
        let header = format!("attachment; filename=\"{given}\"");
        let name = best(&Facts { disposition: Some(&header), addresses: &[&address], title: Some(&title), words: None, ending: Some("pdf") });
        prop_assert!(!name.chars().any(|c| c.is_control() || "/\\:\"<>|*?".contains(c)), "{name:?}");
        prop_assert!(!name.starts_with('.') && name.len() <= LONGEST + 8, "{name:?}");
        prop_assert!(split(&name).is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("pdf")), "{name:?}");
        prop_assert_eq!(super::given(&attachment(&name, false)), Some(name));
    }
}
