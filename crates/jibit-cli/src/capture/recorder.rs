//! Writes exchanges down, on a thread of its own: neither a slow disk nor a
//! fault in here holds up a payment.

use std::{
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread::{self, JoinHandle},
    time::SystemTime,
};

use anstyle::AnsiColor;
use bytes::Bytes;
use http::{Request, Response};
use serde::Serialize;

use super::{
    files::Files,
    operation::Operation,
    redact::{Redactor, Withheld},
};
use crate::{print_line, report::to_json};

/// How many exchanges may wait to be written.
const MAX_WAITING: usize = 64;

/// A request, and what came of it.
pub(super) struct Exchange {
    pub(super) operation: Operation,
    pub(super) request: Request<Bytes>,
    /// The answer, or why there is none.
    pub(super) outcome: Result<Response<Bytes>, String>,
    pub(super) at: SystemTime,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Summary {
    pub(super) exchanges: u64,
    pub(super) files: u64,
    pub(super) unanswered: u64,
}

/// The way to the recorder's thread.
pub(super) struct Recorder {
    exchanges: SyncSender<Option<Box<Exchange>>>,
}

impl Recorder {
    /// Starts the thread; it ends with a [`Summary`] after [`Recorder::end`].
    pub(super) fn start(files: Files, source: String, json: bool) -> (Self, JoinHandle<Summary>) {
        let (exchanges, coming) = sync_channel(MAX_WAITING);
        let desk = Desk {
            files,
            source,
            json,
            redactor: Redactor::default(),
            summary: Summary::default(),
        };
        (Self { exchanges }, thread::spawn(|| desk.work(coming)))
    }

    pub(super) fn record(&self, exchange: Exchange) {
        let operation = exchange.operation.as_str();
        match self.exchanges.try_send(Some(Box::new(exchange))) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => loud(&format!(
                "{operation}: not recorded, since {MAX_WAITING} exchanges wait to be written"
            )),
            Err(TrySendError::Disconnected(_)) => loud(&format!(
                "{operation}: not recorded, since recording has ended; start jibit capture anew"
            )),
        }
    }

    /// Lets the thread end when it has written what it was given.
    pub(super) fn end(&self) {
        let _ = self.exchanges.send(None);
    }
}

/// The recorder's own side.
struct Desk {
    files: Files,
    source: String,
    json: bool,
    redactor: Redactor,
    summary: Summary,
}

/// An exchange for a person or a program.
#[derive(Serialize)]
struct Line<'a> {
    operation: &'static str,
    status: Option<u16>,
    file: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a str>,
}

impl Desk {
    fn work(mut self, coming: Receiver<Option<Box<Exchange>>>) -> Summary {
        while let Ok(Some(exchange)) = coming.recv() {
            self.take(&exchange);
        }
        self.summary
    }

    fn take(&mut self, exchange: &Exchange) {
        self.summary.exchanges += 1;
        let operation = exchange.operation.as_str();
        let (status, ended) = match &exchange.outcome {
            Ok(answer) => (Some(answer.status().as_u16()), self.keep(exchange, answer)),
            Err(why) => {
                self.summary.unanswered += 1;
                (None, Err(format!("no answer: {why}")))
            }
        };
        self.summary.files += u64::from(ended.is_ok());
        let (file, problem) = match &ended {
            Ok(file) => (Some(file.as_path()), None),
            Err(problem) => (None, Some(problem.as_str())),
        };
        if let Some(problem) = problem {
            loud(&format!("{operation}: {problem}"));
        }
        print_line(&if self.json {
            to_json(&Line {
                operation,
                status,
                file,
                problem,
            })
        } else {
            let status = status.map_or("---".to_owned(), |status| status.to_string());
            let file = file.map_or("no file".into(), Path::to_string_lossy);
            format!("{operation:<13} {status}  {file}")
        });
    }

    /// Writes the fixture of an exchange.
    fn keep(&mut self, exchange: &Exchange, answer: &Response<Bytes>) -> Result<PathBuf, String> {
        let notes = [
            ("source".to_owned(), self.source.clone()),
            ("date".to_owned(), httpdate::fmt_http_date(exchange.at)),
        ];
        let fixture = self.redactor.fixture(&notes, &exchange.request, answer);
        let text = fixture.map_err(|why| match why {
            Withheld::Private => {
                "not written: a private value would still be in the file".to_owned()
            }
            Withheld::Unreadable => "not written: a fixture cannot hold this exchange".to_owned(),
        })?;
        self.files
            .write(exchange.operation, answer.status().as_u16(), &text)
            .map_err(|error| format!("not written: {error}"))
    }
}

/// What must not be overlooked.
pub(super) fn loud(text: &str) {
    let red = AnsiColor::Red.on_default().bold();
    anstream::eprintln!("{red}error:{red:#} {text}");
}
