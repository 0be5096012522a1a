//! The decision table's rows, as an onlooker reads them off the wire. Nothing of the
//! client's own reading is used, so that a mistake there is not made here, too.

use bytes::Bytes;
use http::{Response, StatusCode};
use jibit_client::{Certainty, TransportError};
use jibit_sandbox::Operation;

use crate::plan::BASE;

/// What a request is for, and the order that it names.
pub(crate) fn operation(path: &str) -> (Operation, &str) {
    if path == "/authenticate" {
        (Operation::Authenticate, "")
    } else if path == "/order/initiate" {
        (Operation::Initiate, "")
    } else if let Some(order) = path.strip_prefix("/order/verify/") {
        (Operation::Verify, order)
    } else if let Some(order) = path.strip_prefix("/order/inquiry/") {
        (Operation::Inquiry, order)
    } else {
        (Operation::Refresh, "")
    }
}

/// A row of the decision table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    NotSent,
    Lost,
    Unauthorized,
    OtherRefusal,
    NotFound,
    Busy,
    ServerError,
    Redirected,
    ErrorCode,
    Unreadable,
    Differs,
    UnknownState,
    Payable,
    Confirmed,
    Pending,
    Cancelled,
    ForeignPage,
    /// What was hoped for. The table has no row for it.
    Fine,
}

impl Row {
    /// The table's own.
    pub(crate) const ALL: [Self; 17] = [
        Self::NotSent,
        Self::Lost,
        Self::Unauthorized,
        Self::OtherRefusal,
        Self::NotFound,
        Self::Busy,
        Self::ServerError,
        Self::Redirected,
        Self::ErrorCode,
        Self::Unreadable,
        Self::Differs,
        Self::UnknownState,
        Self::Payable,
        Self::Confirmed,
        Self::Pending,
        Self::Cancelled,
        Self::ForeignPage,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not sent",
            Self::Lost => "lost",
            Self::Unauthorized => "401",
            Self::OtherRefusal => "other 4xx",
            Self::NotFound => "404",
            Self::Busy => "408, 429, 503",
            Self::ServerError => "5xx",
            Self::Redirected => "3xx",
            Self::ErrorCode => "errorCode > 0",
            Self::Unreadable => "unreadable",
            Self::Differs => "differs from ours",
            Self::UnknownState => "unknown state",
            Self::Payable => "PURCHASE_BY_USER",
            Self::Confirmed => "PURCHASE_CONFIRM_BY_MERCHANT",
            Self::Pending => "INITIAL, PGENTRY",
            Self::Cancelled => "CANCEL_BY_USER, _BY_SYSTEM",
            Self::ForeignPage => "redirectUrl not https",
            Self::Fine => "fine",
        }
    }

    /// Whether the table has something to say about it for this operation.
    pub(crate) const fn applies(self, operation: Operation) -> bool {
        use Operation::{Initiate, Inquiry, Verify};
        match self {
            Self::Differs => matches!(operation, Verify | Inquiry),
            Self::ForeignPage => matches!(operation, Initiate),
            Self::UnknownState
            | Self::Payable
            | Self::Confirmed
            | Self::Pending
            | Self::Cancelled => matches!(operation, Inquiry),
            Self::Fine => false,
            _ => true,
        }
    }

    /// Whether what was asked may have been done, and nobody said so. Not so for
    /// [`Row::Busy`], for that has 429 in it, too.
    pub(crate) const fn may_have_arrived(self) -> bool {
        matches!(
            self,
            Self::Lost | Self::ServerError | Self::Redirected | Self::Unreadable
        )
    }

    /// Whether it is of the gateway's ordinary life, and no fault.
    pub(crate) const fn is_ordinary(self) -> bool {
        matches!(
            self,
            Self::Payable | Self::Confirmed | Self::Pending | Self::Cancelled | Self::Fine
        )
    }
}

/// What is known of the order that an answer is about.
#[derive(Clone, Debug)]
pub(crate) struct Ours {
    pub(crate) merchant_order_id: String,
    pub(crate) amount: u64,
}

/// The row that an answer is in.
pub(crate) fn row(
    operation: Operation,
    answer: Result<&Response<Bytes>, &TransportError>,
    ours: Option<&Ours>,
) -> Row {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) if error.certainty() == Certainty::NothingHappened => return Row::NotSent,
        Err(_) => return Row::Lost,
    };
    match answer.status() {
        StatusCode::UNAUTHORIZED => Row::Unauthorized,
        StatusCode::NOT_FOUND => Row::NotFound,
        StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_MANY_REQUESTS
        | StatusCode::SERVICE_UNAVAILABLE => Row::Busy,
        status if status.is_client_error() => Row::OtherRefusal,
        status if status.is_server_error() => Row::ServerError,
        status if status.is_redirection() => Row::Redirected,
        _ => body(operation, answer.body(), ours),
    }
}

