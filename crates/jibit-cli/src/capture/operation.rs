//! What a shop asks for, by its request's method and path.

use http::Method;

/// An operation of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Authenticate,
    Refresh,
    Initiate,
    Verify,
    Inquiry,
}

impl Operation {
    pub(super) const ALL: [Self; 5] = [
        Self::Authenticate,
        Self::Refresh,
        Self::Initiate,
        Self::Verify,
        Self::Inquiry,
    ];

    /// The one that is asked for, if it is one of the five.
    pub(super) fn asked(method: &Method, path: &str) -> Option<Self> {
        match (method, path) {
            (&Method::POST, "/authenticate") => Some(Self::Authenticate),
            (&Method::POST, "/authenticate/refresh") => Some(Self::Refresh),
            (&Method::POST, "/order/initiate") => Some(Self::Initiate),
            (&Method::POST, path) => {
                let order = path.strip_prefix("/order/verify/")?;
                is_segment(order).then_some(Self::Verify)
            }
            (&Method::GET, path) => {
                let order = path.strip_prefix("/order/inquiry/")?;
                is_segment(order).then_some(Self::Inquiry)
            }
            _ => None,
        }
    }

    /// Its name, which is also the name of its folder.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::Refresh => "refresh",
            Self::Initiate => "initiate",
            Self::Verify => "verify",
            Self::Inquiry => "inquiry",
        }
    }
}

/// Whether a path's end is one step that stays in its place: `..` would name
/// something else at the upstream, encoded or not.
fn is_segment(text: &str) -> bool {
    let plain = text.to_ascii_lowercase().replace("%2e", ".");
    !matches!(plain.as_str(), "" | "." | "..") && !text.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_five_operations_are_known() {
        for operation in Operation::ALL {
            let (method, path) = match operation {
                Operation::Authenticate => (Method::POST, "/authenticate"),
                Operation::Refresh => (Method::POST, "/authenticate/refresh"),
                Operation::Initiate => (Method::POST, "/order/initiate"),
                Operation::Verify => (Method::POST, "/order/verify/7wv%2Fk"),
                Operation::Inquiry => (Method::GET, "/order/inquiry/7wvkgrn0"),
            };
            assert_eq!(Operation::asked(&method, path), Some(operation));
            assert_eq!(Operation::asked(&Method::PUT, path), None);
        }
        for wrong in [
            "/",
            "/order/verify/",
            "/order/verify/..",
            "/order/verify/%2E.",
            "/order/verify/a/b",
            "//authenticate",
            "/authenticate/",
            "/_sandbox/reset",
        ] {
            assert_eq!(Operation::asked(&Method::POST, wrong), None, "{wrong}");
        }
    }
}
