use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    time::Duration,
};

use jibit_proto::Timestamp;

use super::{Book, Refusal, ids::Ids};
use crate::{Returning, Settings, WindowFrom};

/// The six states of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Initiated; nobody has opened the page.
    Initial,
    /// The customer is on the page.
    PgEntry,
    /// Nobody paid, or nobody verified, in time.
    CancelBySystem,
    /// The customer cancelled.
    CancelByUser,
    /// The customer paid; the money waits in escrow.
    PurchaseByUser,
    /// The merchant verified; the money is the merchant's.
    PurchaseConfirmByMerchant,
}

impl State {
    /// As the wire has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "INITIAL",
            Self::PgEntry => "PGENTRY",
            Self::CancelBySystem => "CANCEL_BY_SYSTEM",
            Self::CancelByUser => "CANCEL_BY_USER",
            Self::PurchaseByUser => "PURCHASE_BY_USER",
            Self::PurchaseConfirmByMerchant => "PURCHASE_CONFIRM_BY_MERCHANT",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a merchant asks for.
#[derive(Clone)]
pub(super) struct NewOrder {
    pub(super) merchant: String,
    pub(super) merchant_order_id: String,
    pub(super) amount: u64,
    pub(super) user_identity: String,
    pub(super) callback_url: String,
    pub(super) additional_data: Option<String>,
    pub(super) description: Option<String>,
}

/// An order, as the gateway keeps it.
#[derive(Clone)]
pub struct Order {
    pub(super) id: String,
    pub(super) state: State,
    pub(super) asked: NewOrder,
    pub(super) initiated: Timestamp,
    /// When the gateway cancels it by itself.
    pub(super) expires: Timestamp,
    pub(super) payment: Option<Payment>,
    /// How the browser comes back, if this order has a way of its own.
    pub(super) returning: Option<Returning>,
}

/// What is known once the customer has paid.
#[derive(Clone)]
pub(super) struct Payment {
    pub(super) ref_id: String,
    pub(super) client_ip: String,
}

impl Order {
    /// The gateway's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The merchant's id.
    #[must_use]
    pub fn merchant(&self) -> &str {
        &self.asked.merchant
    }

    /// The order's id in the merchant's system.
    #[must_use]
    pub fn merchant_order_id(&self) -> &str {
        &self.asked.merchant_order_id
    }

    /// The amount, in Rial.
    #[must_use]
    pub const fn amount(&self) -> u64 {
        self.asked.amount
    }

    /// The payment's reference, once the customer has paid.
    #[must_use]
    pub fn ref_id(&self) -> Option<&str> {
        self.payment.as_ref().map(|payment| payment.ref_id.as_str())
    }

    /// Where the customer's browser goes back to: the merchant's URL with
    /// `orderId` and `status` added to its query, before its fragment.
    #[must_use]
    pub fn return_url(&self) -> String {
        self.return_url_claiming(&self.id, self.state)
    }

    /// The same with what the browser may claim.
    pub(super) fn return_url_claiming(&self, id: &str, state: State) -> String {
        let url = &self.asked.callback_url;
        let (url, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
        let joint = if !url.contains('?') {
            "?"
        } else if url.ends_with(['?', '&']) {
            ""
        } else {
            "&"
        };
        format!("{url}{joint}orderId={id}&status={state}{fragment}")
    }
}

impl fmt::Debug for Order {
    // What the merchant wrote and who pays is private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("id", &self.id)
            .field("state", &self.state)
            .field("amount", &self.asked.amount)
            .finish_non_exhaustive()
    }
}

/// All orders, and when each is cancelled if nothing happens.
pub(super) struct Orders {
    orders: HashMap<String, Order>,
    expiries: BTreeSet<(Timestamp, String)>,
    unpaid_expiry: Duration,
    verify_window: Duration,
    window_from: WindowFrom,
}

impl Orders {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            orders: HashMap::new(),
            expiries: BTreeSet::new(),
            unpaid_expiry: settings.unpaid_expiry,
            verify_window: settings.verify_window,
            window_from: settings.window_from,
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Order> {
        self.orders.values()
    }

    pub(super) fn get(&self, id: &str) -> Result<&Order, Refusal> {
        self.orders.get(id).ok_or(Refusal::NoSuchOrder)
    }

    /// An order of this merchant's; another's is as good as none.
    pub(super) fn of(&self, merchant: &str, id: &str) -> Result<&Order, Refusal> {
        self.get(id)
            .ok()
            .filter(|order| order.merchant() == merchant)
            .ok_or(Refusal::NoSuchOrder)
    }

