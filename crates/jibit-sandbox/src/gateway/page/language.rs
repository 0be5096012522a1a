use std::time::Duration;

/// What a customer reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Language {
    Persian,
    English,
}

impl Language {
    /// The one that a query asks for; Persian if it asks for none.
    pub(super) fn of(query: Option<&str>) -> Self {
        let asked = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .find(|(key, _)| key == "lang")
            .map(|(_, value)| value);
        match asked.as_deref() {
            Some("en") => Self::English,
            _ => Self::Persian,
        }
    }

    pub(super) const fn code(self) -> &'static str {
        self.pick("fa", "en")
    }

    pub(super) const fn direction(self) -> &'static str {
        self.pick("rtl", "ltr")
    }

    pub(super) const fn other(self) -> Self {
        match self {
            Self::Persian => Self::English,
            Self::English => Self::Persian,
        }
    }

    /// The language's name for itself.
    pub(super) const fn name(self) -> &'static str {
        self.pick("فارسی", "English")
    }

    pub(super) const fn pick<'a>(self, persian: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::Persian => persian,
            Self::English => english,
        }
    }

    /// The query that keeps the language on the way.
    pub(super) const fn query(self) -> &'static str {
        self.pick("", "?lang=en")
    }

    /// A text with the digits of the language.
    pub(super) fn digits(self, text: &str) -> String {
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

    /// A number with its thousands apart.
    pub(in crate::gateway) fn grouped(self, number: impl Into<u128>) -> String {
        let digits = number.into().to_string();
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

    pub(super) fn rial(self, amount: u64) -> String {
        format!("{} {}", self.grouped(amount), self.pick("ریال", "Rial"))
    }

    /// An amount in Toman, with the single Rials that do not make one.
    pub(super) fn toman(self, rial: u64) -> String {
        let whole = format!(
            "{} {}",
            self.grouped(rial / 10),
            self.pick("تومان", "Toman")
        );
        match rial % 10 {
            0 => whole,
            rest => format!("{whole} {} {}", self.pick("و", "and"), self.rial(rest)),
        }
    }

    /// Minutes and seconds.
    pub(super) fn clock(self, time: Duration) -> String {
        let seconds = time.as_secs();
        self.digits(&format!("{:02}:{:02}", seconds / 60, seconds % 60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_people_read_them() {
        let (persian, english) = (Language::Persian, Language::English);
        assert_eq!(persian.toman(1_250_000), "۱۲۵٬۰۰۰ تومان");
        assert_eq!(persian.toman(107), "۱۰ تومان و ۷ ریال");
        assert_eq!(english.toman(107), "10 Toman and 7 Rial");
        assert_eq!(english.grouped(12_u8), "12");
        assert_eq!(english.grouped(123_u8), "123");
        assert_eq!(
            english.grouped(9_007_199_254_740_991_u64),
            "9,007,199,254,740,991"
        );
        assert_eq!(persian.clock(Duration::from_secs(1799)), "۲۹:۵۹");
    }

    #[test]
    fn a_query_says_which_language() {
        for (query, language) in [
            (None, Language::Persian),
            (Some("lang=en"), Language::English),
            (Some("a=b&lang=en"), Language::English),
            (Some("lang=fa"), Language::Persian),
            (Some("lang=%ff"), Language::Persian),
        ] {
            assert_eq!(Language::of(query), language, "{query:?}");
        }
    }
}
