//! A capture: the digests and size of a stored body, and where, when and why it was taken.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::domain::address::{Address, LinkId};

/// The SHA-256 (FIPS 180-4) of a body; also its name in the archive.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// The result of the last fixity check of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    pub at: Timestamp,
    pub is_sound: bool,
}

/// How the bytes of a copy were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The file had other bytes, and was moved to quarantine.
    Altered,
    /// The file is not in the archive.
    Missing,
}

/// A text that is not 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a SHA-256: 64 hexadecimal digits are expected")]
pub struct InvalidDigest(String);

impl Digest {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            for (digit, value) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
                *digit = if value < 10 { b'0' + value } else { b'a' - 10 + value };
            }
        }
        #[expect(clippy::expect_used, reason = "hexadecimal digits are ASCII")]
        f.write_str(std::str::from_utf8(&text).expect("hexadecimal digits are ASCII"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || InvalidDigest(text.to_owned());
        // The number parser also accepts a sign.
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigest;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

/// A SHA-1 as web archives write it: RFC 4648 section 6, without padding, because 20 bytes
/// need none.
pub fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::new();
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(held >> bits & 31) as usize]));
        }
        held &= (1 << bits) - 1;
    }
    text
}

/// Why a capture was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureReason {
    /// The link had no capture before.
    First,
    /// The text of the work differs from the last capture.
    Changed,
    /// The same work in other bytes: a regenerated PDF, a new template.
    Reissued,
    /// The archive lost the bytes of a capture, and the link still has the same work.
    Restored,
}

/// A file that a captured page needs: an image, a style sheet, a font, a frame.
///
/// It is never judged; a change of it is not a change of the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRequisite {
    /// The address by which the page names it.
    pub address: Address,
    pub sha256: Digest,
    pub bytes: u64,
    pub media_type: String,
}

/// How a browser made the body of a capture, because only scripts make the text of the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendering {
    /// The page as it was received.
    pub source: KeptRequisite,
    /// The page as a PDF, if it could be printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pdf: Option<KeptRequisite>,
}

/// A body in the archive, and its origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// The link whose document it is.
    pub link: Address,
    /// The address of the final response, after redirects.
    pub document: Address,
    pub sha256: Digest,
    /// SHA-1 in base 32, as web archive indexes name a payload.
    pub sha1: String,
    pub bytes: u64,
    pub media_type: String,
    pub captured_at: Timestamp,
    pub why: CaptureReason,
    /// The blob with the heads, in a capture of an earlier version. Those of other captures are
    /// in the journal ([`exchange_heads`](crate::domain::warc::exchange_heads)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Digest>,
    /// `Content-Disposition` of the response, from which the name of a copy is taken; also
    /// `None` if the heads are a blob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    /// Every address of the redirect chain, in order.
    pub chain: Vec<Address>,
    /// What the body is, if it is not the work; `None` for the work itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortfall: Option<Shortfall>,
}

/// What a stored body is, if it is not the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortfall {
    /// The page about the work, because the document could not be fetched.
    LandingPage,
}

impl Capture {
    pub fn id(&self) -> CaptureId {
        CaptureId { link: LinkId::of(&self.link), at: Stamp::of(self.captured_at) }
    }
}

/// A time as web archives write it in addresses: 14 digits, UTC, to the second.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stamp(String);

/// A text that is not 14 digits of a valid time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time: 14 digits are expected, as in 20260914023000")]
pub struct InvalidStamp(String);

impl Stamp {
    pub fn of(at: Timestamp) -> Self {
        Self(at.strftime("%Y%m%d%H%M%S").to_string())
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Stamp {
    type Err = InvalidStamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digits = text.len() == 14 && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_digits && DateTime::strptime("%Y%m%d%H%M%S", text).is_ok() {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidStamp(text.to_owned()))
        }
    }
}

/// The short name of a capture: its link and its second.
///
/// It is derived, so that a citation stays valid in a rebuilt catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CaptureId {
    pub link: LinkId,
    pub at: Stamp,
}

/// A text that is not a link id, `-` and 14 digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a capture id: 16 hexadecimal digits, `-` and 14 digits are expected")]
pub struct InvalidCaptureId(String);

impl fmt::Display for CaptureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.link, self.at)
    }
}

impl FromStr for CaptureId {
    type Err = InvalidCaptureId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || InvalidCaptureId(text.to_owned());
        let (link, at) = text.split_once('-').ok_or_else(wrong)?;
        Ok(Self { link: link.parse().map_err(|_| wrong())?, at: at.parse().map_err(|_| wrong())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_id_is_parsed_from_its_text() {
        let id = CaptureId {
            link: LinkId::of(&Address::parse("https://ex.edu/a.pdf").unwrap()),
            at: Stamp::of("2026-09-14T02:30:05.9Z".parse().unwrap()),
        };
        assert!(id.to_string().ends_with("-20260914023005"), "{id}");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn a_digest_is_hexadecimal_digits_alone() {
        let digest = Digest::of(b"x");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!(format!("+f{}", "0".repeat(62)).parse::<Digest>().is_err());
    }

    #[test]
    fn a_stamp_is_a_valid_time() {
        for text in ["2026091402300", "20261314023000", "2026091402300x", "+0260914023000", "２0260914023000"]
        {
            assert!(text.parse::<Stamp>().is_err(), "{text}");
        }
    }
}
