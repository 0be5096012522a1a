//! `jibit pay`, `jibit cancel`, `jibit advance`: what a sandbox does on request.

use std::time::{Duration, SystemTime};

use http::{Method, Request, header};
use jibit_hyper::{HyperTransport, Roots, Transport as _};
use jibit_proto::{BaseUrl, HttpHosts, OrderId};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    args::{Advance, Settings, Touch},
    report::{Failure, Report},
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
    let base = BaseUrl::new(&settings.base_url, &HttpHosts::loopback())
        .map_err(|invalid| Failure::configuration(invalid.to_string()))?;
    if !base.is_loopback() {
        return Err(Failure::configuration(format!(
            "{} is no sandbox on this machine; give one with --base-url or JIBIT_BASE_URL, such as \
             http://127.0.0.1:8090",
            base.origin()
        )));
    }
    let url = format!(
        "{}/_sandbox/{path}",
        settings.base_url.trim_end_matches('/')
    );
    let body = serde_json::to_vec(body).unwrap_or_default();
    let request = Request::builder()
        .method(method)
        .uri(url)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.into())
        .map_err(|error| Failure::configuration(error.to_string()))?;
    let transport = HyperTransport::builder().roots(Roots::none()).build()?;
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
