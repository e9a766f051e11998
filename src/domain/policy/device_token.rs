//! Tokens of browsers that have logged in before.
//!
//! A browser with such a token has its own allowance of login attempts, so that
//! wrong passwords of other people do not slow it down. The token is no login
//! and contains no name. The pattern is known as device cookies.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;

use crate::domain::action_token::SigningKey;
use crate::domain::capture::Digest;
use crate::domain::course::CourseId;
use crate::domain::policy::course_access::Role;

/// How long a browser is known after a login.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(365 * 24);

const ID: usize = 16;
/// The number of the device, its role and the second of its login.
const CLAIM: usize = ID + 1 + 8;
const SEAL: usize = 16;
/// Separates this use of the key from other uses (domain separation).
const CONTEXT: &[u8] = b"onreserve device 1";

/// The random number of a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceId([u8; ID]);

/// A browser that has logged in to a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    pub id: DeviceId,
    /// The role in which it logged in.
    pub role: Role,
    at: Timestamp,
}

impl Device {
    /// The number must be random. Times are kept in seconds.
    pub fn new(id: [u8; ID], role: Role, now: Timestamp) -> Self {
        let at = Timestamp::from_second(now.as_second()).unwrap_or(now);
        Self { id: DeviceId(id), role, at }
    }

    /// The same browser after another login. A login as a reader does not take away
    /// what it has as staff.
    #[must_use]
    pub fn logged_in(self, role: Role, now: Timestamp) -> Self {
        let role = if self.role == Role::Staff { Role::Staff } else { role };
        Self::new(self.id.0, role, now)
    }

    /// The value of the cookie.
    pub fn signed(&self, course: &CourseId, key: &SigningKey) -> String {
        let mut bytes = self.claim();
        let seal = mac(course, key, &bytes).finalize().into_bytes();
        bytes.extend(seal.iter().take(SEAL));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a value of the cookie. `None` if it is not valid for the course at this time.
    pub fn verify(text: &str, course: &CourseId, key: &SigningKey, now: Timestamp) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (claim, seal) = bytes.split_at_checked(CLAIM)?;
        let is_signed = seal.len() == SEAL && mac(course, key, claim).verify_truncated_left(seal).is_ok();
        let device = Self::of_claim(claim).filter(|_| is_signed)?;
        (now.duration_since(device.at) < LIFETIME).then_some(device)
    }

    fn claim(&self) -> Vec<u8> {
        let role = match self.role {
            Role::Reader => 1,
            Role::Staff => 2,
        };
        [&self.id.0[..], &[role], &self.at.as_second().to_be_bytes()].concat()
    }

    fn of_claim(claim: &[u8]) -> Option<Self> {
        let (id, rest) = claim.split_first_chunk::<ID>()?;
        let (role, rest) = rest.split_first()?;
        let at = Timestamp::from_second(i64::from_be_bytes(*rest.first_chunk()?)).ok()?;
        let role = match role {
            1 => Role::Reader,
            2 => Role::Staff,
            _ => return None,
        };
        Some(Self { id: DeviceId(*id), role, at })
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104 section 2)")]
fn mac(course: &CourseId, key: &SigningKey, claim: &[u8]) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key of any length");
    // A digest has a fixed length, so that the parts cannot be confused.
    let course = Digest::of(course.as_str().as_bytes()).to_string();
    mac.chain_update(CONTEXT).chain_update(course.as_bytes()).chain_update(claim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> SigningKey {
        SigningKey::parse(&text.repeat(32)).unwrap()
    }

    fn course(id: &str) -> CourseId {
        id.parse().unwrap()
    }

    #[test]
    fn a_token_is_valid_for_its_course_its_key_and_a_year() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let device = Device::new([7; 16], Role::Reader, now);
        let token = device.signed(&course("dgm"), &key("k"));
        let verified = |course: CourseId, key: SigningKey, later: SignedDuration| {
            Device::verify(&token, &course, &key, now + later)
        };
        assert_eq!(verified(course("dgm"), key("k"), SignedDuration::ZERO), Some(device));
        assert_eq!(verified(course("dg"), key("k"), SignedDuration::ZERO), None);
        assert_eq!(verified(course("dgm"), key("l"), SignedDuration::ZERO), None);
        assert_eq!(verified(course("dgm"), key("k"), LIFETIME), None);
        for at in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(Device::verify(&altered, &course("dgm"), &key("k"), now), None, "{altered}");
        }
        for text in ["", "A", &token[1..], &format!("{token}A")] {
            assert_eq!(Device::verify(text, &course("dgm"), &key("k"), now), None, "{text}");
        }
    }

    #[test]
    fn a_login_as_a_reader_keeps_the_role_of_staff() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let staff = Device::new([7; 16], Role::Reader, now).logged_in(Role::Staff, now);
        assert_eq!(staff.role, Role::Staff);
        assert_eq!(staff.logged_in(Role::Reader, now).role, Role::Staff);
    }
}
