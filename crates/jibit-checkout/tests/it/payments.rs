//! What a shop sees of a checkout.

use std::time::Duration;

use futures_util::FutureExt as _;
use jibit_checkout::{
    Alarm, Audited, CheckoutErrorKind, Happened, NextCheck, Reason, Seen, Standing, State,
};
use jibit_client::OrderId;
use jibit_sandbox::{Fate, Fault, Operation, Settings, State as GatewayState};

use crate::world::{World, purchase};

const MINUTE: Duration = Duration::from_secs(60);

fn refused<T: std::fmt::Debug>(
    outcome: Result<T, jibit_checkout::CheckoutError>,
) -> CheckoutErrorKind {
    outcome.unwrap_err().kind()
}

impl World {
    fn withdraw(&self, number: &str) -> Result<(), jibit_checkout::CheckoutError> {
        let number = number.parse().unwrap();
        self.process(|shop| async move { shop.withdraw(&number).await })
            .unwrap()
    }

    fn adopt(&self, number: &str, attempt: u32, id: &str) -> Result<(), CheckoutErrorKind> {
        let (number, id) = (number.parse().unwrap(), OrderId::new(id).unwrap());
        self.process(|shop| async move { shop.adopt(&number, attempt, &id).await })
            .unwrap()
            .map(drop)
            .map_err(|error| error.kind())
    }

    fn release(&self, number: &str, attempt: u32) -> Result<(), CheckoutErrorKind> {
        let number = number.parse().unwrap();
        self.process(|shop| async move { shop.release(&number, attempt).await })
            .unwrap()
            .map(drop)
            .map_err(|error| error.kind())
    }

    fn has(&self, number: &str, attempt: u32, alarm: Alarm) -> bool {
        let order = self.order(number);
        order.attempt(attempt).unwrap().alarms.contains(&alarm)
    }

    fn gateway_state(&self, id: &str) -> GatewayState {
        self.gateway().order(id).unwrap().state()
    }

    fn asked(&self) -> u64 {
        self.gateway().arrived(Operation::Inquiry)
    }

    fn verified(&self) -> u64 {
        self.gateway().arrived(Operation::Verify)
    }

    /// An order with a page to pay on, an order of the gateway's for each attempt.
    fn pages(&self, number: &str, attempts: u32) -> Vec<String> {
        let ids = (1..=attempts).map(|attempt| {
            assert_eq!(self.start(number).unwrap().attempt, attempt);
            self.clock.advance(11 * MINUTE);
            self.id(number, attempt)
        });
        ids.collect()
    }
}

