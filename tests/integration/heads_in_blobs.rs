//! Makes the archive of a harness one of an earlier version, in which heads are blobs.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use onreserve::domain::capture::Digest;
use onreserve::world::archive::Archive;
use serde_json::Value;

use crate::engines;
use crate::harness::{Harness, run_on};

/// Moves the heads of the journal to blobs; the lines have no numbers afterwards. Returns the
/// blobs.
pub(crate) async fn move_heads_to_blobs(harness: &Harness) -> Vec<Digest> {
    // Earlier versions wrote directories only.
    let dir = harness.dir.path().join("earlier");
    if engines::is_on_others() {
        assert_eq!(harness.run(&["backup", dir.to_str().unwrap()]).await.0, 0);
    } else {
        fs::rename(harness.archive(), &dir).unwrap();
    }
    let archive = Archive::open_shared(&dir).unwrap();
    let (mut blobs, mut days) = (Vec::new(), BTreeMap::<PathBuf, BTreeMap<u64, String>>::new());
    for (path, bytes) in engines::files(&dir, "captures") {
        fs::remove_file(dir.join(&path)).unwrap();
        // A segment of a bucket is in the directory of its day; without their numbers its lines
        // would have no place beside those of other segments.
        let path = dir.join(path);
        let is_segment = path.file_stem().unwrap().to_str().unwrap().contains('-');
        let day = if is_segment { path.parent().unwrap().with_extension("jsonl") } else { path };
        for line in str::from_utf8(&bytes).unwrap().lines() {
            let entry: Value = serde_json::from_str(line).unwrap();
            let mut line = line[..line.rfind(",\"seq\":").unwrap()].to_owned();
            if let Some(heads) = entry["heads"].as_str() {
                let digest = archive.store_bytes(heads.as_bytes()).unwrap();
                line.truncate(line.rfind(",\"heads\":").unwrap());
                line += &format!(",\"head\":\"{digest}\"");
                blobs.push(digest);
            }
            days.entry(day.clone()).or_default().insert(entry["seq"].as_u64().unwrap(), line + "}\n");
        }
    }
    for (day, lines) in days {
        fs::write(day, lines.into_values().collect::<String>()).unwrap();
    }
    // The backup of a bucket has none.
    let _ = fs::remove_file(dir.join("journal-head"));
    let (code, output) = run_on(&dir, &["rebuild"]).await;
    assert_eq!(code, 0, "{output}");
    if engines::is_on_others() {
        engines::lose(&harness.archive());
    }
    engines::take(&harness.archive(), &dir).await;
    blobs
}
