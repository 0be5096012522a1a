use std::{collections::BTreeSet, fmt, str::FromStr};

/// How answers are written: a set of [`Quirk`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// As the document's samples print them: inquiry answers a bare object
    /// with `statusV`, a blank before `merchantOrderId`, and `clientIp`.
    #[default]
    Printed,
    /// As the rest of the document would have it: inquiry answers in the
    /// envelope, with `status`, no blank, and `clientIP`.
    Tidy,
}

macro_rules! quirks {
    ($($(#[$doc:meta])* $quirk:ident = $name:literal,)*) => {
        /// A peculiarity of the gateway: one that the document prints, one that others saw,
        /// or one that nobody can rule out.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Quirk {
            $($(#[$doc])* $quirk,)*
        }

        impl Quirk {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$quirk,)*];

            /// Its name at the prompt.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$quirk => $name,)*
                }
            }
        }
    };
}

quirks! {
    /// Inquiry answers without the envelope. Printed.
    BareInquiry = "bare-inquiry",
    /// Inquiry says `statusV` for `status`. Printed.
    StatusV = "status-v",
    /// Inquiry writes a blank before `merchantOrderId`. Printed.
    BlankBeforeId = "blank-before-id",
    /// Inquiry says `clientIp` for `clientIP`. Printed.
    SmallClientIp = "small-client-ip",
    /// A dead token is an errorCode of 401 inside a 200.
    UnauthorizedInside200 = "unauthorized-inside-200",
    /// `amount` is written as text.
    AmountAsText = "amount-as-text",
    /// `refId` is written as a number.
    RefIdAsNumber = "ref-id-as-number",
    /// `refId` is left out.
    NoRefId = "no-ref-id",
    /// A login ends the tokens of the logins before it.
    LoginEndsOlderTokens = "login-ends-older-tokens",
    /// A refresh token works more than once.
    RefreshTokenLives = "refresh-token-lives",
    /// A second verify succeeds.
    VerifiedAgain = "verified-again",
}

impl fmt::Display for Quirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that no quirk has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no quirk has that name; docs/sandbox.md lists them")]
pub struct UnknownQuirk;

impl FromStr for Quirk {
    type Err = UnknownQuirk;

    fn from_str(text: &str) -> Result<Self, UnknownQuirk> {
        let found = Self::ALL.iter().find(|quirk| quirk.as_str() == text);
        found.copied().ok_or(UnknownQuirk)
    }
}

impl Profile {
    /// The quirks that the profile is made of.
    pub(crate) fn quirks(self) -> BTreeSet<Quirk> {
        match self {
            Self::Printed => BTreeSet::from([
                Quirk::BareInquiry,
                Quirk::StatusV,
                Quirk::BlankBeforeId,
                Quirk::SmallClientIp,
            ]),
            Self::Tidy => BTreeSet::new(),
        }
    }
}
