//! Which value got which stand-in, so that the same gets the same again.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
};

use jibit_proto::Mobile;

use super::{
    fields::{Kind, is_public},
    parts,
    shapes::{ascii, digits, respell, shape},
};

/// A shorter value is found in a text only if it stands there as a word.
const LONG: usize = 8;

/// Everything private that was met in this run, with what stands in for it.
#[derive(Default)]
pub(super) struct Book {
    stand_ins: HashMap<String, String>,
    /// Mobile numbers, both in the wire's form.
    mobiles: HashMap<String, String>,
    /// The stand-ins themselves, folded: they may stand in a file.
    given: HashSet<String>,
    counts: HashMap<String, u64>,
    /// By their first three characters, folded; the longest first.
    found_by: HashMap<[char; 3], Vec<Known>>,
}

/// A value that can be found in a text.
struct Known {
    value: Vec<char>,
    stand_in: String,
    /// Whether a file that holds it must not be written.
    sought: bool,
}

/// A text in which case and script of digits make no difference, character by
/// character.
pub(super) fn fold(text: &str) -> Vec<char> {
    let folded = text.chars().map(|c| ascii(c).to_ascii_lowercase());
    folded.collect()
}

impl Book {
    /// What stands in for a value without blanks around it.
    pub(super) fn stand_in(&mut self, kind: Kind, value: &str) -> String {
        if let Some(known) = self.known(value) {
            return known.to_owned();
        }
        match kind {
            Kind::Password => {
                let name = format!("password-{}", self.count("password"));
                self.remember(kind, value, name)
            }
            Kind::Token => self.token(value),
            Kind::Callback => self.callback(value),
            // A number or an address of a person is one in any field.
            _ => {
                if let Ok(address) = value.parse() {
                    let other = self.address(address);
                    return self.remember(Kind::Id, value, other);
                }
                match self.mobile(value) {
                    Some(mobile) => mobile,
                    None => self.other(kind, value),
                }
            }
        }
    }

    fn other(&mut self, kind: Kind, value: &str) -> String {
        let stand_in = match kind {
            _ if parts::is_jwt(value) => return self.token(value),
            Kind::Username => (7745 + self.count("username")).to_string(),
            Kind::Id => {
                // Counted by shape: short ones have few stand-ins.
                let n = self.count(&shape(value, 0));
                shape(value, n)
            }
            _ if is_public(value) => return value.to_owned(),
            _ => format!("text-{}", self.count("text")),
        };
        self.remember(kind, value, stand_in)
    }

    /// What stands in for a whole value, if it was met before.
    pub(super) fn known(&self, value: &str) -> Option<&str> {
        self.stand_ins.get(value).map(String::as_str)
    }

    /// Notes a value, and gives its stand-in back.
    pub(super) fn remember(&mut self, kind: Kind, value: &str, stand_in: String) -> String {
        if value.is_empty() {
            return stand_in;
        }
        let length = value.chars().count();
        let enough = match kind {
            Kind::Password | Kind::Token => 4,
            // A short word of free text is in every file by chance.
            Kind::Text | Kind::Message => 8,
            _ => 6,
        };
        let folded = fold(value);
        if let Some(&[one, two, three, ..]) = folded.get(..) {
            let same = self.found_by.entry([one, two, three]).or_default();
            let place = same.partition_point(|known| known.value.len() > folded.len());
            let known = Known {
                value: folded,
                stand_in: stand_in.clone(),
                sought: length >= enough && !is_public(value),
            };
            same.insert(place, known);
        }
        self.given.insert(fold(&stand_in).into_iter().collect());
        self.stand_ins.insert(value.to_owned(), stand_in.clone());
        stand_in
    }

    pub(super) fn count(&mut self, what: &str) -> u64 {
        let count = self.counts.entry(what.to_owned()).or_default();
        *count += 1;
        *count
    }

    /// The stand-in of a mobile number, in the number's own spelling.
    pub(super) fn mobile(&mut self, text: &str) -> Option<String> {
        // Whatever stands between the digits: people are inventive.
        if text.chars().any(char::is_alphabetic) {
            return None;
        }
        let number: Mobile = digits(text).parse().ok()?;
        let number = number.as_str();
        let national = number.trim_start_matches('0');
        let other = match self.mobiles.get(number) {
            Some(other) => other.clone(),
            None => format!("0912{:07}", self.count("mobile") % 10_000_000),
        };
        self.mobiles.insert(number.to_owned(), other.clone());
        let other = other.trim_start_matches('0');
        let spelled = respell(text, other);
        // However it is spelled elsewhere, it holds these ten digits.
        for (value, stand_in) in [(national, other), (text, &spelled)] {
            if self.known(value).is_none() {
                self.remember(Kind::Id, value, stand_in.to_owned());
            }
        }
        Some(spelled)
    }

    fn address(&mut self, address: IpAddr) -> String {
        // The ranges that are reserved for documentation.
        match address {
            IpAddr::V4(_) => format!("192.0.2.{}", (self.count("ipv4") - 1) % 254 + 1),
            IpAddr::V6(_) => format!("2001:db8::{:x}", self.count("ipv6") % 0x1_0000),
        }
    }

    /// The stand-in of a number: digits for its digits.
    pub(super) fn number(&mut self, text: &str) -> String {
        if let Some(mobile) = self.mobile(text) {
            return mobile;
        }
        let own = digits(text);
        let other = self.stand_in(Kind::Id, &own);
        let fits = other.len() == own.len() && other.bytes().all(|byte| byte.is_ascii_digit());
        let other = if fits { other } else { shape(&own, 1) };
        respell(text, &other)
    }

    fn callback(&mut self, value: &str) -> String {
        let n = self.count("callback");
        if let Some((host, rest)) = parts::host_and_rest(value) {
            if !parts::is_loopback(host) && self.known(host).is_none() {
                self.remember(Kind::Callback, host, "shop.example".to_owned());
            }
            // A path alone may be one that the protocol has, too.
            if rest.contains('?') && self.known(rest).is_none() {
                self.remember(Kind::Text, rest, format!("/return?n={n}"));
            }
        }
        let stand_in = format!("https://shop.example/return?n={n}");
        self.remember(Kind::Callback, value, stand_in)
    }

    /// The longest known value that begins at `start`: how many characters it
    /// has, and what stands in for it.
    pub(super) fn found_at(&self, folded: &[char], start: usize) -> Option<(usize, String)> {
        let known = self.at(folded, start).next()?;
        Some((known.value.len(), known.stand_in.clone()))
    }

    /// Whether a text holds a value that no file may hold.
    pub(super) fn gives_away(&self, text: &str) -> bool {
        let folded = fold(text);
        (0..folded.len()).any(|start| {
            let mut found = self.at(&folded, start).filter(|known| known.sought);
            found.any(|known| !self.given.contains(&known.value.iter().collect::<String>()))
        })
    }

    fn at<'a>(&'a self, folded: &'a [char], start: usize) -> impl Iterator<Item = &'a Known> {
        let (before, rest) = folded.split_at_checked(start).unwrap_or((folded, &[]));
        let first = match rest {
            &[one, two, three, ..] => self.found_by.get(&[one, two, three]),
            _ => None,
        };
        let goes_on = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric());
        let fits = move |known: &&Known| {
            let long = known.value.len() >= LONG;
            rest.starts_with(&known.value)
                && (long || !goes_on(before.last()) && !goes_on(rest.get(known.value.len())))
        };
        first.into_iter().flatten().filter(fits)
    }
}
