//! `[fetch.bulk_interfaces]`: the interfaces that list many works at once, and their tokens.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::credential;
use super::diagnostics::TableDiagnostics;
use crate::domain::address::Address;
use crate::domain::evidence::bulk_interface::BulkInterface;
use crate::world::fetch::{InterfaceAccess, InterfaceToken};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BulkInterfaceKeys {
    arxiv: Option<Address>,
    youtube: Option<Address>,
    youtube_key_file: Option<PathBuf>,
    github: Option<Address>,
    github_token_file: Option<PathBuf>,
}

/// An interface that asks for a token.
struct TokenKeys<'a> {
    interface: BulkInterface,
    address: Option<&'a Address>,
    file_key: &'static str,
    file: Option<&'a Path>,
    /// The name of its systemd credential.
    credential: &'static str,
    /// The usual address of the interface.
    usual: &'static str,
}

/// The interfaces without errors.
pub(super) fn settings(
    keys: &BulkInterfaceKeys,
    table: &mut TableDiagnostics,
    environment: impl Fn(&str) -> Option<String>,
) -> BTreeMap<BulkInterface, InterfaceAccess> {
    let arxiv = keys
        .arxiv
        .iter()
        .map(|address| (BulkInterface::Arxiv, InterfaceAccess { address: address.clone(), token: None }));
    let mut interfaces: BTreeMap<_, _> = arxiv.collect();
    for with_token in with_tokens(keys) {
        let interface = with_token.interface;
        let access = with_token.access(table, &environment);
        interfaces.extend(access.map(|access| (interface, access)));
    }
    interfaces
}

/// The least pause that the interface asks programs to make.
pub(super) fn pause(interface: BulkInterface) -> Duration {
    match interface {
        BulkInterface::Arxiv => Duration::from_secs(3),
        BulkInterface::Youtube | BulkInterface::Github => Duration::from_secs(1),
    }
}

fn with_tokens(keys: &BulkInterfaceKeys) -> [TokenKeys<'_>; 2] {
    [
        TokenKeys {
            interface: BulkInterface::Youtube,
            address: keys.youtube.as_ref(),
            file_key: "youtube_key_file",
            file: keys.youtube_key_file.as_deref(),
            credential: "youtube-key",
            usual: "https://www.googleapis.com/youtube/v3/videos",
        },
        TokenKeys {
            interface: BulkInterface::Github,
            address: keys.github.as_ref(),
            file_key: "github_token_file",
            file: keys.github_token_file.as_deref(),
            credential: "github-token",
            usual: "https://api.github.com/graphql",
        },
    ]
}

impl TokenKeys<'_> {
    fn access(
        &self,
        table: &mut TableDiagnostics,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Option<InterfaceAccess> {
        let (key, file_key) = (self.interface.key(), self.file_key);
        let Some(address) = self.address else {
            if self.file.is_some() {
                let what = format!("there is no {key} that the token is for; add {key} = \"{}\"", self.usual);
                table.missing(file_key, what);
            }
            return None;
        };
        if !is_protected(address) {
            let what = format!(
                "{key} gets a token, so its address begins with https://; the usual one is {}",
                self.usual
            );
            table.error(key, what);
            return None;
        }
        let Some(file) = credential::file(self.file, self.credential, environment) else {
            let what = format!(
                "{key} answers only with a token; name its file in {file_key}, or set the systemd credential {}",
                self.credential
            );
            table.missing(key, what);
            return None;
        };
        let read = credential::read(&file).and_then(|text| {
            InterfaceToken::parse(text.trim())
                .map_err(|error| format!("the token in {} cannot be used: {error}", file.display()))
        });
        let token = table.value(file_key, read)?;
        Some(InterfaceAccess { address: address.clone(), token: Some(token) })
    }
}

/// Whether a token that is sent to this address stays secret: it is encrypted, or it does not leave
/// this machine.
fn is_protected(address: &Address) -> bool {
    let host = address.host().trim_start_matches('[').trim_end_matches(']');
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    address.url().scheme() == "https" || is_here
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes the file that is read")]
mod tests {
    use super::*;
    use crate::config::diagnostics::Diagnostics;

    /// The interfaces, or the messages.
    fn read(text: &str) -> Result<BTreeMap<BulkInterface, InterfaceAccess>, String> {
        let keys: BulkInterfaceKeys = toml::from_str(text).unwrap();
        let mut found = Diagnostics::default();
        let read = settings(&keys, &mut found.table(0, &["fetch", "bulk_interfaces"]), |_| None);
        let messages = found.messages();
        if messages.is_empty() { Ok(read) } else { Err(messages) }
    }

    #[test]
    fn an_interface_has_its_token() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, "0123\n").unwrap();
        let file = file.display();
        let read = read(&format!(
            "arxiv = \"http://lists.example/\"\ngithub = \"https://api.github.com/graphql\"\n\
             github_token_file = \"{file}\"\nyoutube = \"http://127.0.0.1/videos\"\nyoutube_key_file = \"{file}\""
        ));
        let read = read.unwrap();
        let token = InterfaceToken::parse("0123").ok();
        let tokens: Vec<_> = read.into_iter().map(|(interface, access)| (interface, access.token)).collect();
        let expected = [
            (BulkInterface::Arxiv, None),
            (BulkInterface::Youtube, token.clone()),
            (BulkInterface::Github, token),
        ];
        assert_eq!(tokens, expected);
    }

    #[test]
    fn errors_say_what_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, "two words\n").unwrap();
        let file = file.display();
        for (text, words) in [
            ("github = \"https://api.github.com/graphql\"".to_owned(), "name its file in github_token_file"),
            (
                "youtube = \"https://www.googleapis.com/youtube/v3/videos\"".to_owned(),
                "credential youtube-key",
            ),
            (
                "youtube = \"http://www.googleapis.com/youtube/v3/videos\"".to_owned(),
                "its address begins with https://",
            ),
            (format!("github_token_file = \"{file}\""), "add github = \"https://api.github.com/graphql\""),
            (
                "github = \"https://api.github.com/graphql\"\ngithub_token_file = \"/none\"".to_owned(),
                "cannot read the file /none",
            ),
            (
                format!("github = \"https://api.github.com/graphql\"\ngithub_token_file = \"{file}\""),
                "write the token alone",
            ),
        ] {
            let messages = read(&text).unwrap_err();
            assert!(messages.contains(words) && !messages.contains("two words"), "{messages}");
        }
    }
}
