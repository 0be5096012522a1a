use bytes::Bytes;
use http::{Method, Request, Response, header};
use jibit_hyper::{HyperTransport, Transport as _};

use crate::report::Failure;

/// A customer's browser, as far as the demo needs one.
pub(super) struct Customer(HyperTransport);

impl Customer {
    pub(super) const fn new(transport: HyperTransport) -> Self {
        Self(transport)
    }

    /// Buys at the shop; the page to pay on is where the shop sends us.
    pub(super) async fn buy(&self, shop: &str) -> Result<String, Failure> {
        let sent_on = self.send(Method::POST, &format!("{shop}/buy")).await?;
        location(&sent_on)
    }

    /// Looks at the page and presses “pay”; the shop is where it sends us.
    pub(super) async fn pay(&self, page: &str) -> Result<String, Failure> {
        let shown = self.send(Method::GET, page).await?;
        if !shown.status().is_success() {
            return Err(unexpected(&shown));
        }
        let sent_on = self.send(Method::POST, &format!("{page}/pay")).await?;
        location(&sent_on)
    }

    /// Goes where the page sends the browser.
    pub(super) async fn follow(&self, url: &str) -> Result<(), Failure> {
        let shown = self.send(Method::GET, url).await?;
        if shown.status().is_success() {
            Ok(())
        } else {
            Err(unexpected(&shown))
        }
    }

    async fn send(&self, method: Method, url: &str) -> Result<Response<Bytes>, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(url)
            .body(Bytes::new())
            .map_err(|error| bug(&error.to_string()))?;
        (self.0.send(request).await).map_err(|error| bug(&error.to_string()))
    }
}

fn location(answer: &Response<Bytes>) -> Result<String, Failure> {
    (answer.headers().get(header::LOCATION))
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
        .ok_or_else(|| unexpected(answer))
}

fn unexpected(answer: &Response<Bytes>) -> Failure {
    bug(&format!("a page answered {}", answer.status()))
}

fn bug(what: &str) -> Failure {
    Failure::configuration(format!("the demo broke: {what}; report this as a bug"))
}
