use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use zeroize::Zeroizing;

use crate::{InvalidInput, wire};

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

    /// The secret as what authorizes a request.
    ///
    /// # Errors
    ///
    /// If the secret holds anything but visible ASCII, which would change
    /// the header.
    pub fn bearer(&self) -> Result<Bearer, InvalidInput> {
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
        let text = Zeroizing::new(format!("Bearer {}", self.expose()).into_bytes());
        // All requests' headers share this memory: the last one wipes it.
        let mut value =
            HeaderValue::from_maybe_shared(Bytes::from_owner(text)).map_err(|_| invalid())?;
        value.set_sensitive(true);
        let mut headers = HeaderMap::with_capacity(2);
        headers.insert(header::CONTENT_TYPE, wire::JSON);
        headers.insert(header::AUTHORIZATION, value);
        Ok(Bearer(Arc::new(headers)))
    }
}

/// A token as requests carry it, in `Authorization: Bearer <token>`: made once, and
/// shared by all of them.
///
/// The header is marked sensitive, so `Debug` does not show it; its memory is wiped
/// with the last request.
#[derive(Clone, Debug)]
pub struct Bearer(Arc<HeaderMap>);

impl Bearer {
    /// All headers of a request that the token authorizes.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
