use std::{error::Error, sync::Arc, time::Duration};

use jibit_driver::{Account, StoreStep, Stored, spans};
use jibit_proto::Secret;

/// Why a store does not work.
pub type StoreError = Box<dyn Error + Send + Sync>;

/// Where processes keep the tokens that they share.
///
/// What is stored lets whoever reads it act as the merchant: keep it as safe as
/// the password.
pub trait TokenStore: Send + Sync {
    /// Reads the account's tokens and takes the right to renew them, which may be
    /// needed for as long as `lease`. It does not wait for a right that another
    /// process has, and returns within `limit`: nothing else can end it.
    ///
    /// # Errors
    ///
    /// The client then goes on without the store.
    fn claim(
        &self,
        account: &Account,
        lease: Duration,
        limit: Duration,
    ) -> Result<Claim, StoreError>;
}

/// What a claim came to.
pub enum Claim {
    /// The right is ours.
    Ours {
        /// What is stored.
        saved: Option<Secret>,
        /// The right to write.
        right: Box<dyn Right>,
    },
    /// Another process has it.
    Busy {
        /// What is stored until then.
        saved: Option<Secret>,
    },
}

/// The right to renew an account's tokens. It also ends when it is dropped or its
/// process dies; a store that cannot see that ends it when its lease has passed.
pub trait Right: Send {
    /// Replaces the account's tokens, within `limit`.
    ///
    /// # Errors
    ///
    /// The stored ones are then as they were.
    fn write(&mut self, tokens: &Secret, limit: Duration) -> Result<(), StoreError>;

    /// Gives the right back, within `limit`.
    ///
    /// # Errors
    ///
    /// It then ends as if its process had died.
    fn release(self: Box<Self>, limit: Duration) -> Result<(), StoreError> {
        let _ = limit;
        Ok(())
    }
}

/// What a call does with the store: `right` is what it holds.
pub(crate) fn work(
    store: Option<Arc<dyn TokenStore>>,
    account: &Account,
    right: &mut Option<Box<dyn Right>>,
    step: StoreStep,
    limit: Duration,
) -> Stored {
    let worked = match (step, store) {
        (StoreStep::Claim { lease }, Some(store)) => match store.claim(account, lease, limit) {
            Ok(Claim::Ours { saved, right: ours }) => {
                *right = Some(ours);
                Ok(Stored::Claimed(saved))
            }
            Ok(Claim::Busy { saved }) => Ok(Stored::Busy(saved)),
            Err(error) => Err(error),
        },
        (StoreStep::Write(tokens), _) => match right {
            Some(right) => right.write(&tokens, limit).map(|()| Stored::Done),
            None => return Stored::Failed,
        },
        (StoreStep::Release, _) => match right.take() {
            Some(right) => right.release(limit).map(|()| Stored::Done),
            None => return Stored::Done,
        },
        _ => return Stored::Failed,
    };
    worked.unwrap_or_else(|error| {
        spans::store_failed(&*error);
        Stored::Failed
    })
}

#[cfg(feature = "file-tokens")]
mod files {
    use jibit_driver::{FileClaim, FileRight, FileTokens};

    use super::{Account, Claim, Duration, Right, Secret, StoreError, TokenStore};

    impl TokenStore for FileTokens {
        fn claim(
            &self,
            account: &Account,
            lease: Duration,
            _: Duration,
        ) -> Result<Claim, StoreError> {
            Ok(match Self::claim(self, account, lease)? {
                FileClaim::Ours { saved, right } => Claim::Ours {
                    saved,
                    right: Box::new(right),
                },
                FileClaim::Busy { saved } => Claim::Busy { saved },
            })
        }
    }

    impl Right for FileRight {
        fn write(&mut self, tokens: &Secret, _: Duration) -> Result<(), StoreError> {
            Ok(Self::write(self, tokens)?)
        }
    }
}
