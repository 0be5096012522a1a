//! Every store of the crate passes the suite.

use jibit_checkout::{MemoryStore, suite};

#[tokio::test]
async fn memory() {
    suite::run(&MemoryStore::new()).await.unwrap();
}
