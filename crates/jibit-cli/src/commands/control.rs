//! `jibit pay`, `jibit cancel`, `jibit advance`: what a sandbox does on request.

use std::time::{Duration, SystemTime};

use http::{HeaderValue, Method, Request, header};
use jibit_hyper::Transport as _;
use jibit_proto::{BaseUrl, HttpHosts, OrderId};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    account::{self, Moves},
    args::{Advance, Settings, Touch},
    report::{Failure, Report},
    secret,
};

/// Presses a button of the customer's page.
pub(crate) async fn press(
    settings: &Settings,
    args: &Touch,
    button: &str,
) -> Result<Report, Failure> {
    let order: OrderId = args.order_id.parse()?;
    let path = format!("orders/{}/{button}", order.path_segment());
    let answer = ask(settings, Method::POST, &path, &json!({})).await?;
    let text = format!(
        "Order {order} is {}. The browser would go to\n{}",
        word(&answer, "status"),
        word(&answer, "returnUrl"),
    );
    Ok(Report::new(&answer, text))
}

/// Puts the sandbox's clock forward.
pub(crate) async fn advance(settings: &Settings, args: &Advance) -> Result<Report, Failure> {
    let seconds = json!({ "seconds": args.time.as_secs() });
    let answer = ask(settings, Method::POST, "clock/advance", &seconds).await?;
    let millis = answer.get("unixMillis").and_then(Value::as_u64);
    let now = Duration::from_millis(millis.unwrap_or_default());
    let now = SystemTime::UNIX_EPOCH.checked_add(now);
    let now = now.map(httpdate::fmt_http_date).unwrap_or_default();
    Ok(Report::new(
        &answer,
        format!("The sandbox's clock says {now}."),
    ))
}

/// Asks a sandbox for something that no gateway does.
pub(crate) async fn ask(
    settings: &Settings,
    method: Method,
    path: &str,
    body: &impl Serialize,
) -> Result<Value, Failure> {
    let base = account::gateway(&settings.base_url, "--base-url", settings, Moves::Nothing)?;
    let token = secret::read(
        &secret::CONTROL_TOKEN,
        settings.control_token_file.as_deref(),
    )?;
    // The token is a sandbox's: nobody else gets to see it.
    // By origin, since one URL has many spellings.
    let production = BaseUrl::new(BaseUrl::PRODUCTION, &HttpHosts::loopback());
    let is_production = production.is_ok_and(|production| production.origin() == base.origin());
    if is_production || !base.is_loopback() && token.is_none() {
        return Err(Failure::configuration(format!(
            "{} is no sandbox on this machine; give one with --base-url or JIBIT_BASE_URL, such as \
             http://127.0.0.1:8090, or the control token of one elsewhere by JIBIT_CONTROL_TOKEN",
            base.origin()
        )));
    }
    let url = format!(
        "{}/_sandbox/{path}",
        settings.base_url.trim_end_matches('/')
    );
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut request = Request::builder()
        .method(method)
        .uri(url)
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(token) = token {
        let mut bearer =
            HeaderValue::try_from(format!("Bearer {}", token.expose())).map_err(|_| {
                Failure::configuration("the control token has characters that no header takes")
            })?;
        bearer.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, bearer);
    }
    let request = request
        .body(body.into())
        .map_err(|error| Failure::configuration(error.to_string()))?;
    let transport = account::transport(&base).build()?;
    let answer = tokio::time::timeout(settings.timeout, transport.send(request))
        .await
        .map_err(|_| Failure::unreachable("no answer in time".to_owned()))?
        .map_err(|error| Failure::unreachable(crate::report::with_sources(&error)))?;
    let status = answer.status();
    let answer: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    if let Some(code) = answer.get("errorCode").and_then(Value::as_i64) {
        return Err(Failure::refused(word(&answer, "message"), code));
    }
    if !status.is_success() || !answer.is_object() {
        let message = format!("{} is no sandbox: it answers HTTP {status}", base.origin());
        return Err(Failure::configuration(message));
    }
    Ok(answer)
}

fn word(answer: &Value, key: &str) -> String {
    let word = answer.get(key).and_then(Value::as_str);
    word.unwrap_or_default().to_owned()
}
