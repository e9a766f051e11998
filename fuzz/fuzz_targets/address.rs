//! Addresses as authors write them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onreserve::domain::address::Address;
use onreserve::domain::page::bare_addresses;

fuzz_target!(|text: &str| {
    let base = onreserve_fuzz::address();
    for address in [Address::parse(text), base.join(text)].into_iter().flatten() {
        let again = Address::parse_stored(address.as_str()).expect("what is stored can be read");
        assert_eq!(again, address);
        assert!(address.is_canonically(&address));
        let root = address.root();
        assert_eq!(root.host(), address.host());
        let _ = (address.literal_ip(), address.without_query(), address.file_path());
    }
    for found in bare_addresses(text) {
        assert!(text.get(found.range.clone()).is_some(), "a range of whole characters");
    }
});
