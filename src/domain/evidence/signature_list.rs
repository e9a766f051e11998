//! The list of signatures, parsed from `page_signatures.psv`, and the signatures of a
//! response. `page_signatures` searches for them.

use std::sync::{LazyLock, OnceLock};

/// The kind of page that a signature shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureKind {
    BotWall,
    Consent,
    RateLimited,
    Login,
    Paywall,
    Parked,
    Missing,
    /// Closed for maintenance; the host comes back.
    Maintenance,
    /// The message of a database, a language, a framework or a server whose program failed.
    ServerError,
    /// The list of the files of a directory.
    DirectoryIndex,
    /// The hosting service disabled the site. Only its owner can change that.
    Disabled,
    /// The entrance of a search engine.
    SearchEngine,
    /// Words that hijacked pages advertise.
    Spam,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SearchField {
    Header,
    Host,
    Path,
    Title,
    Source,
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Always,
    Error(StatusExemption),
    Thin(StatusExemption),
}

/// Statuses with which a signature does not count, because its vendor puts it on every such page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatusExemption {
    None,
    Missing,
    MissingOrDown,
}

impl StatusExemption {
    pub(super) fn allows(self, status: Option<u16>) -> bool {
        match (self, status) {
            (Self::Missing | Self::MissingOrDown, Some(404 | 410))
            | (Self::MissingOrDown, Some(500..=599)) => false,
            (Self::None | Self::Missing | Self::MissingOrDown, _) => true,
        }
    }
}

/// One line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    pub(super) kind: SignatureKind,
    pub(super) field: SearchField,
    pub(super) condition: Condition,
    /// In lower case.
    pub(super) text: &'static str,
}

pub(super) static SIGNATURES: LazyLock<Vec<Signature>> = LazyLock::new(|| {
    include_str!("page_signatures.psv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(parse)
        .collect()
});

fn parse(line: &'static str) -> Option<Signature> {
    let mut columns = line.splitn(4, '|');
    Some(Signature {
        kind: match columns.next()? {
            "bot_wall" => SignatureKind::BotWall,
            "consent" => SignatureKind::Consent,
            "rate_limited" => SignatureKind::RateLimited,
            "login" => SignatureKind::Login,
            "paywall" => SignatureKind::Paywall,
            "parked" => SignatureKind::Parked,
            "missing" => SignatureKind::Missing,
            "maintenance" => SignatureKind::Maintenance,
            "server_error" => SignatureKind::ServerError,
            "directory_index" => SignatureKind::DirectoryIndex,
            "disabled" => SignatureKind::Disabled,
            "search_engine" => SignatureKind::SearchEngine,
            "spam" => SignatureKind::Spam,
            _ => return None,
        },
        field: match columns.next()? {
            "header" => SearchField::Header,
            "host" => SearchField::Host,
            "path" => SearchField::Path,
            "title" => SearchField::Title,
            "source" => SearchField::Source,
            "text" => SearchField::Text,
            _ => return None,
        },
        condition: match columns.next()? {
            "always" => Condition::Always,
            "error" => Condition::Error(StatusExemption::None),
            "error but missing or down" => Condition::Error(StatusExemption::MissingOrDown),
            "thin" => Condition::Thin(StatusExemption::None),
            "thin but missing" => Condition::Thin(StatusExemption::Missing),
            "thin but missing or down" => Condition::Thin(StatusExemption::MissingOrDown),
            _ => return None,
        },
        text: columns.next()?,
    })
}

/// The signatures of a response, in the order of the list. They are searched at the
/// first use; the response must not change after it.
#[derive(Clone, Debug, Default)]
pub struct FoundSignatures(OnceLock<Vec<&'static Signature>>);

impl FoundSignatures {
    pub(super) fn get_or_search(
        &self,
        search: impl FnOnce() -> Vec<&'static Signature>,
    ) -> &[&'static Signature] {
        self.0.get_or_init(search)
    }
}

/// Signatures are derived from the rest of the response.
impl PartialEq for FoundSignatures {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
