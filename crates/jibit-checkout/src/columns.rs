//! What the stores in databases write for a value, and how they read it back: one
//! form for all of them.

use std::borrow::Cow;

use jibit_proto::{OrderId, RefId, Rial, Timestamp};

use crate::{
    notices::{Notice, NoticeId},
    order::{AccountKey, Attempt, Order, OrderNumber, Seen},
    store::{Backlog, Entry, Fulfilment},
};

/// An instant as a column has it. What is later than a column can say is as late
/// as it can say: some 292 million years.
pub(crate) fn millis(at: Timestamp) -> i64 {
    whole(at.as_unix_millis())
}

/// A count as a column has it.
pub(crate) fn whole(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// A text as a column takes it: Postgres's texts hold no NUL.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}").into()
    } else {
        text.into()
    }
}

/// The columns of an attempt that take more than a reference to write.
pub(crate) struct AttemptColumns<'a> {
    pub(crate) state: &'static str,
    pub(crate) order_id: Option<&'a str>,
    pub(crate) paid_at: Option<i64>,
    pub(crate) seen_at: Option<i64>,
    pub(crate) seen: Option<Cow<'a, str>>,
    pub(crate) asked_at: Option<i64>,
    pub(crate) next_ask: Option<i64>,
    pub(crate) ref_id: Option<&'a str>,
    pub(crate) alarms: Vec<&'static str>,
    pub(crate) version: i64,
}

