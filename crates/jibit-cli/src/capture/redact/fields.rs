//! What each field of the protocol holds.

use jibit_proto::OrderStatus;

use super::parts::is_loopback;

/// What a field holds, which says what becomes of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Password,
    Token,
    Username,
    /// An identifier of an order or a payment.
    Id,
    Callback,
    Redirect,
    /// A state or a code: kept if it looks like one.
    Word,
    /// An amount or a time: a number that is kept.
    Number,
    /// What the gateway says in words: kept but for what is private in it.
    Message,
    /// Who made a token, and for whom.
    Claim,
    /// Everything else: replaced.
    Text,
}

/// Where a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Request,
    Answer,
    /// The header of a JWT.
    JwtHeader,
    /// The payload of a JWT.
    JwtClaims,
}

/// What the field of this name holds.
pub(super) fn kind(place: Place, name: &str) -> Kind {
    // Spelled otherwise it is just as private: the document itself writes
    // `RefreshToken` and `refreshToken`.
    let name = name.to_ascii_lowercase();
    match (place, name.as_str()) {
        (Place::JwtHeader, "typ" | "alg" | "cty") => Kind::Claim,
        (Place::JwtClaims, "exp" | "iat" | "nbf") => Kind::Number,
        (Place::JwtClaims, "aud" | "iss") => Kind::Claim,
        (Place::JwtClaims, "sub") => Kind::Username,
        (Place::JwtClaims, "jti") => Kind::Id,
        (Place::JwtHeader | Place::JwtClaims, _) => Kind::Text,
        (_, "password") => Kind::Password,
        (_, "token" | "refreshtoken") => Kind::Token,
        (_, "username") => Kind::Username,
        (_, "orderid" | "merchantorderid" | "refid") => Kind::Id,
        (_, "callbackurl") => Kind::Callback,
        (_, "redirecturl") => Kind::Redirect,
        (_, "status" | "statusv" | "errorcode") => Kind::Word,
        (_, "amount") => Kind::Number,
        // A shop's message would be a person's words.
        (Place::Answer, "message") => Kind::Message,
        _ => Kind::Text,
    }
}

/// The names of the protocol's fields, in lower case.
const NAMES: [&str; 18] = [
    "additionaldata",
    "amount",
    "callbackurl",
    "clientip",
    "description",
    "errorcode",
    "merchantorderid",
    "message",
    "orderid",
    "password",
    "redirecturl",
    "refid",
    "refreshtoken",
    "result",
    "status",
    "statusv",
    "useridentity",
    "username",
];

/// Whether this is what the protocol itself says, or the address that every
/// machine has: it gives nobody away.
pub(super) fn is_public(text: &str) -> bool {
    let name = text.to_ascii_lowercase();
    NAMES.contains(&name.as_str())
        || !matches!(OrderStatus::from_wire(text), OrderStatus::Other(_))
        || is_loopback(text)
}

/// Whether a text is one word such as `PGENTRY` or `ERR-17`, and no number of
/// a person or a payment.
pub(super) fn is_word(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let mut bytes = text.bytes();
    text.len() <= 40
        && digits < 6
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}
