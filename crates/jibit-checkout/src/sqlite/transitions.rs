//! What is done to the rows, in the one writer's transaction: nothing else writes
//! meanwhile, in this process or another, so what it reads is so until it is done.
//!
//! Columns are always named: a later version may add some.

use jibit_proto::{RefId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Params, params};

use super::{error::Problem, rows};
use crate::{
    columns::{self, AttemptColumns, millis, text, whole},
    order::{AccountKey, Attempt, Order, OrderNumber},
    rules::{Change, schedule},
    store::{Applied, Entry, Fulfilment, NewOrder},
};

/// What [`columns::add_to`] reads.
macro_rules! columns {
    () => {
        "o.number, o.amount, o.created_at, o.withdrawn_at, \
         a.attempt, a.code, a.state, a.attempt = o.slot, a.order_id, \
         a.redirect_url, a.mobile_end, a.created_at, a.paid_at, a.seen_at, a.seen, \
         a.asked_at, a.next_ask, a.ref_id, a.alarms, a.version, o.terms"
    };
}

/// The id of the account that `?1` names.
macro_rules! account {
    () => {
        "(SELECT id FROM jibit_accounts WHERE key = ?1)"
    };
}

const ORDER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM jibit_orders o LEFT JOIN jibit_attempts a ON a.of_order = o.id
     WHERE o.account = ",
    account!(),
    " AND o.number = ?2 ORDER BY a.attempt"
);

/// `?2` and `?3`: the last order of the page before; `?4`: how many; `?5`: a state;
/// `?6`: an alarm.
pub(super) const LISTED: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM (
       SELECT id, number, amount, created_at, withdrawn_at, slot, terms FROM jibit_orders
       WHERE account = ",
    account!(),
    "    AND (created_at, number) < (?2, ?3)
         AND (?5 IS NULL OR EXISTS (
           SELECT 1 FROM jibit_attempts a WHERE a.of_order = jibit_orders.id AND a.state = ?5))
         AND (?6 IS NULL OR EXISTS (
           SELECT 1 FROM jibit_attempts a WHERE a.of_order = jibit_orders.id
             AND instr(',' || a.alarms || ',', ',' || ?6 || ',') > 0))
       ORDER BY created_at DESC, number DESC LIMIT ?4
     ) o
     LEFT JOIN jibit_attempts a ON a.of_order = o.id
     ORDER BY o.created_at DESC, o.number DESC, a.attempt"
);

/// `?2`: now; `?3`: who was paid before waits too long.
pub(super) const BACKLOG: &str = concat!(
    "WITH me AS MATERIALIZED (SELECT ",
    account!(),
    " AS id)
     SELECT
       (SELECT count(*) FROM jibit_attempts
        WHERE account = (SELECT id FROM me) AND next_ask <= ?2),
       (SELECT count(*) FROM jibit_attempts a JOIN jibit_orders o ON o.id = a.of_order
        WHERE a.account = (SELECT id FROM me) AND a.paid_at <= ?3
          AND (a.state = 'initiating' OR a.state = 'open' OR a.state = 'dormant'
            OR a.state = 'verify-intent')
          AND o.withdrawn_at IS NULL AND coalesce(o.slot, a.attempt) = a.attempt),
       (SELECT count(*) FROM jibit_attempts
        WHERE account = (SELECT id FROM me) AND state = 'verify-intent'),
       (SELECT count(*) FROM jibit_attempts
        WHERE account = (SELECT id FROM me) AND state LIKE 'quarantined:%'),
       (SELECT count(*) FROM jibit_outbox
        WHERE account = (SELECT id FROM me) AND fulfilled_at IS NULL)"
);

pub(super) fn orders(
    file: &Connection,
    account: &AccountKey,
    sql: &str,
    values: impl Params,
) -> Result<Vec<Order>, Problem> {
    let mut statement = file.prepare_cached(sql)?;
    let mut found = statement.query(values)?;
    let mut orders = Vec::new();
    while let Some(row) = found.next()? {
        columns::add_to(&mut orders, account, row)?;
    }
    Ok(orders)
}

pub(super) fn order(
    file: &Connection,
    account: &AccountKey,
    number: &OrderNumber,
) -> Result<Option<Order>, Problem> {
    Ok(orders(file, account, ORDER, (account.as_str(), number.as_str()))?.pop())
}

/// What an order's transitions go by.
struct Head {
    id: i64,
    withdrawn: bool,
    slot: Option<i64>,
}

