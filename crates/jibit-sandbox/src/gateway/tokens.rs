use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque, hash_map::RandomState},
    hash::BuildHasher as _,
    sync::Arc,
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jibit_proto::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256, Sha512};

use super::Refusal;

const ISSUER: &str = "jibit-sandbox";
const TOKEN_AUDIENCE: &str = "ir.jibit.qrpg";
const REFRESH_AUDIENCE: &str = "ref.ir.jibit.qrpg";

/// Of more pairs than this, the oldest can no longer be refreshed.
const MAX_REFRESHABLE: usize = 100_000;

/// `{"typ":"JWT","alg":"HS256"}`, as the document's tokens have it, in base64.
const HEADER: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9";

/// A little more than a usual merchant's token has, and its claims.
const TOKEN_LENGTH: usize = 320;
const CLAIMS_LENGTH: usize = 192;

/// The document's claims in the document's order.
#[derive(Deserialize, Serialize)]
struct Claims<'a> {
    #[serde(borrow)]
    aud: Cow<'a, str>,
    #[serde(borrow)]
    sub: Cow<'a, str>,
    #[serde(borrow)]
    iss: Cow<'a, str>,
    exp: u64,
    iat: u64,
    #[serde(borrow)]
    jti: Cow<'a, str>,
}

/// A token and the refresh token that belongs to it, as JSON texts: there is nothing
/// to escape in a token, and they are most of what the gateway writes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pair {
    token: Box<RawValue>,
    refresh_token: Box<RawValue>,
}

/// A pair that may be refreshed once.
struct Refreshable {
    merchant: Arc<str>,
    expires: u64,
}

/// A token whose signature is good, and what it says.
struct Known {
    token: Box<str>,
    merchant: Box<str>,
    expires: u64,
    pair: u64,
}

/// Issues tokens and knows which are good.
pub(super) struct Tokens {
    /// HMAC with the key in it.
    mac: Hmac<Sha256>,
    life: Duration,
    refresh_life: Duration,
    issued: u64,
    /// Pairs up to this one are dead before their time.
    revoked: u64,
    /// The pairs that may be refreshed once more, if their time is not over, by what
    /// `shown` makes of both texts, and the order in which they were issued.
    refreshable: HashMap<u64, Refreshable>,
    oldest_first: VecDeque<u64>,
    shown: RandomState,
    /// The last one that was shown: a shop shows the same one all day. Whether it
    /// still lives is looked at each time.
    last: Option<Known>,
}

impl Tokens {
    pub(super) fn new(seed: u64, life: Duration, refresh_life: Duration) -> Self {
        let mut key = Sha512::new();
        key.update(b"key of the tokens");
        key.update(seed.to_le_bytes());
        // As long as HMAC's block, so that no length can be wrong.
        let key: [u8; 64] = key.finalize().into();
        Self {
            mac: Hmac::new(&key.into()),
            life,
            refresh_life,
            issued: 0,
            revoked: 0,
            refreshable: HashMap::new(),
            oldest_first: VecDeque::new(),
            shown: RandomState::new(),
            last: None,
        }
    }

    pub(super) fn issue(&mut self, merchant: &Arc<str>, now: Timestamp) -> Pair {
        self.issued += 1;
        let pair = Pair {
            token: self.sign(TOKEN_AUDIENCE, merchant, self.life, now),
            refresh_token: self.sign(REFRESH_AUDIENCE, merchant, self.refresh_life, now),
        };
        if self.oldest_first.len() == MAX_REFRESHABLE
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.refreshable.remove(&oldest);
        }
        let shown = (self.shown).hash_one((bare(&pair.token), bare(&pair.refresh_token)));
        self.oldest_first.push_back(shown);
        let granted = Refreshable {
            merchant: Arc::clone(merchant),
            expires: seconds(now).saturating_add(self.refresh_life.as_secs()),
        };
        self.refreshable.insert(shown, granted);
        pair
    }

    /// Kills every token that is out, as when somebody logs in elsewhere.
    pub(super) fn revoke(&mut self) {
        self.revoked = self.issued;
        self.refreshable.clear();
        self.oldest_first.clear();
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
        let shown = self.shown.hash_one((token, refresh_token));
        let granted = (self.refreshable.get(&shown))
            .filter(|granted| granted.expires > seconds(now))
            .ok_or(Refusal::Refresh)?;
        let merchant = Arc::clone(&granted.merchant);
        if !lives {
            self.refreshable.remove(&shown);
        }
        Ok(self.issue(&merchant, now))
    }

    /// The merchant whose live token stands in an `Authorization` header.
    pub(super) fn merchant(
        &mut self,
        authorization: &str,
        now: Timestamp,
    ) -> Result<&str, Refusal> {
        let token = authorization
            .strip_prefix("Bearer ")
            .ok_or(Refusal::Token)?;
        if self.last.as_ref().is_none_or(|last| *last.token != *token) {
            let claims = self.signed(token).ok_or(Refusal::Token)?;
            let claims = read(&claims, TOKEN_AUDIENCE).ok_or(Refusal::Token)?;
            self.last = Some(Known {
                token: token.into(),
                merchant: claims.sub.into(),
                expires: claims.exp,
                pair: claims.jti.parse().map_err(|_| Refusal::Token)?,
            });
        }
        let revoked = self.revoked;
        (self.last.as_ref())
            .filter(|last| last.expires > seconds(now) && last.pair > revoked)
            .map(|last| &*last.merchant)
            .ok_or(Refusal::Token)
    }

    /// A token, as JSON text.
    fn sign(
        &self,
        audience: &str,
        merchant: &str,
        life: Duration,
        now: Timestamp,
    ) -> Box<RawValue> {
        let claims = Claims {
            aud: audience.into(),
            sub: merchant.into(),
            iss: ISSUER.into(),
            exp: seconds(now).saturating_add(life.as_secs()),
            iat: seconds(now),
            jti: self.issued.to_string().into(),
        };
        let mut json = Vec::with_capacity(CLAIMS_LENGTH);
        // Texts and numbers always serialise.
        let _ = serde_json::to_writer(&mut json, &claims);
        let mut token = String::with_capacity(TOKEN_LENGTH);
        token.push('"');
        token.push_str(HEADER);
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(json, &mut token);
        let signature = self.mac(token.get(1..).unwrap_or_default());
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature.finalize().into_bytes(), &mut token);
        token.push('"');
        RawValue::from_string(token).unwrap_or_default()
    }

    /// The claims, as JSON, of a token that we signed.
    fn signed(&self, token: &str) -> Option<Vec<u8>> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.mac(signed).verify_slice(&signature).ok()?;
        let (_, claims) = signed.split_once('.')?;
        BASE64_URL_SAFE_NO_PAD.decode(claims).ok()
    }

    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(signed.as_bytes());
        mac
    }
}

/// A token out of its JSON text.
fn bare(json: &RawValue) -> &str {
    json.get().trim_matches('"')
}

/// The claims of a token for this use; its life is not looked at.
fn read<'a>(claims: &'a [u8], audience: &str) -> Option<Claims<'a>> {
    let claims: Claims<'_> = serde_json::from_slice(claims).ok()?;
    (claims.aud == audience).then_some(claims)
}

const fn seconds(instant: Timestamp) -> u64 {
    instant.as_unix_millis() / 1000
}
