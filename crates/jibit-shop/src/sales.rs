//! What the shop knows of its orders besides their payment: what was bought.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use jibit_checkout::{OrderNumber, StoreError};
use jibit_client::Timestamp;

use crate::basket::Lines;

/// The lines of every order, by its number. They are gone with the process; a shop
/// to earn money with keeps them in a table, beside the checkout's.
#[derive(Default)]
pub(crate) struct Sales(Mutex<HashMap<OrderNumber, Sale>>);

#[derive(Clone)]
pub(crate) struct Sale {
    pub(crate) lines: Lines,
    pub(crate) shipped_at: Option<Timestamp>,
}

impl Sales {
    fn all(&self) -> MutexGuard<'_, HashMap<OrderNumber, Sale>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, number: &OrderNumber) -> Option<Sale> {
        self.all().get(number).cloned()
    }

    /// Enters an order, unless it is there with other lines. Says whether it is
    /// there with these.
    pub(crate) fn enter(&self, number: &OrderNumber, lines: &Lines) -> bool {
        let mut all = self.all();
        let sale = all.entry(number.clone()).or_insert_with(|| Sale {
            lines: lines.clone(),
            shipped_at: None,
        });
        sale.lines == *lines
    }

    /// Ships an order, once however often it is told to.
    pub(crate) fn ship(&self, number: &OrderNumber) {
        if let Some(sale) = self.all().get_mut(number) {
            sale.shipped_at.get_or_insert_with(now);
        }
    }
}

/// A number that no order has, and that nobody guesses: the time, and 60 random
/// bits.
pub(crate) fn new_number() -> Result<OrderNumber, StoreError> {
    let mut bits = [0; 8];
    getrandom::fill(&mut bits).map_err(|error| StoreError::new(error.to_string()))?;
    let seconds = now().as_unix_millis() / 1000;
    let time = letters(seconds, 7);
    let random = letters(u64::from_le_bytes(bits), 12);
    OrderNumber::new(format!("{time}-{random}")).map_err(StoreError::new)
}

/// The lowest `count` times five bits, in letters that are not mistaken for others.
fn letters(bits: u64, count: u32) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let letter = |at: u32| {
        let five = usize::try_from((bits >> (5 * at)) & 31).unwrap_or_default();
        ALPHABET.get(five).copied().map_or('0', char::from)
    };
    (0..count).rev().map(letter).collect()
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp::default() + since.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_orders_own() {
        assert_eq!(letters(0, 3), "000");
        assert_eq!(letters(33, 2), "11");
        let numbers: std::collections::BTreeSet<_> =
            (0..1000).map(|_| new_number().unwrap()).collect();
        assert_eq!(numbers.len(), 1000);
        assert_eq!(numbers.first().unwrap().as_str().len(), 20);
    }

    #[test]
    fn an_order_is_shipped_once() {
        let (sales, number) = (Sales::default(), new_number().unwrap());
        sales.ship(&number);
        assert!(sales.enter(&number, &Lines::new()));
        assert!(!sales.enter(&number, &Lines::from([("tea", 1)])));
        sales.ship(&number);
        let shipped = sales.get(&number).unwrap().shipped_at;
        sales.ship(&number);
        assert_eq!(sales.get(&number).unwrap().shipped_at, shipped);
        assert!(shipped.is_some());
    }
}
