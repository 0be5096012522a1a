use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use crate::Refusal;

/// A mobile number as the wire has it: `09` and nine digits, of which only the
/// nine are kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Mobile(u32);

impl Mobile {
    /// The nine digits as a number.
    pub(crate) const fn number(self) -> u32 {
        self.0
    }
}

impl FromStr for Mobile {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let digits = (text.strip_prefix("09"))
            .filter(|digits| digits.len() == 9 && digits.bytes().all(|byte| byte.is_ascii_digit()));
        let number = digits.and_then(|digits| digits.parse().ok());
        number.map(Self).ok_or(Refusal::UserIdentity)
    }
}

impl fmt::Display for Mobile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "09{:09}", self.0)
    }
}

impl fmt::Debug for Mobile {
    // Whose it is is private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mobile([redacted])")
    }
}

impl Serialize for Mobile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_wire_s_form_is_one() {
        for text in ["09121234567", "09000000000", "09999999999"] {
            assert_eq!(text.parse::<Mobile>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "9121234567",
            "0912123456",
            "091212345678",
            "09+12345678",
            "08121234567",
            "09۱۲۱۲۳۴۵۶۷",
        ] {
            assert!(text.parse::<Mobile>().is_err(), "{text}");
        }
    }
}
