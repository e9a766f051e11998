//! Bodies of the simulated web: works, and other pages in their place.

use std::fmt::Write as _;

/// Enough words that two texts with different seeds share no run of four.
const WORDS: &[&str] = &[
    "model",
    "data",
    "latent",
    "token",
    "gradient",
    "network",
    "sample",
    "loss",
    "attention",
    "layer",
    "vector",
    "noise",
    "prior",
    "posterior",
    "encoder",
    "decoder",
    "likelihood",
    "training",
    "diffusion",
    "score",
    "flow",
    "sequence",
    "audio",
    "image",
    "text",
    "policy",
    "reward",
    "estimate",
    "variance",
    "bound",
    "step",
    "kernel",
    "spectrum",
    "codec",
    "melody",
    "prompt",
    "context",
    "head",
    "residual",
    "norm",
    "weight",
    "batch",
    "epoch",
    "matrix",
    "graph",
    "proof",
    "lemma",
    "margin",
    "chain",
    "tree",
];

/// Sentences that depend only on the seed.
pub(crate) fn sentences(seed: &str, count: usize) -> Vec<String> {
    let mut state = seed.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut word = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        WORDS[usize::try_from(state % WORDS.len() as u64).unwrap()]
    };
    (0..count).map(|_| format!("{}.", (0..12).map(|_| word()).collect::<Vec<_>>().join(" "))).collect()
}

pub(crate) fn prose(seed: &str, count: usize) -> String {
    sentences(seed, count).join(" ")
}

/// The sentences of a work of which `percent` are rewritten.
fn edited(seed: &str, count: usize, percent: usize) -> Vec<String> {
    let other = sentences(&format!("{seed} anew"), count);
    let is_new = |n: &usize| (n * 37 + 11) % 100 < percent;
    sentences(seed, count)
        .into_iter()
        .enumerate()
        .map(|(n, old)| if is_new(&n) { other[n].clone() } else { old })
        .collect()
}

/// The number after a name: `edit40` is 40 for `edit`.
fn number(change: &str, name: &str) -> Option<usize> {
    change.strip_prefix(name)?.parse().ok()
}

/// The parts of an article that changes affect.
struct Article {
    title: String,
    head: String,
    above: String,
    sentences: Vec<String>,
    below: String,
    around: String,
}

/// An article under `title`, with changes; `look` differs at every request, `night` every night.
pub(crate) fn article(title: &str, changes: &[&str], night: usize, look: usize) -> String {
    let count = changes.iter().find_map(|change| number(change, "long")).unwrap_or(50);
    let percent = changes.iter().find_map(|change| number(change, "edit")).unwrap_or(0);
    let mut it = Article {
        title: title.to_owned(),
        head: String::new(),
        above: String::new(),
        sentences: edited(title, count, percent),
        below: String::new(),
        around: "<footer>Copyright 2026</footer>".to_owned(),
    };
    let mut theme = false;
    for change in changes {
        theme |= *change == "theme";
        alter(&mut it, change, night, look);
    }
    let paragraphs: Vec<String> =
        it.sentences.chunks(5).map(|chunk| format!("<p>{}</p>", chunk.join(" "))).collect();
    let Article { title, head, above, below, around, .. } = it;
    let body = format!("<h1>{title}</h1>{above}{}{below}", paragraphs.join("\n"));
    let page = if theme {
        format!(
            "<div class=top><a href=/>Home</a> <a href=/b>Blog</a></div><div class=post>{body}</div>{around}"
        )
    } else {
        format!(
            "<header><nav>Home Archive About</nav></header><main><article>{body}</article></main>{around}"
        )
    };
    let page = format!(
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>{title}</title>{head}</head><body>{page}</body></html>"
    );
    if changes.contains(&"cut") { page[..page.len() / 2].to_owned() } else { page }
}

