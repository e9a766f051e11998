//! The simulated web: a few hosts on one local port, with the responses of each night.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use tokio::net::TcpListener;

use super::pdf::{make, sentence};

pub(super) const PAGE: &str = "http://course.example/dgm/";

pub(super) const HOSTS: &[&str] = &[
    "course.example",
    "papers.example",
    "lab.example",
    "blog.example",
    "new-blog.example",
    "notes.example",
    "video.example",
    "busy.example",
];

/// What changes on the web in a night.
pub(super) fn what_happens(night: u32) -> &'static str {
    match night {
        1 => "Every link is checked for the first time.",
        2 => "A paper disappears and a blog moves.",
        3 => "Slides are replaced at the same address, an error page answers 200, and a host fails once.",
        4 => "A video is removed. The paper is confirmed dead.",
        _ => "The other dead links are confirmed.",
    }
}

/// The simulated web, with the number of its night.
#[derive(Clone, Debug)]
pub(super) struct DemoWeb {
    night: Arc<AtomicU32>,
}

impl DemoWeb {
    pub(super) fn new() -> Self {
        Self { night: Arc::new(AtomicU32::new(1)) }
    }

    pub(super) fn become_night(&self, night: u32) {
        self.night.store(night, Ordering::SeqCst);
    }

    pub(super) async fn serve(self, listener: TcpListener) {
        let router = Router::new().fallback(answer).with_state(self);
        // The server ends with the demo, which does not need its result.
        let _ = axum::serve(listener, router).await;
    }
}

async fn answer(State(site): State<DemoWeb>, request: Request) -> Response<Body> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let night = site.night.load(Ordering::SeqCst);
    respond(page(host, request.uri().path(), night), request.headers())
}

/// A response without its headers.
enum DemoResponse {
    Html(String),
    Pdf(Vec<u8>),
    Notebook(String),
    Video,
    Moved(&'static str),
    Error(StatusCode),
}

fn page(host: &str, path: &str, night: u32) -> DemoResponse {
    let missing = DemoResponse::Error(StatusCode::NOT_FOUND);
    match (host, path) {
        ("course.example", "/dgm/") => DemoResponse::Html(include_str!("course.html").to_owned()),
        ("course.example", "/dgm/1-introduction.pdf") => {
            DemoResponse::Pdf(make("Introduction to generative models", 1, 12))
        }
        ("course.example", "/dgm/attention.ipynb") => DemoResponse::Notebook(notebook()),
        ("papers.example", "/normalizing-flows.pdf") if night < 2 => {
            DemoResponse::Pdf(make("Inference with normalizing flows", 2, 9))
        }
        ("papers.example", "/variational-autoencoders.pdf") => {
            DemoResponse::Pdf(make("Variational autoencoders", 3, 14))
        }
        ("lab.example", "/slides/diffusion.pdf") if night < 3 => {
            DemoResponse::Pdf(make("Diffusion models, lecture", 4, 14))
        }
        ("lab.example", "/slides/diffusion.pdf") => DemoResponse::Pdf(revised()),
        ("blog.example", "/score-matching") if night >= 2 => {
            DemoResponse::Moved("http://new-blog.example/posts/score-matching")
        }
        ("blog.example", "/score-matching") | ("new-blog.example", "/posts/score-matching") => {
            DemoResponse::Html(article("What score matching learns", 5))
        }
        ("notes.example", "/sampling.html") if night < 3 => {
            DemoResponse::Html(article("Notes on sampling", 6))
        }
        ("notes.example", path) if night >= 3 && path != "/robots.txt" => DemoResponse::Html(not_here()),
        ("video.example", "/gan-talk.mp4") if night >= 4 => DemoResponse::Error(StatusCode::GONE),
        ("video.example", "/gan-talk.mp4") => DemoResponse::Video,
        ("busy.example", "/guide.html") if night == 3 => DemoResponse::Error(StatusCode::SERVICE_UNAVAILABLE),
        ("busy.example", "/guide.html") => DemoResponse::Html(article("A guide to training", 7)),
        (_, "/") => DemoResponse::Html(article("Welcome", 8)),
        _ => missing,
    }
}

/// The lecture with two more pages.
fn revised() -> Vec<u8> {
    make("Diffusion models, lecture", 4, 16)
}

fn article(title: &str, seed: u32) -> String {
    let paragraph = |place| (0..5).map(|line| sentence(seed, place, line)).collect::<Vec<_>>().join(" ");
    let paragraphs = (0..12).map(paragraph).collect::<Vec<_>>().join("</p>\n<p>");
    format!("<!doctype html><title>{title}</title><main><h1>{title}</h1>\n<p>{paragraphs}</p></main>")
}

fn not_here() -> String {
    "<!doctype html><title>Nothing here</title><main><h1>Nothing here</h1><p>Sorry, the page could not be found. It may have \
     moved or been deleted.</p></main>"
        .to_owned()
}

fn notebook() -> String {
    r##"{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
 {"cell_type": "markdown", "metadata": {}, "source": ["# Attention, step by step\n"]},
 {"cell_type": "code", "metadata": {}, "execution_count": 1, "outputs": [], "source": ["weights = softmax(q @ k.T / sqrt(d))\n"]}]}"##
        .to_owned()
}

fn respond(answer: DemoResponse, asked: &HeaderMap) -> Response<Body> {
    let (kind, bytes) = match answer {
        DemoResponse::Html(text) => ("text/html; charset=utf-8", text.into_bytes()),
        DemoResponse::Pdf(bytes) => ("application/pdf", bytes),
        DemoResponse::Notebook(text) => ("application/json", text.into_bytes()),
        DemoResponse::Video => ("video/mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".to_vec()),
        DemoResponse::Moved(to) => {
            return with(StatusCode::MOVED_PERMANENTLY, &[(header::LOCATION, to)], Vec::new());
        }
        DemoResponse::Error(status) => {
            return with(status, &[(header::CONTENT_TYPE, "text/plain")], status.to_string().into_bytes());
        }
    };
    let etag = format!("\"{}\"", crate::domain::capture::Digest::of(&bytes));
    if asked.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return with(StatusCode::NOT_MODIFIED, &[(header::ETAG, &etag)], Vec::new());
    }
    with(StatusCode::OK, &[(header::CONTENT_TYPE, kind), (header::ETAG, &etag)], bytes)
}

fn with(status: StatusCode, headers: &[(header::HeaderName, &str)], body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
