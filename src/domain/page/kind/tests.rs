use super::*;

fn kind(address: &str, words: &str, heading: &str) -> Kind {
    in_column(address, words, heading, "")
}

fn in_column(address: &str, words: &str, heading: &str, column: &str) -> Kind {
    let page = Address::parse("https://school.edu/course/index.html").unwrap();
    let headings = [heading.to_owned()];
    of(&LinkFeatures {
        address: &Address::parse(address).unwrap(),
        words,
        headings: &headings,
        row: words,
        column,
        page: Some(&page),
        rules: &[KindRule { pattern: "distill.pub".to_owned(), kind: Kind::Paper }],
    })
}

#[test]
fn a_kind_is_decided_by_words_file_address_column_and_place() {
    let rows = [
        ("https://arxiv.org/abs/1706.03762", "Attention", "Readings", Kind::Paper),
        ("https://lab.edu/x.pdf", "A study of x", "Readings", Kind::Paper),
        ("https://lab.edu/x.pdf", "A study of x", "Lecture 3", Kind::Paper),
        ("https://lab.edu/x.pdf", "Slides of the talk", "Readings", Kind::Slides),
        ("https://school.edu/course/3_transformers.pdf", "Transformers", "Slides", Kind::Slides),
        ("https://school.edu/course/midterm.pdf", "Midterm 2025", "Lecture 3", Kind::Other),
        ("https://school.edu/course/hw1_sol.pdf", "Solutions", "Slides", Kind::Other),
        ("https://lab.edu/n.ipynb", "n", "", Kind::Notebook),
        ("https://colab.research.google.com/drive/1", "n", "", Kind::Notebook),
        ("https://youtu.be/abc", "talk", "", Kind::Video),
        ("https://github.com/o/r", "code", "", Kind::Code),
        ("https://github.com/o", "o", "", Kind::Other),
        ("https://docs.github.com/en/pages", "Pages", "", Kind::Article),
        ("https://github.com/o/r/blob/main/train.py", "code", "", Kind::Code),
        ("https://github.com/o/r/blob/main/notes.pdf", "A study of x", "Readings", Kind::Paper),
        ("https://gitlab.com/o/r/-/raw/main/talk.pdf", "Slides", "", Kind::Slides),
        ("https://lab.edu/llama.pdf", "Facebook's LLaMA paper", "Readings", Kind::Paper),
        ("https://arxiv.org/abs/2002.08155", "A model for code", "Readings", Kind::Paper),
        ("https://lab.edu/s.pdf", "Bits of an octet stream", "Readings", Kind::Paper),
        ("https://lab.edu/b.pdf", "Book: chapter 3", "Readings", Kind::Book),
        ("https://lab.edu/b.pdf", "The x textbook", "Readings", Kind::Book),
        ("https://school.edu/course2/week2.html", "Week 2", "", Kind::Article),
        ("https://school.edu:8080/course/week2.html", "Week 2", "", Kind::Article),
        ("https://www.deeplearningbook.org/", "Deep Learning", "", Kind::Book),
        ("https://blog.example/p/1", "Understanding x", "", Kind::Article),
        ("https://distill.pub/2019/x", "x", "", Kind::Paper),
        ("https://school.edu/course/week2.html", "Week 2", "", Kind::CoursePage),
        ("https://lab.edu/data.zip", "data", "", Kind::Other),
        ("https://peerj.com/articles/1/", "Trees", "", Kind::Paper),
        ("https://school.hosted.panopto.com/Panopto/Pages/Viewer.aspx?id=1", "Trees", "", Kind::Video),
    ];
    for (address, words, heading, expected) in rows {
        assert_eq!(kind(address, words, heading), expected, "{address} {words}");
    }
}

#[test]
fn a_column_gives_the_kind_of_its_links() {
    for (column, address, expected) in [
        ("Deck", "https://drive.google.com/file/d/2y/view", Kind::Slides),
        ("Recording", "https://streams.school.edu/m/1", Kind::Video),
        ("Papers", "https://lab.edu/doc/7", Kind::Paper),
        ("Source", "https://git.school.edu/merge", Kind::Code),
        ("Folien", "https://school.edu/course/radix/", Kind::Slides),
        ("Readings", "https://lab.edu/doc/7", Kind::Article),
    ] {
        assert_eq!(in_column(address, "2", "", column), expected, "{column}");
    }
}

#[test]
fn every_host_has_a_kind() {
    for line in include_str!("hosts.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (kind, pattern) = line.split_once(' ').unwrap();
        assert!(words::kind_named(kind).is_some(), "{line}");
        assert!(!pattern.contains("//") && !pattern.ends_with('/'), "{line}");
    }
}
