//! Tests that every store has to pass. Run them on your own:
//!
//! ```
//! # use jibit_checkout::{MemoryStore, suite};
//! # async fn run() -> Result<(), suite::Failure> {
//! let store = MemoryStore::new();
//! suite::run(&store).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Each case works on an account of its own that no run has used before, so a store
//! may hold other rows, and the suite may run on it again.

use std::{collections::BTreeSet, error::Error, fmt, time::Duration};

use futures_util::future::join_all;
use jibit_proto::{OrderId, OrderStatus, RefId, Rial, Timestamp};

use crate::{
    order::{AccountKey, Alarm, Attempt, Code, Order, OrderNumber, Reason, Seen, State},
    rules::Change,
    store::{Applied, Filter, NewOrder, Store},
};

/// The rule that a store breaks, and how.
#[derive(Debug)]
pub struct Failure {
    case: &'static str,
    problem: Problem,
}

type Problem = Box<dyn Error + Send + Sync>;
type Checked = Result<(), Problem>;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.case, self.problem)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.problem.source()
    }
}

macro_rules! cases {
    ($($case:ident: $rule:literal;)*) => {
        /// The rules, by name, that [`run`] tests.
        pub const CASES: &[(&str, &str)] = &[$((stringify!($case), $rule),)*];

        /// Tests a store by every case.
        ///
        /// # Errors
        ///
        /// The first rule that it breaks.
        pub async fn run(store: &dyn Store) -> Result<(), Failure> {
            $(
                let case = stringify!($case);
                let shop = Shop::new(store, case).map_err(|problem| Failure { case, problem })?;
                $case(&shop).await.map_err(|problem| Failure { case, problem })?;
            )*
            Ok(())
        }
    };
}

cases! {
    opened_once: "an order is stored once, as it was first";
    read_as_written: "what was written is read the same";
    begun_once: "an attempt is begun once, unless the order is withdrawn or its slot taken";
    found_by_code: "an attempt is found by its code";
    stale_changes_nothing: "a change that was decided for another version changes nothing";
    one_slot: "an order has one slot";
    withdrawn_takes_no_slot: "nothing takes the slot of a withdrawn order, and nothing withdraws a taken one";
    one_order_id: "no two attempts of an account have one orderId";
    ref_id_is_no_key: "a refId on two orders is told, and hinders nothing";
    paid_is_in_the_outbox: "a paid order is in the outbox, once, and with its change";
    fulfilled_once: "a fulfilment is held, handed out again, and marked once";
    claimed_by_urgency: "due attempts are claimed by urgency, and are nobody else's until then";
    claims_change_no_version: "a change that was decided before a claim is made all the same";
    accounts_are_apart: "an account sees its own rows alone";
    listed: "orders are listed, the latest first, by filter and page";
    counted: "what waits is counted";
    raced: "of many that decide at once, one is heard";
}

macro_rules! ensure {
    ($holds:expr, $($what:tt)+) => {
        if !$holds {
            return Err(format!($($what)+).into());
        }
    };
}

/// An account of its own in a store.
struct Shop<'a> {
    store: &'a dyn Store,
    account: AccountKey,
    /// For codes, which are unique in a store.
    seed: u128,
}

/// When the cases begin. They have no clock.
const BEGIN: Timestamp = Timestamp::from_unix_millis(1_800_000_000_000);

fn after(seconds: u64) -> Timestamp {
    BEGIN + Duration::from_secs(seconds)
}

fn number(text: &str) -> Result<OrderNumber, Problem> {
    Ok(OrderNumber::new(text)?)
}

impl<'a> Shop<'a> {
    fn new(store: &'a dyn Store, case: &str) -> Result<Self, Problem> {
        let mut seed = [0; 16];
        getrandom::fill(&mut seed).map_err(|error| error.to_string())?;
        let seed = u128::from_le_bytes(seed);
        Ok(Self {
            store,
            account: AccountKey::stored(format!("{case}-{seed:032x}@https://suite.example")),
            seed,
        })
    }

