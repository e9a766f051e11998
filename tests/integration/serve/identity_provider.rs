//! A school's identity provider on loopback, which can return false tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use onreserve::serve::OidcClient;
use onreserve::world::provider::{ClientSecret, Provider};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair};
use ring::{digest, hmac};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};

use super::course::{NIGHTS, start_of};

pub(super) const CLIENT: &str = "reserve at school";
pub(super) const SECRET: &str = "geh:eim%";

/// How a token is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signs {
    Rs256,
    /// Signed with a new key.
    Es256,
    /// Signed by someone else, with the name of its key.
    Stranger,
    /// Signed with the public key as a shared secret.
    Hs256,
    Not,
    /// Signed, and then changed.
    Before,
}

pub(super) struct TestProvider {
    pub issuer: String,
    state: Arc<Mutex<ProviderState>>,
}

/// The settings of the provider, and the counts of its requests.
pub(super) struct ProviderState {
    pub signs: Signs,
    pub kid: &'static str,
    /// Claims that differ from those of a valid token.
    pub claims: Value,
    /// The kid of each key that it publishes.
    pub published: Vec<&'static str>,
    pub keys_asked: usize,
    /// Whether its metadata has a logout endpoint.
    pub signs_out: bool,
    /// Other responses for these paths.
    pub instead: HashMap<&'static str, (u16, String)>,
    issuer: String,
    codes: HashMap<String, Url>,
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
}

type Shared = State<Arc<Mutex<ProviderState>>>;

impl TestProvider {
    pub(super) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}/realms/school", listener.local_addr().unwrap());
        let pem = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/dkim-key.pem");
        let der = PrivateKeyDer::from_pem_file(pem).unwrap();
        let state = ProviderState {
            signs: Signs::Rs256,
            kid: "one",
            claims: json!({}),
            published: vec!["one"],
            keys_asked: 0,
            signs_out: false,
            instead: HashMap::new(),
            issuer: issuer.clone(),
            codes: HashMap::new(),
            rsa: RsaKeyPair::from_der(der.secret_der()).unwrap(),
            ec: ec_key(),
        };
        let state = Arc::new(Mutex::new(state));
        let router = Router::new()
            .route("/realms/school/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { issuer, state }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, ProviderState> {
        self.state.lock().unwrap()
    }

    /// The provider's configuration in the service of a course.
    pub(super) fn known(&self) -> OidcClient {
        OidcClient {
            issuer: self.issuer.parse().unwrap(),
            client_id: CLIENT.to_owned(),
            client_secret: Some(ClientSecret(SECRET.to_owned())),
            scopes: "openid profile".to_owned(),
            name_claim: "preferred_username".to_owned(),
            groups_claim: "groups".to_owned(),
            provider: Provider::new(None).unwrap(),
        }
    }

    /// A person comes with this address, enters their password, and gets a code.
    pub(super) fn authorize(&self, asked: &str) -> String {
        let url = Url::parse(asked).unwrap();
        let mut state = self.state();
        let code = format!("code-{}", state.codes.len());
        state.codes.insert(code.clone(), url);
        code
    }
}

fn ec_key() -> EcdsaKeyPair {
    let chance = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &chance).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &chance).unwrap()
}

/// A parameter of an address.
pub(super) fn parameter(url: &Url, name: &str) -> String {
    let found = url.query_pairs().find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("no {name} in {url}")).1.into_owned()
}

fn json_of(status: u16, text: String) -> Response {
    let kind = [("content-type", "application/json")];
    (StatusCode::from_u16(status).unwrap(), kind, text).into_response()
}

async fn discovery(State(state): Shared) -> Response {
    let state = state.lock().unwrap();
    if let Some((status, text)) = state.instead.get("discovery") {
        return json_of(*status, text.clone());
    }
    let host = state.issuer.strip_suffix("/realms/school").unwrap();
    let out = state.signs_out.then(|| format!("{host}/out?tenant=1"));
    let document = json!({
        "end_session_endpoint": out,
        "issuer": state.issuer,
        "authorization_endpoint": format!("{host}/auth?tenant=1"),
        "token_endpoint": format!("{host}/token"),
        "jwks_uri": format!("{host}/keys"),
    });
    json_of(200, document.to_string())
}

