//! What scripts send and get, as JSON.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, MapAccess, Visitor},
};

use crate::{
    Returning, UnknownReturning,
    gateway::{Account, Gateway, JournalEntry, Order},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advance {
    pub(super) seconds: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Now {
    pub(super) unix_millis: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Return {
    pub(super) way: Way,
}

/// A way to return, as its word.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Way(pub(super) Returning);

impl TryFrom<String> for Way {
    type Error = UnknownReturning;

    fn try_from(word: String) -> Result<Self, UnknownReturning> {
        word.parse().map(Self)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arm {
    pub(super) plan: String,
}

#[derive(Serialize)]
pub(super) struct ShownPlan {
    /// What it takes to run it again.
    pub(super) plan: String,
    /// How many requests each rule has struck.
    pub(super) struck: Vec<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetWallet {
    pub(super) balance: u64,
    #[serde(default)]
    pub(super) blocked: bool,
}

#[derive(Serialize)]
pub(super) struct ShownWallet {
    pub(super) balance: i128,
    pub(super) blocked: bool,
}

/// What a test expects; what it leaves out is not looked at.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Expected {
    /// The state of each order.
    #[serde(deserialize_with = "each_once")]
    pub(super) orders: BTreeMap<String, String>,
    /// How often each operation arrived.
    #[serde(deserialize_with = "each_once")]
    pub(super) arrived: BTreeMap<String, u64>,
    /// What wallets and merchants hold, in Rial.
    #[serde(deserialize_with = "each_once")]
    pub(super) wallets: BTreeMap<String, i64>,
    #[serde(deserialize_with = "each_once")]
    pub(super) merchants: BTreeMap<String, i64>,
}

#[derive(Serialize)]
pub(super) struct Found {
    pub(super) holds: bool,
    pub(super) failures: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct ShownJournal<'a> {
    pub(super) entries: Vec<&'a JournalEntry>,
    /// How many older ones were dropped.
    pub(super) dropped: u64,
}

#[derive(Serialize)]
pub(super) struct ShownOrders<'a> {
    pub(super) orders: Vec<Shown<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown<'a> {
    order_id: &'a str,
    status: &'a str,
    merchant_order_id: &'a str,
    amount: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ref_id: Option<&'a str>,
    return_url: String,
}

impl<'a> Shown<'a> {
    pub(super) fn of(order: &'a Order) -> Self {
        Self {
            order_id: order.id(),
            status: order.state().as_str(),
            merchant_order_id: order.merchant_order_id(),
            amount: order.amount(),
            ref_id: order.ref_id(),
            return_url: order.return_url(),
        }
    }
}

/// The money, in Rial, by account.
#[derive(Serialize)]
pub(super) struct ShownBook {
    /// Below zero by what wallets were given.
    issue: i128,
    wallets: BTreeMap<String, i128>,
    escrow: i128,
    merchants: BTreeMap<String, i128>,
    /// What is wrong with it: nothing.
    violations: Vec<String>,
}

impl ShownBook {
    pub(super) fn of(gateway: &Gateway) -> Self {
        let mut shown = Self {
            issue: 0,
            wallets: BTreeMap::new(),
            escrow: 0,
            merchants: BTreeMap::new(),
            violations: gateway.violations(),
        };
        for (account, rial) in gateway.book().balances() {
            match account {
                Account::Issue => shown.issue = rial,
                Account::Escrow => shown.escrow = rial,
                Account::Wallet(mobile) => drop(shown.wallets.insert(mobile, rial)),
                Account::Merchant(id) => drop(shown.merchants.insert(id, rial)),
            }
        }
        shown
    }
}

/// A map in which no key stands twice: a test's expectation must not get lost.
fn each_once<'de, D, V>(deserializer: D) -> Result<BTreeMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    struct Entries<V>(PhantomData<V>);

    impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
        type Value = BTreeMap<String, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, value)) = entries.next_entry::<String, V>()? {
                if map.contains_key(&key) {
                    return Err(A::Error::custom(format!("`{key}` stands twice")));
                }
                map.insert(key, value);
            }
            Ok(map)
        }
    }

    deserializer.deserialize_map(Entries(PhantomData))
}
