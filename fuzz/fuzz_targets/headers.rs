//! Values of response headers that are parsed.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use onreserve::domain::document::{DocumentContext, html};
use onreserve::domain::filename;
use onreserve::domain::policy::politeness;

fuzz_target!(|value: &str| {
    let now = Timestamp::from_second(1_780_000_000).expect("a valid time");
    let _ = politeness::retry_after(value, now);
    let _ = politeness::is_challenge(|_| Some(value));
    let address = onreserve_fuzz::address();
    let _ = html::refresh_target(value, &address);
    let _ = html::decode(b"caf\xc3\xa9 \x1b$B", Some(value));
    let _ = onreserve::domain::document::read(b"<p>x", &DocumentContext::new(address.clone(), Some(value)));
    let name = filename::best(&filename::Facts {
        disposition: Some(value),
        addresses: &[&address],
        title: Some(value),
        words: Some(value),
        ending: Some("pdf"),
    });
    assert!(name.len() <= 255, "file systems allow 255 bytes");
    assert!(!name.contains(['/', '\\', '\0', '\n']), "{name:?} is one plain name");
    assert!(name != "." && name != "..");
    let header = filename::attachment(&name, true);
    assert!(!header.contains(['\r', '\n']), "one header line");
    let given = filename::given(&header).expect("our own header has a name");
    assert_eq!(given, name);
});
