use http::{HeaderMap, HeaderValue, StatusCode, header};

/// Why the sandbox refuses.
///
/// The document prints no table of codes, so every code here is an invention,
/// in the range 9000 to 9099 so that nobody takes one for Jibit's own.
/// `docs/sandbox.md` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// 9001: the user name or the password is wrong.
    #[error("username or password is wrong")]
    Credentials,
    /// 9002: the token pair cannot be refreshed (any more).
    #[error("the token pair cannot be refreshed")]
    Refresh,
    /// 9003: the bearer token is missing, expired or not ours.
    #[error("the bearer token is not valid")]
    Token,
    /// 9010: the body is not a JSON object, or one of its fields stands twice.
    #[error("the body is not a JSON object, or has a field twice")]
    Body,
    /// 9011: `amount` is not a whole number of Rial from 1 to 2^53-1.
    #[error("amount is not a whole number of Rial from 1 to 9007199254740991")]
    Amount,
    /// 9012: `callBackUrl` is not an absolute http or https URL in ASCII.
    #[error("callBackUrl is not an absolute http or https URL in ASCII")]
    CallbackUrl,
    /// 9013: `userIdentity` is not 09 and nine digits.
    #[error("userIdentity is not 09 and nine digits")]
    UserIdentity,
    /// 9014: `merchantOrderId` is empty.
    #[error("merchantOrderId is empty")]
    MerchantOrderId,
    /// 9015: the text is no plan of faults.
    #[error("plan is not a plan of faults")]
    Plan,
    /// 9016: this field is not there, or it is something else than text.
    #[error("{0} is missing or is not text")]
    Text(&'static str),
    /// 9017: `limit` is not a number, or is too large.
    #[error("limit is not a whole number from 0 to 1000")]
    Limit,
    /// 9020: this merchant has no such order.
    #[error("this merchant has no such order")]
    NoSuchOrder,
    /// 9021: nobody has paid the order yet.
    #[error("the order is not paid")]
    NotPaid,
    /// 9022: the order was verified before.
    #[error("the order was verified before")]
    AlreadyVerified,
    /// 9023: the order is cancelled.
    #[error("the order is cancelled")]
    Cancelled,
    /// 9024: the order was paid before.
    #[error("the order was paid before")]
    AlreadyPaid,
    /// 9025: the customer's wallet holds less than the amount.
    #[error("the wallet does not hold enough money")]
    InsufficientFunds,
    /// 9026: the customer's wallet is blocked.
    #[error("the wallet is blocked")]
    WalletBlocked,
    /// 9030: nothing is served under this path.
    #[error("there is no such path")]
    NoSuchPath,
    /// 9031: the path is served, with these methods.
    #[error("this path takes another method: {0}")]
    Method(&'static str),
    /// 9032: the content type is not JSON.
    #[error("Content-Type is not application/json")]
    ContentType,
    /// 9033: the request is longer than the sandbox reads.
    #[error("the request is too long")]
    TooLong,
    /// 9034: the request is not the HTTP that a gateway should accept.
    #[error("the request has no Host, or both Content-Length and Transfer-Encoding")]
    Framing,
    /// 9035: the sandbox is full.
    #[error("the sandbox keeps no more orders; reset it, or start it with a larger number")]
    Full,
    /// 9036: the request did not come whole in time.
    #[error("the request did not come whole in time")]
    TooSlow,
    /// 9040: the request comes from a page of another site, or under a name that
    /// is not the sandbox's.
    #[error("the request comes from another site; use an address or the public URL of the sandbox")]
    Site,
    /// 9041: the control token is not there or is another one.
    #[error("the control token is missing or wrong")]
    ControlToken,
    /// 9042: the controls are closed.
    #[error("the controls are closed: others reach this sandbox, and it has no control token")]
    Closed,
}

impl Refusal {
    /// All of them, for documents and tests.
    pub const ALL: [Self; 28] = [
        Self::Credentials,
        Self::Refresh,
        Self::Token,
        Self::Body,
        Self::Amount,
        Self::CallbackUrl,
        Self::UserIdentity,
        Self::MerchantOrderId,
        Self::Plan,
        Self::Text("the field"),
        Self::Limit,
        Self::NoSuchOrder,
        Self::NotPaid,
        Self::AlreadyVerified,
        Self::Cancelled,
        Self::AlreadyPaid,
        Self::InsufficientFunds,
        Self::WalletBlocked,
        Self::NoSuchPath,
        Self::Method("POST"),
        Self::ContentType,
        Self::TooLong,
        Self::Framing,
        Self::Full,
        Self::TooSlow,
        Self::Site,
        Self::ControlToken,
        Self::Closed,
    ];

    /// The `errorCode`.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Credentials => 9001,
            Self::Refresh => 9002,
            Self::Token => 9003,
            Self::Body => 9010,
            Self::Amount => 9011,
            Self::CallbackUrl => 9012,
            Self::UserIdentity => 9013,
            Self::MerchantOrderId => 9014,
            Self::Plan => 9015,
            Self::Text(_) => 9016,
            Self::Limit => 9017,
            Self::NoSuchOrder => 9020,
            Self::NotPaid => 9021,
            Self::AlreadyVerified => 9022,
            Self::Cancelled => 9023,
            Self::AlreadyPaid => 9024,
            Self::InsufficientFunds => 9025,
            Self::WalletBlocked => 9026,
            Self::NoSuchPath => 9030,
            Self::Method(_) => 9031,
            Self::ContentType => 9032,
            Self::TooLong => 9033,
            Self::Framing => 9034,
            Self::Full => 9035,
            Self::TooSlow => 9036,
            Self::Site => 9040,
            Self::ControlToken => 9041,
            Self::Closed => 9042,
        }
    }

    /// The HTTP status that it comes with.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            // The protocol refuses by errorCode; integrations saw that inside a 200.
            Self::Credentials
            | Self::Refresh
            | Self::NotPaid
            | Self::AlreadyVerified
            | Self::Cancelled
            | Self::AlreadyPaid
            | Self::InsufficientFunds
            | Self::WalletBlocked
            | Self::Full => StatusCode::OK,
            Self::Token | Self::ControlToken => StatusCode::UNAUTHORIZED,
            Self::Site | Self::Closed => StatusCode::FORBIDDEN,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Body
            | Self::Amount
            | Self::CallbackUrl
            | Self::UserIdentity
            | Self::MerchantOrderId
            | Self::Plan
            | Self::Text(_)
            | Self::Limit
            | Self::Framing => StatusCode::BAD_REQUEST,
            Self::NoSuchOrder | Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }

    /// Adds the header that goes with its status.
    pub(super) fn mark(self, headers: &mut HeaderMap) {
        if let Self::Method(allowed) = self {
            headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
        }
    }
}
