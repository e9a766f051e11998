//! DKIM signatures of emails (RFC 6376), with RSA or Ed25519 (RFC 8463).
//!
//! Both algorithms are deterministic, so that an email sent twice has the same bytes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

/// The header fields that are signed, if they are present. RFC 8058 requires
/// signed `List-Unsubscribe` fields.
const SIGNED: [&str; 11] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "References",
    "MIME-Version",
    "Content-Type",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];

/// The width of base 64 lines, which keeps them within 78 columns.
const COLUMNS: usize = 72;

/// The domain, the selector and the key of signatures. The key is never printed.
#[derive(Clone)]
pub struct DkimSigner {
    domain: String,
    selector: String,
    key: Arc<DkimKey>,
}

enum DkimKey {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A key that cannot sign.
#[derive(Debug, thiserror::Error)]
#[error("[mail.dkim] the key {}: {why}; it takes a private key in PEM, RSA of 2048 bits or more, or Ed25519", path.display())]
pub struct Error {
    path: PathBuf,
    why: String,
}

/// An email that cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum Unsigned {
    #[error("the email cannot be signed (DKIM): it is not text with a head and a body")]
    Format,
    #[error("the email cannot be signed (DKIM): the key in [mail.dkim] does not sign")]
    Key,
}

impl fmt::Debug for DkimSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({} at {})", self.selector, self.domain)
    }
}

impl DkimSigner {
    pub fn read(domain: String, selector: String, key: &Path) -> Result<Self, Error> {
        let unfit = |why: String| Error { path: key.to_owned(), why };
        let pem = PrivateKeyDer::from_pem_file(key).map_err(|error| unfit(error.to_string()))?;
        let key = self::key(&pem).map_err(|rejected| unfit(rejected.to_string()))?;
        Ok(Self { domain, selector, key: Arc::new(key) })
    }

    /// The email with its signature in front.
    ///
    /// # Errors
    ///
    /// The email is not text with a head, or the key cannot sign it. An email is
    /// then not sent: without a signature it would count as forged.
    pub fn sign(&self, mail: Vec<u8>) -> Result<Vec<u8>, Unsigned> {
        let (head, body) = parts(&mail).ok_or(Unsigned::Format)?;
        let mut names: Vec<&str> = SIGNED.into_iter().filter(|name| field(head, name).is_some()).collect();
        // A name more than present prevents another `From` (RFC 6376 section 5.4.2).
        names.push("From");
        let unsigned = format!(
            "DKIM-Signature: v=1; a={}; c=relaxed/relaxed;\r\n\td={}; s={};\r\n\th={};\r\n\tbh={};\r\n\tb=",
            self.key.algorithm(),
            self.domain,
            self.selector,
            names.join(":\r\n\t "),
            STANDARD.encode(digest::digest(&digest::SHA256, relaxed_body(body).as_bytes()))
        );
        let signature = self.key.sign(&relaxed_head(head, &names, &unsigned)).ok_or(Unsigned::Key)?;
        let lines: Vec<String> = STANDARD
            .encode(signature)
            .as_bytes()
            .chunks(COLUMNS)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        let mut signed = format!("{unsigned}{}\r\n", lines.join("\r\n\t ")).into_bytes();
        signed.extend_from_slice(&mail);
        Ok(signed)
    }
}

fn key(pem: &PrivateKeyDer<'_>) -> Result<DkimKey, ring::error::KeyRejected> {
    match pem {
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).map(DkimKey::Rsa),
        other => Ed25519KeyPair::from_pkcs8_maybe_unchecked(other.secret_der())
            .map(DkimKey::Ed25519)
            .or_else(|_| RsaKeyPair::from_pkcs8(other.secret_der()).map(DkimKey::Rsa)),
    }
}

