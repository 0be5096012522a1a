//! What a customer is about to buy: kept in a cookie, so that the shop keeps
//! nothing about who only looks.

use std::{collections::BTreeMap, fmt::Write as _};

use http::{HeaderMap, header};
use jibit_checkout::OrderNumber;
use jibit_client::Rial;

use crate::catalogue::{self, Product};

const COOKIE: &str = "basket";

/// The most of one product in a basket.
pub(crate) const MOST: u32 = 20;

/// How many of which product, by slug.
pub(crate) type Lines = BTreeMap<&'static str, u32>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Basket {
    pub(crate) lines: Lines,
    /// The number of its order, which may not have begun yet.
    pub(crate) order: Option<OrderNumber>,
    /// The order that was begun of what it was before.
    pub(crate) before: Option<OrderNumber>,
}

impl Basket {
    /// The one that a browser sent; what cannot be read of it is left out.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::COOKIE).into_iter();
        let values = values.filter_map(|value| value.to_str().ok());
        let mut pairs = values.flat_map(|value| value.split(';'));
        let text = pairs.find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == COOKIE).then_some(value)
        });
        Self::read(text.unwrap_or_default())
    }

    /// Reads `tea.2_mug.1~NUMBER~NUMBER`.
    fn read(text: &str) -> Self {
        let mut parts = text.split('~');
        let lines = parts.next().unwrap_or_default();
        let mut number = || parts.next().and_then(|number| number.parse().ok());
        let (order, before) = (number(), number());
        let lines = lines.split('_').filter_map(|line| {
            let (slug, quantity) = line.split_once('.')?;
            let product = catalogue::product(slug)?;
            let quantity = quantity.parse().ok()?;
            (1..=MOST)
                .contains(&quantity)
                .then_some((product.slug, quantity))
        });
        Self {
            lines: lines.collect(),
            order,
            before,
        }
    }

    /// The header that has a browser keep it.
    pub(crate) fn cookie(&self) -> String {
        let mut lines = String::new();
        for (slug, quantity) in &self.lines {
            let joint = if lines.is_empty() { "" } else { "_" };
            // Writing to a String does not fail.
            let _ = write!(lines, "{joint}{slug}.{quantity}");
        }
        for number in [&self.order, &self.before] {
            let number = number.as_ref().map_or("", OrderNumber::as_str);
            let _ = write!(lines, "~{number}");
        }
        format!("{COOKIE}={lines}; Path=/; HttpOnly; SameSite=Lax; Max-Age=604800")
    }

    pub(crate) fn add(&mut self, product: &Product) {
        let quantity = self.lines.entry(product.slug).or_default();
        *quantity = (*quantity + 1).min(MOST);
    }

    pub(crate) fn take(&mut self, product: &Product) {
        if let Some(quantity) = self.lines.get_mut(product.slug) {
            *quantity -= 1;
            self.lines.retain(|_, quantity| *quantity > 0);
        }
    }

    pub(crate) fn count(&self) -> u32 {
        self.lines.values().sum()
    }

    pub(crate) fn total(&self) -> Rial {
        total(&self.lines)
    }
}

/// A line with its product.
pub(crate) fn products(lines: &Lines) -> impl Iterator<Item = (&'static Product, u32)> {
    let found = |(slug, quantity): (&&'static str, &u32)| {
        catalogue::product(slug).map(|product| (product, *quantity))
    };
    lines.iter().filter_map(found)
}

pub(crate) fn line_total(product: &Product, quantity: u32) -> Rial {
    let rial = product.price().get().saturating_mul(u64::from(quantity));
    // Never so: twenty of everything are far from it.
    Rial::new(rial).unwrap_or(Rial::MAX)
}

pub(crate) fn total(lines: &Lines) -> Rial {
    let rial = products(lines)
        .map(|(product, quantity)| line_total(product, quantity).get())
        .fold(0, u64::saturating_add);
    Rial::new(rial).unwrap_or(Rial::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::PRODUCTS;

    #[test]
    fn a_basket_survives_its_cookie() {
        let mut basket = Basket::default();
        for product in &PRODUCTS {
            basket.add(product);
        }
        basket.add(&PRODUCTS[1]);
        basket.take(&PRODUCTS[0]);
        basket.take(&PRODUCTS[0]);
        assert_eq!(basket.count(), 8);
        let number = |text: &str| Some(text.parse().unwrap());
        for (order, before) in [
            (None, None),
            (number("17-a"), None),
            (None, number("16-b")),
            (number("17-a"), number("16-b")),
        ] {
            (basket.order, basket.before) = (order, before);
            let cookie = basket.cookie();
            let (pair, _) = cookie.split_once(';').unwrap();
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, format!("a=b; {pair}; c").parse().unwrap());
            assert_eq!(Basket::of(&headers), basket);
        }
    }

    #[test]
    fn a_cookie_of_somebody_s_own_making_does_no_harm() {
        for text in [
            "",
            "~",
            "tea",
            "tea.0",
            "tea.21",
            "tea.-1",
            "gold.1",
            "tea.99999999999~a b",
        ] {
            assert_eq!(Basket::read(text), Basket::default(), "{text}");
        }
        assert_eq!(Basket::read("tea.1_x.2_tea.3").lines["tea"], 3);
    }

    #[test]
    fn a_full_basket_has_a_price() {
        let lines = PRODUCTS
            .iter()
            .map(|product| (product.slug, MOST))
            .collect();
        assert!(total(&lines) < Rial::MAX);
        let two_teas = Lines::from([("tea", 2)]);
        assert_eq!(total(&two_teas).get(), 4_900_000);
    }
}
