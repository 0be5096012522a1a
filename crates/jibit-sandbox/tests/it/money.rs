use std::time::Duration;

use jibit_sandbox::{Account, Refusal, Settings, WindowFrom};
use proptest::prelude::*;

use crate::bench::{Bench, read};

const OPENING: i128 = 1_000_000_000;

#[test]
fn a_verified_payment_is_the_merchants() {
    let mut bench = Bench::new();
    let id = bench.initiate();
    bench.press(&id, "pay");
    assert_eq!(bench.wallet(), OPENING - 100);
    assert_eq!(bench.balance(&Account::Escrow), 100);
    bench.verify(&id);
    assert_eq!(bench.balance(&Account::Escrow), 0);
    assert_eq!(bench.merchant(), 100);
    // A second verify moves nothing.
    assert_eq!(
        bench.verify(&id)["errorCode"],
        Refusal::AlreadyVerified.code()
    );
    assert_eq!(bench.merchant(), 100);
}

#[test]
fn a_payment_that_nobody_verifies_in_fifteen_minutes_goes_back() {
    let mut bench = Bench::new();
    let id = bench.initiate();
    bench.pass(Duration::from_secs(29 * 60));
    bench.press(&id, "pay");
    bench.pass(Duration::from_millis(15 * 60 * 1000 - 1));
    assert_eq!(bench.state(&id), "PURCHASE_BY_USER");
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.verify(&id)["errorCode"], Refusal::Cancelled.code());
    assert_eq!(bench.state(&id), "CANCEL_BY_SYSTEM");
    assert_eq!(bench.wallet(), OPENING);
    assert_eq!(bench.merchant(), 0);
}

#[test]
fn the_window_and_the_expiry_can_be_set() {
    let settings = Settings::default()
        .verify_window(Duration::from_secs(60))
        .unpaid_expiry(Duration::from_secs(120));
    let mut bench = Bench::with(settings);
    let (paid, unpaid) = (bench.initiate(), bench.initiate());
    bench.press(&paid, "pay");
    bench.advance(61);
    assert_eq!(bench.state(&paid), "CANCEL_BY_SYSTEM");
    assert_eq!(bench.state(&unpaid), "INITIAL");
    bench.advance(60);
    assert_eq!(bench.state(&unpaid), "CANCEL_BY_SYSTEM");
    assert_eq!(
        read(&bench.press(&unpaid, "pay"))["errorCode"],
        Refusal::Cancelled.code()
    );
}

#[test]
fn a_wallet_pays_what_it_holds_and_once() {
    let mut bench = Bench::with(Settings::default().wallet_balance(150));
    let (first, second) = (bench.initiate(), bench.initiate());
    assert_eq!(
        read(&bench.press(&first, "pay"))["status"],
        "PURCHASE_BY_USER"
    );
    let again = read(&bench.press(&first, "pay"));
    assert_eq!(again["errorCode"], Refusal::AlreadyPaid.code());
    assert_eq!(
        read(&bench.press(&first, "cancel"))["errorCode"],
        Refusal::AlreadyPaid.code()
    );
    let poor = read(&bench.press(&second, "pay"));
    assert_eq!(poor["errorCode"], Refusal::InsufficientFunds.code());
    assert_eq!(bench.state(&second), "INITIAL");
    assert_eq!(bench.wallet(), 50);
}

#[derive(Clone, Debug)]
enum Event {
    Initiate,
    Pay(usize),
    Cancel(usize),
    Verify(usize),
    Visit(usize),
    Pass(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => Just(Event::Initiate),
        3 => (0..8_usize).prop_map(Event::Pay),
        1 => (0..8_usize).prop_map(Event::Cancel),
        3 => (0..8_usize).prop_map(Event::Verify),
        1 => (0..8_usize).prop_map(Event::Visit),
        2 => (1..1200_u64).prop_map(Event::Pass),
    ]
}

proptest! {
    /// S9, after every event: nothing appears or vanishes, the merchant has
    /// exactly the verified orders, escrow exactly the paid ones.
    #[test]
    fn money_is_conserved(events in prop::collection::vec(event(), 0..80)) {
        let mut bench = Bench::with(Settings::default().wallet_balance(350));
        let mut orders: Vec<String> = Vec::new();
        for event in events {
            match event {
                Event::Initiate => orders.push(bench.initiate()),
                Event::Pass(seconds) => bench.pass(Duration::from_secs(seconds)),
                Event::Pay(n) | Event::Cancel(n) | Event::Verify(n) | Event::Visit(n) => {
                    let Some(id) = orders.get(n).cloned() else { continue };
                    match event {
                        Event::Pay(_) => drop(bench.press(&id, "pay")),
                        Event::Cancel(_) => drop(bench.press(&id, "cancel")),
                        Event::Visit(_) => drop(bench.get(&format!("/order/{id}"))),
                        _ => drop(bench.verify(&id)),
                    }
                }
            }
            let count = |bench: &mut Bench, state: &str| {
                orders.iter().filter(|id| bench.state(id) == state).count() as i128
            };
            let escrow = 100 * count(&mut bench, "PURCHASE_BY_USER");
            let merchant = 100 * count(&mut bench, "PURCHASE_CONFIRM_BY_MERCHANT");
            prop_assert_eq!(bench.gateway.book().sum(), 0);
            prop_assert_eq!(bench.balance(&Account::Escrow), escrow);
            prop_assert_eq!(bench.merchant(), merchant);
            let issued = -bench.balance(&Account::Issue);
            prop_assert_eq!(bench.wallet() + escrow + merchant, issued);
        }
    }
}

#[test]
fn the_window_may_count_from_initiate() {
    let settings = Settings::default().window_from(WindowFrom::Initiate);
    let mut bench = Bench::with(settings);
    let (early, late) = (bench.initiate(), bench.initiate());
    bench.pass(Duration::from_secs(14 * 60));
    bench.press(&early, "pay");
    bench.pass(Duration::from_secs(60) - Duration::from_millis(1));
    assert_eq!(bench.state(&early), "PURCHASE_BY_USER");
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.state(&early), "CANCEL_BY_SYSTEM");
    // Whoever pays after the window has no time at all, and has the money back.
    bench.press(&late, "pay");
    assert_eq!(bench.state(&late), "CANCEL_BY_SYSTEM");
    assert_eq!(bench.wallet(), OPENING);
}

#[test]
fn the_book_is_shown_with_what_is_wrong_with_it() {
    let mut bench = Bench::new();
    let (paid, verified) = (bench.initiate(), bench.initiate());
    bench.press(&paid, "pay");
    bench.press(&verified, "pay");
    bench.verify(&verified);
    let book = read(&bench.get("/_sandbox/book"));
    assert_eq!(
        book,
        serde_json::json!({
            "issue": -OPENING, "wallets": {"09121234567": OPENING - 200}, "escrow": 100,
            "merchants": {"7746": 100}, "violations": [],
        })
    );
    assert_eq!(
        bench
            .post("/_sandbox/book", &serde_json::json!({}))
            .status(),
        405
    );
}
