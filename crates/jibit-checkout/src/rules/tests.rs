use jibit_proto::{
    Expected, Look, MerchantOrderId, Rial, TransportError,
    flow::{Flow as _, Progress, Reply},
    wire,
};

use std::collections::BTreeSet;

use super::*;
use crate::order::Code;

pub(crate) fn attempt(number: u32, state: State) -> Attempt {
    Attempt {
        number,
        code: Code::new(u128::from(number)),
        state,
        slot: matches!(state, State::VerifyIntent | State::Paid),
        order_id: OrderId::new(format!("id-{number}")).ok(),
        redirect_url: None,
        mobile_end: "4567".to_owned(),
        created_at: Timestamp::from_unix_millis(1_800_000_000_000),
        paid_at: None,
        seen_at: None,
        seen: None,
        asked_at: None,
        next_ask: None,
        ref_id: None,
        alarms: BTreeSet::new(),
        version: 0,
    }
}

/// What a look at attempt 1 finds, in the gateway's words.
fn sighting(id: &OrderId, status: &str) -> Sighting {
    sighting_of(id, status, 125_000)
}

/// The same, of another amount.
fn sighting_of(id: &OrderId, status: &str, amount: u64) -> Sighting {
    let answer = format!(r#"{{"statusV":"{status}","merchantOrderId":"o-1-1","amount":{amount}}}"#);
    let answer = http::Response::new(bytes::Bytes::from(answer));
    let expected = Expected {
        amount: Rial::new(125_000).unwrap(),
        merchant_order_id: MerchantOrderId::new("o-1-1").unwrap(),
    };
    let inquired = wire::inquiry::parse(&answer).unwrap();
    match Look::new(id.clone(), expected).advance(Ok(Reply::Inquired(inquired))) {
        Progress::Done(found) => found.unwrap(),
        _ => panic!("a look is one question"),
    }
}

fn order(attempts: Vec<Attempt>) -> Order {
    Order {
        account: AccountKey::stored("7746@https://gateway.example"),
        number: OrderNumber::new("o-1").unwrap(),
        amount: Rial::new(125_000).unwrap(),
        terms: None,
        created_at: Timestamp::from_unix_millis(1_800_000_000_000),
        withdrawn_at: None,
        attempts,
    }
}

#[test]
fn an_answer_about_another_order_id_says_nothing() {
    let order = order(vec![attempt(1, State::Open)]);
    let now = order.created_at + Duration::from_secs(60);
    let ours = OrderId::new("id-1").unwrap();
    let before = OrderId::new("before-it-was-adopted").unwrap();
    for status in ["PURCHASE_BY_USER", "CANCEL_BY_USER", "INITIAL"] {
        let glimpses = Glimpses::new();
        let found = sighting(&ours, status);
        let event = Event::Looked(&ours, Ok(&found), &glimpses);
        assert!(decide(&order, 1, event, now).change.is_some(), "{status}");
        for event in [
            Event::Looked(&before, Ok(&found), &glimpses),
            Event::Glimpsed(&before, Ok(&found)),
        ] {
            let decision = decide(&order, 1, event, now);
            assert!(decision.change.is_none(), "{status}: {decision:?}");
            assert_eq!(decision.next, Next::Rest, "{status}");
        }
    }
}

#[test]
fn a_clock_that_is_put_back_makes_nothing_recent() {
    let now = Timestamp::from_unix_millis(1_800_000_000_000);
    let later = now + Duration::from_secs(3600);
    let (mut first, mut second) = (attempt(1, State::Open), attempt(2, State::Open));
    second.seen = Some(Seen::Status(OrderStatus::Initial));
    second.seen_at = Some(later);
    first.asked_at = Some(later);
    let order = order(vec![first, second]);
    let ours = OrderId::new("id-1").unwrap();
    let found = sighting(&ours, "PURCHASE_BY_USER");
    let glimpses = Glimpses::new();
    let looked = decide(&order, 1, Event::Looked(&ours, Ok(&found), &glimpses), now);
    assert_eq!(
        looked.next,
        Next::LookAt(2),
        "what was seen may be an hour old"
    );
    let called = decide(&order, 1, Event::Called(Duration::from_secs(60)), now);
    assert_eq!(called.next, Next::Look);
}

const MINUTE: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(1);

/// What an event comes to for the one attempt of an order, so long after its start.
fn after(age: Duration, attempt: Attempt, event: Event<'_>) -> Decision {
    let order = order(vec![attempt]);
    decide(&order, 1, event, order.created_at + age)
}

/// What a look at the one attempt comes to.
fn looked(age: Duration, attempt: Attempt, status: &str, amount: u64) -> Change {
    let ours = OrderId::new("id-1").unwrap();
    let found = sighting_of(&ours, status, amount);
    let glimpses = Glimpses::new();
    let event = Event::Looked(&ours, Ok(&found), &glimpses);
    after(age, attempt, event).change.unwrap()
}

#[test]
fn an_initiate_that_nobody_waits_for_is_given_up_after_five_minutes() {
    let forgotten = |age, state| {
        let decision = after(age, attempt(1, state), Event::Forgotten);
        decision.change.map(|change| change.to.state)
    };
    let limit = 5 * MINUTE;
    assert_eq!(forgotten(limit - TICK, State::Initiating), None);
    assert_eq!(forgotten(limit, State::Initiating), Some(State::Abandoned));
    // Whoever can pay is never given up.
    assert_eq!(forgotten(2 * limit, State::Open), None);
}

#[test]
fn a_callback_asks_about_what_is_open_and_has_an_order_id() {
    let called = |attempt| after(MINUTE, attempt, Event::Called(MINUTE)).next;
    assert_eq!(called(attempt(1, State::Open)), Next::Look);
    assert_eq!(called(attempt(1, State::Dormant)), Next::Look);
    assert_eq!(called(attempt(1, State::Cancelled)), Next::Rest);
    let mut without = attempt(1, State::Initiating);
    without.order_id = None;
    assert_eq!(called(without), Next::Rest);
}

#[test]
fn what_ends_says_so_and_nothing_else_does() {
    let ends = |attempt, status| looked(MINUTE, attempt, status, 125_000).ends;
    assert!(ends(attempt(1, State::Open), "CANCEL_BY_USER"));
    assert!(ends(
        attempt(1, State::VerifyIntent),
        "PURCHASE_CONFIRM_BY_MERCHANT"
    ));
    assert!(!ends(attempt(1, State::Open), "INITIAL"));
    // What has ended does not end anew.
    for (state, event) in [
        (State::Paid, Event::RefIdTwice),
        (State::Quarantined(Reason::Mismatch), Event::Released),
    ] {
        let change = after(MINUTE, attempt(1, state), event).change.unwrap();
        assert!(!change.ends, "{event:?}");
    }
}

#[test]
fn a_payment_is_near_its_deadline_after_ten_minutes_and_no_longer_after_thirty_one() {
    let alarms = |age, paid_at: Option<Duration>, seen_at: Option<Duration>| {
        let mut attempt = attempt(1, State::Open);
        let at = |after| attempt.created_at + after;
        (attempt.paid_at, attempt.seen_at) = (paid_at.map(at), seen_at.map(at));
        let error = Error::from(TransportError::unknown("lost"));
        let ours = OrderId::new("id-1").unwrap();
        let glimpses = Glimpses::new();
        let event = Event::Looked(&ours, Err(&error), &glimpses);
        after(age, attempt, event).change.unwrap().alarms
    };
    let near = [Alarm::NearDeadline];
    // Nobody knows whether it is paid.
    assert_eq!(alarms(10 * MINUTE - TICK, None, None), []);
    assert_eq!(alarms(10 * MINUTE, None, None), near);
    assert_eq!(alarms(20 * MINUTE, None, Some(11 * MINUTE)), []);
    assert_eq!(alarms(31 * MINUTE - TICK, None, None), near);
    assert_eq!(alarms(31 * MINUTE, None, None), []);
    // It is paid and not captured, however old it is.
    let paid = |age| alarms(age, Some(60 * MINUTE), Some(age));
    assert_eq!(paid(70 * MINUTE - TICK), []);
    assert_eq!(paid(70 * MINUTE), near);
}

#[test]
fn a_verify_is_stuck_after_a_day() {
    let alarms = |age, state| {
        let error = Error::from(TransportError::not_sent("refused"));
        let decision = after(age, attempt(1, state), Event::Captured(Err(&error)));
        decision.change.unwrap().alarms
    };
    let day = 24 * 60 * MINUTE;
    assert_eq!(alarms(day - TICK, State::VerifyIntent), []);
    assert_eq!(alarms(day, State::VerifyIntent), [Alarm::Stuck]);
    assert_eq!(alarms(day, State::Open), []);
}

#[test]
fn a_state_that_nobody_knows_is_kept_as_it_came() {
    let to = looked(MINUTE, attempt(1, State::Open), "REFUNDED", 125_000).to;
    assert_eq!(
        to.seen,
        Some(Seen::Status(OrderStatus::from_wire("REFUNDED")))
    );
    assert_eq!(to.state, State::Open);
}

#[test]
fn another_amount_holds_the_slot_if_it_was_captured() {
    for (status, slot) in [
        ("PURCHASE_CONFIRM_BY_MERCHANT", true),
        ("PURCHASE_BY_USER", false),
    ] {
        let to = looked(MINUTE, attempt(1, State::Open), status, 1_000).to;
        assert_eq!(to.state, State::Quarantined(Reason::Mismatch));
        assert_eq!(to.slot, slot, "{status}");
    }
}
