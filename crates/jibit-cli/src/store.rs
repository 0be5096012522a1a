//! From settings to the shop's store.

use std::{io::ErrorKind, path::Path, sync::Arc};

use jibit_checkout::{AccountKey, CallbackUrl, Checkout, Notices, Store, open_store};
use jibit_hyper::Client;

use crate::{args::StoreArgs, report::Failure, secret};

/// The file that is taken if nobody names a store.
pub(crate) const DEFAULT: &str = "jibit.sqlite3";

/// Where the shop's orders are. The address may hold a password, so it is never shown.
pub(crate) struct Place(String);

impl Place {
    /// The place that the settings name; the usual file if they name none.
    pub(crate) fn named(args: &StoreArgs) -> Result<Self, Failure> {
        if let Some(address) = &args.store {
            return Ok(Self(address.clone()));
        }
        let named = secret::read(&secret::STORE, args.store_file.as_deref())?;
        Ok(Self(named.map_or_else(
            || DEFAULT.to_owned(),
            |address| address.expose().to_owned(),
        )))
    }

    /// Whether nobody named a store and the usual file is not here.
    pub(crate) fn is_none(&self) -> bool {
        self.0 == DEFAULT && !Path::new(DEFAULT).exists()
    }

    fn is_postgres(&self) -> bool {
        self.0.starts_with("postgres://") || self.0.starts_with("postgresql://")
    }

    /// What it is, without what may be private.
    pub(crate) fn kind(&self) -> &'static str {
        if self.is_postgres() {
            "Postgres"
        } else {
            "SQLite"
        }
    }

    /// Opens what is there. A shop makes its store; a mistyped path must not make an
    /// empty one, in which no order is missing.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>, Failure> {
        if self.is_none() {
            return Err(Failure::configuration(format!(
                "store is not named, and there is no {DEFAULT} in this folder; give --store, \
                 JIBIT_STORE or JIBIT_STORE_FILE"
            )));
        }
        if !self.is_postgres() {
            self.is_there()?;
        }
        Ok(self.make().await?)
    }

    /// Opens it, and makes it if it is not there: for whoever keeps the shop's orders.
    pub(crate) async fn make(&self) -> Result<Arc<dyn Notices>, Failure> {
        match open_store(&self.0).await {
            Ok(store) => Ok(store),
            Err(error) => Err(Failure::store(&error)),
        }
    }

    /// Whether the file is there.
    fn is_there(&self) -> Result<(), Failure> {
        let problem = if self.0.contains("://") || self.0.contains("password=") {
            "neither a file's path nor a postgres:// URL".to_owned()
        } else {
            match Path::new(&self.0).metadata() {
                Ok(file) if file.len() > 0 => return Ok(()),
                Ok(_) => format!("{:?}, and the file is empty", self.0),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    format!("{:?}, and there is no such file", self.0)
                }
                Err(error) => format!("{:?}, which cannot be read: {error}", self.0),
            }
        };
        Err(Failure::configuration(format!(
            "store is {problem}; name the one that the shop made, by --store, JIBIT_STORE or \
             JIBIT_STORE_FILE"
        )))
    }
}

/// Opens the store that the settings name.
pub(crate) async fn open(args: &StoreArgs) -> Result<Arc<dyn Store>, Failure> {
    Place::named(args)?.open().await
}

/// A checkout that starts no payment, so no customer comes back to its URL.
pub(crate) async fn checkout(client: Client, store: Arc<dyn Store>) -> Result<Checkout, Failure> {
    let nowhere = CallbackUrl::new("https://localhost/")?;
    let opened = Checkout::open(client, store, nowhere).await;
    opened.map_err(|error| Failure::store(&error))
}

/// Whose orders a store holds besides this account's, in a sentence; nothing if
/// there are none.
pub(crate) async fn others(
    store: &dyn Store,
    account: &AccountKey,
) -> Result<Option<String>, Failure> {
    let accounts = store
        .accounts()
        .await
        .map_err(|error| Failure::store(&error))?;
    let others = accounts.iter().filter(|other| *other != account);
    let others: Vec<_> = others.map(AccountKey::as_str).collect();
    Ok((!others.is_empty()).then(|| {
        format!(
            "The store also holds orders of {}; --username and --base-url say whose are meant.",
            others.join(", ")
        )
    }))
}
