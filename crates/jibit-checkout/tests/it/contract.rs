//! What shops that are not in Rust call within Postgres: docs/schema.md.

use jibit_checkout::{OrderNumber, PostgresStore, Standing, State, Store as _};
use jibit_proto::Rial;
use jibit_test_postgres::{Server, client};
use proptest::{
    collection::vec, option, prelude::*, strategy::ValueTree as _, test_runner::TestRunner,
};
use tokio_postgres::{Client, Row};

use crate::rows::{after, number, paid, shop};

/// A store and a shop's own connection; nothing if this machine has no Postgres.
async fn both() -> Option<(PostgresStore, Client)> {
    let url = Server::shared()?.database().await;
    let store = PostgresStore::connect(&url).await.unwrap();
    Some((store, client(&url).await))
}

async fn open(shop: &Client, account: &str, number: &str, amount: i64) -> Result<bool, String> {
    let row = shop
        .query_one(
            "SELECT jibit.open_order($1, $2, $3)",
            &[&account, &number, &amount],
        )
        .await;
    row.map(|row| row.get(0))
        .map_err(|error| error.as_db_error().unwrap().message().to_owned())
}

async fn status(client: &Client, number: &OrderNumber) -> Option<Row> {
    let account = shop();
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 2] =
        [&account.as_str(), &number.as_str()];
    let found = client.query_opt("SELECT * FROM jibit.order_status($1, $2)", &values);
    found.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_opened_with_the_shops_own_rows_or_not_at_all() {
    let Some((store, mut client)) = both().await else {
        return;
    };
    client
        .batch_execute("CREATE TABLE baskets (number text PRIMARY KEY)")
        .await
        .unwrap();
    for (committed, order) in [(false, 1), (true, 2)] {
        let own = client.transaction().await.unwrap();
        let basket = "INSERT INTO baskets VALUES ($1)";
        own.execute(basket, &[&number(order).as_str()])
            .await
            .unwrap();
        let opened = "SELECT jibit.open_order($1, $2, 125000)";
        let account = shop();
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 2] =
            [&account.as_str(), &number(order).as_str().to_owned()];
        let opened: bool = own.query_one(opened, &values).await.unwrap().get(0);
        assert!(opened);
        if committed {
            own.commit().await.unwrap();
        } else {
            own.rollback().await.unwrap();
        }
        let found = store.order(&shop(), &number(order)).await.unwrap();
        assert_eq!(found.is_some(), committed);
    }
    let order = store.order(&shop(), &number(2)).await.unwrap().unwrap();
    assert_eq!(order.amount, Rial::new(125_000).unwrap());
    assert_eq!((order.terms, order.attempts.len()), (None, 0));
    let lines = store.timeline(&shop(), &number(2)).await.unwrap();
    assert_eq!(lines[0].text, jibit_checkout::Entry::OPENED);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_opened_is_said_with_a_remedy() {
    let Some((_, client)) = both().await else {
        return;
    };
    let account = shop();
    let account = account.as_str();
    assert_eq!(open(&client, account, "o-1", 125_000).await, Ok(true));
    assert_eq!(open(&client, account, "o-1", 125_000).await, Ok(false));
    assert_eq!(
        open(&client, "7747@https://pg.jibit.mobi", "o-1", 1).await,
        Ok(true)
    );
    for (account, number, amount, said) in [
        (
            account,
            "o-1",
            125_001,
            "order o-1 was opened with another amount",
        ),
        (account, "o 1", 125_000, "order_number is not 1 to 64 of"),
        (account, "", 125_000, "order_number is not 1 to 64 of"),
        (account, "o-2", 0, "amount is not 1 to"),
        (account, "o-2", -1, "amount is not 1 to"),
        (account, "o-2", 1 << 60, "amount is not 1 to"),
        ("7746", "o-2", 125_000, "account_key is not an account"),
    ] {
        let refused = open(&client, account, number, amount).await.unwrap_err();
        assert!(
            refused.starts_with(said) && refused.contains(": give"),
            "{refused}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_is_paid_to_the_shop_too() {
    let Some((store, client)) = both().await else {
        return;
    };
    assert!(status(&client, &number(1)).await.is_none());
    paid(&store, 1).await;
    for fulfilled in [false, true] {
        let row = status(&client, &number(1)).await.unwrap();
        assert_eq!(row.get::<_, &str>("standing"), "paid");
        assert_eq!(row.get::<_, i64>("amount"), 125_000);
        assert_eq!(row.get::<_, i32>("attempts"), 1);
        assert_eq!(row.get::<_, &str>("ref_id"), "ref-1");
        assert_eq!(row.get::<_, bool>("fulfilled"), fulfilled);
        assert!(row.get::<_, Vec<String>>("alarms").is_empty());
        store
            .fulfilled(&shop(), &number(1), after(9))
            .await
            .unwrap();
    }
}

/// What an attempt of a made-up order is: its state, and whether it is in doubt.
fn attempts() -> impl Strategy<Value = Vec<(State, bool)>> {
    vec(
        (proptest::sample::select(&State::ALL[..]), any::<bool>()),
        0..4,
    )
}

/// The function says in SQL what `Order::standing` says in Rust.
#[tokio::test(flavor = "multi_thread")]
async fn both_languages_say_the_same_of_any_order() {
    let Some((store, client)) = both().await else {
        return;
    };
    let account = shop();
    open(&client, account.as_str(), "first", 1).await.unwrap();
    let mut runner = TestRunner::deterministic();
    let order = (attempts(), option::of(1..4_i32), any::<bool>());
    let mut seen = std::collections::BTreeSet::new();
    for place in 0..400 {
        let (attempts, slot, withdrawn) = order.new_tree(&mut runner).unwrap().current();
        let slot = slot.filter(|slot| *slot <= attempts.len() as i32);
        let number = number(place);
        client
            .execute(
                "INSERT INTO jibit.orders (account, number, amount, created_at, withdrawn_at, slot)
                 VALUES (1, $1, 1, 0, CASE WHEN $2 THEN 1 END, $3)",
                &[&number.as_str(), &withdrawn, &slot],
            )
            .await
            .unwrap();
        for (attempt, (state, in_doubt)) in (1..).zip(attempts) {
            let code = format!("{:032x}", place * 10 + attempt as usize);
            let alarms = if in_doubt {
                vec!["stuck", "unknown-order"]
            } else {
                vec![]
            };
            client
                .execute(
                    "INSERT INTO jibit.attempts
                       (account, number, attempt, code, state, mobile_end, created_at, alarms, version)
                     VALUES (1, $1, $2, $3, $4, '4567', 0, $5, 1)",
                    &[&number.as_str(), &attempt, &code, &state.as_str(), &alarms],
                )
                .await
                .unwrap();
        }
        let order = store.order(&account, &number).await.unwrap().unwrap();
        let row = status(&client, &number).await.unwrap();
        assert_eq!(
            row.get::<_, &str>("standing"),
            order.standing().as_str(),
            "{order:?}"
        );
        assert_eq!(row.get::<_, i32>("attempts"), order.attempts.len() as i32);
        seen.insert(order.standing().as_str());
    }
    let all = [
        Standing::Asking,
        Standing::NotPaid,
        Standing::Paid,
        Standing::Withdrawn,
    ];
    assert!(seen.into_iter().eq(all.map(Standing::as_str)));
}

/// Whoever has the rights that docs/schema.md names can call all of it, and reads no tokens.
#[tokio::test(flavor = "multi_thread")]
async fn the_rights_that_the_page_names_are_enough() {
    let Some(server) = Server::shared() else {
        return;
    };
    let url = server.database().await;
    let database = url.rsplit('/').next().unwrap().split('?').next().unwrap();
    let store = PostgresStore::connect(&url).await.unwrap();
    paid(&store, 1).await;
    paid(&store, 2).await;
    let page = include_str!("../../../../docs/schema.md");
    let (_, rights) = page.split_once("## Rights").unwrap();
    let (_, rights) = rights.split_once("```sql").unwrap();
    let (rights, _) = rights.split_once("```").unwrap();
    let role = format!("role_{database}");
    let rights = rights.replace("TO shop;", &format!("TO {role};"));
    let rights = rights.replace("FROM shop;", &format!("FROM {role};"));
    let owner = client(&url).await;
    let create = format!("CREATE ROLE {role} LOGIN; {rights}");
    owner.batch_execute(&create).await.unwrap();

    let own = client(&server.url_as(&role, database)).await;
    let account = shop();
    let account = account.as_str();
    assert_eq!(open(&own, account, "o-1", 1).await, Ok(true));
    assert_eq!(
        open(&own, "7747@https://pg.jibit.mobi", "o-1", 1).await,
        Ok(true)
    );
    assert!(status(&own, &number(1)).await.is_some());
    let taken = "SELECT number FROM jibit.take_paid($1, 1)";
    let taken = own.query(taken, &[&account]).await.unwrap();
    assert_eq!(taken.len(), 1);
    let fulfil = "SELECT jibit.fulfil($1, $2)";
    for first in [true, false] {
        let number = number(2);
        let row = own.query_one(fulfil, &[&account, &number.as_str()]).await;
        assert_eq!(row.unwrap().get::<_, bool>(0), first);
    }
    let tokens = own.query("SELECT * FROM jibit.tokens", &[]).await;
    assert!(tokens.is_err(), "the tokens can be read");
}