fn body(operation: Operation, body: &Bytes, ours: Option<&Ours>) -> Row {
    let Ok(text) = std::str::from_utf8(body) else {
        return Row::Unreadable;
    };
    if !text.starts_with('{') || !text.ends_with('}') {
        return Row::Unreadable;
    }
    let state = (operation == Operation::Inquiry).then(|| {
        let bare = field(text, "statusV").or_else(|| field(text, "status"));
        bare.map(|state| state.trim_matches('"'))
    });
    match field(text, "errorCode") {
        Some("0") => {}
        Some("401") => return Row::Unauthorized,
        Some(_) => return Row::ErrorCode,
        // Inquiry as the document prints it has no envelope.
        None if state.flatten().is_some() && !text.contains("\"result\"") => {}
        None => return Row::Unreadable,
    }
    if let Some(page) = field(text, "redirectUrl")
        && !page.starts_with(&format!("\"{}", BASE))
    {
        return Row::ForeignPage;
    }
    if let (Some(ours), Some(id), Some(amount)) =
        (ours, field(text, "merchantOrderId"), field(text, "amount"))
    {
        let same_id = id.trim_matches('"').trim() == ours.merchant_order_id;
        if !same_id || amount.trim_matches('"').parse() != Ok(ours.amount) {
            return Row::Differs;
        }
    }
    match state {
        None => Row::Fine,
        Some(Some("INITIAL" | "PGENTRY")) => Row::Pending,
        Some(Some("PURCHASE_BY_USER")) => Row::Payable,
        Some(Some("PURCHASE_CONFIRM_BY_MERCHANT")) => Row::Confirmed,
        Some(Some("CANCEL_BY_USER" | "CANCEL_BY_SYSTEM")) => Row::Cancelled,
        Some(Some(_)) => Row::UnknownState,
        Some(None) => Row::Unreadable,
    }
}

/// A field's value as it is written. The sandbox writes JSON without blanks.
pub(crate) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = text.split_once(&format!("\"{name}\":"))?;
    let end = if let Some(quoted) = after.strip_prefix('"') {
        quoted.find('"')? + 2
    } else {
        after.find([',', '}'])?
    };
    after.get(..end)
}

/// How often each row was taken, by operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows([[u64; Row::ALL.len()]; Operation::ALL.len()]);

impl Rows {
    pub(crate) fn take(&mut self, operation: Operation, row: Row) {
        let cells = self.0.get_mut(operation as usize);
        if let Some(cell) = cells.and_then(|cells| cells.get_mut(row as usize)) {
            *cell += 1;
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (cells, others) in self.0.iter_mut().zip(&other.0) {
            for (cell, other) in cells.iter_mut().zip(others) {
                *cell += other;
            }
        }
    }

    pub(crate) fn taken(&self, operation: Operation, row: Row) -> u64 {
        let cells = self.0.get(operation as usize);
        let cell = cells.and_then(|cells| cells.get(row as usize));
        cell.copied().unwrap_or_default()
    }

    /// The decision table, with how often each of its cells was taken.
    pub(crate) fn print(&self) {
        print!("  {:<28}", "decision table");
        for operation in Operation::ALL {
            print!("{:>13}", operation.as_str());
        }
        println!();
        for row in Row::ALL {
            print!("    {:<26}", row.as_str());
            for operation in Operation::ALL {
                if row.applies(operation) {
                    print!("{:>13}", self.taken(operation, row));
                } else {
                    print!("{:>13}", "");
                }
            }
            println!();
        }
    }

    /// Cells that apply, and that nothing came to.
    pub(crate) fn missing(&self) -> Vec<String> {
        let cells = Row::ALL.into_iter().flat_map(|row| {
            let operations = Operation::ALL.into_iter();
            operations.map(move |operation| (operation, row))
        });
        cells
            .filter(|(operation, row)| row.applies(*operation))
            .filter(|(operation, row)| self.taken(*operation, *row) == 0)
            .map(|(operation, row)| format!("{}: {}", operation.as_str(), row.as_str()))
            .collect()
    }
}
