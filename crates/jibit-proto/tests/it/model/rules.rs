//! What must hold of what is sent, answered and ended.

use std::error::Error as _;
use std::time::Duration;

use jibit_proto::session::{Answer, CallId, Outgoing};
use jibit_proto::wire::Operation;
use jibit_proto::{Certainty, Sighting, Timestamp, Verdict};
use serde_json::Value;

use super::calls::{Outcome, UnderWay};
use super::gateway::{Order, bearer, is_renewal};
use super::ops::{Fate, Kind};
use super::{ATTEMPT, CANCELLED, CONFIRMED, GRACE, Newest, ORIGIN, PAID, World};

/// The most requests of one call: its pauses grow, so it is far fewer in fact.
const MOST_SENDS: u32 = 60;
/// The longest time that anything but somebody's request keeps a call waiting.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Every password and token holds the first of these.
const SECRETS: [&str; 3] = ["S3cr3t", "9121234567", "912 123 4567"];

impl World {
    pub(super) fn send(&mut self, id: CallId, out: Outgoing) {
        let now = self.now;
        let call = self.calls.get_mut(&id).unwrap();
        let uri = out.request.uri().to_string();
        assert!(
            call.under_way.is_none(),
            "S11: two requests of {id:?} at once"
        );
        assert!(
            out.until <= call.deadline,
            "S11: a request outlasts the deadline of {id:?}"
        );
        assert!(
            out.until <= now + ATTEMPT,
            "S11: a request outlasts the attempt's time"
        );
        call.sends += 1;
        assert!(call.sends <= MOST_SENDS, "S11: {id:?} sends without end");
        assert!(
            uri.starts_with(&format!("{ORIGIN}/")),
            "S13: {uri} is elsewhere"
        );
        let is_order = uri.starts_with(&format!("{ORIGIN}/order/"));
        assert_eq!(bearer(&out).is_some(), is_order, "S13: the bearer on {uri}");
        clean(&uri);
        assert!(!call.over, "{id:?} goes on after a second 401");
        let refused = |newest: &Newest| newest.rejected && bearer(&out) == Some(&newest.token);
        assert!(
            !self.newest.as_ref().is_some_and(refused),
            "S12: a token is sent that a 401 has ended"
        );
        match out.operation {
            Operation::Initiate => {
                assert!(
                    !call.arrived,
                    "an initiate that may have arrived is sent again"
                );
            }
            Operation::Verify => {
                assert!(call.payable, "S5: a verify without a look right before it");
                call.payable = false;
            }
            Operation::Inquiry => call.payable = false,
            Operation::Authenticate | Operation::Refresh => {
                assert!(
                    call.kind == Kind::Authenticate
                        || !self
                            .newest
                            .as_ref()
                            .is_some_and(|newest| newest.is_good(now)),
                    "S12: tokens are renewed that are good"
                );
                assert!(
                    self.renewed
                        .is_none_or(|at| now >= at + Duration::from_secs(5)),
                    "S12: a renewal within 5 s of a successful one"
                );
                let lives = |(_, since): &(CallId, Timestamp)| now <= *since + ATTEMPT;
                assert!(
                    !self.renewals.iter().any(lives),
                    "S12: two renewals at once"
                );
                self.renewals.push((id, now));
                if out.operation == Operation::Refresh {
                    let body: Value = serde_json::from_slice(out.request.body()).unwrap();
                    let token = body["refreshToken"].as_str().unwrap().to_owned();
                    assert!(
                        self.spent.insert(token),
                        "S12: a refresh token is sent twice"
                    );
                }
            }
        }
        self.sent += 1;
        let (sent, epoch) = (self.sent, self.epoch);
        call.under_way = Some(UnderWay {
            out,
            sent,
            epoch,
            stalled: false,
        });
        assert!(
            self.slots_taken() <= self.max_in_flight,
            "S11: more requests than slots"
        );
    }

