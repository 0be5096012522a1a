//! Canaries for the rule that secrets stay in (S10): a password that nobody else has,
//! tokens by how the sandbox's begin, and mobile numbers by their first digits.
//!
//! Tests and the simulator give these to the code that they run, have [`Ears`] read every
//! log at trace level while it runs, and hold texts of their own to [`leak`]:
//!
//! ```
//! use jibit_canary::{PASSWORD, leak};
//!
//! assert_eq!(leak("the gateway is not there"), None);
//! assert_eq!(leak(&format!("password={PASSWORD}")), Some("the password"));
//! assert_eq!(leak("sent to ۰۹۱۲ ۱۲۳ ۴۵۶۷"), Some("a mobile number"));
//! ```

use std::{
    io, mem,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use tracing_subscriber::{
    filter::LevelFilter,
    fmt::{
        MakeWriter, SubscriberBuilder,
        format::{DefaultFields, Format},
    },
};

/// The merchant's password wherever canaries are out.
pub const PASSWORD: &str = "canary-7Qx2mWvT9z";

/// The first digits of the customers' mobile numbers, without the zero before them.
pub const MOBILE: &str = "912123456";

/// A token of the sandbox's begins so: it is a JSON object in base64.
const TOKEN: &str = "eyJ";

/// How an error of ours shows what a number looks like: that one is nobody's.
const EXAMPLE: &str = "such as 09121234567";

/// What a text tells that it must not, if it does: in plain, in base64, or in other
/// digits and with separators between them.
#[must_use]
pub fn leak(text: &str) -> Option<&'static str> {
    if text.contains(PASSWORD) || encoded().iter().any(|it| text.contains(it)) {
        Some("the password")
    } else if text.contains(TOKEN) {
        Some("a token")
    } else if digits(&text.replace(EXAMPLE, "")).contains(MOBILE) {
        Some("a mobile number")
    } else {
        None
    }
}

/// The password in base64, at each of the three places where it can begin.
fn encoded() -> [String; 3] {
    [0, 1, 2].map(|before: usize| {
        let padded = format!("{}{PASSWORD}", ".".repeat(before));
        let text = STANDARD_NO_PAD.encode(padded);
        // What its neighbours have a part in is left out.
        let (from, to) = (before.div_ceil(3) * 4, text.len() / 4 * 4);
        text.get(from..to).unwrap_or_default().to_owned()
    })
}

/// The text with its digits in ASCII and nothing that people write between them.
fn digits(text: &str) -> String {
    let letters = text.chars().filter_map(|letter| match letter {
        ' ' | '-' | '(' | ')' | '\u{200c}' | '\u{200e}' | '\u{200f}' => None,
        '۰'..='۹' => char::from_digit(u32::from(letter) - u32::from('۰'), 10),
        '٠'..='٩' => char::from_digit(u32::from(letter) - u32::from('٠'), 10),
        letter => Some(letter),
    });
    letters.collect()
}

/// Reads logs at trace level, and keeps the lines with a leak.
#[derive(Clone, Debug, Default)]
pub struct Ears(Arc<Mutex<Vec<String>>>);

impl Ears {
    /// Those that hear every log of this process from the first call on, whoever writes
    /// it and by `tracing` or `log`.
    ///
    /// # Panics
    ///
    /// If something else reads the logs already: nothing would be heard.
    pub fn everywhere() -> &'static Self {
        static EARS: OnceLock<Ears> = OnceLock::new();
        EARS.get_or_init(|| {
            let ears = Self::default();
            ears.reader().init();
            ears
        })
    }

    /// Hears what this thread writes by `tracing` while this runs.
    pub fn here<T>(&self, run: impl FnOnce() -> T) -> T {
        tracing::subscriber::with_default(self.reader().finish(), run)
    }

    /// The lines with a leak since the last time, each with what it leaks.
    #[must_use]
    pub fn heard(&self) -> Vec<String> {
        mem::take(&mut *self.lock())
    }

    /// Holds that no line had a leak.
    ///
    /// # Panics
    ///
    /// If one had.
    pub fn assert_silence(&self) {
        let heard = self.heard();
        assert!(heard.is_empty(), "leaks in logs:\n{}", heard.join("\n"));
    }

    fn reader(&self) -> SubscriberBuilder<DefaultFields, Format, LevelFilter, Self> {
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(self.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl io::Write for Ears {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        if let Some(what) = leak(&text) {
            self.lock().push(format!("{what}: {}", text.trim_end()));
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Ears {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_is_seen_in_every_form() {
        for before in ["", "a", "ab", "7746:"] {
            let basic = STANDARD_NO_PAD.encode(format!("{before}{PASSWORD}:x"));
            assert_eq!(leak(&basic), Some("the password"), "{basic}");
        }
        for text in [
            "+98 912 123 4567",
            "0912-123-4561",
            "۹۱۲۱۲۳۴۵۶۷",
            "٠٩١٢١٢٣٤٥٦٧",
        ] {
            assert_eq!(leak(text), Some("a mobile number"), "{text}");
        }
        assert_eq!(leak("Bearer eyJ0eXAiOiJKV1Qi"), Some("a token"));
        for text in ["", "canary", "*** 4567", "1800000000000", "[redacted]"] {
            assert_eq!(leak(text), None, "{text}");
        }
    }

    #[test]
    fn a_planted_leak_is_heard_from_either_kind_of_log() {
        let ears = Ears::everywhere();
        ears.assert_silence();
        tracing::trace!(password = PASSWORD, "an event's field");
        log::debug!("a line with {PASSWORD}");
        tracing::info_span!("of", number = "09121234567").in_scope(|| {
            tracing::info!("whatever");
        });
        tracing::info!("nothing to hear");
        let heard = ears.heard();
        assert_eq!(heard.len(), 3, "{heard:?}");
        assert!(heard.iter().any(|line| line.contains("an event's field")));
        assert!(heard.iter().any(|line| line.contains("a line with")));
        assert!(heard.iter().any(|line| line.contains("whatever")));
        let own = Ears::default();
        own.here(|| tracing::debug!("{PASSWORD}"));
        assert_eq!(own.heard().len(), 1);
        ears.assert_silence();
    }
}
