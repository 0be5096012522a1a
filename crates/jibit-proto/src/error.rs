use std::{error::Error as StdError, fmt, sync::Arc};

/// What may have happened at the gateway when a call fails.
///
/// "We cannot tell" is a value of its own, so that it is never read as "no".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Certainty {
    /// Nothing changed at the gateway: the call may be made again.
    NothingHappened,
    /// The request may have taken effect: ask before anything else.
    Unknown,
}

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is not what the protocol can carry; nothing was sent.
    InvalidInput,
    /// The gateway refuses the user name, the password or a new token.
    Credentials,
    /// The gateway understood and refused.
    Refused,
    /// The gateway itself says to inquiry that it knows no such order. A 404 without
    /// the gateway's errorCode is not its word (a proxy's, say): that is `Refused`.
    NoSuchOrder,
    /// No answer came: not sent, or lost on the way.
    Transport,
    /// The gateway, or our own queue to it, has no room for the call.
    Unavailable,
    /// An answer came that is not one of the protocol's.
    Unreadable,
    /// The answer is about another amount or another order.
    Mismatch,
    /// The settings cannot work, such as plain http to a distant host.
    Configuration,
}

/// An argument that is refused before anything is sent.
///
/// Its text names the field, the problem and the remedy; it never repeats the
/// value, which may be private.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}; {remedy}")]
pub struct InvalidInput {
    field: &'static str,
    problem: &'static str,
    remedy: &'static str,
}

impl InvalidInput {
    /// A refusal in these words, none of which may repeat the value.
    #[must_use]
    pub const fn new(field: &'static str, problem: &'static str, remedy: &'static str) -> Self {
        Self {
            field,
            problem,
            remedy,
        }
    }

    /// The field, as the wire names it.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// What is wrong with the value.
    #[must_use]
    pub const fn problem(&self) -> &'static str {
        self.problem
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        self.remedy
    }
}

/// Whether a request whose answer is missing may have reached the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// No byte of the request left: refused port, unknown host, failed TLS.
    NotSent,
    /// It may have arrived: time-out, reset, closed, cut or oversize answer.
    Unknown,
}

/// What a transport reports when it has no whole answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", match .delivery {
    Delivery::NotSent => "the request was not sent",
    Delivery::Unknown => "the answer was lost",
})]
pub struct TransportError {
    delivery: Delivery,
    source: Arc<dyn StdError + Send + Sync>,
}

impl TransportError {
    /// The request certainly did not leave.
    pub fn not_sent(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            delivery: Delivery::NotSent,
            source: Arc::from(source.into()),
        }
    }

    /// The request may have arrived. When in doubt, it is this one.
    pub fn unknown(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            delivery: Delivery::Unknown,
            source: Arc::from(source.into()),
        }
    }

    /// Whether the request may have reached the gateway.
    #[must_use]
    pub const fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// What that means for the request's effect.
    #[must_use]
    pub const fn certainty(&self) -> Certainty {
        match self.delivery {
            Delivery::NotSent => Certainty::NothingHappened,
            Delivery::Unknown => Certainty::Unknown,
        }
    }
}

/// Why a call failed, and what may have happened all the same.
///
/// `Display` is one line without the source's text; walk
/// [`source`](StdError::source) for the rest.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    certainty: Certainty,
    message: &'static str,
    answer: Option<GatewayAnswer>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What the gateway itself said when it did not say yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayAnswer {
    pub(crate) status: u16,
    pub(crate) code: Option<i64>,
    pub(crate) message: Option<String>,
}

impl GatewayAnswer {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The envelope's `errorCode`, if there was one. No table of codes exists.
    #[must_use]
    pub const fn code(&self) -> Option<i64> {
        self.code
    }

    /// The gateway's message, on one line, with what could be a secret or a
    /// mobile number masked.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

impl Error {
    /// Why the call failed.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What may have happened at the gateway.
    #[must_use]
    pub const fn certainty(&self) -> Certainty {
        self.certainty
    }

    /// What the gateway said, if this error comes from an answer of its own.
    #[must_use]
    pub const fn answer(&self) -> Option<&GatewayAnswer> {
        self.answer.as_ref()
    }

    /// The call's time ended before anything of it was sent.
    pub(crate) const fn no_time() -> Self {
        Self {
            kind: ErrorKind::Unavailable,
            certainty: Certainty::NothingHappened,
            message: "the call's time is over",
            answer: None,
            source: None,
        }
    }

    /// The same failure, of a renewal that a call waited for: the call's own
    /// request never left.
    pub(crate) fn before_sending(&self) -> Self {
        Self {
            certainty: Certainty::NothingHappened,
            ..self.clone()
        }
    }

    /// An answer that does not answer what was asked.
    pub(crate) const fn other_question() -> Self {
        Self {
            kind: ErrorKind::Unreadable,
            certainty: Certainty::Unknown,
            message: "the answer is not one to what was asked",
            answer: None,
            source: None,
        }
    }

    pub(crate) const fn from_answer(
        kind: ErrorKind,
        certainty: Certainty,
        message: &'static str,
        answer: GatewayAnswer,
    ) -> Self {
        Self {
            kind,
            certainty,
            message,
            answer: Some(answer),
            source: None,
        }
    }
}

impl From<InvalidInput> for Error {
    fn from(invalid: InvalidInput) -> Self {
        Self {
            kind: ErrorKind::InvalidInput,
            certainty: Certainty::NothingHappened,
            message: "an argument is not valid",
            answer: None,
            source: Some(Arc::new(invalid)),
        }
    }
}

impl From<TransportError> for Error {
    fn from(lost: TransportError) -> Self {
        Self {
            kind: ErrorKind::Transport,
            certainty: lost.certainty(),
            message: "the gateway did not answer",
            answer: None,
            source: Some(Arc::new(lost)),
        }
    }
}

impl fmt::Display for Certainty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingHappened => "nothing-happened",
            Self::Unknown => "unknown",
        })
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidInput => "invalid-input",
            Self::Credentials => "credentials",
            Self::Refused => "refused",
            Self::NoSuchOrder => "no-such-order",
            Self::Transport => "transport",
            Self::Unavailable => "unavailable",
            Self::Unreadable => "unreadable",
            Self::Mismatch => "mismatch",
            Self::Configuration => "configuration",
        })
    }
}
