//! A browser with one session, which any web process may answer.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::workers::cluster::STAFF;

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_owned(), text: body.to_owned() }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

/// A page without a session.
pub(super) async fn get(at: SocketAddr, path: &str) -> Answer {
    ask(at, &format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")).await
}

async fn ask(at: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    Answer::read(&bytes)
}

/// Staff of the course.
pub(super) struct Browser {
    cookie: String,
}

impl Browser {
    pub(super) async fn signed_in(at: SocketAddr) -> Self {
        let mut browser = Self { cookie: String::new() };
        let answer = Self::tries(at, STAFF).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let cookie = answer.header("set-cookie").unwrap();
        cookie.split(';').next().unwrap().clone_into(&mut browser.cookie);
        browser
    }

    /// Tries a password in the form of staff.
    pub(super) async fn tries(at: SocketAddr, password: &str) -> Answer {
        let form = [("password", password), ("role", "staff"), ("next", "/c/c/health")];
        Self { cookie: String::new() }.post(at, "/c/c/login", &form).await
    }

    pub(super) async fn get(&self, at: SocketAddr, path: &str) -> Answer {
        let cookie = &self.cookie;
        ask(at, &format!("GET {path} HTTP/1.0\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n")).await
    }

    pub(super) async fn post(&self, at: SocketAddr, path: &str, form: &[(&str, &str)]) -> Answer {
        let (head, body) = self.form(path, form);
        ask(at, &format!("{head}{body}")).await
    }

    /// The head and the body of a request with a form.
    pub(super) fn form(&self, path: &str, form: &[(&str, &str)]) -> (String, String) {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let (cookie, length) = (&self.cookie, body.len());
        let head = format!(
            "POST {path} HTTP/1.0\r\nHost: localhost\r\nCookie: {cookie}\r\nSec-Fetch-Site: same-origin\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n"
        );
        (head, body)
    }

    /// The token of the forms on the dashboard.
    pub(super) async fn form_token(&self, at: SocketAddr) -> String {
        let html = self.get(at, "/c/c/health").await.text;
        let rest = html.split("name=\"form_token\" value=\"").nth(1);
        rest.unwrap_or_else(|| panic!("no form: {html}")).split('"').next().unwrap().to_owned()
    }
}
