use std::{fmt, str::FromStr};

use crate::InvalidInput;

/// The largest amount: 2^53 - 1, beyond which JSON readers lose digits.
const MAX: u64 = (1 << 53) - 1;

/// An amount in Rial, the wire's unit: 0 to 2^53 - 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rial(u64);

/// An amount in Toman, the unit that shops price in: 1 Toman is 10 Rial.
///
/// Nothing converts one unit into the other by itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Toman(u64);

impl Rial {
    /// The largest amount, 2^53 - 1 Rial.
    pub const MAX: Self = Self(MAX);

    /// An amount of `rial` Rial.
    ///
    /// # Errors
    ///
    /// Above 2^53 - 1.
    pub fn new(rial: u64) -> Result<Self, InvalidInput> {
        within(rial).map(Self)
    }

    /// The number of Rial.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The sum, or nothing above [`Rial::MAX`].
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).filter(|n| *n <= MAX).map(Self)
    }

    /// The difference, or nothing below zero.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The same amount in Toman, or nothing if it is not a whole number of them.
    #[must_use]
    pub const fn to_toman(self) -> Option<Toman> {
        if self.0.is_multiple_of(10) {
            Some(Toman(self.0 / 10))
        } else {
            None
        }
    }
}

impl Toman {
    /// An amount of `toman` Toman.
    ///
    /// # Errors
    ///
    /// Above 2^53 - 1.
    pub fn new(toman: u64) -> Result<Self, InvalidInput> {
        within(toman).map(Self)
    }

    /// The number of Toman.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The same amount in Rial: ten times the number.
    ///
    /// # Errors
    ///
    /// Above [`Rial::MAX`].
    pub fn to_rial(self) -> Result<Rial, InvalidInput> {
        Rial::new(self.0.saturating_mul(10))
    }
}

fn within(number: u64) -> Result<u64, InvalidInput> {
    if number > MAX {
        return Err(too_large());
    }
    Ok(number)
}

fn too_large() -> InvalidInput {
    InvalidInput::new(
        "amount",
        "is above 9007199254740991 (2^53 - 1)",
        "give the amount in Rial and check its digits",
    )
}

/// Reads a whole number in ASCII digits: the unit stands in the type, so no
/// separators, signs, fractions or units are guessed at.
fn digits(text: &str) -> Result<u64, InvalidInput> {
    let invalid = |problem| {
        Err(InvalidInput::new(
            "amount",
            problem,
            "give a whole number in digits only",
        ))
    };
    match text {
        "" => invalid("is empty"),
        _ if text.starts_with('-') => invalid("is negative"),
        _ if text.contains(['.', '٫', ',']) => invalid("is fractional or has separators"),
        _ if !text.bytes().all(|b| b.is_ascii_digit()) => invalid("is not a whole number"),
        // Only the size can be wrong here.
        _ => text.parse().map_err(|_| too_large()),
    }
}

impl FromStr for Rial {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        Self::new(digits(text)?)
    }
}

impl FromStr for Toman {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        Self::new(digits(text)?)
    }
}

impl fmt::Display for Rial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Rial", self.0)
    }
}

impl fmt::Debug for Rial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Toman {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Toman", self.0)
    }
}

impl fmt::Debug for Toman {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