fn head(
    file: &Connection,
    account: &AccountKey,
    number: &OrderNumber,
) -> Result<Option<Head>, Problem> {
    let mut head = file.prepare_cached(concat!(
        "SELECT id, withdrawn_at IS NOT NULL, slot FROM jibit_orders WHERE account = ",
        account!(),
        " AND number = ?2"
    ))?;
    let head = head.query_row((account.as_str(), number.as_str()), |row| {
        Ok(Head {
            id: row.get(0)?,
            withdrawn: row.get(1)?,
            slot: row.get(2)?,
        })
    });
    Ok(head.optional()?)
}

pub(super) fn write(file: &Connection, sql: &str, values: impl Params) -> Result<usize, Problem> {
    Ok(file.prepare_cached(sql)?.execute(values)?)
}

fn add_line(file: &Connection, order: i64, entry: &Entry) -> Result<(), Problem> {
    write(
        file,
        "INSERT INTO jibit_timeline (of_order, line, at, attempt, state, text) VALUES (
           ?1, (SELECT coalesce(max(line), 0) + 1 FROM jibit_timeline WHERE of_order = ?1),
           ?2, ?3, ?4, ?5)",
        params![
            order,
            millis(entry.at),
            entry.attempt,
            entry.state.map(|state| state.as_str()),
            text(&entry.text),
        ],
    )?;
    Ok(())
}

/// A line about the order itself.
fn add_word(file: &Connection, order: i64, at: Timestamp, word: &str) -> Result<(), Problem> {
    let entry = Entry {
        at,
        attempt: None,
        state: None,
        text: word.to_owned(),
    };
    add_line(file, order, &entry)
}

pub(super) fn open(file: &Connection, new: &NewOrder) -> Result<Order, Problem> {
    let (account, number) = (new.account.as_str(), new.number.as_str());
    if head(file, &new.account, &new.number)?.is_none() {
        write(
            file,
            "INSERT INTO jibit_accounts (key) VALUES (?1) ON CONFLICT (key) DO NOTHING",
            [account],
        )?;
        write(
            file,
            concat!(
                "INSERT INTO jibit_orders (account, number, amount, created_at, terms) VALUES (",
                account!(),
                ", ?2, ?3, ?4, ?5)"
            ),
            (
                account,
                number,
                whole(new.amount.get()),
                millis(new.created_at),
                new.terms.as_deref().map(text),
            ),
        )?;
        add_word(
            file,
            file.last_insert_rowid(),
            new.created_at,
            Entry::OPENED,
        )?;
    }
    let gone = || Problem::new("an order that was just written is gone");
    order(file, &new.account, &new.number)?.ok_or_else(gone)
}

pub(super) fn begin(
    file: &Connection,
    account: &AccountKey,
    number: &OrderNumber,
    attempt: &Attempt,
) -> Result<bool, Problem> {
    let order = match head(file, account, number)? {
        Some(order) if !order.withdrawn && order.slot.is_none() => order.id,
        _ => return Ok(false),
    };
    let it = AttemptColumns::of(attempt);
    let begun = write(
        file,
        concat!(
            "INSERT INTO jibit_attempts (
               account, of_order, attempt, code, state, order_id, redirect_url, mobile_end,
               created_at, paid_at, seen_at, seen, asked_at, next_ask, ref_id, alarms, version
             ) VALUES (",
            account!(),
            ", ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
             ON CONFLICT (of_order, attempt) DO NOTHING"
        ),
        params![
            account.as_str(),
            order,
            attempt.number,
            attempt.code.to_string(),
            it.state,
            it.order_id,
            attempt.redirect_url,
            text(&attempt.mobile_end),
            millis(attempt.created_at),
            it.paid_at,
            it.seen_at,
            it.seen,
            it.asked_at,
            it.next_ask,
            it.ref_id,
            it.alarms.join(","),
            it.version,
        ],
    )?;
    if begun > 0 {
        add_line(file, order, &Entry::begun(attempt))?;
    }
    Ok(begun > 0)
}

