//! Small real PDFs: a title page's worth of text on every page.

use lopdf::content::{Content, Operation};
use lopdf::{Document, Object, Stream, StringFormat, dictionary};

const LINES_PER_PAGE: usize = 40;

/// A PDF of the given pages; equal arguments give equal bytes.
pub(super) fn make(title: &str, seed: u32, pages: u32) -> Vec<u8> {
    let mut pdf = Document::with_version("1.5");
    let root = pdf.new_object_id();
    let font =
        pdf.add_object(dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica" });
    let resources = pdf.add_object(dictionary! { "Font" => dictionary! { "F1" => font } });
    let kids: Vec<Object> = (0..pages)
        .map(|page| {
            let content = pdf.add_object(Stream::new(dictionary! {}, page_content(title, seed, page)));
            pdf.add_object(dictionary! { "Type" => "Page", "Parent" => root, "Contents" => content }).into()
        })
        .collect();
    let tree = dictionary! {
        "Type" => "Pages",
        "Kids" => kids,
        "Count" => i64::from(pages),
        "Resources" => resources,
        "MediaBox" => vec![0.into(), 0.into(), 612.into(), 792.into()],
    };
    pdf.objects.insert(root, Object::Dictionary(tree));
    let catalog = pdf.add_object(dictionary! { "Type" => "Catalog", "Pages" => root });
    let info = pdf.add_object(
        dictionary! { "Title" => Object::String(title.as_bytes().to_vec(), StringFormat::Literal) },
    );
    pdf.trailer.set("Root", catalog);
    pdf.trailer.set("Info", info);
    let mut bytes = Vec::new();
    // Writing into memory cannot fail; an empty file would show at once in the demo.
    let _ = pdf.save_to(&mut bytes);
    bytes
}

fn page_content(title: &str, seed: u32, page: u32) -> Vec<u8> {
    let text = |line: String| Operation::new("Tj", vec![Object::string_literal(line)]);
    let mut operations = vec![
        Operation::new("BT", vec![]),
        Operation::new("Tf", vec!["F1".into(), 11.into()]),
        Operation::new("TL", vec![16.into()]),
        Operation::new("Td", vec![72.into(), 720.into()]),
        text(if page == 0 { title.to_owned() } else { format!("{title}, continued") }),
    ];
    for line in 0..LINES_PER_PAGE {
        operations.push(Operation::new("T*", vec![]));
        operations.push(text(sentence(seed, page, u32::try_from(line).unwrap_or(0))));
    }
    operations.push(Operation::new("ET", vec![]));
    Content { operations }.encode().unwrap_or_default()
}

/// A sentence of the field's words, chosen by its place.
pub(super) fn sentence(seed: u32, page: u32, line: u32) -> String {
    const WORDS: &[&str] = &[
        "model",
        "latent",
        "density",
        "sample",
        "noise",
        "score",
        "prior",
        "posterior",
        "encoder",
        "decoder",
        "gradient",
        "likelihood",
        "bound",
        "flow",
        "diffusion",
        "attention",
        "token",
        "sequence",
        "kernel",
        "variance",
        "entropy",
        "step",
        "layer",
        "weight",
        "loss",
        "path",
        "field",
        "transport",
        "energy",
        "inference",
        "mixture",
        "manifold",
    ];
    let mut state =
        seed.wrapping_mul(0x9e37_79b9) ^ page.wrapping_mul(0x85eb_ca6b) ^ line.wrapping_mul(0xc2b2_ae35);
    let mut words = Vec::new();
    for _ in 0..10 {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        words.push(WORDS[(state % 32) as usize]);
    }
    let mut text = words.join(" ");
    text.push('.');
    text
}
