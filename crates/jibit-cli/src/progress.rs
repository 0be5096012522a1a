//! How far long work is, on a terminal, and what is said meanwhile beside it.

use std::{
    io::{self, Write},
    sync::LazyLock,
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tracing_subscriber::fmt::MakeWriter;

/// Draws to standard error, and nothing at all where that is no terminal.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// A bar for work of this length; a sign of life if nobody knows the length.
pub(crate) fn bar(length: Option<u64>) -> ProgressBar {
    let bar = match length {
        Some(length) => ProgressBar::new(length),
        None => ProgressBar::new_spinner(),
    };
    let template = match length {
        Some(_) => "{bar:30} {pos}/{len} {msg} {eta}",
        None => "{spinner} {pos} {msg}",
    };
    let bar = BARS.add(bar);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Whether somebody sees bars.
pub(crate) fn is_seen() -> bool {
    !BARS.is_hidden()
}

/// Says something to a person beside the bars.
pub(crate) fn say(text: &str) {
    BARS.suspend(|| anstream::eprintln!("{text}"));
}

/// Standard error for diagnostics, so that they do not end up in a bar.
pub(crate) struct Beside;

impl Write for Beside {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        BARS.suspend(|| io::stderr().write(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl MakeWriter<'_> for Beside {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}
