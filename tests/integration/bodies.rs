//! Bodies that are false, broken or hostile: each has its reason, a limited cost, and no capture is lost.

use std::fmt::Write as _;

use crate::fetch::site::{Reply, Then};
use crate::harness::{Harness, article, page_of};

fn pdf(objects: &[&str], trailer: &str) -> Vec<u8> {
    let mut file = "%PDF-1.5\n".to_owned();
    let mut places = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        places.push(file.len());
        write!(file, "{} 0 obj\n{object}\nendobj\n", number + 1).unwrap();
    }
    let start = file.len();
    write!(file, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).unwrap();
    for place in places {
        writeln!(file, "{place:010} 00000 n ").unwrap();
    }
    let size = objects.len() + 1;
    write!(file, "trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n").unwrap();
    file.into_bytes()
}

fn hostile(target: &str) -> Reply {
    let html = |body: &str| Reply::new(200, "content-type: text/html", body);
    let file = |body: Vec<u8>| Reply::new(200, "content-type: application/pdf", body);
    match target {
        "/says-pdf-is-html.pdf" => file(
            format!(
                "<!doctype html><title>Join us</title><h1>Join us</h1>{}",
                "<p>Subscribe to our letter and win a bicycle every week of this summer.".repeat(20)
            )
            .into_bytes(),
        ),
        "/circle.pdf" => {
            file(pdf(&["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [2 0 R] /Count 9 >>"], ""))
        }
        "/xref-circle.pdf" => file(pdf(
            &["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [] /Count 0 >>"],
            "/Prev 120",
        )),
        "/nested.pdf" => file(pdf(&[&format!("<< /Type /Catalog /A {} >>", "[".repeat(200_000))], "")),
        "/content.pdf" => {
            let stream = format!("<< /Length 400000 >>\nstream\n{}\nendstream", "[(".repeat(200_000));
            let page = "<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>";
            file(pdf(
                &[
                    "<< /Type /Catalog /Pages 2 0 R >>",
                    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
                    page,
                    &stream,
                ],
                "",
            ))
        }
        "/cut.pdf" => file(b"%PDF-1.5\n1 0 obj\n<<".to_vec()),
        "/half" => Reply::raw(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 9000\r\n\r\n<p>ha",
            Then::Close,
        ),
        "/nested" => html(&format!("<!doctype html><title>x</title>{}", "<div>".repeat(20_000))),
        "/null" => html("<!doctype html>\0\0\0<title>\0</title>"),
        "/three-gib" => Reply::raw(
            "HTTP/1.1 200 OK\r\ncontent-type: application/pdf\r\ncontent-length: 3221225472\r\n\r\n%PDF-1.5",
            Then::Hang,
        ),
        "/endless" => {
            Reply::raw("HTTP/1.1 200 OK\r\ncontent-type: application/pdf\r\n\r\n%PDF-1.5\n", Then::Endless)
        }
        "/notebook.ipynb" => {
            Reply::new(200, "content-type: application/json", "{\"nbformat\": 4, \"cells\": [".repeat(9000))
        }
        _ => Reply::not_found(),
    }
}

const BODIES: &[(&str, &[&str])] = &[
    ("says-pdf-is-html.pdf", &["-", "wrong_type", "other_page"]),
    ("circle.pdf", &["unreadable"]),
    ("xref-circle.pdf", &["unreadable"]),
    ("nested.pdf", &["unreadable", "too_large"]),
    ("content.pdf", &["revised", "unreadable", "too_large"]),
    ("cut.pdf", &["truncated"]),
    ("half", &["truncated"]),
    ("nested", &["-", "empty", "unreadable", "too_large", "other_page", "script_only"]),
    ("null", &["-", "empty", "other_page", "script_only", "unreadable"]),
    ("three-gib", &["too_large"]),
    ("endless", &["too_large"]),
    ("notebook.ipynb", &["unreadable", "truncated", "-"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_hostile_body_has_a_reason_and_no_copy_is_lost() {
    let links: Vec<String> =
        BODIES.iter().map(|(path, _)| format!("http://h-{}.test/{path}", path.replace('.', "-"))).collect();
    let hosts: Vec<String> = links.iter().map(|link| link.split('/').nth(2).unwrap().to_owned()).collect();
    let harness = Harness::start(hosts.into_iter().chain(["course.test".to_owned()]), move |night, seen| {
        let links: Vec<&str> = links.iter().map(String::as_str).collect();
        match (&*seen.host, &*seen.target) {
            ("course.test", "/") => Reply::page(&page_of(&links)),
            (_, "/" | "/robots.txt") => Reply::not_found(),
            (host, target) if night == 1 => {
                Reply::page(&article(&format!("The reading at http://{host}{target}")))
            }
            (_, target) => hostile(target),
        }
    })
    .await;
    harness.configure("[[course]]\nid = \"c\"\npage = \"http://course.test/\"\n");
    let path = harness.dir.path().join("onreserve.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("[fetch]\n", "[fetch]\nmax_document_mib = 4\n", 1)).unwrap();
    let first = harness.check(1).await;
    assert_eq!(first.states(), vec!["ok"; BODIES.len()], "{}", first.errors);
    let second = harness.check(2).await;
    for (path, reasons) in BODIES {
        let link = second.link(path);
        let reason = link["reason"].as_str().unwrap_or("-");
        assert!(reasons.contains(&reason), "{path}: {reason} in {link}");
        assert_eq!(link["capture"], first.link(path)["capture"], "{path} keeps its copy");
    }
    assert_eq!(harness.run(&["verify"]).await.0, 0);
}