    /// The same store, with another account.
    fn neighbour(&self) -> Self {
        Self {
            store: self.store,
            account: AccountKey::stored(format!("neighbour-of-{}", self.account)),
            seed: self.seed.wrapping_add(1 << 64),
        }
    }

    fn new_order(&self, name: &str, created: u64) -> Result<NewOrder, Problem> {
        Ok(NewOrder {
            account: self.account.clone(),
            number: number(name)?,
            amount: Rial::new(125_000)?,
            terms: None,
            created_at: after(created),
        })
    }

    async fn open(&self, name: &str) -> Result<Order, Problem> {
        Ok(self.store.open(&self.new_order(name, 0)?).await?)
    }

    async fn order(&self, name: &str) -> Result<Order, Problem> {
        let order = self.store.order(&self.account, &number(name)?).await?;
        order.ok_or_else(|| format!("{name} is not there").into())
    }

    async fn attempt(&self, name: &str, attempt: u32) -> Result<Attempt, Problem> {
        let order = self.order(name).await?;
        let found = order.attempt(attempt).cloned();
        found.ok_or_else(|| format!("attempt {attempt} of {name} is not there").into())
    }

    /// An attempt that was just made. Its code is unique by `code`.
    fn fresh(&self, attempt: u32, code: u32) -> Attempt {
        Attempt {
            number: attempt,
            code: Code::new(self.seed.wrapping_add(u128::from(code))),
            state: State::Initiating,
            slot: false,
            order_id: None,
            redirect_url: None,
            mobile_end: "4567".to_owned(),
            created_at: BEGIN,
            paid_at: None,
            seen_at: None,
            seen: None,
            asked_at: None,
            next_ask: Some(after(300)),
            ref_id: None,
            alarms: BTreeSet::new(),
            version: 0,
        }
    }

    /// An order with attempts 1 to `attempts`, whose codes begin at `code`.
    async fn begun(&self, name: &str, attempts: u32, code: u32) -> Checked {
        let order = self.open(name).await?;
        for attempt in 1..=attempts {
            let fresh = self.fresh(attempt, code + attempt);
            let begun = self
                .store
                .begin(&self.account, &order.number, &fresh)
                .await?;
            ensure!(begun, "attempt {attempt} of a new order is not begun");
        }
        Ok(())
    }

    /// A change to an attempt as it is stored now.
    async fn change(
        &self,
        name: &str,
        attempt: u32,
        change: impl FnOnce(&mut Attempt),
    ) -> Result<Change, Problem> {
        let mut to = self.attempt(name, attempt).await?;
        let from = to.version;
        change(&mut to);
        to.version = from + 1;
        Ok(Change {
            account: self.account.clone(),
            order: number(name)?,
            from,
            to,
            takes_slot: false,
            fulfils: false,
            ends: false,
            note: None,
            alarms: Vec::new(),
            at: after(1),
        })
    }

    async fn take_slot(&self, name: &str, attempt: u32) -> Result<Applied, Problem> {
        let mut change = self
            .change(name, attempt, |to| {
                to.state = State::VerifyIntent;
                to.slot = true;
            })
            .await?;
        change.takes_slot = true;
        Ok(self.store.apply(&change).await?)
    }

    /// Captures an attempt that may take the slot.
    async fn pay(&self, name: &str, attempt: u32, ref_id: &str) -> Result<Applied, Problem> {
        let taken = self.take_slot(name, attempt).await?;
        ensure!(is_done(taken), "the slot is not taken: {taken:?}");
        let ref_id = RefId::new(ref_id)?;
        let mut change = self
            .change(name, attempt, |to| {
                to.state = State::Paid;
                to.next_ask = None;
                to.ref_id = Some(ref_id);
            })
            .await?;
        change.fulfils = true;
        Ok(self.store.apply(&change).await?)
    }

    async fn outbox(&self, now: u64, until: u64) -> Result<Vec<String>, Problem> {
        let (now, until) = (after(now), after(until));
        let taken = self
            .store
            .take_fulfilments(&self.account, now, until, 10)
            .await?;
        Ok(taken.iter().map(|taken| taken.number.to_string()).collect())
    }

