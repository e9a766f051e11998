//! The ID token: the claims of a provider about a person who signed in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::issuer::Issuer;
use super::jwks::{Algorithm, KeySet};
use crate::domain::policy::course_access::Person;

/// How far the provider's clock may be from ours, in seconds.
const LEEWAY: f64 = 60.0;
/// The claim with an email address; it counts only if the provider verified it.
const EMAIL: &str = "email";

/// What a token must contain to be valid for this client and this login.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedToken<'a> {
    pub issuer: &'a Issuer,
    pub client_id: &'a str,
    pub nonce: &'a str,
    pub now: Timestamp,
}

/// Why a token is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    #[error("it is not a signed token (JWT)")]
    Form,
    #[error("it is signed with `{0}`; only RS256 and ES256 are accepted")]
    Algorithm(String),
    #[error("the provider has no such key")]
    UnknownKey,
    #[error("its signature is wrong")]
    Signature,
    #[error("another issuer made it")]
    Issuer,
    #[error("it is for another client")]
    Audience,
    #[error("it has expired or is not valid yet; check the clocks of this machine and of the provider")]
    Time,
    #[error("it belongs to another login")]
    Nonce,
}

/// The claims about a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims(Map<String, Value>);

/// Why the claims do not name a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MissingName {
    #[error("the claim `{0}` is missing or empty; set name_claim and scopes in [pages.oidc]")]
    Missing(String),
    #[error("the provider has not verified the email address")]
    Unverified,
}

