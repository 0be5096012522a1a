//! Free text: kept, but for what looks private in it or is known to be.

use std::net::IpAddr;

use super::{
    book::{Book, fold},
    fields::Kind,
    shapes::digits,
};

/// What people put between the digits of a number; the last ones are the
/// invisible marks of Persian text.
const fn is_separator(c: char) -> bool {
    matches!(
        c,
        ' ' | '-' | '(' | ')' | '.' | '/' | '_' | '\u{a0}' | '\u{200c}'..='\u{200f}'
    )
}

impl Book {
    /// A text with stand-ins for every value that was met before, and for
    /// numbers, addresses and tokens.
    pub(super) fn scrub(&mut self, text: &str) -> String {
        let chars: Vec<char> = text.chars().collect();
        let folded = fold(text);
        let mut scrubbed = String::new();
        let mut at = 0;
        while let Some(&c) = chars.get(at) {
            let rest = chars.get(at..).unwrap_or_default();
            let before = at.checked_sub(1).and_then(|index| chars.get(index));
            let begins = !before.is_some_and(|c| is_word_char(*c));
            let (length, new) = if let Some((length, known)) = self.found_at(&folded, at) {
                (length, known)
            } else if let Some((word, kind)) = private_word(rest).filter(|_| begins) {
                (word.chars().count(), self.stand_in(kind, &word))
            } else if c.is_numeric() {
                let (run, private) = number(rest, |run| self.mobile(run).is_some());
                let new = if private {
                    self.number(&run)
                } else {
                    run.clone()
                };
                (run.chars().count(), new)
            } else {
                (1, c.to_string())
            };
            scrubbed.push_str(&new);
            at += length.max(1);
        }
        scrubbed
    }
}

const fn is_word_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// The first characters that fit.
fn run_of(rest: &[char], fits: impl Fn(char) -> bool) -> String {
    rest.iter().copied().take_while(|c| fits(*c)).collect()
}

/// A word at the beginning that is an address or as good as a token.
fn private_word(rest: &[char]) -> Option<(String, Kind)> {
    let address = run_of(rest, |c| c.is_ascii_hexdigit() || c == '.' || c == ':');
    let address = address.trim_end_matches(['.', ':']);
    let with_port = address.rsplit_once(':').map(|(address, _)| address);
    for address in [Some(address), with_port].into_iter().flatten() {
        if address.parse::<IpAddr>().is_ok() {
            return Some((address.to_owned(), Kind::Id));
        }
    }
    let mail = run_of(rest, |c| c.is_alphanumeric() || "._+-%@".contains(c));
    if mail.contains('@') && !mail.starts_with('@') {
        return Some((mail, Kind::Text));
    }
    let word = run_of(rest, is_word_char);
    let long = run_of(rest, |c| is_word_char(c) || "+/=.".contains(c));
    if long.len() >= 40 {
        Some((long, Kind::Id))
    } else if word.len() >= 20 && word.bytes().any(|byte| byte.is_ascii_digit()) {
        Some((word, Kind::Id))
    } else {
        None
    }
}

/// The number at the beginning, with what separates its digits, and whether it
/// may be a person's, a card's or a payment's.
fn number(rest: &[char], mut is_mobile: impl FnMut(&str) -> bool) -> (String, bool) {
    let plain = run_of(rest, char::is_numeric);
    let run = run_of(rest, |c| c.is_numeric() || is_separator(c));
    let run = run.trim_end_matches(|c: char| !c.is_numeric());
    if !is_mobile(&plain) && digits(run).len() >= 10 {
        return (run.to_owned(), true);
    }
    let private = digits(&plain).len() >= 6;
    (plain, private)
}
