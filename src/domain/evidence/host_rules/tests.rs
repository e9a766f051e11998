use super::*;

fn manners_of(text: &str) -> HostRules {
    rules_for(&Address::parse(text).unwrap())
}

fn document(text: &str) -> Option<String> {
    manners_of(text).document.map(String::from)
}

fn assert_documents(rows: &[(&str, &str)]) {
    for (page, expected) in rows {
        assert_eq!(document(page).as_deref(), Some(*expected), "{page}");
    }
}

#[test]
fn each_rule_leads_from_the_page_to_its_document() {
    let rows = [
        ("https://arxiv.org/abs/1706.03762v5", "https://arxiv.org/pdf/1706.03762v5"),
        ("https://arxiv.org/html/2103.04922", "https://arxiv.org/pdf/2103.04922"),
        ("https://arxiv.org/abs/cs/9901001", "https://arxiv.org/pdf/cs/9901001"),
        ("https://openreview.net/forum?id=rJl0r3R9KX", "https://openreview.net/pdf?id=rJl0r3R9KX"),
        ("https://proceedings.mlr.press/v139/x21a.html", "https://proceedings.mlr.press/v139/x21a/x21a.pdf"),
        (
            "https://openaccess.thecvf.com/content_CVPR_2019/html/K_A_CVPR_2019_paper.html",
            "https://openaccess.thecvf.com/content_CVPR_2019/papers/K_A_CVPR_2019_paper.pdf",
        ),
        (
            "https://proceedings.neurips.cc/paper/2020/hash/4c5b-Abstract.html",
            "https://proceedings.neurips.cc/paper/2020/file/4c5b-Paper.pdf",
        ),
        (
            "https://papers.nips.cc/paper_files/paper/2022/hash/9a-Abstract-Conference.html",
            "https://papers.nips.cc/paper_files/paper/2022/file/9a-Paper-Conference.pdf",
        ),
        ("https://aclanthology.org/2020.acl-main.1/", "https://aclanthology.org/2020.acl-main.1.pdf"),
        ("https://www.aclweb.org/anthology/P18-1001", "https://aclanthology.org/P18-1001.pdf"),
        ("https://jmlr.org/papers/v15/s14a.html", "https://jmlr.org/papers/volume15/s14a/s14a.pdf"),
        (
            "https://github.com/o/r/blob/main/a/b.ipynb",
            "https://raw.githubusercontent.com/o/r/main/a/b.ipynb",
        ),
        (
            "https://colab.research.google.com/github/o/r/blob/main/b.ipynb",
            "https://raw.githubusercontent.com/o/r/main/b.ipynb",
        ),
        (
            "https://colab.research.google.com/drive/1AbC",
            "https://drive.google.com/uc?export=download&id=1AbC",
        ),
        (
            "https://nbviewer.org/github/o/r/blob/main/b.ipynb",
            "https://raw.githubusercontent.com/o/r/main/b.ipynb",
        ),
        ("https://drive.google.com/file/d/9Zz/view", "https://drive.google.com/uc?export=download&id=9Zz"),
        (
            "https://docs.google.com/presentation/d/7x/edit#slide=1",
            "https://docs.google.com/presentation/d/7x/export/pdf",
        ),
        (
            "https://docs.google.com/document/d/7x/edit",
            "https://docs.google.com/document/d/7x/export?format=pdf",
        ),
    ];
    assert_documents(&rows);
}

#[test]
fn code_hosts_and_shared_drives_lead_from_the_page_to_the_file() {
    let rows = [
        ("https://github.com/o/r/blob/main/a.py", "https://raw.githubusercontent.com/o/r/main/a.py"),
        ("https://gist.github.com/o/0a1b", "https://gist.githubusercontent.com/o/0a1b/raw"),
        (
            "https://colab.research.google.com/gist/o/0a1b/x.ipynb",
            "https://gist.githubusercontent.com/o/0a1b/raw",
        ),
        ("https://nbviewer.org/url/people.edu/~lab/six.ipynb", "http://people.edu/~lab/six.ipynb"),
        ("https://nbviewer.org/urls/people.edu/six.ipynb", "https://people.edu/six.ipynb"),
        ("https://gitlab.com/o/r/-/blob/main/a.ipynb", "https://gitlab.com/o/r/-/raw/main/a.ipynb"),
        ("https://git.uni.edu/o/r/-/blob/main/a.pdf", "https://git.uni.edu/o/r/-/raw/main/a.pdf"),
        ("https://huggingface.co/o/m/blob/main/a.pdf", "https://huggingface.co/o/m/resolve/main/a.pdf"),
        ("https://drive.google.com/open?id=1Ab", "https://drive.google.com/uc?export=download&id=1Ab"),
        (
            "https://drive.google.com/file/u/2/d/1Ab/view",
            "https://drive.google.com/uc?export=download&id=1Ab",
        ),
        (
            "https://docs.google.com/presentation/u/1/d/7x/edit",
            "https://docs.google.com/presentation/d/7x/export/pdf",
        ),
        ("https://www.dropbox.com/s/a/b.pdf?dl=0", "https://www.dropbox.com/s/a/b.pdf?dl=1"),
        (
            "https://www.dropbox.com/scl/fi/a/b.pdf?rlkey=k&dl=0",
            "https://www.dropbox.com/scl/fi/a/b.pdf?rlkey=k&dl=1",
        ),
        ("https://uni.sharepoint.com/:b:/g/x?e=1", "https://uni.sharepoint.com/:b:/g/x?e=1&download=1"),
        (
            "https://zenodo.org/records/2/preview/t.pptx?include_deleted=0",
            "https://zenodo.org/records/2/files/t.pptx?download=1",
        ),
    ];
    assert_documents(&rows);
}

