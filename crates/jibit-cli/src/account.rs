//! From settings to a client.

use std::{
    env, fs,
    io::{self, IsTerminal as _},
    path::Path,
};

use jibit_hyper::{Client, Config, HyperTransport, Roots, Secret};
use jibit_proto::{BaseUrl, HttpHosts};

use crate::{args::Settings, report::Failure};

/// Whether a command moves money.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moves {
    Money,
    Nothing,
}

/// A client for the account that the settings name.
pub(crate) fn client(settings: &Settings, moves: Moves) -> Result<Client, Failure> {
    let hosts =
        (settings.allow_http.iter()).fold(HttpHosts::loopback(), |hosts, host| hosts.allow(host));
    let base = BaseUrl::new(&settings.base_url, &hosts)
        .map_err(|invalid| Failure::configuration(invalid.to_string()))?;
    if moves == Moves::Money && !base.is_loopback() && !settings.live {
        return Err(Failure::configuration(format!(
            "this moves money at {}; say so with --live or JIBIT_LIVE=1, or try it at a sandbox \
             (jibit sandbox, then --base-url http://127.0.0.1:8090)",
            base.origin()
        )));
    }
    let username = settings.username.as_deref().ok_or_else(|| {
        Failure::configuration("username is missing; give --username or JIBIT_USERNAME")
    })?;
    let mut config = Config::new(&settings.base_url, username, password(settings)?)
        .attempt_timeout(settings.timeout)
        .deadline(settings.deadline);
    for host in &settings.allow_http {
        config = config.allow_http(host);
    }
    let transport = HyperTransport::builder();
    // A machine without authorities can still reach a gateway without TLS.
    let transport = if base.origin().starts_with("http:") {
        transport.roots(Roots::none())
    } else {
        transport
    };
    Ok(jibit_hyper::client_with(config, transport.build()?)?)
}

fn password(settings: &Settings) -> Result<Secret, Failure> {
    if let Some(file) = &settings.password_file {
        return read(file, "--password-file");
    }
    if let Some(password) = env::var_os("JIBIT_PASSWORD") {
        let password = password
            .into_string()
            .map_err(|_| Failure::configuration("JIBIT_PASSWORD is not UTF-8; set it anew"))?;
        return Ok(Secret::new(password));
    }
    if let Some(file) = env::var_os("JIBIT_PASSWORD_FILE") {
        return read(Path::new(&file), "JIBIT_PASSWORD_FILE");
    }
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        let password = rpassword::prompt_password("Password: ")
            .map_err(|error| Failure::configuration(format!("password cannot be read: {error}")))?;
        return Ok(Secret::new(password));
    }
    Err(Failure::configuration(
        "password is missing; set JIBIT_PASSWORD or JIBIT_PASSWORD_FILE, or give --password-file",
    ))
}

fn read(file: &Path, setting: &str) -> Result<Secret, Failure> {
    let text = fs::read_to_string(file).map_err(|error| {
        Failure::configuration(format!(
            "{setting}: {} cannot be read: {error}",
            file.display()
        ))
    })?;
    // Editors end a file with a line break that is no part of the password.
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}
