//! The statements. Each transition is one, so it is one transaction and one round
//! trip, and is never half made.
//!
//! # Why nothing races
//!
//! A statement sees what was committed when it began (READ COMMITTED), so what it
//! reads may be over when it writes. Two things hold all the same: a row that is
//! locked is read as it is then, however late the lock came; and the condition on
//! a row that is updated is held against the row as it is then. So a change first
//! locks its order's row and believes that row's `slot` and `withdrawn_at`, and
//! an attempt is updated on condition of its version. What is not locked is never
//! decided by, but for what a unique index holds, too.
//!
//! Columns are always named: a later version may add some.

use crate::{order::State, store::Filter};

/// The id of the account that `$1` names.
macro_rules! account {
    () => {
        "(SELECT id FROM jibit.accounts WHERE key = $1)"
    };
}

/// What [`columns::add_to`](crate::columns::add_to) reads.
macro_rules! columns {
    () => {
        "o.number, o.amount, o.created_at, o.withdrawn_at, \
         a.attempt, a.code, a.state, a.attempt = o.slot AS slot, a.order_id, \
         a.redirect_url, a.mobile_end, a.created_at, a.paid_at, a.seen_at, a.seen, \
         a.asked_at, a.next_ask, a.ref_id, array_to_string(a.alarms, ','), a.version, o.terms"
    };
}

pub(super) const ACCOUNT: &str =
    "INSERT INTO jibit.accounts (key) VALUES ($1) ON CONFLICT (key) DO NOTHING";

/// Nothing happens if the account is not there yet. The inner condition spares an
/// order that is there a write.
pub(super) const OPEN: &str = concat!(
    "WITH me AS (
       SELECT id FROM jibit.accounts WHERE key = $1
     ), opened AS (
       INSERT INTO jibit.orders (account, number, amount, created_at, terms)
       SELECT me.id, $2, $3, $4, $6 FROM me
       WHERE NOT EXISTS (SELECT FROM jibit.orders WHERE account = ",
    account!(),
    " AND number = $2)
       ON CONFLICT (account, number) DO NOTHING
       RETURNING account, number, created_at
     )
     INSERT INTO jibit.timeline (account, number, at, text)
     SELECT account, number, created_at, $5 FROM opened"
);

pub(super) const ORDER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM jibit.orders o
     LEFT JOIN jibit.attempts a ON a.account = o.account AND a.number = o.number
     WHERE o.account = ",
    account!(),
    " AND o.number = $2 ORDER BY a.attempt"
);

pub(super) const BY_CODE: &str = concat!(
    "SELECT number, attempt FROM jibit.attempts WHERE account = ",
    account!(),
    " AND code = $2"
);

pub(super) const BEGIN: &str = concat!(
    "WITH o AS MATERIALIZED (
       SELECT account, number FROM jibit.orders WHERE account = ",
    account!(),
    "  AND number = $2 AND withdrawn_at IS NULL AND slot IS NULL
       FOR NO KEY UPDATE
     ), begun AS (
       INSERT INTO jibit.attempts (
         account, number, attempt, code, state, order_id, redirect_url, mobile_end,
         created_at, paid_at, seen_at, seen, asked_at, next_ask, ref_id, alarms, version
       )
       SELECT account, number, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
         $16, $17 FROM o
       ON CONFLICT (account, number, attempt) DO NOTHING
       RETURNING account, number, attempt, state, created_at
     )
     INSERT INTO jibit.timeline (account, number, at, attempt, state, text)
     SELECT account, number, created_at, attempt, state, $18 FROM begun
     RETURNING attempt"
);

