//! Where a bucket is, and how it is reached.

use std::fmt;
use std::str::FromStr;

/// The bucket that holds an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketSettings {
    pub address: BucketAddress,
    /// The address of the store; `None` for that of Amazon.
    pub endpoint: Option<String>,
    pub region: Option<String>,
    /// `None` for those that the environment has.
    pub credentials: Option<BucketCredentials>,
    /// The most bytes of blobs that are kept in the working directory.
    pub cache_bytes: u64,
    pub journal_head: HeadPlace,
}

/// Where the number and digest of the last line of the journal are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadPlace {
    /// The archive has one process at a time.
    WorkingDirectory,
    /// The archive has any number of processes, each with a working directory of its own.
    Catalogue,
}

/// `s3://BUCKET/PREFIX`. The prefix may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketAddress {
    pub bucket: String,
    pub prefix: String,
}

/// A text that is not the address of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the address of a bucket; write s3://BUCKET or s3://BUCKET/PREFIX, with letters, digits and . _ - in its parts"
)]
pub struct InvalidBucketAddress(String);

impl BucketAddress {
    /// The key of a file of the archive.
    pub(super) fn key_of(&self, inside: &str) -> String {
        if self.prefix.is_empty() { inside.to_owned() } else { format!("{}/{inside}", self.prefix) }
    }

    /// The address of a file of the archive.
    pub(super) fn address_of(&self, inside: &str) -> String {
        format!("s3://{}/{}", self.bucket, self.key_of(inside))
    }
}

impl FromStr for BucketAddress {
    type Err = InvalidBucketAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_plain = |part: &str| {
            let is_known = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            !part.is_empty() && part != "." && part != ".." && part.chars().all(is_known)
        };
        let invalid = || InvalidBucketAddress(text.to_owned());
        let rest = text.strip_prefix("s3://").ok_or_else(invalid)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_end_matches('/');
        if !is_plain(bucket) || !(prefix.is_empty() || prefix.split('/').all(is_plain)) {
            return Err(invalid());
        }
        Ok(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

impl fmt::Display for BucketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

/// The key of an account. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct BucketCredentials {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: String,
    pub(super) session_token: Option<String>,
}

/// A file that has no credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has no line `{0} = …` under [default]; write it as the file ~/.aws/credentials")]
pub struct InvalidBucketCredentials(&'static str);

impl FromStr for BucketCredentials {
    type Err = InvalidBucketCredentials;

    /// Reads the profile `default` of a credentials file.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut is_default = true;
        let (mut id, mut secret, mut session_token) = (None, None, None);
        for line in text.lines().map(str::trim) {
            if let Some(profile) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                is_default = profile.trim() == "default";
            } else if is_default && let Some((key, value)) = line.split_once('=') {
                let value = Some(value.trim().to_owned());
                match key.trim() {
                    "aws_access_key_id" => id = value,
                    "aws_secret_access_key" => secret = value,
                    "aws_session_token" => session_token = value,
                    _ => {}
                }
            }
        }
        Ok(Self {
            access_key_id: id.ok_or(InvalidBucketCredentials("aws_access_key_id"))?,
            secret_access_key: secret.ok_or(InvalidBucketCredentials("aws_secret_access_key"))?,
            session_token,
        })
    }
}

impl fmt::Debug for BucketCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BucketCredentials(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_the_bucket_and_the_prefix() {
        for (text, key) in [
            ("s3://readings", "FORMAT"),
            ("s3://readings/", "FORMAT"),
            ("s3://readings/a/b-1.c", "a/b-1.c/FORMAT"),
        ] {
            let address: BucketAddress = text.parse().unwrap();
            assert_eq!(address.key_of("FORMAT"), key);
            assert_eq!(address.to_string(), text.trim_end_matches('/'));
            assert_eq!(address.address_of("FORMAT"), format!("s3://readings/{key}"));
        }
        for wrong in
            ["", "readings", "s3://", "s3:///a", "s3://a//b", "s3://a/../b", "s3://a/ö", "s3://a/b c"]
        {
            assert!(wrong.parse::<BucketAddress>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn credentials_are_read_from_the_default_profile_and_not_shown() {
        let text = "[other]\naws_access_key_id = x\n[default]\naws_access_key_id = AKID\n\
                    aws_secret_access_key=s3cr=t\n[more]\naws_session_token = y\n";
        let read: BucketCredentials = text.parse().unwrap();
        assert_eq!((read.access_key_id.as_str(), read.secret_access_key.as_str()), ("AKID", "s3cr=t"));
        assert_eq!(read.session_token, None);
        assert!(!format!("{read:?}").contains("s3cr"));
        let error = "[default]\naws_access_key_id = AKID\n".parse::<BucketCredentials>().unwrap_err();
        assert!(error.to_string().contains("aws_secret_access_key"));
    }
}
