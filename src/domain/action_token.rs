//! Signed action tokens in the links of an email: who may do what with which link, until when.
//!
//! A token grants access by itself, so it names one link, one reader and
//! one course, and expires with the term. It contains digests instead of names, so that an
//! address does not reveal an email address. HMAC (RFC 2104) over SHA-256,
//! truncated to 128 bits as its section 5 allows.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::ToSpan as _;
use jiff::civil::Date;
use sha2::{Digest as _, Sha256};

use crate::domain::address::LinkId;
use crate::domain::course::{CourseId, EmailAddress, Term};

/// How long a token of a course without a term is valid.
const DAYS: i64 = 180;
/// How long a token stays valid after the end of the term.
const DAYS_AT_LEAST: i64 = 14;

/// Days are counted from this date.
const EPOCH: Date = jiff::civil::date(2020, 1, 1);
/// Purpose, day, course, reader, link.
const CLAIM: usize = 1 + 2 + 8 + 8 + 8;
const SEAL: usize = 16;
/// Separates this use of the key from other uses (domain separation).
const CONTEXT: &[u8] = b"onreserve ticket 1";

/// The key that signs action tokens. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

/// A text that is not a signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signing key has at least {} characters; `openssl rand -hex 32` makes one", SigningKey::SHORTEST)]
pub struct InvalidSigningKey;

impl SigningKey {
    pub const SHORTEST: usize = 32;

    pub fn parse(text: &str) -> Result<Self, InvalidSigningKey> {
        let text = text.trim();
        if text.len() < Self::SHORTEST { Err(InvalidSigningKey) } else { Ok(Self(text.as_bytes().to_vec())) }
    }

    /// The HMAC-SHA-256 (RFC 2104) of a message in hexadecimal. The key must not be that of
    /// action tokens.
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    pub fn hmac_hex(&self, message: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(message);
        let mut digits = String::new();
        for byte in mac.finalize().into_bytes() {
            digits.push_str(&format!("{byte:02x}"));
        }
        digits
    }

    /// Bytes that only processes with this key know, for another use than action tokens. Each
    /// use has its own context.
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    pub fn derived(&self, context: &'static str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(b"onreserve derived 1");
        mac.update(context.as_bytes());
        mac.finalize().into_bytes().into()
    }

    pub(in crate::domain) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(a signing key)")
    }
}

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To decide on a link.
    Act(LinkId),
    /// To decide on this link and those of its host with the same result.
    ActOnHost(LinkId),
    /// To stop the emails, or to start them again.
    Subscription,
}

/// A token with a valid signature. [`ActionToken::is_for`] checks which course and reader it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionToken {
    pub purpose: Purpose,
    course: [u8; 8],
    reader: [u8; 8],
    until: Date,
}

/// A text that is not a valid token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a valid action token")]
pub struct InvalidToken;

impl ActionToken {
    pub fn new(purpose: Purpose, course: &CourseId, reader: &EmailAddress, until: Date) -> Self {
        let days = days(until);
        Self {
            purpose,
            course: digest(course.as_str()),
            reader: digest(reader.as_str()),
            until: EPOCH.saturating_add(i64::from(days).days()),
        }
    }

    /// The last day of a token that is issued on a day.
    pub fn last_day(today: Date, term: Option<Term>) -> Date {
        let later = |days: i64| today.saturating_add(days.days());
        match term.filter(|term| today <= term.last) {
            Some(term) => term.last.max(later(DAYS_AT_LEAST)),
            None => later(DAYS),
        }
    }