impl DkimKey {
    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "rsa-sha256",
            Self::Ed25519(_) => "ed25519-sha256",
        }
    }

    fn sign(&self, head: &str) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), head.as_bytes(), &mut signature).ok()?;
                Some(signature)
            }
            // RFC 8463 section 3: over the digest of the head.
            Self::Ed25519(key) => {
                let digest = digest::digest(&digest::SHA256, head.as_bytes());
                Some(key.sign(digest.as_ref()).as_ref().to_vec())
            }
        }
    }
}

/// Head and body. The emails of Onreserve are ASCII.
fn parts(mail: &[u8]) -> Option<(&str, &str)> {
    std::str::from_utf8(mail).ok()?.split_once("\r\n\r\n")
}

/// The last field with this name, unfolded.
fn field(head: &str, name: &str) -> Option<String> {
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let of_name = |line: &&str| {
        line.split_once(':').is_some_and(|(found, _)| found.trim_end().eq_ignore_ascii_case(name))
    };
    unfolded.split("\r\n").filter(of_name).last().map(str::to_owned)
}

/// The signed bytes of the head: the named fields that are present, each once,
/// and the signature field without its signature (RFC 6376 section 3.7).
fn relaxed_head(head: &str, names: &[&str], unsigned: &str) -> String {
    let mut relaxed = String::new();
    for (at, name) in names.iter().enumerate() {
        let is_first = !names.iter().take(at).any(|before| before.eq_ignore_ascii_case(name));
        if let Some(field) = field(head, name).filter(|_| is_first) {
            relaxed.push_str(&relaxed_field(&field));
            relaxed.push_str("\r\n");
        }
    }
    relaxed.push_str(&relaxed_field(unsigned));
    relaxed
}

/// RFC 6376 section 3.4.2.
fn relaxed_field(field: &str) -> String {
    let (name, value) = field.split_once(':').unwrap_or((field, ""));
    let words: Vec<&str> = value.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect();
    format!("{}:{}", name.trim_end().to_ascii_lowercase(), words.join(" "))
}

/// RFC 6376 section 3.4.4.
fn relaxed_body(body: &str) -> String {
    let mut relaxed = String::with_capacity(body.len());
    for line in body.trim_end_matches("\r\n").split("\r\n") {
        let is_indented = line.starts_with([' ', '\t']);
        let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        if is_indented && !words.is_empty() {
            relaxed.push(' ');
        }
        relaxed.push_str(&words.join(" "));
        relaxed.push_str("\r\n");
    }
    let end = relaxed.trim_end_matches("\r\n").len();
    relaxed.truncate(end);
    if !relaxed.is_empty() {
        relaxed.push_str("\r\n");
    }
    relaxed
}

#[cfg(test)]
mod tests {
    use ring::signature::UnparsedPublicKey;

    use super::*;

    /// The email and the signature of RFC 8463, appendix A.3.
    const MAIL: &str = "From: Joe SixPack <joe@football.example.com>\r\n\
        To: Suzie Q <suzie@shopping.example.net>\r\n\
        Subject: Is dinner ready?\r\n\
        Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
        Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\
        \r\n\
        Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
    const UNSIGNED: &str = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n \
        d=football.example.com; i=@football.example.com;\r\n \
        q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n \
        subject : date : message-id : from : subject : date;\r\n \
        bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=";

