use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio_postgres::types::ToSql;

use super::{PostgresStore, error::Problem};
use crate::{
    columns::whole,
    order::AccountKey,
    store::StoreError,
    tokens::{SealedTokens, TokenKey, TokenRows},
};

/// Now by the server's clock, in milliseconds.
macro_rules! now {
    () => {
        "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    };
}

const CLAIM: &str = concat!(
    "INSERT INTO jibit.tokens AS it (account, held_by, held_until) VALUES ($1, $2, ",
    now!(),
    " + $3)
     ON CONFLICT (account) DO UPDATE
       SET held_by = excluded.held_by, held_until = excluded.held_until
       WHERE it.held_until <= ",
    now!()
);

/// Sent right after a claim: it sees what that came to.
const ROW: &str = "SELECT sealed, held_by = $2 FROM jibit.tokens WHERE account = $1";

const WRITE: &str = "UPDATE jibit.tokens SET sealed = $3 WHERE account = $1 AND held_by = $2
     RETURNING account";

const RELEASE: &str = "UPDATE jibit.tokens SET held_until = 0 WHERE account = $1 AND held_by = $2";

impl PostgresStore {
    /// The tokens of whoever uses this database, sealed with this key.
    #[must_use]
    pub fn tokens(&self, key: TokenKey) -> SealedTokens {
        SealedTokens::new(key, Arc::new(self.clone()))
    }
}

#[async_trait]
impl TokenRows for PostgresStore {
    async fn take(
        &self,
        account: &AccountKey,
        holder: &str,
        lease: Duration,
    ) -> Result<(Option<Vec<u8>>, bool), StoreError> {
        let (account, lease) = (account.as_str(), whole(lease.as_millis()));
        let claim: [&(dyn ToSql + Sync); 3] = [&account, &holder, &lease];
        let row: [&(dyn ToSql + Sync); 2] = [&account, &holder];
        let both = self
            .connections
            .query_both((CLAIM, &claim), (ROW, &row))
            .await;
        let (_, rows) = both?;
        let gone = || Problem::new("a row that was just written is gone");
        let row = rows.first().ok_or_else(gone)?;
        let unread = |error| Problem::unread(&error);
        let sealed = row.try_get(0).map_err(unread)?;
        Ok((sealed, row.try_get(1).map_err(unread)?))
    }

    async fn replace(
        &self,
        account: &AccountKey,
        holder: &str,
        sealed: Vec<u8>,
    ) -> Result<bool, StoreError> {
        let values: [&(dyn ToSql + Sync); 3] = [&account.as_str(), &holder, &sealed];
        Ok(!self.connections.query((WRITE, &values)).await?.is_empty())
    }

    async fn let_go(&self, account: &AccountKey, holder: &str) -> Result<(), StoreError> {
        let values: [&(dyn ToSql + Sync); 2] = [&account.as_str(), &holder];
        self.connections.query((RELEASE, &values)).await?;
        Ok(())
    }
}
