//! Requests that Schemathesis generates from the description of the API: each response
//! has a described status, type and schema, and no request ends in an error of ours.

use std::process::Stdio;
use std::time::Duration;

use onreserve::domain::course::Openness;

use super::course::{NIGHTS, start_of};
use super::{Server, settings};

/// In seconds; Schemathesis goes on until then.
const TIME: &str = "30";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Schemathesis; .ci/run installs it and sets ONRESERVE_SCHEMATHESIS to its path"]
async fn generated_requests_get_described_responses() {
    let program = std::env::var_os("ONRESERVE_SCHEMATHESIS").expect("the path of Schemathesis");
    let mut open = settings();
    open.courses[0].copies.openness = Openness::Open;
    let server = Server::with(open, start_of(NIGHTS + 1)).await;
    let base = format!("http://{}/api/v1", server.address);
    let run = tokio::process::Command::new(program)
        .arg("run")
        .arg(format!("{base}/openapi.json"))
        .args(["--url", &base, "--max-time", TIME, "--no-color"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let done = tokio::time::timeout(Duration::from_mins(4), run).await.expect("it ends").unwrap();
    let [said, errors] = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(done.status.success(), "{said}\n{errors}");
    assert!(said.contains("passed"), "it has tested something: {said}");
}
