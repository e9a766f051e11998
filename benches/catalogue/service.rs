//! The pages and commands of the program, beside a large catalogue.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use onreserve::domain::course::Course;

use super::copies::Place;
use super::course::SimulatedCourse;

const COMMANDS: u32 = 10;

/// The time of the first request for the list of a course, and of `onreserve history`.
pub(super) fn measure(dir: &Path, place: &Place, courses: &[Course], now: Timestamp) -> (Duration, Duration) {
    let pages = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = dir.join("onreserve.toml");
    std::fs::write(&config, configuration(dir, place, courses, pages)).unwrap();
    let link = SimulatedCourse::new(1).link(7);
    let started = Instant::now();
    for _ in 0..COMMANDS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onreserve"));
        command.arg("history").arg(link.as_str()).arg("--config").arg(&config);
        let printed = command.output().unwrap();
        assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    }
    let history = started.elapsed() / COMMANDS;
    let server = Server::start(&config, pages, now);
    let mut list = Duration::ZERO;
    for course in courses {
        let started = Instant::now();
        let page = get(pages, &format!("/c/{}/", course.id));
        list += started.elapsed();
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("Reading number 149"), "{page}");
    }
    drop(server);
    (list / u32::try_from(courses.len()).unwrap(), history)
}

fn configuration(dir: &Path, place: &Place, courses: &[Course], pages: SocketAddr) -> String {
    let mut text = format!("[archive]\ndir = {:?}\n", dir.join("archive").display().to_string());
    if let Place::Postgres(url) = place {
        write!(text, "[catalogue]\nurl = \"{url}\"\n").unwrap();
    }
    write!(text, "[pages]\nlisten = \"{pages}\"\nbase_url = \"http://{pages}\"\n").unwrap();
    for course in courses {
        write!(
            text,
            "[[course]]\nid = \"{}\"\npage = \"http://127.0.0.1:9/\"\ncopies = \"open\"\n",
            course.id
        )
        .unwrap();
    }
    text
}

fn get(at: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The service; it ends with this value.
struct Server(Child);

impl Server {
    fn start(config: &Path, at: SocketAddr, now: Timestamp) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onreserve"));
        command.args(["serve", "--now"]).arg(now.to_string()).arg("--config").arg(config);
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        while TcpStream::connect(at).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "the service did not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let process = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
        self.0.wait().unwrap();
    }
}
