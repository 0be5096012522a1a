use std::fmt;

/// The state of an order, as the gateway names it.
///
/// A state that the document does not list is kept as it came, in
/// [`Other`](Self::Other): it is never success and never failure.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OrderStatus {
    /// `INITIAL`: initiate was called and an orderId received.
    Initial,
    /// `PGENTRY`: the customer was taken to the gateway.
    PgEntry,
    /// `CANCEL_BY_SYSTEM`: the gateway cancelled the payment; final.
    CancelBySystem,
    /// `CANCEL_BY_USER`: the customer cancelled; final.
    CancelByUser,
    /// `PURCHASE_BY_USER`: the customer paid; not verified yet.
    PurchaseByUser,
    /// `PURCHASE_CONFIRM_BY_MERCHANT`: paid and verified; final.
    PurchaseConfirmByMerchant,
    /// Any other text; read it with [`OrderStatus::as_str`].
    Other(UnknownStatus),
}

/// The text of a state that the document does not list.
///
/// It is made only by [`OrderStatus::from_wire`], so a listed state can never
/// hide in here.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UnknownStatus(String);

impl fmt::Debug for UnknownStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl OrderStatus {
    /// The states that the document lists, in its order.
    pub const DOCUMENTED: [Self; 6] = [
        Self::Initial,
        Self::PgEntry,
        Self::CancelBySystem,
        Self::CancelByUser,
        Self::PurchaseByUser,
        Self::PurchaseConfirmByMerchant,
    ];

    /// The state that the gateway's `text` names, exactly as it is spelled.
    #[must_use]
    pub fn from_wire(text: &str) -> Self {
        Self::DOCUMENTED
            .into_iter()
            .find(|status| status.as_str() == text)
            .unwrap_or_else(|| Self::Other(UnknownStatus(text.to_owned())))
    }

    /// The gateway's own word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Initial => "INITIAL",
            Self::PgEntry => "PGENTRY",
            Self::CancelBySystem => "CANCEL_BY_SYSTEM",
            Self::CancelByUser => "CANCEL_BY_USER",
            Self::PurchaseByUser => "PURCHASE_BY_USER",
            Self::PurchaseConfirmByMerchant => "PURCHASE_CONFIRM_BY_MERCHANT",
            Self::Other(unknown) => &unknown.0,
        }
    }

    /// What the state means, in English.
    #[must_use]
    pub fn english(&self) -> &'static str {
        match self {
            Self::Initial => {
                "the order is registered; the customer has not come to the gateway yet"
            }
            Self::PgEntry => "the customer is on the gateway's page",
            Self::CancelBySystem => "the gateway cancelled the payment",
            Self::CancelByUser => "the customer cancelled the payment",
            Self::PurchaseByUser => "the customer has paid; the merchant has not verified yet",
            Self::PurchaseConfirmByMerchant => {
                "the customer has paid and the merchant has verified"
            }
            Self::Other(_) => "a state that protocol 2.1 does not list",
        }
    }

    /// What the state means, in Persian.
    #[must_use]
    pub fn persian(&self) -> &'static str {
        match self {
            Self::Initial => "سفارش ثبت شده و مشتری هنوز وارد درگاه نشده است",
            Self::PgEntry => "مشتری در صفحهٔ درگاه است",
            Self::CancelBySystem => "پرداخت را درگاه لغو کرده است",
            Self::CancelByUser => "پرداخت را مشتری لغو کرده است",
            Self::PurchaseByUser => "مشتری پرداخت کرده و پذیرنده هنوز تأیید نکرده است",
            Self::PurchaseConfirmByMerchant => "مشتری پرداخت کرده و پذیرنده تأیید کرده است",
            Self::Other(_) => "وضعیتی که در نسخهٔ ۲٫۱ نیامده است",
        }
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An unknown state is a stranger's text: it must not break a log line.
        self.as_str().escape_debug().fmt(f)
    }
}