    /// The form in an address.
    pub fn signed(&self, key: &SigningKey) -> String {
        let claim = self.claim();
        let mut bytes = claim.to_vec();
        bytes.extend(mac(key, &claim).finalize().into_bytes().iter().take(SEAL));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Parses a token and checks its signature, in constant time.
    pub fn verify(text: &str, key: &SigningKey) -> Result<Self, InvalidToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidToken)?;
        let (claim, seal) = bytes.split_at_checked(CLAIM).ok_or(InvalidToken)?;
        if seal.len() != SEAL || mac(key, claim).verify_truncated_left(seal).is_err() {
            return Err(InvalidToken);
        }
        Self::of_claim(claim).ok_or(InvalidToken)
    }

    pub fn is_over(&self, today: Date) -> bool {
        today > self.until
    }

    pub fn is_of(&self, course: &CourseId) -> bool {
        self.course == digest(course.as_str())
    }

    pub fn is_for(&self, reader: &EmailAddress) -> bool {
        self.reader == digest(reader.as_str())
    }

    fn claim(&self) -> [u8; CLAIM] {
        let (purpose, link) = match self.purpose {
            Purpose::Act(link) => (1, link.to_bytes()),
            Purpose::ActOnHost(link) => (2, link.to_bytes()),
            Purpose::Subscription => (3, [0; 8]),
        };
        let parts: [&[u8]; 5] =
            [&[purpose], &days(self.until).to_be_bytes(), &self.course, &self.reader, &link];
        let mut claim = [0; CLAIM];
        for (place, byte) in claim.iter_mut().zip(parts.concat()) {
            *place = byte;
        }
        claim
    }

    fn of_claim(claim: &[u8]) -> Option<Self> {
        let (purpose, rest) = claim.split_first()?;
        let (until, rest) = rest.split_first_chunk::<2>()?;
        let (course, rest) = rest.split_first_chunk::<8>()?;
        let (reader, rest) = rest.split_first_chunk::<8>()?;
        let link = LinkId::from_bytes(*rest.first_chunk::<8>()?);
        let purpose = match purpose {
            1 => Purpose::Act(link),
            2 => Purpose::ActOnHost(link),
            3 => Purpose::Subscription,
            _ => return None,
        };
        let until = EPOCH.saturating_add(i64::from(u16::from_be_bytes(*until)).days());
        Some(Self { purpose, course: *course, reader: *reader, until })
    }
}

/// Up to the year 2199; later days are cut to its end.
fn days(until: Date) -> u16 {
    u16::try_from((until - EPOCH).get_days().max(0)).unwrap_or(u16::MAX)
}

fn digest(name: &str) -> [u8; 8] {
    let digest = Sha256::digest(name.as_bytes());
    let mut short = [0; 8];
    for (place, byte) in short.iter_mut().zip(digest) {
        *place = byte;
    }
    short
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn mac(key: &SigningKey, claim: &[u8]) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("HMAC takes keys of any length");
    mac.chain_update(CONTEXT).chain_update(claim)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::address::Address;

    const TODAY: Date = date(2026, 10, 5);

    fn key(text: &str) -> SigningKey {
        SigningKey::parse(&text.repeat(32)).unwrap()
    }

    fn token() -> ActionToken {
        let link = LinkId::of(&Address::parse("https://a.example/x.pdf").unwrap());
        let (course, reader) = ("dgm".parse().unwrap(), "i@school.example".parse().unwrap());
        ActionToken::new(Purpose::Act(link), &course, &reader, TODAY)
    }

    #[test]
    fn a_token_is_parsed_from_its_text_and_contains_no_name() {
        let text = token().signed(&key("k"));
        let opened = ActionToken::verify(&text, &key("k")).unwrap();
        assert_eq!(opened, token());
        assert!(opened.is_for(&"i@school.example".parse().unwrap()) && opened.is_of(&"dgm".parse().unwrap()));
        assert!(
            !opened.is_for(&"j@school.example".parse().unwrap()) && !opened.is_of(&"dg".parse().unwrap())
        );
        assert!(!opened.is_over(TODAY) && opened.is_over(TODAY.tomorrow().unwrap()));
        assert!(text.len() <= 60 && !text.contains("school"), "{text}");
    }

    #[test]
    fn a_token_expires_with_the_term() {
        let term = |last| Some(Term { first: date(2026, 9, 1), last });
        assert_eq!(ActionToken::last_day(TODAY, term(date(2026, 12, 11))), date(2026, 12, 11));
        assert_eq!(ActionToken::last_day(TODAY, term(TODAY)), date(2026, 10, 19));
        assert_eq!(ActionToken::last_day(TODAY, term(date(2026, 9, 30))), ActionToken::last_day(TODAY, None));
        assert_eq!(ActionToken::last_day(TODAY, None), date(2027, 4, 3));
    }

    #[test]
    fn a_key_is_long_and_never_printed() {
        assert!(SigningKey::parse("short").is_err());
        assert!(!format!("{:?}", key("k")).contains("kk"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_other_text_and_no_other_key_is_accepted(at in 0..43usize, change in 1..=255u8, text in "\\PC{0,80}") {
            let sealed = token().signed(&key("k"));
            let mut bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
            bytes[at] ^= change;
            prop_assert_eq!(ActionToken::verify(&URL_SAFE_NO_PAD.encode(&bytes), &key("k")), Err(InvalidToken));
            prop_assert_eq!(ActionToken::verify(&sealed, &key("l")), Err(InvalidToken));
            prop_assert_eq!(ActionToken::verify(&text, &key("k")), Err(InvalidToken));
            bytes.truncate(at);
            prop_assert_eq!(ActionToken::verify(&URL_SAFE_NO_PAD.encode(&bytes), &key("k")), Err(InvalidToken));
        }
    }
}
