//! Video hosts: their pages answer 200 for removed videos, but their oEmbed interfaces do not.

use super::{ApiStatus, HostApi, HostRules, PageStatement, is_host, path_after};
use crate::domain::address::Address;
use crate::domain::document::Document;
use crate::domain::evidence::classify::{ResponseClass, classify};
use crate::domain::evidence::probe::ProbeResult;
use crate::domain::evidence::{Note, Reason, Weight};

/// Players of a playlist, and of the present live stream of a channel.
const NO_VIDEOS: &[&str] = &["videoseries", "live_stream"];

fn is_youtube(address: &Address) -> bool {
    is_host(address, &["youtube.com", "m.youtube.com", "youtube-nocookie.com", "youtu.be"])
}

/// A parameter of the query.
fn parameter(address: &Address, name: &str) -> Option<String> {
    address.url().query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The id of the video that a `YouTube` address leads to.
pub(super) fn youtube_video(address: &Address) -> Option<String> {
    if !is_youtube(address) {
        return None;
    }
    let id = if is_host(address, &["youtu.be"]) {
        path_after(address, "/").map(str::to_owned)
    } else {
        ["/embed/", "/shorts/", "/live/", "/v/"]
            .iter()
            .find_map(|prefix| path_after(address, prefix).map(str::to_owned))
            .filter(|id| !NO_VIDEOS.contains(&id.trim_end_matches('/')))
            .or_else(|| parameter(address, "v").filter(|_| address.path() == "/watch"))
    };
    id.map(|id| id.trim_end_matches('/').to_owned())
}

pub(super) fn youtube(address: &Address) -> Option<HostRules> {
    if !is_youtube(address) {
        return None;
    }
    let list = || parameter(address, "list");
    let video = youtube_video(address)
        .map(|id| format!("https://www.youtube.com/watch?v={id}"))
        .or_else(|| list().map(|list| format!("https://www.youtube.com/playlist?list={list}")));
    Some(HostRules {
        host_api: video
            .and_then(|video| oembed("https://www.youtube.com/oembed?format=json", &video, read_youtube)),
        redirects_by_design: true,
        skip_soft_404_probe: true,
        statement: Some(youtube_statement),
        note: Some(starts_after_end),
        ..HostRules::default()
    })
}

/// The state that the player itself reports, for nights without an answer of the interface.
fn youtube_statement(page: &Document) -> Option<PageStatement> {
    let source = &page.html.as_ref()?.source;
    let (_, status) = source.split_once(r#""playabilityStatus":{"status":""#)?;
    // The reason follows the status; the rest of the page may quote anything.
    let reason = status.get(..300).unwrap_or(status).to_lowercase();
    if status.starts_with("ERROR\"") {
        Some(PageStatement::Missing)
    } else if status.starts_with("LOGIN_REQUIRED\"") && reason.contains("private video") {
        Some(PageStatement::Private)
    } else {
        None
    }
}

/// Compares `t=90`, `t=90s` or `t=1h2m3s` with the length in the player.
fn starts_after_end(address: &Address, page: &Document) -> Option<Note> {
    let source = &page.html.as_ref()?.source;
    let start = address
        .url()
        .query_pairs()
        .find(|(key, _)| key == "t" || key == "start")
        .map(|(_, value)| seconds(&value))??;
    let (_, after) = source.split_once(r#""lengthSeconds":""#)?;
    let length: u32 = after.split('"').next()?.parse().ok()?;
    (length > 0 && start > length).then_some(Note::StartsAfterEnd)
}

fn seconds(text: &str) -> Option<u32> {
    if let Ok(plain) = text.parse() {
        return Some(plain);
    }
    let mut total: u32 = 0;
    let mut digits = String::new();
    for c in text.chars() {
        let unit: u32 = match c {
            '0'..='9' => {
                digits.push(c);
                continue;
            }
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        let count: u32 = std::mem::take(&mut digits).parse().ok()?;
        total = total.checked_add(count.checked_mul(unit)?)?;
    }
    digits.is_empty().then_some(total)
}

/// 401 means that embedding is off, which readers of the page do not notice.
fn read_youtube(answer: &ProbeResult) -> ApiStatus {
    if answer.document.as_ref().is_some_and(|document| document.text.trim() == "Forbidden") {
        return ApiStatus::Restricted(Reason::Private);
    }
    match answer.exchange.status() {
        Some(200 | 401) => ApiStatus::Available,
        Some(400 | 404 | 410) => ApiStatus::Gone(Reason::RemovedVideo, Weight::Decisive),
        Some(403) => ApiStatus::Restricted(Reason::Private),
        _ => ApiStatus::Unknown,
    }
}

pub(super) fn vimeo(address: &Address) -> Option<HostRules> {
    if !is_host(address, &["vimeo.com", "player.vimeo.com"]) {
        return None;
    }
    let id = path_after(address, "/video/").or_else(|| path_after(address, "/"))?;
    let id = id.split('/').next().filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some(HostRules {
        host_api: oembed("https://vimeo.com/api/oembed.json", &format!("https://vimeo.com/{id}"), read_vimeo),
        redirects_by_design: true,
        skip_soft_404_probe: true,
        ..HostRules::default()
    })
}

/// A 404 is ambiguous: a video that is restricted to some domains also gives it.
fn read_vimeo(answer: &ProbeResult) -> ApiStatus {
    match classify(answer) {
        ResponseClass::Content(_) | ResponseClass::Unmodified => ApiStatus::Available,
        ResponseClass::Gone(..)
        | ResponseClass::Restricted(_)
        | ResponseClass::Refused(_)
        | ResponseClass::Unclear(_) => ApiStatus::Unknown,
    }
}

fn oembed(endpoint: &str, video: &str, read: fn(&ProbeResult) -> ApiStatus) -> Option<HostApi> {
    let mut url = Address::parse(endpoint).ok()?.url().clone();
    url.query_pairs_mut().append_pair("url", video);
    Some(HostApi { address: Address::from_url(url).ok()?, read })
}
