use jibit_checkout::{Filter, OrderNumber};
use serde::Serialize;

use super::order;
use crate::{
    account,
    args::{Orders, Settings},
    report::{Failure, Report},
    show::{self, OrderJson},
    store,
};

#[derive(Serialize)]
struct Shown<'a> {
    account: &'a str,
    orders: Vec<OrderJson<'a>>,
    /// What `--after` takes for the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a str>,
}

pub(crate) async fn run(settings: &Settings, args: &Orders) -> Result<Report, Failure> {
    let account = account::key(settings)?;
    let after: Option<OrderNumber> = args.after.as_deref().map(str::parse).transpose()?;
    let store = store::open(&args.store).await?;
    let mut filter = Filter {
        state: args.state,
        alarm: args.alarm,
        before: None,
    };
    if let Some(number) = after {
        let last = order::find(&*store, &account, &number).await?;
        filter.before = Some((last.created_at, number));
    }
    let found = store.orders(&account, &filter, args.limit + 1).await;
    let mut orders = found.map_err(|error| Failure::store(&error))?;
    let is_more = orders.len() > args.limit;
    orders.truncate(args.limit);
    let last = orders.last().filter(|_| is_more);
    let next = last.map(|order| order.number.as_str());
    let json = Shown {
        account: account.as_str(),
        orders: orders.iter().map(OrderJson::from).collect(),
        next,
    };
    let text = if orders.is_empty() {
        format!("No such orders of {account}.")
    } else {
        show::orders(&orders).to_string()
    };
    let remark = match next {
        Some(next) => Some(format!("There are more: --after {next}")),
        None if orders.is_empty() => store::others(&*store, &account).await?,
        None => None,
    };
    Ok(Report {
        remark,
        ..Report::new(&json, text)
    })
}
