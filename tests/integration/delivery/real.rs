//! An email to a real mail server, `aiosmtpd`.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::{by_way_of_port, file_in, nights, relay, rotting};
use crate::harness::Harness;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/relay.py");

/// Starts `aiosmtpd` and returns its port; the server ends with the value.
async fn aiosmtpd(harness: &Harness, certificate: &str, key: &str) -> (Child, u16) {
    let python = std::env::var("ONRESERVE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut server = Command::new(python)
        .arg(SCRIPT)
        .arg(harness.dir.path().join("maildir"))
        .arg(file_in(harness, "certificate.pem", certificate))
        .arg(file_in(harness, "key.pem", key))
        .args([relay::USER, relay::PASSWORD])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    let port = line.trim().parse().unwrap_or_else(|_| panic!("aiosmtpd is missing: see CONTRIBUTING.md"));
    (server, port)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Python's aiosmtpd; .ci/run fetches it and runs this"]
async fn a_real_server_accepts_an_email_over_starttls_with_a_login() {
    let harness = rotting().await;
    let (certificate, key, authority) = relay::certificate();
    let (_server, port) = aiosmtpd(&harness, &certificate, &key.serialize_pem()).await;
    let authority = file_in(&harness, "authority.pem", &authority);
    let password = file_in(&harness, "password", relay::PASSWORD);
    let login = format!("user = \"{}\"\npassword_file = {password:?}\n", relay::USER);
    by_way_of_port(&harness, port, &format!("{login}extra_ca = {authority:?}"));
    nights(&harness, 1..=2).await;
    let mails: Vec<_> = std::fs::read_dir(harness.dir.path().join("maildir/new")).unwrap().collect();
    assert_eq!(mails.len(), 1, "one email, sent once");
    let mail = std::fs::read_to_string(mails[0].as_ref().unwrap().path()).unwrap();
    for line in ["X-RcptTo: i@school.test", "Subject: [C] First check: 3 links", "X-MailFrom: o@school.test"]
    {
        assert!(mail.lines().any(|found| found.starts_with(line)), "{line}: {mail}");
    }

    // Without the login the same server refuses the email.
    by_way_of_port(&harness, port, &format!("extra_ca = {authority:?}"));
    let errors = nights(&harness, super::A_DIES - 1..=super::A_DIES + 1).await;
    assert!(errors.contains("530"), "{errors}");
}
