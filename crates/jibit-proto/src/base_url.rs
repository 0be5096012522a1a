use core::net::IpAddr;
use std::{collections::BTreeSet, fmt};

use bytes::Bytes;
use http::{
    Uri,
    uri::{Authority, Parts, PathAndQuery},
};

use crate::{InvalidInput, OrderId};

/// The longest URL that is taken or given out.
const MAX_LEN: usize = 2048;

/// The hosts that may be reached by plain http: loopback always, others only
/// by name.
#[derive(Clone, Debug, Default)]
pub struct HttpHosts(BTreeSet<String>);

impl HttpHosts {
    /// Loopback only.
    #[must_use]
    pub fn loopback() -> Self {
        Self::default()
    }

    /// Also `host`, exactly as it stands in the URL (any case, no port).
    /// Whoever listens on the way reads tokens and amounts.
    #[must_use]
    pub fn allow(mut self, host: &str) -> Self {
        self.0.insert(host.to_ascii_lowercase());
        self
    }

    fn contains(&self, host: &str) -> bool {
        is_loopback(host) || self.0.contains(&host.to_ascii_lowercase())
    }
}

/// Whether a URL's host is this machine.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Reads an absolute http or https URL that carries no user info and no
/// character that could change a header, a log line or a redirect.
fn absolute(field: &'static str, text: &str, remedy: &'static str) -> Result<Uri, InvalidInput> {
    let invalid = |problem| InvalidInput::new(field, problem, remedy);
    if text.len() > MAX_LEN {
        return Err(invalid("is longer than 2048 bytes"));
    }
    let unfit = |byte: &u8| !byte.is_ascii_graphic() || b"\\\"<>".contains(byte);
    if let Some(byte) = text.bytes().find(unfit) {
        return Err(invalid(match byte {
            // Browsers read a backslash as a slash; the URL would name another host there
            // than here.
            b'\\' => "holds a backslash",
            // No URL may (RFC 3986), and in a page that forgets to escape they end the link.
            b'"' | b'<' | b'>' => {
                "holds a quotation mark or an angle bracket that is not percent-encoded"
            }
            _ => "holds blanks, control or non-ASCII characters that are not percent-encoded",
        }));
    }
    let uri: Uri = text.parse().map_err(|_| invalid("is not a URL"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(invalid("is not an http or https URL"));
    }
    let authority = uri.authority().map_or("", Authority::as_str);
    if authority.contains('@') {
        return Err(invalid("carries user info"));
    }
    let host = uri.host().unwrap_or_default();
    if host.is_empty() {
        return Err(invalid("has no host"));
    }
    // A port that does not parse reads as none, which would name another origin.
    if authority != host && uri.port_u16().is_none_or(|port| port == 0) {
        return Err(invalid("has a port that is not 1 to 65535"));
    }
    Ok(uri)
}

/// Refuses plain http to a host that is neither loopback nor allowed.
fn private(field: &'static str, uri: &Uri, hosts: &HttpHosts) -> Result<(), InvalidInput> {
    if uri.scheme_str() == Some("https") || uri.host().is_some_and(|host| hosts.contains(host)) {
        return Ok(());
    }
    Err(InvalidInput::new(
        field,
        "is plain http to a host that is not loopback",
        "use https, or allow this host by name",
    ))
}

/// Where the gateway is: the only origin that is ever called. It may carry a
/// path prefix.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    origin: String,
    prefix: String,
    /// Where orders are registered; the other URLs share its parts.
    initiate: Uri,
}

impl BaseUrl {
    /// The document's base URL, `https://pg.jibit.mobi`.
    pub const PRODUCTION: &'static str = "https://pg.jibit.mobi";

    /// Reads a base URL.
    ///
    /// # Errors
    ///
    /// If it is not an absolute https URL without user info, query and
    /// fragment; plain http passes for `hosts` only.
    pub fn new(text: &str, hosts: &HttpHosts) -> Result<Self, InvalidInput> {
        const FIELD: &str = "base URL";
        let uri = absolute(FIELD, text, "give a URL such as https://pg.jibit.mobi")?;
        private(FIELD, &uri, hosts)?;
        if text.contains(['?', '#']) {
            return Err(InvalidInput::new(
                FIELD,
                "has a query or a fragment",
                "leave both away",
            ));
        }
        // Equal origins must read equal: case and a default port do not count.
        let scheme = uri.scheme_str().unwrap_or_default();
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        let port = match (scheme, uri.port_u16()) {
            ("https", Some(443)) | ("http", Some(80)) | (_, None) => String::new(),
            (_, Some(port)) => format!(":{port}"),
        };
        let origin = format!("{scheme}://{host}{port}");
        let prefix = uri.path().trim_end_matches('/').to_owned();
        let initiate = format!("{origin}{prefix}/order/initiate");
        Ok(Self {
            initiate: initiate.parse().map_err(|_| not_a_url())?,
            origin,
            prefix,
        })
    }

    /// Scheme, host and port: with the merchant id, what an account is.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether the gateway is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        (self.origin.parse::<Uri>()).is_ok_and(|uri| uri.host().is_some_and(is_loopback))
    }

    /// Whether tokens and amounts travel unencrypted beyond this machine.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        self.origin.starts_with("http:") && !self.is_loopback()
    }

    /// The URL of `path`, which begins with a slash and is encoded already, or of
    /// `order` under it.
    pub(crate) fn join(
        &self,
        path: &'static str,
        order: Option<&OrderId>,
    ) -> Result<Uri, InvalidInput> {
        let order = order.map(OrderId::path_segment).unwrap_or_default();
        let path = Bytes::from([&self.prefix, path, &order].concat());
        let path = PathAndQuery::from_maybe_shared(path).map_err(|_| not_a_url())?;
        let mut parts = Parts::default();
        parts.scheme = self.initiate.scheme().cloned();
        parts.authority = self.initiate.authority().cloned();
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).map_err(|_| not_a_url())
    }

    /// Where orders are registered.
    pub(crate) const fn initiate(&self) -> &Uri {
        &self.initiate
    }
}

/// What cannot be of what was read as one.
const fn not_a_url() -> InvalidInput {
    InvalidInput::new("base URL", "is not a URL", "give an https URL")
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.prefix)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where the gateway sends the customer's browser afterwards (`callBackUrl`).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CallbackUrl(String);

impl CallbackUrl {
    /// Reads a callback URL; plain http passes, as in the document's sample.
    ///
    /// # Errors
    ///
    /// If it is not an absolute http or https URL in ASCII, or carries user info.
    pub fn new(text: &str) -> Result<Self, InvalidInput> {
        absolute(
            "callBackUrl",
            text,
            "give a URL such as https://shop.example/return",
        )?;
        Ok(Self(text.to_owned()))
    }

    /// The URL as it was given, with its query and fragment.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CallbackUrl {
    // The query carries the attempt's code; whoever knows it can make us ask.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.split(['?', '#']).next().unwrap_or_default())
    }
}

/// Where to send the customer's browser to pay (`redirectUrl`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RedirectUrl(String);

impl RedirectUrl {
    /// Reads the gateway's redirect URL.
    ///
    /// # Errors
    ///
    /// If it is not https (http passes for `hosts`), carries user info or
    /// control characters: no redirect may be given out then.
    pub fn new(text: &str, hosts: &HttpHosts) -> Result<Self, InvalidInput> {
        const FIELD: &str = "redirectUrl";
        private(
            FIELD,
            &absolute(FIELD, text, "do not send anyone there")?,
            hosts,
        )?;
        Ok(Self(text.to_owned()))
    }

    /// The URL as the gateway gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
