//! The store in Postgres, on a real server.

use std::{
    error::Error as _,
    fs::{self, Permissions},
    net::TcpListener,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use jibit_checkout::{
    Applied, Change, Entry, NewOrder, PostgresStore, Seen, State, Store, StoreError, suite,
};
use jibit_proto::{Rial, Timestamp};
use jibit_test_postgres::{Server, client};

use crate::rows::{BEGIN, after, begun, capture, changed, intent, is_done, number, paid, shop};

/// Where a test ends if the machine has no Postgres.
macro_rules! or_skip {
    ($server:expr) => {
        match $server {
            Some(server) => server,
            None => return,
        }
    };
}

async fn connect(url: &str) -> PostgresStore {
    PostgresStore::connect(url).await.unwrap()
}

/// What an error is, in the one line that says so.
fn line(error: &StoreError) -> String {
    let line = error.source().unwrap().to_string();
    assert!(!line.contains('\n'), "{line}");
    line
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_the_suite() {
    let server = or_skip!(Server::shared());
    let store = connect(&server.database().await).await;
    suite::run(&store).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn four_hosts_pass_the_suite_at_once() {
    let server = or_skip!(Server::shared());
    let url = server.database().await;
    let hosts = (0..4).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { suite::run(&connect(&url).await).await })
    });
    for host in join_all(hosts).await {
        host.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_start_at_once_make_the_tables_once() {
    let server = or_skip!(Server::shared());
    for _ in 0..5 {
        let url = server.database().await;
        let hosts = (0..8).map(|_| {
            let url = url.clone();
            tokio::spawn(async move { PostgresStore::connect(&url).await })
        });
        for host in join_all(hosts).await {
            host.unwrap().unwrap();
        }
        let versions = "SELECT count(*) FROM jibit.schema_version";
        let row = client(&url).await.query_one(versions, &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_tables_are_used_or_refused_as_they_say() {
    let server = or_skip!(Server::shared());
    let url = server.database().await;
    connect(&url).await;
    let newer = client(&url).await;
    newer
        .batch_execute(
            "ALTER TABLE jibit.orders ADD COLUMN later text;
             ALTER TABLE jibit.attempts ADD COLUMN later text NOT NULL DEFAULT 'x';
             ALTER TABLE jibit.outbox ADD COLUMN later integer;
             ALTER TABLE jibit.timeline ADD COLUMN later integer;
             INSERT INTO jibit.schema_version VALUES (3, 1);",
        )
        .await
        .unwrap();
    suite::run(&connect(&url).await).await.unwrap();
    let breaks = "INSERT INTO jibit.schema_version VALUES (7, 5)";
    newer.batch_execute(breaks).await.unwrap();
    let refused = PostgresStore::connect(&url).await.unwrap_err();
    assert_eq!(
        line(&refused),
        "the tables are of version 7, and who reads them has to know version 5; this program \
         knows version 2: update it"
    );
}

/// A running program does not mind a column that comes while it runs: its prepared
/// statements name what they want.
#[tokio::test(flavor = "multi_thread")]
async fn a_column_may_come_while_it_runs() {
    let server = or_skip!(Server::shared());
    let url = server.database().await;
    let store = PostgresStore::builder(&url).connections(1).connect();
    let store = store.await.unwrap();
    suite::run(&store).await.unwrap();
    let add = "ALTER TABLE jibit.attempts ADD COLUMN later text NOT NULL DEFAULT 'x'";
    client(&url).await.batch_execute(add).await.unwrap();
    suite::run(&store).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_and_the_slot_never_both_succeed() {
    let server = or_skip!(Server::shared());
    let store = connect(&server.database().await).await;
    let (mut withdrawn, mut taken) = (0, 0);
    let mut lead = 0;
    for order in 0..400 {
        let intent = intent(order, &begun(&store, order).await);
        let (one, other) = (store.clone(), store.clone());
        // Who comes first is helped along, so that both orders are seen.
        lead = if withdrawn > taken {
            lead + 20
        } else {
            lead - 20
        };
        let pause = |micros: i64| async move {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_micros(micros.try_into().unwrap_or(0)) {
                tokio::task::yield_now().await;
            }
        };
        let (first, second) = (pause(lead), pause(-lead));
        let withdraw = tokio::spawn(async move {
            first.await;
            one.withdraw(&shop(), &number(order), after(5))
                .await
                .unwrap()
        });
        let take = tokio::spawn(async move {
            second.await;
            other.apply(&intent).await.unwrap()
        });
        let (told, applied) = (withdraw.await.unwrap().unwrap(), take.await.unwrap());
        let stored = store.order(&shop(), &number(order)).await.unwrap().unwrap();
        assert_eq!(told.withdrawn_at, stored.withdrawn_at);
        if is_done(applied) {
            assert!(stored.slot_holder().is_some() && stored.withdrawn_at.is_none());
            assert_eq!(told, stored, "who holds the slot is told");
            taken += 1;
        } else {
            assert_eq!(applied, Applied::Stale);
            assert!(stored.slot_holder().is_none() && stored.withdrawn_at.is_some());
            withdrawn += 1;
        }
        let lines = store.timeline(&shop(), &number(order)).await.unwrap();
        assert_eq!(lines.len(), 3, "{lines:?}");
    }
    println!("{withdrawn} were withdrawn, {taken} taken");
    assert!(withdrawn > 20 && taken > 20);
}

/// Words of a newer version are told as such, and what a text cannot hold is replaced:
/// a gateway that says it does not make an attempt one that cannot be written.
#[tokio::test(flavor = "multi_thread")]
async fn strange_texts_are_errors_or_are_mended() {
    let server = or_skip!(Server::shared());
    let url = server.database().await;
    let store = connect(&url).await;
    let nul = changed(1, &begun(&store, 1).await, |to| {
        to.seen = Some(Seen::stored("a\0b"));
    });
    let nul = Change {
        note: Some("c\0d".to_owned()),
        ..nul
    };
    assert!(is_done(store.apply(&nul).await.unwrap()));
    let order = store.order(&shop(), &number(1)).await.unwrap().unwrap();
    assert_eq!(order.attempts[0].seen, Some(Seen::stored("a\u{fffd}b")));
    let lines = store.timeline(&shop(), &number(1)).await.unwrap();
    assert_eq!(lines[2].text, "c\u{fffd}d");

    let other = client(&url).await;
    for (set, word) in [
        ("state = 'half-paid'", "\"half-paid\""),
        ("state = 'open', alarms = '{fire}'", "\"fire\""),
        ("alarms = '{}', code = 's3cret'", "\"a code\""),
    ] {
        let set = format!("UPDATE jibit.attempts SET {set}");
        other.batch_execute(&set).await.unwrap();
        let line = line(&store.order(&shop(), &number(1)).await.unwrap_err());
        assert!(
            line.contains(word) && line.contains("update this program"),
            "{line}"
        );
    }
}

/// Two orders that are paid at once with one refId: at least the later one is told.
#[tokio::test(flavor = "multi_thread")]
async fn one_ref_id_at_once_is_told() {
    let server = or_skip!(Server::shared());
    let store = connect(&server.database().await).await;
    for round in 0..100 {
        let mut race = Vec::new();
        for order in [2 * round, 2 * round + 1] {
            let intent = intent(order, &begun(&store, order).await);
            store.apply(&intent).await.unwrap();
            let capture = capture(order, &intent.to, &format!("ref-{round}"));
            let store = store.clone();
            race.push(tokio::spawn(async move { store.apply(&capture).await }));
        }
        let told = join_all(race).await.into_iter().map(|it| it.unwrap());
        let told: Vec<_> = told.map(Result::unwrap).collect();
        let twice = Applied::Done { ref_id_twice: true };
        assert!(told.contains(&twice), "{told:?}");
        assert!(told.iter().all(|it| is_done(*it)), "{told:?}");
    }
}

/// Changes that come at once are made together, and each is still its own: one that
/// breaks a key, one whose order somebody has locked, and those that nobody waits
/// for any more neither spoil nor delay the others.
#[tokio::test(flavor = "multi_thread")]
async fn changes_that_come_together_leave_each_other_alone() {
    const ORDERS: usize = 200;
    let server = or_skip!(Server::shared());
    let url = server.database().await;
    let store = connect(&url).await;
    let mut opened = Vec::new();
    for order in 0..ORDERS {
        let was = begun(&store, order).await;
        opened.push(changed(order, &was, |to| {
            // The last two claim one orderId.
            let id = order.min(ORDERS - 2);
            to.order_id = Some(format!("gw-{id}").parse().unwrap());
            to.state = State::Open;
        }));
    }
    let mut person = client(&url).await;
    let held = person.transaction().await.unwrap();
    let lock = "SELECT FROM jibit.orders WHERE number = 'order-0' FOR UPDATE";
    held.execute(lock, &[]).await.unwrap();

    let apply = |change: Change| {
        let store = store.clone();
        tokio::spawn(async move { store.apply(&change).await.unwrap() })
    };
    let mut changes = opened.into_iter();
    let locked = apply(changes.next().unwrap());
    // Nobody waits for these any more, so it is open whether they are made.
    let given_up: Vec<_> = changes.by_ref().take(50).map(apply).collect();
    given_up.iter().for_each(tokio::task::JoinHandle::abort);
    let others = join_all(changes.map(apply)).await;
    let others: Vec<_> = others.into_iter().map(Result::unwrap).collect();
    let twice = others.iter().filter(|it| **it == Applied::OrderIdTwice);
    assert_eq!(twice.count(), 1, "{others:?}");
    let made = others.iter().filter(|it| is_done(**it));
    assert_eq!(made.count(), others.len() - 1, "{others:?}");
    assert!(!locked.is_finished());

    held.commit().await.unwrap();
    assert!(is_done(locked.await.unwrap()));
    for order in 0..ORDERS {
        let stored = store.order(&shop(), &number(order)).await.unwrap().unwrap();
        let lines = store.timeline(&shop(), &number(order)).await.unwrap();
        let changes = stored.attempts[0].version;
        assert_eq!(lines.len() as u64, 2 + changes, "{lines:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_fulfils_in_a_transaction_of_its_own() {
    let server = or_skip!(Server::shared());
    let url = server.database().await;
    let store = connect(&url).await;
    for order in 0..4 {
        paid(&store, order).await;
    }
    let mut own = client(&url).await;
    own.batch_execute("CREATE TABLE shipments (number text PRIMARY KEY)")
        .await
        .unwrap();
    let take = "INSERT INTO shipments SELECT number FROM jibit.take_paid($1, 2) RETURNING number";
    let account = shop();
    let account = account.as_str();

    // What is rolled back is not fulfilled.
    let transaction = own.transaction().await.unwrap();
    assert_eq!(transaction.query(take, &[&account]).await.unwrap().len(), 2);
    // Meanwhile nobody else gets them, and nobody waits.
    let others = store
        .take_fulfilments(&shop(), after(2), after(3), 10)
        .await;
    let others: Vec<_> = others.unwrap().into_iter().map(|it| it.number).collect();
    assert_eq!(others, [number(2), number(3)]);
    transaction.rollback().await.unwrap();
    assert_eq!(
        store.backlog(&shop(), after(9)).await.unwrap().unfulfilled,
        4
    );

    // What is committed is, and once.
    let transaction = own.transaction().await.unwrap();
    let taken = transaction.query(take, &[&account]).await.unwrap();
    let taken: Vec<String> = taken.iter().map(|row| row.get(0)).collect();
    assert_eq!(taken, ["order-0", "order-1"]);
    for (order, is_marked) in [("order-2", true), ("order-0", false), ("order-99", false)] {
        let row = transaction
            .query_one("SELECT jibit.fulfil($1, $2)", &[&account, &order])
            .await
            .unwrap();
        assert_eq!(row.get::<_, bool>(0), is_marked, "{order}");
    }
    transaction.commit().await.unwrap();

    assert_eq!(
        store.backlog(&shop(), after(9)).await.unwrap().unfulfilled,
        1
    );
    assert!(
        !store
            .fulfilled(&shop(), &number(0), after(9))
            .await
            .unwrap()
    );
    assert!(
        store
            .fulfilled(&shop(), &number(3), after(9))
            .await
            .unwrap()
    );
    for order in 0..4 {
        let lines = store.timeline(&shop(), &number(order)).await.unwrap();
        let marks = lines.iter().filter(|it| it.text == Entry::FULFILLED);
        assert_eq!(marks.count(), 1, "{lines:?}");
    }
    let none = own.query(take, &[&account]).await.unwrap();
    assert!(none.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_goes_on_after_its_connections_were_ended() {
    let server = or_skip!(Server::shared());
    let url = server.database().await;
    let store = connect(&url).await;
    begun(&store, 1).await;
    let other = client(&url).await;
    for round in 0..20 {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        let ended = other.query(end, &[]).await.unwrap();
        assert!(!ended.is_empty());
        // At most what was under way fails.
        let reads = (0..4).map(|_| async {
            let _ = store.order(&shop(), &number(1)).await;
        });
        join_all(reads).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        let read = store.order(&shop(), &number(1)).await;
        assert!(read.unwrap().is_some(), "round {round}");
    }
}

/// What was told to be done is there after the server was killed; what failed can be
/// done again; and the store needs no help.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_told_is_lost_when_the_server_is_killed() {
    let server = or_skip!(Server::start());
    let url = server.database().await;
    let store = connect(&url).await;
    for round in 0..2 {
        let writers = (0..8).map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut paid = Vec::new();
                for order in (writer..).step_by(8).map(|order| round * 1_000_000 + order) {
                    let new = NewOrder {
                        account: shop(),
                        number: number(order),
                        amount: Rial::new(1_000).unwrap(),
                        terms: None,
                        created_at: BEGIN,
                    };
                    match store.open(&new).await {
                        Ok(_) => paid.push(order),
                        Err(error) => return (paid, line(&error)),
                    }
                }
                unreachable!()
            })
        });
        let writers: Vec<_> = writers.collect();
        tokio::time::sleep(Duration::from_millis(400)).await;
        server.kill();
        let mut told = Vec::new();
        for writer in writers {
            let (opened, error) = writer.await.unwrap();
            assert!(
                error.contains("connection to Postgres")
                    || error.contains("nobody listens")
                    || error.contains("the server stops"),
                "{error}"
            );
            told.extend(opened);
        }
        assert!(!told.is_empty());
        let down = store.order(&shop(), &number(0)).await.unwrap_err();
        assert_eq!(
            line(&down),
            "nobody listens where the URL leads: is Postgres running there?"
        );
        server.run();
        for order in &told {
            let there = store.order(&shop(), &number(*order)).await.unwrap();
            assert!(there.is_some(), "order {order} is lost");
        }
    }
    suite::run(&store).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_what_is_wrong_and_never_the_password() {
    let server = or_skip!(Server::shared());
    let url = server.database().await;
    let admin = client(&url).await;
    admin
        .batch_execute("CREATE ROLE locked LOGIN PASSWORD 'right'")
        .await
        .unwrap();
    let name = url.rsplit_once('/').unwrap().1;
    let locked = |password: &str| server.url_as(&format!("locked:{password}"), name);
    let refused = async |url: String| {
        let error = PostgresStore::connect(&url).await.unwrap_err();
        let all = format!("{error} {error:?} {}", line(&error));
        assert!(!all.contains("s3cret"), "{all}");
        line(&error)
    };
    for (url, says) in [
        (locked("s3cret"), "password authentication failed"),
        (locked("right"), "permission denied"),
        (server.url("nowhere"), "\"nowhere\" does not exist"),
        ("postgres://u:s3cret@127.0.0.1:1/x".into(), "nobody listens"),
        ("postgres://u:s3cret@%2Fnowhere/x".into(), "nobody listens"),
        ("postgres://u@h/x?s3cret=1".into(), "percent-encoded"),
        ("mysql://u:s3cret@h/x".into(), "percent-encoded"),
    ] {
        let line = refused(url).await;
        assert!(line.contains(says), "{line}");
    }
    let debug = format!("{:?}", PostgresStore::builder("postgres://u:s3cret@h/x"));
    assert!(!debug.contains("s3cret"), "{debug}");
    let store = connect(&url).await;
    assert_eq!(format!("{store:?}"), "PostgresStore { .. }");

    // An owner of the schema needs no more than that.
    admin
        .batch_execute("DROP SCHEMA jibit CASCADE; CREATE SCHEMA jibit AUTHORIZATION locked")
        .await
        .unwrap();
    suite::run(&connect(&locked("right")).await).await.unwrap();
    let gone = "DROP SCHEMA jibit CASCADE";
    admin.batch_execute(gone).await.unwrap();
    let gone = store.order(&shop(), &number(1)).await.unwrap_err();
    assert!(line(&gone).contains("is gone or not whole"), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_server_is_named_and_left() {
    let server = or_skip!(Server::shared());
    let url = server.database().await;
    let store = connect(&url).await;
    begun(&store, 1).await;
    let name = url.rsplit_once('/').unwrap().1;
    let admin = client(&server.url("postgres")).await;
    let set = async |to: &str| {
        let set = format!("ALTER DATABASE {name} SET default_transaction_read_only = {to}");
        admin.batch_execute(&set).await.unwrap();
    };
    set("on").await;
    let other = connect(&url).await;
    let refused = other
        .withdraw(&shop(), &number(1), BEGIN)
        .await
        .unwrap_err();
    assert!(line(&refused).contains("is read-only"), "{refused:?}");
    set("off").await;
    // The connection that was refused is not used again.
    let order = other.withdraw(&shop(), &number(1), BEGIN).await.unwrap();
    assert!(order.unwrap().withdrawn_at.is_some());
}

/// The server's own error of a full disk, raised where it would be: at a row that
/// finds no room.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_named_and_left() {
    let server = or_skip!(Server::shared());
    let url = server.database().await;
    let store = connect(&url).await;
    let open = begun(&store, 1).await;
    let own = client(&url).await;
    let full = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
                CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON jibit.attempts
                FOR EACH ROW EXECUTE FUNCTION full_disk()";
    own.batch_execute(full).await.unwrap();
    let intent = intent(1, &open);
    let refused = store.apply(&intent).await.unwrap_err();
    assert!(
        line(&refused).contains("disk is full: make room"),
        "{refused:?}"
    );
    let there = store.order(&shop(), &number(1)).await.unwrap().unwrap();
    assert_eq!(there.attempt(1).unwrap().version, open.version);
    own.batch_execute("DROP TRIGGER full_disk ON jibit.attempts")
        .await
        .unwrap();
    assert!(is_done(store.apply(&intent).await.unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_hangs_ends() {
    let server = or_skip!(Server::shared());
    let url = server.database().await;
    let store = PostgresStore::builder(&url)
        .statement_timeout(Duration::from_millis(200))
        .connections(2)
        .connect();
    let store = store.await.unwrap();
    begun(&store, 1).await;
    let mut other = client(&url).await;
    let lock = other.transaction().await.unwrap();
    let all = "LOCK TABLE jibit.orders, jibit.attempts IN ACCESS EXCLUSIVE MODE";
    lock.batch_execute(all).await.unwrap();
    let begun = Instant::now();
    let reads = (0..8).map(|_| async {
        let error = store.order(&shop(), &number(1)).await.unwrap_err();
        let line = line(&error);
        assert!(
            line.contains("took too long") || line.contains("busy for too long"),
            "{line}"
        );
    });
    join_all(reads).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    drop(lock);
    assert!(store.order(&shop(), &number(1)).await.unwrap().is_some());
}

/// A server that is there and says nothing holds nobody up for long.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_given_up() {
    let server = or_skip!(Server::start());
    let url = server.database().await;
    let store = PostgresStore::builder(&url)
        .connect_timeout(Duration::from_millis(300))
        .statement_timeout(Duration::from_millis(300))
        .connect();
    let store = store.await.unwrap();
    let other = client(&url).await;
    let backends = "SELECT pid FROM pg_stat_activity WHERE application_name = 'jibit-checkout'";
    let backends = other.query(backends, &[]).await.unwrap();
    let backends: Vec<i32> = backends.iter().map(|row| row.get(0)).collect();
    assert_eq!(backends.len(), 1);
    server.signal("-STOP", &backends);
    let begun = Instant::now();
    // The first one meets a connection that is there, the second one makes one.
    let one = store.order(&shop(), &number(1)).await;
    let other = store.order(&shop(), &number(1)).await;
    let after = begun.elapsed();
    server.signal("-CONT", &backends);
    assert!(after < Duration::from_secs(5), "{after:?}");
    for error in [one.unwrap_err(), other.unwrap_err()] {
        let line = line(&error);
        assert!(line.contains("did not answer in time"), "{line}");
    }
    assert!(store.order(&shop(), &number(1)).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_with_whom_it_should_be() {
    let own = |name: &str| {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    };
    let (certificate, key) = own("127.0.0.1");
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let settings = format!("-c listen_addresses=127.0.0.1 -c port={port} -c ssl=on");
    let server = or_skip!(Server::start_with(&settings, |data| {
        // The server refuses a key that others may read, and reads what is its own.
        let like = fs::metadata(data).unwrap();
        for (name, text) in [("server.crt", &certificate), ("server.key", &key)] {
            let file = data.join(name);
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
            chown(&file, Some(like.uid()), Some(like.gid())).unwrap();
        }
    }));
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    let trusting = async |authorities: String| {
        let builder = PostgresStore::builder(&url).trusting(authorities);
        builder.connect().await
    };
    suite::run(&trusting(certificate).await.unwrap())
        .await
        .unwrap();
    for (refused, says) in [
        (trusting(own("127.0.0.1").0).await, "certificate"),
        (trusting("no PEM".to_owned()).await, "has no certificate"),
        (
            PostgresStore::connect(&format!("{url}?sslmode=require")).await,
            "certificate",
        ),
        (PostgresStore::connect(&url).await, "no encryption"),
    ] {
        let line = line(&refused.unwrap_err());
        assert!(line.contains(says), "{line}");
    }
    drop(server);
}

/// How many rows and index entries were read in this database. The server counts a
/// session's when it ends, so this waits until no other is left.
async fn rows_read(own: &tokio_postgres::Client) -> i64 {
    let others = "SELECT count(*) FROM pg_stat_activity
                  WHERE datname = current_database() AND pid <> pg_backend_pid()
                    AND application_name = 'jibit-checkout'";
    while own.query_one(others, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let read = "SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables)::bigint
                  + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)::bigint";
    own.query_one(read, &[]).await.unwrap().get(0)
}

/// 100,000 that are due are not sorted, and 100,000 that are not are not walked past.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_reads_few_rows_whatever_waits() {
    let server = or_skip!(Server::shared());
    let url = server.database().await;
    begun(&connect(&url).await, 0).await;
    let fill = format!(
        "WITH o AS (
           INSERT INTO jibit.orders (account, number, amount, created_at)
           SELECT 1, 'n-' || n, 1, {0} - n * 20 FROM generate_series(1, 100000) n
           RETURNING number, created_at
         )
         INSERT INTO jibit.attempts
           (account, number, attempt, code, state, mobile_end, created_at, next_ask, version)
         SELECT 1, number, 1, number, 'open', '', created_at, {0}, 0 FROM o",
        BEGIN.as_unix_millis()
    );
    let own = client(&url).await;
    own.batch_execute(&fill).await.unwrap();
    for analysed in [false, true] {
        if analysed {
            own.batch_execute("ANALYZE").await.unwrap();
        }
        for (now, expected) in [(after(0), 10), (Timestamp::from_unix_millis(5), 0)] {
            let before = rows_read(&own).await;
            let store = connect(&url).await;
            let due = store.claim(&shop(), now, after(100), 10).await.unwrap();
            assert_eq!(due.len(), expected);
            drop(store);
            let read = rows_read(&own).await - before;
            // It looks at a thousand at most to see whether there are many.
            assert!(read < 3_000, "{read} rows were read (analysed: {analysed})");
        }
    }
    // The youngest in the window come last, the oldest of them first.
    let store = connect(&url).await;
    let due = store.claim(&shop(), after(0), after(100), 1).await.unwrap();
    let begins = due[0].0.as_str();
    assert!(begins.starts_with("n-92"), "{begins}");
}
