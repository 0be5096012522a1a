//! Rows, read and written.

use std::borrow::Cow;

use jibit_proto::{OrderId, RefId, Rial, Timestamp};
use tokio_postgres::Row;

use super::error::Problem;
use crate::{
    order::{AccountKey, Attempt, Order, OrderNumber, Seen},
    store::{Backlog, Entry, Fulfilment},
};

/// An instant as a column has it. What is later than a column can say is as late
/// as it can say: some 292 million years.
pub(super) fn millis(at: Timestamp) -> i64 {
    whole(at.as_unix_millis())
}

/// A count as a column has it.
pub(super) fn whole(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// A text as a column takes it: Postgres's texts hold no NUL.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}").into()
    } else {
        text.into()
    }
}

/// The columns of an attempt that take more than a reference to write.
pub(super) struct AttemptColumns<'a> {
    pub(super) number: i32,
    pub(super) state: &'static str,
    pub(super) order_id: Option<&'a str>,
    pub(super) paid_at: Option<i64>,
    pub(super) seen_at: Option<i64>,
    pub(super) seen: Option<Cow<'a, str>>,
    pub(super) asked_at: Option<i64>,
    pub(super) next_ask: Option<i64>,
    pub(super) ref_id: Option<&'a str>,
    pub(super) alarms: Vec<&'static str>,
    pub(super) version: i64,
}

impl<'a> AttemptColumns<'a> {
    pub(super) fn of(attempt: &'a Attempt) -> Self {
        Self {
            number: attempt_number(attempt.number),
            state: attempt.state.as_str(),
            order_id: attempt.order_id.as_ref().map(OrderId::as_str),
            paid_at: attempt.paid_at.map(millis),
            seen_at: attempt.seen_at.map(millis),
            seen: attempt.seen.as_ref().map(|seen| text(seen.as_str())),
            asked_at: attempt.asked_at.map(millis),
            next_ask: attempt.next_ask.map(millis),
            ref_id: attempt.ref_id.as_ref().map(RefId::as_str),
            alarms: attempt.alarms.iter().map(|alarm| alarm.as_str()).collect(),
            version: whole(attempt.version),
        }
    }
}

pub(super) fn attempt_number(number: u32) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

/// A column of a row, by its place.
fn get<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    place: usize,
) -> Result<T, Problem> {
    row.try_get(place).map_err(|error| Problem::unread(&error))
}

/// A text of a row that stands for something else.
fn word<T>(text: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, Problem> {
    read(text).ok_or_else(|| Problem::unknown(text))
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis.try_into().unwrap_or(0))
}

fn count<T: TryFrom<i64>>(count: i64) -> Result<T, Problem> {
    T::try_from(count).map_err(|_| Problem::unknown(&count.to_string()))
}

fn number(row: &Row, place: usize) -> Result<OrderNumber, Problem> {
    word(get(row, place)?, |text| OrderNumber::new(text).ok())
}

fn amount(row: &Row, place: usize) -> Result<Rial, Problem> {
    let amount: i64 = get(row, place)?;
    Rial::new(count(amount)?).map_err(|_| Problem::unknown(&amount.to_string()))
}

fn ref_id(row: &Row, place: usize) -> Result<Option<RefId>, Problem> {
    let text: Option<&str> = get(row, place)?;
    text.map(|text| word(text, |text| RefId::new(text).ok()))
        .transpose()
}

fn instant(row: &Row, place: usize) -> Result<Option<Timestamp>, Problem> {
    Ok(get::<Option<i64>>(row, place)?.map(at))
}

/// Orders with their attempts: a row for each attempt, and one for an order that
/// has none.
pub(super) fn orders(account: &AccountKey, rows: &[Row]) -> Result<Vec<Order>, Problem> {
    let mut orders: Vec<Order> = Vec::new();
    for row in rows {
        let number = number(row, 0)?;
        let attempt = attempt(row)?;
        match orders.last_mut() {
            Some(order) if order.number == number => order.attempts.extend(attempt),
            _ => orders.push(Order {
                account: account.clone(),
                number,
                amount: amount(row, 1)?,
                created_at: at(get(row, 2)?),
                withdrawn_at: instant(row, 3)?,
                attempts: attempt.into_iter().collect(),
            }),
        }
    }
    Ok(orders)
}

fn attempt(row: &Row) -> Result<Option<Attempt>, Problem> {
    let Some(number) = get::<Option<i32>>(row, 4)? else {
        return Ok(None);
    };
    let order_id: Option<&str> = get(row, 8)?;
    let seen: Option<&str> = get(row, 14)?;
    let alarms: Vec<&str> = get(row, 18)?;
    let alarms = alarms
        .into_iter()
        .map(|alarm| word(alarm, |it| it.parse().ok()));
    Ok(Some(Attempt {
        number: count(number.into())?,
        // A code is not for logs.
        code: word(get(row, 5)?, |code| Some(code.parse().ok()))?
            .ok_or_else(|| Problem::unknown("a code"))?,
        state: word(get(row, 6)?, |state| state.parse().ok())?,
        slot: get::<Option<bool>>(row, 7)?.unwrap_or(false),
        order_id: order_id
            .map(|id| word(id, |id| OrderId::new(id).ok()))
            .transpose()?,
        redirect_url: get(row, 9)?,
        mobile_end: get(row, 10)?,
        created_at: at(get(row, 11)?),
        paid_at: instant(row, 12)?,
        seen_at: instant(row, 13)?,
        seen: seen.map(Seen::stored),
        asked_at: instant(row, 15)?,
        next_ask: instant(row, 16)?,
        ref_id: ref_id(row, 17)?,
        alarms: alarms.collect::<Result<_, _>>()?,
        version: count(get(row, 19)?)?,
    }))
}

/// Which attempt of which order.
pub(super) fn which(row: &Row) -> Result<(OrderNumber, u32), Problem> {
    Ok((number(row, 0)?, count(get::<i32>(row, 1)?.into())?))
}

pub(super) fn fulfilment(row: &Row) -> Result<Fulfilment, Problem> {
    let (number, attempt) = which(row)?;
    Ok(Fulfilment {
        number,
        attempt,
        amount: amount(row, 2)?,
        ref_id: ref_id(row, 3)?,
        paid_at: at(get(row, 4)?),
    })
}

pub(super) fn entry(row: &Row) -> Result<Entry, Problem> {
    let attempt: Option<i32> = get(row, 1)?;
    let state: Option<&str> = get(row, 2)?;
    Ok(Entry {
        at: at(get(row, 0)?),
        attempt: attempt.map(|number| count(number.into())).transpose()?,
        state: state
            .map(|state| word(state, |state| state.parse().ok()))
            .transpose()?,
        text: get(row, 3)?,
    })
}

fn counted(row: &Row, place: usize) -> Result<u64, Problem> {
    count(get(row, place)?)
}

pub(super) fn backlog(rows: &[Row]) -> Result<Backlog, Problem> {
    let [row] = rows else {
        return Err(Problem::new("the counts are not there"));
    };
    Ok(Backlog {
        due: counted(row, 0)?,
        near_deadline: counted(row, 1)?,
        undetermined: counted(row, 2)?,
        quarantined: counted(row, 3)?,
        unfulfilled: counted(row, 4)?,
    })
}

pub(super) fn flag(row: &Row) -> Result<bool, Problem> {
    get(row, 0)
}

pub(super) fn account(row: &Row) -> Result<AccountKey, Problem> {
    Ok(AccountKey::stored(get::<String>(row, 0)?))
}
