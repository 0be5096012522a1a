use std::{collections::BTreeSet, time::Duration};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jibit_proto::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};

use super::Refusal;

const ISSUER: &str = "jibit-sandbox";
const TOKEN_AUDIENCE: &str = "ir.jibit.qrpg";
const REFRESH_AUDIENCE: &str = "ref.ir.jibit.qrpg";

/// Of more pairs than this, the oldest can no longer be refreshed.
const MAX_REFRESHABLE: usize = 100_000;

/// As the document's tokens have it, and only that: `none` and other
/// algorithms do not even parse.
const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

/// The document's claims in the document's order.
#[derive(Deserialize, Serialize)]
struct Claims {
    aud: String,
    sub: String,
    iss: String,
    exp: u64,
    iat: u64,
    jti: String,
}

/// A token and the refresh token that belongs to it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pair {
    token: String,
    refresh_token: String,
}

/// Issues tokens and knows which are good.
pub(super) struct Tokens {
    /// As long as HMAC's block, so that no length can be wrong.
    key: [u8; 64],
    life: Duration,
    refresh_life: Duration,
    issued: u64,
    /// Pairs up to this one are dead before their time.
    revoked: u64,
    /// The pairs that may be refreshed once more, if their time is not over.
    refreshable: BTreeSet<u64>,
}

impl Tokens {
    pub(super) fn new(seed: u64, life: Duration, refresh_life: Duration) -> Self {
        let mut key = Sha512::new();
        key.update(b"key of the tokens");
        key.update(seed.to_le_bytes());
        Self {
            key: key.finalize().into(),
            life,
            refresh_life,
            issued: 0,
            revoked: 0,
            refreshable: BTreeSet::new(),
        }
    }

    pub(super) fn issue(&mut self, merchant: &str, now: Timestamp) -> Pair {
        self.issued += 1;
        self.refreshable.insert(self.issued);
        if self.refreshable.len() > MAX_REFRESHABLE {
            self.refreshable.pop_first();
        }
        Pair {
            token: self.sign(TOKEN_AUDIENCE, merchant, self.life, now),
            refresh_token: self.sign(REFRESH_AUDIENCE, merchant, self.refresh_life, now),
        }
    }

    /// Kills every token that is out, as when somebody logs in elsewhere.
    pub(super) fn revoke(&mut self) {
        self.revoked = self.issued;
        self.refreshable.clear();
    }

    /// Changes a pair for a new one. The token may have expired, the refresh
    /// token may not, and it works once unless it `lives`.
    pub(super) fn refresh(
        &mut self,
        token: &str,
        refresh_token: &str,
        lives: bool,
        now: Timestamp,
    ) -> Result<Pair, Refusal> {
        let token = self.read(token, TOKEN_AUDIENCE).ok_or(Refusal::Refresh)?;
        let refresh = (self.read(refresh_token, REFRESH_AUDIENCE))
            .filter(|refresh| refresh.exp > seconds(now))
            .filter(|refresh| refresh.jti == token.jti && refresh.sub == token.sub)
            .ok_or(Refusal::Refresh)?;
        let pair: u64 = refresh.jti.parse().map_err(|_| Refusal::Refresh)?;
        if !self.refreshable.contains(&pair) {
            return Err(Refusal::Refresh);
        }
        if !lives {
            self.refreshable.remove(&pair);
        }
        Ok(self.issue(&refresh.sub, now))
    }

    /// The merchant whose live token stands in an `Authorization` header.
    pub(super) fn merchant(&self, authorization: &str, now: Timestamp) -> Result<String, Refusal> {
        let token = authorization
            .strip_prefix("Bearer ")
            .ok_or(Refusal::Token)?;
        self.read(token, TOKEN_AUDIENCE)
            .filter(|claims| claims.exp > seconds(now))
            .filter(|claims| {
                claims
                    .jti
                    .parse()
                    .is_ok_and(|pair: u64| pair > self.revoked)
            })
            .map(|claims| claims.sub)
            .ok_or(Refusal::Token)
    }

    fn sign(&self, audience: &str, merchant: &str, life: Duration, now: Timestamp) -> String {
        let claims = Claims {
            aud: audience.to_owned(),
            sub: merchant.to_owned(),
            iss: ISSUER.to_owned(),
            exp: seconds(now).saturating_add(life.as_secs()),
            iat: seconds(now),
            jti: self.issued.to_string(),
        };
        let claims = serde_json::to_string(&claims).unwrap_or_default();
        let signed = format!("{}.{}", encode(HEADER), encode(&claims));
        let signature = BASE64_URL_SAFE_NO_PAD.encode(self.mac(&signed).finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    /// The claims of a token that we signed for this use; its life is not looked at.
    fn read(&self, token: &str, audience: &str) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.mac(signed).verify_slice(&signature).ok()?;
        let (_, claims) = signed.split_once('.')?;
        let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?;
        let claims: Claims = serde_json::from_slice(&claims).ok()?;
        (claims.aud == audience).then_some(claims)
    }

    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(&self.key.into());
        mac.update(signed.as_bytes());
        mac
    }
}

fn encode(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

const fn seconds(instant: Timestamp) -> u64 {
    instant.as_unix_millis() / 1000
}
