//! The pages under load: a whole PDF of 20 MB, the same PDF when the reader has it
//! already, and the list of a course with 200 links. If nginx is installed, the bench
//! compares with it.
//!
//!     cargo bench --bench pages            # NGINX=/path/to/nginx if not in PATH
//!
//! nginx serves the same file from the same disk with sendfile.

#![expect(clippy::unwrap_used, reason = "a failed bench may panic")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time and starts programs")]
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LINKS: usize = 200;
const PDF_BYTES: u32 = 20 << 20;
const READERS: u32 = 8;
/// What each reader requests repeatedly.
const WHOLE: u32 = 20;
const KNOWN: u32 = 2000;
const LISTS: u32 = 300;
/// Pairs of runs; the median of their ratios counts.
const ROUNDS: usize = 5;

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let origin = TcpListener::bind("127.0.0.1:0").unwrap();
    let site = origin.local_addr().unwrap();
    std::thread::spawn(move || serve(&origin));
    let pages = free_address();
    let config = dir.path().join("onreserve.toml");
    std::fs::write(&config, configuration(dir.path(), site, pages)).unwrap();
    let night = Command::new(env!("CARGO_BIN_EXE_onreserve"))
        .args(["check", "--config"])
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(night.success(), "{night}");
    let blob = largest(&dir.path().join("archive/blobs"));
    let digest = blob.file_name().unwrap().to_str().unwrap().to_owned();

    let ours = Server::ours(&config, pages);
    let list = Asked { at: pages, path: "/c/bench/".to_owned(), tag: None };
    let took = readers(1, LISTS, &list);
    println!(
        "list of {LINKS} links: {:.2} ms each, one reader",
        took.as_secs_f64() * 1000.0 / f64::from(LISTS)
    );

    let copy = Asked::new(pages, format!("/blob/{digest}/paper.pdf"));
    let Some(peer) = Server::nginx(dir.path(), &blob) else {
        println!("nginx is not installed: no comparison");
        return;
    };
    let original = Asked::new(peer.at, format!("/{digest}"));
    compare("20 MB PDF, whole", WHOLE, &copy.anew(), &original.anew());
    compare("the same, known (304)", KNOWN, &copy, &original);
    drop((ours, peer));
}

/// In turn, so that other load on the machine affects both.
fn compare(what: &str, times: u32, ours: &Asked, theirs: &Asked) {
    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let (a, b) = (readers(READERS, times, ours), readers(READERS, times, theirs));
            b.as_secs_f64() / a.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let each = |asked: &Asked| f64::from(READERS * times) / readers(READERS, times, asked).as_secs_f64();
    println!(
        "{what:<24} onreserve : nginx {:.2} ({:.2} to {:.2})   {:.0} and {:.0} a second",
        ratios[ROUNDS / 2],
        ratios[0],
        ratios[ROUNDS - 1],
        each(ours),
        each(theirs)
    );
}

/// The request of a reader.
#[derive(Clone, Debug)]
struct Asked {
    at: SocketAddr,
    path: String,
    /// The version the reader has.
    tag: Option<String>,
}

impl Asked {
    fn new(at: SocketAddr, path: String) -> Self {
        let mut asked = Self { at, path, tag: None };
        let (head, _) = ask(&mut BufReader::new(TcpStream::connect(at).unwrap()), &asked);
        let tag = head.lines().find_map(|line| line.strip_prefix("etag: ").map(str::to_owned));
        asked.tag = Some(tag.unwrap().trim().to_owned());
        asked
    }

    /// For a reader without an earlier version.
    fn anew(&self) -> Self {
        Self { tag: None, ..self.clone() }
    }
}

fn readers(readers: u32, times: u32, asked: &Asked) -> Duration {
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..readers {
            scope.spawn(|| {
                let mut stream = BufReader::with_capacity(256 << 10, TcpStream::connect(asked.at).unwrap());
                for _ in 0..times {
                    let (head, _) = ask(&mut stream, asked);
                    let expected = if asked.tag.is_some() { " 304 " } else { " 200 " };
                    assert!(head.contains(expected), "{head}");
                }
            });
        }
    });
    started.elapsed()
}

/// One request on an open connection: the head in lower case, and the length of the body.
fn ask(stream: &mut BufReader<TcpStream>, asked: &Asked) -> (String, u64) {
    let known = asked.tag.as_ref().map(|tag| format!("If-None-Match: {tag}\r\n")).unwrap_or_default();
    let request = format!("GET {} HTTP/1.1\r\nHost: localhost\r\n{known}\r\n", asked.path);
    stream.get_mut().write_all(request.as_bytes()).unwrap();
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut head).unwrap() > 0, "cut off: {head}");
    }
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: u64 =
        if head.contains(" 304 ") { 0 } else { length.map_or(0, |n| n.trim().parse().unwrap()) };
    let read = std::io::copy(&mut stream.by_ref().take(length), &mut std::io::sink()).unwrap();
    assert_eq!(read, length);
    (head, length)
}

