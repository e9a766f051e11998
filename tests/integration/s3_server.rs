//! An S3-compatible store that the tests start, and a proxy in front of it that fails on purpose.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// Starts the store, and stops it when its input ends: also if the test is killed.
const SCRIPT: &str = r#"
dir=$(mktemp -d)
if [ -n "$ONRESERVE_S3S_FS" ]; then
    mkdir "$dir/root"
    NO_COLOR=1 RUST_LOG=info "$ONRESERVE_S3S_FS" --host 127.0.0.1 --port 0 \
        --access-key "$ACCESS_KEY" --secret-key "$SECRET_KEY" "$dir/root" >"$dir/log" 2>&1 &
else
    "$ONRESERVE_MOTO" -H 127.0.0.1 -p 0 >"$dir/log" 2>&1 &
fi
server=$!
trap 'kill $server; wait $server; rm -rf "$dir"' EXIT
until grep -qi 'running \(on\|at\) http' "$dir/log"; do kill -0 $server || { cat "$dir/log" >&2; exit 1; }; sleep 0.05; done
sed -n 's|.*unning [oa][nt] http://\([0-9.:]*\).*|\1|p' "$dir/log" | head -n 1
read -r _ || true
"#;

/// The credentials of all stores.
pub(crate) const ACCESS_KEY: &str = "AKID";
pub(crate) const SECRET_KEY: &str = "s3cr3t";

/// The program that serves the store. Each gets something wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreProgram {
    /// It checks neither signatures nor sums.
    Moto,
    /// It makes a missing bucket when an object is sent to it, and answers bytes that do not have
    /// their sum with status 500 instead of 400.
    S3sFs,
}

/// A store; it is stopped with this value.
pub(crate) struct S3Server {
    pub(crate) address: SocketAddr,
    pub(crate) program: StoreProgram,
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
            let skipped = b"SKIPPED: neither ONRESERVE_MOTO nor ONRESERVE_S3S_FS names a store, \
                            so no bucket was tested\n";
            std::io::stderr().write_all(skipped).unwrap();
        }
        SHARED.as_ref()
    }

    fn start() -> Option<Self> {
        let is_given = |name| std::env::var_os(name).is_some_and(|path| !path.is_empty());
        let program = match (is_given("ONRESERVE_S3S_FS"), is_given("ONRESERVE_MOTO")) {
            (true, _) => StoreProgram::S3sFs,
            (false, true) => StoreProgram::Moto,
            (false, false) => return None,
        };
        let mut process = Command::new("sh")
            .args(["-c", SCRIPT])
            .env("ACCESS_KEY", ACCESS_KEY)
            .env("SECRET_KEY", SECRET_KEY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim().parse().unwrap_or_else(|_| panic!("the store does not start"));
        let input = process.stdin.take().unwrap();
        Some(Self { address, program, buckets: AtomicU32::new(0), _input: input, _process: process })
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
        let (path, query) = key.split_once('?').unwrap_or((key, ""));
        let path = format!("/{}/{path}", self.name);
        let path = path.trim_end_matches('/');
        let head = format!(
            "{method} {path}{}{query} HTTP/1.1\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n",
            if query.is_empty() { "" } else { "?" },
            signed_headers(method, path, query),
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
            let query = format!("?list-type=2&prefix={prefix}&start-after={after}").replace('/', "%2F");
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

/// The headers of a request with its signature, AWS Signature Version 4. The body is not signed.
fn signed_headers(method: &str, path: &str, query: &str) -> String {
    use ring::{digest, hmac};
    const SIGNED: &str = "host;x-amz-content-sha256;x-amz-date";
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let hmac = |key: &[u8], text: &str| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
    };
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let (day, unsigned) = (&time[..8], "UNSIGNED-PAYLOAD");
    let headers = format!("host:store\nx-amz-content-sha256:{unsigned}\nx-amz-date:{time}\n");
    let request = format!("{method}\n{path}\n{query}\n{headers}\n{SIGNED}\n{unsigned}");
    let request = hex(digest::digest(&digest::SHA256, request.as_bytes()).as_ref());
    let scope = format!("{day}/us-east-1/s3/aws4_request");
    let mut key = format!("AWS4{SECRET_KEY}").into_bytes();
    for part in scope.split('/') {
        key = hmac(&key, part);
    }
    let signature = hex(&hmac(&key, &format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{request}")));
    format!(
        "Host: store\r\nx-amz-content-sha256: {unsigned}\r\nx-amz-date: {time}\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={SIGNED}, \
         Signature={signature}\r\n"
    )
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
    /// The request takes longer by this time.
    Late(Duration),
    /// The first byte of the body is changed on its way to the store.
    WrongBytes,
    /// The last byte of the body of the answer is changed.
    WrongAnswer,
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
        ProxyFault::Late(by) => std::thread::sleep(by),
        ProxyFault::Status(status) => {
            let text = "<Error><Code>Planned</Code></Error>";
            let length = text.len();
            let answer = format!(
                "HTTP/1.1 {status} Planned\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
            );
            return client.write_all(answer.as_bytes()).ok();
        }
        ProxyFault::WrongBytes if !body.is_empty() => body[0] ^= 1,
        ProxyFault::WrongBytes | ProxyFault::WrongAnswer | ProxyFault::None | ProxyFault::AnswerLost => {}
    }
    head.push_str("Connection: close\r\n\r\n");
    let mut answer = exchange(store, &[head.as_bytes(), &body].concat()).ok()?;
    let has_body = !answer.ends_with(b"\r\n\r\n");
    if let Some(last) = answer.last_mut().filter(|_| has_body && fault == ProxyFault::WrongAnswer) {
        *last ^= 1;
    }
    if fault == ProxyFault::AnswerLost { None } else { client.write_all(&answer).ok() }
}
