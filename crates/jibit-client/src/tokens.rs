use std::{error::Error, sync::Arc, time::Duration};

use async_trait::async_trait;
use jibit_driver::{Account, StoreStep, Stored, spans};
use jibit_proto::Secret;

/// Why a store does not work.
pub type StoreError = Box<dyn Error + Send + Sync>;

/// Where processes keep the tokens that they share.
///
/// What is stored lets whoever reads it act as the merchant: keep it as safe as
/// the password.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Reads the account's tokens and takes the right to renew them, which may be
    /// needed for so long. It does not wait for a right that another process has.
    ///
    /// # Errors
    ///
    /// The client then goes on without the store.
    async fn claim(&self, account: &Account, lease: Duration) -> Result<Claim, StoreError>;
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
#[async_trait]
pub trait Right: Send {
    /// Replaces the account's tokens.
    ///
    /// # Errors
    ///
    /// The stored ones are then as they were.
    async fn write(&mut self, tokens: &Secret) -> Result<(), StoreError>;

    /// Gives the right back.
    ///
    /// # Errors
    ///
    /// It then ends as if its process had died.
    #[allow(clippy::must_use_candidate, reason = "the future is one already")]
    async fn release(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What a call does with the store: `right` is what it holds.
pub(crate) async fn work(
    store: Option<Arc<dyn TokenStore>>,
    account: &Account,
    right: &mut Option<Box<dyn Right>>,
    step: StoreStep,
) -> Stored {
    let worked = match (step, store) {
        (StoreStep::Claim { lease }, Some(store)) => match store.claim(account, lease).await {
            Ok(Claim::Ours { saved, right: ours }) => {
                *right = Some(ours);
                Ok(Stored::Claimed(saved))
            }
            Ok(Claim::Busy { saved }) => Ok(Stored::Busy(saved)),
            Err(error) => Err(error),
        },
        (StoreStep::Write(tokens), _) => match right {
            Some(right) => right.write(&tokens).await.map(|()| Stored::Done),
            None => return Stored::Failed,
        },
        (StoreStep::Release, _) => match right.take() {
            Some(right) => right.release().await.map(|()| Stored::Done),
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

    use super::{Account, Claim, Duration, Right, Secret, StoreError, TokenStore, async_trait};

    // Files of a few hundred bytes, once a day: not worth a thread.
    #[async_trait]
    impl TokenStore for FileTokens {
        async fn claim(&self, account: &Account, lease: Duration) -> Result<Claim, StoreError> {
            Ok(match Self::claim(self, account, lease)? {
                FileClaim::Ours { saved, right } => Claim::Ours {
                    saved,
                    right: Box::new(right),
                },
                FileClaim::Busy { saved } => Claim::Busy { saved },
            })
        }
    }

    #[async_trait]
    impl Right for FileRight {
        async fn write(&mut self, tokens: &Secret) -> Result<(), StoreError> {
            Ok(Self::write(self, tokens)?)
        }
    }
}
