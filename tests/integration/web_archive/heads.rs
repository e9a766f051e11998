//! Heads in the journal, and in the blobs of archives of earlier versions.

use std::fs;

use super::{archived, export, kinds, records};
use crate::engines;
use crate::harness::Harness;
use crate::heads_in_blobs::move_heads_to_blobs;

/// The HTTP messages of an export, with what they are about.
async fn messages(harness: &Harness, name: &str) -> Vec<(String, String)> {
    let records = records(&fs::read(export(harness, &["warc", "--course", "c"], name).await).unwrap());
    let of = kinds(&records);
    let blocks = records.iter().map(|record| String::from_utf8_lossy(&record.block).into_owned());
    let about = of.iter().map(|(kind, target)| format!("{kind} {target}"));
    // The first record has the time of the export.
    about.zip(blocks).skip(1).collect()
}

#[tokio::test]
async fn heads_in_the_journal_and_in_blobs_are_exported_alike() {
    let (harness, _) = archived().await;
    let sums = String::from_utf8(engines::read_file(&harness.archive(), "SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), 5, "a course page, a picture, a file and two versions of a page");
    let new = messages(&harness, "new.warc.gz").await;
    let blobs = move_heads_to_blobs(&harness).await;
    assert_eq!(blobs.len(), 5);
    assert_eq!(messages(&harness, "old.warc.gz").await, new);

    // A blob of heads is a file like all others.
    let backup = harness.dir.path().join("backup");
    let (code, output) = harness.run(&["backup", backup.to_str().unwrap()]).await;
    assert_eq!(code, 0, "{output}");
    engines::remove_file(&harness.archive(), &engines::blob(blobs[0]));
    let (code, output) = harness.run(&["verify"]).await;
    assert!(code == 1 && output.contains(&blobs[0].to_string()), "{output}");
    let (code, output) = harness.run(&["restore", backup.to_str().unwrap(), "--missing"]).await;
    assert_eq!(code, 0, "{output}");
    assert_eq!(harness.run(&["verify"]).await.0, 0);
    assert_eq!(messages(&harness, "restored.warc.gz").await, new);

    // The next night stores copies of today beside those of the earlier version.
    let night = harness.check(4).await;
    assert!(night.links().iter().any(|link| link["capture"].is_object()), "{:#}", night.json);
    assert_eq!(messages(&harness, "both.warc.gz").await, new);
}