#[test]
fn a_customer_pays_and_comes_back() {
    let world = World::new();
    let page = world.start("o-1").unwrap();
    let id = world.id("o-1", 1);
    assert!(page.redirect_url.ends_with(&format!("/order/{id}")));
    let asking = world.called(&world.query("o-1", 1)).unwrap();
    assert_eq!(asking.standing, Standing::Asking);
    let (asked, query) = (world.asked(), world.query("o-1", 1));
    let peeked = world.process(|shop| async move { shop.peek(&query).await });
    assert_eq!(
        (peeked.unwrap().unwrap(), world.asked()),
        (Some(asking), asked)
    );
    world.clock.advance(MINUTE);
    world.pay(&id);
    let paid = world.called(&world.query("o-1", 1)).unwrap();
    assert_eq!(
        (paid.number.as_str(), paid.standing),
        ("o-1", Standing::Paid)
    );
    assert!(paid.ref_id.is_some());
    assert_eq!(world.fulfil(), ["o-1"]);
    assert_eq!(world.fulfil(), Vec::<String>::new());
    let number = "o-1".parse().unwrap();
    let timeline = world.process(|shop| async move { shop.timeline(&number).await });
    let lines = timeline.unwrap().unwrap().into_iter().map(|line| {
        let state = line.state.map_or("", State::as_str);
        format!("{state}: {}", line.text.replace(&id, "[id]"))
    });
    let lines = lines.collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(lines.replace(paid.ref_id.unwrap().as_str(), "[ref]"), @"
    : the order was opened
    initiating: an attempt began
    open: the gateway calls it [id]
    open: the gateway says INITIAL
    verify-intent: paid; to be captured
    paid: captured; refId [ref]
    : the shop fulfilled the order
    ");
}

#[test]
fn a_customer_who_never_comes_back_is_asked_about() {
    let world = World::new();
    world.start("o-1").unwrap();
    world.pay(&world.id("o-1", 1));
    world.reconcile_for(MINUTE);
    assert_eq!(world.state("o-1", 1), State::Paid);
    assert_eq!(world.fulfil(), ["o-1"]);
}

#[test]
fn one_who_cancels_may_try_again() {
    let world = World::new();
    world.start("o-1").unwrap();
    let (id, now) = (world.id("o-1", 1), world.clock.now());
    world.gateway().cancel(&id, now).unwrap();
    let back = world.called(&world.query("o-1", 1)).unwrap();
    assert_eq!(back.standing, Standing::NotPaid);
    assert_eq!(world.state("o-1", 1), State::Cancelled);
    assert_eq!(world.start("o-1").unwrap().attempt, 2);
    assert_eq!(world.order("o-1").standing(), Standing::Asking);
}

#[test]
fn one_who_starts_again_gets_the_same_page() {
    let world = World::new();
    let first = world.start("o-1").unwrap();
    world.clock.advance(9 * MINUTE);
    assert_eq!(world.start("o-1").unwrap(), first);
    world.clock.advance(MINUTE);
    let second = world.start("o-1").unwrap();
    assert_eq!(second.attempt, 2);
    assert_ne!(second.redirect_url, first.redirect_url);
    // Another customer gets a page of his own.
    let other = jibit_checkout::Purchase::new(
        "o-1".parse().unwrap(),
        "125000".parse().unwrap(),
        "09127654321".parse().unwrap(),
    );
    let third = world.process(|shop| async move { shop.start(other.unwrap()).await });
    assert_eq!(third.unwrap().unwrap().attempt, 3);
}

#[test]
fn an_order_is_begun_again_with_its_own_terms_alone() {
    let world = World::new();
    let start = |number: &str, terms: Option<&str>| {
        let (number, amount) = (number.parse().unwrap(), "125000".parse().unwrap());
        let customer = "09121234567".parse().unwrap();
        let purchase = jibit_checkout::Purchase::new(number, amount, customer).unwrap();
        let purchase = match terms {
            Some(terms) => purchase.terms(terms),
            None => purchase,
        };
        let started = world.process(|shop| async move { shop.start(purchase).await });
        started.unwrap()
    };
    let first = start("o-1", Some("red")).unwrap();
    assert_eq!(start("o-1", Some("red")).unwrap(), first);
    for other in [Some("blue"), None] {
        let refused = refused(start("o-1", other));
        assert_eq!(refused, CheckoutErrorKind::OtherTerms);
    }
    // One that was begun without any has none to keep.
    start("o-2", None).unwrap();
    start("o-2", Some("red")).unwrap();
}

#[test]
fn an_order_says_why_it_cannot_be_started() {
    let world = World::new();
    world.start("o-1").unwrap();
    let dearer = jibit_checkout::Purchase::new(
        "o-1".parse().unwrap(),
        "125001".parse().unwrap(),
        "09121234567".parse().unwrap(),
    );
    let dearer = world.process(|shop| async move { shop.start(dearer.unwrap()).await });
    assert_eq!(refused(dearer.unwrap()), CheckoutErrorKind::OtherAmount);
    world.pay(&world.id("o-1", 1));
    world
        .gateway()
        .inject(Fault::after(Operation::Verify, Fate::Reset));
    world
        .gateway()
        .inject(Fault::status_before(Operation::Inquiry, 404));
    world.reconcile_for(MINUTE);
    assert_eq!(world.order("o-1").standing(), Standing::Paid);
    assert_eq!(refused(world.start("o-1")), CheckoutErrorKind::AlreadyPaid);
    assert_eq!(
        refused(world.withdraw("o-1")),
        CheckoutErrorKind::AlreadyPaid
    );
    world.start("o-2").unwrap();
    world.withdraw("o-2").unwrap();
    world.withdraw("o-2").unwrap();
    assert_eq!(refused(world.start("o-2")), CheckoutErrorKind::Withdrawn);
    assert_eq!(world.order("o-2").standing(), Standing::Withdrawn);
    assert_eq!(
        refused(world.withdraw("o-3")),
        CheckoutErrorKind::NoSuchOrder
    );
}

#[test]
fn while_nobody_knows_an_order_is_neither_started_nor_withdrawn() {
    let world = World::new();
    world.start("o-1").unwrap();
    world.pay(&world.id("o-1", 1));
    // From the verify on the gateway says nothing that can be read.
    world.trouble("verify after reset", 1);
    world.called(&world.query("o-1", 1));
    assert_eq!(world.state("o-1", 1), State::VerifyIntent);
    assert_eq!(refused(world.start("o-1")), CheckoutErrorKind::Settling);
    assert_eq!(refused(world.withdraw("o-1")), CheckoutErrorKind::Settling);
    assert!(world.told(Happened::Undetermined) > 0);
    world.heal();
    world.reconcile_for(MINUTE);
    assert_eq!(world.state("o-1", 1), State::Paid);
    assert_eq!(world.fulfil(), ["o-1"]);
}

#[test]
fn an_initiate_without_an_answer_sends_nobody_to_pay() {
    let world = World::new();
    world
        .gateway()
        .inject(Fault::after(Operation::Initiate, Fate::Close));
    let lost = world.start("o-1").unwrap_err();
    assert_eq!(lost.kind(), CheckoutErrorKind::Gateway);
    assert!(std::error::Error::source(&lost).is_some());
    assert_eq!(world.state("o-1", 1), State::Abandoned);
    assert_eq!(world.told(Happened::NotInitiated), 1);
    assert_eq!(world.order("o-1").standing(), Standing::NotPaid);
    assert_eq!(world.start("o-1").unwrap().attempt, 2);
}

#[test]
fn what_a_browser_says_is_not_believed() {
    let world = World::new();
    world.start("o-1").unwrap();
    let code = world.order("o-1").attempts[0].code;
    for forged in [
        format!(
            "attempt={code}&orderId={}&status=PURCHASE_BY_USER",
            world.id("o-1", 1)
        ),
        format!("attempt={code}&status=PURCHASE_CONFIRM_BY_MERCHANT"),
        format!("attempt={code}"),
        format!("attempt={code}&orderId=%"),
    ] {
        let back = world.called(&forged).unwrap();
        assert_eq!(back.standing, Standing::Asking, "{forged}");
        world.clock.advance(MINUTE);
    }
    let asked = world.asked();
    for strange in [
        "".to_owned(),
        "attempt=".to_owned(),
        format!("attempt={code}&attempt={code}"),
        "attempt=00000000000000000000000000000001&orderId=x".to_owned(),
        "attempt=+0000000000000000000000000000001".to_owned(),
        format!("orderId={}&status=PURCHASE_BY_USER", world.id("o-1", 1)),
    ] {
        assert_eq!(world.called(&strange), None, "{strange}");
    }
    // And strangers cannot make us ask.
    assert_eq!(world.asked(), asked);
    assert_eq!(world.told(Happened::Strange), 6);
}

#[test]
fn callbacks_in_a_row_ask_once() {
    let world = World::new();
    world.start("o-1").unwrap();
    let query = world.query("o-1", 1);
    let before = world.asked();
    for _ in 0..10 {
        assert_eq!(world.called(&query).unwrap().standing, Standing::Asking);
    }
    assert_eq!(world.asked(), before + 1);
    world.clock.advance(Duration::from_secs(2));
    world.called(&query);
    assert_eq!(world.asked(), before + 2);
}

#[test]
fn a_withdrawn_order_takes_no_money() {
    let world = World::with(Settings::default().verify_window(15 * MINUTE));
    world.start("o-1").unwrap();
    let id = world.id("o-1", 1);
    world.withdraw("o-1").unwrap();
    world.pay(&id);
    let back = world.called(&world.query("o-1", 1)).unwrap();
    assert_eq!(back.standing, Standing::Withdrawn);
    world.reconcile_for(20 * MINUTE);
    assert_eq!(world.verified(), 0);
    assert_eq!(world.state("o-1", 1), State::Lapsed);
    assert!(world.has("o-1", 1, Alarm::Refunded));
    assert!(!world.has("o-1", 1, Alarm::NearDeadline), "that was meant");
    assert_eq!(world.fulfil(), Vec::<String>::new());
}

#[test]
fn of_two_payments_one_is_captured() {
    let world = World::new();
    let ids = world.pages("o-1", 2);
    ids.iter().for_each(|id| world.pay(id));
    world.called(&world.query("o-1", 2));
    assert_eq!(world.state("o-1", 2), State::Paid);
    world.reconcile_for(31 * MINUTE);
    assert_eq!(world.verified(), 1);
    assert_eq!(world.state("o-1", 1), State::Lapsed);
    assert_eq!(world.gateway_state(&ids[0]), GatewayState::CancelBySystem);
    assert_eq!(world.fulfil(), ["o-1"]);
}

#[test]
fn a_sibling_that_is_unclear_keeps_others_from_capturing() {
    let world = World::new();
    let ids = world.pages("o-1", 2);
    world.pay(&ids[1]);
    world.called(&world.query("o-1", 2));
    assert_eq!(
        world.state("o-1", 2),
        State::Paid,
        "a clear one lets it pass"
    );

    let world = World::new();
    let ids = world.pages("o-1", 2);
    world.pay(&ids[1]);
    let query = world.query("o-1", 2);
    // The gateway says nothing of the first attempt.
    world.trouble("", 1);
    world.called(&query);
    assert_eq!(world.state("o-1", 2), State::Open);
    assert!(world.has("o-1", 2, Alarm::SiblingUnclear));
    assert_eq!(world.verified(), 0);
    world.heal();
    world.reconcile_for(MINUTE);
    assert_eq!(world.state("o-1", 2), State::Paid);
}

/// The backup has a look at the sibling from just before it was captured: it is young
/// enough for S8, and of another life of the store. The simulator found this once in a
/// million histories.
#[test]
fn a_look_that_a_backup_remembers_lets_nobody_pass() {
    let world = World::new();
    world.pages("o-1", 2);
    world.called(&world.query("o-1", 1));
    let backup = world.store.backup();
    world.pay(&world.id("o-1", 1));
    world.clock.advance(Duration::from_secs(3));
    world.called(&world.query("o-1", 1));
    assert_eq!(world.fulfil(), ["o-1"]);
    world.pay(&world.id("o-1", 2));
    let world = world.with_store(backup);
    world.called(&world.query("o-1", 2));
    let quarantined = State::Quarantined(Reason::StrangersCapture);
    assert_eq!(world.state("o-1", 1), quarantined);
    assert_eq!(world.state("o-1", 2), State::Open);
    assert_eq!(world.verified(), 1);
}

/// Only the gateway's own word that it does not know the sibling lets the other pass:
/// a proxy's 404 and a login's say nothing of it.
#[test]
fn a_404_that_is_not_the_gateways_word_lets_nobody_pass() {
    // The attempt itself is answered; its sibling, asked about next, is not.
    for plan in [
        "inquiry before nth=2 status=404",
        "inquiry before nth=2 unauthorized; refresh before status=404; authenticate before nth=2 status=404",
    ] {
        let world = World::new();
        let ids = world.pages("o-1", 2);
        world.pay(&ids[1]);
        world.trouble(plan, None);
        world.called(&world.query("o-1", 2));
        assert_eq!(world.state("o-1", 2), State::Open, "{plan}");
        assert!(world.has("o-1", 2, Alarm::SiblingUnclear), "{plan}");
        assert_eq!(world.order("o-1").attempts[0].seen, None, "{plan}");
        assert_eq!(world.verified(), 0, "{plan}");
    }
}

#[test]
fn the_gateways_own_word_that_there_is_no_such_order_lets_pass() {
    let world = World::new();
    // The gateway that is begun anew gives its first orderId again: another shop had it.
    world.start("o-0").unwrap();
    let world = world.with_store(jibit_checkout::MemoryStore::new());
    world.pages("o-1", 1);
    world.gateway().reset();
    world.start("o-1").unwrap();
    world.pay(&world.id("o-1", 2));
    world.called(&world.query("o-1", 2));
    assert_eq!(world.state("o-1", 2), State::Paid);
    assert_eq!(world.order("o-1").attempts[0].seen, Some(Seen::NoSuchOrder));
}

/// A store restored from a backup does not know that an order is paid.
#[test]
fn a_strangers_capture_is_for_a_person() {
    let world = World::new();
    world.start("o-1").unwrap();
    let backup = world.store.backup();
    world.pay(&world.id("o-1", 1));
    world.reconcile_for(MINUTE);
    assert_eq!(world.fulfil(), ["o-1"]);
    let world = world.with_store(backup);
    world.reconcile_for(MINUTE);
    let quarantined = State::Quarantined(Reason::StrangersCapture);
    assert_eq!(world.state("o-1", 1), quarantined);
    assert_eq!(world.fulfil(), Vec::<String>::new());
    assert_eq!(world.told(Happened::Raised(Alarm::StrangersCapture)), 1);
    assert_eq!(refused(world.start("o-1")), CheckoutErrorKind::Settling);
    // A person finds that the goods never left, and says so.
    let id = world.id("o-1", 1);
    assert_eq!(
        world.adopt("o-1", 1, "other"),
        Err(CheckoutErrorKind::NothingToDecide)
    );
    world.adopt("o-1", 1, &id).unwrap();
    assert_eq!(world.state("o-1", 1), State::Paid);
    assert_eq!(world.fulfil(), ["o-1"]);
}

#[test]
fn a_person_may_give_an_order_free() {
    let world = World::new();
    world.start("o-1").unwrap();
    let backup = world.store.backup();
    world.pay(&world.id("o-1", 1));
    world.reconcile_for(MINUTE);
    let world = world.with_store(backup);
    assert_eq!(
        world.release("o-1", 1),
        Err(CheckoutErrorKind::NothingToDecide)
    );
    assert_eq!(world.release("o-1", 2), Err(CheckoutErrorKind::NoSuchOrder));
    world.reconcile_for(MINUTE);
    world.release("o-1", 1).unwrap();
    assert_eq!(world.state("o-1", 1), State::Released);
    world.start("o-1").unwrap();
    world.pay(&world.id("o-1", 2));
    world.reconcile_for(MINUTE);
    assert_eq!(world.state("o-1", 2), State::Paid);
}

#[test]
fn another_amount_is_for_a_person() {
    let world = World::new();
    world.start("o-1").unwrap();
    world.pay(&world.id("o-1", 1));
    world.trouble("inquiry after amount=-10", None);
    world.called(&world.query("o-1", 1));
    assert_eq!(world.state("o-1", 1), State::Quarantined(Reason::Mismatch));
    assert_eq!(world.verified(), 0);
    assert!(world.has("o-1", 1, Alarm::Mismatch));
}

#[test]
fn another_amount_after_the_verify_is_for_a_person_and_holds_the_slot() {
    let world = World::new();
    world.start("o-1").unwrap();
    world.pay(&world.id("o-1", 1));
    world.trouble("verify after amount=-10", None);
    world.called(&world.query("o-1", 1));
    assert_eq!(world.state("o-1", 1), State::Quarantined(Reason::Mismatch));
    assert!(world.order("o-1").attempts[0].slot, "money may have moved");
    assert_eq!(refused(world.start("o-1")), CheckoutErrorKind::Settling);
    assert_eq!(world.fulfil(), Vec::<String>::new());
}

#[test]
fn an_order_id_that_is_not_stored_is_adopted_by_a_person_alone() {
    let world = World::new();
    // The gateway registers the order, and its answer is lost.
    world
        .gateway()
        .inject(Fault::after(Operation::Initiate, Fate::Close));
    world.start("o-1").unwrap_err();
    let code = world.order("o-1").attempts[0].code;
    let order_id = world.orphan();
    world.pay(&order_id);
    let back = world.called(&format!(
        "attempt={code}&orderId={order_id}&status=PURCHASE_BY_USER"
    ));
    assert_eq!(back.unwrap().standing, Standing::Asking);
    assert!(world.has("o-1", 1, Alarm::UnknownOrder));
    assert_eq!(world.asked(), 0);
    world.start("o-2").unwrap();
    let taken = world.id("o-2", 1);
    assert_eq!(
        world.adopt("o-1", 1, &taken),
        Err(CheckoutErrorKind::NothingToDecide)
    );
    world.adopt("o-1", 1, &order_id).unwrap();
    assert_eq!(world.state("o-1", 1), State::Paid);
    assert_eq!(world.fulfil(), ["o-1"]);
}

impl World {
    /// The gateway's order of which the shop knows no orderId.
    fn orphan(&self) -> String {
        let request = http::Request::get("/_sandbox/orders").body(Default::default());
        let answer = self.gateway().handle(request.unwrap(), self.clock.now());
        let orders: serde_json::Value = serde_json::from_slice(answer.response.body()).unwrap();
        orders["orders"][0]["orderId"].as_str().unwrap().to_owned()
    }
}

#[test]
fn nobody_asks_for_ever_about_what_nobody_paid() {
    let world = World::with(Settings::default().unpaid_expiry(Duration::from_secs(9 * 86_400)));
    world.start("o-1").unwrap();
    world.reconcile_for(Duration::from_secs(86_400 + 900));
    assert_eq!(world.state("o-1", 1), State::Dormant);
    let asked = world.asked();
    // 8 in the first two minutes, 58 to minute 31, 29 to an hour, 138 to a day.
    assert!((225..245).contains(&asked), "{asked}");
    world.reconcile_for(Duration::from_secs(7200));
    assert_eq!(world.asked(), asked);
    assert_eq!(world.order("o-1").standing(), Standing::Asking);
    world.pay(&world.id("o-1", 1));
    world.called(&world.query("o-1", 1));
    assert_eq!(world.state("o-1", 1), State::Paid);
}

#[test]
fn a_day_without_the_gateway_loses_nothing_and_is_told() {
    let world = World::with(Settings::default().verify_window(Duration::from_secs(9 * 86_400)));
    world.start("o-1").unwrap();
    world.pay(&world.id("o-1", 1));
    world.trouble("verify after reset", 1);
    world.reconcile_for(Duration::from_secs(86_400));
    assert_eq!(world.state("o-1", 1), State::VerifyIntent);
    assert!(world.has("o-1", 1, Alarm::NearDeadline));
    world.reconcile_for(2 * MINUTE);
    assert!(world.has("o-1", 1, Alarm::Stuck));
    assert_eq!(
        world.told(Happened::Raised(Alarm::Stuck)),
        1,
        "once is enough"
    );
    world.heal();
    world.reconcile_for(2 * MINUTE);
    assert_eq!(world.fulfil(), ["o-1"]);
}

#[test]
fn what_the_gateway_does_not_know_is_asked_about_again() {
    let world = World::new();
    world.start("o-1").unwrap();
    world.gateway().reset();
    world.reconcile_for(MINUTE);
    assert_eq!(world.state("o-1", 1), State::Open);
    let seen = world.order("o-1").attempts[0].seen.clone();
    assert_eq!(seen, Some(Seen::NoSuchOrder));
    assert!(world.asked() > 2);
}

#[test]
fn a_store_that_fails_loses_nothing() {
    let world = World::new();
    world.start("o-1").unwrap();
    let (id, query) = (world.id("o-1", 1), world.query("o-1", 1));
    world.pay(&id);
    let shop = world.process(|shop| async move { shop }).unwrap();
    *world.store_fails.lock().unwrap() = true;
    let run = |what: &str| {
        let error = match what {
            "start" => shop
                .start(purchase("o-2"))
                .now_or_never()
                .unwrap()
                .map(drop),
            "callback" => shop
                .handle_callback(&query)
                .now_or_never()
                .unwrap()
                .map(drop),
            _ => shop.reconcile().now_or_never().unwrap().map(drop),
        }
        .unwrap_err();
        assert_eq!(error.kind(), CheckoutErrorKind::Store);
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.to_string(), "the store does not work");
    };
    ["start", "callback", "reconcile"].into_iter().for_each(run);
    assert_eq!(world.told(Happened::StoreFailed), 3);
    assert_eq!((world.asked(), world.verified()), (0, 0));
    *world.store_fails.lock().unwrap() = false;
    world.reconcile_for(MINUTE);
    assert_eq!(world.fulfil(), ["o-1"]);
    assert_eq!(world.stored("o-2"), None);
}