impl<'a> AttemptColumns<'a> {
    pub(crate) fn of(attempt: &'a Attempt) -> Self {
        Self {
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

/// A row of a database's answer, whose columns are read by their places.
pub(crate) trait Columns {
    /// Why a column cannot be read.
    type Problem: From<Unknown>;

    /// A text, or nothing.
    fn text(&self, place: usize) -> Result<Option<&str>, Self::Problem>;

    /// A whole number, or nothing; a yes is 1.
    fn number(&self, place: usize) -> Result<Option<i64>, Self::Problem>;
}

/// A stored word or number that this version does not know.
#[derive(Debug)]
pub(crate) struct Unknown(String);

impl Unknown {
    pub(crate) fn into_line(self) -> String {
        format!(
            "the database holds {:?}, which this version does not know; \
             a newer version may have written it: update this program",
            self.0
        )
    }
}

/// A text of a row that stands for something else.
fn word<T>(text: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, Unknown> {
    read(text).ok_or_else(|| Unknown(text.to_owned()))
}

fn missing(place: usize) -> Unknown {
    Unknown(format!("nothing in column {place}"))
}

fn some_text<R: Columns>(row: &R, place: usize) -> Result<&str, R::Problem> {
    Ok(row.text(place)?.ok_or_else(|| missing(place))?)
}

fn some_number<R: Columns>(row: &R, place: usize) -> Result<i64, R::Problem> {
    Ok(row.number(place)?.ok_or_else(|| missing(place))?)
}

fn count<T: TryFrom<i64>>(count: i64) -> Result<T, Unknown> {
    T::try_from(count).map_err(|_| Unknown(count.to_string()))
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis.try_into().unwrap_or(0))
}

fn instant<R: Columns>(row: &R, place: usize) -> Result<Option<Timestamp>, R::Problem> {
    Ok(row.number(place)?.map(at))
}

fn order_number<R: Columns>(row: &R, place: usize) -> Result<OrderNumber, R::Problem> {
    let text = some_text(row, place)?;
    Ok(word(text, |text| OrderNumber::new(text).ok())?)
}

fn amount<R: Columns>(row: &R, place: usize) -> Result<Rial, R::Problem> {
    let amount = some_number(row, place)?;
    Ok(Rial::new(count(amount)?).map_err(|_| Unknown(amount.to_string()))?)
}

fn ref_id<R: Columns>(row: &R, place: usize) -> Result<Option<RefId>, R::Problem> {
    let text = row.text(place)?;
    Ok(text
        .map(|text| word(text, |text| RefId::new(text).ok()))
        .transpose()?)
}

/// An order of a row that [`add_to`] takes.
fn order<R: Columns>(account: &AccountKey, row: &R) -> Result<Order, R::Problem> {
    Ok(Order {
        account: account.clone(),
        number: order_number(row, 0)?,
        amount: amount(row, 1)?,
        terms: row.text(20)?.map(str::to_owned),
        created_at: at(some_number(row, 2)?),
        withdrawn_at: instant(row, 3)?,
        attempts: Vec::new(),
    })
}

/// Adds a row to the orders that were read: a row for each attempt, an order's after
/// each other, and one for an order that has none.
pub(crate) fn add_to<R: Columns>(
    orders: &mut Vec<Order>,
    account: &AccountKey,
    row: &R,
) -> Result<(), R::Problem> {
    let next = order(account, row)?;
    let attempt = attempt(row)?;
    match orders.last_mut() {
        Some(order) if order.number == next.number => order.attempts.extend(attempt),
        _ => orders.push(Order {
            attempts: attempt.into_iter().collect(),
            ..next
        }),
    }
    Ok(())
}

fn attempt<R: Columns>(row: &R) -> Result<Option<Attempt>, R::Problem> {
    let Some(number) = row.number(4)? else {
        return Ok(None);
    };
    let alarms = row.text(18)?.unwrap_or_default().split(',');
    let alarms = alarms
        .filter(|alarm| !alarm.is_empty())
        .map(|alarm| word(alarm, |it| it.parse().ok()));
    Ok(Some(Attempt {
        number: count(number)?,
        // A code is not for logs.
        code: (some_text(row, 5)?.parse()).map_err(|_| Unknown("a code".to_owned()))?,
        state: word(some_text(row, 6)?, |state| state.parse().ok())?,
        slot: row.number(7)?.unwrap_or(0) != 0,
        order_id: row
            .text(8)?
            .map(|id| word(id, |id| OrderId::new(id).ok()))
            .transpose()?,
        redirect_url: row.text(9)?.map(str::to_owned),
        mobile_end: some_text(row, 10)?.to_owned(),
        created_at: at(some_number(row, 11)?),
        paid_at: instant(row, 12)?,
        seen_at: instant(row, 13)?,
        seen: row.text(14)?.map(Seen::stored),
        asked_at: instant(row, 15)?,
        next_ask: instant(row, 16)?,
        ref_id: ref_id(row, 17)?,
        alarms: alarms.collect::<Result<_, _>>()?,
        version: count(some_number(row, 19)?)?,
    }))
}

/// Which attempt of which order.
pub(crate) fn which<R: Columns>(row: &R) -> Result<(OrderNumber, u32), R::Problem> {
    Ok((order_number(row, 0)?, count(some_number(row, 1)?)?))
}

pub(crate) fn fulfilment<R: Columns>(row: &R) -> Result<Fulfilment, R::Problem> {
    let (number, attempt) = which(row)?;
    Ok(Fulfilment {
        number,
        attempt,
        amount: amount(row, 2)?,
        ref_id: ref_id(row, 3)?,
        paid_at: at(some_number(row, 4)?),
    })
}

pub(crate) fn entry<R: Columns>(row: &R) -> Result<Entry, R::Problem> {
    Ok(Entry {
        at: at(some_number(row, 0)?),
        attempt: row.number(1)?.map(count).transpose()?,
        state: row
            .text(2)?
            .map(|state| word(state, |state| state.parse().ok()))
            .transpose()?,
        text: some_text(row, 3)?.to_owned(),
    })
}

pub(crate) fn backlog<R: Columns>(row: &R) -> Result<Backlog, R::Problem> {
    let counted = |place| Ok::<_, R::Problem>(count(some_number(row, place)?)?);
    Ok(Backlog {
        due: counted(0)?,
        near_deadline: counted(1)?,
        undetermined: counted(2)?,
        quarantined: counted(3)?,
        unfulfilled: counted(4)?,
    })
}

pub(crate) fn account<R: Columns>(row: &R) -> Result<AccountKey, R::Problem> {
    Ok(AccountKey::stored(some_text(row, 0)?))
}

pub(crate) fn notice<R: Columns>(row: &R) -> Result<Notice, R::Problem> {
    let (number, attempt) = which(row)?;
    Ok(Notice {
        number,
        attempt,
        id: word(some_text(row, 2)?, |id| NoticeId::stored(id).ok())?,
        kind: word(some_text(row, 3)?, |kind| kind.parse().ok())?,
        at: at(some_number(row, 4)?),
        tries: count(some_number(row, 5)?)?,
    })
}

/// The count of a row that has nothing else.
pub(crate) fn counted<R: Columns>(row: &R) -> Result<u64, R::Problem> {
    Ok(count(some_number(row, 0)?)?)
}
