use super::*;

fn files(page: &str, files: &[(&str, &str)]) -> SiteFiles {
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), Some((*text).to_owned()))).collect();
    SiteFiles { page: page.to_owned(), files }
}

#[test]
fn jekyll_says_where_a_page_is() {
    let site = files(
        "index.md",
        &[
            (
                "_config.yml",
                "url: https://school.example\nbaseurl: /course/\ncollections:\n  labs:\n    output: true\n",
            ),
            ("notes/radix.md", "---\ntitle: Radix\n---\n"),
            ("notes/index.md", "---\n---\n"),
            ("about.md", "---\npermalink: /who/\n---\n"),
            ("_labs/one.md", "---\ntitle: One\n---\n"),
            ("_posts/2026-09-01-heaps.md", "---\ntitle: Heaps\n---\n"),
            ("slides/a.pdf", ""),
        ],
    );
    let site = Site::of(&site).unwrap();
    for (name, path) in [
        ("notes/radix.md", Some("/notes/radix.html")),
        ("/notes/index.md", Some("/notes/")),
        ("about.md", Some("/who/")),
        ("_labs/one.md", Some("/labs/one.html")),
        ("_posts/2026-09-01-heaps.md", Some("/2026/09/01/heaps.html")),
        ("slides/a.pdf", Some("/slides/a.pdf")),
        ("notes/gone.md", None),
    ] {
        assert_eq!(site.linked(name).as_deref(), path, "{name}");
    }
    assert_eq!(site.relative("/hw/1.html"), "/course/hw/1.html");
    assert_eq!(site.absolute("hw/1.html"), "https://school.example/course/hw/1.html");
    assert_eq!(site.relative("https://other.example/"), "https://other.example/");
}

#[test]
fn hugo_says_where_a_page_is() {
    let site = files(
        "content/course/schedule.md",
        &[
            (
                "hugo.toml",
                "baseURL = 'https://school.example/cs/'\n[params]\nforum = 'https://forum.example/'",
            ),
            ("content/course/schedule.md", "+++\ntitle = 'S'\n+++\n"),
            ("content/course/Radix Sort.md", "---\ntitle: R\n---\n"),
            ("content/notes/heaps/index.md", "---\ntitle: H\n---\n"),
            ("content/notes/slugged/index.md", "---\nslug: other\n---\n"),
            ("content/notes/own.md", "---\ntitle: O\nurl: /elsewhere/\n---\n"),
        ],
    );
    let site = Site::of(&site).unwrap();
    let coded = |name: &str, argument: &str| site.shortcode(name, argument, &Value::Null);
    let is = |found: Option<String>, wanted: &str| assert_eq!(found.as_deref(), Some(wanted));
    is(coded("ref", "Radix Sort.md"), "https://school.example/cs/course/radix-sort/");
    is(coded("relref", "/notes/heaps"), "/cs/notes/heaps/");
    is(coded("relref", "../notes/heaps/index.md#top"), "/cs/notes/heaps/#top");
    is(coded("relref", "/notes/slugged"), "/cs/notes/other/");
    is(coded("relref", "own.md"), "/cs/elsewhere/");
    is(coded("param", "forum"), "https://forum.example/");
    assert_eq!(coded("ref", "../../../etc/passwd"), None);
    is(site.hugo_output("\"a.pdf\" | relURL"), "/cs/a.pdf");
    is(site.hugo_output(".Site.BaseURL"), "https://school.example/cs/");
}

#[test]
fn data_files_are_values_by_their_place() {
    let site = files(
        "index.md",
        &[
            ("_config.yml", "title: x"),
            ("_data/lectures.yml", "- title: A\n  url: https://a.example/\n  shown: false\n"),
            ("_data/2026/papers.csv", "title,url\nB,https://b.example/\n"),
            ("_data/people.json", "{\"ta\": {\"name\": \"C\"}}"),
        ],
    );
    let data = Site::of(&site).unwrap().variable("data").unwrap();
    assert_eq!(data["lectures"][0]["url"], "https://a.example/");
    assert_eq!(data["lectures"][0]["shown"], false);
    assert_eq!(data["2026"]["papers"][0]["title"], "B");
    assert_eq!(data["people"]["ta"]["name"], "C");
}
