//! Chance: what nobody can guess, from the system's own source.

/// Bytes that nobody can guess.
///
/// # Errors
///
/// The system has no source of chance, which leaves nothing safe to do.
pub fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error(error.to_string()))?;
    Ok(bytes)
}

#[derive(Clone, Debug, thiserror::Error)]
#[error("the system gives no random numbers: {0}")]
pub struct Error(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_not_repeat_itself() {
        assert_ne!(bytes::<32>().unwrap(), bytes::<32>().unwrap());
    }
}
