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
