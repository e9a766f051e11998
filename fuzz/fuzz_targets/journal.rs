//! Lines of the journal, as they may be after damage.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onreserve::domain::journal::chain::{Chain, LinePlace, LineSeal, is_partly_sealed};
use onreserve::domain::journal::{Entry, Holdings};

fuzz_target!(|file: &[u8]| {
    let mut chain = Chain::whole();
    let mut holdings = Holdings::default();
    for (number, line) in file.split(|byte| *byte == b'\n').enumerate() {
        let place = || LinePlace { file: "journal".to_owned(), line: number as u64 + 1 };
        let _ = (chain.check(line, place), is_partly_sealed(line));
        if let Ok(entry) = serde_json::from_slice::<Entry>(line) {
            let _ = entry.blobs();
            holdings.add(&entry);
            // What is written of an entry is the same entry.
            let written = serde_json::to_vec(&entry).expect("an entry is written as JSON");
            let read: Entry = serde_json::from_slice(&written).expect("an entry is read from JSON");
            assert_eq!(read, entry);
            let (sealed, seal) = LineSeal::default().seal_next(&written);
            assert_eq!(LineSeal::of(&sealed), Some(seal), "a sealed line has its own seal");
        }
    }
    chain.close(u64::MAX);
});
