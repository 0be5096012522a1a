use std::path::Path;

use jibit_hyper::Secret;
use jibit_sandbox::{FaultPlan, PlanError, Settings as Gateway};
use serde::Serialize;

use crate::{
    args::{Sandbox, Settings},
    interrupt, print_line,
    report::{Failure, Report, to_json},
    secret,
};

#[derive(Serialize)]
struct Listening<'a> {
    listening: &'a str,
    dashboard: &'a str,
}

fn plan_in(file: &Path) -> Result<FaultPlan, Failure> {
    let failed = |why: String| Failure::usage(format!("faults-file: {} {why}", file.display()));
    let text = std::fs::read_to_string(file)
        .map_err(|error| failed(format!("cannot be read: {error}")))?;
    text.parse()
        .map_err(|error: PlanError| failed(format!("holds no plan: {error}")))
}

/// Runs until the process is told to end.
pub(crate) async fn run(args: Sandbox, common: &Settings) -> Result<Option<Report>, Failure> {
    let mut merchants = Vec::new();
    for merchant in &args.merchants {
        match merchant.split_once(':') {
            Some((id, password)) if !id.is_empty() && !password.is_empty() => {
                merchants.push((id, Secret::new(password)));
            }
            _ => {
                return Err(Failure::usage(
                    "merchant is not an id and a password with a colon between; give one such as 7746:123456",
                ));
            }
        }
    }
    let plan = match args.faults_file {
        Some(file) => plan_in(&file)?,
        None => args.faults.unwrap_or_default(),
    };
    let mut settings = Gateway::default()
        .merchants(merchants)
        .profile(args.profile.into())
        .returning(args.returning)
        .verify_window(args.verify_window)
        .window_from(args.window_from.into())
        .unpaid_expiry(args.unpaid_expiry)
        .token_life(args.token_life)
        .refresh_life(args.refresh_life)
        .max_orders(args.max_orders);
    for (quirk, on) in args.quirks {
        settings = settings.quirk(quirk, on);
    }
    for name in &args.shop_names {
        let (id, name) = name.split_once('=').ok_or_else(|| {
            Failure::usage(
                "shop-name is not an id and a name with = between; give one such as 7746=Books",
            )
        })?;
        settings = settings.shop_name(id, name);
    }
    let token = secret::read(&secret::CONTROL_TOKEN, common.control_token_file.as_deref())?;
    let closed = token.is_none() && !args.listen.ip().is_loopback();
    if let Some(token) = token {
        settings = settings.control_token(token);
    }
    raise_open_files();
    let sandbox = jibit_sandbox::Sandbox::bind(args.listen, settings)
        .await
        .map_err(|error| {
            Failure::configuration(format!("listen: {} cannot be used: {error}", args.listen))
        })?;
    if !plan.is_empty() {
        eprintln!("faults by plan; to run them again: --faults '{plan}'");
        sandbox.arm(plan);
    }
    let url = sandbox.url();
    let dashboard = format!("{url}/_sandbox/");
    print_line(&if common.json {
        to_json(&Listening {
            listening: &url,
            dashboard: &dashboard,
        })
    } else {
        format!("listening on {url}\ndashboard at {dashboard}")
    });
    if closed {
        tracing::warn!(
            "the controls and the dashboard are closed, since others reach {}; give a token by \
             JIBIT_CONTROL_TOKEN or --control-token-file to open them",
            args.listen
        );
    }
    interrupt::pressed().await;
    Ok(None)
}

/// Each connection takes an open file, and the usual limit of 1,024 is for
/// programs of another kind.
fn raise_open_files() {
    const ENOUGH: u64 = 20_000;
    match rlimit::increase_nofile_limit(ENOUGH) {
        Ok(limit) if limit >= ENOUGH => {}
        Ok(limit) => tracing::warn!(
            "this system lets a program open {limit} files, so about as many connections are served \
             at a time; raise the hard limit (ulimit -Hn) for more"
        ),
        Err(error) => tracing::warn!("the limit of open files cannot be raised: {error}"),
    }
}