    async fn claim(&self, now: u64, until: u64, limit: usize) -> Result<Vec<String>, Problem> {
        let (now, until) = (after(now), after(until));
        let due = self.store.claim(&self.account, now, until, limit).await?;
        let names = due
            .iter()
            .map(|(order, attempt)| format!("{order}-{attempt}"));
        Ok(names.collect())
    }
}

const fn is_done(applied: Applied) -> bool {
    matches!(applied, Applied::Done { .. })
}

async fn opened_once(shop: &Shop<'_>) -> Checked {
    let first = shop.open("a").await?;
    ensure!(first.attempts.is_empty(), "a new order has attempts");
    ensure!(first.withdrawn_at.is_none(), "a new order is withdrawn");
    let mut again = shop.new_order("a", 60)?;
    again.amount = Rial::new(1)?;
    again.terms = Some("other".to_owned());
    let second = shop.store.open(&again).await?;
    ensure!(second == first, "the second time it is {second:?}");
    let timeline = shop.store.timeline(&shop.account, &first.number).await?;
    ensure!(timeline.len() == 1, "its timeline is {timeline:?}");
    let none = shop.store.order(&shop.account, &number("b")?).await?;
    ensure!(none.is_none(), "an order that was never opened is there");
    let mut with_terms = shop.new_order("c", 0)?;
    with_terms.terms = Some("a red one".to_owned());
    let opened = shop.store.open(&with_terms).await?;
    ensure!(opened.terms == with_terms.terms, "its terms are {opened:?}");
    let read = shop.order("c").await?;
    ensure!(read == opened, "it is read as {read:?}");
    let all = Filter::default();
    let all = shop.store.orders(&shop.account, &all, 10).await?;
    ensure!(all.contains(&opened), "it is not listed as it was opened");
    Ok(())
}

async fn read_as_written(shop: &Shop<'_>) -> Checked {
    shop.begun("a", 1, 0).await?;
    let fresh = shop.attempt("a", 1).await?;
    ensure!(fresh == shop.fresh(1, 1), "a new attempt is {fresh:?}");
    for state in State::ALL {
        let mut change = shop
            .change("a", 1, |to| {
                to.state = state;
                to.slot = true;
                to.order_id = OrderId::new("۷wv/kg'rn\"0").ok();
                to.redirect_url = Some("https://gateway.example/?a=b&c=%20#d".to_owned());
                to.created_at = after(9);
                to.paid_at = Some(after(10));
                to.seen_at = Some(after(11));
                to.seen = Some(Seen::Status(OrderStatus::from_wire("وضعیت نو")));
                to.asked_at = Some(after(12));
                to.next_ask = Some(after(13));
                to.ref_id = RefId::new("ref 1").ok();
                to.alarms = Alarm::ALL.into();
            })
            .await?;
        // When it was made does not change.
        change.to.created_at = fresh.created_at;
        change.note = Some(format!("یادداشت {state}"));
        let applied = shop.store.apply(&change).await?;
        ensure!(is_done(applied), "a change to {state} comes to {applied:?}");
        let read = shop.attempt("a", 1).await?;
        ensure!(read == change.to, "{:?} is read as {read:?}", change.to);
        let timeline = shop.store.timeline(&shop.account, &change.order).await?;
        let last = timeline.last().ok_or("the timeline is empty")?;
        ensure!(
            (last.at, last.attempt, last.state) == (change.at, Some(1), Some(state))
                && Some(&last.text) == change.note.as_ref(),
            "the timeline says {last:?}"
        );
    }
    // And nothing where there is nothing.
    let change = shop
        .change("a", 1, |to| {
            *to = Attempt {
                created_at: to.created_at,
                code: to.code,
                version: to.version,
                next_ask: None,
                seen: Some(Seen::NoSuchOrder),
                ..fresh.clone()
            };
        })
        .await?;
    shop.store.apply(&change).await?;
    let read = shop.attempt("a", 1).await?;
    ensure!(read == change.to, "{:?} is read as {read:?}", change.to);
    Ok(())
}

