//! Small valid PDFs with a few lines of text on every page.

const LINES_PER_PAGE: u32 = 40;
/// Catalog, page tree, font and information come before the pages.
const FIRST_PAGE: u32 = 5;

/// A PDF of the given pages; equal arguments give equal bytes.
pub(super) fn make(title: &str, seed: u32, pages: u32) -> Vec<u8> {
    let kids: Vec<String> = (0..pages).map(|page| format!("{} 0 R", FIRST_PAGE + 2 * page)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!(
            "<< /Type /Pages /Kids [{}] /Count {pages} /MediaBox [0 0 612 792] \
             /Resources << /Font << /F1 3 0 R >> >> >>",
            kids.join(" ")
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
        format!("<< /Title ({}) >>", escaped(title)),
    ];
    for page in 0..pages {
        let content = page_content(title, seed, page);
        objects.push(format!("<< /Type /Page /Parent 2 0 R /Contents {} 0 R >>", FIRST_PAGE + 2 * page + 1));
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
    file(&objects)
}

/// The objects, numbered from 1 on, with the table that says where each begins.
fn file(objects: &[String]) -> Vec<u8> {
    let mut file = "%PDF-1.5\n".to_owned();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (number, object) in (1..).zip(objects) {
        table += &format!("{:010} 00000 n \n", file.len());
        file += &format!("{number} 0 obj\n{object}\nendobj\n");
    }
    let start = file.len();
    let size = objects.len() + 1;
    file +=
        &format!("{table}trailer\n<< /Size {size} /Root 1 0 R /Info 4 0 R >>\nstartxref\n{start}\n%%EOF\n");
    file.into_bytes()
}

fn page_content(title: &str, seed: u32, page: u32) -> String {
    let head = if page == 0 { title.to_owned() } else { format!("{title}, continued") };
    let mut content = format!("BT\n/F1 11 Tf\n16 TL\n72 720 Td\n({}) Tj\n", escaped(&head));
    for line in 0..LINES_PER_PAGE {
        content += &format!("T*\n({}) Tj\n", sentence(seed, page, line));
    }
    content + "ET"
}

/// Parentheses and backslashes have a meaning in a string of a PDF.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, c| {
        if matches!(c, '(' | ')' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
        escaped
    })
}

/// A sentence of words from the field; the arguments choose them.
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