pub(super) fn apply(file: &Connection, change: &Change) -> Result<Applied, Problem> {
    let to = &change.to;
    let number = i64::from(to.number);
    let Some(order) = head(file, &change.account, &change.order)? else {
        return Ok(Applied::Stale);
    };
    if to.slot && order.slot.is_some_and(|holder| holder != number)
        || change.takes_slot && order.withdrawn
        || change.fulfils && is_there(file, IN_OUTBOX, [order.id])?
    {
        return Ok(Applied::Stale);
    }
    match update(file, order.id, change) {
        Ok(0) => return Ok(Applied::Stale),
        Ok(_) => {}
        Err(problem) if problem.duplicate.as_deref() == Some(ORDER_ID) => {
            return Ok(Applied::OrderIdTwice);
        }
        Err(problem) => return Err(problem),
    }
    if to.slot != (order.slot == Some(number)) {
        write(
            file,
            "UPDATE jibit_orders SET slot = ?2 WHERE id = ?1",
            (order.id, to.slot.then_some(number)),
        )?;
    }
    if let Some(line) = Entry::of(change) {
        add_line(file, order.id, &line)?;
    }
    let ref_id = to.ref_id.as_ref().map(RefId::as_str);
    if change.fulfils {
        write(
            file,
            concat!(
                "INSERT INTO jibit_outbox (account, of_order, attempt, ref_id, paid_at) VALUES (",
                account!(),
                ", ?2, ?3, ?4, ?5)"
            ),
            (
                change.account.as_str(),
                order.id,
                number,
                ref_id,
                millis(change.at),
            ),
        )?;
    }
    let twice = (change.account.as_str(), order.id, ref_id);
    let ref_id_twice = ref_id.is_some() && is_there(file, REF_ID_TWICE, twice)?;
    Ok(Applied::Done { ref_id_twice })
}

/// The columns that are unique by the index of orderIds, as SQLite names them.
const ORDER_ID: &str = "jibit_attempts.account, jibit_attempts.order_id";

const IN_OUTBOX: &str = "SELECT EXISTS (SELECT 1 FROM jibit_outbox WHERE of_order = ?1)";

const REF_ID_TWICE: &str = concat!(
    "SELECT EXISTS (SELECT 1 FROM jibit_attempts WHERE account = ",
    account!(),
    " AND of_order <> ?2 AND ref_id = ?3)"
);

fn is_there(file: &Connection, sql: &str, values: impl Params) -> Result<bool, Problem> {
    let mut statement = file.prepare_cached(sql)?;
    Ok(statement.query_row(values, |row| row.get(0))?)
}

/// Writes the attempt as it is to be, if it has the version that this was decided for.
fn update(file: &Connection, order: i64, change: &Change) -> Result<usize, Problem> {
    let it = AttemptColumns::of(&change.to);
    let (attempt, from) = (change.to.number, whole(change.from));
    // By itself, since an index is written whenever its column is named, and this one
    // is another value once in an attempt's life. First, since it may be there already.
    write(
        file,
        "UPDATE jibit_attempts SET order_id = ?4
         WHERE of_order = ?1 AND attempt = ?2 AND version = ?3 AND order_id IS NOT ?4",
        (order, attempt, from, it.order_id),
    )?;
    write(
        file,
        "UPDATE jibit_attempts SET
           version = ?4, state = ?5, redirect_url = ?6, paid_at = ?7, seen_at = ?8,
           seen = ?9, asked_at = ?10, next_ask = ?11, ref_id = ?12, alarms = ?13
         WHERE of_order = ?1 AND attempt = ?2 AND version = ?3",
        params![
            order,
            attempt,
            from,
            it.version,
            it.state,
            change.to.redirect_url,
            it.paid_at,
            it.seen_at,
            it.seen,
            it.asked_at,
            it.next_ask,
            it.ref_id,
            it.alarms.join(","),
        ],
    )
}

pub(super) fn withdraw(
    file: &Connection,
    account: &AccountKey,
    number: &OrderNumber,
    at: Timestamp,
) -> Result<Option<Order>, Problem> {
    let Some(head) = head(file, account, number)? else {
        return Ok(None);
    };
    if head.slot.is_none() && !head.withdrawn {
        let withdraw = "UPDATE jibit_orders SET withdrawn_at = ?2 WHERE id = ?1";
        write(file, withdraw, (head.id, millis(at)))?;
        add_word(file, head.id, at, Entry::WITHDRAWN)?;
    }
    order(file, account, number)
}

/// More than so many due attempts are not sorted.
const FEW: i64 = 1000;

