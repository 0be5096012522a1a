//! What a command ends in: one JSON object for machines, text for people, and
//! an exit status.

use jibit_checkout::{CheckoutError, CheckoutErrorKind};
use jibit_hyper::{Certainty, Error, ErrorKind, InvalidInput, SetupError};
use serde::Serialize;

/// The exit status, as the command's help lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Usage = 2,
    NotPaid = 3,
    Mismatch = 4,
    Undetermined = 5,
    Credentials = 6,
    Refused = 7,
    Unreachable = 8,
    Pending = 9,
    Found = 10,
    Store = 11,
}

/// The end of a command that came to an answer.
pub(crate) struct Report {
    /// The whole of standard output with `--json`.
    pub(crate) json: String,
    /// The whole of standard output without it.
    pub(crate) text: String,
    /// What a person should know besides, for standard error.
    pub(crate) remark: Option<String>,
    pub(crate) exit: Exit,
}

impl Report {
    pub(crate) fn new(json: &impl Serialize, text: impl Into<String>) -> Self {
        Self {
            json: to_json(json),
            text: text.into(),
            remark: None,
            exit: Exit::Done,
        }
    }
}

/// The end of a command that came to none.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: String,
    certainty: Certainty,
    message: String,
    code: Option<i64>,
    pub(crate) exit: Exit,
}

impl Failure {
    /// Wrong input: nothing was sent.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::unsent(ErrorKind::InvalidInput, message)
    }

    /// Settings that cannot work: nothing was sent.
    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self::unsent(ErrorKind::Configuration, message)
    }

    /// A store that could not be read: nothing was sent or changed.
    pub(crate) fn store(error: &dyn std::error::Error) -> Self {
        Self {
            kind: CheckoutErrorKind::Store.to_string(),
            exit: Exit::Store,
            ..Self::configuration(with_sources(error))
        }
    }

    fn unsent(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind: kind.to_string(),
            certainty: Certainty::NothingHappened,
            message: message.into(),
            code: None,
            exit: Exit::Usage,
        }
    }

    /// No answer came from a sandbox, whose controls move no money.
    pub(crate) fn unreachable(message: String) -> Self {
        Self {
            exit: Exit::Unreachable,
            ..Self::unsent(ErrorKind::Transport, message)
        }
    }

    /// The other side understood and refused.
    pub(crate) fn refused(message: String, code: i64) -> Self {
        Self {
            code: Some(code),
            exit: Exit::Refused,
            ..Self::unsent(ErrorKind::Refused, message)
        }
    }

    /// The person stopped the command while a request was under way.
    pub(crate) fn interrupted(certainty: Certainty) -> Self {
        Self {
            kind: ErrorKind::Transport.to_string(),
            certainty,
            message: "interrupted before an answer came".to_owned(),
            code: None,
            exit: match certainty {
                Certainty::Unknown => Exit::Undetermined,
                Certainty::NothingHappened => Exit::Unreachable,
            },
        }
    }

    pub(crate) fn json(&self) -> String {
        #[derive(Serialize)]
        struct Outer<'a> {
            error: Inner<'a>,
        }
        #[derive(Serialize)]
        struct Inner<'a> {
            kind: &'a str,
            certainty: String,
            message: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            code: Option<i64>,
        }
        to_json(&Outer {
            error: Inner {
                kind: &self.kind,
                certainty: self.certainty.to_string(),
                message: &self.message,
                code: self.code,
            },
        })
    }

    /// For a person, on standard error.
    pub(crate) fn text(&self) -> String {
        let consequence = match (self.certainty, self.exit) {
            (Certainty::Unknown, _) => {
                "\nIt may have taken effect all the same: ask before you try again."
            }
            (Certainty::NothingHappened, Exit::Usage | Exit::Store) => "",
            (Certainty::NothingHappened, _) => "\nNothing happened at the gateway.",
        };
        let code = (self.code).map(|code| format!(" (errorCode {code})"));
        format!("{}{}{consequence}", self.message, code.unwrap_or_default())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match (error.kind(), error.certainty()) {
            // 5 wins once something may have happened.
            (_, Certainty::Unknown) => Exit::Undetermined,
            (ErrorKind::InvalidInput | ErrorKind::Configuration, _) => Exit::Usage,
            (ErrorKind::Credentials, _) => Exit::Credentials,
            (ErrorKind::Refused | ErrorKind::NoSuchOrder, _) => Exit::Refused,
            (ErrorKind::Mismatch, _) => Exit::Mismatch,
            // The gateway asks us to wait (429); a sick one is not reached.
            (ErrorKind::Unavailable, _)
                if error.answer().is_some_and(|answer| answer.status() == 429) =>
            {
                Exit::Refused
            }
            _ => Exit::Unreachable,
        };
        Self {
            kind: error.kind().to_string(),
            certainty: error.certainty(),
            message: whole_message(&error),
            code: error.answer().and_then(|answer| answer.code()),
            exit,
        }
    }
}

impl From<CheckoutError> for Failure {
    fn from(error: CheckoutError) -> Self {
        let exit = match (error.kind(), error.certainty()) {
            (_, Certainty::Unknown) => Exit::Undetermined,
            (CheckoutErrorKind::Contended, _) => Exit::Store,
            _ => Exit::Usage,
        };
        Self {
            kind: error.kind().to_string(),
            certainty: error.certainty(),
            message: with_sources(&error),
            code: None,
            exit,
        }
    }
}

impl From<InvalidInput> for Failure {
    fn from(invalid: InvalidInput) -> Self {
        Self::usage(invalid.to_string())
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Config(invalid) => Self::configuration(invalid.to_string()),
            other => Self::configuration(with_sources(&other)),
        }
    }
}

/// An error's text with the gateway's own words, or with what lies under it.
pub(crate) fn whole_message(error: &Error) -> String {
    let Some(answer) = error.answer() else {
        return with_sources(error);
    };
    match answer.message() {
        Some(message) => format!("{error}: {message}"),
        None => format!("{error} (HTTP {})", answer.status()),
    }
}

pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some wrap their cause and repeat its words.
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

pub(crate) fn to_json(value: &impl Serialize) -> String {
    // Structs of text and numbers always serialise.
    serde_json::to_string(value).unwrap_or_default()
}
