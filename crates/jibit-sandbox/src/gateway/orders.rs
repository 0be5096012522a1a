use std::{collections::BTreeSet, fmt, net::IpAddr, sync::Arc, time::Duration};

use indexmap::IndexMap;
use jibit_proto::Timestamp;

use super::{
    Book, Refusal,
    ids::{Ids, OrderId},
};
use crate::{Returning, Settings, WindowFrom, mobile::Mobile};

/// The six states of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// All six; an order passes through some of them, in this order.
    pub const ALL: [Self; 6] = [
        Self::Initial,
        Self::PgEntry,
        Self::PurchaseByUser,
        Self::PurchaseConfirmByMerchant,
        Self::CancelByUser,
        Self::CancelBySystem,
    ];

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
    pub(super) merchant: Arc<str>,
    pub(super) merchant_order_id: Box<str>,
    pub(super) amount: u64,
    pub(super) user_identity: Mobile,
    pub(super) callback_url: Box<str>,
    pub(super) additional_data: Option<Box<str>>,
    pub(super) description: Option<Box<str>>,
}

/// An order, as the gateway keeps it.
#[derive(Clone)]
pub struct Order {
    id: OrderId,
    state: State,
    /// A bit for each state that it has been in.
    passed: u8,
    pub(super) asked: NewOrder,
    /// When the gateway cancels it by itself.
    pub(super) expires: Timestamp,
    initiated: Timestamp,
    pub(super) payment: Option<Payment>,
    /// How the browser comes back, if this order has a way of its own.
    pub(super) returning: Option<Returning>,
}

/// What is known once the customer has paid.
#[derive(Clone)]
pub(super) struct Payment {
    pub(super) ref_id: Box<str>,
    pub(super) client_ip: IpAddr,
}

impl Order {
    /// The gateway's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Whether it is, or has been, in this state.
    #[must_use]
    pub const fn has_been(&self, state: State) -> bool {
        self.passed & (1 << state as u8) != 0
    }

    /// Whether the customer can still pay or cancel.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Initial | State::PgEntry)
    }

    fn becomes(&mut self, state: State) {
        self.state = state;
        self.passed |= 1 << state as u8;
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
        self.payment.as_ref().map(|payment| &*payment.ref_id)
    }

    /// Where the customer's browser goes back to: the merchant's URL with
    /// `orderId` and `status` added to its query, before its fragment.
    #[must_use]
    pub fn return_url(&self) -> String {
        self.return_url_claiming(self.id(), self.state)
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
            .field("id", &self.id())
            .field("state", &self.state)
            .field("amount", &self.asked.amount)
            .finish_non_exhaustive()
    }
}

/// All orders, and when each is cancelled if nothing happens.
pub(super) struct Orders {
    /// In the order in which they were initiated.
    orders: IndexMap<OrderId, Order>,
    /// By when they run out, and their place among the orders.
    expiries: BTreeSet<(Timestamp, usize)>,
    /// How many bytes of what merchants wrote are kept.
    text: usize,
    max: usize,
    unpaid_expiry: Duration,
    verify_window: Duration,
    window_from: WindowFrom,
}

/// How many bytes of what merchants wrote are kept at most: a number of orders
/// alone is no bound.
const MAX_TEXT: usize = 512 * 1024 * 1024;

impl NewOrder {
    fn text(&self) -> usize {
        let optional = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| text.len());
        self.merchant_order_id.len()
            + self.callback_url.len()
            + optional(&self.additional_data)
            + optional(&self.description)
    }
}

