//! Clients that share tokens: each is as good as a process of its own.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use jibit_blocking::{
    Account, Claim, Client, Config, Right, Secret, StoreError, SystemClock, TokenStore,
    TransportError,
};

/// A store in memory, as one in a database would be.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<HashMap<String, Row>>>);

#[derive(Clone, Default)]
struct Row {
    saved: Option<Secret>,
    taken: bool,
}

struct Held(Memory, String);

impl TokenStore for Memory {
    fn claim(
        &self,
        account: &Account,
        lease: Duration,
        limit: Duration,
    ) -> Result<Claim, StoreError> {
        assert!(lease > Duration::from_secs(10) && limit <= Duration::from_secs(2));
        let mut rows = self.0.lock().unwrap();
        let row = rows.entry(account.username.clone()).or_default();
        let saved = row.saved.clone();
        if std::mem::replace(&mut row.taken, true) {
            return Ok(Claim::Busy { saved });
        }
        let right = Box::new(Held(self.clone(), account.username.clone()));
        Ok(Claim::Ours { saved, right })
    }
}

impl Right for Held {
    fn write(&mut self, tokens: &Secret, _: Duration) -> Result<(), StoreError> {
        self.0
            .0
            .lock()
            .unwrap()
            .entry(self.1.clone())
            .or_default()
            .saved = Some(tokens.clone());
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0
            .0
            .lock()
            .unwrap()
            .entry(self.1.clone())
            .or_default()
            .taken = false;
    }
}

/// A store that does not work.
struct Broken;

impl TokenStore for Broken {
    fn claim(&self, _: &Account, _: Duration, _: Duration) -> Result<Claim, StoreError> {
        Err("the disk is full".into())
    }
}

/// A client with a session of its own, at a gateway that counts logins.
fn process(logins: &Arc<AtomicU32>, store: impl TokenStore + 'static) -> Client {
    let logins = logins.clone();
    let gateway = move |request: Request<Bytes>, _| -> Result<Response<Bytes>, TransportError> {
        thread::sleep(Duration::from_millis(5));
        let body = match request.uri().path() {
            "/authenticate" => {
                let n = logins.fetch_add(1, SeqCst);
                format!(r#"{{"errorCode":0,"result":{{"token":"t{n}","refreshToken":"r{n}"}}}}"#)
            }
            _ => r#"{"statusV":"PGENTRY","merchantOrderId":"m-1","amount":100}"#.to_owned(),
        };
        Ok(Response::new(body.into()))
    };
    let config = Config::new("http://127.0.0.1:1", "7746", Secret::new("123456"));
    let client = Client::new(config, 7, gateway, SystemClock::new()).unwrap();
    client.share_tokens(store);
    client
}

#[test]
fn twenty_processes_at_once_authenticate_once() {
    let (logins, store) = (Arc::default(), Memory::default());
    thread::scope(|scope| {
        for _ in 0..20 {
            let client = process(&logins, store.clone());
            scope.spawn(move || client.inquiry("o1".parse().unwrap()).unwrap());
        }
    });
    assert_eq!(logins.load(SeqCst), 1);
}

#[test]
fn a_store_that_does_not_work_stops_nobody() {
    let logins = Arc::default();
    process(&logins, Broken)
        .inquiry("o1".parse().unwrap())
        .unwrap();
    assert_eq!(logins.load(SeqCst), 1);
}

#[cfg(feature = "file-tokens")]
#[test]
fn processes_of_one_machine_share_a_folder() {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("shared-{}", std::process::id()));
    let store = jibit_blocking::FileTokens::new(&folder);
    let logins = Arc::default();
    for _ in 0..3 {
        process(&logins, store.clone())
            .inquiry("o1".parse().unwrap())
            .unwrap();
    }
    assert_eq!(logins.load(SeqCst), 1);
    process(&logins, store).authenticate().unwrap();
    assert_eq!(logins.load(SeqCst), 2, "authenticate always asks");
    std::fs::remove_dir_all(folder).unwrap();
}
