/// The five operations, as the document names them.
pub const OPERATIONS: [&str; 5] = ["authenticate", "refresh", "initiate", "verify", "inquiry"];

/// An outcome that the rules know, whatever form it comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// Nobody listens; then the gateway is back.
    NotSent,
    /// The request may have arrived, and no answer came.
    Lost,
    /// HTTP 401, or errorCode 401.
    Unauthorized,
    /// Another status from 400 to 499.
    ClientError,
    /// HTTP 404, and of inquiry one with an errorCode.
    NotFound,
    /// HTTP 429, with or without a time to wait.
    TooMany,
    /// HTTP 408 or 503.
    Busy,
    /// Another status from 500 on.
    ServerError,
    /// HTTP 3xx.
    Redirect,
    /// An errorCode above zero in a 200.
    Refused,
    /// A 200 that is encoded, or says too little.
    Unreadable,
    /// Another amount or merchantOrderId than ours.
    Differs,
    /// A state that nobody knows.
    UnknownState,
    /// `PURCHASE_BY_USER`.
    Purchased,
    /// `PURCHASE_CONFIRM_BY_MERCHANT`.
    Confirmed,
    /// `INITIAL` or `PGENTRY`.
    NotYet,
    /// `CANCEL_BY_USER` or `CANCEL_BY_SYSTEM`.
    Cancelled,
    /// A page for the customer that is not https.
    UnsafeRedirectUrl,
}

impl Row {
    /// All of them, as the rules list them.
    pub const ALL: [Self; 18] = [
        Self::NotSent,
        Self::Lost,
        Self::Unauthorized,
        Self::ClientError,
        Self::NotFound,
        Self::TooMany,
        Self::Busy,
        Self::ServerError,
        Self::Redirect,
        Self::Refused,
        Self::Unreadable,
        Self::Differs,
        Self::UnknownState,
        Self::Purchased,
        Self::Confirmed,
        Self::NotYet,
        Self::Cancelled,
        Self::UnsafeRedirectUrl,
    ];

    /// Its part of a test's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Lost => "lost",
            Self::Unauthorized => "unauthorized",
            Self::ClientError => "client_error",
            Self::NotFound => "not_found",
            Self::TooMany => "too_many",
            Self::Busy => "busy",
            Self::ServerError => "server_error",
            Self::Redirect => "redirect",
            Self::Refused => "refused",
            Self::Unreadable => "unreadable",
            Self::Differs => "differs",
            Self::UnknownState => "unknown_state",
            Self::Purchased => "purchased",
            Self::Confirmed => "confirmed",
            Self::NotYet => "not_yet",
            Self::Cancelled => "cancelled",
            Self::UnsafeRedirectUrl => "unsafe_redirect_url",
        }
    }

    /// What it is, for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::NotSent => "not sent: nobody listens",
            Self::Lost => {
                "lost after it may have been sent: reset, closed, cut off, without an end, too late"
            }
            Self::Unauthorized => "HTTP 401, or errorCode 401",
            Self::ClientError => "HTTP 400, 403; of inquiry also a bare 404",
            Self::NotFound => "HTTP 404; of inquiry one with an errorCode",
            Self::TooMany => "HTTP 429, with and without Retry-After",
            Self::Busy => "HTTP 408, 503",
            Self::ServerError => "HTTP 500, a proxy's 502 page",
            Self::Redirect => "HTTP 302, 307",
            Self::Refused => "200 with errorCode > 0",
            Self::Unreadable => "200 that is garbage, gzip, without errorCode or result",
            Self::Differs => "another amount or merchantOrderId",
            Self::UnknownState => "a state that nobody knows",
            Self::Purchased => "`PURCHASE_BY_USER`",
            Self::Confirmed => "`PURCHASE_CONFIRM_BY_MERCHANT`",
            Self::NotYet => "`INITIAL`, `PGENTRY`",
            Self::Cancelled => "`CANCEL_BY_USER`, `CANCEL_BY_SYSTEM`",
            Self::UnsafeRedirectUrl => "redirectUrl that is not https",
        }
    }

    /// The operations that it can happen to.
    #[must_use]
    pub const fn operations(self) -> &'static [&'static str] {
        match self {
            Self::Differs => &["initiate", "verify", "inquiry"],
            Self::UnknownState
            | Self::Purchased
            | Self::Confirmed
            | Self::NotYet
            | Self::Cancelled => &["inquiry"],
            Self::UnsafeRedirectUrl => &["initiate"],
            _ => &OPERATIONS,
        }
    }
}

