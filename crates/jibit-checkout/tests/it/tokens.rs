//! Tokens that hosts share in a database: in a file and in a real Postgres.

use std::{fs, time::Duration};

use http::Method;
use jibit_checkout::{PostgresStore, SealedTokens, SqliteStore, TokenKey};
use jibit_client::{Account, Claim, Client, Config, Right, Secret, TokenStore};
use jibit_test_postgres::Server;
use jibit_testkit::fakes::{Fake, ManualClock, Said};

const LEASE: Duration = Duration::from_secs(60);

fn client(username: &str, clock: &ManualClock) -> (Client, Fake) {
    let mut login = 0;
    let gateway = Fake::new(clock, move |request| {
        if request.method() == Method::GET {
            return Said::json(
                404,
                r#"{"errorCode":1000,"errorDescription":"no such order"}"#,
            );
        }
        login += 1;
        Said::tokens(&format!("token-{login}"), &format!("refresh-{login}"))
    });
    let config = Config::new("http://127.0.0.1:8090", username, Secret::new("123456"));
    let client = Client::new(config, 7, gateway.clone(), clock.clone()).unwrap();
    (client, gateway)
}

/// The account that a client names to its store.
fn account(username: &str) -> Account {
    let (client, _) = client(username, &ManualClock::jumping());
    client.account().clone()
}

fn key(byte: u8) -> TokenKey {
    TokenKey::new([byte; 32])
}

async fn ours(tokens: &SealedTokens, lease: Duration) -> (Option<Secret>, Box<dyn Right>) {
    match tokens.claim(&account("7746"), lease).await.unwrap() {
        Claim::Ours { saved, right } => (saved, right),
        Claim::Busy { .. } => panic!("somebody else has the right"),
    }
}

async fn busy(tokens: &SealedTokens) -> Option<Secret> {
    match tokens.claim(&account("7746"), LEASE).await.unwrap() {
        Claim::Ours { .. } => panic!("two have the right"),
        Claim::Busy { saved } => saved,
    }
}

fn text(secret: Option<Secret>) -> Option<String> {
    secret.map(|secret| secret.expose().to_owned())
}

/// What holds for either; `anew` opens the tokens of the same database with a key.
async fn hosts_share(anew: impl AsyncFn(TokenKey) -> SealedTokens) {
    let (one, other) = (anew(key(1)).await, anew(key(1)).await);
    let (saved, mut right) = ours(&one, LEASE).await;
    assert_eq!(text(saved), None);
    assert_eq!(text(busy(&other).await), None);
    right.write(&Secret::new("first pair")).await.unwrap();
    assert_eq!(text(busy(&other).await).as_deref(), Some("first pair"));
    right.release().await.unwrap();

    // A right that was let go of by no word ends with its lease, and then writes
    // nothing.
    let (saved, mut late) = ours(&other, Duration::ZERO).await;
    assert_eq!(text(saved).as_deref(), Some("first pair"));
    let (_, mut right) = ours(&one, LEASE).await;
    late.write(&Secret::new("too late")).await.unwrap_err();
    late.release().await.unwrap();
    assert_eq!(text(busy(&other).await).as_deref(), Some("first pair"));
    right.write(&Secret::new("second pair")).await.unwrap();
    right.release().await.unwrap();

    // With another key, and for another account, they are as good as none.
    let rotated = anew(key(2)).await;
    let (saved, mut right) = ours(&rotated, LEASE).await;
    assert_eq!(text(saved), None);
    right.write(&Secret::new("third pair")).await.unwrap();
    right.release().await.unwrap();
    let (saved, right) = ours(&rotated, LEASE).await;
    assert_eq!(text(saved).as_deref(), Some("third pair"));
    right.release().await.unwrap();
    let neighbour = rotated.claim(&account("7747"), LEASE).await.unwrap();
    assert!(matches!(neighbour, Claim::Ours { saved: None, .. }));

    // As clients use it: one logs in, the others read.
    // Its clock stands, for a database takes its time.
    let clock = ManualClock::standing();
    let mut logins = 0;
    for _ in 0..3 {
        let (client, gateway) = client("7748", &clock);
        client.share_tokens(anew(key(1)).await);
        client
            .inquiry("7wvkgrn0".parse().unwrap())
            .await
            .unwrap_err();
        let requests = gateway.requests();
        logins += requests
            .iter()
            .filter(|it| it.method() != Method::GET)
            .count();
        let asked = requests.last().unwrap();
        assert_eq!(asked.headers()["authorization"], "Bearer token-1");
    }
    assert_eq!(logins, 1);
}

#[tokio::test]
async fn by_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.sqlite3");
    // As long as somebody has it open, SQLite's log stays, too.
    let _open = SqliteStore::open(&path).await.unwrap();
    hosts_share(async |key| SqliteStore::open(&path).await.unwrap().tokens(key)).await;
    for file in fs::read_dir(folder.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        for word in ["pair", "token-", "refresh-"] {
            let mut windows = bytes.windows(word.len());
            assert!(
                !windows.any(|it| it == word.as_bytes()),
                "{word} is in the clear"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn by_postgres() {
    let Some(server) = Server::shared() else {
        return;
    };
    let url = server.database().await;
    hosts_share(async |key| PostgresStore::connect(&url).await.unwrap().tokens(key)).await;
}

/// What was sealed for one account is nothing in another's row.
#[tokio::test]
async fn a_row_is_good_for_its_account_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.sqlite3");
    let tokens = SqliteStore::open(&path).await.unwrap().tokens(key(1));
    let (_, mut right) = ours(&tokens, LEASE).await;
    right.write(&Secret::new("a pair")).await.unwrap();
    let own = rusqlite::Connection::open(&path).unwrap();
    own.execute(
        "UPDATE jibit_tokens SET account = replace(account, '7746', '7747')",
        [],
    )
    .unwrap();
    let moved = tokens.claim(&account("7747"), LEASE).await.unwrap();
    assert!(matches!(moved, Claim::Busy { saved: None }));
    own.execute(
        "UPDATE jibit_tokens SET account = replace(account, '7747', '7746')",
        [],
    )
    .unwrap();
    assert_eq!(text(busy(&tokens).await).as_deref(), Some("a pair"));
    for damage in ["substr(sealed, 1, 20)", "substr(sealed, 2)", "x''", "NULL"] {
        own.execute(&format!("UPDATE jibit_tokens SET sealed = {damage}"), [])
            .unwrap();
        assert_eq!(text(busy(&tokens).await), None, "{damage}");
    }
}

#[test]
fn a_key_is_64_digits_and_never_shown() {
    let digits = "00ff".repeat(16);
    let key = TokenKey::from_hex(&format!(" {digits}\n")).unwrap();
    assert_eq!(format!("{key:?}"), "[redacted]");
    for bad in [
        "",
        "00ff",
        &"00fg".repeat(16),
        &"00ff".repeat(17),
        &"۰۰ff".repeat(16),
    ] {
        let error = TokenKey::from_hex(bad).unwrap_err().to_string();
        assert!(error.contains("openssl rand -hex 32"), "{error}");
        assert!(bad.is_empty() || !error.contains(bad));
    }
}
