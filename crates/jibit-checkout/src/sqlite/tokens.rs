use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::SqliteStore;
use crate::{
    columns::whole,
    order::AccountKey,
    store::StoreError,
    tokens::{SealedTokens, TokenKey, TokenRows},
};

/// Now, in milliseconds.
macro_rules! now {
    () => {
        "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
    };
}

impl SqliteStore {
    /// The tokens of whoever uses this file, sealed with this key.
    #[must_use]
    pub fn tokens(&self, key: TokenKey) -> SealedTokens {
        SealedTokens::new(key, Arc::new(self.clone()))
    }
}

#[async_trait]
impl TokenRows for SqliteStore {
    async fn take(
        &self,
        account: &AccountKey,
        holder: &str,
        lease: Duration,
    ) -> Result<(Option<Vec<u8>>, bool), StoreError> {
        let (account, holder) = (account.clone(), holder.to_owned());
        let lease = whole(lease.as_millis());
        self.write(move |file| {
            let mut take = file.prepare_cached(concat!(
                "INSERT INTO jibit_tokens (account, held_by, held_until) VALUES (?1, ?2, ",
                now!(),
                " + ?3)
                 ON CONFLICT (account) DO UPDATE
                   SET held_by = excluded.held_by, held_until = excluded.held_until
                   WHERE held_until <= ",
                now!()
            ))?;
            take.execute((account.as_str(), holder.as_str(), lease))?;
            let mut row = file.prepare_cached(
                "SELECT sealed, held_by = ?2 FROM jibit_tokens WHERE account = ?1",
            )?;
            let values = (account.as_str(), holder.as_str());
            Ok(row.query_row(values, |row| Ok((row.get(0)?, row.get(1)?)))?)
        })
        .await
    }

    async fn replace(
        &self,
        account: &AccountKey,
        holder: &str,
        sealed: Vec<u8>,
    ) -> Result<bool, StoreError> {
        let (account, holder) = (account.clone(), holder.to_owned());
        self.write(move |file| {
            let mut write = file.prepare_cached(
                "UPDATE jibit_tokens SET sealed = ?3 WHERE account = ?1 AND held_by = ?2",
            )?;
            Ok(write.execute((account.as_str(), holder.as_str(), &*sealed))? > 0)
        })
        .await
    }

    async fn let_go(&self, account: &AccountKey, holder: &str) -> Result<(), StoreError> {
        let (account, holder) = (account.clone(), holder.to_owned());
        self.write(move |file| {
            let mut release = file.prepare_cached(
                "UPDATE jibit_tokens SET held_until = 0 WHERE account = ?1 AND held_by = ?2",
            )?;
            release.execute((account.as_str(), holder.as_str()))?;
            Ok(())
        })
        .await
    }
}
