//! What the fuzzers feed, and what they demand of it.
//!
//! A [`Target`] takes any bytes and panics if something does not hold. Each is run in
//! two ways: by a fuzzer on nightly Rust (`cargo xtask fuzz`), which begins with its
//! seeds, and by the tests here on any Rust, over the same seeds and over what a fuzzer
//! once found, which is kept in `fixtures/found/<target>/`.
//!
//! ```
//! jibit_fuzz::run("verify", b"HTTP/1.1 200\n\n{\"errorCode\":0}");
//! ```

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is what says that something does not hold"
)]

mod answers;
mod sandbox;
mod session;
mod texts;

use std::{fs, path::Path};

use http::{HeaderName, HeaderValue};
use jibit_testkit::Fixture;

/// Something that takes any bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, the same as its binary's.
    pub name: &'static str,
    /// Takes the bytes, and panics if something does not hold.
    pub run: fn(&[u8]),
    /// What to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All that is fuzzed.
pub const TARGETS: [Target; 12] = [
    Target {
        name: "authenticate",
        run: answers::authenticate,
        seeds: || answers::seeds("authenticate"),
    },
    Target {
        name: "refresh",
        run: answers::refresh,
        seeds: || answers::seeds("refresh"),
    },
    Target {
        name: "initiate",
        run: answers::initiate,
        seeds: || answers::seeds("initiate"),
    },
    Target {
        name: "verify",
        run: answers::verify,
        seeds: || answers::seeds("verify"),
    },
    Target {
        name: "inquiry",
        run: answers::inquiry,
        seeds: || answers::seeds("inquiry"),
    },
    Target {
        name: "callback",
        run: texts::callback,
        seeds: texts::callbacks,
    },
    Target {
        name: "mobile",
        run: texts::mobile,
        seeds: texts::mobiles,
    },
    Target {
        name: "values",
        run: texts::values,
        seeds: texts::all_values,
    },
    Target {
        name: "session",
        run: session::session,
        seeds: session::seeds,
    },
    Target {
        name: "sandbox",
        run: sandbox::requests,
        seeds: sandbox::conversations,
    },
    Target {
        name: "faults",
        run: sandbox::faults,
        seeds: sandbox::plans,
    },
    Target {
        name: "fixture",
        run: texts::fixture,
        seeds: || {
            fixtures("")
                .into_iter()
                .map(|(text, _)| text.into())
                .collect()
        },
    },
];

/// Runs the target of this name.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").run)(bytes);
}

/// The recorded exchanges of an operation, or of all: the file's text and what it says.
fn fixtures(operation: &str) -> Vec<(String, Fixture)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let mut texts = Vec::new();
    for operation in ["authenticate", "refresh", "initiate", "verify", "inquiry"]
        .iter()
        .filter(|it| operation.is_empty() || **it == operation)
    {
        let files = fs::read_dir(folder.join(operation)).expect("the fixtures are here");
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        texts.extend(files.iter().map(|file| fs::read_to_string(file).unwrap()));
    }
    let read = |text: String| {
        let fixture = text.parse().unwrap();
        (text, fixture)
    };
    texts.into_iter().map(read).collect()
}

/// The lines of a head up to the first empty one, and the bytes after it.
fn head_and_body(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    Some((head, bytes.get(end + 2..)?))
}

/// The header lines of a head that are any.
fn headers(head: &str) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    head.lines().skip(1).filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        Some((name.parse().ok()?, value.parse().ok()?))
    })
}

#[cfg(test)]
mod tests;