/// What has to come of an operation under an outcome.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// One of [`OPERATIONS`].
    pub operation: &'static str,
    /// What happens to it.
    pub row: Row,
    /// What the caller is told: `done`, a verdict, or an error's kind and certainty.
    pub outcome: &'static str,
    /// The requests that arrive at the gateway, the first being the one that is struck,
    /// if it is struck before the gateway has done what it asks.
    pub before: &'static str,
    /// The same, if the gateway has done it. Where that makes no difference, nothing.
    pub after: &'static str,
}

impl Cell {
    /// The name of its tests, in the module `matrix` of each transport's.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}_{}", self.operation, self.row.name())
    }
}

const fn cell(
    operation: &'static str,
    row: Row,
    outcome: &'static str,
    before: &'static str,
    after: &'static str,
) -> Cell {
    Cell {
        operation,
        row,
        outcome,
        before,
        after,
    }
}

/// All cells, an operation after the other.
///
/// Refresh is seen by what needs a token: settling an order that is not paid yet, whose
/// inquiry was answered 401. So are initiate's and the others' renewals of a token.
#[rustfmt::skip]
pub const CELLS: &[Cell] = &[
    cell("authenticate", Row::NotSent,            "done",                                 "authenticate",                               ""),
    cell("authenticate", Row::Lost,               "done",                                 "authenticate authenticate",                  ""),
    cell("authenticate", Row::Unauthorized,       "error credentials, nothing-happened",  "authenticate",                               ""),
    cell("authenticate", Row::ClientError,        "error credentials, nothing-happened",  "authenticate",                               ""),
    cell("authenticate", Row::NotFound,           "error refused, nothing-happened",      "authenticate",                               ""),
    cell("authenticate", Row::TooMany,            "done",                                 "authenticate authenticate",                  ""),
    cell("authenticate", Row::Busy,               "done",                                 "authenticate authenticate",                  ""),
    cell("authenticate", Row::ServerError,        "done",                                 "authenticate authenticate",                  ""),
    cell("authenticate", Row::Redirect,           "error configuration, nothing-happened", "authenticate",                               ""),
    cell("authenticate", Row::Refused,            "error credentials, nothing-happened",  "authenticate",                               ""),
    cell("authenticate", Row::Unreadable,         "done",                                 "authenticate authenticate",                  ""),

    cell("refresh",      Row::NotSent,            "pending",                              "inquiry authenticate inquiry",               ""),
    cell("refresh",      Row::Lost,               "pending",                              "inquiry refresh authenticate inquiry",       ""),
    cell("refresh",      Row::Unauthorized,       "pending",                              "inquiry refresh authenticate inquiry",       ""),
    cell("refresh",      Row::ClientError,        "pending",                              "inquiry refresh authenticate inquiry",       ""),
    cell("refresh",      Row::NotFound,           "pending",                              "inquiry refresh authenticate inquiry",       ""),
    cell("refresh",      Row::TooMany,            "pending",                              "inquiry refresh authenticate inquiry",       ""),
    cell("refresh",      Row::Busy,               "pending",                              "inquiry refresh authenticate inquiry",       ""),
    cell("refresh",      Row::ServerError,        "pending",                              "inquiry refresh authenticate inquiry",       ""),
    cell("refresh",      Row::Redirect,           "pending",                              "inquiry refresh authenticate inquiry",       ""),
    cell("refresh",      Row::Refused,            "pending",                              "inquiry refresh authenticate inquiry",       ""),
    cell("refresh",      Row::Unreadable,         "pending",                              "inquiry refresh authenticate inquiry",       ""),

    cell("initiate",     Row::NotSent,            "done",                                 "initiate",                                   ""),
    cell("initiate",     Row::Lost,               "error transport, unknown",             "initiate",                                   ""),
    cell("initiate",     Row::Unauthorized,       "done",                                 "initiate refresh initiate",                  ""),
    cell("initiate",     Row::ClientError,        "error refused, nothing-happened",      "initiate",                                   ""),
    cell("initiate",     Row::NotFound,           "error refused, nothing-happened",      "initiate",                                   ""),
    cell("initiate",     Row::TooMany,            "done",                                 "initiate initiate",                          ""),
    cell("initiate",     Row::Busy,               "error unavailable, unknown",           "initiate",                                   ""),
    cell("initiate",     Row::ServerError,        "error unavailable, unknown",           "initiate",                                   ""),
    cell("initiate",     Row::Redirect,           "error configuration, unknown",         "initiate",                                   ""),
    cell("initiate",     Row::Refused,            "error refused, nothing-happened",      "initiate",                                   ""),
    cell("initiate",     Row::Unreadable,         "error unreadable, unknown",            "initiate",                                   ""),
    cell("initiate",     Row::Differs,            "error mismatch, unknown",              "",                                           "initiate"),
    cell("initiate",     Row::UnsafeRedirectUrl,  "error unreadable, unknown",            "",                                           "initiate"),

    cell("verify",       Row::NotSent,            "paid",                                 "inquiry verify",                             ""),
    cell("verify",       Row::Lost,               "paid",                                 "inquiry verify inquiry verify",              "inquiry verify inquiry"),
    cell("verify",       Row::Unauthorized,       "paid",                                 "inquiry verify refresh inquiry verify",      "inquiry verify refresh inquiry"),
    cell("verify",       Row::ClientError,        "paid",                                 "inquiry verify inquiry verify",              "inquiry verify inquiry"),
    cell("verify",       Row::NotFound,           "paid",                                 "inquiry verify inquiry verify",              "inquiry verify inquiry"),
    cell("verify",       Row::TooMany,            "paid",                                 "inquiry verify inquiry verify",              "inquiry verify inquiry"),
    cell("verify",       Row::Busy,               "paid",                                 "inquiry verify inquiry verify",              "inquiry verify inquiry"),
    cell("verify",       Row::ServerError,        "paid",                                 "inquiry verify inquiry verify",              "inquiry verify inquiry"),
    cell("verify",       Row::Redirect,           "paid",                                 "inquiry verify inquiry verify",              "inquiry verify inquiry"),
    cell("verify",       Row::Refused,            "paid",                                 "inquiry verify inquiry verify",              "inquiry verify inquiry"),
    cell("verify",       Row::Unreadable,         "paid",                                 "inquiry verify inquiry verify",              "inquiry verify inquiry"),
    cell("verify",       Row::Differs,            "mismatch",                             "",                                           "inquiry verify"),

    cell("inquiry",      Row::NotSent,            "pending",                              "inquiry",                                    ""),
    cell("inquiry",      Row::Lost,               "pending",                              "inquiry inquiry",                            ""),
    cell("inquiry",      Row::Unauthorized,       "pending",                              "inquiry refresh inquiry",                    ""),
    cell("inquiry",      Row::ClientError,        "error refused, nothing-happened",      "inquiry",                                    ""),
    cell("inquiry",      Row::NotFound,           "error no-such-order, nothing-happened", "inquiry",                                    ""),
    cell("inquiry",      Row::TooMany,            "pending",                              "inquiry inquiry",                            ""),
    cell("inquiry",      Row::Busy,               "pending",                              "inquiry inquiry",                            ""),
    cell("inquiry",      Row::ServerError,        "pending",                              "inquiry inquiry",                            ""),
    cell("inquiry",      Row::Redirect,           "error configuration, nothing-happened", "inquiry",                                    ""),
    cell("inquiry",      Row::Refused,            "error refused, nothing-happened",      "inquiry",                                    ""),
    cell("inquiry",      Row::Unreadable,         "pending",                              "inquiry inquiry",                            ""),
    cell("inquiry",      Row::Differs,            "mismatch",                             "",                                           "inquiry"),
    cell("inquiry",      Row::UnknownState,       "undetermined",                         "",                                           "inquiry"),
    cell("inquiry",      Row::Purchased,          "paid",                                 "",                                           "inquiry verify"),
    cell("inquiry",      Row::Confirmed,          "paid",                                 "",                                           "inquiry"),
    cell("inquiry",      Row::NotYet,             "pending",                              "",                                           "inquiry"),
    cell("inquiry",      Row::Cancelled,          "not-paid",                             "",                                           "inquiry"),
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_cell_for_every_row_that_applies_and_for_no_other() {
        for operation in OPERATIONS {
            for row in Row::ALL {
                let cells = CELLS
                    .iter()
                    .filter(|it| it.operation == operation && it.row == row)
                    .count();
                let applies = row.operations().contains(&operation);
                assert_eq!(cells, usize::from(applies), "{operation}, {row:?}");
            }
        }
    }
}