impl Orders {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            orders: IndexMap::new(),
            expiries: BTreeSet::new(),
            text: 0,
            max: settings.max_orders,
            unpaid_expiry: settings.unpaid_expiry,
            verify_window: settings.verify_window,
            window_from: settings.window_from,
        }
    }

    /// All of them, the earliest first.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &Order> + ExactSizeIterator {
        self.orders.values()
    }

    pub(super) fn get(&self, id: &str) -> Result<&Order, Refusal> {
        OrderId::new(id)
            .and_then(|id| self.orders.get(&id))
            .ok_or(Refusal::NoSuchOrder)
    }

    fn get_mut(&mut self, id: &str) -> Result<(usize, &mut Order), Refusal> {
        let found = OrderId::new(id).and_then(|id| self.orders.get_full_mut(&id));
        let (place, _, order) = found.ok_or(Refusal::NoSuchOrder)?;
        Ok((place, order))
    }

    /// An order of this merchant's; another's is as good as none.
    pub(super) fn of(&self, merchant: &str, id: &str) -> Result<&Order, Refusal> {
        self.get(id)
            .ok()
            .filter(|order| order.merchant() == merchant)
            .ok_or(Refusal::NoSuchOrder)
    }

    pub(super) fn initiate(
        &mut self,
        asked: NewOrder,
        ids: &mut Ids,
        now: Timestamp,
    ) -> Result<&Order, Refusal> {
        let text = self.text + asked.text();
        if self.orders.len() >= self.max || text > MAX_TEXT {
            return Err(Refusal::Full);
        }
        self.text = text;
        let id = loop {
            let id = ids.order_id();
            if !self.orders.contains_key(&id) {
                break id;
            }
        };
        let expires = now + self.unpaid_expiry;
        self.expiries.insert((expires, self.orders.len()));
        let mut order = Order {
            id,
            state: State::Initial,
            passed: 0,
            asked,
            initiated: now,
            expires,
            payment: None,
            returning: None,
        };
        order.becomes(State::Initial);
        Ok(self.orders.entry(id).or_insert(order))
    }

    /// Has the browser come back in a way of this order's own.
    pub(super) fn set_returning(&mut self, id: &str, way: Returning) -> Result<&Order, Refusal> {
        let (_, order) = self.get_mut(id)?;
        order.returning = Some(way);
        Ok(order)
    }

    /// The customer opens the page.
    pub(super) fn enter(&mut self, id: &str) -> Result<&Order, Refusal> {
        let (_, order) = self.get_mut(id)?;
        if order.state == State::Initial {
            order.becomes(State::PgEntry);
        }
        Ok(order)
    }

    /// The customer pays.
    pub(super) fn pay(
        &mut self,
        id: &str,
        client_ip: IpAddr,
        book: &mut Book,
        ids: &mut Ids,
        now: Timestamp,
    ) -> Result<&Order, Refusal> {
        let (window, window_from) = (self.verify_window, self.window_from);
        let (place, order) = self.get_mut(id)?;
        match order.state {
            State::Initial | State::PgEntry => {}
            State::PurchaseByUser | State::PurchaseConfirmByMerchant => {
                return Err(Refusal::AlreadyPaid);
            }
            State::CancelBySystem | State::CancelByUser => return Err(Refusal::Cancelled),
        }
        book.pay(order.asked.user_identity, order.asked.amount)?;
        order.becomes(State::PurchaseByUser);
        order.payment = Some(Payment {
            ref_id: ids.ref_id().into(),
            client_ip,
        });
        let from = match window_from {
            WindowFrom::Payment => now,
            WindowFrom::Initiate => order.initiated,
        };
        let expires = from + window;
        let unpaid = std::mem::replace(&mut order.expires, expires);
        self.expiries.remove(&(unpaid, place));
        self.expiries.insert((expires, place));
        self.get(id)
    }

    /// The customer cancels.
    pub(super) fn cancel(&mut self, id: &str) -> Result<&Order, Refusal> {
        let (place, order) = self.get_mut(id)?;
        match order.state {
            State::Initial | State::PgEntry => order.becomes(State::CancelByUser),
            State::PurchaseByUser | State::PurchaseConfirmByMerchant => {
                return Err(Refusal::AlreadyPaid);
            }
            State::CancelBySystem | State::CancelByUser => return Err(Refusal::Cancelled),
        }
        let expires = order.expires;
        self.expiries.remove(&(expires, place));
        self.get(id)
    }

    /// The merchant verifies.
    pub(super) fn verify(
        &mut self,
        merchant: &str,
        id: &str,
        book: &mut Book,
    ) -> Result<&Order, Refusal> {
        self.of(merchant, id)?;
        let (place, order) = self.get_mut(id)?;
        match order.state {
            State::PurchaseByUser => order.becomes(State::PurchaseConfirmByMerchant),
            State::Initial | State::PgEntry => return Err(Refusal::NotPaid),
            State::PurchaseConfirmByMerchant => return Err(Refusal::AlreadyVerified),
            State::CancelBySystem | State::CancelByUser => return Err(Refusal::Cancelled),
        }
        book.capture(&order.asked.merchant, order.asked.amount);
        let expires = order.expires;
        self.expiries.remove(&(expires, place));
        self.get(id)
    }

    /// The order's time is over at once.
    pub(super) fn run_out(&mut self, id: &str, book: &mut Book) -> Result<&Order, Refusal> {
        let (place, order) = self.get_mut(id)?;
        match order.state {
            State::Initial | State::PgEntry | State::PurchaseByUser => {}
            State::PurchaseConfirmByMerchant => return Err(Refusal::AlreadyVerified),
            State::CancelBySystem | State::CancelByUser => return Err(Refusal::Cancelled),
        }
        let expires = order.expires;
        self.expiries.remove(&(expires, place));
        self.cancel_by_system(place, book);
        self.get(id)
    }

    /// Cancels what has run out by `now`; what was paid is refunded.
    pub(super) fn expire(&mut self, book: &mut Book, now: Timestamp) {
        while let Some((expires, _)) = self.expiries.first()
            && *expires <= now
            && let Some((_, place)) = self.expiries.pop_first()
        {
            self.cancel_by_system(place, book);
        }
    }

    fn cancel_by_system(&mut self, place: usize, book: &mut Book) {
        let Some((_, order)) = self.orders.get_index_mut(place) else {
            return;
        };
        if order.state == State::PurchaseByUser {
            book.refund(order.asked.user_identity, order.asked.amount);
        }
        order.becomes(State::CancelBySystem);
    }
}
