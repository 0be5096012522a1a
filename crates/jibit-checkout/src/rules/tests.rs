use jibit_proto::{
    Expected, Look, MerchantOrderId, Rial,
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
    let answer = format!(r#"{{"statusV":"{status}","merchantOrderId":"o-1-1","amount":125000}}"#);
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