async fn begun_once(shop: &Shop<'_>) -> Checked {
    let (store, account) = (shop.store, &shop.account);
    let ghost = store
        .begin(account, &number("a")?, &shop.fresh(1, 1))
        .await?;
    ensure!(!ghost, "an order that is not there has an attempt");
    shop.begun("a", 1, 1).await?;
    let order = number("a")?;
    let again = store.begin(account, &order, &shop.fresh(1, 3)).await?;
    ensure!(!again, "attempt 1 is begun twice");
    shop.take_slot("a", 1).await?;
    let slot = store.begin(account, &order, &shop.fresh(2, 4)).await?;
    ensure!(!slot, "an attempt is begun while another holds the slot");
    shop.begun("b", 1, 10).await?;
    let order = number("b")?;
    store.withdraw(account, &order, after(5)).await?;
    let late = store.begin(account, &order, &shop.fresh(2, 12)).await?;
    ensure!(!late, "an attempt of a withdrawn order is begun");
    let attempts = shop.order("b").await?.attempts.len();
    ensure!(attempts == 1, "it has {attempts} attempts");
    Ok(())
}

async fn found_by_code(shop: &Shop<'_>) -> Checked {
    shop.begun("a", 2, 0).await?;
    let find = async |code| shop.store.by_code(&shop.account, code).await;
    let found = find(shop.fresh(2, 2).code).await?;
    ensure!(found == Some((number("a")?, 2)), "it is {found:?}");
    let none = find(shop.fresh(2, 77).code).await?;
    ensure!(none.is_none(), "a strange code leads to {none:?}");
    Ok(())
}

async fn stale_changes_nothing(shop: &Shop<'_>) -> Checked {
    shop.begun("a", 1, 0).await?;
    let open = |to: &mut Attempt| to.state = State::Open;
    let mut late = shop
        .change("a", 1, |to| to.state = State::Abandoned)
        .await?;
    late.note = Some("late".to_owned());
    late.fulfils = true;
    let first = shop.change("a", 1, open).await?;
    shop.store.apply(&first).await?;
    let applied = shop.store.apply(&late).await?;
    ensure!(applied == Applied::Stale, "a late change is {applied:?}");
    let again = shop.store.apply(&first).await?;
    ensure!(again == Applied::Stale, "a change made twice is {again:?}");
    let read = shop.attempt("a", 1).await?;
    ensure!(read == first.to, "it changed all the same: {read:?}");
    let timeline = shop.store.timeline(&shop.account, &late.order).await?;
    ensure!(timeline.len() == 2, "its line is there: {timeline:?}");
    let outbox = shop.outbox(1, 2).await?;
    ensure!(outbox.is_empty(), "its fulfilment is there: {outbox:?}");
    Ok(())
}

async fn one_slot(shop: &Shop<'_>) -> Checked {
    shop.begun("a", 2, 0).await?;
    let first = shop.take_slot("a", 1).await?;
    ensure!(is_done(first), "a free slot is not taken: {first:?}");
    let before = shop.attempt("a", 2).await?;
    let second = shop.take_slot("a", 2).await?;
    ensure!(
        second == Applied::Stale,
        "a second one takes it: {second:?}"
    );
    // A quarantined capture holds it, too, without asking for it by name.
    let quarantine = shop
        .change("a", 2, |to| {
            to.state = State::Quarantined(Reason::StrangersCapture);
            to.slot = true;
        })
        .await?;
    let second = shop.store.apply(&quarantine).await?;
    ensure!(second == Applied::Stale, "two attempts hold it: {second:?}");
    ensure!(shop.attempt("a", 2).await? == before, "something changed");
    let freed = shop.change("a", 1, |to| {
        to.state = State::Lapsed;
        to.slot = false;
    });
    shop.store.apply(&freed.await?).await?;
    let second = shop.take_slot("a", 2).await?;
    ensure!(is_done(second), "a slot that is free again is not taken");
    Ok(())
}

