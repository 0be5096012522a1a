//! What a shop is to be told, in both databases.

use std::collections::HashSet;

use futures_util::future::join_all;
use jibit_checkout::{AccountKey, Alarm, Notice, NoticeId, NoticeKind, Notices, State};

use crate::rows::{after, begun, changed, intent, is_done, number, paid, shop};

macro_rules! cases {
    ($($case:ident)*) => {
        mod sqlite {
            use jibit_checkout::SqliteStore;
            $(
                #[tokio::test]
                async fn $case() {
                    let folder = tempfile::tempdir().unwrap();
                    let file = folder.path().join("orders.sqlite3");
                    super::$case(&SqliteStore::open(file).await.unwrap()).await;
                }
            )*
        }

        mod postgres {
            use jibit_checkout::PostgresStore;
            use jibit_test_postgres::Server;
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    let Some(server) = Server::shared() else { return };
                    let url = server.database().await;
                    super::$case(&PostgresStore::connect(&url).await.unwrap()).await;
                }
            )*
        }
    };
}

cases! {
    nobody_is_told_who_does_not_ask
    whoever_begins_to_ask_is_told_what_is_unfulfilled
    a_payment_an_end_and_an_alarm_are_told
    a_change_that_is_not_made_is_not_told
    a_notice_comes_again_until_it_was_told
    two_at_once_never_have_the_same
}

async fn nobody_is_told_who_does_not_ask(store: &impl Notices) {
    store.follow(&AccountKey::stored("another")).await.unwrap();
    paid(store, 1).await;
    assert!(taken(store, 10, 20).await.is_empty());
    assert_eq!(store.notices_waiting(&shop()).await.unwrap(), 0);
}

async fn whoever_begins_to_ask_is_told_what_is_unfulfilled(store: &impl Notices) {
    paid(store, 1).await;
    paid(store, 2).await;
    assert!(
        store
            .fulfilled(&shop(), &number(1), after(2))
            .await
            .unwrap()
    );
    store.follow(&shop()).await.unwrap();
    store.follow(&shop()).await.unwrap();
    assert_eq!(store.notices_waiting(&shop()).await.unwrap(), 1);
    let notices = taken(store, 10, 20).await;
    assert_eq!(kinds(&notices), [(number(2).to_string(), NoticeKind::Paid)]);
    assert_eq!(notices[0].at, after(1));
}

async fn a_payment_an_end_and_an_alarm_are_told(store: &impl Notices) {
    store.follow(&shop()).await.unwrap();
    paid(store, 1).await;
    for (order, state) in [
        (2, State::Cancelled),
        (3, State::Lapsed),
        (4, State::Abandoned),
    ] {
        let was = begun(store, order).await;
        let end = changed(order, &was, |to| to.state = state);
        assert!(is_done(store.apply(&end).await.unwrap()));
        // What is written again is not told again.
        let same = changed(order, &end.to, |to| to.next_ask = None);
        assert!(is_done(store.apply(&same).await.unwrap()));
    }
    let was = begun(store, 5).await;
    let alarm = changed(5, &was, |to| {
        to.alarms.insert(Alarm::NearDeadline);
    });
    assert!(is_done(store.apply(&alarm).await.unwrap()));
    // What leads there is nothing to be told.
    let intent = intent(6, &begun(store, 6).await);
    assert!(is_done(store.apply(&intent).await.unwrap()));

    let told = kinds(&taken(store, 10, 20).await);
    let expected = [
        (1, NoticeKind::Paid),
        (2, NoticeKind::NotPaid),
        (3, NoticeKind::NotPaid),
        (4, NoticeKind::NotPaid),
        (5, NoticeKind::NeedsPerson),
    ];
    assert_eq!(
        told,
        expected.map(|(order, kind)| (number(order).to_string(), kind))
    );
}

async fn a_change_that_is_not_made_is_not_told(store: &impl Notices) {
    store.follow(&shop()).await.unwrap();
    let was = begun(store, 1).await;
    let open = changed(1, &was, |to| to.state = State::Open);
    assert!(is_done(store.apply(&open).await.unwrap()));
    let late = changed(1, &was, |to| to.state = State::Cancelled);
    assert!(!is_done(store.apply(&late).await.unwrap()));
    assert!(taken(store, 10, 20).await.is_empty());
}

async fn a_notice_comes_again_until_it_was_told(store: &impl Notices) {
    store.follow(&shop()).await.unwrap();
    paid(store, 1).await;
    let first = taken(store, 10, 20).await.pop().unwrap();
    assert_eq!((first.attempt, first.tries), (1, 1));
    assert!(taken(store, 19, 29).await.is_empty(), "it is held");

    // Whoever had it died.
    let second = taken(store, 20, 30).await.pop().unwrap();
    assert_eq!((&second.id, second.tries), (&first.id, 2));

    // The shop did not take it.
    store.put_off(&second.id, after(300)).await.unwrap();
    assert!(taken(store, 299, 310).await.is_empty(), "it is put off");
    let third = taken(store, 300, 310).await.pop().unwrap();
    assert_eq!((&third.id, third.tries), (&first.id, 3));

    assert_eq!(store.notices_waiting(&shop()).await.unwrap(), 1);
    assert!(store.told(&third.id).await.unwrap());
    assert!(!store.told(&third.id).await.unwrap());
    store.put_off(&third.id, after(400)).await.unwrap();
    assert!(taken(store, 1_000, 1_010).await.is_empty());
    assert_eq!(store.notices_waiting(&shop()).await.unwrap(), 0);
}

async fn two_at_once_never_have_the_same(store: &impl Notices) {
    store.follow(&shop()).await.unwrap();
    for order in 0..40 {
        paid(store, order).await;
    }
    let shop = shop();
    let some = (0..10).map(|_| store.take_notices(&shop, after(10), after(20), 5));
    let some = join_all(some).await.into_iter().flat_map(Result::unwrap);
    let ids: Vec<NoticeId> = some.map(|notice| notice.id).collect();
    let different: HashSet<_> = ids.iter().collect();
    assert_eq!(different.len(), ids.len());
    let rest = taken(store, 10, 20).await.len();
    assert_eq!(ids.len() + rest, 40);
}

async fn taken(store: &impl Notices, now: u64, until: u64) -> Vec<Notice> {
    let shop = shop();
    let taken = store.take_notices(&shop, after(now), after(until), 100);
    taken.await.unwrap()
}

fn kinds(notices: &[Notice]) -> Vec<(String, NoticeKind)> {
    let kinds = notices.iter().map(|it| (it.number.to_string(), it.kind));
    let mut kinds: Vec<_> = kinds.collect();
    kinds.sort_by(|a, b| a.0.cmp(&b.0));
    kinds
}
