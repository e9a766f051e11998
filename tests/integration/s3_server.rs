//! An S3-compatible store that the tests start, and a proxy in front of it that fails on purpose.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

/// Starts the store, and stops it when its input ends: also if the test is killed.
const SCRIPT: &str = r#"
dir=$(mktemp -d)
"$ONRESERVE_MOTO" -H 127.0.0.1 -p 0 >"$dir/log" 2>&1 &
server=$!
trap 'kill $server; wait $server; rm -rf "$dir"' EXIT
until grep -q 'Running on http' "$dir/log"; do kill -0 $server || { cat "$dir/log" >&2; exit 1; }; sleep 0.05; done
sed -n 's|.*Running on http://\([0-9.:]*\).*|\1|p' "$dir/log"
read -r _ || true
"#;

/// The store refuses requests without a signature, and accepts any.
const SIGNATURE: &str = "Authorization: AWS4-HMAC-SHA256 Credential=A/20260914/us-east-1/s3/aws4_request, \
                         SignedHeaders=host, Signature=0\r\n";

/// A store; it is stopped with this value.
pub(crate) struct S3Server {
    address: SocketAddr,
    buckets: AtomicU32,
    /// The store runs until this is closed.
    _input: ChildStdin,
    _process: Child,
}

static SHARED: LazyLock<Option<S3Server>> = LazyLock::new(S3Server::start);

impl S3Server {
    /// The store of all tests in this process; `None` if this machine has none, which is printed.
    pub(crate) fn shared() -> Option<&'static Self> {
        if SHARED.is_none() {
            let skipped = b"SKIPPED: ONRESERVE_MOTO does not name a moto_server, so no bucket was tested\n";
            std::io::stderr().write_all(skipped).unwrap();
        }
        SHARED.as_ref()
    }

    fn start() -> Option<Self> {
        std::env::var_os("ONRESERVE_MOTO")?;
        let mut process = Command::new("sh")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim().parse().unwrap_or_else(|_| panic!("the store does not start"));
        let input = process.stdin.take().unwrap();
        Some(Self { address, buckets: AtomicU32::new(0), _input: input, _process: process })
    }

    /// A new bucket.
    pub(crate) fn bucket(&'static self) -> TestBucket {
        let name = format!("bucket{}", self.buckets.fetch_add(1, Ordering::Relaxed));
        let bucket = TestBucket { server: self, name };
        bucket.ask("PUT", "", b"");
        bucket
    }
}

/// A bucket, without the program under test.
pub(crate) struct TestBucket {
    pub(crate) server: &'static S3Server,
    pub(crate) name: String,
}

impl TestBucket {
    /// The keys of `[archive]` for a prefix in this bucket.
    pub(crate) fn keys(&self, prefix: &str) -> String {
        self.keys_at(prefix, self.server.address)
    }

    /// The same by way of another address.
    pub(crate) fn keys_at(&self, prefix: &str, endpoint: SocketAddr) -> String {
        format!(
            "store = \"s3://{}/{prefix}\"\nendpoint = \"http://{endpoint}\"\nregion = \"us-east-1\"\n",
            self.name
        )
    }

    fn ask(&self, method: &str, key: &str, body: &[u8]) -> Vec<u8> {
        let head = format!(
            "{method} /{}/{key} HTTP/1.1\r\nHost: store\r\nContent-Length: {}\r\nConnection: close\r\n{SIGNATURE}\r\n",
            self.name,
            body.len()
        );
        let answer = exchange(self.server.address, &[head.as_bytes(), body].concat()).unwrap();
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&answer[..end]);
        assert!(head.split(' ').nth(1).unwrap().starts_with('2'), "{method} {key}: {head}");
        answer[end + 4..].to_vec()
    }

    /// The keys that begin with a prefix.
    pub(crate) fn list(&self, prefix: &str) -> Vec<String> {
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let query = format!("?list-type=2&prefix={prefix}&start-after={after}");
            let text = String::from_utf8(self.ask("GET", &query, b"")).unwrap();
            let keys =
                text.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().unwrap().to_owned());
            found.extend(keys);
            if !text.contains("<IsTruncated>true") {
                return found;
            }
            after.clone_from(found.last().unwrap());
        }
    }

    pub(crate) fn get(&self, key: &str) -> Vec<u8> {
        self.ask("GET", key, b"")
    }

    pub(crate) fn put(&self, key: &str, bytes: &[u8]) {
        self.ask("PUT", key, bytes);
    }

    pub(crate) fn delete(&self, key: &str) {
        self.ask("DELETE", key, b"");
    }

    /// All objects below a prefix, by their names below it.
    pub(crate) fn all(&self, prefix: &str) -> BTreeMap<String, Vec<u8>> {
        let below = format!("{prefix}/");
        self.list(&below)
            .into_iter()
            .map(|key| (key.strip_prefix(&below).unwrap().to_owned(), self.get(&key)))
            .collect()
    }

    /// Copies all objects below a prefix to a directory, as any tool does.
    pub(crate) fn copy_down(&self, prefix: &str, dir: &Path) {
        for (name, bytes) in self.all(prefix) {
            let path = dir.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
}

/// Sends a whole request and returns the whole response.
fn exchange(to: SocketAddr, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut connection = TcpStream::connect(to)?;
    connection.write_all(request)?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    Ok(answer)
}

/// What the proxy does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxyFault {
    None,
    /// The store answers with this status, and the request has no effect.
    Status(u16),
    /// The connection ends without an answer, and the request has no effect.
    Cut,
    /// The request has its effect, and its answer is lost.
    AnswerLost,
    /// The first byte of the body is changed on its way to the store.
    WrongBytes,
}

/// A proxy in front of the store; `fault` sees the method and the path of each request.
pub(crate) struct FaultyProxy {
    pub(crate) address: SocketAddr,
}

impl FaultyProxy {
    pub(crate) fn start(
        server: &S3Server,
        fault: impl Fn(&str, &str) -> ProxyFault + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (store, fault) = (server.address, Arc::new(fault));
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let fault = Arc::clone(&fault);
                std::thread::spawn(move || forward(connection.unwrap(), store, &*fault));
            }
        });
        Self { address }
    }
}

/// Forwards one request. The connection ends after it.
fn forward(
    mut client: TcpStream,
    store: SocketAddr,
    fault: &(dyn Fn(&str, &str) -> ProxyFault + Send + Sync),
) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut words = head.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let fault = fault(&method, &path);
    match fault {
        ProxyFault::Cut => return None,
        ProxyFault::Status(status) => {
            let text = "<Error><Code>Planned</Code></Error>";
            let length = text.len();
            let answer = format!(
                "HTTP/1.1 {status} Planned\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
            );
            return client.write_all(answer.as_bytes()).ok();
        }
        ProxyFault::WrongBytes if !body.is_empty() => body[0] ^= 1,
        ProxyFault::WrongBytes | ProxyFault::None | ProxyFault::AnswerLost => {}
    }
    head.push_str("Connection: close\r\n\r\n");
    let answer = exchange(store, &[head.as_bytes(), &body].concat()).ok()?;
    if fault == ProxyFault::AnswerLost { None } else { client.write_all(&answer).ok() }
}