async fn withdrawn_takes_no_slot(shop: &Shop<'_>) -> Checked {
    let withdraw = async |name: &str, at| -> Result<Order, Problem> {
        let order = number(name)?;
        let order = shop
            .store
            .withdraw(&shop.account, &order, after(at))
            .await?;
        order.ok_or_else(|| "an order that is there is not".into())
    };
    shop.begun("a", 1, 0).await?;
    let order = withdraw("a", 5).await?;
    ensure!(
        order.withdrawn_at == Some(after(5)),
        "it is not withdrawn: {order:?}"
    );
    let order = withdraw("a", 6).await?;
    ensure!(
        order.withdrawn_at == Some(after(5)),
        "it is withdrawn twice: {order:?}"
    );
    let timeline = shop.store.timeline(&shop.account, &order.number).await?;
    ensure!(timeline.len() == 3, "its timeline is {timeline:?}");
    let taken = shop.take_slot("a", 1).await?;
    ensure!(
        taken == Applied::Stale,
        "the slot of a withdrawn order is taken: {taken:?}"
    );
    let note = shop.change("a", 1, |to| to.state = State::Lapsed).await?;
    let changed = shop.store.apply(&note).await?;
    ensure!(
        is_done(changed),
        "an attempt of a withdrawn order cannot end: {changed:?}"
    );
    shop.begun("b", 1, 10).await?;
    shop.take_slot("b", 1).await?;
    let order = withdraw("b", 5).await?;
    ensure!(
        order.withdrawn_at.is_none(),
        "a taken order is withdrawn: {order:?}"
    );
    ensure!(
        order.slot_holder().is_some(),
        "who holds the slot is not told: {order:?}"
    );
    let none = shop
        .store
        .withdraw(&shop.account, &number("c")?, after(5))
        .await?;
    ensure!(none.is_none(), "an order that is not there is {none:?}");
    Ok(())
}

async fn one_order_id(shop: &Shop<'_>) -> Checked {
    let initiated = |to: &mut Attempt| {
        to.state = State::Open;
        to.order_id = OrderId::new("same").ok();
    };
    shop.begun("a", 2, 0).await?;
    shop.begun("b", 1, 10).await?;
    let first = shop.change("a", 1, initiated).await?;
    shop.store.apply(&first).await?;
    for (name, attempt) in [("a", 2), ("b", 1)] {
        let before = shop.attempt(name, attempt).await?;
        let second = shop.change(name, attempt, initiated).await?;
        let second = shop.store.apply(&second).await?;
        ensure!(
            second == Applied::OrderIdTwice,
            "{name}-{attempt} has it, too: {second:?}"
        );
        ensure!(
            shop.attempt(name, attempt).await? == before,
            "{name}-{attempt} changed"
        );
    }
    // Changing the first again is no second one.
    let again = shop.change("a", 1, |to| to.state = State::Dormant).await?;
    ensure!(
        is_done(shop.store.apply(&again).await?),
        "its own orderId hinders it"
    );
    let neighbour = shop.neighbour();
    neighbour.begun("a", 1, 0).await?;
    let other = neighbour.change("a", 1, initiated).await?;
    let other = shop.store.apply(&other).await?;
    ensure!(
        is_done(other),
        "another account's orderId hinders it: {other:?}"
    );
    Ok(())
}

async fn ref_id_is_no_key(shop: &Shop<'_>) -> Checked {
    for (name, code, twice) in [("a", 0, false), ("b", 10, true)] {
        shop.begun(name, 1, code).await?;
        let paid = shop.pay(name, 1, "ref").await?;
        let told = Applied::Done {
            ref_id_twice: twice,
        };
        ensure!(paid == told, "{name} is {paid:?}");
    }
    Ok(())
}

async fn paid_is_in_the_outbox(shop: &Shop<'_>) -> Checked {
    shop.begun("a", 1, 0).await?;
    let paid = shop.pay("a", 1, "ref").await?;
    ensure!(is_done(paid), "it is not paid: {paid:?}");
    let (now, until) = (after(1), after(2));
    let taken = shop
        .store
        .take_fulfilments(&shop.account, now, until, 10)
        .await?;
    let [taken] = taken.as_slice() else {
        return Err(format!("the outbox has {taken:?}").into());
    };
    ensure!(
        taken.number == number("a")?
            && taken.attempt == 1
            && taken.amount.get() == 125_000
            && taken.ref_id.as_ref().map(RefId::as_str) == Some("ref")
            && taken.paid_at == after(1),
        "it is handed out as {taken:?}"
    );
    let mut again = shop.change("a", 1, |_| ()).await?;
    again.fulfils = true;
    let again = shop.store.apply(&again).await?;
    ensure!(again == Applied::Stale, "it is paid twice: {again:?}");
    let outbox = shop.outbox(10, 20).await?;
    ensure!(outbox == ["a"], "the outbox has {outbox:?}");
    Ok(())
}

