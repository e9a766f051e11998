//! Dates and weeks in the tables and headings of course pages.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &str)| {
    let (form, text) = input;
    let link = "<a href='https://a.example/x.pdf'>Flows</a>";
    let page = match form % 5 {
        0 => format!("<table><tr><th>Date<th>Reading<tr><td>{text}<td>{link}</table>"),
        1 => format!("<h2>{text}</h2><ul><li>{link}</ul>"),
        2 => format!("<ul><li>{text} {link}</ul>"),
        3 => format!("<dl><dt>{text}<dd>{link}</dl>"),
        _ => format!("<html lang='{text}'><p><b>{text}</b><p>{link}"),
    };
    onreserve_fuzz::course_page(page, "index.html");
});