fn alter(it: &mut Article, change: &str, night: usize, look: usize) {
    let comments = |n: usize| {
        let one = |n: usize| format!("<p>{}</p>", prose(&format!("comment {n}"), 3));
        (0..n).map(one).collect::<String>()
    };
    match change {
        "token" => it.head = format!("<meta name=csrf content='{look:032x}'><!-- made in 0.{look} s -->"),
        "views" => it.above = format!("<p>{} views</p><p>{} min read</p>", 1000 * night + 204, 11 + night),
        "clock" => it.below = format!("<p>Served in 0.{look} s at {night}:{look}</p>"),
        "updated" => it.above = format!("<p>Last updated {night} Nov 2026</p><p>{night} days ago</p>"),
        "year" => it.around = format!("<footer>Copyright {}</footer>", 2026 + night),
        "ad" => it.above = format!("<div class=ad-slot>{}</div>", prose(&format!("ad {look}"), 5)),
        "nameless_ad" => it.above = format!("<div class=x17>{}</div>", prose(&format!("ad {look}"), 4)),
        "quote" => it.above = format!("<blockquote>{}</blockquote>", prose(&format!("day {night}"), 4)),
        "related" => it.below = format!("<div class=related-posts><ul>{}</ul></div>", comments(look % 7)),
        "comments" => it.below = format!("<div class=comments-area>{}</div>", comments(2 * night)),
        "next_post" => it.around = format!("<aside>{}</aside>", prose(&format!("next {night}"), 4)),
        "email" => it.above = format!("<a href='/cdn-cgi/l/email-protection#{look:x}'>[email protected]</a>"),
        "images" => it.above = format!("<img src='/f.png?sig={look}' alt='a figure'>"),
        "accessed" => it.below = format!("<p>Accessed {night} Nov 2026</p>"),
        "cited" => it.below = format!("<p>Cited by ({})</p>", 12 + night),
        "cookies" => it.around = "<div class=cookie-banner>We use cookies. Accept all</div>".into(),
        "list" => {
            let mut items = sentences(&it.title, 20);
            items.rotate_left((look * 7) % 20);
            it.below = format!("<ul><li>{}</li></ul>", items.join("</li><li>"));
        }
        "typo" => it.sentences[7] = it.sentences[7].replacen(' ', "s ", 1),
        "retracted" => it.title = format!("RETRACTED: {}", it.title),
        "notice" => it.above = "<p>This article has been retracted.</p>".into(),
        "teaser" => {
            it.sentences.truncate(6);
            it.below = "<p>Subscribe to read the full article.</p>".into();
        }
        "member" => {
            it.sentences.truncate(8);
            it.above = "<p>Member-only story</p>".into();
        }
        "half" => it.sentences.truncate(20),
        "login_box" => it.around = "<form><input name=u><input type=password></form>".into(),
        "not_found_words" => it.below = "<p>Sorry, this page could not be found.</p>".into(),
        "withdrawn" => it.above = "<p>This paper has been withdrawn by A. Author</p>".into(),
        "spam" => {
            let link = |n: usize| format!("<a href='https://pills{n}.example/'>viagra casino {n}</a> ");
            let links: String = (0..20).map(link).collect();
            it.around = format!("<div style='position:absolute;left:-9999px'>{links}</div>");
        }
        "cut" | "theme" => {}
        other if number(other, "edit").or(number(other, "long")).is_some() => {}
        other => panic!("`{other}` is not a change of an article"),
    }
}

/// A landing page that names its document.
pub(crate) fn landing(title: &str, document: &str, changes: &[&str]) -> String {
    let marks = format!(
        "<meta name=citation_title content='{title}'><meta name=citation_pdf_url content='{document}'></head>"
    );
    article(title, &[&["long15"], changes].concat(), 1, 1).replacen("</head>", &marks, 1)
}

/// A page with a title and a few words.
pub(crate) fn notice(title: &str, words: &str) -> String {
    format!(
        "<!doctype html><html><head><meta charset=utf-8><title>{title}</title></head><body><h1>{title}</h1><p>{words}</p></body></html>"
    )
}

/// A PDF of a work, with changes.
pub(crate) fn pdf(title: &str, changes: &[&str], night: usize, look: usize) -> Vec<u8> {
    let find = |name: &str| changes.iter().find_map(|change| number(change, name));
    let (count, anew) = (find("pages").unwrap_or(4), find("anew").unwrap_or(0));
    let width = find("width").unwrap_or(9);
    let has = |name: &str| changes.contains(&name);
    let stamp = |page: usize| match () {
        () if has("stamp") => Some(format!("Downloaded on {night} Nov 2026 by 10.0.0.{look}")),
        () if has("licence") => Some(format!("Licensed to guest {look} on {night} Nov 2026, page {page}")),
        () => find("arxiv").map(|version| format!("arXiv:2103.04922v{version} [cs.LG] {night} Nov 2026")),
    };
    let mut pages: Vec<Vec<String>> = (0..count)
        .map(|page| {
            let seed = format!("{title} {page}{}", if page < anew { " anew" } else { "" });
            let text = prose(&seed, 25);
            let words: Vec<&str> = text.split(' ').collect();
            let mut lines = vec![title.to_owned()];
            lines.extend(words.chunks(width).map(|line| line.join(" ")));
            lines.extend(stamp(page));
            lines
        })
        .collect();
    if has("cover") {
        let day = format!("This content downloaded from 10.0.0.{night} on Mon, {night} Nov 2026");
        pages.insert(0, vec![title.to_owned(), format!("Accessed: {night}-11-2026"), day]);
    }
    if has("scan") {
        pages.iter_mut().for_each(Vec::clear);
    }
    if has("removed") {
        pages = vec![vec!["This document has been removed.".to_owned()]];
    }
    if has("typo") {
        pages[1][3] = pages[1][3].replacen(' ', "s ", 1);
    }
    let bytes = written(&pages, &format!("<< /Producer (pdfTeX {look}) >>"));
    if has("cut") { bytes[..bytes.len() / 2].to_vec() } else { bytes }
}