async fn fulfilled_once(shop: &Shop<'_>) -> Checked {
    for (name, code) in [("a", 0), ("b", 10)] {
        shop.begun(name, 1, code).await?;
        shop.pay(name, 1, name).await?;
    }
    let taken = shop.outbox(10, 20).await?;
    ensure!(taken == ["a", "b"], "they are handed out as {taken:?}");
    let held = shop.outbox(19, 29).await?;
    ensure!(held.is_empty(), "what is held is handed out: {held:?}");
    let mark = async |name: &str, at| -> Result<bool, Problem> {
        let order = number(name)?;
        Ok(shop
            .store
            .fulfilled(&shop.account, &order, after(at))
            .await?)
    };
    ensure!(mark("a", 19).await?, "it cannot be marked");
    ensure!(!mark("a", 19).await?, "it is marked twice");
    ensure!(
        !mark("z", 19).await?,
        "an order that is not there is marked"
    );
    let again = shop.outbox(20, 30).await?;
    ensure!(again == ["b"], "after the lease {again:?} is handed out");
    let first = shop
        .store
        .take_fulfilments(&shop.account, after(40), after(50), 0)
        .await?;
    ensure!(first.is_empty(), "none were wanted, and {first:?} came");
    Ok(())
}

/// Orders whose attempts were made at these seconds, and are due at `due`.
async fn aged(shop: &Shop<'_>, name: &str, code: u32, made: u64, state: State) -> Checked {
    let order = shop.open(name).await?;
    let mut fresh = shop.fresh(1, code);
    fresh.created_at = after(made);
    shop.store
        .begin(&shop.account, &order.number, &fresh)
        .await?;
    let change = shop.change(name, 1, |to| {
        to.state = state;
        to.slot = state == State::VerifyIntent;
        to.next_ask = Some(after(10_000));
    });
    shop.store.apply(&change.await?).await?;
    Ok(())
}

async fn claimed_by_urgency(shop: &Shop<'_>) -> Checked {
    // At 10,000 s the window reaches back to 8,140 s.
    aged(shop, "old", 1, 100, State::Open).await?;
    aged(shop, "young", 2, 9_000, State::Open).await?;
    aged(shop, "older", 3, 50, State::Open).await?;
    aged(shop, "intent", 4, 5_000, State::VerifyIntent).await?;
    aged(shop, "younger", 5, 9_500, State::Open).await?;
    let early = shop.claim(9_999, 10_100, 10).await?;
    ensure!(early.is_empty(), "before its time {early:?} is claimed");
    let first = shop.claim(10_000, 10_060, 3).await?;
    ensure!(
        first == ["intent-1", "young-1", "younger-1"],
        "first come {first:?}"
    );
    let rest = shop.claim(10_001, 10_061, 10).await?;
    ensure!(rest == ["older-1", "old-1"], "then come {rest:?}");
    let none = shop.claim(10_059, 10_200, 10).await?;
    ensure!(
        none.is_empty(),
        "what is claimed is claimed again: {none:?}"
    );
    let again = shop.claim(10_060, 10_200, 10).await?;
    ensure!(again.len() == 3, "after the lease {again:?} is claimed");
    Ok(())
}