/// Changes to attempts, a row of the arrays each: of one account, and no order twice.
/// Says of each whose order's row was to be had whether it was made. `from_version`: the
/// version it was decided for; `slot`: whether it has the slot after it; `takes`: whether
/// it takes it; `fulfils`: whether the order goes into the outbox.
macro_rules! apply {
    ($locked:literal) => {
        concat!(
            "WITH me AS MATERIALIZED (
               SELECT ",
            account!(),
            "    AS account
             ), c AS MATERIALIZED (
               SELECT * FROM me CROSS JOIN unnest(
                 $2::text[], $3::integer[], $4::bigint[], $5::bigint[], $6::boolean[],
                 $7::boolean[], $8::boolean[], $9::text[], $10::text[], $11::text[],
                 $12::bigint[], $13::bigint[], $14::text[], $15::bigint[], $16::bigint[],
                 $17::text[], $18::text[], $19::bigint[], $20::text[]
               ) WITH ORDINALITY AS c (
                 number, attempt, version, from_version, slot,
                 takes, fulfils, state, order_id, redirect_url,
                 paid_at, seen_at, seen, asked_at, next_ask,
                 ref_id, alarms, at, note, place
               )
             ), o AS MATERIALIZED (
               SELECT c.*, o.amount, o.slot AS held_by, o.withdrawn_at
               FROM c JOIN jibit.orders o ON o.account = c.account AND o.number = c.number
               FOR NO KEY UPDATE OF o",
            $locked,
            "), changed AS (
               UPDATE jibit.attempts a SET
                 version = o.version, state = o.state, order_id = o.order_id,
                 redirect_url = o.redirect_url, paid_at = o.paid_at, seen_at = o.seen_at,
                 seen = o.seen, asked_at = o.asked_at, next_ask = o.next_ask,
                 ref_id = o.ref_id, alarms = string_to_array(o.alarms, ',')
               FROM o
               WHERE a.account = o.account AND a.number = o.number
                 AND a.attempt = o.attempt AND a.version = o.from_version
                 AND (NOT o.slot OR coalesce(o.held_by, o.attempt) = o.attempt)
                 AND (NOT o.takes OR o.withdrawn_at IS NULL)
               RETURNING o.*
             ), held AS (
               UPDATE jibit.orders it SET slot = CASE WHEN c.slot THEN c.attempt END
               FROM changed c
               WHERE it.account = c.account AND it.number = c.number
                 AND (c.held_by IS NOT DISTINCT FROM c.attempt) <> c.slot
             ), line AS (
               INSERT INTO jibit.timeline (account, number, at, attempt, state, text)
               SELECT account, number, at, attempt, state, note FROM changed
               WHERE note IS NOT NULL
             ), paid AS (
               INSERT INTO jibit.outbox (account, number, attempt, amount, ref_id, paid_at)
               SELECT account, number, attempt, amount, ref_id, at FROM changed WHERE fulfils
             )
             SELECT place, true FROM changed UNION ALL SELECT place, false FROM o"
        )
    };
}

/// Waits for whoever has an order's row.
pub(super) const APPLY: &str = apply!("");

/// Leaves out an order whose row somebody else has, so that none of many waits for it.
pub(super) const APPLY_TOGETHER: &str = apply!(" SKIP LOCKED");

/// Sent right after changes with refIds, so that of two changes that are made at
/// once the later one sees the other.
pub(super) const REF_ID_TWICE: &str = concat!(
    "SELECT c.place FROM unnest($2::text[], $3::text[]) WITH ORDINALITY
       AS c (number, ref_id, place)
     WHERE EXISTS (SELECT FROM jibit.attempts a WHERE a.account = ",
    account!(),
    "  AND a.number <> c.number AND a.ref_id = c.ref_id)"
);

pub(super) const WITHDRAW: &str = concat!(
    "WITH withdrawn AS (
       UPDATE jibit.orders SET withdrawn_at = $3 WHERE account = ",
    account!(),
    "  AND number = $2 AND slot IS NULL AND withdrawn_at IS NULL
       RETURNING account, number
     )
     INSERT INTO jibit.timeline (account, number, at, text)
     SELECT account, number, $3, $4 FROM withdrawn"
);

