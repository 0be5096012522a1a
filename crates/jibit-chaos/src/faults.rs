//! What the gateway does to a third of the calls.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use jibit_hyper::{HyperTransport, Transport as _};
use jibit_sandbox::{FaultPlan, Operation, Sandbox};
use serde_json::Value;

use crate::{Outcome, said, seed::Seed};

/// Each strikes by itself, so together they strike a third. Tokens die rarely: nobody
/// logs in twice within five seconds, and shops live no longer here. None is a lie about an
/// amount or an order: what a person has to decide is never fulfilled by itself.
const RULES: &str = "\
any before chance=5% reset; any before chance=4% status=503; any before chance=2% html
any before chance=2% drop; any before chance=1% hang; any before chance=1% too-many=1
any before every=150 unauthorized; any before every=190 revoke
any after chance=5% reset; any after chance=3% drop; any after chance=3% status=502
any after chance=2% garbage; any after chance=1% no-error-code; any after chance=1% hang
any after chance=3% delay=300ms; any after chance=1% gzip; any after chance=1% error=9
any after chance=1% skew=-3600; any after chance=2% verified-again
any body chance=3% cut=10; any body chance=1% dribble=5ms; any body chance=1% huge
";

/// The plan of a run.
pub(crate) fn plan(seed: Seed) -> Outcome<FaultPlan> {
    format!("seed={}; {RULES}", seed.0).parse().map_err(said)
}

/// How many requests arrived at the gateway, and what they met.
#[derive(Debug, Default)]
pub(crate) struct Struck {
    pub(crate) calls: u64,
    /// By kind, such as `after reset`.
    pub(crate) kinds: BTreeMap<String, u64>,
}

impl Struck {
    pub(crate) fn total(&self) -> u64 {
        self.kinds.values().sum()
    }

    /// What the armed plan has done so far.
    pub(crate) async fn so_far(sandbox: &Sandbox, by: &HyperTransport) -> Outcome<Self> {
        let calls = Operation::ALL.into_iter().map(|it| sandbox.arrived(it));
        let shown = read(sandbox, by, "faults").await?;
        let plan = (shown.get("plan").and_then(Value::as_str)).ok_or("no plan is armed")?;
        let counts = (shown.get("struck").and_then(Value::as_array)).ok_or("nothing is counted")?;
        // The line begins with its seed.
        let rules = plan.split("; ").skip(1);
        let mut kinds = BTreeMap::new();
        for (rule, count) in rules.zip(counts) {
            let words: Vec<_> = rule.split(' ').collect();
            if let [_, phase, _, what, ..] = *words {
                let kind = format!("{phase} {what}");
                *kinds.entry(kind).or_default() += count.as_u64().unwrap_or_default();
            }
        }
        Ok(Self {
            calls: calls.sum(),
            kinds,
        })
    }
}

/// One of the sandbox's controls.
pub(crate) async fn read(sandbox: &Sandbox, by: &HyperTransport, what: &str) -> Outcome<Value> {
    let request = Request::get(format!("{}/_sandbox/{what}", sandbox.url()));
    let request = request.body(Bytes::new()).map_err(said)?;
    let answer = by.send(request).await.map_err(said)?;
    serde_json::from_slice(answer.body()).map_err(said)
}