    #[test]
    fn the_signature_matches_the_example_of_the_standard() {
        let (head, body) = parts(MAIL.as_bytes()).unwrap();
        let hash = digest::digest(&digest::SHA256, relaxed_body(body).as_bytes());
        assert_eq!(STANDARD.encode(hash), "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
        let names = ["from", "to", "subject", "date", "message-id", "from", "subject", "date"];
        let seed = STANDARD.decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").unwrap();
        let key = DkimKey::Ed25519(Ed25519KeyPair::from_seed_unchecked(&seed).unwrap());
        let signature = key.sign(&relaxed_head(head, &names, UNSIGNED)).unwrap();
        assert_eq!(
            STANDARD.encode(signature),
            "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
        );
    }

    #[test]
    fn a_body_is_canonicalized_as_in_the_standard() {
        assert_eq!(relaxed_body(" C \r\nD \t E\r\n\r\n\r\n"), " C\r\nD E\r\n");
        assert_eq!(relaxed_body("\r\n\r\n"), "");
        assert_eq!(relaxed_field("A: X\r\n"), "a:X");
        assert_eq!(relaxed_field("B : Y\t\r\n\tZ  "), "b:Y Z");
    }

    #[test]
    fn a_signed_email_can_be_verified_and_names_its_signed_fields() {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file.as_file(), key.serialize_pem().as_bytes()).unwrap();
        let signer = DkimSigner::read("school.edu".to_owned(), "reserve".to_owned(), file.path()).unwrap();
        let mail = "From: o@school.edu\r\nList-Unsubscribe: <https://a>,\r\n <mailto:b>\r\n\
                    List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nText\r\n";
        let sent = String::from_utf8(signer.sign(mail.as_bytes().to_vec()).unwrap()).unwrap();
        assert_eq!(sent.as_bytes(), signer.sign(mail.as_bytes().to_vec()).unwrap(), "the same each time");
        let (own, rest) = sent.split_once("From: ").unwrap();
        assert_eq!(format!("From: {rest}"), mail);
        let (unsigned, signature) = own.split_once("\tb=").unwrap();
        assert!(own.lines().all(|line| line.len() <= 78), "{own}");
        let names: Vec<&str> = ["From", "List-Unsubscribe", "List-Unsubscribe-Post", "From"].to_vec();
        assert!(
            own.contains("h=From:\r\n\t List-Unsubscribe:\r\n\t List-Unsubscribe-Post:\r\n\t From;"),
            "{own}"
        );
        let head = relaxed_head(parts(mail.as_bytes()).unwrap().0, &names, &format!("{unsigned}\tb="));
        let signature: String = signature.split_whitespace().collect();
        let signature = STANDARD.decode(signature).unwrap();
        let hash = digest::digest(&digest::SHA256, head.as_bytes());
        UnparsedPublicKey::new(&ring::signature::ED25519, key.public_key_raw())
            .verify(hash.as_ref(), &signature)
            .unwrap();
    }

    /// A PKCS #1 key, which signs only the emails of this test.
    #[test]
    fn an_rsa_key_signs_too() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/dkim-key.pem");
        let rsa = DkimSigner::read("school.edu".to_owned(), "reserve".to_owned(), Path::new(path)).unwrap();
        let sent = String::from_utf8(rsa.sign(MAIL.as_bytes().to_vec()).unwrap()).unwrap();
        let (unsigned, rest) = sent.split_once("\tb=").unwrap();
        assert!(unsigned.contains("a=rsa-sha256"), "{unsigned}");
        let (signature, _) = rest.split_once("From: Joe").unwrap();
        let signature: String = signature.split_whitespace().collect();
        let names = ["From", "To", "Subject", "Date", "Message-ID"];
        let head = relaxed_head(parts(MAIL.as_bytes()).unwrap().0, &names, &format!("{unsigned}\tb="));
        let DkimKey::Rsa(pair) = &*rsa.key else { panic!("another key") };
        UnparsedPublicKey::new(&ring::signature::RSA_PKCS1_2048_8192_SHA256, pair.public().as_ref())
            .verify(head.as_bytes(), &STANDARD.decode(signature).unwrap())
            .unwrap();
    }

    #[test]
    fn an_email_without_a_head_is_never_passed_on_unsigned() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/dkim-key.pem");
        let signer =
            DkimSigner::read("school.edu".to_owned(), "reserve".to_owned(), Path::new(path)).unwrap();
        assert!(matches!(signer.sign(b"no head".to_vec()), Err(Unsigned::Format)));
    }

    #[test]
    fn a_file_without_a_key_is_an_error_with_its_path() {
        let error =
            DkimSigner::read("a".to_owned(), "b".to_owned(), Path::new("/none")).unwrap_err().to_string();
        assert!(error.contains("/none") && error.contains("PEM"), "{error}");
    }
}
