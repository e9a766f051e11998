//! `YouTube`'s list of videos by id (Data API v3, `videos.list`).

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{ListRequest, ListedWork, ListedWorks, NotAList, WorkId};
use crate::domain::address::Address;
use crate::domain::evidence::ListedVersion;
use crate::domain::evidence::host_rules;

const ID_LENGTH: usize = 11;

#[derive(Deserialize)]
struct VideoList {
    items: Vec<Video>,
}

#[derive(Deserialize)]
struct Video {
    id: String,
    status: VideoStatus,
    snippet: Snippet,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VideoStatus {
    upload_status: String,
    privacy_status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Snippet {
    title: String,
    channel_id: String,
    live_broadcast_content: String,
}

/// The id of a video. Playlists and channels have none.
pub(super) fn work_of(link: &Address) -> Option<WorkId> {
    let id = host_rules::youtube_video(link)?;
    let is_id = id.len() == ID_LENGTH
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    is_id.then_some(WorkId(id))
}

pub(super) fn list_of(interface: &Address, works: &BTreeSet<WorkId>) -> Option<ListRequest> {
    let ids: Vec<&str> = works.iter().map(|work| work.0.as_str()).collect();
    let mut url = interface.url().clone();
    url.query_pairs_mut()
        .append_pair("part", "status,snippet")
        .append_pair("id", &ids.join(","))
        .append_pair("maxResults", &ids.len().to_string());
    Some(ListRequest { address: Address::from_url(url).ok()?, body: None })
}

pub(super) fn read(list: &str, works: &BTreeSet<WorkId>) -> Result<ListedWorks, NotAList> {
    let list: VideoList = serde_json::from_str(list).map_err(|_| NotAList)?;
    let playable = list.items.into_iter().filter(Video::is_playable);
    let listed = playable.map(|video| {
        let version = ListedVersion::of(&[&video.snippet.channel_id, &video.snippet.title]);
        (WorkId(video.id), ListedWork::Version(version))
    });
    Ok(listed.filter(|(work, _)| works.contains(work)).collect())
}

impl Video {
    /// Whether everyone with its address can play it from beginning to end.
    fn is_playable(&self) -> bool {
        self.status.upload_status == "processed"
            && matches!(&*self.status.privacy_status, "public" | "unlisted")
            && self.snippet.live_broadcast_content == "none"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::evidence::bulk_interface::BulkInterface;

    /// A response in the form of the reference, with fields that are not read.
    fn list(items: &[serde_json::Value]) -> String {
        serde_json::json!({
            "kind": "youtube#videoListResponse",
            "etag": "5W1uuSRVY_5mEs2BbUlyRbCpAoU",
            "items": items,
            "pageInfo": { "totalResults": items.len(), "resultsPerPage": items.len() },
        })
        .to_string()
    }

    fn video(id: &str, title: &str, upload: &str, privacy: &str, live: &str) -> serde_json::Value {
        serde_json::json!({
            "kind": "youtube#video",
            "etag": "X2qCtQ6OM2SLWkpDjQ0CSIVkAy8",
            "id": id,
            "snippet": {
                "publishedAt": "2016-02-03T18:00:01Z",
                "channelId": "UC_x5XG1OV2P6uZZ5FSM9Ttw",
                "title": title,
                "description": "A lecture",
                "thumbnails": { "default": { "url": "https://i.ytimg.com/vi/x/default.jpg", "width": 120 } },
                "channelTitle": "A department",
                "categoryId": "27",
                "liveBroadcastContent": live,
                "localized": { "title": title, "description": "A lecture" }
            },
            "status": {
                "uploadStatus": upload,
                "privacyStatus": privacy,
                "license": "youtube",
                "embeddable": true,
                "publicStatsViewable": true,
                "madeForKids": false
            }
        })
    }

    fn works(ids: &[&str]) -> BTreeSet<WorkId> {
        ids.iter().map(|id| WorkId((*id).to_owned())).collect()
    }

    #[test]
    fn links_to_a_video_name_it() {
        for (link, id) in [
            ("https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=90", Some("dQw4w9WgXcQ")),
            ("https://www.youtube.com/watch?list=PL1&v=a_b-c3d4e5F", Some("a_b-c3d4e5F")),
            ("https://m.youtube.com/watch?v=dQw4w9WgXcQ", Some("dQw4w9WgXcQ")),
            ("https://youtu.be/dQw4w9WgXcQ", Some("dQw4w9WgXcQ")),
            ("https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ", Some("dQw4w9WgXcQ")),
            ("https://www.youtube.com/live/dQw4w9WgXcQ/", Some("dQw4w9WgXcQ")),
            ("https://www.youtube.com/shorts/dQw4w9WgXcQ", Some("dQw4w9WgXcQ")),
            ("https://www.youtube.com/embed/videoseries?list=PL1", None),
            ("https://www.youtube.com/playlist?list=PL1", None),
            ("https://www.youtube.com/@department", None),
            ("https://www.youtube.com/watch?v=dQw4w9WgXcQ,a", None),
            ("https://www.youtube.com/watch?v=short", None),
            ("https://lab.edu/watch?v=dQw4w9WgXcQ", None),
        ] {
            let found = BulkInterface::Youtube.work_of(&Address::parse(link).unwrap());
            assert_eq!(found, id.map(|id| WorkId(id.to_owned())), "{link}");
        }
    }

    #[test]
    fn one_request_names_all_videos() {
        let interface = Address::parse("https://www.googleapis.com/youtube/v3/videos").unwrap();
        let request = list_of(&interface, &works(&["dQw4w9WgXcQ", "a_b-c3d4e5F"])).unwrap();
        let query: Vec<(String, String)> = request.address.url().query_pairs().into_owned().collect();
        let expected = [("part", "status,snippet"), ("id", "a_b-c3d4e5F,dQw4w9WgXcQ"), ("maxResults", "2")];
        assert_eq!(query, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!(request.body, None);
    }

    #[test]
    fn only_videos_that_everyone_can_play_are_listed() {
        let ids = ["aaaaaaaaaaa", "bbbbbbbbbbb", "ccccccccccc", "ddddddddddd", "eeeeeeeeeee", "fffffffffff"];
        let text = list(&[
            video(ids[0], "Trees", "processed", "public", "none"),
            video(ids[1], "Trees", "processed", "unlisted", "none"),
            video(ids[2], "Graphs", "processed", "private", "none"),
            video(ids[3], "Graphs", "uploaded", "public", "none"),
            video(ids[4], "Graphs", "processed", "public", "upcoming"),
            video("ggggggggggg", "not requested", "processed", "public", "none"),
        ]);
        let listed = read(&text, &works(&ids)).unwrap();
        let named: Vec<&str> = listed.keys().map(|work| work.0.as_str()).collect();
        assert_eq!(named, ids[..2]);
        let other = list(&[video(ids[0], "Trees (new)", "processed", "public", "none")]);
        let other = read(&other, &works(&ids)).unwrap();
        assert_ne!(listed.values().next(), other.values().next(), "another title is another version");
        assert_eq!(listed.values().next(), listed.values().nth(1));
    }

    #[test]
    fn an_error_is_no_list() {
        let refused = r#"{"error":{"code":403,"message":"The request cannot be completed because you have exceeded your quota.","errors":[{"domain":"youtube.quota","reason":"quotaExceeded"}]}}"#;
        for text in [refused, "", "<html>", "[]", r#"{"items":[{"id":"aaaaaaaaaaa"}]}"#] {
            assert_eq!(read(text, &works(&["aaaaaaaaaaa"])), Err(NotAList), "{text}");
        }
        assert_eq!(read(&list(&[]), &works(&["aaaaaaaaaaa"])), Ok(ListedWorks::new()));
    }
}
