//! Changes that are committed together, a disk that is full, as SQLite is told on the
//! store's own connection, and a file that is gone.

use std::{error::Error as _, thread, time::Duration};

use futures_util::future::join_all;

use jibit_proto::{Rial, Timestamp};

use super::*;

fn account() -> AccountKey {
    AccountKey::stored("7746@https://shop.example")
}

fn order(number: usize) -> NewOrder {
    NewOrder {
        account: account(),
        number: OrderNumber::new(format!("order-{number}")).unwrap(),
        amount: Rial::new(125_000).unwrap(),
        terms: None,
        created_at: Timestamp::from_unix_millis(1_800_000_000_000),
    }
}

/// Sets something on the connection that writes, outside a transaction as inside.
async fn set(store: &SqliteStore, pragma: &str) {
    let pragma = format!("PRAGMA {pragma}");
    let set = store.write(move |file| {
        rows(file, &pragma, (), |_| Ok(()))?;
        Ok(())
    });
    set.await.unwrap();
}

fn line(error: &StoreError) -> String {
    error.source().unwrap().to_string()
}

#[tokio::test]
async fn what_fails_takes_nothing_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("orders.sqlite3"));
    let store = store.await.unwrap();
    let fails = |number: usize| number % 7 == 3;
    let slow = store.write(|_| {
        thread::sleep(Duration::from_millis(50));
        Ok(())
    });
    let opened = (0..100).map(|number| {
        let order = order(number);
        store.write(move |file| {
            transitions::open(file, &order)?;
            let problem = || Problem::new("not this one");
            (!fails(number)).then_some(()).ok_or_else(problem)
        })
    });
    // All of them wait behind the slow one, and are a batch.
    let (slow, opened) = tokio::join!(slow, join_all(opened));
    slow.unwrap();
    for (number, opened) in opened.into_iter().enumerate() {
        assert_eq!(opened.is_err(), fails(number));
        let order = order(number).number;
        let there = store.order(&account(), &order).await.unwrap();
        assert_eq!(there.is_none(), fails(number));
        let lines = store.timeline(&account(), &order).await.unwrap();
        let told = usize::from(!fails(number));
        assert_eq!(lines.len(), told, "done once, or not at all");
    }
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_is_gone_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("orders.sqlite3"));
    let store = store.await.unwrap();
    store.open(&order(0)).await.unwrap();
    set(&store, "max_page_count = 40").await;
    // Many at once, so that those of a batch that was lost with the disk are told, too.
    let mut told = Vec::new();
    let mut refused = 0;
    for round in 0..20 {
        let orders: Vec<_> = (0..50).map(|it| order(1 + round * 50 + it)).collect();
        let opened = orders.iter().map(|order| store.open(order));
        for (order, opened) in orders.iter().zip(join_all(opened).await) {
            match opened {
                Ok(_) => told.push(order.number.clone()),
                Err(error) => {
                    assert!(line(&error).contains("make room"), "{}", line(&error));
                    refused += 1;
                }
            }
        }
    }
    assert!(!told.is_empty() && refused > 0);
    for number in &told {
        assert!(store.order(&account(), number).await.unwrap().is_some());
    }
    let there = store.orders(&account(), &Filter::default(), 10_000).await;
    assert_eq!(there.unwrap().len(), 1 + told.len());
    set(&store, "max_page_count = 1000000").await;
    for number in 0..100 {
        store.open(&order(5_000 + number)).await.unwrap();
    }
}

/// An index with a condition is used only if the question has it word for word; the
/// answer is the same without, from all attempts there are.
#[tokio::test]
async fn each_count_of_the_backlog_has_its_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("orders.sqlite3"));
    let store = store.await.unwrap();
    let plan = store.read(|file| {
        let plan = format!("EXPLAIN QUERY PLAN {}", transitions::BACKLOG);
        rows(file, &plan, ("", 0, 0), |row| Ok(row.get::<_, String>(3)?))
    });
    let plan = plan.await.unwrap().join("\n");
    for index in ["due ", "waiting", "intents", "quarantined"] {
        assert!(
            plan.contains(&format!("INDEX jibit_attempts_{index}")),
            "{plan}"
        );
    }
    assert!(plan.contains("INDEX jibit_outbox_open"), "{plan}");
}

/// SQLite goes on with a file that has no name any more, and with it all would be gone
/// when the program ends.
#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_gone_or_another_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.sqlite3");
    let aside = folder.path().join("aside.sqlite3");
    let store = SqliteStore::open(&path).await.unwrap();
    store.open(&order(0)).await.unwrap();
    std::fs::rename(&path, &aside).unwrap();
    let gone = store.open(&order(1)).await.unwrap_err();
    assert!(line(&gone).contains("is not the file any more"), "{gone:?}");
    std::fs::copy(&aside, &path).unwrap();
    let another = store.open(&order(1)).await.unwrap_err();
    assert!(
        line(&another).contains("is not the file any more"),
        "{another:?}"
    );
    std::fs::rename(&aside, &path).unwrap();
    store.open(&order(1)).await.unwrap();
}
