use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use jibit_client::{Account, Claim, Right, Secret, StoreError as TokenError, TokenStore};
use jibit_proto::InvalidInput;

use crate::{order::AccountKey, store::StoreError};

/// The key under which a database keeps tokens: 32 bytes, the same on every host.
///
/// `openssl rand -hex 32` makes one. Keep it where the gateway's password is, and not
/// in the database: whoever has both acts as the merchant. With another key what is
/// stored counts no more, and whoever comes next logs in.
#[derive(Clone)]
pub struct TokenKey([u8; 32]);

impl TokenKey {
    /// A key of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits; white space around them is left out.
    ///
    /// # Errors
    ///
    /// If it is anything else. The error does not hold it.
    pub fn from_hex(text: &str) -> Result<Self, InvalidInput> {
        let text = text.trim();
        let is_key = text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate().filter(|_| is_key) {
            let digits = text.get(2 * at..2 * at + 2).unwrap_or_default();
            *byte = u8::from_str_radix(digits, 16).unwrap_or_default();
        }
        if is_key {
            return Ok(Self(bytes));
        }
        Err(InvalidInput::new(
            "token key",
            "is not 64 hexadecimal digits",
            "make one with openssl rand -hex 32",
        ))
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Tokens in a shop's database, sealed: one host renews them, the others read what it
/// got. Give it to [`Client::share_tokens`](jibit_client::Client::share_tokens).
///
/// ```no_run
/// # async fn run(client: jibit_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use jibit_checkout::{SqliteStore, TokenKey};
///
/// let store = SqliteStore::open("orders.sqlite3").await?;
/// let key = TokenKey::from_hex(&std::fs::read_to_string("/run/secrets/token-key")?)?;
/// client.share_tokens(store.tokens(key));
/// # Ok(())
/// # }
/// ```
///
/// The right to renew is a lease by the database's clock; a host that dies with it is
/// gone past when it ends.
#[derive(Clone)]
pub struct SealedTokens {
    key: TokenKey,
    rows: Arc<dyn TokenRows>,
}

/// What a database does for it: a row for each account.
#[async_trait]
pub(crate) trait TokenRows: Send + Sync {
    /// Takes the row for so long, unless somebody else has it. What is in it, and
    /// whether it was taken.
    async fn take(
        &self,
        account: &AccountKey,
        holder: &str,
        lease: Duration,
    ) -> Result<(Option<Vec<u8>>, bool), StoreError>;

    /// Replaces what is in it, if nobody else has taken it since. Says whether it did.
    async fn replace(
        &self,
        account: &AccountKey,
        holder: &str,
        sealed: Vec<u8>,
    ) -> Result<bool, StoreError>;

    /// Lets it go, if it is still this holder's.
    async fn let_go(&self, account: &AccountKey, holder: &str) -> Result<(), StoreError>;
}

impl SealedTokens {
    pub(crate) fn new(key: TokenKey, rows: Arc<dyn TokenRows>) -> Self {
        Self { key, rows }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.key.0.into())
    }

    /// A random nonce, and the tokens sealed with it for this account alone.
    fn seal(&self, account: &AccountKey, tokens: &Secret) -> Result<Vec<u8>, TokenError> {
        let mut nonce = [0; 24];
        getrandom::fill(&mut nonce).map_err(|error| error.to_string())?;
        let payload = Payload {
            msg: tokens.expose().as_bytes(),
            aad: account.as_str().as_bytes(),
        };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| "the tokens cannot be sealed")?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// What was sealed; nothing if it was with another key or for another account, or is
    /// damaged.
    fn unseal(&self, account: &AccountKey, sealed: &[u8]) -> Option<Secret> {
        let (nonce, msg) = sealed.split_first_chunk::<24>()?;
        let aad = account.as_str().as_bytes();
        let opened = self
            .cipher()
            .decrypt(&XNonce::from(*nonce), Payload { msg, aad });
        Some(Secret::new(String::from_utf8(opened.ok()?).ok()?))
    }
}

#[async_trait]
impl TokenStore for SealedTokens {
    async fn claim(&self, account: &Account, lease: Duration) -> Result<Claim, TokenError> {
        let account = AccountKey::from(account);
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).map_err(|error| error.to_string())?;
        let holder = format!("{:032x}", u128::from_ne_bytes(bits));
        let (sealed, ours) = self.rows.take(&account, &holder, lease).await?;
        let saved = sealed.and_then(|sealed| {
            let opened = self.unseal(&account, &sealed);
            if opened.is_none() {
                tracing::warn!(
                    account = account.as_str(),
                    "the stored tokens were sealed with another key, or are damaged; \
                     they are replaced at the next login"
                );
            }
            opened
        });
        if !ours {
            return Ok(Claim::Busy { saved });
        }
        let right = SealedRight {
            tokens: self.clone(),
            account,
            holder,
        };
        let right = Box::new(right);
        Ok(Claim::Ours { saved, right })
    }
}

struct SealedRight {
    tokens: SealedTokens,
    account: AccountKey,
    holder: String,
}

#[async_trait]
impl Right for SealedRight {
    async fn write(&mut self, tokens: &Secret) -> Result<(), TokenError> {
        let sealed = self.tokens.seal(&self.account, tokens)?;
        let rows = &self.tokens.rows;
        if rows.replace(&self.account, &self.holder, sealed).await? {
            return Ok(());
        }
        Err("the right to renew ended before the tokens came; another host has it".into())
    }

    async fn release(self: Box<Self>) -> Result<(), TokenError> {
        let rows = &self.tokens.rows;
        Ok(rows.let_go(&self.account, &self.holder).await?)
    }
}

impl fmt::Debug for SealedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedTokens").finish_non_exhaustive()
    }
}