    pub(super) fn initiate(&mut self, asked: NewOrder, ids: &mut Ids, now: Timestamp) -> &Order {
        let id = loop {
            let id = ids.order_id();
            if !self.orders.contains_key(&id) {
                break id;
            }
        };
        let expires = now + self.unpaid_expiry;
        self.expiries.insert((expires, id.clone()));
        let order = Order {
            id: id.clone(),
            state: State::Initial,
            asked,
            initiated: now,
            expires,
            payment: None,
            returning: None,
        };
        self.orders.entry(id).or_insert(order)
    }

    /// Has the browser come back in a way of this order's own.
    pub(super) fn set_returning(&mut self, id: &str, way: Returning) -> Result<&Order, Refusal> {
        let order = self.orders.get_mut(id).ok_or(Refusal::NoSuchOrder)?;
        order.returning = Some(way);
        Ok(order)
    }

    /// The customer opens the page.
    pub(super) fn enter(&mut self, id: &str) -> Result<&Order, Refusal> {
        let order = self.orders.get_mut(id).ok_or(Refusal::NoSuchOrder)?;
        if order.state == State::Initial {
            order.state = State::PgEntry;
        }
        Ok(order)
    }

    /// The customer pays.
    pub(super) fn pay(
        &mut self,
        id: &str,
        client_ip: String,
        book: &mut Book,
        ids: &mut Ids,
        now: Timestamp,
    ) -> Result<&Order, Refusal> {
        let order = self.orders.get_mut(id).ok_or(Refusal::NoSuchOrder)?;
        match order.state {
            State::Initial | State::PgEntry => {}
            State::PurchaseByUser | State::PurchaseConfirmByMerchant => {
                return Err(Refusal::AlreadyPaid);
            }
            State::CancelBySystem | State::CancelByUser => return Err(Refusal::Cancelled),
        }
        book.pay(&order.asked.user_identity, order.asked.amount)?;
        order.state = State::PurchaseByUser;
        order.payment = Some(Payment {
            ref_id: ids.ref_id(),
            client_ip,
        });
        self.expiries.remove(&(order.expires, id.to_owned()));
        let from = match self.window_from {
            WindowFrom::Payment => now,
            WindowFrom::Initiate => order.initiated,
        };
        order.expires = from + self.verify_window;
        self.expiries.insert((order.expires, id.to_owned()));
        Ok(order)
    }

    /// The customer cancels.
    pub(super) fn cancel(&mut self, id: &str) -> Result<&Order, Refusal> {
        let order = self.orders.get_mut(id).ok_or(Refusal::NoSuchOrder)?;
        match order.state {
            State::Initial | State::PgEntry => order.state = State::CancelByUser,
            State::PurchaseByUser | State::PurchaseConfirmByMerchant => {
                return Err(Refusal::AlreadyPaid);
            }
            State::CancelBySystem | State::CancelByUser => return Err(Refusal::Cancelled),
        }
        self.expiries.remove(&(order.expires, id.to_owned()));
        Ok(order)
    }

    /// The merchant verifies.
    pub(super) fn verify(
        &mut self,
        merchant: &str,
        id: &str,
        book: &mut Book,
    ) -> Result<&Order, Refusal> {
        self.of(merchant, id)?;
        let order = self.orders.get_mut(id).ok_or(Refusal::NoSuchOrder)?;
        match order.state {
            State::PurchaseByUser => order.state = State::PurchaseConfirmByMerchant,
            State::Initial | State::PgEntry => return Err(Refusal::NotPaid),
            State::PurchaseConfirmByMerchant => return Err(Refusal::AlreadyVerified),
            State::CancelBySystem | State::CancelByUser => return Err(Refusal::Cancelled),
        }
        book.capture(&order.asked.merchant, order.asked.amount);
        self.expiries.remove(&(order.expires, id.to_owned()));
        Ok(order)
    }

    /// Cancels what has run out by `now`; what was paid is refunded.
    pub(super) fn expire(&mut self, book: &mut Book, now: Timestamp) {
        while let Some((expires, _)) = self.expiries.first()
            && *expires <= now
            && let Some((_, id)) = self.expiries.pop_first()
        {
            let Some(order) = self.orders.get_mut(&id) else {
                continue;
            };
            if order.state == State::PurchaseByUser {
                book.refund(&order.asked.user_identity, order.asked.amount);
            }
            order.state = State::CancelBySystem;
        }
    }
}
