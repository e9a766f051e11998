//! The programs of other web archives accept exports, and refuse damaged ones.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

use super::{archived, export, records};

/// Runs a program of the directory that `ONRESERVE_WEB_ARCHIVES` names, or of the system.
fn accepts(program: &str, arguments: &[&str], path: &Path) -> (bool, String) {
    let tools = std::env::var_os("ONRESERVE_WEB_ARCHIVES").unwrap();
    let inside = Path::new(&tools).join(program);
    let program = if inside.exists() { inside } else { PathBuf::from(program) };
    let output = std::process::Command::new(program).args(arguments).arg(path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text.into_owned())
}

/// Writes a copy of a file with other bytes.
fn altered(path: &Path, alter: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let mut bytes = std::fs::read(path).unwrap();
    alter(&mut bytes);
    let altered = path.with_file_name(format!("altered-{}", path.file_name().unwrap().display()));
    std::fs::write(&altered, bytes).unwrap();
    altered
}

const VERIFY: (&str, &[&str]) = ("python", &["-m", "warcat", "verify"]);
const CHECK: (&str, &[&str]) = ("warcio", &["check", "-v"]);
const GZIP: (&str, &[&str]) = ("gzip", &["-t"]);
const WACZ: (&str, &[&str]) = ("wacz", &["validate", "-f"]);

#[tokio::test]
#[ignore = "needs warcio, warcat and wacz; .ci/run installs them"]
async fn programs_of_other_web_archives_accept_exports() {
    let (harness, _) = archived().await;
    let warc = export(&harness, &["warc"], "all.warc.gz").await;
    let wacz = export(&harness, &["wacz"], "all.wacz").await;
    let page = export(&harness, &["warc", "--link", "notes.test/flows"], "page.warc.gz").await;
    for ((program, arguments), path) in [(GZIP, &warc), (CHECK, &warc), (VERIFY, &page), (WACZ, &wacz)] {
        let (is_accepted, output) = accepts(program, arguments, path);
        assert!(is_accepted, "{program}: {output}");
    }
    // warcat compares the payload digest of a revisit record with the body that it lacks.
    let bytes = std::fs::read(&warc).unwrap();
    let revisits = records(&bytes).iter().filter(|it| it.field("WARC-Type") == "revisit").count();
    let (_, output) = accepts(VERIFY.0, VERIFY.1, &warc);
    assert!(output.contains(&format!("Problems: {revisits}.")), "{output}");
    let flipped = altered(&warc, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
    });
    refused("a flipped bit", &flipped, &[GZIP, VERIFY]);
    let cut = altered(&warc, |bytes| bytes.truncate(bytes.len() - 100));
    refused("a file that is cut short", &cut, &[GZIP, VERIFY]);
    // A body that is not the one with this digest, in a sound compressed record.
    let other_body = altered(&warc, |bytes| {
        let records = records(bytes);
        let record = records.iter().find(|it| it.field("WARC-Type") == "response").unwrap();
        let mut text = Vec::new();
        GzDecoder::new(&bytes[record.offset..]).read_to_end(&mut text).unwrap();
        let last = text.len() - 5;
        text[last] ^= 1;
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&text).unwrap();
        bytes.splice(record.offset..record.offset + record.length, packed.finish().unwrap());
    });
    assert!(accepts(GZIP.0, GZIP.1, &other_body).0);
    refused("another body", &other_body, &[CHECK, VERIFY]);
    let other_warc = altered(&wacz, |bytes| {
        let place = bytes.windows(11).position(|window| window == b"WARC/1.1\r\nW").unwrap_or(200);
        bytes[place] ^= 1;
    });
    refused("another WARC in the package", &other_warc, &[WACZ]);
}

fn refused(damage: &str, path: &Path, programs: &[(&str, &[&str])]) {
    for (program, arguments) in programs {
        assert!(!accepts(program, arguments, path).0, "{program} accepts {damage}");
    }
}