fn written(pages: &[Vec<String>], info: &str) -> Vec<u8> {
    let first = 5;
    let kids: Vec<String> = (0..pages.len()).map(|n| format!("{} 0 R", first + 2 * n)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
        info.to_owned(),
    ];
    for (n, lines) in pages.iter().enumerate() {
        let shown = lines.join(") Tj T* (");
        let content = format!("BT /F1 12 Tf 14 TL 72 740 Td ({shown}) Tj ET");
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {} 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
            first + 2 * n + 1
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
    let mut file = "%PDF-1.5\n".to_owned();
    let mut places = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        places.push(file.len());
        write!(file, "{} 0 obj\n{object}\nendobj\n", number + 1).unwrap();
    }
    let (start, size) = (file.len(), objects.len() + 1);
    write!(file, "xref\n0 {size}\n0000000000 65535 f \n").unwrap();
    for place in places {
        writeln!(file, "{place:010} 00000 n ").unwrap();
    }
    write!(file, "trailer\n<< /Size {size} /Root 1 0 R /Info 4 0 R >>\nstartxref\n{start}\n%%EOF\n").unwrap();
    file.into_bytes()
}

/// An archive with one file of a work, with changes.
pub(crate) fn zip(title: &str, changes: &[&str]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file("lab/a.py", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut writer, prose(title, 60).as_bytes()).unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    if changes.contains(&"cut") { bytes[..bytes.len() / 2].to_vec() } else { bytes }
}

/// A picture that an editor saves with the time of the night.
pub(crate) fn png(title: &str, night: usize) -> Vec<u8> {
    let mut packed = flate2::write::ZlibEncoder::new(
        Vec::new(),
        flate2::Compression::new(u32::try_from(night % 10).unwrap()),
    );
    std::io::Write::write_all(&mut packed, format!("\0{:16.16}", title.replace(' ', "")).as_bytes()).unwrap();
    let header = [0, 0, 0, 16, 0, 0, 0, 1, 8, 0, 0, 0, 0];
    let chunks = [
        (b"IHDR", header.to_vec()),
        (b"tEXt", format!("Software\0Editor {night}").into_bytes()),
        (b"IDAT", packed.finish().unwrap()),
        (b"IEND", Vec::new()),
    ];
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in chunks {
        bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        bytes.extend(kind);
        bytes.extend(&data);
        bytes.extend([0; 4]);
    }
    bytes
}

/// A PostScript file that was made on the day of the night.
pub(crate) fn ps(title: &str, night: usize) -> Vec<u8> {
    format!(
        "%!PS-Adobe-3.0\n%%CreationDate: {night} Nov 2026\n72 700 moveto ({title}) show\nshowpage\n%%EOF\n"
    )
    .into_bytes()
}

pub(crate) fn notebook(title: &str, changes: &[&str], look: usize) -> String {
    let cell = |n: usize| {
        let anew = if changes.contains(&"anew") && n == 4 {
            "sampler.run(steps=20, seed=7)\\n\", \"plot(sampler.trace, style=3)\\n\", \"other.step"
        } else {
            "flow.step"
        };
        format!(
            r#"{{"cell_type": "code", "execution_count": {look}, "metadata": {{}}, "outputs": [{{"text": "{look}"}}], "source": ["x{n} = {anew}({n}, rate=0.{n})\n", "print(x{n})"]}}"#
        )
    };
    let cells: Vec<String> = (0..10).map(cell).collect();
    format!(
        r##"{{"nbformat": 4, "metadata": {{"kernel": "{look}"}}, "cells": [{{"cell_type": "markdown", "source": ["# {title}"]}}, {}]}}"##,
        cells.join(", ")
    )
}