async fn claims_change_no_version(shop: &Shop<'_>) -> Checked {
    aged(shop, "a", 1, 0, State::Open).await?;
    let paid = shop
        .change("a", 1, |to| to.paid_at = Some(after(9)))
        .await?;
    let claimed = shop.claim(10_000, 10_060, 10).await?;
    ensure!(claimed == ["a-1"], "claimed is {claimed:?}");
    let applied = shop.store.apply(&paid).await?;
    ensure!(is_done(applied), "the claim made it {applied:?}");
    let done = shop.change("a", 1, |to| {
        to.state = State::Cancelled;
        to.next_ask = None;
    });
    shop.store.apply(&done.await?).await?;
    let none = shop.claim(20_000, 20_060, 10).await?;
    ensure!(none.is_empty(), "what is over is claimed: {none:?}");
    Ok(())
}

async fn accounts_are_apart(shop: &Shop<'_>) -> Checked {
    let neighbour = shop.neighbour();
    neighbour.begun("a", 1, 0).await?;
    neighbour.pay("a", 1, "ref").await?;
    aged(&neighbour, "b", 20, 0, State::Open).await?;
    let (store, account) = (shop.store, &shop.account);
    let order = number("a")?;
    ensure!(
        store.order(account, &order).await?.is_none(),
        "an order is seen"
    );
    let code = neighbour.fresh(1, 1).code;
    ensure!(
        store.by_code(account, code).await?.is_none(),
        "a code is known"
    );
    ensure!(
        store.withdraw(account, &order, BEGIN).await?.is_none(),
        "an order is withdrawn"
    );
    ensure!(
        !store.fulfilled(account, &order, BEGIN).await?,
        "an order is marked"
    );
    ensure!(
        store.timeline(account, &order).await?.is_empty(),
        "a timeline is seen"
    );
    ensure!(
        shop.claim(90_000, 90_001, 10).await?.is_empty(),
        "an attempt is claimed"
    );
    ensure!(
        shop.outbox(90_000, 90_001).await?.is_empty(),
        "a fulfilment is handed out"
    );
    let listed = store.orders(account, &Filter::default(), 10).await?;
    ensure!(listed.is_empty(), "orders are listed: {listed:?}");
    let backlog = store.backlog(account, after(90_000)).await?;
    ensure!(backlog == Default::default(), "it is counted: {backlog:?}");
    // Both may have an order of one number, and both are told.
    shop.begun("a", 1, 40).await?;
    let accounts = store.accounts().await?;
    for account in [account, &neighbour.account] {
        let told = accounts.iter().filter(|it| *it == account).count();
        ensure!(told == 1, "{account} is told {told} times");
    }
    Ok(())
}

async fn listed(shop: &Shop<'_>) -> Checked {
    for (name, made) in [("a", 10), ("b", 20), ("c", 20), ("d", 30)] {
        shop.store.open(&shop.new_order(name, made)?).await?;
    }
    let list = async |filter: &Filter, limit| -> Result<Vec<String>, Problem> {
        let orders = shop.store.orders(&shop.account, filter, limit).await?;
        Ok(orders
            .iter()
            .map(|order| order.number.to_string())
            .collect())
    };
    let all = list(&Filter::default(), 10).await?;
    ensure!(all == ["d", "c", "b", "a"], "they are {all:?}");
    let page = list(&Filter::default(), 2).await?;
    ensure!(page == ["d", "c"], "the first page is {page:?}");
    let next = Filter {
        before: Some((after(20), number("c")?)),
        ..Filter::default()
    };
    let page = list(&next, 2).await?;
    ensure!(page == ["b", "a"], "the next page is {page:?}");
    for (name, code, state) in [("a", 0, State::Cancelled), ("c", 10, State::Open)] {
        shop.begun(name, 2, code).await?;
        let change = shop.change(name, 2, |to| {
            to.state = state;
            to.alarms.insert(Alarm::Refunded);
            to.alarms.insert(Alarm::NearDeadline);
        });
        shop.store.apply(&change.await?).await?;
    }
    let open = Filter {
        state: Some(State::Open),
        ..Filter::default()
    };
    let open = list(&open, 10).await?;
    ensure!(open == ["c"], "open are {open:?}");
    let refunded = Filter {
        alarm: Some(Alarm::Refunded),
        ..Filter::default()
    };
    let refunded = list(&refunded, 10).await?;
    ensure!(refunded == ["c", "a"], "refunded are {refunded:?}");
    let stuck = Filter {
        alarm: Some(Alarm::Stuck),
        ..Filter::default()
    };
    ensure!(list(&stuck, 10).await?.is_empty(), "some are stuck");
    let order = shop
        .store
        .orders(&shop.account, &Filter::default(), 2)
        .await?;
    let attempts = order.iter().map(|order| order.attempts.len());
    ensure!(attempts.eq([0, 2]), "they are listed without attempts");
    Ok(())
}

