use jibit_hyper::Certainty;
use serde::Serialize;

use crate::{
    account::{self, Moves},
    args::Settings,
    interrupt,
    report::{Failure, Report},
};

#[derive(Serialize)]
struct Authenticated<'a> {
    authenticated: bool,
    username: &'a str,
}

pub(crate) async fn run(settings: &Settings) -> Result<Report, Failure> {
    let account = account::open(settings, Moves::Nothing)?;
    tokio::select! {
        authenticated = account.client.authenticate() => authenticated?,
        // Somebody may have been given tokens.
        () = interrupt::pressed() => return Err(Failure::interrupted(Certainty::Unknown)),
    }
    let username = settings.username.as_deref().unwrap_or_default();
    let json = Authenticated {
        authenticated: true,
        username,
    };
    Ok(Report::new(
        &json,
        format!("The gateway accepts the credentials of {username}."),
    ))
}
