//! `jibit faults`: the plan by which a sandbox fails.

use http::Method;
use serde_json::{Value, json};

use super::control::ask;
use crate::{
    args::{FaultsAction, Settings},
    report::{Failure, Report},
};

pub(crate) async fn run(
    settings: &Settings,
    action: Option<FaultsAction>,
) -> Result<Report, Failure> {
    let (method, body) = match action {
        None | Some(FaultsAction::Show) => (Method::GET, json!({})),
        Some(FaultsAction::Set { plan }) => {
            // Read here too, where what is wrong with it can be said.
            let plan: jibit_sandbox::FaultPlan = plan
                .parse()
                .map_err(|error: jibit_sandbox::PlanError| Failure::usage(error.to_string()))?;
            (Method::POST, json!({ "plan": plan.to_string() }))
        }
        Some(FaultsAction::Clear) => (Method::DELETE, json!({})),
    };
    let answer = ask(settings, method, "faults", &body).await?;
    let plan = answer
        .get("plan")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let struck = answer.get("struck").and_then(Value::as_array);
    let struck = struck.into_iter().flatten().map(Value::to_string);
    let struck = struck.collect::<Vec<_>>().join(", ");
    let text = if struck.is_empty() {
        "No request is struck.".to_owned()
    } else {
        format!("{plan}\nstruck so far, by rule: {struck}")
    };
    Ok(Report::new(&answer, text))
}
