use std::{mem, time::Duration};

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

use super::YOUNG;
use crate::{Bearer, InvalidInput, Secret, Timestamp, wire::authenticate::Tokens};

/// The life of a token that cannot be read.
const UNREADABLE_LIFE: Duration = Duration::from_secs(23 * 3600);

/// The tokens that the gateway handed out last.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) token: Secret,
    /// The token as every request carries it.
    pub(super) bearer: Bearer,
    /// Taken out when it is sent: it can never be sent twice.
    pub(super) refresh_token: Option<Secret>,
    pub(super) received: Timestamp,
    pub(super) expires: Timestamp,
    /// Whether no 401 told otherwise.
    pub(super) alive: bool,
    /// Whether this session got it from the gateway.
    own: bool,
}

impl Pair {
    /// A pair that the gateway has just handed out.
    pub(super) fn new(tokens: Tokens, now: Timestamp) -> Result<Self, InvalidInput> {
        let life = life(tokens.token.expose()).unwrap_or(UNREADABLE_LIFE);
        Ok(Self {
            bearer: tokens.token.bearer()?,
            token: tokens.token,
            refresh_token: Some(tokens.refresh_token),
            received: now,
            expires: now + life,
            alive: true,
            own: true,
        })
    }

    /// The pair as text, with the account that it belongs to.
    pub(super) fn save(&self, origin: &str, username: &str) -> Option<Secret> {
        let saved = Saved {
            version: Saved::VERSION,
            origin: origin.to_owned(),
            username: username.to_owned(),
            token: self.token.expose().to_owned(),
            refresh_token: self
                .refresh_token
                .as_ref()
                .map(|secret| secret.expose().to_owned()),
            received: self.received.as_unix_millis(),
            expires: self.expires.as_unix_millis(),
        };
        serde_json::to_string(&saved).ok().map(Secret::new)
    }

    /// The pair that was saved for this account.
    pub(super) fn load(saved: &Secret, origin: &str, username: &str) -> Result<Self, InvalidInput> {
        let invalid = |problem| {
            InvalidInput::new(
                "saved tokens",
                problem,
                "go on without: the gateway gives others",
            )
        };
        let mut saved: Saved =
            serde_json::from_str(saved.expose()).map_err(|_| invalid("are damaged"))?;
        if saved.version != Saved::VERSION {
            return Err(invalid("are of another version"));
        }
        if saved.origin != origin || saved.username != username {
            return Err(invalid("are another account's"));
        }
        let token = Secret::new(mem::take(&mut saved.token));
        Ok(Self {
            bearer: token.bearer().map_err(|_| invalid("are damaged"))?,
            token,
            refresh_token: saved.refresh_token.take().map(Secret::new),
            received: Timestamp::from_unix_millis(saved.received),
            expires: Timestamp::from_unix_millis(saved.expires),
            alive: true,
            own: false,
        })
    }

    pub(super) fn lives(&self, now: Timestamp) -> bool {
        self.alive && now < self.expires
    }

    /// Whether it serves a call that wants a pair from this instant on: one that
    /// this session got since, or just before.
    pub(super) fn fits(&self, since: Option<Timestamp>, now: Timestamp) -> bool {
        since.is_none_or(|since| {
            self.own && (self.received >= since || now.since(self.received) < YOUNG)
        })
    }

    /// Whether the last tenth of its life has begun.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        let life = self.expires.since(self.received);
        self.expires.since(now) < life / 10
    }
}

/// Tokens at rest between two runs.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Saved {
    version: u32,
    origin: String,
    username: String,
    token: String,
    refresh_token: Option<String>,
    received: u64,
    expires: u64,
}

impl Drop for Saved {
    fn drop(&mut self) {
        self.token.zeroize();
        self.refresh_token.zeroize();
    }
}

impl Saved {
    const VERSION: u32 = 1;
}

/// How long a token says that it lives, `exp - iat`: read only to know when to
/// renew, never believed over a 401.
fn life(token: &str) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Claims {
        iat: u64,
        exp: u64,
    }

    let payload = token.split('.').nth(1)?;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    let life = Duration::from_secs(claims.exp.checked_sub(claims.iat)?);
    (life >= Duration::from_secs(1)).then_some(life)
}
