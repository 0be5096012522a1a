//! `docs/runbook.md` is there for whoever is woken by an alarm.

use jibit_checkout::{Alarm, PostgresStore, SqliteStore, State, Store};
use jibit_test_postgres::{Server, client};
use rusqlite::Connection;

use crate::rows::{BEGIN, after, begun, number, shop};

const RUNBOOK: &str = include_str!("../../../../docs/runbook.md");

/// A heading's text, as far as the next heading that is as high or higher.
fn section(heading: &str) -> Option<&'static str> {
    let start = format!("\n{heading}\n");
    let (_, rest) = RUNBOOK.split_once(&start)?;
    let end = rest.find("\n## ").unwrap_or(rest.len());
    rest.get(..end)
}

#[test]
fn every_alarm_has_a_section_that_is_whole() {
    for alarm in Alarm::ALL {
        let section = section(&format!("## {alarm}"));
        let section = section.unwrap_or_else(|| panic!("no section for {alarm}"));
        for part in [
            "**Means.**",
            "**The customer",
            "**The money.**",
            "**Look at**",
            "**Do",
            "**Do not**",
            "**Over**",
        ] {
            assert!(section.contains(part), "{alarm} does not say {part}");
        }
    }
}

#[test]
fn what_it_names_is_there() {
    for state in State::ALL {
        let word = state.as_str().split(':').next().unwrap();
        let row = RUNBOOK
            .lines()
            .find(|line| line.starts_with("| `") && line.contains(word));
        assert!(row.is_some(), "{word} is not in the table of states");
    }
    for link in RUNBOOK.split("](#").skip(1) {
        let (anchor, _) = link.split_once(')').unwrap();
        let headings = RUNBOOK.lines().filter_map(|line| line.strip_prefix("## "));
        let mut anchors = headings.map(|heading| heading.to_lowercase().replace(' ', "-"));
        assert!(anchors.any(|it| it == anchor), "nothing is called {anchor}");
    }
}

/// The statements that plan asks anew after a clock was wrong.
fn statements(database: &str) -> &'static str {
    let section = section("## Clock wrong").unwrap();
    let start = format!("```sql\n-- {database}\n");
    let (_, rest) = section.split_once(&start).unwrap();
    rest.split_once("```").unwrap().0
}

/// An attempt that was begun by a clock that is right, is due by one that was an
/// hour ahead, and is not due now.
async fn put_off(store: &impl Store) {
    begun(store, 1).await;
    let due = store.claim(&shop(), after(86_400), in_future(), 10).await;
    assert_eq!(due.unwrap(), [(number(1), 1)]);
    assert!(due_now(store).await.is_empty());
}

fn in_future() -> jibit_proto::Timestamp {
    BEGIN + std::time::Duration::from_secs(100 * 365 * 86_400)
}

async fn due_now(store: &impl Store) -> Vec<String> {
    // Later than any clock that runs these tests, earlier than what is put off.
    let now = BEGIN + std::time::Duration::from_secs(50 * 365 * 86_400);
    let due = store.claim(&shop(), now, now, 10).await.unwrap();
    due.into_iter()
        .map(|(order, _)| order.to_string())
        .collect()
}

#[tokio::test]
async fn asks_are_planned_anew_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.sqlite3");
    let store = SqliteStore::open(&path).await.unwrap();
    put_off(&store).await;
    let own = Connection::open(&path).unwrap();
    own.execute_batch(statements("SQLite")).unwrap();
    assert_eq!(due_now(&store).await, ["order-1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn asks_are_planned_anew_in_postgres() {
    let Some(server) = Server::shared() else {
        return;
    };
    let url = server.database().await;
    let store = PostgresStore::connect(&url).await.unwrap();
    put_off(&store).await;
    let own = client(&url).await;
    own.batch_execute(statements("Postgres")).await.unwrap();
    assert_eq!(due_now(&store).await, ["order-1"]);
}
