use super::*;

fn article(title: &str, paragraphs: &[String]) -> Document {
    let body = paragraphs.join("</p><p>");
    let source = format!("<title>{title}</title><main><h1>{title}</h1><p>{body}</p></main>");
    let address = crate::domain::address::Address::parse("https://blog.example/p").unwrap();
    crate::domain::document::read(
        source.as_bytes(),
        &crate::domain::document::DocumentContext::new(address, None),
    )
}

/// Paragraphs of words that come from `seed`, so that different seeds share no run.
fn paragraphs(seed: usize, count: usize) -> Vec<String> {
    let word = |p: usize, w: usize| {
        format!("w{:x}", (seed * 1_000_003 + p * 8191 + w * 131).wrapping_mul(0x9e37_79b9) % 65_521)
    };
    (0..count).map(|p| (0..60).map(|w| word(p, w)).collect::<Vec<_>>().join(" ")).collect()
}

fn name(drift: &Drift) -> &'static str {
    match drift {
        Drift::First => "first",
        Drift::Same => "same",
        Drift::NotCompared => "not compared",
        Drift::Small(_) => "small",
        Drift::Different(_) => "different",
    }
}

fn drift(before: &[String], after: &[String]) -> Drift {
    compare(&article("A title", before), &article("A title", after))
}

#[test]
fn a_later_stamp_is_a_new_version() {
    let stamped = |stamp: &str, paragraphs: &[String]| {
        let mut document = article("Flows", paragraphs);
        document.citation.arxiv = Some(stamp.to_owned());
        document
    };
    let old: Vec<String> = (0..40).map(|n| format!("Sentence {n} about flows and their inverses.")).collect();
    let mut new = old.clone();
    new[3] = "Another sentence.".to_owned();
    let alarm = |stamp| match compare(&stamped("2103.04922v4", &old), &stamped(stamp, &new)) {
        Drift::Different(change) => change.alarm,
        Drift::First | Drift::Same | Drift::NotCompared | Drift::Small(_) => None,
    };
    assert_eq!(alarm("2103.04922v5"), Some(CriticalChange::NewVersion));
    assert_eq!(alarm("2103.04922v4"), None);
    assert_eq!(alarm("2103.04923v5"), None);
}

#[test]
fn small_edits_are_small_and_large_ones_are_changes() {
    let text = paragraphs(1, 20);
    assert_eq!(name(&drift(&text, &text)), "same");
    let mut typo = text.clone();
    typo[3] = typo[3].replacen('w', "typo", 1);
    assert_eq!(name(&drift(&text, &typo)), "small");
    let mut rewritten = text.clone();
    rewritten[4..8].clone_from_slice(&paragraphs(2, 4));
    let Drift::Different(change) = drift(&text, &rewritten) else { panic!("not reported") };
    assert!((200..=240).contains(&change.words_changed), "{change:?}");
    assert!((0.7..0.9).contains(&change.similarity), "{change:?}");
    assert_eq!(name(&drift(&text, &paragraphs(3, 20))), "different");
}

#[test]
fn moving_paragraphs_changes_nothing() {
    let text = paragraphs(1, 10);
    let mut moved = text.clone();
    moved.rotate_left(3);
    assert_eq!(name(&drift(&text, &moved)), "same");
}

#[test]
fn a_small_change_with_a_retraction_is_critical() {
    let text = paragraphs(1, 20);
    let before = article("On learning", &text);
    let Drift::Different(change) = compare(&before, &article("RETRACTED: On learning", &text)) else {
        panic!("not reported")
    };
    assert_eq!(change.alarm, Some(CriticalChange::Retracted));
}

#[test]
fn a_document_that_lost_most_of_its_words_has_shrunk() {
    let Drift::Different(change) = drift(&paragraphs(1, 20), &paragraphs(1, 4)) else {
        panic!("not reported")
    };
    assert_eq!(change.alarm, Some(CriticalChange::Shrunken));
}

fn pages(texts: &[&str]) -> Document {
    let pages = u32::try_from(texts.len()).ok();
    Document { text: texts.join("\n"), pages, ..Document::bare(Format::Pdf) }
}

