use std::{fmt, str::FromStr};

use crate::InvalidInput;

/// A customer's mobile number in the wire's form, `09` and nine digits.
///
/// It is read from any usual spelling: Persian, Arabic or ASCII digits; `+98`,
/// `0098`, `98`, `0` or nothing before the `9`; blanks, hyphens and brackets
/// between digits. `Debug` hides the number and there is no `Display`: it is
/// shown only where [`as_str`](Self::as_str) is asked for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Mobile(String);

impl Mobile {
    /// `09` and nine digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last four digits, which order tables may keep.
    #[must_use]
    pub fn last_four(&self) -> &str {
        self.0.get(7..).unwrap_or_default()
    }

    /// Masks what could be a mobile number in a text that is to be shown: ten or
    /// more digits, whatever their script, with or without separators.
    ///
    /// ```
    /// let text = "unexpected argument '0912-123-4567'";
    /// assert_eq!(jibit_proto::Mobile::mask_in(text), "unexpected argument '[number]'");
    /// ```
    #[must_use]
    pub fn mask_in(text: &str) -> String {
        let mut masked = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(char::is_numeric) {
            let (before, run) = rest.split_at(start);
            let end = run.find(|c: char| !c.is_numeric() && !is_separator(c) && c != '.');
            let run = run.split_at(end.unwrap_or(run.len())).0;
            let run = run.trim_end_matches(|c: char| !c.is_numeric());
            let digits = run.chars().filter(|c| c.is_numeric()).count();
            masked.push_str(before);
            masked.push_str(if digits >= 10 { "[number]" } else { run });
            rest = rest.split_at(start + run.len()).1;
        }
        masked + rest
    }
}

/// What people put between the digits of a telephone number.
const fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '-' | '(' | ')' | '\u{a0}' | '\u{200c}')
}

/// The ASCII digit that `c` stands for in any of the three scripts.
fn ascii_digit(c: char) -> Option<char> {
    let value = match c {
        '0'..='9' => return Some(c),
        '۰'..='۹' => u32::from(c) - u32::from('۰'),
        '٠'..='٩' => u32::from(c) - u32::from('٠'),
        _ => return None,
    };
    char::from_digit(value, 10)
}

impl FromStr for Mobile {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        let invalid = |problem| {
            InvalidInput::new(
                "userIdentity",
                problem,
                "give a mobile number such as 09121234567",
            )
        };
        let mut digits = String::new();
        let trimmed = text.trim();
        if trimmed.starts_with('-') || trimmed.ends_with('-') {
            return Err(invalid("begins or ends with a hyphen"));
        }
        let (plus, rest) = match trimmed.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, trimmed),
        };
        for c in rest.chars() {
            match ascii_digit(c) {
                // The longest spelling, 0098 and ten digits, has fourteen.
                Some(_) if digits.len() == 14 => return Err(invalid("has too many digits")),
                Some(digit) => digits.push(digit),
                None if is_separator(c) => {}
                None => return Err(invalid("holds something that is not a digit")),
            }
        }
        let prefixes: &[&str] = if plus {
            &["98"]
        } else {
            &["0098", "98", "0", ""]
        };
        prefixes
            .iter()
            .filter_map(|prefix| digits.strip_prefix(prefix))
            .find(|national| national.len() == 10 && national.starts_with('9'))
            .map(|national| Self(format!("0{national}")))
            .ok_or_else(|| invalid("is not a mobile number of Iran (09 and nine digits)"))
    }
}

impl fmt::Debug for Mobile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[mobile]")
    }
}