/// Fewer than a thousand due ones are sorted. Thousands would be sorted at each claim,
/// so then they are read by age, in an index: nearly every row that it meets is due,
/// and the first ones are enough. With few due ones that way would walk past all
/// that are not.
pub(super) fn claim(
    file: &Connection,
    account: &AccountKey,
    now: Timestamp,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<(OrderNumber, u32)>, Problem> {
    let window = whole(schedule::WINDOW.as_millis());
    let (now, youngest) = (millis(now), millis(now).saturating_sub(window));
    let mut due = file.prepare_cached(concat!(
        "SELECT count(*) FROM (SELECT 1 FROM jibit_attempts WHERE account = ",
        account!(),
        " AND next_ask <= ?2 LIMIT ?3)"
    ))?;
    let due: i64 = due.query_row((account.as_str(), now, FEW), |row| row.get(0))?;
    // With the id of its order.
    let mut taken: Vec<((OrderNumber, u32), i64)> = Vec::new();
    let mut take = |sql: &str| {
        let room = whole(limit).saturating_sub(whole(taken.len()));
        let values = (account.as_str(), now, youngest, room);
        taken.extend(rows(file, sql, values, |row| {
            Ok((columns::which(row)?, row.get(2)?))
        })?);
        Ok::<_, Problem>(())
    };
    if due < FEW {
        take(DUE)?;
    } else {
        take(DUE_INTENTS)?;
        take(DUE_YOUNG)?;
        take(DUE_OLD)?;
    }
    for ((_, attempt), order) in &taken {
        write(
            file,
            "UPDATE jibit_attempts SET next_ask = ?3 WHERE of_order = ?1 AND attempt = ?2",
            (order, attempt, millis(until)),
        )?;
    }
    Ok(taken.into_iter().map(|(which, _)| which).collect())
}

/// `?2`: now; `?3`: attempts that are younger may be within the gateway's window; `?4`:
/// how many. Each names `?3`, for all of them are given the same values.
macro_rules! due {
    ($index:literal, $which:literal, $first:literal) => {
        concat!(
            "SELECT (SELECT number FROM jibit_orders WHERE id = of_order), attempt, of_order
             FROM jibit_attempts INDEXED BY ",
            $index,
            " WHERE account = ",
            account!(),
            " AND next_ask <= ?2 ",
            $which,
            " AND ?3 IS NOT NULL ORDER BY ",
            $first,
            "created_at, 1, attempt LIMIT ?4"
        )
    };
}

const DUE: &str = due!(
    "jibit_attempts_due",
    "",
    "CASE WHEN state = 'verify-intent' THEN 0 WHEN created_at > ?3 THEN 1 ELSE 2 END, "
);
const DUE_INTENTS: &str = due!("jibit_attempts_intents", "AND state = 'verify-intent'", "");
const DUE_YOUNG: &str = due!(
    "jibit_attempts_due_by_age",
    "AND state <> 'verify-intent' AND created_at > ?3",
    ""
);
const DUE_OLD: &str = due!(
    "jibit_attempts_due_by_age",
    "AND state <> 'verify-intent' AND created_at <= ?3",
    ""
);

pub(super) fn take(
    file: &Connection,
    account: &AccountKey,
    now: Timestamp,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<Fulfilment>, Problem> {
    let open = rows(
        file,
        concat!(
            "SELECT o.number, b.attempt, o.amount, b.ref_id, b.paid_at
             FROM jibit_outbox b JOIN jibit_orders o ON o.id = b.of_order
             WHERE b.account = ",
            account!(),
            " AND b.fulfilled_at IS NULL AND b.held_until <= ?2
             ORDER BY b.paid_at, o.number LIMIT ?3"
        ),
        (account.as_str(), millis(now), whole(limit)),
        |row| columns::fulfilment(row),
    )?;
    for taken in &open {
        write(
            file,
            concat!(
                "UPDATE jibit_outbox SET held_until = ?3 WHERE of_order = (
                   SELECT id FROM jibit_orders WHERE number = ?2 AND account = ",
                account!(),
                ")"
            ),
            (account.as_str(), taken.number.as_str(), millis(until)),
        )?;
    }
    Ok(open)
}

pub(super) fn fulfilled(
    file: &Connection,
    account: &AccountKey,
    number: &OrderNumber,
    at: Timestamp,
) -> Result<bool, Problem> {
    let Some(order) = head(file, account, number)? else {
        return Ok(false);
    };
    let mark = "UPDATE jibit_outbox SET fulfilled_at = ?2
                WHERE of_order = ?1 AND fulfilled_at IS NULL";
    let marked = write(file, mark, (order.id, millis(at)))? > 0;
    if marked {
        add_word(file, order.id, at, Entry::FULFILLED)?;
    }
    Ok(marked)
}