/// `$2`: now; `$3`: until when they are taken; `$4`: how many; `$5`: attempts that
/// are younger may be within the gateway's window.
///
/// Two ways, for few and for many. Fewer than a thousand due ones are sorted.
/// Thousands would be sorted at each claim, so then they are read by age, in an
/// index: nearly every row that it meets is due, and the first ones are enough.
/// With few due ones that way would walk past all that are not.
pub(super) const CLAIM: &str = concat!(
    "WITH me AS MATERIALIZED (
       SELECT ",
    account!(),
    " AS id
     ), due AS MATERIALIZED (
       SELECT number, attempt FROM jibit.attempts
       WHERE account = (SELECT id FROM me) AND next_ask <= $2
       ORDER BY next_ask LIMIT 1000
     ), few AS MATERIALIZED (
       SELECT count(*) < 1000 AS are_few FROM due
     ), sorted AS MATERIALIZED (
       SELECT a.number, a.attempt, a.created_at,
         CASE WHEN a.state = 'verify-intent' THEN 0 WHEN a.created_at > $5 THEN 1 ELSE 2 END
         AS class
       FROM due JOIN jibit.attempts a ON a.account = (SELECT id FROM me)
         AND a.number = due.number AND a.attempt = due.attempt
       WHERE (SELECT are_few FROM few) AND a.next_ask <= $2
       ORDER BY class, a.created_at, a.number, a.attempt
       LIMIT $4
       FOR NO KEY UPDATE OF a SKIP LOCKED
     ), intents AS MATERIALIZED (
       SELECT number, attempt, created_at FROM jibit.attempts
       WHERE NOT (SELECT are_few FROM few)
         AND account = (SELECT id FROM me) AND next_ask <= $2 AND state = 'verify-intent'
       ORDER BY created_at LIMIT $4
       FOR NO KEY UPDATE SKIP LOCKED
     ), young AS MATERIALIZED (
       SELECT number, attempt, created_at FROM jibit.attempts
       WHERE NOT (SELECT are_few FROM few)
         AND account = (SELECT id FROM me) AND next_ask <= $2 AND state <> 'verify-intent'
         AND created_at > $5
       ORDER BY created_at LIMIT $4 - (SELECT count(*) FROM intents)
       FOR NO KEY UPDATE SKIP LOCKED
     ), old AS MATERIALIZED (
       SELECT number, attempt, created_at FROM jibit.attempts
       WHERE NOT (SELECT are_few FROM few)
         AND account = (SELECT id FROM me) AND next_ask <= $2 AND state <> 'verify-intent'
         AND created_at <= $5
       ORDER BY created_at
       LIMIT $4 - (SELECT count(*) FROM intents) - (SELECT count(*) FROM young)
       FOR NO KEY UPDATE SKIP LOCKED
     ), picked AS MATERIALIZED (
       SELECT class, number, attempt, created_at FROM sorted
       UNION ALL SELECT 0, number, attempt, created_at FROM intents
       UNION ALL SELECT 1, number, attempt, created_at FROM young
       UNION ALL SELECT 2, number, attempt, created_at FROM old
     ), taken AS (
       UPDATE jibit.attempts a SET next_ask = $3 FROM picked p
       WHERE a.account = (SELECT id FROM me)
         AND a.number = p.number AND a.attempt = p.attempt
     )
     SELECT number, attempt FROM picked ORDER BY class, created_at, number, attempt"
);

pub(super) const TAKE: &str = concat!(
    "WITH picked AS MATERIALIZED (
       SELECT account, number FROM jibit.outbox WHERE account = ",
    account!(),
    "  AND fulfilled_at IS NULL AND held_until <= $2
       ORDER BY paid_at, number LIMIT $4
       FOR NO KEY UPDATE SKIP LOCKED
     ), taken AS (
       UPDATE jibit.outbox b SET held_until = $3 FROM picked p
       WHERE b.account = p.account AND b.number = p.number
       RETURNING b.number, b.attempt, b.amount, b.ref_id, b.paid_at
     )
     SELECT number, attempt, amount, ref_id, paid_at FROM taken ORDER BY paid_at, number"
);

pub(super) const FULFILLED: &str = concat!(
    "WITH marked AS (
       UPDATE jibit.outbox SET fulfilled_at = $3 WHERE account = ",
    account!(),
    "  AND number = $2 AND fulfilled_at IS NULL
       RETURNING account, number
     )
     INSERT INTO jibit.timeline (account, number, at, text)
     SELECT account, number, $3, $4 FROM marked
     RETURNING number"
);

/// `$2` and `$3`: the last order of the page before; `$4`: how many; `$5`: a
/// state; `$6`: an alarm. What they ask for is in the text, for an index to be found
/// by it.
macro_rules! orders {
    ($state:expr, $alarm:expr) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM (
               SELECT account, number, amount, created_at, withdrawn_at, slot, terms
               FROM jibit.orders o
               WHERE account = ",
            account!(),
            "    AND created_at >= 0 AND (created_at, number) < ($2, $3)
                 AND ",
            $state,
            "    AND ",
            $alarm,
            "  ORDER BY created_at DESC, number DESC LIMIT $4
             ) o
             LEFT JOIN jibit.attempts a ON a.account = o.account AND a.number = o.number
             ORDER BY o.created_at DESC, o.number DESC, a.attempt"
        )
    };
}

