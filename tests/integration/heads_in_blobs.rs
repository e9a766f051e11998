//! Makes the archive of a harness one of an earlier version, in which heads are blobs.

use std::fs;
use std::path::PathBuf;

use onreserve::domain::capture::Digest;
use onreserve::world::archive::Archive;
use serde_json::Value;

use crate::harness::Harness;

fn journals(harness: &Harness) -> Vec<PathBuf> {
    let months = fs::read_dir(harness.archive().join("captures/2026")).unwrap();
    let days = months.flat_map(|month| fs::read_dir(month.unwrap().path()).unwrap());
    days.map(|day| day.unwrap().path()).collect()
}

/// Moves the heads of the journal to blobs; the lines have no numbers afterwards. Returns the
/// blobs.
pub(crate) async fn move_heads_to_blobs(harness: &Harness) -> Vec<Digest> {
    let archive = Archive::open_shared(&harness.archive()).unwrap();
    let mut blobs = Vec::new();
    for path in journals(harness) {
        let mut text = String::new();
        for line in fs::read_to_string(&path).unwrap().lines() {
            let entry: Value = serde_json::from_str(line).unwrap();
            let mut line = line[..line.rfind(",\"seq\":").unwrap()].to_owned();
            if let Some(heads) = entry["heads"].as_str() {
                let digest = archive.store_bytes(heads.as_bytes()).unwrap();
                line.truncate(line.rfind(",\"heads\":").unwrap());
                line += &format!(",\"head\":\"{digest}\"");
                blobs.push(digest);
            }
            text += &line;
            text += "}\n";
        }
        fs::write(path, text).unwrap();
    }
    fs::remove_file(harness.archive().join("journal-head")).unwrap();
    let (code, output) = harness.run(&["rebuild"]).await;
    assert_eq!(code, 0, "{output}");
    blobs
}
