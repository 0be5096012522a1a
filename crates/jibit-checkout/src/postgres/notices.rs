//! What the shop is to be told, in the database.

use async_trait::async_trait;
use jibit_proto::Timestamp;
use tokio_postgres::types::ToSql;

use super::{PostgresStore, only, sql};
use crate::{
    columns::{self, millis, whole},
    notices::{Notice, NoticeId, Notices},
    order::AccountKey,
    store::StoreError,
};

#[async_trait]
impl Notices for PostgresStore {
    async fn follow(&self, account: &AccountKey) -> Result<(), StoreError> {
        let account: &(dyn ToSql + Sync) = &account.as_str();
        self.connections.query((sql::ACCOUNT, &[account])).await?;
        self.connections.query((sql::FOLLOW, &[account])).await?;
        Ok(())
    }

    async fn take_notices(
        &self,
        account: &AccountKey,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Notice>, StoreError> {
        let values: [&(dyn ToSql + Sync); 4] = [
            &account.as_str(),
            &millis(now),
            &millis(until),
            &whole(limit),
        ];
        let taken = self.connections.query((sql::TAKE_NOTICES, &values)).await?;
        Ok(taken
            .iter()
            .map(columns::notice)
            .collect::<Result<_, _>>()?)
    }

    async fn put_off(&self, id: &NoticeId, until: Timestamp) -> Result<(), StoreError> {
        let values: [&(dyn ToSql + Sync); 2] = [&id.as_str(), &millis(until)];
        self.connections.query((sql::PUT_OFF, &values)).await?;
        Ok(())
    }

    async fn told(&self, id: &NoticeId) -> Result<bool, StoreError> {
        let gone = self.connections.query((sql::TOLD, &[&id.as_str()])).await?;
        Ok(!gone.is_empty())
    }

    async fn notices_waiting(&self, account: &AccountKey) -> Result<u64, StoreError> {
        let values: [&(dyn ToSql + Sync); 1] = [&account.as_str()];
        let count = self
            .connections
            .query((sql::NOTICES_WAITING, &values))
            .await?;
        Ok(columns::counted(only(&count)?)?)
    }
}
