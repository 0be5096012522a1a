//! The store in a file.

use std::{error::Error as _, fs, path::Path, sync::mpsc, thread, time::Duration};

use futures_util::future::join_all;
use jibit_checkout::{
    Applied, Entry, Filter, Notices as _, SqliteStore, State, Store, StoreError, open_store, suite,
};
use jibit_proto::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::rows::{after, begun, capture, intent, number, paid, shop};

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

async fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path).await.unwrap()
}

/// What an error is, in the one line that says so.
fn line(error: &StoreError) -> String {
    let line = error.source().unwrap().to_string();
    assert!(!line.contains('\n'), "{line}");
    line
}

async fn refused(path: impl AsRef<Path>) -> String {
    line(&SqliteStore::open(path.as_ref()).await.unwrap_err())
}

#[tokio::test]
async fn passes_the_suite_before_and_after_it_is_opened_anew() {
    let folder = folder();
    let path = folder.path().join("orders.sqlite3");
    suite::run(&open(&path).await).await.unwrap();
    suite::run(&open(&path).await).await.unwrap();
    let address = open_store(path.to_str().unwrap()).await.unwrap();
    suite::run(&address).await.unwrap();
}

/// As several processes do: each has connections of its own to the one file.
#[tokio::test(flavor = "multi_thread")]
async fn four_that_use_the_file_at_once_pass_the_suite() {
    let folder = folder();
    let path = folder.path().join("orders.sqlite3");
    let users = (0..4).map(|_| {
        let path = path.clone();
        tokio::spawn(async move { suite::run(&open(&path).await).await })
    });
    for user in join_all(users).await {
        user.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_start_at_once_make_the_tables_once() {
    let folder = folder();
    for round in 0..10 {
        let path = folder.path().join(format!("{round}.sqlite3"));
        let users = (0..8).map(|_| {
            let path = path.clone();
            tokio::spawn(async move { SqliteStore::open(path).await })
        });
        for user in join_all(users).await {
            user.unwrap().unwrap();
        }
        let own = Connection::open(&path).unwrap();
        let versions = "SELECT count(*) FROM jibit_schema_version";
        let versions: i64 = own.query_row(versions, [], |row| row.get(0)).unwrap();
        assert_eq!(versions, 2);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_reads_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let path = folder.path().join("orders.sqlite3");
    let _store = open(&path).await;
    let mut files = 0;
    for file in fs::read_dir(folder.path()).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        files += 1;
    }
    assert_eq!(files, 3);
}

/// A file that the first version made, with an order, and the same version still runs.
#[tokio::test]
async fn tables_of_the_first_version_are_brought_on() {
    let folder = folder();
    let path = folder.path().join("orders.sqlite3");
    let old = Connection::open(&path).unwrap();
    old.pragma_update(None, "journal_mode", "wal").unwrap();
    old.execute_batch(include_str!("../../migrations/sqlite/0001.sql"))
        .unwrap();
    old.execute_batch(
        "INSERT INTO jibit_schema_version VALUES (1, 1);
         INSERT INTO jibit_accounts VALUES (1, '7746@https://shop.example');
         INSERT INTO jibit_orders VALUES (1, 1, 'order-1', 125000, 1800000000000, NULL, NULL);",
    )
    .unwrap();
    let store = open(&path).await;
    assert_eq!(store.schema_version().await.unwrap(), Some(2));
    let order = store.order(&shop(), &number(1)).await.unwrap().unwrap();
    assert_eq!(order.amount.get(), 125_000);
    store.follow(&shop()).await.unwrap();
    old.execute_batch("INSERT INTO jibit_outbox VALUES (1, 1, 1, NULL, 0, 0, NULL)")
        .unwrap();
    assert_eq!(store.notices_waiting(&shop()).await.unwrap(), 1);
    suite::run(&store).await.unwrap();
}

#[tokio::test]
async fn newer_tables_are_used_or_refused_as_they_say() {
    let folder = folder();
    let path = folder.path().join("orders.sqlite3");
    let running = open(&path).await;
    suite::run(&running).await.unwrap();
    let newer = Connection::open(&path).unwrap();
    newer
        .execute_batch(
            "ALTER TABLE jibit_orders ADD COLUMN later TEXT;
             ALTER TABLE jibit_attempts ADD COLUMN later TEXT NOT NULL DEFAULT 'x';
             ALTER TABLE jibit_outbox ADD COLUMN later INTEGER;
             ALTER TABLE jibit_timeline ADD COLUMN later INTEGER;
             INSERT INTO jibit_schema_version VALUES (3, 1);",
        )
        .unwrap();
    suite::run(&running).await.unwrap();
    suite::run(&open(&path).await).await.unwrap();
    let breaks = "INSERT INTO jibit_schema_version VALUES (7, 5)";
    newer.execute_batch(breaks).unwrap();
    assert_eq!(
        refused(&path).await,
        "the tables are of version 7, and who reads them has to know version 5; this program \
         knows version 2: update it"
    );
}

#[tokio::test]
async fn a_file_that_is_not_a_checkouts_is_left_as_it_is() {
    let folder = folder();
    let place = |name: &str| folder.path().join(name);
    fs::write(place("letter.txt"), "Dear customer, ".repeat(100)).unwrap();
    let other = Connection::open(place("other.sqlite3")).unwrap();
    other.execute_batch("CREATE TABLE songs (name)").unwrap();
    for (path, says) in [
        (place("letter.txt"), "the file is not SQLite's"),
        (place("other.sqlite3"), "another program's tables"),
        (place("nowhere/orders.sqlite3"), "make its folder"),
        (place(""), "cannot be written"),
        (":memory:".into(), "give the path of a file"),
        ("".into(), "give the path of a file"),
    ] {
        let line = refused(&path).await;
        assert!(line.contains(says), "{}: {line}", path.display());
    }
    let letter = fs::read_to_string(place("letter.txt")).unwrap();
    assert_eq!(letter, "Dear customer, ".repeat(100));
    let tables = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = other.query_row(tables, [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

/// What callers ask for at once is committed together, and each is told what became
/// of its own.
#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_is_told_what_became_of_its_own() {
    let folder = folder();
    let store = open(&folder.path().join("orders.sqlite3")).await;
    let begun = begun(&store, 1).await;
    let callers = (0..300).map(|caller| {
        let (store, begun) = (store.clone(), begun.clone());
        tokio::spawn(async move {
            if caller % 3 == 0 {
                paid(&store, 1_000 + caller).await;
                return false;
            }
            let intent = intent(1, &begun);
            matches!(store.apply(&intent).await.unwrap(), Applied::Done { .. })
        })
    });
    let done = join_all(callers).await;
    let won = done.into_iter().filter(|won| *won.as_ref().unwrap());
    assert_eq!(won.count(), 1, "one of two hundred has the slot");
    let list = store.orders(&shop(), &Filter::default(), 1_000).await;
    assert_eq!(list.unwrap().len(), 101);
}

/// A caller that is gone before the answer does not take its change with it, and does
/// not hold up others.
#[tokio::test]
async fn whoever_stops_waiting_is_not_waited_for() {
    let folder = folder();
    let store = open(&folder.path().join("orders.sqlite3")).await;
    let begun = begun(&store, 1).await;
    let intent = intent(1, &begun);
    let applying = store.apply(&intent);
    tokio::select! {
        biased;
        _ = applying => panic!("nobody waits for a disk in no time"),
        () = std::future::ready(()) => {}
    }
    paid(&store, 2).await;
    let order = store.order(&shop(), &number(1)).await.unwrap().unwrap();
    assert_eq!(order.attempts[0].state, State::VerifyIntent);
}

/// While another program writes, ours waits, and reads all the same.
#[tokio::test(flavor = "multi_thread")]
async fn another_that_writes_is_waited_for() {
    let folder = folder();
    let path = folder.path().join("orders.sqlite3");
    let store = open(&path).await;
    paid(&store, 1).await;
    let (locked, is_locked) = mpsc::channel();
    let (go, gone) = mpsc::channel::<()>();
    let other = thread::spawn(move || {
        let other = Connection::open(path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        locked.send(()).unwrap();
        gone.recv().unwrap();
        other.execute_batch("COMMIT").unwrap();
    });
    is_locked.recv().unwrap();
    let writes = {
        let store = store.clone();
        tokio::spawn(async move { store.fulfilled(&shop(), &number(1), after(9)).await })
    };
    for _ in 0..20 {
        assert!(store.order(&shop(), &number(1)).await.unwrap().is_some());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!writes.is_finished());
    go.send(()).unwrap();
    assert!(writes.await.unwrap().unwrap());
    other.join().unwrap();
}

/// The shop's own rows and the mark are committed together or not at all.
#[tokio::test]
async fn an_order_is_fulfilled_in_the_shops_own_transaction() {
    let folder = folder();
    let path = folder.path().join("orders.sqlite3");
    let store = open(&path).await;
    for order in 0..3 {
        paid(&store, order).await;
    }
    let for_good = Timestamp::from_unix_millis(u64::MAX);
    let held = (store.take_fulfilments(&shop(), after(9), for_good, 1).await).unwrap();
    assert_eq!(held.len(), 1);
    let mut own = Connection::open(&path).unwrap();
    own.execute_batch("CREATE TABLE shipments (number TEXT PRIMARY KEY)")
        .unwrap();
    let mut ship = |commit: bool| {
        let own = own.transaction().unwrap();
        let next = "SELECT number FROM jibit_unfulfilled WHERE account = ?1 ORDER BY number";
        let account = shop();
        let next = own.query_row(next, [account.as_str()], |row| row.get::<_, String>(0));
        let Ok(next) = next else {
            return None;
        };
        own.execute("INSERT INTO shipments VALUES (?1)", [&next])
            .unwrap();
        let mark = "DELETE FROM jibit_unfulfilled WHERE account = ?1 AND number = ?2";
        own.execute(mark, [account.as_str(), &next]).unwrap();
        if commit {
            own.commit().unwrap();
        }
        Some(next)
    };
    // What is rolled back comes again.
    let first = ship(false);
    assert_eq!(ship(true), first);
    let second = ship(true);
    assert!(second.is_some() && second != first);
    // The third is held.
    assert_eq!(ship(true), None);
    let shipped =
        |number: &str| Some(number.to_owned()) == first || Some(number.to_owned()) == second;
    for order in 0..3 {
        let lines = store.timeline(&shop(), &number(order)).await.unwrap();
        let marks = lines.iter().filter(|it| it.text == Entry::FULFILLED);
        let expected = usize::from(shipped(number(order).as_str()));
        assert_eq!(marks.count(), expected, "{lines:?}");
    }
    assert_eq!(
        store.backlog(&shop(), after(9)).await.unwrap().unfulfilled,
        1
    );
}

/// 100,000 that are due come in their order, a few at a time.
#[tokio::test]
async fn many_that_are_due_come_in_their_order() {
    let folder = folder();
    let path = folder.path().join("orders.sqlite3");
    let store = open(&path).await;
    begun(&store, 0).await;
    let own = Connection::open(&path).unwrap();
    let fill = format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100000)
         INSERT INTO jibit_orders (id, account, number, amount, created_at)
         SELECT n + 10, 1, 'n-' || n, 1, {0} - n * 20 FROM n;
         INSERT INTO jibit_attempts
           (of_order, attempt, account, code, state, mobile_end, created_at, next_ask, version)
         SELECT id, 1, 1, number, iif(id % 1000 = 0, 'verify-intent', 'open'), '', created_at,
           {0}, 0
         FROM jibit_orders WHERE id > 10;",
        after(0).as_unix_millis()
    );
    own.execute_batch(&fill).unwrap();
    let claimed = async |now, limit| {
        let due = store.claim(&shop(), now, after(100), limit).await.unwrap();
        due.into_iter()
            .map(|(number, _)| number.to_string())
            .collect::<Vec<_>>()
    };
    let intents = claimed(after(0), 100).await;
    let expected: Vec<_> = (1..=100)
        .rev()
        .map(|it| format!("n-{}", it * 1000 - 10))
        .collect();
    assert_eq!(intents, expected);
    // Then what may be within the gateway's window, the oldest first.
    assert_eq!(claimed(after(0), 2).await, ["n-92999", "n-92998"]);
    assert!(claimed(Timestamp::from_unix_millis(5), 10).await.is_empty());
}

/// At most a kilobyte on the disk for each attempt that was paid and fulfilled.
#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_takes_less_than_a_kilobyte() {
    const ORDERS: usize = 2_000;
    let folder = folder();
    let path = folder.path().join("orders.sqlite3");
    let store = open(&path).await;
    let orders = (0..ORDERS).map(|order| {
        let store = store.clone();
        tokio::spawn(async move {
            let begun = begun(&store, order).await;
            let mut open = begun.clone();
            open.state = State::Open;
            open.order_id = jibit_proto::OrderId::new(format!("7wvk{order:06}")).ok();
            open.redirect_url = Some(format!("https://pg.jibit.mobi/to-ipg/{}", open.code));
            let open = crate::rows::changed(order, &begun, |to| *to = open);
            store.apply(&open).await.unwrap();
            let intent = intent(order, &open.to);
            store.apply(&intent).await.unwrap();
            let capture = capture(order, &intent.to, &format!("ref-{order:012}"));
            store.apply(&capture).await.unwrap();
            store
                .fulfilled(&shop(), &number(order), after(9))
                .await
                .unwrap();
        })
    });
    for order in join_all(orders).await {
        order.unwrap();
    }
    drop(store);
    let own = Connection::open(&path).unwrap();
    own.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    let size = fs::metadata(&path).unwrap().len();
    let each = size / ORDERS as u64;
    println!("{each} bytes for each attempt");
    assert!(each <= 1024, "{each} bytes for each attempt");
}

/// Whoever may read the file and not write it is told so, by a process of another user.
#[cfg(unix)]
#[tokio::test]
async fn a_file_that_its_user_may_not_write_is_named() {
    use std::os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    };
    let folder = folder();
    let allow = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let path = folder.path().join("orders.sqlite3");
    paid(&open(&path).await, 1).await;
    // Nobody is kept from the place where the programs are built, so it is a copy.
    let program = folder.path().join("tests");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    allow(&path, 0o444);
    allow(folder.path(), 0o555);
    let mut other = std::process::Command::new(&program);
    other
        .args([
            "--exact",
            "sqlite::opened_by_another_user",
            "--ignored",
            "--nocapture",
        ])
        .env("JIBIT_TEST_STORE", &path);
    if fs::metadata(&path).unwrap().uid() == 0 {
        other.uid(65_534); // Root may write everything.
    }
    let told = other.output().unwrap();
    allow(folder.path(), 0o755);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(
        told.contains("see that this program's user may write it"),
        "{told}"
    );
}

#[tokio::test]
#[ignore = "is run by another test, as another user"]
async fn opened_by_another_user() {
    let path = std::env::var("JIBIT_TEST_STORE").unwrap();
    println!("{}", refused(path).await);
}
