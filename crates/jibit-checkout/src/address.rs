use std::sync::Arc;

use crate::{notices::Notices, store::StoreError};

/// Opens the store of this address: `postgres://…` is the URL that `PostgresStore`
/// connects to (feature `postgres`), anything else the path of a file of
/// `SqliteStore`'s (feature `sqlite`).
///
/// For programs that are told where their orders are. An address may hold a
/// password: take it from the environment or a file, never from the command line.
///
/// # Errors
///
/// If the store does not open, or this build has no such store; the source says why
/// and what to do, without the password.
pub async fn open_store(address: &str) -> Result<Arc<dyn Notices>, StoreError> {
    if address.starts_with("postgres://") || address.starts_with("postgresql://") {
        return postgres(address).await;
    }
    sqlite(address).await
}

#[cfg(feature = "postgres")]
async fn postgres(url: &str) -> Result<Arc<dyn Notices>, StoreError> {
    Ok(Arc::new(crate::PostgresStore::connect(url).await?))
}

#[cfg(not(feature = "postgres"))]
async fn postgres(_: &str) -> Result<Arc<dyn Notices>, StoreError> {
    Err(StoreError::new(
        "the address is Postgres's: build jibit-checkout with its feature postgres",
    ))
}

#[cfg(feature = "sqlite")]
async fn sqlite(path: &str) -> Result<Arc<dyn Notices>, StoreError> {
    Ok(Arc::new(crate::SqliteStore::open(path).await?))
}

#[cfg(not(feature = "sqlite"))]
async fn sqlite(_: &str) -> Result<Arc<dyn Notices>, StoreError> {
    Err(StoreError::new(
        "the address is a file's: build jibit-checkout with its feature sqlite",
    ))
}
