use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use crate::InvalidInput;

/// Room for any identifier that a gateway or a shop mints, and a bound on what
/// a stranger can make us carry.
const MAX_LEN: usize = 256;

/// Stands for bytes that are no text.
pub(crate) const LOST: char = char::REPLACEMENT_CHARACTER;

/// What is wrong with `text` as an identifier, if anything is.
fn problem(text: &str) -> Option<&'static str> {
    if text.trim().is_empty() {
        Some("is empty")
    } else if text.len() > MAX_LEN {
        Some("is longer than 256 bytes")
    } else if text.chars().any(char::is_control) {
        Some("holds control characters")
    } else if text.contains(LOST) {
        Some("holds bytes that are no text")
    } else {
        None
    }
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $field:literal, $remedy:literal, $more:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes `text` as it is.
            ///
            /// # Errors
            ///
            /// If it is empty, longer than 256 bytes or holds control
            /// characters.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidInput> {
                let text = text.into();
                let more: fn(&str) -> Option<&'static str> = $more;
                match problem(&text).or_else(|| more(&text)) {
                    Some(problem) => Err(InvalidInput::new($field, problem, $remedy)),
                    None => Ok(Self(text.into())),
                }
            }

            /// The identifier's text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidInput;

            fn from_str(text: &str) -> Result<Self, InvalidInput> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}

identifier! {
    /// The gateway's identifier of an order: opaque text.
    ///
    /// `.` and `..` are refused, because as a path segment they would name
    /// another resource even when encoded.
    OrderId, "orderId", "give the orderId that initiate answered",
    |text| matches!(text, "." | "..").then_some("is a path step, not an identifier")
}

identifier! {
    /// The identifier that the merchant's own system gave the order.
    MerchantOrderId, "merchantOrderId", "give the order's identifier in the merchant's system",
    |_| None
}

identifier! {
    /// The gateway's reference of a payment, for people: never a key.
    RefId, "refId", "give the refId as the gateway printed it",
    |_| None
}

impl OrderId {
    /// The identifier as one path segment: everything but letters, digits,
    /// `-`, `_`, `~` and `.` is percent-encoded, so it cannot leave its place.
    #[must_use]
    pub fn path_segment(&self) -> Cow<'_, str> {
        use fmt::Write as _;
        let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~.".contains(&byte);
        if self.0.bytes().all(stays) {
            return Cow::Borrowed(&self.0);
        }
        let mut segment = String::new();
        for byte in self.0.bytes() {
            if stays(byte) {
                segment.push(char::from(byte));
            } else {
                // Writing to a String does not fail.
                let _ = write!(segment, "%{byte:02X}");
            }
        }
        Cow::Owned(segment)
    }
}

impl MerchantOrderId {
    /// Whether the gateway's `echo` names this order: equal, or equal once
    /// blanks around both are trimmed (the document's own sample adds one).
    #[must_use]
    pub fn is_echoed_by(&self, echo: &str) -> bool {
        *self.0 == *echo || self.0.trim() == echo.trim()
    }
}
