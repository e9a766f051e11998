//! Course pages given as files, from outside: what is said where a page cannot be
//! read as it is, what the site's own files resolve, and pages made to do harm.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::harness::PROGRAM;

/// Lays out files.
fn laid_out(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

async fn run(dir: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output =
        Command::new(PROGRAM).args(arguments).current_dir(dir).stdin(Stdio::null()).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text.split_whitespace().collect::<Vec<_>>().join(" "))
}

async fn check(dir: &Path, page: &str) -> (Option<i32>, String) {
    run(dir, &["check", page]).await
}

/// The mentions of a page, as `check --format json` lists them: line, address, words, day.
async fn mentions(dir: &Path, page: &str) -> Vec<String> {
    let output = Command::new(PROGRAM)
        .args(["check", page, "--format", "json"])
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let run: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mentions = run["mentions"].as_array().or_else(|| run["courses"][0]["mentions"].as_array());
    mentions
        .into_iter()
        .flatten()
        .map(|mention| {
            let text = |name: &str| mention[name].as_str().unwrap_or("-").to_owned();
            format!("{} {} {} {}", mention["line"], text("url"), text("words"), text("due"))
        })
        .collect()
}

/// How `check-config --online` read a page: it requests nothing but the pages themselves.
async fn read_only(dir: &Path, page: &str) -> String {
    let configuration = format!(
        "[archive]\ndir = \"archive\"\n[[course]]\nid = \"a\"\ntitle = \"A\"\npage = \"{page}\"\npublished_at = \"https://school.example/a/\"\n"
    );
    std::fs::write(dir.join("onreserve.toml"), configuration).unwrap();
    run(dir, &["check-config", "onreserve.toml", "--online"]).await.1
}

#[tokio::test]
async fn a_page_whose_links_a_script_makes_is_named() {
    let script = "fetch('readings.json').then(r => r.json()).then(all => all.forEach(one => { \
                  document.getElementById('list').innerHTML += '<a href=\"' + one.url + '\">' + one.title + '</a>' }))";
    let page = format!("<h1>Sorting</h1><a href=a.pdf>One</a><ul id=list></ul><script>{script}</script>");
    let dir = laid_out(&[("page.html", &page), ("a.pdf", "%PDF-1.4")]);
    let (_, told) = check(dir.path(), "page.html").await;
    assert!(told.contains("a script makes links when the page is opened in a browser"), "{told}");
    assert!(told.contains("put these links into the page itself"), "{told}");
}

#[tokio::test]
async fn an_address_without_its_scheme_is_asked_about_and_leaves_nothing() {
    let dir = laid_out(&[]);
    let (code, told) = check(dir.path(), "school.edu/course.html").await;
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("there is no such file"), "{told}");
    assert!(told.contains("write https://school.edu/course.html"), "{told}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "no archive is left");
}

#[tokio::test]
async fn a_page_on_this_machine_names_the_setting_that_allows_it() {
    let dir = laid_out(&[]);
    let (code, told) = check(dir.path(), "http://127.0.0.1:9/course.html").await;
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("is on this machine or in a private network"), "{told}");
    assert!(told.contains("--allow-private-networks"), "{told}");
}

#[tokio::test]
async fn a_file_that_is_not_beside_the_page_is_a_missing_file() {
    let dir = laid_out(&[("page.md", "# A\n\n[One](a.txt) and [Two](slides/b.pdf)\n"), ("a.txt", "One")]);
    let (_, told) = check(dir.path(), "page.md").await;
    assert!(told.contains("slides/b.pdf"), "{told}");
    assert!(!told.contains("not a valid web address"), "{told}");
    let json = run(dir.path(), &["check", "page.md", "--format", "json"]).await.1;
    assert!(json.contains("missing_file"), "{json}");
}

