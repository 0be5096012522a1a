use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::{HeaderMap, header, request::Parts};
use jibit_proto::Rial;

/// What a customer reads.
///
/// As an extractor it is what the request asks for by `?lang=fa` or `?lang=en`;
/// without that, English for a browser that takes English and no Persian, and
/// Persian for every other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// Persian, from right to left.
    #[default]
    Persian,
    /// English.
    English,
}

/// The parameter of a query that says which language.
pub(crate) const PARAMETER: &str = "lang";

impl Language {
    /// What a request asks for.
    #[must_use]
    pub fn of(query: &str, headers: &HeaderMap) -> Self {
        Self::asked(query).unwrap_or_else(|| Self::accepted(headers))
    }

    /// The one that a query asks for by name.
    pub(crate) fn asked(query: &str) -> Option<Self> {
        match parameter(query, PARAMETER)?.as_str() {
            "en" => Some(Self::English),
            "fa" => Some(Self::Persian),
            _ => None,
        }
    }

    fn accepted(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT_LANGUAGE).into_iter();
        let values = values.filter_map(|value| value.to_str().ok());
        let mut tags = values.flat_map(|value| value.split(',')).filter(wanted);
        let mut english = false;
        // Many who read Persian have a browser that prefers English.
        let persian = tags.any(|tag| {
            english |= speaks(tag, "en");
            speaks(tag, "fa")
        });
        if english && !persian {
            Self::English
        } else {
            Self::Persian
        }
    }

    /// The language as HTML names it: `fa` or `en`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.pick("fa", "en")
    }

    /// The direction that it is written in: `rtl` or `ltr`.
    #[must_use]
    pub const fn direction(self) -> &'static str {
        self.pick("rtl", "ltr")
    }

    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Persian => Self::English,
            Self::English => Self::Persian,
        }
    }

    /// The language's name for itself.
    pub(crate) const fn name(self) -> &'static str {
        self.pick("فارسی", "English")
    }

    pub(crate) const fn pick<'a>(self, persian: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::Persian => persian,
            Self::English => english,
        }
    }

    /// A text with the digits of the language.
    #[must_use]
    pub fn digits(self, text: &str) -> String {
        let persian = |c: char| {
            c.to_digit(10)
                .and_then(|digit| char::from_u32(u32::from('۰') + digit))
                .unwrap_or(c)
        };
        match self {
            Self::Persian => text.chars().map(persian).collect(),
            Self::English => text.to_owned(),
        }
    }

    /// An amount such as `۱٬۲۵۰٬۰۰۰ ریال`.
    #[must_use]
    pub fn rial(self, amount: Rial) -> String {
        let unit = self.pick("ریال", "Rial");
        format!("{} {unit}", self.grouped(amount.get()))
    }

    /// An amount such as `۱۲۵٬۰۰۰ تومان`, with the single Rials that make no Toman.
    #[must_use]
    pub fn toman(self, amount: Rial) -> String {
        let rial = amount.get();
        let unit = self.pick("تومان", "Toman");
        let whole = format!("{} {unit}", self.grouped(rial / 10));
        match rial % 10 {
            0 => whole,
            rest => format!(
                "{whole} {} {} {}",
                self.pick("و", "and"),
                self.grouped(rest),
                self.pick("ریال", "Rial")
            ),
        }
    }

    /// A number with its thousands apart.
    fn grouped(self, number: u64) -> String {
        let digits = number.to_string();
        let first = digits.len() % 3;
        let mut text = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && at % 3 == first {
                text.push_str(self.pick("٬", ","));
            }
            text.push(digit);
        }
        self.digits(&text)
    }
}

impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self::of(query, &parts.headers))
    }
}

/// The first value of a query's parameter.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// Whether an entry of Accept-Language is not there to be refused (`q=0`).
fn wanted(entry: &&str) -> bool {
    let weight = entry.split(';').find_map(|it| it.trim().strip_prefix("q="));
    weight.is_none_or(|weight| weight.bytes().any(|byte| (b'1'..=b'9').contains(&byte)))
}

/// Whether an entry such as `en-GB;q=0.8` is of this language.
fn speaks(entry: &str, language: &str) -> bool {
    let tag = entry.split([';', '-']).next().unwrap_or_default();
    tag.trim().eq_ignore_ascii_case(language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_people_read_them() {
        let (persian, english) = (Language::Persian, Language::English);
        let rial = |amount| Rial::new(amount).unwrap();
        assert_eq!(persian.toman(rial(1_250_000)), "۱۲۵٬۰۰۰ تومان");
        assert_eq!(persian.rial(rial(1_250_000)), "۱٬۲۵۰٬۰۰۰ ریال");
        assert_eq!(persian.toman(rial(107)), "۱۰ تومان و ۷ ریال");
        assert_eq!(english.toman(rial(107)), "10 Toman and 7 Rial");
        assert_eq!(english.rial(Rial::MAX), "9,007,199,254,740,991 Rial");
    }

    #[test]
    fn a_request_says_which_language() {
        use Language::{English, Persian};
        for (query, accepts, language) in [
            ("", "", Persian),
            ("lang=en", "fa", English),
            ("a=b&lang=fa", "en", Persian),
            ("lang=de", "en", English),
            ("", "en-US,en;q=0.9", English),
            ("", "EN", English),
            ("", "en-US,en;q=0.9,fa;q=0.8", Persian),
            ("", "fa-IR, en", Persian),
            ("", "en, fa;q=0", English),
            ("", "en;q=0.0", Persian),
            ("", "de", Persian),
            ("lang=%ff", "eng", Persian),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accepts.parse().unwrap());
            assert_eq!(Language::of(query, &headers), language, "{query} {accepts}");
        }
    }
}
