use std::fmt;

use http::HeaderValue;
use zeroize::Zeroizing;

use crate::InvalidInput;

/// A password or a token: it can be sent, and not printed or compared.
///
/// There is no `Display` and no `PartialEq`; `Debug` writes `[redacted]`; its
/// memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the secret text into keeping.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself, for the one place that must send or store it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `Bearer <secret>` as a header value that is marked sensitive.
    ///
    /// # Errors
    ///
    /// If the secret holds anything but visible ASCII, which would change
    /// the header.
    pub fn bearer(&self) -> Result<HeaderValue, InvalidInput> {
        let invalid = || {
            InvalidInput::new(
                "token",
                "is empty or holds blanks, control or non-ASCII characters",
                "authenticate again",
            )
        };
        if self.0.is_empty() || !self.0.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(invalid());
        }
        let text = Zeroizing::new(format!("Bearer {}", self.expose()));
        let mut value = HeaderValue::from_str(&text).map_err(|_| invalid())?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