async fn keys(State(state): Shared) -> Response {
    let mut state = state.lock().unwrap();
    state.keys_asked += 1;
    if let Some((status, text)) = state.instead.get("keys") {
        return json_of(*status, text.clone());
    }
    let rsa = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(state.rsa.public());
    let (x, y) = state.ec.public_key().as_ref()[1..].split_at(32);
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let key = |kid: &&str| match *kid {
        "one" => {
            json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": text(&rsa.n), "e": text(&rsa.e) })
        }
        _ => json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": text(x), "y": text(y) }),
    };
    let keys: Vec<Value> = state.published.iter().map(key).collect();
    json_of(200, json!({ "keys": keys }).to_string())
}

async fn token(State(state): Shared, headers: HeaderMap, form: String) -> Response {
    let fields: HashMap<String, String> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let mut state = state.lock().unwrap();
    if let Some((status, text)) = state.instead.get("token") {
        return json_of(*status, text.clone());
    }
    let login = STANDARD.encode("reserve+at+school:geh%3Aeim%25");
    if headers.get("authorization").unwrap() != format!("Basic {login}").as_str() {
        return json_of(401, json!({ "error": "invalid_client" }).to_string());
    }
    let asked = state.codes.remove(&fields["code"]);
    let challenge =
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, fields["code_verifier"].as_bytes()));
    let asked = asked.filter(|asked| {
        fields["grant_type"] == "authorization_code"
            && parameter(asked, "code_challenge") == challenge
            && parameter(asked, "redirect_uri") == fields["redirect_uri"]
    });
    let Some(asked) = asked else {
        return json_of(400, json!({ "error": "invalid_grant" }).to_string());
    };
    let token = state.token(&parameter(&asked, "nonce"));
    json_of(200, json!({ "access_token": "x", "token_type": "Bearer", "id_token": token }).to_string())
}

impl ProviderState {
    fn token(&self, nonce: &str) -> String {
        let now = start_of(NIGHTS + 1).as_second();
        let mut payload = json!({
            "iss": self.issuer, "aud": CLIENT, "sub": "0815", "iat": now, "exp": now + 300,
            "nonce": nonce, "preferred_username": "ann", "groups": ["dgm-2026"],
        });
        for (claim, value) in self.claims.as_object().unwrap() {
            payload[claim] = value.clone();
        }
        let algorithm = match self.signs {
            Signs::Rs256 | Signs::Stranger | Signs::Before => "RS256",
            Signs::Es256 => "ES256",
            Signs::Hs256 => "HS256",
            Signs::Not => "none",
        };
        let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = json!({ "alg": algorithm, "kid": self.kid, "typ": "JWT" });
        let signed = format!("{}.{}", text(&head), text(&payload));
        let signature = self.signature(&signed);
        let said = if self.signs == Signs::Before {
            payload["preferred_username"] = json!("root");
            format!("{}.{}", text(&head), text(&payload))
        } else {
            signed
        };
        format!("{said}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn signature(&self, signed: &str) -> Vec<u8> {
        let chance = SystemRandom::new();
        match self.signs {
            Signs::Rs256 | Signs::Before => {
                let mut signature = vec![0; self.rsa.public().modulus_len()];
                let padding = &ring::signature::RSA_PKCS1_SHA256;
                self.rsa.sign(padding, &chance, signed.as_bytes(), &mut signature).unwrap();
                signature
            }
            Signs::Es256 => self.ec.sign(&chance, signed.as_bytes()).unwrap().as_ref().to_vec(),
            Signs::Stranger => ec_key().sign(&chance, signed.as_bytes()).unwrap().as_ref().to_vec(),
            Signs::Hs256 => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, self.rsa.public().as_ref());
                hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
            }
            Signs::Not => Vec::new(),
        }
    }
}
