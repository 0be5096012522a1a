//! What the shop is to be told, in the file.

use async_trait::async_trait;
use jibit_proto::Timestamp;

use super::{SqliteStore, rows, transitions::write};
use crate::{
    columns::{self, millis, whole},
    notices::{Notice, NoticeId, Notices},
    order::AccountKey,
    store::StoreError,
};

#[async_trait]
impl Notices for SqliteStore {
    async fn follow(&self, account: &AccountKey) -> Result<(), StoreError> {
        let account = account.clone();
        self.write(move |file| {
            let account = (account.as_str(),);
            let row = "INSERT INTO jibit_accounts (key) VALUES (?1) ON CONFLICT DO NOTHING";
            write(file, row, account)?;
            let row = "INSERT INTO jibit_followed
                       SELECT id FROM jibit_accounts WHERE key = ?1 ON CONFLICT DO NOTHING";
            if write(file, row, account)? > 0 {
                write(
                    file,
                    "INSERT INTO jibit_notices (account, of_order, attempt, kind, at)
                     SELECT account, of_order, attempt, 'paid', paid_at FROM jibit_outbox
                     WHERE fulfilled_at IS NULL
                       AND account = (SELECT id FROM jibit_accounts WHERE key = ?1)",
                    account,
                )?;
            }
            Ok(())
        })
        .await
    }

    async fn take_notices(
        &self,
        account: &AccountKey,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Notice>, StoreError> {
        let account = account.clone();
        self.write(move |file| {
            let next = rows(
                file,
                "SELECT o.number, n.attempt, n.id, n.kind, n.at, n.tries + 1
                 FROM jibit_notices n JOIN jibit_orders o ON o.id = n.of_order
                 WHERE n.account = (SELECT id FROM jibit_accounts WHERE key = ?1)
                   AND n.held_until <= ?2
                 ORDER BY n.held_until, n.at, n.id LIMIT ?3",
                (account.as_str(), millis(now), whole(limit)),
                |row| columns::notice(row),
            )?;
            for notice in &next {
                write(
                    file,
                    "UPDATE jibit_notices SET held_until = ?2, tries = tries + 1 WHERE id = ?1",
                    (notice.id.as_str(), millis(until)),
                )?;
            }
            Ok(next)
        })
        .await
    }

    async fn put_off(&self, id: &NoticeId, until: Timestamp) -> Result<(), StoreError> {
        let id = id.clone();
        self.write(move |file| {
            let row = "UPDATE jibit_notices SET held_until = ?2 WHERE id = ?1";
            write(file, row, (id.as_str(), millis(until))).map(drop)
        })
        .await
    }

    async fn told(&self, id: &NoticeId) -> Result<bool, StoreError> {
        let id = id.clone();
        self.write(move |file| {
            let row = "DELETE FROM jibit_notices WHERE id = ?1";
            Ok(write(file, row, (id.as_str(),))? > 0)
        })
        .await
    }

    async fn notices_waiting(&self, account: &AccountKey) -> Result<u64, StoreError> {
        let account = account.clone();
        self.read(move |file| {
            let count = "SELECT count(*) FROM jibit_notices
                         WHERE account = (SELECT id FROM jibit_accounts WHERE key = ?1)";
            let counts = rows(file, count, (account.as_str(),), |row| {
                columns::counted(row)
            })?;
            Ok(counts.into_iter().sum())
        })
        .await
    }
}