/// A page of a site whose host refuses every connection.
fn site() -> tempfile::TempDir {
    let page = "---\ntitle: Sorting\nreadings:\n- {name: Own, link: \"http://127.0.0.1:9/own.pdf\"}\n---\n\
                # Sorting, Fall 2026\n\n\
                - [Slides]({{ site.baseurl }}/slides/merge.pdf)\n\
                - [Notes]({% link notes/radix.md %})\n\
                - [Homework]({{ \"/hw/one.html\" | relative_url }})\n\
                - [Today]({{ site.time }}/x.pdf)\n\n\
                {% for l in site.data.lectures %}\n\
                - {{ l.date | date: \"%b %-d\" }}: <a href=\"{{ l.url }}\">{{ l.title }}</a>\n\
                {% endfor %}\n\n\
                {% for r in page.readings %}\n\
                - [{{ r.name }}]({{ r.link }})\n\
                {% endfor %}\n\n\
                - {% include reading.html url=\"http://127.0.0.1:9/in.pdf\" title=\"Included\" %}\n";
    laid_out(&[
        ("_config.yml", "url: http://127.0.0.1:9\nbaseurl: /course\n"),
        ("_data/lectures.yml", "- {title: Heaps, url: 'http://127.0.0.1:9/heaps.pdf', date: 2026-09-08}\n"),
        ("notes/radix.md", "---\ntitle: Radix\n---\n"),
        ("_includes/reading.html", "<a href=\"{{ include.url }}\">{{ include.title }}</a>"),
        ("index.md", page),
    ])
}

#[tokio::test]
async fn values_come_from_the_files_of_the_checkout() {
    let dir = site();
    assert_eq!(
        mentions(dir.path(), "index.md").await,
        [
            "8 http://127.0.0.1:9/course/slides/merge.pdf Slides -",
            "9 http://127.0.0.1:9/course/notes/radix.html Notes -",
            "10 http://127.0.0.1:9/course/hw/one.html Homework -",
            "14 http://127.0.0.1:9/heaps.pdf Heaps 2026-09-08",
            "18 http://127.0.0.1:9/own.pdf Own -",
            "21 http://127.0.0.1:9/in.pdf Included -",
        ]
    );
}

#[tokio::test]
async fn a_value_that_only_the_generator_knows_is_named_once_with_its_line() {
    let dir = site();
    let (_, told) = check(dir.path(), "index.md").await;
    assert_eq!(told.matches("the page is a template").count(), 1, "{told}");
    assert!(told.contains("on line 11 it has placeholders"), "{told}");
    assert!(told.contains("give the address of the published page"), "{told}");
}

#[tokio::test]
async fn a_large_page_is_read_whole() {
    let mut page = "<h1>Sorting</h1><ul>".to_owned();
    for n in 0..2000 {
        page += &format!("<li>{} <a href=\"p{n}.pdf\">Paper {n}</a></li>\n", "word ".repeat(40));
    }
    let dir = laid_out(&[("page.html", &page)]);
    let told = read_only(dir.path(), "page.html").await;
    assert!(told.contains("2,000 links"), "{told}");
}

#[tokio::test]
async fn pages_made_to_do_harm_end_with_a_message() {
    let link = "<a href=\"a.pdf\">One</a>";
    let mut many = String::new();
    for n in 0..300_000 {
        many += &format!(" a{n}=1");
    }
    for (name, page) in [
        ("deep.html", format!("{}{link}", "<div><b><ul><li>".repeat(20_000))),
        ("tables.html", format!("{}{link}", "<table><tr><td>".repeat(10_000))),
        ("attribute.html", format!("<a title=\"{}\" href=a.pdf>One</a>", "x ".repeat(500_000))),
        ("brackets.md", format!("{}[One](a.pdf)", "[".repeat(50_000))),
        ("emphasis.md", format!("{}[One](a.pdf)", "*a **b ".repeat(20_000))),
        ("attributes.html", format!("<a href=a.pdf{many}>One</a>")),
        ("braces.md", format!("{}\n\n[One](a.pdf)", "{{".repeat(200_000))),
        ("lists.md", format!("[One](a.pdf){}", "{:".repeat(200_000))),
        ("addresses.md", format!("{}\n\n[One](a.pdf)", "http://".repeat(100_000))),
        ("host.html", format!("<a href='https://{}example/'>One</a>", "a.".repeat(200_000))),
        ("entries.bib", format!("{}\n@book{{a, url = {{https://a.example/}}}}", "@".repeat(200_000))),
        ("line.json", format!("[{}]", vec!["{\"url\": \"https://a.example/\"}"; 5_000].join(","))),
        (
            "growing.md",
            format!(
                "{{% assign a = 'x' %}}{}[One](a.pdf){{{{ a }}}}",
                "{% assign a = a | append: a %}".repeat(60)
            ),
        ),
        ("malformed.html", format!("<<<a<b></{link}<!-- <![CDATA[ {link}</td></p></a></html>{link}")),
    ] {
        let dir = laid_out(&[(name, &page)]);
        let told = read_only(dir.path(), name).await;
        assert!(told.contains(" link") && !told.contains("panicked"), "{name}: {told}");
    }
}