async fn counted(shop: &Shop<'_>) -> Checked {
    shop.begun("paid", 1, 0).await?;
    shop.pay("paid", 1, "ref").await?;
    aged(shop, "due", 10, 0, State::Open).await?;
    aged(shop, "intent", 11, 0, State::VerifyIntent).await?;
    for (name, code) in [("near", 12), ("withdrawn", 13)] {
        aged(shop, name, code, 0, State::Open).await?;
        let paid = shop.change(name, 1, |to| {
            to.paid_at = Some(after(0));
            to.next_ask = Some(after(20_000));
        });
        shop.store.apply(&paid.await?).await?;
    }
    let withdrawn = number("withdrawn")?;
    shop.store
        .withdraw(&shop.account, &withdrawn, after(1))
        .await?;
    aged(shop, "strange", 14, 0, State::Open).await?;
    let strange = shop.change("strange", 1, |to| {
        to.state = State::Quarantined(Reason::Mismatch);
        to.next_ask = None;
    });
    shop.store.apply(&strange.await?).await?;
    let backlog = shop.store.backlog(&shop.account, after(10_000)).await?;
    ensure!(
        (backlog.due, backlog.near_deadline, backlog.undetermined) == (2, 1, 1)
            && (backlog.quarantined, backlog.unfulfilled) == (1, 1),
        "it is {backlog:?}"
    );
    let early = shop.store.backlog(&shop.account, after(599)).await?;
    ensure!(
        (early.due, early.near_deadline) == (0, 0),
        "early it is {early:?}"
    );
    Ok(())
}

async fn raced(shop: &Shop<'_>) -> Checked {
    shop.begun("a", 2, 0).await?;
    let mut changes = Vec::new();
    for attempt in [1, 2] {
        let mut change = shop
            .change("a", attempt, |to| {
                to.state = State::VerifyIntent;
                to.slot = true;
            })
            .await?;
        change.takes_slot = true;
        changes.push(change);
    }
    let race = (0..16)
        .flat_map(|_| &changes)
        .map(|change| shop.store.apply(change));
    let mut done = 0;
    for applied in join_all(race).await {
        done += usize::from(is_done(applied?));
    }
    ensure!(done == 1, "{done} of 32 took the one slot");
    for order in 0..20 {
        aged(shop, &format!("o-{order}"), 100 + order, 0, State::Open).await?;
    }
    let (now, until) = (after(10_000), after(20_000));
    let claims = (0..8).map(|_| shop.store.claim(&shop.account, now, until, 5));
    let mut claimed = Vec::new();
    for claim in join_all(claims).await {
        claimed.extend(
            claim?
                .into_iter()
                .filter(|(order, _)| order.as_str() != "a"),
        );
    }
    let all = claimed.len();
    claimed.sort();
    claimed.dedup();
    ensure!(claimed.len() == all, "some were claimed twice");
    // Who lost a race for rows may have come away with less; nothing is lost by it.
    let late = shop.store.claim(&shop.account, now, until, 100).await?;
    let late = late
        .iter()
        .filter(|(order, _)| order.as_str() != "a")
        .count();
    ensure!(all + late == 20, "of 20 {all} were claimed, then {late}");
    let begins = (0..8)
        .map(|n| (n, shop.fresh(1, 200 + n)))
        .collect::<Vec<_>>();
    let order = shop.open("b").await?.number;
    let begins = begins
        .iter()
        .map(|(_, fresh)| shop.store.begin(&shop.account, &order, fresh));
    let mut begun = 0;
    for begin in join_all(begins).await {
        begun += usize::from(begin?);
    }
    ensure!(begun == 1, "an attempt was begun {begun} times");
    Ok(())
}