#[derive(Deserialize)]
struct JoseHeader {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct IdTokenPayload {
    iss: String,
    aud: AudienceClaim,
    azp: Option<String>,
    exp: f64,
    iat: f64,
    nbf: Option<f64>,
    nonce: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AudienceClaim {
    One(String),
    Several(Vec<String>),
}

/// The claims of a token that one of the keys signed for this login.
///
/// # Errors
///
/// Why it is rejected. If the key is unknown, the provider may have a new one.
pub fn verify(token: &str, keys: &KeySet, expected: ExpectedToken<'_>) -> Result<Claims, IdTokenError> {
    let (signed, signature) = token.rsplit_once('.').ok_or(IdTokenError::Form)?;
    let (head, payload) = signed.split_once('.').ok_or(IdTokenError::Form)?;
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| IdTokenError::Form);
    let head: JoseHeader = serde_json::from_slice(&bytes(head)?).map_err(|_| IdTokenError::Form)?;
    let algorithm = Algorithm::named(&head.alg).ok_or_else(|| {
        IdTokenError::Algorithm(head.alg.chars().filter(char::is_ascii_graphic).take(20).collect())
    })?;
    // A critical header that this code does not implement (RFC 7515 section 4.1.11).
    if head.crit.is_some() {
        return Err(IdTokenError::Form);
    }
    match keys.verify(algorithm, head.kid.as_deref(), signed.as_bytes(), &bytes(signature)?) {
        Some(true) => {}
        Some(false) => return Err(IdTokenError::Signature),
        None => return Err(IdTokenError::UnknownKey),
    }
    let written: IdTokenPayload = serde_json::from_slice(&bytes(payload)?).map_err(|_| IdTokenError::Form)?;
    written.answers(expected)?;
    Ok(Claims(written.others))
}

impl IdTokenPayload {
    fn answers(&self, expected: ExpectedToken<'_>) -> Result<(), IdTokenError> {
        if self.iss != expected.issuer.as_str() {
            return Err(IdTokenError::Issuer);
        }
        let is_named = match &self.aud {
            AudienceClaim::One(audience) => audience == expected.client_id,
            // A token for several audiences names the client that asked for it.
            AudienceClaim::Several(all) => {
                all.iter().any(|audience| audience == expected.client_id)
                    && (all.len() == 1 || self.azp.is_some())
            }
        };
        if !is_named || self.azp.as_ref().is_some_and(|party| party != expected.client_id) {
            return Err(IdTokenError::Audience);
        }
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact as a float")]
        let now = expected.now.as_second() as f64;
        let is_begun = self.iat <= now + LEEWAY && self.nbf.is_none_or(|from| from <= now + LEEWAY);
        if !is_begun || self.exp <= now - LEEWAY {
            return Err(IdTokenError::Time);
        }
        if self.nonce.as_deref() != Some(expected.nonce) {
            return Err(IdTokenError::Nonce);
        }
        Ok(())
    }
}

impl Claims {
    /// The person named by the claim `name`, with the groups of another claim.
    pub fn person(&self, name: &str, groups: &str) -> Result<Person, MissingName> {
        let is_verified = self.0.get("email_verified").and_then(Value::as_bool) == Some(true);
        if name == EMAIL && !is_verified {
            return Err(MissingName::Unverified);
        }
        let groups: Vec<&str> = match self.0.get(groups) {
            Some(Value::Array(groups)) => groups.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(group)) => vec![group],
            Some(_) | None => Vec::new(),
        };
        let named = self.0.get(name).and_then(Value::as_str);
        named
            .and_then(|named| Person::named(named, groups.into_iter()))
            .ok_or_else(|| MissingName::Missing(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use serde_json::json;

    const NOW: i64 = 1_790_000_000;

    /// A provider with one key.
    struct TestProvider(EcdsaKeyPair);

    impl TestProvider {
        fn new() -> Self {
            let random = SystemRandom::new();
            let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random);
            Self(pair.unwrap())
        }

        fn keys(&self) -> KeySet {
            let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
            let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
            let set = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": "a", "x": x, "y": y }] });
            KeySet::parse(set.to_string().as_bytes()).unwrap()
        }

        fn sign(&self, head: &Value, payload: &Value) -> String {
            let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let signed = format!("{}.{}", text(head), text(payload));
            let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
        }
    }

    fn payload() -> Value {
        json!({ "iss": "https://login.edu", "aud": "reserve", "sub": "1", "exp": NOW + 300, "iat": NOW,
                "nonce": "n", "preferred_username": "ann", "groups": ["dgm"] })
    }

    fn ask(token: &str, keys: &KeySet) -> Result<Claims, IdTokenError> {
        let issuer = "https://login.edu".parse().unwrap();
        let now = Timestamp::from_second(NOW).unwrap();
        verify(token, keys, ExpectedToken { issuer: &issuer, client_id: "reserve", nonce: "n", now })
    }

    /// The result for a token whose payload has this one difference.
    fn with(key: &str, value: Value) -> Result<Claims, IdTokenError> {
        let signer = TestProvider::new();
        let mut payload = payload();
        payload[key] = value;
        ask(&signer.sign(&json!({ "alg": "ES256", "kid": "a" }), &payload), &signer.keys())
    }

    #[test]
    fn a_token_for_this_sign_in_is_accepted() {
        let claims = with("acr", json!("1")).unwrap();
        let ann = claims.person("preferred_username", "groups").unwrap();
        assert_eq!((ann.name.as_str(), ann.groups), ("ann", vec!["dgm".to_owned()]));
        assert_eq!(claims.person("sub", "none").unwrap().name, "1");
    }

    #[test]
    fn a_token_for_another_login_is_rejected() {
        for (key, value, refusal) in [
            ("iss", json!("https://login.edu/"), IdTokenError::Issuer),
            ("aud", json!("other"), IdTokenError::Audience),
            ("aud", json!([]), IdTokenError::Audience),
            ("aud", json!(["reserve", "other"]), IdTokenError::Audience),
            ("azp", json!("other"), IdTokenError::Audience),
            ("nonce", json!("m"), IdTokenError::Nonce),
            ("nonce", Value::Null, IdTokenError::Nonce),
            ("exp", json!(NOW - 60), IdTokenError::Time),
            ("iat", json!(NOW + 61), IdTokenError::Time),
            ("nbf", json!(NOW + 61), IdTokenError::Time),
            ("exp", json!("tomorrow"), IdTokenError::Form),
        ] {
            assert_eq!(with(key, value.clone()), Err(refusal), "{key}: {value}");
        }
        for (key, value) in [
            ("aud", json!(["reserve"])),
            ("azp", json!("reserve")),
            ("exp", json!(NOW - 59)),
            ("iat", json!(NOW + 59)),
        ] {
            assert!(with(key, value.clone()).is_ok(), "{key}: {value}");
        }
    }

    #[test]
    fn a_token_without_the_provider_s_signature_is_rejected() {
        let signer = TestProvider::new();
        let head = json!({ "alg": "ES256", "kid": "a" });
        let good = signer.sign(&head, &payload());
        assert!(ask(&good, &signer.keys()).is_ok());
        assert_eq!(ask(&good, &TestProvider::new().keys()), Err(IdTokenError::Signature));
        let mut other = payload();
        other["preferred_username"] = json!("root");
        let other = URL_SAFE_NO_PAD.encode(other.to_string());
        let parts: Vec<&str> = good.split('.').collect();
        let swapped = format!("{}.{other}.{}", parts[0], parts[2]);
        assert_eq!(ask(&swapped, &signer.keys()), Err(IdTokenError::Signature));
        for (head, refusal) in [
            (json!({ "alg": "none" }), IdTokenError::Algorithm("none".to_owned())),
            (json!({ "alg": "HS256", "kid": "a" }), IdTokenError::Algorithm("HS256".to_owned())),
            (json!({ "alg": "es256", "kid": "a" }), IdTokenError::Algorithm("es256".to_owned())),
            (json!({ "alg": "RS256", "kid": "a" }), IdTokenError::UnknownKey),
            (json!({ "alg": "ES256", "kid": "b" }), IdTokenError::UnknownKey),
            (json!({ "alg": "ES256", "kid": "a", "crit": ["b64"] }), IdTokenError::Form),
        ] {
            assert_eq!(ask(&signer.sign(&head, &payload()), &signer.keys()), Err(refusal), "{head}");
        }
        for nonsense in ["", ".", "..", "a.b.c", &good[..good.len() - 4], &format!("{good}=")] {
            assert!(ask(nonsense, &signer.keys()).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn only_verified_names_count() {
        let claims = |value: Value| Claims(value.as_object().unwrap().clone());
        let mail = claims(json!({ "email": "ann@a.edu", "email_verified": true, "groups": "one" }));
        assert_eq!(mail.person("email", "groups").unwrap().groups, ["one"]);
        for unverified in
            [json!({ "email": "a@a.edu" }), json!({ "email": "a@a.edu", "email_verified": "no" })]
        {
            assert_eq!(claims(unverified).person("email", "groups"), Err(MissingName::Unverified));
        }
        for unnamed in
            [json!({}), json!({ "sub": "" }), json!({ "sub": 1 }), json!({ "sub": "x".repeat(300) })]
        {
            assert_eq!(claims(unnamed).person("sub", "groups"), Err(MissingName::Missing("sub".to_owned())));
        }
    }
}
