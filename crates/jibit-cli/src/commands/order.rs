use std::io::{self, IsTerminal as _};

use jibit_checkout::{AccountKey, Order, OrderNumber, Store};
use jibit_hyper::OrderId;
use serde::Serialize;

use crate::{
    account::{self, Account, Moves},
    args::{self, Decision, Settings},
    interrupt,
    report::{Failure, Report},
    show::{self, EntryJson, OrderJson},
    store,
};

#[derive(Serialize)]
struct Shown<'a> {
    account: &'a str,
    #[serde(flatten)]
    order: OrderJson<'a>,
    timeline: Vec<EntryJson<'a>>,
}

pub(crate) async fn run(settings: &Settings, args: &args::Order) -> Result<Report, Failure> {
    match (&args.number, &args.decision) {
        (Some(number), None) => {
            let account = account::key(settings)?;
            let number = number.parse()?;
            let store = store::open(&args.store).await?;
            report(&*store, &account, &number).await
        }
        (None, Some(decision)) => decide(settings, &args.store, decision).await,
        _ => Err(Failure::usage(
            "an order's number stands after adopt or release, as in jibit order adopt order-17 7wvkgrn0 \
             --attempt 1",
        )),
    }
}

/// The order of this number, or why there is none.
pub(crate) async fn find(
    store: &dyn Store,
    account: &AccountKey,
    number: &OrderNumber,
) -> Result<Order, Failure> {
    let found = store.order(account, number).await;
    if let Some(order) = found.map_err(|error| Failure::store(&error))? {
        return Ok(order);
    }
    let others = store::others(store, account).await?;
    let others = others.map(|others| format!(". {others}"));
    Err(Failure::usage(format!(
        "{account} has no order {number} in this store{}",
        others.unwrap_or_default()
    )))
}

async fn report(
    store: &dyn Store,
    account: &AccountKey,
    number: &OrderNumber,
) -> Result<Report, Failure> {
    let order = find(store, account, number).await?;
    let timeline = store.timeline(account, number).await;
    let timeline = timeline.map_err(|error| Failure::store(&error))?;
    let json = Shown {
        account: account.as_str(),
        order: OrderJson::from(&order),
        timeline: timeline.iter().map(EntryJson::from).collect(),
    };
    Ok(Report::new(&json, show::order(&order, &timeline)))
}

/// Records a person's decision, and carries it out. Either may lead to a capture, by
/// this command or by whoever asks next.
async fn decide(
    settings: &Settings,
    place: &args::StoreArgs,
    decision: &Decision,
) -> Result<Report, Failure> {
    let (number, id, which) = match decision {
        Decision::Adopt {
            number,
            order_id,
            which,
        } => (number, Some(order_id.parse::<OrderId>()?), which),
        Decision::Release { number, which } => (number, None, which),
    };
    let number: OrderNumber = number.parse()?;
    let key = account::key(settings)?;
    let question = match &id {
        Some(id) => format!(
            "Attempt {} of order {number} becomes the gateway's order {id} of {key}. If that is paid, it \
             is captured.",
            which.attempt
        ),
        None => format!(
            "Attempt {} of order {number} of {key} gives up the order, and another attempt may be paid. If \
             this one was captured after all, the customer pays twice.",
            which.attempt
        ),
    };
    confirm(&question, which.yes)?;
    let account = account::open(settings, Moves::Money)?;
    let store = store::open(place).await?;
    find(&*store, &key, &number).await?;
    let checkout = store::checkout(account.client.clone(), store.clone()).await?;
    let decided = async {
        match &id {
            Some(id) => checkout.adopt(&number, which.attempt, id).await,
            None => checkout.release(&number, which.attempt).await,
        }
    };
    stoppable(&account, decided).await??;
    report(&*store, &key, &number).await
}

async fn stoppable<T>(account: &Account, work: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::select! {
        done = work => Ok(done),
        () = interrupt::pressed() => Err(Failure::interrupted(account.certainty())),
    }
}

/// Has a person at a terminal say yes, unless he said so before.
fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Failure::usage(
            "this is a person's decision, and nobody is at a terminal to be asked; say --yes",
        ));
    }
    anstream::eprint!("{question}\nSay yes to do it: ");
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Failure::usage(format!("no answer can be read: {error}")))?;
    match answer.trim() {
        "yes" | "y" => Ok(()),
        _ => Err(Failure::usage("nobody said yes: nothing was done")),
    }
}
