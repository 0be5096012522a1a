use std::fmt;

/// Text about a person or from the shop's own records (`userIdentity`,
/// `additionalData`, `description`, the customer's address): it goes where it
/// is asked for and never into `Debug`, and through that never into a log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Private(String);

impl Private {
    /// Takes the text into keeping.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}