#[test]
fn a_new_page_is_reported_unless_it_is_a_cover() {
    let work = [
        "the first page has these words and is about flows",
        "the second page is about scores and how to learn them",
        "the third page is about noise and samples of it",
    ];
    let [one, two, three] = work;
    let before = pages(&work);
    let added = "a fourth page with words that stand in none of the others";
    assert_eq!(name(&compare(&before, &pages(&[one, two, three, added]))), "different");
    assert_eq!(name(&compare(&before, &pages(&[one, three]))), "different");
    assert_eq!(name(&compare(&before, &pages(&[added, one, two, three]))), "small");
    let reflowed = [format!("{one} {two}"), three.to_owned()];
    assert_eq!(name(&compare(&before, &pages(&[&reflowed[0], &reflowed[1]]))), "small");
    // A page that differs from the others only by a number still counts as a page.
    let deck: Vec<String> =
        (1..5).map(|n| format!("step {n} of the proof is like the one before it")).collect();
    let deck: Vec<&str> = deck.iter().map(String::as_str).collect();
    assert_eq!(name(&compare(&pages(&deck), &pages(&deck[..3]))), "different");
}

#[test]
fn a_document_without_text_is_compared_by_its_parts() {
    use crate::domain::capture::Digest;
    use crate::domain::document::Contents;
    let scan = |marks: &[u8]| Document {
        pages: u32::try_from(marks.len()).ok(),
        contents: Some(Contents::Pages(marks.iter().map(|mark| Digest::of(&[*mark])).collect())),
        ..Document::bare(Format::Pdf)
    };
    assert_eq!(name(&compare(&scan(b"abc"), &scan(b"abc"))), "same");
    let Drift::Different(change) = compare(&scan(b"abc"), &scan(b"axc")) else { panic!("not reported") };
    assert_eq!(change.compared_by, ComparedBy::PageImages);
    assert_eq!(name(&compare(&scan(b"abc"), &scan(b"ab"))), "different");
    let bytes = |mark: u8| Document {
        contents: Some(Contents::Bytes(Digest::of(&[mark]))),
        ..Document::bare(Format::Other)
    };
    let Drift::Different(change) = compare(&bytes(1), &bytes(2)) else { panic!("not reported") };
    assert!(!change.is_replacement(), "other bytes say nothing of the work");
    assert_eq!(name(&compare(&scan(b"abc"), &bytes(1))), "not compared");
}

/// Lines times headings would be billions of comparisons here.
#[test]
fn many_headings_are_compared_in_linear_time() {
    let page = |seed: usize| {
        let headings: Vec<String> = (0..100_000).map(|n| format!("heading {n} of {seed}")).collect();
        Document { text: headings.join("\n"), headings, ..Document::bare(Format::Html) }
    };
    let change = change(&page(1), &page(2));
    assert_eq!((change.words_changed, change.section), (400_000, None));
}

#[test]
fn a_change_behind_the_kept_part_of_a_text_is_measured() {
    let read = |lines: &[String]| {
        let whole = Document { text: lines.join("\n"), ..Document::bare(Format::Text) };
        whole.shortened(20_000)
    };
    let text: Vec<String> =
        (0..2000).map(|n| format!("line {n} has {} in a long list of words", n * 7)).collect();
    let old = read(&text);
    assert_eq!(name(&compare(&old, &read(&text))), "same");
    let mut typo = text.clone();
    typo[1990].push_str(" typo");
    assert_eq!(name(&compare(&old, &read(&typo))), "small");
    let mut rewritten = text.clone();
    for line in &mut rewritten[1000..] {
        *line = line.replace("line", "row").replace("long list", "short table");
    }
    let Drift::Different(change) = compare(&old, &read(&rewritten)) else { panic!("not reported") };
    assert_eq!((change.words_before, change.words_after), (20_000, 20_000));
    assert!((5000..15_000).contains(&change.words_changed), "{change:?}");
    assert!((0.3..0.8).contains(&change.similarity), "{change:?}");
    let Drift::Different(change) = compare(&old, &read(&text[..500])) else { panic!("not reported") };
    assert_eq!(change.alarm, Some(CriticalChange::Shrunken));
}

#[test]
fn slow_drift_is_measured_from_the_accepted_version() {
    let text = paragraphs(1, 20);
    let mut drifted = text.clone();
    let mut names = Vec::new();
    for night in 0..20 {
        drifted[night] = format!("new words number {night} here {}", drifted[night]);
        names.push(name(&drift(&text, &drifted)));
    }
    assert_eq!(names[0], "small");
    assert_eq!(names[19], "different");
}
