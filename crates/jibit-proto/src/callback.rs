use crate::{InvalidInput, OrderId, OrderStatus};

/// The longest query or form that is read; a genuine one has under 200 bytes
/// plus what the shop's own callback URL carries.
const MAX_LEN: usize = 8 * 1024;

/// What the customer's browser brought back: a hint that it is time to ask,
/// never proof. Nothing signs it.
///
/// Compare [`order_id`](Self::order_id) with the one stored for the order that
/// the callback URL belongs to, then ask the gateway about the *stored* one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    order_id: OrderId,
    claimed_status: Option<OrderStatus>,
}

impl Callback {
    /// Reads the query of the browser's GET, without its `?`.
    ///
    /// Parameters other than `orderId` and `status` are ignored: they are the
    /// shop's own.
    ///
    /// # Errors
    ///
    /// If the query is over 8 KiB, if `orderId` is missing or not one, if
    /// `orderId` or `status` stands twice, or is not percent-encoded UTF-8.
    pub fn from_query(query: &str) -> Result<Self, InvalidInput> {
        Self::from_form(query.as_bytes())
    }

    /// Reads the body of a form POST (`application/x-www-form-urlencoded`).
    ///
    /// # Errors
    ///
    /// As [`from_query`](Self::from_query).
    pub fn from_form(body: &[u8]) -> Result<Self, InvalidInput> {
        if body.len() > MAX_LEN {
            return Err(invalid("callback", "is longer than 8 KiB"));
        }
        let mut order_id = None;
        let mut status = None;
        for pair in body.split(|byte| *byte == b'&') {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default());
            let value = halves.next().unwrap_or_default();
            let (field, slot) = match name.as_deref() {
                Some("orderId") => ("orderId", &mut order_id),
                Some("status") => ("status", &mut status),
                _ => continue,
            };
            let value =
                decode(value).ok_or_else(|| invalid(field, "is not percent-encoded UTF-8"))?;
            if slot.replace(value).is_some() {
                return Err(invalid(field, "stands twice"));
            }
        }
        let order_id = order_id.ok_or_else(|| invalid("orderId", "is missing"))?;
        Ok(Self {
            order_id: OrderId::new(order_id)?,
            claimed_status: status.as_deref().map(OrderStatus::from_wire),
        })
    }

    /// The orderId that the browser brought: compare it with the stored one.
    #[must_use]
    pub fn order_id(&self) -> &OrderId {
        &self.order_id
    }

    /// The state that the browser claims: anybody can write anything here.
    #[must_use]
    pub fn claimed_status(&self) -> Option<&OrderStatus> {
        self.claimed_status.as_ref()
    }
}

fn invalid(field: &'static str, problem: &'static str) -> InvalidInput {
    InvalidInput::new(
        field,
        problem,
        "ask the gateway about the stored order instead",
    )
}

/// Undoes form encoding; nothing if an escape is broken or the text is not
/// UTF-8.
fn decode(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok()
}
