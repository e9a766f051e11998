//! A stored password: an argon2id hash in the PHC string format.
//!
//! A reader of the configuration does not learn the password.

use std::fmt;
use std::str::FromStr;

use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc::{self, Output, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// Shorter passwords can be guessed.
pub const SHORTEST: usize = 8;
/// A longer password costs hashing time and adds no security.
pub const LONGEST: usize = 200;
/// A hash that needs more memory than this, in KiB, would let any visitor
/// of the login page exhaust the memory of the service.
const MOST_MEMORY: u32 = 128 << 10;
const MOST_PASSES: u32 = 20;

/// The hash of a password.
#[derive(Clone)]
pub struct PasswordHash {
    text: String,
    cost: Params,
    version: Version,
    salt: Salt,
    output: Output,
}

/// The memory in which hashes are computed. It is kept, so that many logins use
/// no more memory than one.
#[derive(Default)]
pub struct HashMemory(Vec<Block>);

/// A text that is not a usable hash. Errors do not repeat it: it may be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPasswordHash {
    #[error("this is not an argon2id hash; `onreserve hash-password` makes one from a password")]
    Form,
    #[error("this hash costs too much to check: more than 128 MiB or 20 passes")]
    TooCostly,
}

/// Why a password is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnacceptablePassword {
    #[error("a password needs at least {SHORTEST} characters")]
    TooShort,
    #[error("a password has at most {LONGEST} bytes")]
    TooLong,
    #[error("the password could not be hashed: {0}")]
    Unhashed(String),
}

impl PasswordHash {
    /// Hashes a new password. The salt must be unpredictable.
    pub fn of(password: &str, salt: &[u8; 16]) -> Result<Self, UnacceptablePassword> {
        if password.chars().count() < SHORTEST {
            return Err(UnacceptablePassword::TooShort);
        }
        if password.len() > LONGEST {
            return Err(UnacceptablePassword::TooLong);
        }
        let unhashed = |error: String| UnacceptablePassword::Unhashed(error);
        let hash = Argon2::default()
            .hash_password_with_salt(password.as_bytes(), salt)
            .map_err(|error| unhashed(error.to_string()))?;
        hash.to_string().parse().map_err(|error: InvalidPasswordHash| unhashed(error.to_string()))
    }

    /// Whether this is its password. Takes the memory and time that the hash demands.
    pub fn is_of(&self, password: &str, memory: &mut HashMemory) -> bool {
        if password.len() > LONGEST {
            return false;
        }
        let argon2 = Argon2::new(Algorithm::Argon2id, self.version, self.cost.clone());
        let mut computed = vec![0; self.output.len()];
        let blocks = memory.blocks(self.cost.block_count());
        let is_hashed =
            argon2.hash_password_into_with_memory(password.as_bytes(), &self.salt, &mut computed, blocks);
        // The library compares outputs in constant time.
        is_hashed.is_ok() && Output::new(&computed).is_ok_and(|computed| computed == self.output)
    }

    /// The form in a configuration.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl HashMemory {
    fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.0.len() < count {
            self.0.resize(count, Block::new());
        }
        &mut self.0[..count]
    }
}

impl fmt::Debug for HashMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HashMemory({} KiB)", self.0.len())
    }
}

impl PartialEq for PasswordHash {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PasswordHash {}

impl FromStr for PasswordHash {
    type Err = InvalidPasswordHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hash = phc::PasswordHash::new(text).map_err(|_| InvalidPasswordHash::Form)?;
        let cost = Params::try_from(&hash).map_err(|_| InvalidPasswordHash::Form)?;
        let (Some(salt), Some(output)) = (hash.salt, hash.hash) else {
            return Err(InvalidPasswordHash::Form);
        };
        let version = hash.version.map_or(Ok(Version::default()), Version::try_from);
        let version = version.map_err(|_| InvalidPasswordHash::Form)?;
        if hash.algorithm.as_str() != "argon2id" {
            return Err(InvalidPasswordHash::Form);
        }
        if cost.m_cost() > MOST_MEMORY || cost.t_cost() > MOST_PASSES {
            return Err(InvalidPasswordHash::TooCostly);
        }
        Ok(Self { text: text.to_owned(), cost, version, salt, output })
    }
}

/// Not shown either, because a leaked hash can be attacked offline.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hash whose end is missing.
    const CUT_OFF: &str = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$";

    fn cheap(password: &str) -> PasswordHash {
        let cost = Params::new(64, 1, 1, None).unwrap();
        let hash =
            Argon2::from(cost).hash_password_with_salt(password.as_bytes(), b"somesaltsomesalt").unwrap();
        hash.to_string().parse().unwrap()
    }

    #[test]
    fn only_the_right_password_matches() {
        let hash = cheap("correct horse");
        let mut memory = HashMemory::default();
        assert!(hash.is_of("correct horse", &mut memory));
        for wrong in ["", "correct hors", "correct horse ", "Correct horse", &"x".repeat(LONGEST + 1)] {
            assert!(!hash.is_of(wrong, &mut memory), "{wrong}");
        }
        assert!(!format!("{hash:?}").contains("argon2"));
    }

    #[test]
    fn hashes_of_every_cost_share_one_memory() {
        let mut memory = HashMemory::default();
        for (kib, lanes) in [(64, 1), (256, 2), (32, 1), (256, 4)] {
            let cost = Params::new(kib, 2, lanes, None).unwrap();
            let hash =
                Argon2::from(cost).hash_password_with_salt(b"correct horse", b"somesaltsomesalt").unwrap();
            let hash: PasswordHash = hash.to_string().parse().unwrap();
            assert!(hash.is_of("correct horse", &mut memory) && !hash.is_of("correct hors", &mut memory));
        }
        assert_eq!(memory.0.len(), 256, "KiB, for the largest of them");
    }

    #[test]
    fn a_new_hash_is_salted_and_can_be_read_back() {
        let hash = PasswordHash::of("correct horse", &[7; 16]).unwrap();
        assert_ne!(hash, PasswordHash::of("correct horse", &[8; 16]).unwrap());
        assert_eq!(hash.as_str().parse(), Ok(hash.clone()));
        assert_eq!(PasswordHash::of("1234567", &[7; 16]), Err(UnacceptablePassword::TooShort));
    }

    #[test]
    fn invalid_and_costly_hashes_are_rejected() {
        for text in ["", "hunter22", "$2b$12$abcdefghijklmnopqrstuv", CUT_OFF] {
            assert_eq!(text.parse::<PasswordHash>(), Err(InvalidPasswordHash::Form), "{text}");
        }
        let dear = cheap("correct horse").as_str().replace("m=64", "m=2000000");
        assert_eq!(dear.parse::<PasswordHash>(), Err(InvalidPasswordHash::TooCostly));
        let argon2i = cheap("correct horse").as_str().replace("argon2id", "argon2i");
        assert_eq!(argon2i.parse::<PasswordHash>(), Err(InvalidPasswordHash::Form));
    }
}