    /// What an answer tells anybody who watches the wire.
    pub(super) fn learn(
        &mut self,
        id: CallId,
        out: &Outgoing,
        fate: &Fate,
        answer: &Answer,
        epoch: u64,
    ) {
        self.renewals.retain(|(leader, _)| *leader != id);
        let (status, body) = match answer {
            Ok(answer) => (
                answer.status().as_u16(),
                serde_json::from_slice(answer.body()).unwrap_or(Value::Null),
            ),
            Err(_) => (0, Value::Null),
        };
        let unauthorized = status == 401 || (status == 200 && body["errorCode"] == 401);
        let may_have_arrived = !matches!(fate, Fate::NotSent);
        let call = self.calls.get_mut(&id).unwrap();
        match out.operation {
            Operation::Initiate => {
                call.arrived |= may_have_arrived && !unauthorized && status != 429
            }
            Operation::Verify => {
                call.verify_left |= may_have_arrived;
                call.payable = !may_have_arrived;
            }
            Operation::Inquiry => {
                let result = &body["result"];
                call.payable = matches!(fate, Fate::Honest | Fate::WrongEcho | Fate::Stale)
                    && result["statusV"] == PAID
                    && result["amount"] == 100;
            }
            Operation::Authenticate | Operation::Refresh => {
                if let Some(token) = body["result"]["token"].as_str().filter(|_| status == 200)
                    && !matches!(fate, Fate::Oversize)
                    && epoch == self.epoch
                {
                    let (token, received) = (token.to_owned(), self.now);
                    self.newest = Some(Newest {
                        token,
                        received,
                        rejected: false,
                    });
                    self.renewed = Some(self.now);
                    self.epoch += 1;
                }
            }
        }
        if unauthorized && !is_renewal(out) {
            call.over = call.rejected && out.operation != Operation::Verify;
            if let Some(newest) = &mut self.newest
                && !call.rejected
                && epoch == self.epoch
            {
                newest.rejected = true;
            }
            call.rejected = true;
        }
    }

    pub(super) fn done(&mut self, id: CallId, outcome: &Outcome) {
        let call = self.calls.remove(&id).unwrap();
        clean(&format!("{outcome:?}"));
        if let Some(error) = outcome.error() {
            clean(&error.to_string());
            let mut source = error.source();
            while let Some(cause) = source {
                clean(&format!("{cause} {cause:?}"));
                source = cause.source();
            }
        }
        assert!(
            call.late || self.now <= call.deadline,
            "S11: {id:?} ends after its deadline"
        );
        let order = &self.gateway.orders[call.order];
        let confirmed = order.state == CONFIRMED && order.amount == 100;
        let cancelled = CANCELLED.contains(&order.state);
        let differs = order.belied || order.amount != 100;
        let made = |order: &&Order| order.merchant_order_id == call.merchant_order_id;
        match outcome {
            Outcome::Initiate(Ok(_)) => {
                assert_eq!(
                    self.gateway.orders.iter().filter(made).count(),
                    1,
                    "initiated, not once"
                );
            }
            Outcome::Initiate(Err(error)) if error.certainty() == Certainty::NothingHappened => {
                assert_eq!(
                    self.gateway.orders.iter().filter(made).count(),
                    0,
                    "initiated all the same: {error}"
                );
                self.never.insert(call.merchant_order_id);
            }
            Outcome::Initiate(Err(error)) => {
                assert!(call.arrived, "in doubt for nothing: {error}");
            }
            Outcome::Look(Ok(Sighting::Confirmed(_))) | Outcome::Settle(Ok(Verdict::Paid(_))) => {
                assert!(confirmed, "S2: paid, and the gateway says {}", order.state);
            }
            Outcome::Look(Ok(Sighting::NotPaid(_)))
            | Outcome::Settle(Ok(Verdict::NotPaid { .. })) => {
                assert!(
                    cancelled,
                    "S3: not paid, and the gateway says {}",
                    order.state
                );
            }
            Outcome::Look(Ok(Sighting::Mismatch(_)))
            | Outcome::Settle(Ok(Verdict::Mismatch(_))) => {
                assert!(differs, "a mismatch where nothing differs");
            }
            Outcome::Settle(Ok(Verdict::Pending(seen))) => {
                assert!(
                    !call.verify_left,
                    "S3: {seen:?} is told as pending after a verify left"
                );
            }
            Outcome::Settle(Err(error)) => {
                assert!(
                    !call.verify_left,
                    "S3: an error after a verify left: {error}"
                );
            }
            _ => {}
        }
    }

    /// What must hold whenever everybody who was woken has been polled.
    pub(super) fn check(&mut self) {
        clean(&format!("{:?}", self.session));
        clean(&format!("{:?}", self.session.take_alarm()));
        let now = self.now;
        let leads = self
            .renewals
            .iter()
            .any(|(_, since)| now < *since + ATTEMPT + GRACE);
        let idle = !leads && self.slots_taken() == 0;
        for (id, call) in &self.calls {
            if idle && call.under_way.is_none() {
                assert!(
                    call.wait <= call.polled + LONGEST_PAUSE,
                    "S11: {id:?} waits for nothing"
                );
            }
        }
    }

    /// Requests with a token under way, but for those long overdue.
    pub(super) fn slots_taken(&self) -> usize {
        let under_way = self
            .calls
            .values()
            .filter_map(|call| call.under_way.as_ref());
        under_way
            .filter(|under_way| !is_renewal(&under_way.out))
            .map(|under_way| under_way.out.until + GRACE)
            .chain(self.vanished.iter().copied())
            .filter(|overdue| *overdue > self.now)
            .count()
    }
}

/// S10: no secret and no mobile number in anything that is printed.
pub(super) fn clean(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "S10: {text}");
    }
}