#[test]
fn a_store_first_used_with_a_sandbox_never_ships_its_payments() {
    let world = World::new();
    world.start("o-1").unwrap();
    world.pay(&world.id("o-1", 1));
    world.reconcile_for(MINUTE);
    let live = world
        .checkout_at("https://pg.jibit.mobi")
        .now_or_never()
        .unwrap();
    let paid = live
        .fulfilments(10, MINUTE)
        .now_or_never()
        .unwrap()
        .unwrap();
    assert_eq!(paid, []);
    let number = "o-1".parse().unwrap();
    let order = live.order(&number).now_or_never().unwrap();
    assert_eq!(refused(order), CheckoutErrorKind::NoSuchOrder);
    assert_eq!(world.fulfil(), ["o-1"]);
}

#[test]
fn a_job_engine_is_told_when_to_come_again() {
    let world = World::new();
    world.start("o-1").unwrap();
    let once = || {
        let number = "o-1".parse().unwrap();
        world.process(|shop| async move { shop.reconcile_one(&number).await.unwrap() })
    };
    let now = world.clock.now();
    assert_eq!(once(), Some(NextCheck::At(now + Duration::from_secs(15))));
    world.clock.advance(5 * MINUTE);
    let now = world.clock.now();
    assert_eq!(once(), Some(NextCheck::At(now + Duration::from_secs(30))));
    world.pay(&world.id("o-1", 1));
    assert_eq!(once(), Some(NextCheck::Never));
    assert_eq!(world.state("o-1", 1), State::Paid);
}

