//! Random bytes from the operating system, for tokens, salts and keys.

#![expect(clippy::disallowed_methods, reason = "this module is the source of randomness")]

/// Cryptographically secure random bytes.
///
/// # Errors
///
/// The operating system provides no random bytes. No safe fallback exists.
pub fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error(error.to_string()))?;
    Ok(bytes)
}

#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "the operating system provides no random bytes: {0}; check that getrandom(2) or /dev/urandom is available"
)]
pub struct Error(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_differ() {
        assert_ne!(bytes::<32>().unwrap(), bytes::<32>().unwrap());
    }
}