#[test]
fn pages_without_a_document_have_none() {
    for page in [
        "https://arxiv.org/pdf/1706.03762",
        "https://arxiv.org/",
        "https://github.com/o/r",
        "https://github.com/o/r/tree/main/a",
        "https://docs.google.com/presentation/d/e/2PACX/pub",
        "https://drive.google.com/uc?export=download&id=1Ab",
        "https://aclanthology.org/P18-1001.pdf",
        "https://example.edu/abs/1",
    ] {
        assert_eq!(document(page), None, "{page}");
    }
}

#[test]
fn every_form_of_a_video_address_has_the_same_interface_address() {
    let forms = [
        "https://www.youtube.com/watch?v=abc&t=90s",
        "https://youtu.be/abc?t=3",
        "https://www.youtube.com/embed/abc",
        "https://m.youtube.com/shorts/abc",
        "https://www.youtube.com/live/abc",
    ];
    let expected =
        "https://www.youtube.com/oembed?format=json&url=https%3A%2F%2Fwww.youtube.com%2Fwatch%3Fv%3Dabc";
    for form in forms {
        let host_api = manners_of(form).host_api.map(|host_api| String::from(host_api.address));
        assert_eq!(host_api.as_deref(), Some(expected), "{form}");
    }
    assert!(manners_of("https://www.youtube.com/@channel").host_api.is_none());
    assert!(manners_of("https://www.youtube.com/embed/live_stream?channel=UC1").host_api.is_none());
    let playlist = manners_of("https://www.youtube.com/embed/videoseries?list=PL1").host_api.unwrap();
    assert!(playlist.address.as_str().ends_with("playlist%3Flist%3DPL1"), "{}", playlist.address);
    assert!(manners_of("https://vimeo.com/1234").host_api.is_some());
    assert!(manners_of("https://vimeo.com/about").host_api.is_none());
}

#[test]
fn resolvers_redirect_by_design() {
    assert!(manners_of("https://doi.org/10.1000/182").redirects_by_design);
    assert!(!manners_of("https://example.edu/10.1000/182").redirects_by_design);
}

#[test]
fn short_addresses_are_recognised_by_their_form() {
    for address in ["https://sh.example/w7", "https://go.example.edu/syllabus", "https://forms.gle/abcDEF"] {
        assert!(manners_of(address).looks_shortened, "{address}");
    }
    for address in ["https://sh.example/notes.pdf", "https://sh.example/a/b", "https://lab.example.edu/w7"] {
        assert!(!manners_of(address).looks_shortened, "{address}");
    }
}

fn page(address: &str, source: &str) -> Document {
    let context = crate::domain::document::DocumentContext::new(Address::parse(address).unwrap(), None);
    crate::domain::document::read(source.as_bytes(), &context)
}

fn note(address: &str, source: &str) -> Option<Note> {
    manners_of(address).note.and_then(|note| note(&Address::parse(address).unwrap(), &page(address, source)))
}

fn says(address: &str, source: &str) -> Option<PageStatement> {
    manners_of(address).statement.and_then(|says| says(&page(address, source)))
}

#[test]
fn a_video_is_not_started_after_its_end() {
    let player =
        r#"<!doctype html><script>var p = {"videoDetails":{"lengthSeconds":"754"}}</script><p>A talk"#;
    for (start, note_there) in [
        ("t=753", false),
        ("t=754s", false),
        ("t=755", true),
        ("t=12m35s", true),
        ("t=1h", true),
        ("t=x", false),
        ("v=1", false),
    ] {
        let address = format!("https://www.youtube.com/watch?v=abc&{start}");
        assert_eq!(note(&address, player).is_some(), note_there, "{start}");
    }
}

#[test]
fn statements_of_hosts_are_read() {
    let gone = r#"<!doctype html><script>{"playabilityStatus":{"status":"ERROR","reason":"x"}}</script>"#;
    assert_eq!(says("https://youtu.be/abc", gone), Some(PageStatement::Missing));
    let withdrawn =
        "<!doctype html><main><p>This version of 2101.1 has been withdrawn and is unavailable</main>";
    assert_eq!(says("https://arxiv.org/pdf/2101.1", withdrawn), Some(PageStatement::Withdrawn));
    let archived =
        "<!doctype html><main><div>This repository was archived by the owner on Mar 3, 2023.</div></main>";
    assert_eq!(note("https://github.com/o/r", archived), Some(Note::RepositoryArchived));
    assert_eq!(note("https://github.com/o/r", "<!doctype html><main><p>A tool.</main>"), None);
}
