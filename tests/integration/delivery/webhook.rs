//! Webhooks: the report as signed JSON, for chats and for ntfy, tried again until it arrives.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{A_DIES, file_in, later, nights, rotting};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A receiver that refuses its first request for the moment.
struct Receiver {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<(String, String)>>>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<(String, String)>>>::default();
        let kept = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                answer(stream, &kept).await;
            }
        });
        Self { address, requests }
    }

    /// The heads and bodies of the requests for a path.
    fn of(&self, path: &str) -> Vec<(String, String)> {
        let all = self.requests.lock().unwrap();
        all.iter().filter(|(head, _)| head.starts_with(&format!("POST {path} "))).cloned().collect()
    }
}

async fn answer(mut stream: TcpStream, kept: &Mutex<Vec<(String, String)>>) {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.to_ascii_lowercase();
        let length = length.split("content-length: ").nth(1).unwrap().lines().next().unwrap().to_owned();
        if body.len() >= length.trim().parse::<usize>().unwrap() {
            break (head.to_owned(), body.to_owned());
        }
    };
    let status = {
        let mut kept = kept.lock().unwrap();
        kept.push((head, body));
        if kept.len() == 1 { "503 Busy" } else { "200 OK" }
    };
    let reply = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(reply.as_bytes()).await;
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(": ")?;
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_reach_programs_and_chats_signed_and_once_more_after_a_failure() {
    let harness = rotting().await;
    let receiver = Receiver::start().await;
    let secret = file_in(&harness, "secret", SECRET);
    let webhook = |name: &str, more: &str| {
        format!("[[webhook]]\nname = \"{name}\"\nurl = \"http://{}/{name}\"\n{more}\n", receiver.address)
    };
    let course = "[[course]]\nid = \"c\"\ntitle = \"A course\"\npage = \"http://course.test/\"\n\
                  webhooks = [\"program\", \"chat\", \"phone\"]\n\
                  [pages]\nlisten = \"127.0.0.1:0\"\nbase_url = \"https://links.school.test\"\n";
    let all = [
        webhook("program", &format!("secret_file = {secret:?}")),
        webhook("chat", "form = \"slack\""),
        webhook("phone", "form = \"ntfy\""),
        course.to_owned(),
    ];
    harness.configure(&all.concat());
    let errors = nights(&harness, 1..=1).await;
    assert!(errors.contains("report to webhook:program not sent yet") && errors.contains("503"), "{errors}");
    assert!(errors.contains("report sent to webhook:chat"), "{errors}");
    later(&harness, "2026-09-14T02:36:00Z", "email sent").await;
    let program = receiver.of("/program");
    assert_eq!(program.len(), 2, "{program:?}");
    assert_eq!(program[0].1, program[1].1, "the same bytes");
    let (head, body) = &program[1];
    assert_eq!(header(head, "x-onreserve-delivery"), header(&program[0].0, "x-onreserve-delivery"));
    let key = onreserve::domain::action_token::SigningKey::parse(SECRET).unwrap();
    let signature = format!("sha256={}", key.hmac_hex(body.as_bytes()));
    assert_eq!(header(head, "x-onreserve-signature-256"), Some(signature.as_str()));
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&json["version"], &json["course"]), (&1.into(), &"c".into()));
    assert_eq!(json["all_links"], "https://links.school.test/c/c/health");

    nights(&harness, 2..=A_DIES).await;
    let body = receiver.of("/program").pop().unwrap().1;
    let json: serde_json::Value = serde_json::from_str(&body).unwrap();
    let entries: Vec<&serde_json::Value> = json["sections"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|it| it["entries"].as_array().unwrap())
        .collect();
    let dead = entries.iter().find(|entry| entry["address"] == "http://notes.test/a").unwrap();
    assert!(dead["action"].as_str().unwrap().starts_with("https://links.school.test/c/c/links/"), "{dead}");
    let (_, chat) = receiver.of("/chat").pop().unwrap();
    let chat: serde_json::Value = serde_json::from_str(&chat).unwrap();
    assert!(chat["text"].as_str().unwrap().contains("<https://links.school.test/c/c/links/"), "{chat}");
    let (head, text) = receiver.of("/phone").pop().unwrap();
    assert_eq!(header(&head, "click"), Some("https://links.school.test/c/c/health"));
    assert!(text.contains("The reading at") && !text.contains('{'), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_message_is_signed_and_says_whether_it_arrived() {
    let harness = rotting().await;
    let receiver = Receiver::start().await;
    let secret = file_in(&harness, "secret", SECRET);
    let url = |name: &str| format!("url = \"http://{}/{name}\"", receiver.address);
    let file = harness.configure(&format!(
        "[[course]]\nid = \"c\"\npage = \"http://course.test/\"\n\
         [[webhook]]\nname = \"chat\"\nform = \"slack\"\n{}\n\
         [[webhook]]\nname = \"program\"\nsecret_file = {secret:?}\n{}\n",
        url("chat"),
        url("program")
    ));
    let sent = async |names: &[&str]| {
        let mut command = tokio::process::Command::new(crate::harness::PROGRAM);
        let output =
            command.arg("test-webhook").args(names).arg("--config").arg(&file).output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), text.into_owned())
    };
    // The receiver refuses its first request for the moment.
    let (code, text) = sent(&["chat"]).await;
    assert!(code == 1 && text.contains("chat: not accepted now: 503"), "{text}");
    let (code, text) = sent(&[]).await;
    assert_eq!((code, text.as_str()), (0, "chat: accepted (200)\nprogram: accepted (200)\n"));
    let (head, body) = receiver.of("/program").pop().unwrap();
    let key = onreserve::domain::action_token::SigningKey::parse(SECRET).unwrap();
    let signature = format!("sha256={}", key.hmac_hex(body.as_bytes()));
    assert_eq!(header(&head, "x-onreserve-signature-256"), Some(signature.as_str()));
    let json: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&json["version"], &json["test"]), (&1.into(), &true.into()));
    let (code, text) = sent(&["phone"]).await;
    assert!(code == 1 && text.contains("its webhooks are chat, program"), "{text}");
}
