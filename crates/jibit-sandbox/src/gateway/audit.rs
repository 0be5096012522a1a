//! S9: money is conserved. What the book holds, held against what became of
//! each order.

use std::collections::BTreeMap;

use super::{Account, Book, Order, State};
use crate::mobile::Mobile;

/// What is wrong with the book, in words; nothing, unless the sandbox has a
/// mistake of its own.
pub(super) fn violations<'a>(book: &Book, orders: impl Iterator<Item = &'a Order>) -> Vec<String> {
    let mut escrow = 0_i128;
    let mut merchants = BTreeMap::<&str, i128>::new();
    let mut spent = BTreeMap::<Mobile, i128>::new();
    for order in orders {
        let amount = i128::from(order.amount());
        match order.state() {
            State::PurchaseByUser => escrow += amount,
            State::PurchaseConfirmByMerchant => {
                *merchants.entry(order.merchant()).or_default() += amount;
            }
            // What had been paid of these is back in the wallet.
            State::Initial | State::PgEntry | State::CancelBySystem | State::CancelByUser => {
                continue;
            }
        }
        *spent.entry(order.asked.user_identity).or_default() += amount;
    }
    let mut violations = Vec::new();
    let mut expect = |what: &str, holds: i128, should: i128| {
        if holds != should {
            violations.push(format!(
                "{what} holds {holds} Rial, and should hold {should}"
            ));
        }
    };
    expect("the whole book", book.sum(), 0);
    expect("escrow", book.balance(&Account::Escrow), escrow);
    for (id, holds) in book.merchants() {
        let should = merchants.remove(id.as_str()).unwrap_or_default();
        expect("a merchant", *holds, should);
    }
    for (mobile, wallet) in book.wallets() {
        let spent = spent.remove(mobile).unwrap_or_default();
        expect("a wallet", wallet.balance, wallet.issued - spent);
    }
    // Money of an account that the book does not have.
    let nowhere = merchants.values().chain(spent.values()).sum();
    expect("no account", 0, nowhere);
    violations
}

#[cfg(test)]
mod tests {
    use jibit_proto::Timestamp;

    use super::*;
    use crate::gateway::{
        book::Place,
        ids::Ids,
        orders::{NewOrder, Orders},
    };
    use crate::settings::Settings;

    const MOBILE: &str = "09121234567";

    /// A book and the orders that it is about: one paid, one verified, one refunded.
    fn stage() -> (Book, Orders) {
        let settings = Settings::default();
        let (mut book, mut orders, mut ids) =
            (Book::new(1_000_000), Orders::new(&settings), Ids::new(7));
        let start = Timestamp::from_unix_millis(1_800_000_000_000);
        for (n, amount) in [(0, 100), (1, 20), (2, 3)] {
            let asked = NewOrder {
                merchant: "7746".into(),
                merchant_order_id: format!("m-{n}").into(),
                amount,
                user_identity: MOBILE.parse().unwrap(),
                callback_url: "https://shop.example/".into(),
                additional_data: None,
                description: None,
            };
            let order = orders.initiate(asked, &mut ids, start).unwrap();
            let id = order.id().to_owned();
            let now = start + std::time::Duration::from_secs(n * 600);
            let ip = [127, 0, 0, 1].into();
            orders.pay(&id, ip, &mut book, &mut ids, now).unwrap();
            if n == 1 {
                orders.verify("7746", &id, &mut book).unwrap();
            }
        }
        orders.expire(&mut book, start + std::time::Duration::from_secs(1_000));
        (book, orders)
    }

    #[test]
    fn an_honest_book_is_in_order() {
        let (book, orders) = stage();
        assert_eq!(violations(&book, orders.all()), Vec::<String>::new());
        assert_eq!(book.balance(&Account::Escrow), 3);
        assert_eq!(book.balance(&Account::Merchant("7746".to_owned())), 20);
    }

    #[test]
    fn every_way_to_lose_or_make_money_is_found() {
        let wallet = Place::Wallet(MOBILE.parse().unwrap());
        let merchant = Place::Merchant("7746");
        for (from, to) in [
            (wallet, merchant),
            (Place::Escrow, merchant),
            (merchant, wallet),
            (Place::Issue, wallet),
            (Place::Issue, Place::Merchant("7747")),
        ] {
            let (mut book, orders) = stage();
            book.post(from, to, 1_u64);
            assert!(
                !violations(&book, orders.all()).is_empty(),
                "{from:?} to {to:?}"
            );
        }
    }
}
