//! The public keys of a provider (RFC 7517), and the check of signatures against them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

/// Providers have few keys; further ones are ignored.
const MOST_KEYS: usize = 64;

/// The accepted signature algorithms: only asymmetric ones, with which only the provider can sign;
/// no unsigned tokens, and no shared secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Es256,
}

/// The keys of a provider that can be used.
#[derive(Clone, Debug, Default)]
pub struct KeySet(Vec<PublicKey>);

/// A text that is not a key set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a JSON key set: {0}")]
pub struct InvalidKeySet(String);

#[derive(Clone)]
struct PublicKey {
    id: Option<String>,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// A point of P-256, uncompressed.
    P256(Vec<u8>),
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Algorithm {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            _ => None,
        }
    }
}

impl KeySet {
    /// Reads a key set; keys of unknown kinds are skipped.
    pub fn parse(document: &[u8]) -> Result<Self, InvalidKeySet> {
        let set: JwkSet =
            serde_json::from_slice(document).map_err(|error| InvalidKeySet(error.to_string()))?;
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok().and_then(usable));
        Ok(Self(keys.take(MOST_KEYS).collect()))
    }

    /// Whether the key named by a token, or the only one of its kind if the token names none,
    /// made this signature; `None` if there is no such key.
    pub(super) fn verify(
        &self,
        algorithm: Algorithm,
        id: Option<&str>,
        message: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        let of_kind = |key: &&PublicKey| match (&key.material, algorithm) {
            (Material::Rsa { .. }, Algorithm::Rs256) | (Material::P256(_), Algorithm::Es256) => true,
            (Material::Rsa { .. }, Algorithm::Es256) | (Material::P256(_), Algorithm::Rs256) => false,
        };
        let mut fit =
            self.0.iter().filter(of_kind).filter(|key| id.is_none_or(|id| key.id.as_deref() == Some(id)));
        match (fit.next(), fit.next()) {
            (Some(key), None) => Some(key.verify(message, signature)),
            (None, _) | (Some(_), Some(_)) => None,
        }
    }
}

impl PublicKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Rsa { n, e } => RsaPublicKeyComponents { n, e }
                .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
                .is_ok(),
            Material::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?})", self.id)
    }
}

fn usable(key: Jwk) -> Option<PublicKey> {
    let is_for = |algorithm: &str| key.alg.as_deref().is_none_or(|alg| alg == algorithm);
    if key.usage.as_deref().is_some_and(|usage| usage != "sig") {
        return None;
    }
    let number = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?).ok();
    let material = match key.kty.as_str() {
        "RSA" if is_for("RS256") => {
            Material::Rsa { n: trimmed(number(&key.n)?), e: trimmed(number(&key.e)?) }
        }
        "EC" if is_for("ES256") && key.crv.as_deref() == Some("P-256") => {
            let (x, y) = (number(&key.x)?, number(&key.y)?);
            let is_whole = x.len() == 32 && y.len() == 32;
            is_whole.then(|| Material::P256([&[4][..], &x, &y].concat()))?
        }
        _ => return None,
    };
    Some(PublicKey { id: key.kid, material })
}

/// Some providers write a leading zero octet, which RFC 7518 does not allow.
fn trimmed(number: Vec<u8>) -> Vec<u8> {
    number.into_iter().skip_while(|byte| *byte == 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_for_other_uses_are_ignored() {
        let point = URL_SAFE_NO_PAD.encode([7; 32]);
        let number = URL_SAFE_NO_PAD.encode([9; 256]);
        let set = json!({ "keys": [
            { "kty": "RSA", "kid": "encrypts", "use": "enc", "n": number, "e": "AQAB" },
            { "kty": "RSA", "kid": "other", "alg": "RS512", "n": number, "e": "AQAB" },
            { "kty": "oct", "kid": "secret", "k": "AAAA" },
            { "kty": "EC", "kid": "short", "crv": "P-256", "x": "AAAA", "y": point },
            { "kty": "EC", "kid": "long", "crv": "P-521", "x": point, "y": point },
            "nonsense",
            { "kty": "RSA", "kid": "rsa", "n": number, "e": "AQAB" },
            { "kty": "EC", "kid": "ec", "use": "sig", "alg": "ES256", "crv": "P-256", "x": point, "y": point },
        ]});
        let keys = KeySet::parse(set.to_string().as_bytes()).unwrap();
        let ids: Vec<_> = keys.0.iter().filter_map(|key| key.id.as_deref()).collect();
        assert_eq!(ids, ["rsa", "ec"]);
        assert!(KeySet::parse(b"{}").is_err());
    }

    #[test]
    fn a_token_without_a_key_id_needs_a_single_key() {
        let number = URL_SAFE_NO_PAD.encode([9; 256]);
        let key = |id: &str| json!({ "kty": "RSA", "kid": id, "n": number, "e": "AQAB" });
        let signed = |set: serde_json::Value, id| {
            KeySet::parse(set.to_string().as_bytes()).unwrap().verify(Algorithm::Rs256, id, b"m", b"s")
        };
        assert_eq!(signed(json!({ "keys": [key("a")] }), None), Some(false));
        assert_eq!(signed(json!({ "keys": [key("a"), key("b")] }), None), None);
        assert_eq!(signed(json!({ "keys": [key("a"), key("b")] }), Some("b")), Some(false));
        assert_eq!(signed(json!({ "keys": [key("a")] }), Some("c")), None);
    }
}