/// A server that ends with the bench.
struct Server {
    at: SocketAddr,
    child: Child,
}

impl Server {
    fn ours(config: &Path, at: SocketAddr) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_onreserve"))
            .args(["serve", "--config"])
            .arg(config)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { at, child }.once_it_answers()
    }

    fn nginx(dir: &Path, blob: &Path) -> Option<Self> {
        let at = free_address();
        let config = dir.join("nginx.conf");
        let root = blob.parent()?.display();
        let text = format!(
            "daemon off; worker_processes auto; pid {0}/nginx.pid; error_log /dev/null;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ sendfile on; tcp_nopush on; keepalive_requests 1000000; access_log off; etag on;\n\
             client_body_temp_path {0}/a; proxy_temp_path {0}/b; fastcgi_temp_path {0}/c;\n\
             uwsgi_temp_path {0}/d; scgi_temp_path {0}/e;\n\
             server {{ listen {at}; root {root}; }} }}\n",
            dir.display()
        );
        std::fs::write(&config, text).unwrap();
        // Its workers read as another user.
        for path in blob.ancestors().take_while(|path| path.starts_with(dir)) {
            let mode = if path == blob { 0o444 } else { 0o755 };
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        }
        let nginx = std::env::var("NGINX").unwrap_or_else(|_| "nginx".to_owned());
        let mut command = Command::new(nginx);
        let child = command.arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        Some(Self { at, child }.once_it_answers())
    }

    fn once_it_answers(mut self) -> Self {
        while TcpStream::connect(self.at).is_err() {
            assert!(self.child.try_wait().unwrap().is_none(), "a server did not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        self
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn largest(dir: &Path) -> PathBuf {
    let mut files = Vec::new();
    let mut left = vec![dir.to_owned()];
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { left.push(path) } else { files.push(path) }
        }
    }
    files.into_iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap()
}

fn configuration(dir: &Path, site: SocketAddr, pages: SocketAddr) -> String {
    format!(
        "[archive]\ndir = {:?}\n[fetch]\nallow_private_networks = true\ndelay = \"0s\"\n\
         [pages]\nlisten = \"{pages}\"\nbase_url = \"http://{pages}\"\n\
         [[course]]\nid = \"bench\"\npage = \"http://{site}/\"\ncopies = \"open\"\n",
        dir.join("archive").display().to_string()
    )
}

/// The course: its page, one large PDF, and articles.
fn serve(listener: &TcpListener) {
    let pdf = pdf();
    for stream in listener.incoming().map_while(Result::ok) {
        let pdf = pdf.clone();
        std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if stream.read_line(&mut head).unwrap_or(0) == 0 {
                    return;
                }
            }
            let (kind, body) = match head.split(' ').nth(1).unwrap_or_default() {
                "/" => ("text/html", page().into_bytes()),
                "/paper.pdf" => ("application/pdf", pdf),
                path if path.starts_with("/article") => ("text/html", article(path).into_bytes()),
                _ => ("text/plain", Vec::new()),
            };
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            // A reader that disconnects is not an error of the bench.
            let _ = stream.get_mut().write_all(head.as_bytes());
            let _ = stream.get_mut().write_all(&body);
        });
    }
}

fn page() -> String {
    let mut page = "<!doctype html><title>A course</title><h1>A course</h1>".to_owned();
    for n in 1..LINKS {
        if n % 20 == 1 {
            write!(page, "<h2>Week {}</h2>", n / 20 + 1).unwrap();
        }
        write!(page, "<p><a href=\"/article{n}.html\">Reading number {n}</a></p>").unwrap();
    }
    page + "<p><a href=\"/paper.pdf\">The paper</a></p>"
}

fn article(path: &str) -> String {
    let line = |n| format!("<p>Paragraph {n} of {path} is about scores, their gradients and samplers.</p>");
    let lines: String = (0..40).map(line).collect();
    format!("<!doctype html><title>Reading {path}</title><main><h1>Reading {path}</h1>{lines}</main>")
}

/// A page without words, and this many bytes.
fn pdf() -> Vec<u8> {
    use lopdf::{Object, Stream, dictionary};
    let mut file = lopdf::Document::with_version("1.5");
    let pages = file.new_object_id();
    let noise = (0..PDF_BYTES).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]);
    let image = file.add_object(Stream::new(dictionary! {}, noise.collect()));
    let page = dictionary! {
        "Type" => "Page", "Parent" => pages,
        "Resources" => dictionary! { "XObject" => dictionary! { "I" => image } },
    };
    let page = file.add_object(page);
    let tree = dictionary! { "Type" => "Pages", "Kids" => vec![Object::from(page)], "Count" => 1 };
    file.objects.insert(pages, tree.into());
    let catalog = file.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    file.trailer.set("Root", catalog);
    let mut written = Vec::new();
    file.save_to(&mut written).unwrap();
    written
}