#[test]
fn an_audit_finds_what_does_not_agree_and_changes_nothing() {
    let world = World::new();
    let audit = |world: &World| {
        let order = world.order("o-1");
        let before = order.clone();
        let audited = world
            .process(|shop| async move { shop.audit(&order, &order.attempts[0]).await.unwrap() })
            .unwrap();
        assert_eq!(world.order("o-1"), before);
        match audited {
            Audited::Agrees => "agrees".to_owned(),
            Audited::Disagrees { gateway, meaning } => format!("{gateway}: {meaning}"),
            Audited::Unanswered(error) => format!("unanswered: {error}"),
            other => format!("{other:?}"),
        }
    };
    world.start("o-1").unwrap();
    assert_eq!(audit(&world), "agrees");
    let backup = world.store.backup();
    world.pay(&world.id("o-1", 1));
    assert_eq!(audit(&world), "agrees");
    world.reconcile_for(MINUTE);
    assert_eq!(audit(&world), "agrees");
    world.trouble("inquiry before always reset", None);
    assert!(audit(&world).starts_with("unanswered"));
    world.trouble("inquiry before always status=404", None);
    assert!(audit(&world).starts_with("unanswered"));
    world.trouble("inquiry after always amount=-10", None);
    assert!(audit(&world).starts_with("mismatch: stored as paid"));
    world.heal();
    let restored = world.with_store(backup);
    assert!(audit(&restored).starts_with("confirmed: the money was captured"));
    restored.gateway().reset();
    assert!(audit(&restored).starts_with("no-such-order"));
}

#[test]
fn a_hundred_attempts_are_enough() {
    let world = World::new();
    world.trouble("initiate before status=400", None);
    for _ in 0..100 {
        assert_eq!(refused(world.start("o-1")), CheckoutErrorKind::Gateway);
    }
    assert_eq!(
        refused(world.start("o-1")),
        CheckoutErrorKind::TooManyAttempts
    );
}
