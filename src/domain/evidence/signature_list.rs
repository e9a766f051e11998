//! The list of signatures, parsed from `page_signatures.psv`, and those that an answer
//! was found to carry. How they are looked for is in `page_signatures`.

use std::sync::{LazyLock, OnceLock};

/// What kind of page a signature stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureKind {
    BotWall,
    Consent,
    RateLimited,
    Login,
    Paywall,
    Parked,
    Missing,
    /// Closed for repairs: the host will be back.
    Maintenance,
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

/// Statuses at which a signature says nothing, because its vendor puts it on every page.
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

/// The signatures that an answer carries, in the order of the list. They are looked for
/// at the first question; the answer must not change after it.
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

/// They follow from the rest of the answer.
impl PartialEq for FoundSignatures {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