/// That the order has an attempt of this kind.
macro_rules! has {
    ($kind:literal) => {
        concat!(
            "EXISTS (SELECT FROM jibit.attempts a
               WHERE a.account = o.account AND a.number = o.number AND ",
            $kind,
            ") "
        )
    };
}

/// The statement for this filter.
pub(super) const fn orders(filter: &Filter) -> &'static str {
    macro_rules! by_alarm {
        ($state:expr) => {
            if filter.alarm.is_some() {
                orders!($state, has!("a.alarms <> '{}' AND $6 = ANY (a.alarms)"))
            } else {
                orders!($state, "$6::text IS NULL ")
            }
        };
    }
    match filter.state {
        None => by_alarm!("$5::text IS NULL "),
        Some(State::Quarantined(_)) => {
            by_alarm!(has!("a.state = $5 AND a.state LIKE 'quarantined:%'"))
        }
        Some(State::VerifyIntent) => {
            by_alarm!(has!("a.state = $5 AND a.state = 'verify-intent'"))
        }
        Some(_) => by_alarm!(has!("a.state = $5")),
    }
}

pub(super) const TIMELINE: &str = concat!(
    "SELECT at, attempt, state, text FROM jibit.timeline WHERE account = ",
    account!(),
    " AND number = $2 ORDER BY line"
);

/// `$2`: now; `$3`: who was paid before waits too long.
pub(super) const BACKLOG: &str = concat!(
    "WITH me AS MATERIALIZED (
       SELECT ",
    account!(),
    " AS id
     )
     SELECT
       (SELECT count(*) FROM jibit.attempts
        WHERE account = (SELECT id FROM me) AND next_ask <= $2),
       (SELECT count(*) FROM jibit.attempts a
        JOIN jibit.orders o ON o.account = a.account AND o.number = a.number
        WHERE a.account = (SELECT id FROM me) AND a.paid_at <= $3
          AND a.state IN ('initiating', 'open', 'dormant', 'verify-intent')
          AND o.withdrawn_at IS NULL AND coalesce(o.slot, a.attempt) = a.attempt),
       (SELECT count(*) FROM jibit.attempts
        WHERE account = (SELECT id FROM me) AND state = 'verify-intent'),
       (SELECT count(*) FROM jibit.attempts
        WHERE account = (SELECT id FROM me) AND state LIKE 'quarantined:%'),
       (SELECT count(*) FROM jibit.outbox
        WHERE account = (SELECT id FROM me) AND fulfilled_at IS NULL)"
);

/// With LIMIT it is asked for each account. EXISTS becomes a join, which reads all
/// orders of one account on its way to the next.
pub(super) const ACCOUNTS: &str = "SELECT a.key FROM jibit.accounts a
     WHERE (SELECT true FROM jibit.orders o WHERE o.account = a.id LIMIT 1) ORDER BY a.key";

pub(super) const FOLLOW: &str = concat!(
    "WITH followed AS (
       INSERT INTO jibit.followed (account) VALUES (",
    account!(),
    ") ON CONFLICT DO NOTHING RETURNING account
     )
     INSERT INTO jibit.notices (account, number, attempt, kind, at)
     SELECT b.account, b.number, b.attempt, 'paid', b.paid_at
     FROM followed f JOIN jibit.outbox b ON b.account = f.account AND b.fulfilled_at IS NULL"
);

pub(super) const TAKE_NOTICES: &str = concat!(
    "WITH picked AS MATERIALIZED (
       SELECT id FROM jibit.notices WHERE account = ",
    account!(),
    "  AND held_until <= $2
       ORDER BY held_until, at, id LIMIT $4
       FOR NO KEY UPDATE SKIP LOCKED
     ), taken AS (
       UPDATE jibit.notices n SET held_until = $3, tries = n.tries + 1 FROM picked p
       WHERE n.id = p.id
       RETURNING n.number, n.attempt, n.id, n.kind, n.at, n.tries
     )
     SELECT number, attempt, id::text, kind, at, tries FROM taken ORDER BY at, id"
);

pub(super) const PUT_OFF: &str =
    "UPDATE jibit.notices SET held_until = $2 WHERE id = ($1::text)::uuid";

pub(super) const TOLD: &str =
    "DELETE FROM jibit.notices WHERE id = ($1::text)::uuid RETURNING true";

pub(super) const NOTICES_WAITING: &str = concat!(
    "SELECT count(*) FROM jibit.notices WHERE account = ",
    account!()
);
