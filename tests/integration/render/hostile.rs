//! A hostile page in the browser: it tries every way to this machine, and never ends.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use onreserve::domain::address::Address;
use onreserve::world::browser::{
    Browser, BrowserLimits, BrowserSettings, Error, PageRequest, PageResponse, PageSnapshot, ReceivedPage,
};
use onreserve::world::clock::Clock;
use onreserve::world::fetch::{Accept, Fetch, FetchRequest, FetchSettings};
use onreserve::world::spool::Spool;
use tokio::net::{TcpListener, UdpSocket};

use super::TestBrowser;

const PAGE: &str = "http://page.example/app";

/// A server on this machine to which nothing may connect.
struct Canary {
    address: SocketAddr,
    udp: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Canary {
    async fn start() -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (address, udp_address) = (tcp.local_addr().unwrap(), udp.local_addr().unwrap());
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let (of_tcp, of_udp) = (Arc::clone(&seen), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = tcp.accept().await {
                let mut head = vec![0; 300];
                stream.readable().await.unwrap();
                let read = stream.try_read(&mut head).unwrap_or(0);
                of_tcp.lock().unwrap().push(String::from_utf8_lossy(&head[..read]).into_owned());
            }
        });
        tokio::spawn(async move {
            let mut datagram = vec![0; 1500];
            while let Ok((length, _)) = udp.recv_from(&mut datagram).await {
                of_udp.lock().unwrap().push(format!("a datagram of {length} bytes"));
            }
        });
        Self { address, udp: udp_address, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// Opens pages in the browser. What is not in the list is fetched with the usual guard.
struct Opener {
    browser: Browser,
    fetch: Fetch,
    served: Vec<(String, PageResponse)>,
    /// The requests that reached us.
    requests: Mutex<Vec<String>>,
    _dir: tempfile::TempDir,
}

impl Opener {
    fn new(browser: &TestBrowser, canary: &Canary, limits: BrowserLimits) -> Self {
        let settings = BrowserSettings { program: browser.program(), limits };
        let dir = tempfile::tempdir().unwrap();
        let fetch = FetchSettings {
            delay: Duration::ZERO,
            resolve: ["rebind.example", "a.localhost"].map(|name| (name.to_owned(), canary.address)).to_vec(),
            ..FetchSettings::default()
        };
        Self {
            browser: Browser::new(settings, Clock::system()),
            fetch: Fetch::new(&fetch, Spool::new(dir.path().to_owned()), Clock::system()).unwrap(),
            served: Vec::new(),
            requests: Mutex::default(),
            _dir: dir,
        }
    }

    async fn open(&self, html: &str) -> Result<PageSnapshot, Error> {
        let response = html_response(200, html);
        let page = ReceivedPage { address: PAGE.to_owned(), response };
        self.browser.render(page, |request| self.answer(request)).await
    }

    async fn answer(&self, request: PageRequest) -> Option<PageResponse> {
        self.requests.lock().unwrap().push(request.address.clone());
        if let Some((_, response)) = self.served.iter().find(|(address, _)| *address == request.address) {
            return Some(response.clone());
        }
        // The name server of this machine is not asked for the names of the test.
        if request.address.contains("page.example") || request.address.contains("other.example") {
            return None;
        }
        let request = FetchRequest {
            address: Address::parse(&request.address).ok()?,
            conditional: None,
            fresh_connection: false,
            accept: Accept::Anything,
            accept_datetime: None,
        };
        let fetched = self.fetch.exchange(&request).await.unwrap();
        assert!(fetched.body.is_none(), "{:?}", fetched.exchange);
        None
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn html_response(status: u16, html: &str) -> PageResponse {
    let headers = vec![("content-type".to_owned(), "text/html; charset=utf-8".to_owned())];
    PageResponse { status, headers, body: html.as_bytes().to_vec() }
}

fn served(kind: &str, body: &str) -> PageResponse {
    let headers = vec![("content-type".to_owned(), kind.to_owned())];
    PageResponse { status: 200, headers, body: body.as_bytes().to_vec() }
}

/// What a page, a frame or a worker may try. `TCP` and `UDP` are places of the canary.
const TRIES: &str = r#"
const port = "PORT", all = ["127.0.0.1", "localhost", "0.0.0.0", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "[::1]", "rebind.example", "a.localhost"];
for (const host of all) {
  const at = `http://${host}:${port}/`;
  fetch(at + "fetch").catch(() => {});
  fetch(at + "no-cors", { mode: "no-cors", credentials: "include" }).catch(() => {});
  fetch(at + "keepalive", { method: "POST", body: "x", mode: "no-cors", keepalive: true }).catch(() => {});
  fetch(at + "preflight", { method: "PUT", headers: { "x-a": "b" } }).catch(() => {});
  try { const socket = new WebSocket(`ws://${host}:${port}/socket`); socket.onopen = () => socket.send("x"); } catch {}
  try { new EventSource(at + "events"); } catch {}
  try { const request = new XMLHttpRequest(); request.open("POST", at + "xhr"); request.send("x"); } catch {}
  try { const request = new XMLHttpRequest(); request.open("GET", at + "xhr"); request.send(); } catch {}
  try { navigator.sendBeacon(at + "beacon", "x"); } catch {}
  try { new WebTransport(`https://${host}:UDP/transport`).ready.catch(() => {}); } catch {}
}
"#;

const IN_PAGES: &str = r#"
const peers = [];
function peer(Kind) {
  const servers = ["stun:127.0.0.1:UDP", "stun:127.0.0.1:PORT", "turn:127.0.0.1:PORT?transport=tcp", "turn:127.0.0.1:UDP?transport=udp", "stun:localhost:UDP"];
  const it = new Kind({ iceServers: servers.map(urls => ({ urls, username: "u", credential: "c" })) });
  it.createDataChannel("x"); it.createOffer().then(offer => it.setLocalDescription(offer)); peers.push(it);
}
try { peer(RTCPeerConnection); } catch {}
for (const host of all) {
  const at = `http://${host}:${port}/`;
  for (const rel of ["prefetch", "preconnect", "dns-prefetch", "preload", "prerender", "modulepreload", "stylesheet", "icon", "manifest", "next"]) {
    const link = document.createElement("link"); link.rel = rel; link.href = at + rel; if (rel === "preload") link.as = "image"; document.head.append(link);
  }
  for (const [name, key] of [["img", "src"], ["iframe", "src"], ["embed", "src"], ["object", "data"], ["video", "src"], ["audio", "src"], ["script", "src"], ["input", "src"]]) {
    const element = document.createElement(name); if (name === "input") element.type = "image"; element[key] = at + name; document.body.append(element);
  }
  const style = document.createElement("style");
  style.textContent = `@import "${at}import"; @font-face { font-family: f; src: url(${at}font) } body { background: url(${at}background); font-family: f }`;
  document.head.append(style);
  const anchor = document.createElement("a"); anchor.href = at + "clicked"; anchor.ping = at + "ping"; anchor.target = "_blank"; document.body.append(anchor); anchor.click();
  const download = document.createElement("a"); download.href = at + "download"; download.download = "x"; document.body.append(download); download.click();
  const form = document.createElement("form"); form.method = "POST"; form.action = at + "form"; form.target = "f"; document.body.append(form); form.submit();
  open(at + "open"); open("about:blank")?.fetch?.(at + "fetch-in-window").catch(() => {});
}
for (const file of ["file:///etc/passwd", "chrome://version", "view-source:http://127.0.0.1:PORT/"]) {
  for (const name of ["iframe", "img", "embed"]) { const element = document.createElement(name); element.src = file; document.body.append(element); }
  fetch(file).then(r => r.text()).then(text => document.title = "READ").catch(() => {});
  try { open(file); } catch {}
}
const rules = document.createElement("script"); rules.type = "speculationrules";
rules.textContent = JSON.stringify({ prefetch: [{ source: "list", urls: ["http://127.0.0.1:PORT/rules"], eagerness: "immediate" }], prerender: [{ source: "list", urls: ["/prerendered", "http://127.0.0.1:PORT/prerendered"] }] });
document.head.append(rules);
try { navigator.serviceWorker.register("/service.js").catch(() => {}); } catch {}
try { new SharedWorker("/worker.js"); } catch {}
try { new Worker("/worker.js"); new Worker(URL.createObjectURL(new Blob([`importScripts("http://127.0.0.1:PORT/imported")`]))); } catch {}
"#;

fn hostile(canary: &Canary) -> (String, Vec<(String, PageResponse)>) {
    let filled = |text: &str| {
        text.replace("PORT", &canary.address.port().to_string())
            .replace("UDP", &canary.udp.port().to_string())
    };
    let redirect = |to: &str| {
        let location = ("location".to_owned(), filled(to));
        PageResponse { status: 302, headers: vec![location], body: Vec::new() }
    };
    let script = filled(&format!("{TRIES}{IN_PAGES}"));
    let words = "<p>The words of the page that a reader sees. </p>".repeat(20);
    let inner = format!("<p>inner</p><script>{}</script>", script.replace("</script>", "<\\/script>"));
    let page = format!(
        "<!doctype html><html><head><title>App</title><meta http-equiv=refresh content=\"1;url=http://{0}/refresh\">\
         <script src=/app.js></script></head><body ping><div id=root></div>{words}\
         <iframe srcdoc='{1}'></iframe><iframe src='http://other.example/frame'></iframe>\
         <img src=/moved.png><img srcset='http://{0}/set 2x'><svg><image href='http://{0}/svg'/></svg>\
         <script>setTimeout(() => location = 'http://{0}/location', 300); alert(1);</script></body></html>",
        canary.address,
        inner.replace('\'', "&#39;"),
    );
    let at = |path: &str| format!("http://page.example{path}");
    let worker = filled(TRIES);
    let served = vec![
        (at("/app.js"), served("text/javascript", &script)),
        (at("/worker.js"), served("text/javascript", &worker)),
        (at("/service.js"), served("text/javascript", &worker)),
        (at("/moved.png"), redirect("http://127.0.0.1:PORT/redirected")),
        (at("/prerendered"), html_response(200, &inner)),
        ("http://other.example/frame".to_owned(), html_response(200, &inner)),
    ];
    (page, served)
}

#[tokio::test]
async fn a_hostile_page_reaches_nothing_on_this_machine() {
    let Some(chromium) = TestBrowser::find().await else { return };
    let canary = Canary::start().await;
    let limits = BrowserLimits { requests: 2000, ..BrowserLimits::default() };
    let mut opener = Opener::new(&chromium, &canary, limits);
    let (page, served) = hostile(&canary);
    opener.served = served;
    let rendered = opener.open(&page).await.unwrap();
    assert!(rendered.html.contains("The words of the page"), "{}", rendered.html);
    assert!(
        !rendered.html.contains("<script") && !rendered.html.contains("<title>READ"),
        "{}",
        rendered.html
    );
    let requests = opener.requests();
    for tried in
        ["/fetch", "/xhr", "/img", "/iframe", "/import", "/redirected", "/app.js", "/frame", "/worker.js"]
    {
        assert!(requests.iter().any(|it| it.ends_with(tried)), "{tried} was not tried: {requests:#?}");
    }
    for refused in ["/form", "/beacon", "/location", "/refresh", "/socket"] {
        assert!(!requests.iter().any(|it| it.ends_with(refused)), "{refused} was passed on");
    }
    assert!(
        requests.iter().all(|it| it.starts_with("http://") || it.starts_with("https://")),
        "{requests:#?}"
    );
    // The last packets may still be on their way.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(canary.seen(), Vec::<String>::new());
    assert_eq!(chromium.processes(), Vec::<String>::new());
}

/// Opens a page with an empty list, within short limits.
async fn opened(html: &str, seconds: u64) -> Option<(Result<PageSnapshot, Error>, Vec<String>, Duration)> {
    let chromium = TestBrowser::find().await?;
    let canary = Canary::start().await;
    let limits = BrowserLimits {
        time: Duration::from_secs(seconds),
        requests: 25,
        page_bytes: 1 << 20,
        ..BrowserLimits::default()
    };
    let mut opener = Opener::new(&chromium, &canary, limits);
    let endless = served("application/octet-stream", &"x".repeat(1 << 20));
    opener.served = (0..1000).map(|n| (format!("http://page.example/{n}"), endless.clone())).collect();
    let began = Instant::now();
    let rendered = opener.open(html).await;
    let took = began.elapsed();
    assert_eq!(chromium.processes(), Vec::<String>::new());
    Some((rendered, opener.requests(), took))
}

#[tokio::test]
async fn an_endless_script_is_ended_with_its_browser() {
    let Some((rendered, _, took)) = opened("<p>Words</p><script>for (;;) {}</script>", 8).await else {
        return;
    };
    assert!(matches!(rendered, Err(Error::TimedOut(_))), "{rendered:?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[tokio::test]
async fn endless_requests_end_at_the_bound() {
    let html = "<p>Words of a page that never stops</p><script>let n = 0; (async () => { for (;;) \
                { await fetch('/' + n++).then(r => r.arrayBuffer()).catch(() => new Promise(d => setTimeout(d, 20))); } })()</script>";
    let Some((rendered, requests, _)) = opened(html, 40).await else { return };
    assert!(rendered.unwrap().html.contains("never stops"));
    assert_eq!(requests.len(), 25);
}

#[tokio::test]
async fn an_endless_page_is_not_returned() {
    let html = "<p>Words</p><script>setInterval(() => document.body.append('x'.repeat(200000)), 20)</script>";
    let Some((rendered, _, took)) = opened(html, 12).await else { return };
    assert!(matches!(rendered, Err(Error::TooLong(_) | Error::TimedOut(_))), "{rendered:?}");
    assert!(took < Duration::from_mins(1), "{took:?}");
}

#[tokio::test]
async fn a_page_is_returned_as_its_scripts_made_it() {
    let html = "<!doctype html><title>App</title><div id=root></div><x-part></x-part><canvas id=c width=40 height=20></canvas>\
        <script>
        const sheet = document.createElement('style'); document.head.append(sheet); sheet.sheet.insertRule('h1 { color: teal }');
        setTimeout(() => { root.innerHTML = '<h1>Made by a script</h1>'; }, 400);
        customElements.define('x-part', class extends HTMLElement { connectedCallback() {
          this.attachShadow({ mode: 'open' }).innerHTML = '<p>in a shadow tree</p>'; } });
        c.getContext('2d').fillRect(0, 0, 9, 9);
        history.pushState(null, '', '/elsewhere/');
        </script><noscript>You need JavaScript</noscript>";
    let Some((rendered, _, _)) = opened(html, 40).await else { return };
    let PageSnapshot { html, pdf } = rendered.unwrap();
    for part in [
        "<h1>Made by a script</h1>",
        "in a shadow tree",
        "color: teal",
        "src=\"data:image/png;base64,",
        "<base href=\"http://page.example/elsewhere/\">",
        "<!doctype html>",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("<script") && !html.contains("You need JavaScript"), "{html}");
    assert!(pdf.unwrap().starts_with(b"%PDF"));
}
