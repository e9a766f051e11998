//! `robots.txt` of any host.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onreserve::domain::address::Address;
use onreserve::domain::policy::robots::Rules;

fuzz_target!(|input: (&[u8], &str)| {
    let (file, path) = input;
    let rules = Rules::read(file);
    let _ = rules.crawl_delay();
    if let Ok(address) = onreserve_fuzz::address().join(path) {
        let _ = rules.allow(&address);
    }
    let file = Address::parse("https://a.example/robots.txt").expect("a valid address");
    assert!(rules.allow(&file), "the file itself is always allowed (RFC 9309 section 2.2.2)");
});
